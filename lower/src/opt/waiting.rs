//! Values that wait in a call: named at its safe point where they are on the native stack, instead of stored to home slots before it.
//!
//! Nothing survives a call in a register, so the allocator has put what is used behind it into the native frame already. Whoever walks the frames
//! (the collector, `debug`, the way out of machine code) finds the places in the safe point's list (`trinity_abi::live`) and writes home slots first.

use super::func::Lowering;
use super::operators::function_register;
use super::state::{Payload, Reg, Step};
use std::collections::HashMap;
use trinity_abi::live::{self, Entry, Place};
use trinity_abi::tag;
use trinity_codegen::Place as Found;
use trinity_codegen::ir::Value;
use trinity_frontend::bytecode::RegSet;

/// A payload; numbers index the values named.
#[derive(Clone, Copy, Debug)]
enum PayloadAt {
    None,
    Named(usize),
    Count {
        index: usize,
        last: usize,
        step: Result<i64, usize>,
    },
}

/// A register's value.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    slot: usize,
    tag: Result<u8, usize>,
    payload: PayloadAt,
}

/// What a safe point says, before places are known.
#[derive(Clone, Debug, Default)]
pub struct Waits {
    list: Vec<Waiting>,
    values: Vec<Value>,
}

impl Waits {
    fn name(&mut self, v: Value) -> usize {
        match self.values.iter().position(|&w| w == v) {
            Some(k) => k,
            None => {
                self.values.push(v);
                self.values.len() - 1
            }
        }
    }
    fn add(&mut self, slot: usize, reg: Reg) {
        let payload = match reg.p {
            _ if !reg.tags.has_payload() => PayloadAt::None,
            Payload::Value(v) => PayloadAt::Named(self.name(v)),
            Payload::Count { last, index, step } => PayloadAt::Count {
                index: self.name(index),
                last: self.name(last),
                step: match step {
                    Step::Const(n) => Ok(n),
                    Step::Value(v) => Err(self.name(v)),
                },
            },
            // A register that is not in its home slot has a payload; virtual objects were made.
            Payload::None | Payload::Virtual(_) => PayloadAt::None,
        };
        let tag = match (reg.tags.single(), reg.t) {
            (Some(t), _) => Ok(t),
            (None, Some(t)) => Err(self.name(t)),
            (None, None) => Ok(tag::NIL),
        };
        self.list.push(Waiting { slot, tag, payload });
    }
    /// The list in bytes, with the places that the code generator found; `None`: they are not these values'.
    fn encode(&self, found: &[Found]) -> Option<Vec<u8>> {
        let places: Option<Vec<Place>> = found
            .iter()
            .map(|p| match *p {
                Found::Stack(offset) => Some(Place::Word(offset / 8)),
                Found::Const(n) => Some(Place::Const(n as u64)),
                Found::Lost => None,
            })
            .collect();
        let places = places.filter(|p| p.len() == self.values.len())?;
        // Numbers are of values named.
        let place = |k: usize| places[k];
        let entry = |w: &Waiting| Entry {
            slot: w.slot as u32,
            tag: match w.tag {
                Ok(t) => live::Tag::Const(t),
                Err(k) => live::Tag::Word(place(k)),
            },
            payload: match w.payload {
                PayloadAt::None => live::Payload::None,
                PayloadAt::Named(k) => live::Payload::Word(place(k)),
                PayloadAt::Count { index, last, step } => live::Payload::Count {
                    index: place(index),
                    last: place(last),
                    step: match step {
                        Ok(n) => Place::Const(n as u64),
                        Err(k) => place(k),
                    },
                    unsigned: step.is_ok(),
                },
            },
        };
        Some(live::encode(
            &self.list.iter().map(entry).collect::<Vec<_>>(),
        ))
    }
}

/// The lists of a function, each kind once.
#[derive(Default)]
pub(crate) struct Lists {
    /// All of them.
    pub bytes: Vec<u8>,
    at: HashMap<Vec<u8>, u32>,
}

impl Lists {
    /// What a safe point's field `live` is. `None`: the code generator did not say where the values are.
    pub(crate) fn add(&mut self, waits: &Waits, found: &[Found]) -> Option<u32> {
        if waits.list.is_empty() {
            return Some(0);
        }
        let list = waits.encode(found)?;
        let next = self.bytes.len() as u32 + 1;
        let at = *self.at.entry(list.clone()).or_insert(next);
        if at == next {
            self.bytes.extend(list);
        }
        Some(at)
    }
}

impl Lowering<'_> {
    /// Names, at the safe point of the call just made, the registers of the innermost frame in `live` and what outer frames wait with, as far as
    /// their home slots do not hold them; function slots of inlined frames too.
    pub(crate) fn name_waiting(&mut self, safepoint: u32, live: RegSet) {
        let mut waits = Waits::default();
        let mut seen = Vec::new();
        for depth in 0..self.state.len() {
            let offset = self.frames[depth].offset;
            let inner = self.frames.get(depth + 1);
            let p = self.frames[depth].p;
            let function = inner.map(|f| (function_register(p, f.call_pc as usize), f));
            let set = match function {
                None => live,
                Some((a, f)) => {
                    *self.frames[depth].live.live_across(f.call_pc as usize) | RegSet::one(a)
                }
            };
            for r in set.iter() {
                let mut reg = self.state[depth][r];
                if let Some((a, f)) = function
                    && a == r
                    && let Some(closure) = f.closure.filter(|_| !f.tailed)
                {
                    // Whatever the slot holds: its mark must say that this was no tail call.
                    reg = Reg::known(super::tags::Tags::of(tag::LUA_FN), closure);
                } else if (reg.home || reg.tags.is_none())
                    && function.is_none_or(|(a, f)| a != r || f.tailed)
                {
                    continue;
                }
                seen.extend(reg.object_number());
                waits.add(offset + r, reg);
            }
        }
        for id in seen {
            self.escape(id, "a call may see it here");
        }
        self.b.name_live(waits.values.clone());
        self.waits.insert(safepoint, waits);
    }
}
