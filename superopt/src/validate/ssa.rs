//! A block of the SSA form, executed in terms.

mod conditions;
mod operations;

use super::domain::{Memory, Terms};
use super::values::Values;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use trinity_codegen::ir::{
    self, Addr, Base, BinOp as B, Block, CallTarget, Clobbers, Function, Inst, InstId, LoadKind,
    MemOp, Opnd, OvfOp, PReg, Pinned, SymbolRef, Term, Value, ValueDef, Width,
};
use trinity_codegen::isa::{BinOp, CmpOp, Domain, TermId};

/// A value: a word, or the words of a vector, the rest repeats the first.
pub type Words = [TermId; 4];

/// Variables of a function, made once.
#[derive(Default)]
pub struct Variables {
    values: HashMap<Value, Words>,
    symbols: HashMap<SymbolRef, TermId>,
    memories: HashMap<InstId, TermId>,
    bases: HashMap<InstId, TermId>,
    start: Option<(TermId, [TermId; 2])>,
}

impl Variables {
    /// The address of a symbol.
    pub fn symbol(&mut self, d: &mut Terms<'_>, s: SymbolRef) -> TermId {
        *self
            .symbols
            .entry(s)
            .or_insert_with(|| d.pool.var(&format!("symbol_{}", s.0), 64))
    }

    /// Memory and pinned registers (thread, base) where a block starts.
    pub fn start(&mut self, d: &mut Terms<'_>) -> (TermId, [TermId; 2]) {
        *self.start.get_or_insert_with(|| {
            let m = d.pool.memory();
            (m, [d.pool.var("thread", 64), d.pool.var("base", 64)])
        })
    }

    /// The first words of the values that are variables.
    pub fn words(&self) -> impl Iterator<Item = (Value, TermId)> {
        self.values.iter().map(|(v, w)| (*v, w[0]))
    }

    fn value(&mut self, d: &mut Terms<'_>, f: &Function, kinds: &Values, v: Value) -> Words {
        if let Some(w) = self.values.get(&v) {
            return *w;
        }
        let lanes = f.ty(v).lanes();
        let mut one = |n: u32| {
            let name = |k: &str| match lanes {
                1 => format!("v{}{k}", v.0),
                _ => format!("v{}_{n}{k}", v.0),
            };
            let narrow = |d: &mut Terms<'_>, w: u32, sign: bool| {
                let x = d.pool.var(&name("n"), w);
                match sign {
                    true => d.pool.sext(&x, 64),
                    false => d.pool.zext(&x, 64),
                }
            };
            match kinds.kind.get(&v) {
                Some(LoadKind::U8) => narrow(d, 8, false),
                Some(LoadKind::S8) => narrow(d, 8, true),
                Some(LoadKind::U16) => narrow(d, 16, false),
                Some(LoadKind::S16) => narrow(d, 16, true),
                Some(LoadKind::U32) => narrow(d, 32, false),
                Some(LoadKind::S32) => narrow(d, 32, true),
                _ if matches!(f.def_inst(v), Some(Inst::BoolOf(_))) => narrow(d, 1, false),
                _ => d.pool.var(&name(""), 64),
            }
        };
        let first = one(0);
        let mut words = [first; 4];
        for n in 1..lanes {
            words[n as usize] = one(n);
        }
        self.values.insert(v, words);
        words
    }
}

/// A call, as whoever watches sees it.
#[derive(Clone, Debug)]
pub struct Event {
    /// Where to.
    pub target: TermId,
    /// Arguments.
    pub args: Vec<(TermId, PReg)>,
    /// Memory before and after.
    pub memory: [TermId; 2],
    /// Pinned registers before and after.
    pub pinned: [[TermId; 2]; 2],
    /// Values that are to be found in the frame.
    pub live: Vec<TermId>,
    /// What comes back.
    pub rets: Vec<(TermId, PReg)>,
    /// What is destroyed.
    pub clobbers: Clobbers,
    /// The safe point.
    pub safepoint: Option<u32>,
    /// Nobody misses it if its results are not needed.
    pub needless: bool,
}

/// Where a block goes.
#[derive(Clone, Debug)]
pub enum Way {
    /// To another block, whose parameters get these.
    Block(Block, Vec<Words>),
    /// Back, with results.
    Return(Vec<(TermId, PReg)>),
    /// To another function.
    Tail(TermId, Vec<(TermId, PReg)>),
    /// Nowhere.
    Trap,
}

/// One way out of a block.
pub struct Exit<'f> {
    /// When it is taken: one bit.
    pub cond: TermId,
    /// Where to.
    pub way: Way,
    /// The state there.
    pub state: State<'f>,
}

/// What the block did before it ended.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// Calls in order.
    pub events: Vec<Event>,
    /// When a division faults.
    pub faults: Vec<TermId>,
    /// Bytes that were read or written: address, number, written.
    pub accesses: Vec<(TermId, u32, bool)>,
}

/// The state of the SSA form.
#[derive(Clone)]
pub struct State<'f> {
    f: &'f Function,
    kinds: &'f Values,
    slots: &'f [u32],
    env: HashMap<Value, Words>,
    /// Memory.
    pub memory: TermId,
    /// Pinned registers: thread, base.
    pub pinned: [TermId; 2],
}

fn bits(w: Width) -> u32 {
    8 * w.bytes()
}

impl<'f> State<'f> {
    /// At the start of a block.
    pub fn new(
        d: &mut Terms<'_>,
        vars: &mut Variables,
        f: &'f Function,
        kinds: &'f Values,
        slots: &'f [u32],
    ) -> State<'f> {
        let (memory, pinned) = vars.start(d);
        State {
            f,
            kinds,
            slots,
            env: HashMap::new(),
            memory,
            pinned,
        }
    }

    /// Words of a value.
    pub fn lanes(&self, v: Value) -> u32 {
        self.f.ty(v).lanes()
    }

    /// Says what a value is.
    pub fn set(&mut self, v: Value, words: Words) {
        self.env.insert(v, words);
    }

    /// A value.
    pub fn value(&mut self, d: &mut Terms<'_>, vars: &mut Variables, v: Value) -> Words {
        if let Some(w) = self.env.get(&v) {
            return *w;
        }
        let w = match self.f.values[v.index()].def {
            ValueDef::Inst(id, _) if !self.kinds.root[v.index()] => {
                self.compute(d, vars, &self.f.insts[id.index()].inst)
            }
            _ => vars.value(d, self.f, self.kinds, v),
        };
        self.env.insert(v, w);
        w
    }

    fn word(&mut self, d: &mut Terms<'_>, vars: &mut Variables, v: Value) -> TermId {
        self.value(d, vars, v)[0]
    }

    fn operand(&mut self, d: &mut Terms<'_>, vars: &mut Variables, o: Opnd) -> TermId {
        match o {
            Opnd::Value(v) => self.word(d, vars, v),
            Opnd::Imm(n) => d.constant(64, n as i64 as u64 as u128),
        }
    }

    fn address(&mut self, d: &mut Terms<'_>, vars: &mut Variables, a: &Addr) -> TermId {
        let mut t = match a.base {
            Base::Value(v) => self.word(d, vars, v),
            Base::Pinned(Pinned::Thread) => self.pinned[0],
            Base::Pinned(Pinned::Base) => self.pinned[1],
            Base::Symbol(s) => vars.symbol(d, s),
            Base::Stack(s) => {
                let k = d.data.spill_bytes + i64::from(self.slots[s.index()]);
                let k = d.constant(64, k as u64 as u128);
                let rsp = d.rsp;
                d.add(&rsp, &k)
            }
        };
        if let Some((v, scale)) = a.index {
            let x = self.word(d, vars, v);
            let n = d.constant(64, scale.log2().into());
            let x = d.bin(BinOp::Shl, &x, &n);
            t = d.add(&t, &x);
        }
        let k = d.constant(64, a.disp as i64 as u64 as u128);
        d.add(&t, &k)
    }

    fn load(&mut self, d: &mut Terms<'_>, at: TermId, bytes: u32) -> TermId {
        let m = Memory {
            heap: self.memory,
            frame: Arc::new(BTreeMap::new()),
        };
        d.load(&m, &at, bytes)
    }

    /// The result of an instruction that depends on its operands alone.
    fn compute(&mut self, d: &mut Terms<'_>, vars: &mut Variables, inst: &Inst) -> Words {
        let one = |t: TermId| [t; 4];
        match *inst {
            Inst::Iconst(n) => one(d.constant(64, n as u64 as u128)),
            Inst::Fconst(n) => one(d.constant(64, n.into())),
            Inst::Unary { op, a } => {
                let a = self.word(d, vars, a);
                one(operations::unary(d, op, a))
            }
            Inst::Binary { op, a, b } => {
                let (a, b) = (self.word(d, vars, a), self.operand(d, vars, b));
                one(operations::binary(d, op, a, b))
            }
            Inst::Overflow { op, a, b } => {
                let (a, b) = (self.word(d, vars, a), self.operand(d, vars, b));
                let op = match op {
                    OvfOp::Add => BinOp::Add,
                    OvfOp::Sub => BinOp::Sub,
                    OvfOp::Mul => BinOp::Mul,
                };
                one(d.bin(op, &a, &b))
            }
            Inst::BoolOf(ref c) => {
                let c = self.cond(d, vars, c, &mut Vec::new());
                one(d.zext(&c, 64))
            }
            Inst::Select { ref cond, a, b, .. } => {
                let c = self.cond(d, vars, cond, &mut Vec::new());
                let (a, b) = (self.value(d, vars, a), self.value(d, vars, b));
                std::array::from_fn(|n| d.ite(&c, &a[n], &b[n]))
            }
            Inst::AddrOf(ref a) => one(self.address(d, vars, a)),
            Inst::Vector { op, ty, a, b } => {
                let number = self.f.ty(a).lanes() == 1;
                let a = self.value(d, vars, a);
                let y = match b {
                    Opnd::Value(b) => self.value(d, vars, b),
                    Opnd::Imm(n) => one(d.constant(64, n as i64 as u64 as u128)),
                };
                operations::vector(d, op, ty, a, y, number)
            }
            _ => {
                d.refuse("an instruction that is not of its operands alone");
                one(d.undefined(64))
            }
        }
    }

    /// Executes an instruction.
    pub fn step(&mut self, d: &mut Terms<'_>, vars: &mut Variables, id: InstId, out: &mut Effects) {
        let node = &self.f.insts[id.index()];
        let res = node.first_result;
        match &node.inst {
            Inst::Assume(_) | Inst::VectorsDone => {}
            Inst::BoolOf(c) => {
                let c = self.cond(d, vars, c, &mut out.accesses);
                let t = d.zext(&c, 64);
                self.set(res, [t; 4]);
            }
            Inst::Select { cond, a, b, .. } => {
                let c = self.cond(d, vars, cond, &mut out.accesses);
                let (a, b) = (self.value(d, vars, *a), self.value(d, vars, *b));
                let t = std::array::from_fn(|n| d.ite(&c, &a[n], &b[n]));
                self.set(res, t);
            }
            Inst::Load { kind, addr } => {
                let at = self.address(d, vars, addr);
                let (bytes, sign) = match kind {
                    LoadKind::U8 => (1, false),
                    LoadKind::S8 => (1, true),
                    LoadKind::U16 => (2, false),
                    LoadKind::S16 => (2, true),
                    LoadKind::U32 => (4, false),
                    LoadKind::S32 => (4, true),
                    LoadKind::I64 | LoadKind::F64 => (8, false),
                };
                out.accesses.push((at, bytes, false));
                let t = self.load(d, at, bytes);
                let t = if sign { d.sext(&t, 64) } else { d.zext(&t, 64) };
                self.set(res, [t; 4]);
            }
            Inst::Store { w, addr, val } => {
                let (at, v) = (self.address(d, vars, addr), self.word(d, vars, *val));
                let v = d.trunc(&v, bits(*w));
                self.store(d, at, v, out);
            }
            Inst::StoreImm { w, addr, imm } => {
                let at = self.address(d, vars, addr);
                let v = d.constant(bits(*w), *imm as i64 as u64 as u128);
                self.store(d, at, v, out);
            }
            Inst::MemOp { op, w, addr, x } => {
                let (at, x) = (self.address(d, vars, addr), self.operand(d, vars, *x));
                out.accesses.push((at, w.bytes(), false));
                let (old, x) = (self.load(d, at, w.bytes()), d.trunc(&x, bits(*w)));
                let op = match op {
                    MemOp::Add => BinOp::Add,
                    MemOp::Sub => BinOp::Sub,
                    MemOp::And => BinOp::And,
                    MemOp::Or => BinOp::Or,
                    MemOp::Xor => BinOp::Xor,
                };
                let v = d.bin(op, &old, &x);
                self.store(d, at, v, out);
            }
            Inst::VectorLoad { ty, addr } => {
                let at = self.address(d, vars, addr);
                let mut words = None;
                for n in 0..ty.lanes() {
                    let k = d.constant(64, (8 * n).into());
                    let p = d.add(&at, &k);
                    let t = self.load(d, p, 8);
                    words.get_or_insert([t; 4])[n as usize] = t;
                }
                out.accesses.push((at, 8 * ty.lanes(), false));
                if let Some(words) = words {
                    self.set(res, words);
                }
            }
            Inst::VectorStore { addr, val } => {
                let at = self.address(d, vars, addr);
                let words = self.value(d, vars, *val);
                let lanes = self.f.ty(*val).lanes();
                for n in 0..lanes {
                    let k = d.constant(64, (8 * n).into());
                    let p = d.add(&at, &k);
                    d.pool.store(&mut self.memory, &p, &words[n as usize]);
                }
                out.accesses.push((at, 8 * lanes, true));
            }
            Inst::GetPinned(p) => {
                let t = self.pinned[*p as usize];
                self.set(res, [t; 4]);
            }
            Inst::SetPinned(p, v) => self.pinned[*p as usize] = self.word(d, vars, *v),
            Inst::AddPinned(p, n) => {
                let k = d.constant(64, *n as i64 as u64 as u128);
                self.pinned[*p as usize] = d.add(&self.pinned[*p as usize], &k);
            }
            Inst::Call(call) => self.call(d, vars, id, call, out),
            inst => {
                if let Inst::Binary {
                    op: B::Sdiv | B::Srem,
                    a,
                    b,
                } = *inst
                {
                    let (a, b) = (self.word(d, vars, a), self.operand(d, vars, b));
                    let (min, ones) = (d.constant(64, 1 << 63), d.constant(64, u128::MAX));
                    let (x, y) = (d.eq(&a, &min), d.eq(&b, &ones));
                    let (zero, over) = (d.is_zero(&b), d.and(&x, &y));
                    out.faults.push(d.or(&zero, &over));
                }
                let words = match inst {
                    Inst::AddrOf(a) => [self.address(d, vars, a); 4],
                    _ => self.compute(d, vars, inst),
                };
                self.set(res, words);
            }
        }
    }

    fn store(&mut self, d: &mut Terms<'_>, at: TermId, v: TermId, out: &mut Effects) {
        out.accesses.push((at, d.width(&v) / 8, true));
        d.pool.store(&mut self.memory, &at, &v);
    }

    fn target(
        &mut self,
        d: &mut Terms<'_>,
        vars: &mut Variables,
        t: &CallTarget,
        out: &mut Effects,
    ) -> TermId {
        match t {
            CallTarget::Symbol(s) => vars.symbol(d, *s),
            CallTarget::Value(v) => self.word(d, vars, *v),
            CallTarget::Mem(a) => {
                let at = self.address(d, vars, a);
                out.accesses.push((at, 8, false));
                self.load(d, at, 8)
            }
        }
    }

    fn call(
        &mut self,
        d: &mut Terms<'_>,
        vars: &mut Variables,
        id: InstId,
        call: &ir::CallData,
        out: &mut Effects,
    ) {
        let target = self.target(d, vars, &call.target, out);
        let args: Vec<_> = call
            .args
            .iter()
            .map(|&(v, r)| (self.word(d, vars, v), r))
            .collect();
        let live = call.live.iter().map(|&v| self.word(d, vars, v)).collect();
        let before = (self.memory, self.pinned);
        if !matches!(call.clobbers, Clobbers::Pure | Clobbers::Looks) {
            self.memory = *vars.memories.entry(id).or_insert_with(|| d.pool.memory());
        }
        if call.clobbers.moves_base() {
            self.pinned[1] = *vars
                .bases
                .entry(id)
                .or_insert_with(|| d.pool.var(&format!("base_after_{}", id.0), 64));
        }
        let first = self.f.insts[id.index()].first_result.0;
        let mut rets = Vec::new();
        for (v, &(_, r)) in (first..).map(Value).zip(&call.rets) {
            let words = vars.value(d, self.f, self.kinds, v);
            self.set(v, words);
            rets.push((words[0], r));
        }
        out.events.push(Event {
            target,
            args,
            memory: [before.0, self.memory],
            pinned: [before.1, self.pinned],
            live,
            rets,
            clobbers: call.clobbers,
            safepoint: call.safepoint,
            needless: call.clobbers == Clobbers::Pure,
        });
    }

    /// How a block ends.
    pub fn end(
        mut self,
        d: &mut Terms<'_>,
        vars: &mut Variables,
        term: &Term,
        out: &mut Effects,
    ) -> Vec<Exit<'f>> {
        let mut to = |s: &mut Self, d: &mut Terms<'_>, c: &ir::BlockCall| {
            let args = c.args.iter().map(|&v| s.value(d, vars, v)).collect();
            Way::Block(c.block, args)
        };
        let yes = d.bit(true);
        let ways: Vec<(TermId, Way)> = match term {
            Term::Jump(c) => vec![(yes, to(&mut self, d, c))],
            Term::BrIf { cond, then, els } => {
                let a = to(&mut self, d, then);
                let b = to(&mut self, d, els);
                let c = self.cond(d, vars, cond, &mut out.accesses);
                let n = d.not(&c);
                vec![(c, a), (n, b)]
            }
            Term::Switch {
                index,
                targets,
                default,
            } => {
                let mut ways: Vec<Way> = targets.iter().map(|c| to(&mut self, d, c)).collect();
                ways.push(to(&mut self, d, default));
                let x = self.word(d, vars, *index);
                let len = d.constant(64, targets.len() as u128);
                let inside = d.cmp(CmpOp::Ult, &x, &len);
                (0..)
                    .zip(ways)
                    .map(|(n, way)| {
                        let c = if n == targets.len() {
                            d.not(&inside)
                        } else {
                            let k = d.constant(64, n as u128);
                            d.eq(&x, &k)
                        };
                        (c, way)
                    })
                    .collect()
            }
            Term::Ret(rets) => {
                let rets = rets
                    .iter()
                    .map(|&(v, r)| (self.word(d, vars, v), r))
                    .collect();
                vec![(yes, Way::Return(rets))]
            }
            Term::TailCall { target, args } => {
                let target = self.target(d, vars, target, out);
                let args = args
                    .iter()
                    .map(|&(v, r)| (self.word(d, vars, v), r))
                    .collect();
                vec![(yes, Way::Tail(target, args))]
            }
            Term::Trap => vec![(yes, Way::Trap)],
        };
        let exit = |(cond, way)| Exit {
            cond,
            way,
            state: self.clone(),
        };
        ways.into_iter().map(exit).collect()
    }
}
