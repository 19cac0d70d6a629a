//! Numbers of values: what has the same number is equal wherever both are defined.
//!
//! Everything that holds only below a block of the dominator tree (which value stands for a number, which expression has
//! one, what is known of its size) is scoped: [`Numbers::mark`] and [`Numbers::undo`] bracket a subtree.
//!
//! A number without a *leader* is one that no value holds at this point: memory that a condition looked at.

use super::conds::FactKey;
use super::memory::AddrKey;
use super::range::Range;
use crate::ir::{BinOp, LoadKind, Pinned, SymbolRef, Type, UnOp, Value};
use crate::opt::hash::FastMap;

/// A number.
pub(super) type Num = u32;

/// What has a number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Key {
    Unary(UnOp, Num),
    Binary(BinOp, Num, Num),
    Address(AddrKey),
    Pinned(Pinned, u32, i32),
    /// Memory at an address in a version.
    Load(LoadKind, AddrKey, u32),
    /// A pure function's result.
    Call(SymbolRef, [Option<Num>; 2]),
    Bool(FactKey, u8),
    Select(FactKey, u8, Num, Num),
}

enum Undo {
    Table(Key, Option<Num>),
    Fact(FactKey, Option<u8>),
    Leader(Num, Option<Value>),
    Range(Num, Range),
}

/// What is known of a number for good.
#[derive(Clone, Copy, Debug)]
pub(super) struct Info {
    /// The first value with it.
    pub def: Option<Value>,
    /// Its bits, if it is a constant.
    pub bits: Option<u64>,
    /// What its definition says of its size.
    pub at_def: Range,
}

/// The numbers, and what holds of them at the current point.
#[derive(Default)]
pub(super) struct Numbers {
    pub info: Vec<Info>,
    leader: Vec<Option<Value>>,
    range: Vec<Range>,
    table: FastMap<Key, Num>,
    facts: FastMap<FactKey, u8>,
    consts: FastMap<(Type, u64), Num>,
    undo: Vec<Undo>,
}

impl Numbers {
    /// A fresh number.
    pub(super) fn fresh(&mut self, def: Option<Value>, range: Range) -> Num {
        self.info.push(Info {
            def,
            bits: None,
            at_def: range,
        });
        self.leader.push(None);
        self.range.push(range);
        let n = self.info.len() as Num - 1;
        if let Some(v) = def {
            self.set_leader(n, v);
        }
        n
    }

    /// The number of a constant, if some value has it; else the value comes from `make`.
    pub(super) fn constant(&mut self, ty: Type, bits: u64, make: impl FnOnce() -> Value) -> Num {
        if let Some(&n) = self.consts.get(&(ty, bits)) {
            return n;
        }
        let v = make();
        let range = match ty {
            Type::I64 => Range::point(bits as i64),
            _ => Range::FULL,
        };
        self.info.push(Info {
            def: Some(v),
            bits: Some(bits),
            at_def: range,
        });
        // Constants stand at the start of the entry: their leaders hold everywhere.
        self.leader.push(Some(v));
        self.range.push(range);
        let n = self.info.len() as Num - 1;
        self.consts.insert((ty, bits), n);
        n
    }

    pub(super) fn mark(&self) -> usize {
        self.undo.len()
    }

    /// Forgets what was learnt since the mark.
    pub(super) fn undo(&mut self, mark: usize) {
        while self.undo.len() > mark {
            match self.undo.pop() {
                Some(Undo::Table(k, old)) => restore(&mut self.table, k, old),
                Some(Undo::Fact(k, old)) => restore(&mut self.facts, k, old),
                Some(Undo::Leader(n, old)) => self.leader[n as usize] = old,
                Some(Undo::Range(n, old)) => self.range[n as usize] = old,
                None => break,
            }
        }
    }

    pub(super) fn get(&self, key: &Key) -> Option<Num> {
        self.table.get(key).copied()
    }

    pub(super) fn insert(&mut self, key: Key, n: Num) {
        let old = self.table.insert(key, n);
        self.undo.push(Undo::Table(key, old));
    }

    /// The value that stands for a number here.
    pub(super) fn leader(&self, n: Num) -> Option<Value> {
        self.leader[n as usize]
    }

    pub(super) fn set_leader(&mut self, n: Num, v: Value) {
        let old = self.leader[n as usize].replace(v);
        self.undo.push(Undo::Leader(n, old));
        self.info[n as usize].def.get_or_insert(v);
    }

    /// The outcomes that a comparison can still have, of those in `all`.
    pub(super) fn fact(&self, key: &FactKey) -> u8 {
        self.facts.get(key).copied().unwrap_or(u8::MAX)
    }

    pub(super) fn set_fact(&mut self, key: FactKey, mask: u8) {
        let old = self.facts.insert(key, mask);
        self.undo.push(Undo::Fact(key, old));
    }

    /// What facts say of a number's size.
    pub(super) fn stored_range(&self, n: Num) -> Range {
        self.range[n as usize]
    }

    pub(super) fn set_range(&mut self, n: Num, r: Range) {
        let old = std::mem::replace(&mut self.range[n as usize], r);
        self.undo.push(Undo::Range(n, old));
    }
}

fn restore<K: std::hash::Hash + Eq, V>(map: &mut FastMap<K, V>, key: K, old: Option<V>) {
    match old {
        Some(v) => map.insert(key, v),
        None => map.remove(&key),
    };
}
