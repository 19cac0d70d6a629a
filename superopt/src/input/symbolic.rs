//! The domain that whole functions are executed in: terms, with the function's own stack frame kept apart from memory.
//!
//! The problem: code without optimisation keeps its variables on the stack, and a frame is nobody else's business:
//! two functions are equal also when their frames differ. But a memory as one array would compare them, and every
//! store through a pointer would seem to overwrite the variables.
//!
//! So bytes below the entry's stack pointer are variables of their own, found by their constant distance from it.
//! Sound because: the caller has nothing there; every address that depends on the stack pointer is such a distance,
//! or the function is refused; no such address is ever stored elsewhere, or the function is refused. The entry's stack
//! pointer is `16 n + 8`, as the calling convention has it at a function's first instruction.
//!
//! Read-only constants and entries of the global offset table are known values, read without an access.

use super::error::Refusal;
use super::object::ConstantData;
use crate::handed_on::handed_on;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use trinity_codegen::isa::{BinOp, Domain, Node, TermId, TermPool};

/// Memory: what everyone sees, and the frame by distance from the entry's stack pointer.
#[derive(Clone, Debug)]
pub struct Memory {
    /// A memory term.
    pub heap: TermId,
    /// Bytes of the frame that were written.
    pub frame: Arc<BTreeMap<i64, Byte>>,
}

/// A byte of the frame as a part of the word that was stored there. What is loaded whole is then the very word that was
/// stored, and not its bytes put together again, which hides sums and products from everything that reads terms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Byte {
    /// The word.
    word: TermId,
    /// Its bit where the byte begins.
    lo: u32,
}

/// What an address is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Where {
    /// In the frame, or at the return address (0 to 7), at this distance.
    Frame(i64),
    /// In read-only constants or the table of addresses, or elsewhere known.
    Constant,
    /// Anywhere else.
    Heap,
}

/// Symbols that both programs of a question share.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    addresses: HashMap<String, TermId>,
    tables: HashMap<TermId, TermId>,
    constants: HashMap<TermId, Vec<u8>>,
    names: HashMap<String, TermId>,
}

impl Symbols {
    /// The address of a symbol.
    pub fn address(&mut self, pool: &mut TermPool, name: &str) -> TermId {
        if let Some(t) = self.addresses.get(name) {
            return *t;
        }
        let t = pool.var(&format!("address_of_{}", identifier(name)), 64);
        self.addresses.insert(name.to_owned(), t);
        t
    }
    /// The address of a symbol's entry in the global offset table.
    pub fn table(&mut self, pool: &mut TermPool, name: &str) -> TermId {
        let symbol = self.address(pool, name);
        let entry = self.address(pool, &format!("{name}@GOT"));
        self.tables.insert(entry, symbol);
        entry
    }
    /// The address of read-only bytes, aligned as their section is.
    pub fn constant(&mut self, pool: &mut TermPool, name: &str, data: &ConstantData) -> TermId {
        if let Some(t) = self.names.get(name) {
            return *t;
        }
        let low = data.align.trailing_zeros().min(12);
        let mut t = pool.var(&format!("address_of_{}", identifier(name)), 64 - low);
        if low > 0 {
            let zero = pool.constant(low, 0);
            t = pool.concat(&t, &zero);
        }
        self.names.insert(name.to_owned(), t);
        self.constants.insert(t, data.bytes.clone());
        t
    }
    /// All symbols with the terms of their addresses; read-only bytes with their contents; entries of the table with
    /// what they hold.
    pub fn all(&self) -> Vec<Symbol<'_>> {
        let plain = self.addresses.iter().map(|(name, term)| Symbol {
            name,
            term: *term,
            bytes: &[],
            entry: self.tables.contains_key(term),
        });
        let data = self.names.iter().map(|(name, term)| Symbol {
            name,
            term: *term,
            bytes: self.constants.get(term).map_or(&[], Vec::as_slice),
            entry: false,
        });
        let mut all: Vec<_> = plain.chain(data).collect();
        all.sort_by(|a, b| a.name.cmp(b.name));
        all
    }
    /// Whether any was mentioned whose address is a variable of the question.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.names.is_empty()
    }
}

/// A symbol that was mentioned.
#[derive(Clone, Copy, Debug)]
pub struct Symbol<'a> {
    /// Its name; `NAME@GOT` for an entry of the table of addresses.
    pub name: &'a str,
    /// Its address.
    pub term: TermId,
    /// Its contents, when they are constant.
    pub bytes: &'a [u8],
    /// Whether it is an entry of the table.
    pub entry: bool,
}

fn identifier(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' {
                c
            } else {
                '_'
            }
        })
        .collect()
}

/// Terms, with a frame. See the module's head.
pub struct Symbolic<'p> {
    /// Where the terms are.
    pub pool: &'p mut TermPool,
    /// The stack pointer at entry.
    pub rsp: TermId,
    /// Shared symbols.
    pub symbols: &'p mut Symbols,
    /// The first thing met that is not covered.
    pub trouble: Option<Refusal>,
    leaf: TermId,
    depends: HashMap<TermId, bool>,
}

impl<'p> Symbolic<'p> {
    /// A domain over a pool; `rsp` is the stack pointer at entry.
    pub fn new(pool: &'p mut TermPool, symbols: &'p mut Symbols, rsp: TermId) -> Symbolic<'p> {
        let leaf = pool
            .reachable(&[rsp])
            .into_iter()
            .find(|t| matches!(pool.node(*t), Node::Var(_)))
            .unwrap_or(rsp);
        Symbolic {
            pool,
            rsp,
            symbols,
            trouble: None,
            leaf,
            depends: HashMap::new(),
        }
    }

    /// The distance of a term from the entry's stack pointer, when it is a constant one.
    pub fn distance(&self, t: TermId) -> Option<i64> {
        if t == self.rsp {
            return Some(0);
        }
        match self.pool.node(t) {
            Node::Bin(BinOp::Add, a, b) if a == self.rsp => {
                self.pool.as_constant(&b).map(|k| k as i64)
            }
            _ => None,
        }
    }

    /// Whether a term is made from the entry's stack pointer.
    pub fn depends(&mut self, t: TermId) -> bool {
        if let Some(d) = self.depends.get(&t) {
            return *d;
        }
        for x in self.pool.reachable(&[t]) {
            if !self.depends.contains_key(&x) {
                let d = x == self.leaf || self.pool.node(x).operands().any(|o| self.depends[&o]);
                self.depends.insert(x, d);
            }
        }
        self.depends[&t]
    }

    fn refuse(&mut self, why: Refusal) {
        self.trouble.get_or_insert(why);
    }

    /// The base and constant offset of an address.
    fn split(&self, t: TermId) -> (TermId, u64) {
        match self.pool.node(t) {
            Node::Bin(BinOp::Add, a, b) => {
                self.pool.as_constant(&b).map_or((t, 0), |k| (a, k as u64))
            }
            _ => (t, 0),
        }
    }

    /// `bytes` bytes of the frame from distance `k` on; neighbours in a stored word are taken from it together.
    fn frame_word(&mut self, m: &Memory, k: i64, bytes: u32) -> Option<TermId> {
        let end = k + i64::from(bytes);
        let (mut at, mut value) = (k, None);
        while at < end {
            let first = match m.frame.get(&at) {
                Some(b) => *b,
                None => Byte {
                    word: self.pool.undefined(8),
                    lo: 0,
                },
            };
            let mut n = 1;
            let follows = |n: u32| {
                m.frame
                    .get(&(at + i64::from(n)))
                    .is_some_and(|b| b.word == first.word && b.lo == first.lo + 8 * n)
            };
            while at + i64::from(n) < end && follows(n) {
                n += 1;
            }
            let part = self.pool.extract(&first.word, first.lo, 8 * n);
            value = Some(match value {
                None => part,
                Some(low) => self.pool.concat(&part, &low),
            });
            at += i64::from(n);
        }
        value
    }

    /// What an address is; refuses those that cannot be told apart from the frame.
    pub fn place(&mut self, addr: TermId) -> Where {
        if let Some(k) = self.distance(addr) {
            return if k < 8 { Where::Frame(k) } else { Where::Heap };
        }
        if self.depends(addr) {
            self.refuse(Refusal::StackIndex);
        }
        let (base, _) = self.split(addr);
        if self.symbols.tables.contains_key(&base) || self.symbols.constants.contains_key(&base) {
            return Where::Constant;
        }
        Where::Heap
    }

    fn constant_load(&mut self, addr: TermId, bytes: u32) -> Option<TermId> {
        let (base, offset) = self.split(addr);
        if let Some(symbol) = self.symbols.tables.get(&base) {
            return (offset == 0 && bytes == 8).then_some(*symbol);
        }
        let data = self.symbols.constants.get(&base)?;
        let from = usize::try_from(offset).ok()?;
        let field = data.get(from..from.checked_add(bytes as usize)?)?;
        let value = field
            .iter()
            .rev()
            .fold(0u128, |v, b| v << 8 | u128::from(*b));
        Some(self.pool.constant(8 * bytes, value))
    }
}

impl Domain for Symbolic<'_> {
    type W = TermId;
    type M = Memory;

    handed_on!(self => self.pool, TermId: constant width as_constant un cmp ite extract concat zext sext fp undefined);
    fn bin(&mut self, op: BinOp, a: &TermId, b: &TermId) -> TermId {
        // `and rsp, -16` is a known distance.
        if op == BinOp::And
            && let (Some(k), Some(mask)) = (self.distance(*a), self.pool.as_constant(b))
            && let low = !(mask as u64)
            && matches!(low, 1 | 3 | 7 | 15)
        {
            let cut = k.wrapping_add(8) & low as i64;
            let k = self.pool.constant(64, (k.wrapping_sub(cut) as u64).into());
            let rsp = self.rsp;
            return self.pool.add(&rsp, &k);
        }
        self.pool.bin(op, a, b)
    }
    fn mapped(&mut self, _: &Memory, _: &TermId, _: u32, _: bool) -> TermId {
        self.pool.bit(true)
    }
    fn load(&mut self, m: &Memory, addr: &TermId, bytes: u32) -> TermId {
        match self.place(*addr) {
            Where::Frame(k) => {
                if k + i64::from(bytes) > 0 {
                    self.refuse(Refusal::ReturnAddress);
                }
                // Loads have at least one byte.
                self.frame_word(m, k, bytes).unwrap_or(*addr)
            }
            Where::Constant => match self.constant_load(*addr, bytes) {
                Some(v) => v,
                None => self.pool.load(&m.heap, addr, bytes),
            },
            Where::Heap => self.pool.load(&m.heap, addr, bytes),
        }
    }
    fn store(&mut self, m: &mut Memory, addr: &TermId, value: &TermId) {
        match self.place(*addr) {
            Where::Frame(k) => {
                let bytes = i64::from(self.pool.term_width(*value) / 8);
                if k + bytes > 0 {
                    self.refuse(Refusal::ReturnAddress);
                }
                let frame = Arc::make_mut(&mut m.frame);
                for i in 0..bytes {
                    let byte = Byte {
                        word: *value,
                        lo: 8 * i as u32,
                    };
                    frame.insert(k + i, byte);
                }
            }
            _ => {
                if self.depends(*value) {
                    self.refuse(Refusal::StackEscape);
                }
                self.pool.store(&mut m.heap, addr, value);
            }
        }
    }
    fn ite_memory(&mut self, c: &TermId, a: &Memory, b: &Memory) -> Memory {
        let heap = self.pool.ite_memory(c, &a.heap, &b.heap);
        if Arc::ptr_eq(&a.frame, &b.frame) {
            return Memory {
                heap,
                frame: a.frame.clone(),
            };
        }
        let mut frame = BTreeMap::new();
        for k in a.frame.keys().chain(b.frame.keys()) {
            let mut at = |m: &Memory| match m.frame.get(k) {
                Some(b) => *b,
                None => Byte {
                    word: self.pool.undefined(8),
                    lo: 0,
                },
            };
            let (mut x, mut y) = (at(a), at(b));
            if x.lo != y.lo || self.pool.term_width(x.word) != self.pool.term_width(y.word) {
                for b in [&mut x, &mut y] {
                    b.word = self.pool.extract(&b.word, b.lo, 8);
                    b.lo = 0;
                }
            }
            let joined = Byte {
                word: self.pool.ite(c, &x.word, &y.word),
                lo: x.lo,
            };
            frame.insert(*k, joined);
        }
        Memory {
            heap,
            frame: Arc::new(frame),
        }
    }
}
