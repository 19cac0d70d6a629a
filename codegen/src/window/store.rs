//! The windows that are replaced, and by what. Immutable while functions are compiled, so that threads share it.

use super::canonical::{Canonical, canonical, decode};
use super::effect::{Live, effect};
use super::{LONGEST, Renaming};
use crate::isa::March;
use iced_x86::{Instruction, InstructionInfoFactory, OpKind, Register};
use std::collections::{HashMap, HashSet};
use std::fmt;

/// Why a pair of a window and a replacement cannot be used, whatever was proven of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The bytes are no instructions, or the window is not in canonical form.
    Form,
    /// The replacement uses what the window does not have, or something that no window has.
    Outside,
    /// An instruction of the replacement is one of no level or processor that `-march` knows.
    Processor,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Form => "not a window in canonical form",
            Refused::Outside => "the replacement uses more than the window has",
            Refused::Processor => "no processor is known for the replacement",
        })
    }
}

impl std::error::Error for Refused {}

/// What a window is replaced by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replacement {
    /// Instructions over the canonical registers; none if the window does nothing that is seen.
    pub code: Vec<Instruction>,
    /// What the processor must have.
    pub march: March,
    /// What it saves, in hundredths of a cycle by the model.
    pub gain: u32,
}

/// Windows and their replacements.
#[derive(Clone, Debug, Default)]
pub struct WindowStore {
    windows: HashMap<Vec<u8>, Vec<Replacement>>,
    /// Hashes of what the windows begin with, registers left out.
    prefixes: HashSet<u64>,
    /// Hashes of whole windows, registers left out.
    whole: HashSet<u64>,
}

/// One step of a hash of instructions without their registers. Zero stands for no instruction.
pub(super) fn shape(before: u64, i: &Instruction) -> u64 {
    let mut h = before ^ 0xcbf2_9ce4_8422_2325;
    let mut feed = |x: u64| h = (h ^ x).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    feed(i.mnemonic() as u64);
    for n in 0..i.op_count() {
        match i.op_kind(n) {
            OpKind::Register => feed(i.op_register(n).size() as u64),
            OpKind::Memory => {
                feed(0x100 | i.memory_size() as u64);
                feed(i.memory_displacement64());
                feed(
                    u64::from(i.memory_index() != Register::None) << 8
                        | u64::from(i.memory_index_scale()),
                );
            }
            _ => feed(i.immediate(n) ^ 0x5555),
        }
    }
    h
}

impl WindowStore {
    /// Adds a window by its name ([`Canonical::key`]) and its replacement's bytes. Of several for one window the one with
    /// the greatest gain that the processor can do is used; the first of equals.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn add(&mut self, key: &[u8], new: &[u8], gain: u32) -> Result<(), Refused> {
        let window = WindowStore::window(key).ok_or(Refused::Form)?;
        let code = decode(new).ok_or(Refused::Form)?;
        let march = allowed(&window, &code)?;
        let mut hash = 0;
        for i in &window.code {
            hash = shape(hash, i);
            self.prefixes.insert(hash);
        }
        self.whole.insert(hash);
        let all = self.windows.entry(key.to_vec()).or_default();
        all.push(Replacement { code, march, gain });
        all.sort_by_key(|r| std::cmp::Reverse(r.gain));
        Ok(())
    }

    /// The window that a name is of, if it is one in canonical form.
    pub fn window(key: &[u8]) -> Option<Canonical> {
        let (live, bytes) = key.split_at_checked(3)?;
        let live = Live {
            gpr: u16::from_le_bytes([live[0], live[1]]),
            flags: live[2],
        };
        let w = canonical(&decode(bytes)?, live)?;
        (w.key() == key && !w.code.is_empty() && w.code.len() <= LONGEST).then_some(w)
    }

    /// How many windows it has.
    pub fn len(&self) -> usize {
        self.windows.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    /// Whether some window begins with what has this hash.
    pub(super) fn begins(&self, shape: u64) -> bool {
        self.prefixes.contains(&shape)
    }

    /// Whether some window has this hash.
    pub(super) fn may_have(&self, shape: u64) -> bool {
        self.whole.contains(&shape)
    }

    /// The replacement for a window on a processor.
    pub fn get(&self, key: &[u8], march: March) -> Option<&Replacement> {
        let all = self.windows.get(key)?;
        all.iter().find(|r| march.includes(r.march))
    }
}

/// What the processor must have for a replacement that uses only what the window has.
fn allowed(window: &Canonical, code: &[Instruction]) -> Result<March, Refused> {
    let mut factory = InstructionInfoFactory::new();
    let (has, writes) = (window.registers(), window.writes());
    let implied = window
        .code
        .iter()
        .fold(0, |s, i| s | effect(i, &mut factory).implied);
    let fixed = implied | Live::PINNED.gpr;
    let mut march = March::V1;
    for i in code {
        let e = effect(i, &mut factory);
        let new = (e.reads | e.writes).gpr & !has | e.writes.gpr & !writes.gpr;
        let flags = e.writes.flags & window.live.flags & !writes.flags;
        let moved = e.implied & !fixed;
        if !e.usable || new != 0 || flags != 0 || moved != 0 {
            return Err(Refused::Outside);
        }
        march = march.or(March::of(i.code()).ok_or(Refused::Processor)?);
    }
    Ok(march)
}

/// A replacement where the window stands.
pub(super) fn placed(r: &Replacement, renaming: &Renaming) -> Option<Vec<Instruction>> {
    let back = renaming.inverse();
    r.code.iter().map(|i| back.apply(i)).collect()
}
