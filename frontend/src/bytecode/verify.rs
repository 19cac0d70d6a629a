//! The verifier: what a prototype must satisfy so that executing it stays inside its frame, its tables and its code.
//!
//! In order, each check relying on those before:
//! 1. sizes: registers, parameters, debug information;
//! 2. operands, by the modes of the opcode table and the extras: registers exist, constants exist and are of the kind wanted,
//!    upvalues, prototypes and inline caches exist;
//! 3. control: jumps stay inside, code does not run off its end, loop instructions belong together, no jump enters a loop
//!    from outside;
//! 4. open operand lists follow directly on the instruction that makes them, and nothing jumps between the two;
//! 5. to-be-closed variables: paths that meet agree on them, and leaving instructions close them;
//! 6. registers: none is read before it is written, none survives a call that its frame overlies;
//! 7. cells: a register that holds a cell is used as one, and only as one.
//!
//! Checks 6 and 7 see only reachable code; the rest is never executed. A chunk that passes may still compute nonsense.

use std::fmt;

use super::effects::{Blocks, effects, open_operands, open_results};
use super::instr::{NO_CACHE, RK_CONST};
use super::liveness::{Liveness, TbcStates};
use super::op::{Extra, Mode, Op};
use super::proto::{Const, Proto};
use super::regset::RegSet;

/// Deepest nesting of functions in an accepted chunk; the compiler stays below [`crate::MAX_LEVELS`].
const MAX_DEPTH: u32 = 200;

macro_rules! reasons {
    ($( $name:ident $text:literal; )*) => {
        /// Why a prototype was refused.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Reason { $( #[doc = $text] $name, )* }
        impl Reason {
            /// In words.
            pub const fn text(self) -> &'static str {
                match self { $( Reason::$name => $text, )* }
            }
        }
    };
}

reasons! {
    Sizes "impossible sizes";
    DebugInfo "debug information out of range";
    Depth "functions nested too deeply";
    Opcode "unknown opcode";
    Unused "unused operand is not zero";
    Register "register out of range";
    Constant "constant out of range";
    ConstantKind "constant of the wrong kind";
    Upvalue "upvalue out of range";
    Function "function out of range";
    Cache "inline cache out of range";
    Count "impossible count";
    Jump "jump out of range";
    End "code runs off its end";
    Loop "loop instructions do not belong together";
    IntoLoop "jump into a loop";
    Open "open list without its values";
    ToBeClosed "paths disagree on variables to be closed";
    NotClosed "leaves variables to be closed behind";
    Unset "register read before it is set";
    Clobbered "register lost in a call";
    Cell "cell used as a value, or a value as a cell";
}

/// A refused prototype.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifyError {
    /// Why.
    pub reason: Reason,
    /// Instruction at fault, where there is one.
    pub pc: Option<usize>,
    /// Indices that lead from the main function to the one at fault.
    pub path: Vec<usize>,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason.text())?;
        if let Some(pc) = self.pc {
            write!(f, " at instruction {pc}")?;
        }
        if !self.path.is_empty() {
            write!(f, " of function main")?;
            for i in &self.path {
                write!(f, ".{i}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for VerifyError {}

type Check = Result<(), (Reason, Option<usize>)>;

/// Verifies a main function and all functions inside it.
pub fn verify(proto: &Proto) -> Result<(), VerifyError> {
    let mut path = Vec::new();
    verify_tree(proto, &mut path, 0)
}

fn verify_tree(proto: &Proto, path: &mut Vec<usize>, depth: u32) -> Result<(), VerifyError> {
    let checked = if depth > MAX_DEPTH {
        Err((Reason::Depth, None))
    } else {
        verify_one(proto)
    };
    if let Err((reason, pc)) = checked {
        return Err(VerifyError {
            reason,
            pc,
            path: path.clone(),
        });
    }
    for (i, child) in proto.protos.iter().enumerate() {
        path.push(i);
        verify_tree(child, path, depth + 1)?;
        path.pop();
    }
    Ok(())
}

fn verify_one(proto: &Proto) -> Check {
    sizes(proto)?;
    for pc in 0..proto.code.len() {
        operands(proto, pc).map_err(|r| (r, Some(pc)))?;
        control(proto, pc).map_err(|r| (r, Some(pc)))?;
    }
    let inside = loops(proto)?;
    jumps_into_loops(proto, &inside)?;
    open_lists(proto)?;
    let tbc = TbcStates::new(proto).map_err(|pc| (Reason::ToBeClosed, Some(pc)))?;
    leaves(proto, &tbc)?;
    let live = Liveness::with_tbc(proto, &tbc);
    registers(proto, &live)?;
    cells(proto)
}

fn sizes(proto: &Proto) -> Check {
    let stack = usize::from(proto.max_stack);
    let params = usize::from(proto.num_params);
    if !(2..=254).contains(&stack)
        || params > stack
        || proto.code.is_empty()
        || proto.upvals.len() > 255
    {
        return Err((Reason::Sizes, None));
    }
    if proto.code.len() > i32::MAX as usize || proto.num_caches > u32::from(NO_CACHE) {
        return Err((Reason::Sizes, None));
    }
    if !proto.lines.is_empty() && proto.lines.len() != proto.code.len() {
        return Err((Reason::DebugInfo, None));
    }
    for v in &proto.loc_vars {
        let in_code = v.start_pc <= v.end_pc && v.end_pc as usize <= proto.code.len();
        if !in_code || v.reg >= proto.max_stack {
            return Err((Reason::DebugInfo, None));
        }
    }
    if proto
        .loc_vars
        .windows(2)
        .any(|w| w[0].start_pc > w[1].start_pc)
    {
        return Err((Reason::DebugInfo, None));
    }
    Ok(())
}

fn operands(proto: &Proto, pc: usize) -> Result<(), Reason> {
    let i = proto.code[pc];
    let op = Op::from_byte(i.op_byte()).ok_or(Reason::Opcode)?;
    let info = op.info();
    let stack = usize::from(proto.max_stack);
    let constant = |k: usize| proto.consts.get(k).ok_or(Reason::Constant);
    let require = |ok: bool, reason: Reason| if ok { Ok(()) } else { Err(reason) };
    let wide = matches!(
        info.modes[2],
        Mode::Jump | Mode::Imm32 | Mode::K32 | Mode::P32 | Mode::N32
    );
    for (slot, (value, mode)) in [i.a(), i.b(), i.c(), i.d()]
        .into_iter()
        .zip(info.modes)
        .enumerate()
    {
        match mode {
            Mode::No => require(value == 0 || (slot == 3 && wide), Reason::Unused)?,
            Mode::R | Mode::W | Mode::RW => require(value < stack, Reason::Register)?,
            Mode::RK if value < usize::from(RK_CONST) => require(value < stack, Reason::Register)?,
            Mode::RK => {
                constant(value - usize::from(RK_CONST))?;
            }
            Mode::K => {
                constant(value)?;
            }
            Mode::KS => require(
                matches!(constant(value)?, Const::Str(_)),
                Reason::ConstantKind,
            )?,
            Mode::KN => require(
                matches!(constant(value)?, Const::Int(_) | Const::Float(_)),
                Reason::ConstantKind,
            )?,
            Mode::U => require(value < proto.upvals.len(), Reason::Upvalue)?,
            Mode::Ic => {
                let known = value < proto.num_caches as usize || value == usize::from(NO_CACHE);
                require(known, Reason::Cache)?;
            }
            Mode::K32 => {
                constant(i.dd() as usize)?;
            }
            Mode::P32 => require((i.dd() as usize) < proto.protos.len(), Reason::Function)?,
            Mode::N | Mode::I | Mode::Jump | Mode::Imm32 | Mode::N32 => {}
        }
    }
    extras(proto, pc, info.extra)
}

/// Registers named by the extras, and counts.
fn extras(proto: &Proto, pc: usize, extra: Extra) -> Result<(), Reason> {
    let i = proto.code[pc];
    let (a, b, c) = (i.a(), i.b(), i.c());
    // One past the highest register used.
    let top = match extra {
        Extra::None => 0,
        Extra::NilRange => a + b + 1,
        Extra::SelfPair => a + 2,
        Extra::ConcatRange if b < 2 => return Err(Reason::Count),
        Extra::ConcatRange => a + b,
        Extra::SetList => a + b + 1,
        Extra::Call => a + b.max(1).max(c.max(1) - 1),
        Extra::TailCall if c > 1 => return Err(Reason::Count),
        Extra::TailCall => a + b.max(1),
        Extra::Return if c > 1 => return Err(Reason::Count),
        Extra::Return => a + b.max(1) - 1,
        Extra::ForPrep | Extra::ForLoop => a + 4,
        Extra::TForPrep => a + 4,
        // The call itself needs three registers, whatever the number of results.
        Extra::TForCall if c == 0 => return Err(Reason::Count),
        Extra::TForCall => a + 4 + c.max(3),
        Extra::TForLoop => a + 5,
        Extra::VarArg => a + c.max(1) - 1,
        Extra::VarArgPrep => {
            let expected = pc == 0 && proto.is_vararg && a == usize::from(proto.num_params);
            return if expected { Ok(()) } else { Err(Reason::Count) };
        }
        Extra::Closure => {
            for up in &proto.protos[i.dd() as usize].upvals {
                let limit = if up.in_stack {
                    usize::from(proto.max_stack)
                } else {
                    proto.upvals.len()
                };
                if usize::from(up.index) >= limit {
                    return Err(Reason::Upvalue);
                }
            }
            0
        }
        Extra::Close => a,
    };
    if top <= usize::from(proto.max_stack) {
        Ok(())
    } else {
        Err(Reason::Register)
    }
}

fn target(pc: usize, distance: i32) -> i64 {
    pc as i64 + 1 + i64::from(distance)
}

fn control(proto: &Proto, pc: usize) -> Result<(), Reason> {
    let i = proto.code[pc];
    let op = i.op();
    let len = proto.code.len();
    if pc == 0 && proto.is_vararg && op != Op::VarArgPrep {
        return Err(Reason::Count);
    }
    if op == Op::VarArg && !proto.is_vararg {
        return Err(Reason::Count);
    }
    if op.is_jump() {
        let to = target(pc, i.sd()) + i64::from(op == Op::ForPrep);
        // The prologue of a vararg function runs once.
        let first = i64::from(proto.is_vararg);
        if !(first..len as i64).contains(&to) {
            return Err(Reason::Jump);
        }
    }
    let follows = match op {
        Op::Jmp | Op::TForPrep | Op::Return | Op::Return0 | Op::Return1 | Op::TailCall => 0,
        Op::LFalseSkip => 2,
        _ => 1,
    };
    if pc + follows < len {
        Ok(())
    } else {
        Err(Reason::End)
    }
}

/// Pairs loop instructions. Gives the innermost loop of each instruction, and the enclosing loop of each loop.
fn loops(proto: &Proto) -> Result<Vec<Option<u32>>, (Reason, Option<usize>)> {
    let code = &proto.code;
    let mut inside = vec![None; code.len()];
    // Open loops: the instruction before the body, and the last instruction.
    let mut open: Vec<(usize, usize)> = Vec::new();
    for (pc, i) in code.iter().enumerate() {
        let fail = Err((Reason::Loop, Some(pc)));
        while open.last().is_some_and(|l| l.1 < pc) {
            open.pop();
        }
        inside[pc] = open.last().map(|l| l.0 as u32);
        let end = match i.op() {
            Op::ForPrep => {
                let end = target(pc, i.sd()) as usize;
                let paired = |l: &super::Instr| l.op() == Op::ForLoop && l.a() == i.a();
                if end <= pc || !code.get(end).is_some_and(paired) {
                    return fail;
                }
                end
            }
            Op::TForPrep => {
                let call = target(pc, i.sd()) as usize;
                let is_call = |l: &super::Instr| l.op() == Op::TForCall && l.a() == i.a();
                let is_loop = |l: &super::Instr| l.op() == Op::TForLoop && l.a() == i.a();
                if call <= pc
                    || !code.get(call).is_some_and(is_call)
                    || !code.get(call + 1).is_some_and(is_loop)
                {
                    return fail;
                }
                call + 1
            }
            Op::ForLoop | Op::TForLoop => {
                // Must end the innermost loop, and go back to its body.
                let ends = open
                    .last()
                    .is_some_and(|l| l.1 == pc && target(pc, i.sd()) == l.0 as i64 + 1);
                if !ends {
                    return fail;
                }
                continue;
            }
            Op::TForCall => {
                if open.last().is_none_or(|l| l.1 != pc + 1) {
                    return fail;
                }
                continue;
            }
            _ => continue,
        };
        if open.last().is_some_and(|l| end >= l.1) {
            return fail;
        }
        open.push((pc, end));
    }
    Ok(inside)
}

/// No jump may lead into a loop it does not start in; the loop's own preparation may.
fn jumps_into_loops(proto: &Proto, inside: &[Option<u32>]) -> Check {
    for (pc, i) in proto.code.iter().enumerate() {
        let op = i.op();
        let to = match op {
            Op::TForPrep => continue,
            Op::LFalseSkip => pc + 2,
            _ if op.is_jump() => (target(pc, i.sd()) + i64::from(op == Op::ForPrep)) as usize,
            _ => continue,
        };
        let mut from = inside[pc];
        while from != inside[to] {
            match from {
                Some(outer) => from = inside[outer as usize],
                None => return Err((Reason::IntoLoop, Some(pc))),
            }
        }
    }
    Ok(())
}

fn open_lists(proto: &Proto) -> Check {
    let mut targets: Option<Vec<bool>> = None;
    let jump_targets = || {
        let mut targets = vec![false; proto.code.len()];
        for pc in 0..proto.code.len() {
            let e = effects(proto, pc);
            if let Some(to) = e.jump {
                targets[to] = true;
            }
            if proto.code[pc].op() == Op::LFalseSkip {
                targets[pc + 2] = true;
            }
        }
        targets
    };
    for (pc, &i) in proto.code.iter().enumerate() {
        let from = open_operands(i);
        let made = pc.checked_sub(1).and_then(|p| open_results(proto.code[p]));
        let paired = match (from, made) {
            (None, None) => continue,
            (Some(first), Some(made)) => {
                first <= made && !targets.get_or_insert_with(jump_targets)[pc]
            }
            _ => false,
        };
        if !paired {
            return Err((Reason::Open, Some(pc)));
        }
    }
    Ok(())
}

fn leaves(proto: &Proto, tbc: &TbcStates) -> Check {
    for (pc, i) in proto.code.iter().enumerate() {
        let state = tbc.at(pc);
        let bad = match i.op() {
            Op::Return0 | Op::Return1 => !state.is_empty(),
            Op::Return | Op::TailCall => i.c() == 0 && !state.is_empty(),
            // A variable is closed before it is marked again.
            Op::Tbc => state.top() > i.a(),
            Op::TForPrep => state.top() > i.a(),
            _ => false,
        };
        if bad {
            return Err((Reason::NotClosed, Some(pc)));
        }
    }
    Ok(())
}

fn registers(proto: &Proto, live: &Liveness) -> Check {
    let params = RegSet::below(usize::from(proto.num_params));
    if !live.live_at(0).minus(params).is_empty() {
        return Err((Reason::Unset, None));
    }
    for (pc, i) in proto.code.iter().enumerate() {
        let (first, results) = match i.op() {
            Op::Call => (i.a(), i.c().max(1) - 1),
            Op::TForCall => (i.a() + 4, i.c()),
            _ => continue,
        };
        let lost = RegSet::below(256).minus(RegSet::below(first + results));
        if !(*live.live_at(pc + 1) & lost).is_empty() {
            return Err((Reason::Clobbered, Some(pc)));
        }
    }
    Ok(())
}

/// Registers that may hold cells, and those that may hold values.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Contents {
    cells: RegSet,
    values: RegSet,
}

impl Contents {
    fn set_value(&mut self, regs: RegSet) {
        self.cells = self.cells.minus(regs);
        self.values |= regs;
    }
}

/// Follows the code forwards with what each register may hold. A register that may hold both is fit for nothing.
fn cells(proto: &Proto) -> Check {
    let makes_cells = |p: &Proto| {
        p.code
            .iter()
            .any(|i| matches!(i.op(), Op::NewCell | Op::GetCell | Op::SetCell))
            || p.protos.iter().any(|c| c.upvals.iter().any(|u| u.in_stack))
    };
    if !makes_cells(proto) {
        return Ok(());
    }
    let blocks = Blocks::new(proto);
    let params = RegSet::below(usize::from(proto.num_params));
    let mut entry: Vec<Option<Contents>> = vec![None; blocks.len()];
    entry[0] = Some(Contents {
        cells: RegSet::EMPTY,
        values: params,
    });
    let mut work = vec![0];
    while let Some(block) = work.pop() {
        let Some(mut state) = entry[block] else {
            continue;
        };
        for pc in blocks.range(block) {
            let e = effects(proto, pc);
            let i = proto.code[pc];
            let used_as_cell = match i.op() {
                Op::GetCell => RegSet::one(i.b()),
                Op::SetCell => RegSet::one(i.a()),
                Op::Closure => e.reads,
                _ => RegSet::EMPTY,
            };
            let either = if i.op() == Op::Tbc {
                e.reads
            } else {
                RegSet::EMPTY
            };
            let used_as_value = e.reads.minus(used_as_cell).minus(either);
            if !(used_as_cell & state.values).is_empty()
                || !(used_as_value & state.cells).is_empty()
            {
                return Err((Reason::Cell, Some(pc)));
            }
            let ways = [(e.next, e.next_writes), (e.jump, e.jump_writes)];
            let at_end = pc + 1 == blocks.range(block).end;
            for (to, written) in ways {
                let mut after = state;
                after.set_value(written);
                if i.op() == Op::NewCell {
                    after.cells |= written;
                    after.values = after.values.minus(written);
                }
                if !at_end {
                    state = after;
                    break;
                }
                let Some(to) = to else { continue };
                let to = blocks.of[to] as usize;
                let joined = match entry[to] {
                    None => after,
                    Some(old) => Contents {
                        cells: old.cells | after.cells,
                        values: old.values | after.values,
                    },
                };
                if entry[to] != Some(joined) {
                    entry[to] = Some(joined);
                    work.push(to);
                }
            }
        }
    }
    Ok(())
}
