//! The machine code of a block, executed in terms from the block's offset until other blocks' offsets are reached.

use super::Code;
mod leaving;

use super::domain::{Memory, Terms};
use super::ssa::{Event, Variables};
use iced_x86::{Code as Code64, FlowControl, Instruction, Mnemonic, OpKind};
use std::collections::BTreeMap;
use std::sync::Arc;
use trinity_codegen::RelocKind;
use trinity_codegen::ir::{PReg, SymbolRef};
use trinity_codegen::isa::exec::condition;
use trinity_codegen::isa::{
    BinOp, CmpOp, Domain, FaultKind, Flag, FpOp, Machine, Node, TermId, execute,
};

/// Registers, flags and memory.
pub type State<'p> = Machine<Terms<'p>>;

/// Instructions of one region at most, over all ways through it.
const MAX_STEPS: u32 = 60_000;

/// How a region's code ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// At the start of blocks.
    At(u32),
    /// `ret`.
    Return,
    /// A jump out of the function, to this address.
    Tail(TermId),
    /// `ud2`.
    Trap,
}

/// One way through the code.
pub struct Exit<'p> {
    /// Conditions that hold on it: one bit each.
    pub path: Vec<TermId>,
    /// How it ends.
    pub end: End,
    /// The state there.
    pub state: State<'p>,
}

/// Two words that must be equal.
#[derive(Clone, Debug)]
pub struct Duty {
    /// What they are.
    pub what: String,
    /// By the SSA form.
    pub ssa: TermId,
    /// By the machine.
    pub machine: TermId,
    /// Where that is asked.
    pub path: Vec<TermId>,
}

impl Duty {
    /// All words that it is about.
    pub fn roots(&self) -> Vec<TermId> {
        let both = [self.ssa, self.machine];
        both.into_iter().chain(self.path.iter().copied()).collect()
    }

    /// The same of other words.
    pub fn of(&self, word: impl Fn(TermId) -> TermId) -> Duty {
        Duty {
            what: self.what.clone(),
            ssa: word(self.ssa),
            machine: word(self.machine),
            path: self.path.iter().map(|t| word(*t)).collect(),
        }
    }
}

/// What executing a region gives.
pub struct Run<'p> {
    /// The ways out.
    pub exits: Vec<Exit<'p>>,
    /// What must hold at calls.
    pub duties: Vec<Duty>,
    /// Divisions that may fault, with where.
    pub faults: Vec<(TermId, Vec<TermId>)>,
    /// Accesses to memory: address, bytes, written.
    pub accesses: Vec<(TermId, u32, bool)>,
    /// Offsets of the instructions.
    pub instructions: Vec<u32>,
    /// What cannot be so: found without terms.
    pub wrong: Vec<String>,
}

/// Why a region could not be executed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The instruction.
    pub instruction: String,
    /// Its offset.
    pub offset: u32,
    /// What about it.
    pub why: String,
}

/// A copy: `Machine` derives `Clone` for domains that are `Clone` only.
pub fn copy<'p>(m: &State<'p>) -> State<'p> {
    Machine {
        gpr: m.gpr,
        flags: m.flags,
        vec: m.vec,
        mem: m.mem.clone(),
        faults: Vec::new(),
        accesses: Vec::new(),
        imm: None,
        symbol: None,
    }
}

struct Pending<'p> {
    state: State<'p>,
    path: Vec<TermId>,
}

/// Executes regions of one function.
pub struct Runner<'a, 'p> {
    /// The function.
    pub code: &'a Code<'a>,
    /// Terms.
    pub d: &'a mut Terms<'p>,
    /// Variables.
    pub vars: &'a mut Variables,
    /// The calls that the SSA form makes in the region.
    pub events: &'a [Event],
    next_event: usize,
    steps: u32,
    pending: BTreeMap<u32, Pending<'p>>,
    run: Run<'p>,
}

/// The conjunction of conditions.
pub fn all(d: &mut Terms<'_>, path: &[TermId]) -> TermId {
    let yes = d.bit(true);
    path.iter().fold(yes, |a, b| d.and(&a, b))
}

impl<'a, 'p> Runner<'a, 'p> {
    /// For one region.
    pub fn new(
        code: &'a Code<'a>,
        d: &'a mut Terms<'p>,
        vars: &'a mut Variables,
        events: &'a [Event],
    ) -> Runner<'a, 'p> {
        Runner {
            code,
            d,
            vars,
            events,
            next_event: 0,
            steps: 0,
            pending: BTreeMap::new(),
            run: Run {
                exits: Vec::new(),
                duties: Vec::new(),
                faults: Vec::new(),
                accesses: Vec::new(),
                instructions: Vec::new(),
                wrong: Vec::new(),
            },
        }
    }

    /// Executes from an offset; `entry`: the function's, where a block may begin at once.
    pub fn run(mut self, from: u32, state: State<'p>, entry: bool) -> Result<Run<'p>, Refusal> {
        let path = Vec::new();
        let mut first = (!entry).then_some(from);
        self.pending.insert(from, Pending { state, path });
        while let Some((at, p)) = self.pending.pop_first() {
            self.from(at, p, first.take().is_some())?;
        }
        while self.events.get(self.next_event).is_some_and(|e| e.needless) {
            self.next_event += 1;
        }
        if self.next_event < self.events.len() && !self.run.exits.is_empty() {
            self.run.wrong.push("a call is missing".into());
        }
        Ok(self.run)
    }

    fn refuse<T>(&self, i: Option<&Instruction>, offset: u32, why: &str) -> Result<T, Refusal> {
        Err(Refusal {
            instruction: i.map_or_else(String::new, |i| self.code.text(i)),
            offset,
            why: why.into(),
        })
    }

    /// Goes on from an offset until ways part or end.
    fn from(&mut self, mut at: u32, mut p: Pending<'p>, mut first: bool) -> Result<(), Refusal> {
        loop {
            if !first && self.code.blocks_at.contains_key(&at) {
                self.run.exits.push(Exit {
                    path: p.path,
                    end: End::At(at),
                    state: p.state,
                });
                return Ok(());
            }
            if !first && self.pending.contains_key(&at) {
                return self.arrive(at, p);
            }
            first = false;
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return self.refuse(None, at, "too many instructions between blocks");
            }
            let Some(&n) = self.code.index.get(&at) else {
                return self.refuse(None, at, "a jump to what is no instruction");
            };
            let i = &self.code.instructions[n];
            self.run.instructions.push(at);
            let next = at + i.len() as u32;
            match i.flow_control() {
                FlowControl::Next => {
                    self.straight(at, i, &mut p)?;
                    at = next;
                }
                FlowControl::UnconditionalBranch => {
                    let direct = self.inside(i, at)?;
                    if let Some((symbol, addend)) = self.branch_symbol(i, at)? {
                        let target = self.symbol(symbol, addend);
                        return self.leave(p, End::Tail(target));
                    }
                    at = direct;
                }
                FlowControl::ConditionalBranch => {
                    if self.branch_symbol(i, at)?.is_some() {
                        return self.refuse(Some(i), at, "a conditional jump to a symbol");
                    }
                    let to = self.inside(i, at)?;
                    let Some(c) = condition(self.d, &p.state, i.condition_code()) else {
                        return self.refuse(Some(i), at, "a condition that is none");
                    };
                    let n = self.d.not(&c);
                    let (ct, cf) = (self.d.as_constant(&c), self.d.as_constant(&n));
                    if ct == Some(1) {
                        at = to;
                        continue;
                    }
                    if cf == Some(1) {
                        at = next;
                        continue;
                    }
                    let mut taken = Pending {
                        state: copy(&p.state),
                        path: p.path.clone(),
                    };
                    taken.path.push(c);
                    p.path.push(n);
                    self.arrive(to, taken)?;
                    return self.arrive(next, p);
                }
                FlowControl::Return if i.code() == Code64::Retnq => {
                    return self.leave(p, End::Return);
                }
                FlowControl::Exception if i.mnemonic() == Mnemonic::Ud2 => {
                    return self.leave(p, End::Trap);
                }
                FlowControl::IndirectBranch if i.code() == Code64::Jmp_rm64 => {
                    return self.indirect(i, at, p);
                }
                FlowControl::Call | FlowControl::IndirectCall
                    if matches!(i.code(), Code64::Call_rel32_64 | Code64::Call_rm64) =>
                {
                    self.call(i, at, next, &mut p)?;
                    at = next;
                }
                _ => return self.refuse(Some(i), at, "control flow that is not modelled"),
            }
        }
    }

    fn leave(&mut self, p: Pending<'p>, end: End) -> Result<(), Refusal> {
        self.run.exits.push(Exit {
            path: p.path,
            end,
            state: p.state,
        });
        Ok(())
    }

    /// Puts a state at an offset, joined with the one that is there.
    fn arrive(&mut self, at: u32, p: Pending<'p>) -> Result<(), Refusal> {
        if self.code.blocks_at.contains_key(&at) {
            return self.leave(p, End::At(at));
        }
        let joined = match self.pending.remove(&at) {
            None => p,
            Some(q) => self.join(q, p),
        };
        self.pending.insert(at, joined);
        Ok(())
    }

    fn join(&mut self, a: Pending<'p>, b: Pending<'p>) -> Pending<'p> {
        let common = a.path.iter().zip(&b.path).take_while(|(x, y)| x == y);
        let common = common.count();
        let (in_a, in_b) = (
            all(self.d, &a.path[common..]),
            all(self.d, &b.path[common..]),
        );
        let mut path = a.path[..common].to_vec();
        let either = self.d.or(&in_a, &in_b);
        if self.d.as_constant(&either) != Some(1) {
            path.push(either);
        }
        let (x, y) = (a.state, b.state);
        let d = &mut *self.d;
        let state = Machine {
            gpr: std::array::from_fn(|i| d.ite(&in_a, &x.gpr[i], &y.gpr[i])),
            flags: std::array::from_fn(|i| d.ite(&in_a, &x.flags[i], &y.flags[i])),
            vec: std::array::from_fn(|i| {
                std::array::from_fn(|j| d.ite(&in_a, &x.vec[i][j], &y.vec[i][j]))
            }),
            mem: d.ite_memory(&in_a, &x.mem, &y.mem),
            faults: Vec::new(),
            accesses: Vec::new(),
            imm: None,
            symbol: None,
        };
        Pending { state, path }
    }

    fn symbol(&mut self, s: SymbolRef, addend: i64) -> TermId {
        let t = self.vars.symbol(self.d, s);
        let k = self.d.constant(64, addend as u64 as u128);
        self.d.add(&t, &k)
    }

    /// The symbol a direct jump or call goes to.
    fn branch_symbol(&self, i: &Instruction, at: u32) -> Result<Option<(SymbolRef, i64)>, Refusal> {
        let end = at + i.len() as u32;
        let Some(r) = self.code.reloc_in(at, end) else {
            return Ok(None);
        };
        if r.offset + 4 != end || !matches!(r.kind, RelocKind::Plt32 | RelocKind::Pc32) {
            return self.refuse(Some(i), at, "a relocation that is not the jump's target");
        }
        Ok(Some((r.symbol, r.addend + 4)))
    }

    /// Where a direct jump inside the function goes.
    fn inside(&self, i: &Instruction, at: u32) -> Result<u32, Refusal> {
        match i.op0_kind() {
            OpKind::NearBranch64 => Ok(i.near_branch64() as u32),
            _ => self.refuse(Some(i), at, "a jump of a kind that is not modelled"),
        }
    }

    fn straight(&mut self, at: u32, i: &Instruction, p: &mut Pending<'p>) -> Result<(), Refusal> {
        if matches!(i.mnemonic(), Mnemonic::Nop | Mnemonic::Endbr64) {
            return Ok(());
        }
        let m = &mut p.state;
        m.symbol = None;
        let end = at + i.len() as u32;
        let reloc = self.code.reloc_in(at, end).copied();
        if i.is_ip_rel_memory_operand() {
            let field = self.code.displacement[&at];
            m.symbol = Some(match reloc {
                Some(r) if r.offset == field && r.kind == RelocKind::Pc32 => {
                    let t = self.vars.symbol(self.d, r.symbol);
                    let k = r.addend + i64::from(end - field);
                    let k = self.d.constant(64, k as u64 as u128);
                    self.d.add(&t, &k)
                }
                Some(_) => return self.refuse(Some(i), at, "a relocation of another field"),
                None => {
                    let (code, to) = (self.d.code, i.ip_rel_memory_address());
                    let k = self.d.constant(64, to.into());
                    self.d.add(&code, &k)
                }
            });
        } else if reloc.is_some() {
            return self.refuse(Some(i), at, "a relocation that is not modelled");
        }
        if i.mnemonic() == Mnemonic::Vzeroupper {
            let zero = self.d.constant(64, 0);
            for r in &mut m.vec {
                (r[2], r[3]) = (zero, zero);
            }
            return Ok(());
        }
        let compared = match i.mnemonic() {
            Mnemonic::Cmp | Mnemonic::Sub | Mnemonic::Neg => {
                let n = if i.mnemonic() == Mnemonic::Neg { 0 } else { 1 };
                let a = m.read(self.d, i, 0).ok();
                let b = m.read(self.d, i, n).ok();
                a.zip(b).map(|(a, b)| match n {
                    0 => (self.d.constant(self.d.pool.term_width(a), 0), a),
                    _ => (a, b),
                })
            }
            _ => None,
        };
        m.accesses.clear();
        if let Err(why) = execute(self.d, m, i) {
            return self.refuse(Some(i), at, &why.to_string());
        }
        m.symbol = None;
        if let Some((a, b)) = compared {
            self.order(&p.state, a, b);
        }
        if matches!(i.mnemonic(), Mnemonic::Ucomisd | Mnemonic::Vucomisd) {
            self.ordered(&mut p.state);
        }
        let m = &mut p.state;
        for f in std::mem::take(&mut m.faults) {
            if self.d.as_constant(&f.when) == Some(0) {
                continue;
            }
            match f.kind {
                FaultKind::Divide => self.run.faults.push((f.when, p.path.clone())),
                FaultKind::Alignment => {
                    // Constants of the pool are aligned, if they are multiples of 16 in the code; nothing else may need it.
                    if i.is_ip_rel_memory_operand()
                        && reloc.is_none()
                        && i.ip_rel_memory_address().is_multiple_of(16)
                    {
                        continue;
                    }
                    return self.refuse(Some(i), at, "an access that must be aligned");
                }
                FaultKind::Page => {}
            }
        }
        for a in std::mem::take(&mut m.accesses) {
            if !self.d.is_private(a.addr) {
                self.run.accesses.push((a.addr, a.bytes, a.write));
            }
        }
        match self.d.trouble.take() {
            Some(why) => self.refuse(Some(i), at, &why),
            None => Ok(()),
        }
    }

    /// What the flags of `a - b` say about the order of the two: identities that hold for all words.
    fn order(&mut self, m: &State<'_>, a: TermId, b: TermId) {
        let d = &mut *self.d;
        let [cf, zf, sf, of] = [Flag::Cf, Flag::Zf, Flag::Sf, Flag::Of].map(|f| m.flag(f));
        let less = d.cmp(CmpOp::Slt, &a, &b);
        let (gt, above) = (d.cmp(CmpOp::Slt, &b, &a), d.cmp(CmpOp::Ult, &b, &a));
        let (le, be) = (d.not(&gt), d.not(&above));
        d.law(BinOp::Xor, sf, of, less);
        d.law(BinOp::Or, less, zf, le);
        d.law(BinOp::Or, cf, zf, be);
    }

    /// The flags of a comparison of doubles, by what they say about their order: unordered, equal, below.
    fn ordered(&mut self, m: &mut State<'_>) {
        let d = &mut *self.d;
        let pf = m.flag(Flag::Pf);
        let Node::Fp(FpOp::Unord, _, _) = d.pool.node(pf) else {
            return;
        };
        let (zf, cf) = (m.flag(Flag::Zf), m.flag(Flag::Cf));
        // The model's carry is `a < b or unordered`: its operands are read from there.
        let Node::Bin(BinOp::Or, x, y) = d.pool.node(cf) else {
            return;
        };
        let less = [x, y]
            .map(|t| d.pool.node(t))
            .into_iter()
            .find_map(|n| match n {
                Node::Fp(FpOp::Lt, _, [a, b, _]) => Some((a, b)),
                _ => None,
            });
        let Some((a, b)) = less else { return };
        let (gt, ge) = (d.fp(FpOp::Lt, &[b, a]), d.fp(FpOp::Le, &[b, a]));
        let equal = d.fp(FpOp::Eq, &[a, b]);
        let below = d.not(&ge);
        m.set_flag(Flag::Cf, below);
        let not_above = d.not(&gt);
        d.law(BinOp::Or, below, zf, not_above);
        let (np, nz, ne) = (d.not(&pf), d.not(&zf), d.not(&equal));
        d.law(BinOp::And, zf, np, equal);
        d.law(BinOp::Or, nz, pf, ne);
    }
}

/// The registers that have one content everywhere: rsp so many bytes above its usual place, and the pinned ones.
pub fn registers(
    d: &mut Terms<'_>,
    m: &State<'_>,
    pinned: [TermId; 2],
    above: i64,
) -> [(&'static str, TermId, TermId); 3] {
    let (rsp, k) = (d.rsp, d.constant(64, above as u64 as u128));
    let rsp = d.add(&rsp, &k);
    [
        ("rsp", rsp, read(m, PReg::Rsp)),
        ("thread", pinned[0], read(m, PReg::R14)),
        ("base", pinned[1], read(m, PReg::Rbx)),
    ]
}

/// A register's word.
pub fn read(m: &State<'_>, r: PReg) -> TermId {
    match r.is_xmm() {
        true => m.vec[r.hw() as usize][0],
        false => m.gpr[r.hw() as usize],
    }
}

/// A state in which every place holds something of its own.
pub fn unknown<'p>(d: &mut Terms<'p>, heap: TermId, known: &mut Unknown) -> State<'p> {
    if known.gpr.is_empty() {
        known.gpr = (0..16).map(|_| d.undefined(64)).collect();
        known.vec = (0..64).map(|_| d.undefined(64)).collect();
        known.flags = (0..6).map(|_| d.undefined(1)).collect();
    }
    Machine {
        gpr: std::array::from_fn(|i| known.gpr[i]),
        flags: std::array::from_fn(|i| known.flags[i]),
        vec: std::array::from_fn(|i| std::array::from_fn(|j| known.vec[4 * i + j])),
        mem: Memory {
            heap,
            frame: Arc::new(BTreeMap::new()),
        },
        faults: Vec::new(),
        accesses: Vec::new(),
        imm: None,
        symbol: None,
    }
}

/// Contents of places of which nothing is known.
#[derive(Default)]
pub struct Unknown {
    gpr: Vec<TermId>,
    vec: Vec<TermId>,
    flags: Vec<TermId>,
}
