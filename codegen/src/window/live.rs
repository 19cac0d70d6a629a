//! What lives behind each item of a function: general registers and flags, backwards over labels and jumps.

use super::effect::{Effect, Live, effect};
use crate::x86::asm::{Item, Program};
use crate::x86::encode::encode;
use crate::x86::{Cc, Op};
use iced_x86::{Decoder, DecoderOptions, Instruction, InstructionInfoFactory};

/// An item that is an instruction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub inst: Instruction,
    pub effect: Effect,
}

/// The instructions of a program; `None` for items that are none. Those that cannot be encoded end the matter.
pub(super) fn known(program: &Program) -> Option<Vec<Option<Known>>> {
    let mut factory = InstructionInfoFactory::new();
    let mut bytes = Vec::with_capacity(16);
    let mut one = |item: &Item| {
        bytes.clear();
        match item {
            Item::Inst(i) => drop(encode(i, &mut bytes).ok()?),
            Item::Raw(raw) => bytes.extend_from_slice(raw.bytes()),
            _ => return Some(None),
        }
        let inst = Decoder::with_ip(64, &bytes, 0, DecoderOptions::NONE).decode();
        let effect = effect(&inst, &mut factory);
        Some(Some(Known { inst, effect }))
    };
    program.items.iter().map(&mut one).collect()
}

/// The flags that a condition reads, by [`crate::isa::Flag`].
fn condition(cc: Cc) -> Live {
    const CF: u8 = 1;
    const PF: u8 = 2;
    const ZF: u8 = 8;
    const SF: u8 = 16;
    const OF: u8 = 32;
    let flags = match cc {
        Cc::O | Cc::No => OF,
        Cc::B | Cc::Ae => CF,
        Cc::E | Cc::Ne => ZF,
        Cc::Be | Cc::A => CF | ZF,
        Cc::S | Cc::Ns => SF,
        Cc::P | Cc::Np => PF,
        Cc::L | Cc::Ge => SF | OF,
        Cc::Le | Cc::G => ZF | SF | OF,
    };
    Live { gpr: 0, flags }
}

/// What lives behind each item.
pub(super) fn live(program: &Program, known: &[Option<Known>]) -> Vec<Live> {
    let items = &program.items;
    let mut at_label = vec![Live::PINNED; program.num_labels as usize];
    let mut behind = vec![Live::PINNED; items.len()];
    let mut port = vec![None; items.len()];
    program
        .ports
        .iter()
        .for_each(|p| port[p.at as usize] = Some(*p));
    let tables: Vec<usize> = program
        .tables
        .iter()
        .flatten()
        .map(|l| l.0 as usize)
        .collect();
    loop {
        let mut changed = false;
        // Behind the last item is nothing that runs.
        let mut now = Live::PINNED;
        for (n, item) in items.iter().enumerate().rev() {
            behind[n] = now;
            now = match item {
                Item::Jump(None, l) => at_label[l.0 as usize],
                Item::Jump(Some(cc), l) => now | at_label[l.0 as usize] | condition(*cc),
                Item::Label(l) => {
                    changed |= at_label[l.0 as usize] != now;
                    at_label[l.0 as usize] = now;
                    now
                }
                Item::Loc(_) | Item::Safepoint(_) => now,
                Item::Inst(_) | Item::Raw(_) => {
                    let e = known[n].map_or(NOTHING_KNOWN, |k| k.effect);
                    match (item, port[n]) {
                        (_, Some(p)) => {
                            let kills = Live {
                                gpr: p.kills,
                                ..Live::FLAGS
                            };
                            let uses = Live {
                                gpr: p.uses,
                                flags: 0,
                            };
                            let after = if p.leaves { Live::NONE } else { now & !kills };
                            after | uses | e.reads
                        }
                        (Item::Inst(i), None) if i.op == Op::Jmp => {
                            tables.iter().fold(e.reads, |all, l| all | at_label[*l])
                        }
                        (Item::Inst(i), None) if i.op == Op::Ud2 => Live::NONE,
                        // A call or return of which nothing is known.
                        (Item::Inst(i), None) if matches!(i.op, Op::Call | Op::Ret) => {
                            NOTHING_KNOWN.reads
                        }
                        _ => now & !e.kills | e.reads,
                    }
                }
            } | Live::PINNED;
        }
        if !changed {
            return behind;
        }
    }
}

/// Reads everything, and always gives nothing a new value.
const NOTHING_KNOWN: Effect = Effect {
    reads: Live {
        gpr: u16::MAX,
        flags: 0x3f,
    },
    writes: Live::NONE,
    kills: Live::NONE,
    implied: 0,
    usable: false,
};
