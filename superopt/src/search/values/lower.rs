//! Expressions lowered to programs: an order, registers, and the moves that two-operand instructions need.

use super::super::loc;
use super::super::opset::OpSet;
use super::super::program::{Program, Slot};
use super::super::target::Target;
use super::macros::{ARG0, MacroSet};
use super::{Def, Expr};
use iced_x86::Code;

/// When the output's register may be used for other values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Home {
    /// From the beginning: the last operation often works in place.
    Early,
    /// Not before the last operation, which then finds it free.
    Late,
}

/// The straight-line program of an expression for output `output` of a target; `None` when registers run out or the
/// set has no plain move.
///
/// Registers are given in order of execution; a destructive operand that is still needed is copied first. The caller
/// checks the result as it would any other program.
pub fn lower(
    home: Home,
    t: &Target,
    ops: &OpSet,
    macros: &MacroSet,
    e: &Expr,
    output: usize,
) -> Option<Program> {
    let find = |c: Code| {
        ops.variants
            .iter()
            .position(|v| v.proto.code() == c)
            .map(|i| i as u32)
    };
    let move32 = find(Code::Mov_r32_rm32);
    let wide = e
        .nodes
        .iter()
        .any(|n| matches!(n, Def::Apply { m, .. } if macros.macros[*m as usize].width == 64));
    let port = t.outputs[output];
    let mov = if wide || port.width > 32 {
        find(Code::Mov_r64_rm64).or(move32)
    } else {
        move32
    }?;
    let n = e.nodes.len();
    let mut last_use = vec![0usize; n];
    for (i, d) in e.nodes.iter().enumerate() {
        if let Def::Apply { m, args } = d {
            for a in &args[..macros.macros[*m as usize].args as usize] {
                last_use[*a as usize] = i;
            }
        }
    }
    last_use[n - 1] = n;
    let mut reg = vec![u8::MAX; n];
    let mut p = Program::default();
    for i in 0..n {
        match &e.nodes[i] {
            Def::Input(k) => reg[i] = t.inputs[*k as usize].at as u8,
            Def::Apply { m, args } => {
                let mac = &macros.macros[*m as usize];
                let mut args = *args;
                // Of two operands that may be exchanged, the one overwritten is the one in the output's register, or
                // one that dies here.
                if mac.commutes && mac.args == 2 && mac.slots.len() == 1 {
                    let rank = |x: u32| -> u32 {
                        let dies = last_use[x as usize] == i;
                        let home = reg[x as usize] == port.at as u8;
                        let scratch = t.scratch & loc::bit(reg[x as usize].into()) != 0;
                        u32::from(dies && scratch) + 2 * u32::from(dies && home)
                    };
                    if rank(args[1]) > rank(args[0]) {
                        args.swap(0, 1);
                    }
                }
                let args = &args[..mac.args as usize];
                // Registers holding values that are needed after this macro, inputs not yet read included.
                let needed =
                    |x: usize| last_use[x] > i || (x >= i && matches!(e.nodes[x], Def::Input(_)));
                let mut busy: u32 = 0;
                for (x, own) in reg.iter().enumerate() {
                    let r = if let Def::Input(k) = e.nodes[x] {
                        t.inputs[k as usize].at as u8
                    } else {
                        *own
                    };
                    if r != u8::MAX && needed(x) {
                        busy |= 1 << r;
                    }
                }
                let arg_regs: u32 = args.iter().fold(0, |s, a| s | 1 << reg[*a as usize]);
                // Registers the macro names itself (rax, rdx) must be free or be arguments that die.
                let fixed = fixed_registers(ops, mac);
                if fixed & busy != 0 {
                    return None;
                }
                let free = |taken: u32| -> Option<u8> {
                    let early = home == Home::Early || i + 1 == n;
                    let first = if early { port.at as u8 } else { 1 };
                    let prefer = [first, 1, 2, 6, 7, 8, 9, 10, 11, 0];
                    prefer
                        .into_iter()
                        .find(|r| taken >> r & 1 == 0 && t.scratch & loc::bit((*r).into()) != 0)
                };
                let mut map = [u8::MAX; 16];
                let mut taken = busy | arg_regs | fixed;
                // Arguments that the macro overwrites go to registers of their own, if they live on or come twice.
                for (k, a) in args.iter().enumerate() {
                    let r = reg[*a as usize];
                    let v = ARG0 + k as u8;
                    let overwritten = writes(ops, mac, v);
                    let twice = args.iter().filter(|x| reg[**x as usize] == r).count() > 1;
                    let live = busy >> r & 1 == 1;
                    let displaced = fixed >> r & 1 == 1 && !first_reads(mac, v);
                    if overwritten && (live || twice) || displaced {
                        let q = free(taken)?;
                        taken |= 1 << q;
                        p.slots.push(Slot {
                            v: mov,
                            r: [q, r, 0, 0],
                        });
                        map[v as usize] = q;
                    } else {
                        map[v as usize] = r;
                    }
                }
                let extra = |v: u8, map: &mut [u8; 16], taken: &mut u32| -> Option<()> {
                    if v >= 12 && map[v as usize] == u8::MAX {
                        // A result may take the register of an argument that dies in the only instruction.
                        let dying = (mac.slots.len() == 1).then(|| {
                            args.iter().map(|a| reg[*a as usize]).find(|r| {
                                busy >> r & 1 == 0 && t.scratch & loc::bit((*r).into()) != 0
                            })
                        });
                        let early = home == Home::Early || i + 1 == n;
                        let out_free = early
                            && busy >> port.at & 1 == 0
                            && (mac.slots.len() == 1 || *taken >> port.at & 1 == 0);
                        let q = if out_free {
                            port.at as u8
                        } else {
                            match dying.flatten() {
                                Some(r) => r,
                                None => free(*taken)?,
                            }
                        };
                        *taken |= 1 << q;
                        map[v as usize] = q;
                    }
                    Some(())
                };
                for s in &mac.slots {
                    for k in 0..ops.variants[s.v as usize].holes.len() {
                        extra(s.r[k], &mut map, &mut taken)?;
                    }
                }
                let place = |r: u8| if r >= ARG0 { map[r as usize] } else { r };
                for s in &mac.slots {
                    let mut r = [0; 4];
                    let holes = ops.variants[s.v as usize].holes.len();
                    for (to, from) in r.iter_mut().zip(s.r).take(holes) {
                        *to = place(from);
                    }
                    p.slots.push(Slot { v: s.v, r });
                }
                reg[i] = place(mac.result);
            }
        }
    }
    if reg[n - 1] != port.at as u8 {
        p.slots.push(Slot {
            v: mov,
            r: [port.at as u8, reg[n - 1], 0, 0],
        });
    }
    // A move to itself is no move unless it clears the upper half.
    p.slots
        .retain(|s| !(s.v == mov && s.r[0] == s.r[1] && mov != move32.unwrap_or(u32::MAX)));
    Some(p)
}

fn fixed_registers(ops: &OpSet, m: &super::Macro) -> u32 {
    let mut f = 0;
    for s in &m.slots {
        let v = &ops.variants[s.v as usize];
        f |= (v.writes & 0xffff) as u32;
        for k in 0..v.holes.len() {
            if s.r[k] < ARG0 {
                f |= 1 << s.r[k];
            }
        }
    }
    f
}

/// Whether the macro writes the register of an argument.
fn writes(ops: &OpSet, m: &super::Macro, r: u8) -> bool {
    m.slots.iter().any(|s| {
        let v = &ops.variants[s.v as usize];
        (0..v.holes.len()).any(|k| s.r[k] == r && v.writes_holes >> k & 1 == 1)
    })
}

/// Whether the first instruction is the one that reads this argument (and none after it does).
fn first_reads(m: &super::Macro, r: u8) -> bool {
    m.slots.iter().position(|s| s.r.contains(&r)) == Some(0)
        && !m.slots[1..].iter().any(|s| s.r.contains(&r))
}
