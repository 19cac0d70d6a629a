//! Tags of registers at every node of the graph: a forward dataflow over the bytecode, with the guards that the lowering places taken into
//! account.
//!
//! The transfer function promises no more than the lowering delivers; where they differ, an edge's conversion checks the tag and leaves
//! (`state.rs`), so that an error here costs speed only.

use super::graph::{Graph, Kind, NodeId};
use super::operators;
use super::spec::Spec;
use super::tags::Tags;
use trinity_abi::intrinsic::Intrinsic;
use trinity_abi::tag;
use trinity_frontend::bytecode::instr::RK_CONST;
use trinity_frontend::bytecode::op::{Extra, Mode};
use trinity_frontend::bytecode::{Const, Instr, Liveness, Op, Proto};

/// Tags of all registers at one point.
pub type State = Box<[Tags]>;

/// How an arithmetic instruction is compiled, by what its operands are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arith {
    /// On numbers of these kinds (each integer or float), checked where they are not known.
    Known(Tags, Tags),
    /// With tests of the tags, and a helper for everything else.
    Open,
}

/// Operands of an arithmetic instruction.
#[derive(Clone, Copy, Debug)]
pub enum Operand {
    /// A register.
    Reg(usize),
    /// An integer constant.
    Int(i64),
    /// A float constant.
    Float(f64),
}

/// The register form of an arithmetic opcode, and its right operand; `None`: no such instruction.
pub fn arithmetic(p: &Proto, i: Instr) -> Option<(Op, Operand)> {
    use Op::*;
    let form = match i.op() {
        op @ (Add | Sub | Mul | Mod | Pow | Div | IDiv | BAnd | BOr | BXor | Shl | Shr) => {
            return Some((op, Operand::Reg(i.c())));
        }
        AddI => return Some((Add, Operand::Int(i64::from(i.sc())))),
        AddK => Add,
        SubK => Sub,
        MulK => Mul,
        ModK => Mod,
        PowK => Pow,
        DivK => Div,
        IDivK => IDiv,
        BAndK => BAnd,
        BOrK => BOr,
        BXorK => BXor,
        ShlK => Shl,
        ShrK => Shr,
        _ => return None,
    };
    Some((
        form,
        match p.consts[i.c()] {
            Const::Int(n) => Operand::Int(n),
            Const::Float(f) => Operand::Float(f),
            // The verifier allows only numbers here.
            _ => Operand::Int(0),
        },
    ))
}

/// Tags of an operand.
pub fn operand_tags(o: Operand, s: &[Tags]) -> Tags {
    match o {
        Operand::Reg(r) => s[r],
        Operand::Int(_) => Tags::INT,
        Operand::Float(_) => Tags::FLOAT,
    }
}

/// The kind of number to compile an operand for: what it is, or what it always was.
pub fn number_kind(known: Tags, seen: Option<Tags>) -> Option<Tags> {
    [Tags::INT, Tags::FLOAT]
        .into_iter()
        .find(|&t| known == t)
        .or_else(|| seen.filter(|&t| (t == Tags::INT || t == Tags::FLOAT) && known.meets(t)))
}

/// How to compile the arithmetic instruction at `pc`.
pub fn plan_arith(spec: &Spec, pc: u32, op: Op, l: Tags, r: Tags) -> Arith {
    let (Some(x), Some(y)) = (
        number_kind(l, spec.operand(pc, 0)),
        number_kind(r, spec.operand(pc, 1)),
    ) else {
        return Arith::Open;
    };
    let bitwise = matches!(op, Op::BAnd | Op::BOr | Op::BXor | Op::Shl | Op::Shr);
    if bitwise && (x, y) != (Tags::INT, Tags::INT) {
        return Arith::Open;
    }
    if matches!(op, Op::Mod | Op::IDiv) && (x, y) != (Tags::INT, Tags::INT) {
        // Float remainders, and floors on older processors, are the helper's, but the kind of their result is known.
        return Arith::Known(x, y);
    }
    Arith::Known(x, y)
}

/// Tags of the result of an operation on operands with these tags.
pub fn arith_result(op: Op, x: Tags, y: Tags) -> Tags {
    if !x.within(Tags::NUM) || !y.within(Tags::NUM) {
        return VALUE;
    }
    match op {
        Op::Div | Op::Pow => Tags::FLOAT,
        Op::BAnd | Op::BOr | Op::BXor | Op::Shl | Op::Shr => Tags::INT,
        _ if x == Tags::INT && y == Tags::INT => Tags::INT,
        _ if x == Tags::FLOAT || y == Tags::FLOAT => Tags::FLOAT,
        _ => Tags::NUM,
    }
}

/// Tags of the result of an operation on operands of open kinds: numbers of one kind, where a profile saw no others (checked behind it).
pub fn open_result(spec: &Spec, pc: u32, op: Op, x: Tags, y: Tags) -> Tags {
    let all = arith_result(op, x, y);
    match spec.result(pc) {
        Some(t) if t.within(Tags::NUM) && t.meets(all) => t.and(all),
        _ => all,
    }
}

/// Values that Lua code can see: all but cells.
pub const VALUE: Tags = Tags(Tags::ALL.0 & !Tags::CELL.0);

/// Result of an instruction that reads from memory or calls: anything, unless it was always of one kind.
pub fn read_result(spec: &Spec, pc: u32) -> Tags {
    spec.result(pc).unwrap_or(VALUE)
}

/// Applies the instruction at `pc`, except what it writes on one edge only.
pub fn transfer(p: &Proto, spec: &Spec, pc: u32, s: &mut [Tags]) {
    use Op::*;
    let i = p.code[pc as usize];
    let (a, b) = (i.a(), i.b());
    if let Some((op, rhs)) = arithmetic(p, i) {
        if operators::seen(p, spec, pc).is_some() {
            let right = match rhs {
                Operand::Reg(c) => Some(c),
                _ => None,
            };
            for (n, r) in [Some(b), right].into_iter().enumerate() {
                if let (Some(r), Some(t)) = (r, spec.operand(pc, n)) {
                    s[r] = s[r].and(t);
                }
            }
            s[a] = read_result(spec, pc);
            return;
        }
        let (l, r) = (s[b], operand_tags(rhs, s));
        s[a] = match plan_arith(spec, pc, op, l, r) {
            Arith::Known(x, y) => {
                s[b] = s[b].and(x);
                if let Operand::Reg(c) = rhs {
                    s[c] = s[c].and(y);
                }
                arith_result(op, x, y)
            }
            Arith::Open => open_result(spec, pc, op, l, r),
        };
        return;
    }
    match i.op() {
        Move => s[a] = s[b],
        LoadI => s[a] = Tags::INT,
        LoadF => s[a] = Tags::FLOAT,
        LoadK => s[a] = Tags::of_const(&p.consts[i.dd() as usize]),
        LoadNil => s[a..=a + b].fill(Tags::NIL),
        LoadFalse | LFalseSkip => s[a] = Tags::of(tag::FALSE),
        LoadTrue => s[a] = Tags::of(tag::TRUE),
        Not => s[a] = Tags::BOOL,
        NewCell => s[a] = Tags::CELL,
        NewTable => s[a] = Tags::TABLE,
        Closure => s[a] = Tags::of(tag::LUA_FN),
        Unm => {
            s[a] = match number_kind(s[b], spec.operand(pc, 0)) {
                Some(t) => {
                    s[b] = s[b].and(t);
                    t
                }
                None if s[b].within(Tags::NUM) => s[b],
                None => VALUE,
            }
        }
        BNot => {
            s[a] = match number_kind(s[b], spec.operand(pc, 0)) {
                Some(t) if t == Tags::INT => {
                    s[b] = s[b].and(t);
                    t
                }
                _ if s[b].within(Tags::NUM) => Tags::INT,
                _ => VALUE,
            }
        }
        Len => {
            if spec.operand(pc, 0) == Some(Tags::STR) && s[b].meets(Tags::STR) {
                s[b] = s[b].and(Tags::STR);
            }
            s[a] = if s[b].within(Tags::STR) {
                Tags::INT
            } else {
                read_result(spec, pc)
            }
        }
        GetTable | GetI | GetField => {
            table_operand(spec, pc, b, s);
            if i.op() == GetTable {
                let key = i.c();
                s[key] = plan_key(spec, pc, s[key]).unwrap_or(s[key]);
            }
            s[a] = read_result(spec, pc);
        }
        SetTable | SetI | SetField => {
            table_operand(spec, pc, a, s);
            if i.op() == SetTable {
                let key = i.b();
                s[key] = plan_key(spec, pc, s[key]).unwrap_or(s[key]);
            }
        }
        GetTabUp | GetUpval | GetCell => s[a] = read_result(spec, pc),
        SelfGet => {
            if s[b].meets(Tags::TABLE) && spec.operand(pc, 0) == Some(Tags::TABLE) {
                s[b] = Tags::TABLE;
            }
            s[a + 1] = s[b];
            s[a] = read_result(spec, pc);
        }
        Concat => {
            s[a..].fill(VALUE);
            s[a] = read_result(spec, pc);
        }
        Call => {
            s[a..].fill(VALUE);
            if i.c() >= 2 {
                s[a] = read_result(spec, pc);
            }
        }
        TForCall => {
            s[a + 4..].fill(VALUE);
            if let Some(steps) = plan_traversal(p, spec, pc) {
                traversal_operands(a, steps, s);
                // Behind the loop's end nobody reads them.
                s[a + 4..a + 4 + i.c()].fill(Tags::NIL);
                s[a + 4] = steps.key;
                if i.c() > 1 {
                    s[a + 5] = steps.value;
                }
            }
        }
        VarArg | TailCall | Return => s[a..].fill(VALUE),
        JmpLt | JmpNlt | JmpLe | JmpNle | JmpEq | JmpNe => {
            if let Some(t) = plan_compare(spec, pc, s[a], s[b]) {
                s[a] = t;
                s[b] = t;
            }
        }
        JmpLtI | JmpNltI | JmpLeI | JmpNleI | JmpGtI | JmpNgtI | JmpGeI | JmpNgeI => {
            if let Some(t) = number_kind(s[a], spec.operand(pc, 0)) {
                s[a] = t;
            }
        }
        // An integer loop's registers are checked; other loops are prepared by the helper, which writes all four.
        ForPrep => match plan_loop(s[a], s[a + 1], s[a + 2]) {
            Some(Tags::INT) => {
                s[a] = Tags::INT;
                s[a + 2] = Tags::INT;
            }
            other => s[a..a + 4].fill(other.unwrap_or(Tags::NUM)),
        },
        ForLoop | TForLoop | JmpTSet | JmpFSet => {}
        TForPrep => {
            if let Some(steps) = plan_traversal(p, spec, jump_target(i, pc)) {
                traversal_operands(a, steps, s);
            }
        }
        _ => {
            let info = i.op().info();
            if matches!(info.modes[0], Mode::W | Mode::RW) {
                s[a] = Tags::ALL;
            }
            debug_assert!(matches!(
                info.extra,
                Extra::None | Extra::SetList | Extra::Closure | Extra::Close | Extra::VarArgPrep
            ));
        }
    }
}

fn table_operand(spec: &Spec, pc: u32, r: usize, s: &mut [Tags]) {
    if s[r].meets(Tags::TABLE) && spec.operand(pc, 0) == Some(Tags::TABLE) {
        s[r] = Tags::TABLE;
    }
}

/// The kind of key that a table access is compiled for: the one that training saw. Tables that are read by strings or by
/// objects are hardly read by integers as well.
pub fn plan_key(spec: &Spec, pc: u32, key: Tags) -> Option<Tags> {
    let t = spec.operand(pc, 1)?;
    let known = [Tags::INT, Tags::STR, Tags::TABLE].contains(&t);
    (known && key.meets(t)).then_some(t)
}

/// The kind both operands of a comparison are compiled for.
pub fn plan_compare(spec: &Spec, pc: u32, l: Tags, r: Tags) -> Option<Tags> {
    let x = number_kind(l, spec.operand(pc, 0))?;
    let y = number_kind(r, spec.operand(pc, 1))?;
    (x == y).then_some(x)
}

/// A loop over a table that goes from element to element by a function of the library.
#[derive(Clone, Copy)]
pub struct Traversal {
    /// `next`, or the step of `ipairs`.
    pub step: Intrinsic,
    /// The tags that keys are to have, which are checked.
    pub key: Tags,
    /// The same of values.
    pub value: Tags,
}
/// What a TFORCALL is compiled for that always was of one of these functions.
pub fn plan_traversal(p: &Proto, spec: &Spec, pc: u32) -> Option<Traversal> {
    if p.code.get(pc as usize + 1)?.op() != Op::TForLoop {
        return None;
    }
    let some = |t: Option<Tags>| t.unwrap_or(VALUE.minus(Tags::NIL));
    let [key, value] = spec.pair(pc);
    let (key, value) = (some(key), some(value));
    match spec.native(pc)? {
        step @ Intrinsic::IpairsIterator => {
            let key = Tags::INT;
            Some(Traversal { step, key, value })
        }
        step @ Intrinsic::Next => Some(Traversal { step, key, value }),
        _ => None,
    }
}
/// What is checked of the registers of such a loop, before it and in it.
fn traversal_operands(a: usize, steps: Traversal, s: &mut [Tags]) {
    s[a] = Tags::of(tag::NATIVE_FN);
    s[a + 1] = Tags::TABLE;
    if steps.step == Intrinsic::IpairsIterator {
        s[a + 2] = Tags::INT;
    }
}
/// Where the jump at `pc` leads.
pub fn jump_target(i: Instr, pc: u32) -> u32 {
    (i64::from(pc) + 1 + i64::from(i.sd())) as u32
}

/// The kind of a numeric loop, by the tags of start, limit and step: integer where that is possible (checked when the loop begins), else
/// float where that is known. `None`: the helpers run it.
pub fn plan_loop(start: Tags, _limit: Tags, step: Tags) -> Option<Tags> {
    if start.meets(Tags::INT) && step.meets(Tags::INT) {
        return Some(Tags::INT);
    }
    (start.within(Tags::NUM) && step.within(Tags::NUM)).then_some(Tags::FLOAT)
}

/// What an edge's own node writes.
pub fn edge_transfer(p: &Proto, pc: u32, s: &mut [Tags]) {
    let i = p.code[pc as usize];
    let a = i.a();
    match i.op() {
        Op::JmpTSet | Op::JmpFSet => s[a] = s[i.b()],
        Op::ForPrep => {
            let t = s[a];
            s[a..a + 4].fill(t);
        }
        Op::ForLoop => s[a + 3] = s[a],
        Op::TForLoop => s[a + 2] = s[a + 4],
        _ => {}
    }
}

/// What the outcome of the instruction at `pc` says about its operands.
pub fn refine(p: &Proto, pc: u32, jumped: bool, s: &mut [Tags]) {
    let i = p.code[pc as usize];
    let falsy = Tags::NIL.or(Tags::of(tag::FALSE));
    let mut keep = |r: usize, t: Tags| s[r] = s[r].and(t);
    match i.op() {
        Op::JmpT => keep(i.a(), if jumped { VALUE.minus(falsy) } else { falsy }),
        Op::JmpF => keep(i.a(), if jumped { falsy } else { VALUE.minus(falsy) }),
        Op::JmpTSet => keep(i.b(), if jumped { VALUE.minus(falsy) } else { falsy }),
        Op::JmpFSet => keep(i.b(), if jumped { falsy } else { VALUE.minus(falsy) }),
        Op::TForLoop if jumped => keep(i.a() + 4, VALUE.minus(Tags::NIL)),
        Op::JmpEqK | Op::JmpNeK => {
            let same = (i.op() == Op::JmpEqK) == jumped;
            match &p.consts[i.b()] {
                Const::Nil | Const::Bool(_) => {
                    let t = Tags::of_const(&p.consts[i.b()]);
                    keep(i.a(), if same { t } else { VALUE.minus(t) });
                }
                c if same && Tags::of_const(c).meets(Tags::STR) => {
                    keep(i.a(), Tags::of_const(c));
                }
                _ => {}
            }
        }
        _ => {}
    }
}

/// Registers a value to be stored comes from: `None` for a constant.
pub fn stored_register(c: usize) -> Option<usize> {
    (c < usize::from(RK_CONST)).then_some(c)
}

/// Tags at the entry of every node; nodes that nothing reaches have none. `entry` are the tags when the function begins; of registers in
/// `hoisted`, by node, it is checked on the ways into the loop that begins there.
pub fn infer(
    p: &Proto,
    g: &Graph,
    spec: &Spec,
    entry: &[Tags],
    hoisted: &[Vec<(usize, Tags)>],
) -> Vec<State> {
    let mut at: Vec<State> = vec![vec![Tags::NONE; entry.len()].into(); g.nodes.len()];
    at[0].copy_from_slice(entry);
    let mut pending = std::collections::BTreeSet::from([0usize]);
    let mut done = vec![false; g.nodes.len()];
    while let Some(k) = pending.pop_first() {
        let n = g.rpo[k];
        done[n.index()] = true;
        for (to, mut out) in outs(p, g, spec, n, &at[n.index()]) {
            for &(r, t) in hoisted.get(to.index()).into_iter().flatten() {
                out[r] = out[r].and(t);
            }
            let mut changed = !done[to.index()];
            for (t, o) in at[to.index()].iter_mut().zip(out.iter()) {
                let j = t.or(*o);
                changed |= j != *t;
                *t = j;
            }
            if changed {
                pending.insert(g.order[to.index()] as usize);
            }
        }
    }
    at
}

/// What a node passes on to its successors.
fn outs(p: &Proto, g: &Graph, spec: &Spec, n: NodeId, at: &State) -> Vec<(NodeId, State)> {
    let mut s = at.clone();
    let node = &g.nodes[n.index()];
    match node.kind {
        Kind::Entry => {}
        Kind::Edge { pc, .. } => edge_transfer(p, pc, &mut s),
        Kind::Block => {
            for pc in node.start..node.end {
                transfer(p, spec, pc, &mut s);
            }
        }
    }
    let branches = node.kind == Kind::Block && node.succs.len() == 2;
    let out = |(which, &to): (usize, &NodeId)| {
        let mut out = s.clone();
        if branches {
            refine(p, node.end - 1, which == 1, &mut out);
        }
        (to, out)
    };
    node.succs.iter().enumerate().map(out).collect()
}

/// By node: registers that a loop beginning there does not write, and the one tag that all its iterations checked them to have. To check that on the
/// way into the loop is enough, where training went round it as often as not.
pub fn invariant(
    p: &Proto,
    g: &Graph,
    spec: &Spec,
    live: &Liveness,
    at: &[State],
) -> Vec<Vec<(usize, Tags)>> {
    let mut found = vec![Vec::new(); g.nodes.len()];
    let count = |n: NodeId| {
        let node = &g.nodes[n.index()];
        let pc = match node.kind {
            Kind::Edge { pc, .. } => pc,
            _ => node.start,
        };
        spec.site(pc).map_or(0, |s| s.count)
    };
    for &h in g.rpo.iter().filter(|&&h| g.is_header(h)) {
        let node = &g.nodes[h.index()];
        let mut rounds = 0;
        let mut all = vec![Tags::NONE; at[h.index()].len()];
        for &back in node.preds.iter().filter(|&&b| g.is_back(b, h)) {
            rounds += count(back);
            for (to, out) in outs(p, g, spec, back, &at[back.index()]) {
                if to == h {
                    all.iter_mut().zip(&out).for_each(|(t, o)| *t = t.or(*o));
                }
            }
        }
        if rounds == 0 || rounds * 2 < count(h) {
            continue;
        }
        let stays = live.live_at(node.start as usize).minus(g.phis[h.index()]);
        for r in stays.iter() {
            let (before, t) = (at[h.index()][r], all[r]);
            // Floats are held in other registers.
            if t.single().is_some() && t != Tags::FLOAT && t != before && t.within(before) {
                found[h.index()].push((r, t));
            }
        }
    }
    found
}
