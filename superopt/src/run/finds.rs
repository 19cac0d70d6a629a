//! What a search has found for its target so far, kept where a thread that saves the state can read it: proven
//! improvements in the order they came, and the inputs that refuted candidates.

use iced_x86::{Decoder, DecoderOptions, Encoder, Instruction};
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A proven program that was the best so far when it came.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mark {
    /// The engine.
    pub engine: String,
    /// Proposals the engine had made.
    pub iteration: u64,
    /// Cost in the search's units.
    pub cost: u64,
    /// Its machine code in hexadecimal.
    pub bytes: String,
}

impl Mark {
    /// Of a program.
    pub fn new(engine: &str, iteration: u64, cost: u64, code: &[Instruction]) -> Mark {
        Mark {
            engine: engine.into(),
            iteration,
            cost,
            bytes: to_hex(code),
        }
    }

    /// Its instructions; `None` when the text is no machine code.
    pub fn code(&self) -> Option<Vec<Instruction>> {
        from_hex(&self.bytes)
    }
}

/// An input that refuted a candidate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Refutation {
    /// The engine whose candidate it was.
    pub engine: String,
    /// Proposals the engine had made.
    pub iteration: u64,
    /// A value per input of the target.
    pub row: Vec<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    path: Vec<Mark>,
    refutations: Vec<Refutation>,
}

/// See the module's header.
#[derive(Debug, Default)]
pub struct Finds(Mutex<Kept>);

impl Finds {
    /// With what an earlier run of the same search had found.
    pub fn with(path: Vec<Mark>, refutations: Vec<Refutation>) -> Finds {
        Finds(Mutex::new(Kept { path, refutations }))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Only whole pushes happen under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a proven program; it is kept when it is better than all before.
    pub fn proven(&self, m: Mark) {
        let mut k = self.lock();
        if k.path.last().is_none_or(|last| m.cost < last.cost) {
            k.path.push(m);
        }
    }

    /// Takes an input that refuted a candidate.
    pub fn refuted(&self, engine: &str, iteration: u64, row: &[u64]) {
        self.lock().refutations.push(Refutation {
            engine: engine.into(),
            iteration,
            row: row.to_vec(),
        });
    }

    /// The improvements, the best last.
    pub fn path(&self) -> Vec<Mark> {
        self.lock().path.clone()
    }

    /// Inputs that refuted candidates, with who met them.
    pub fn refutations(&self) -> Vec<Refutation> {
        self.lock().refutations.clone()
    }

    /// Inputs that refuted candidates.
    pub fn counterexamples(&self) -> Vec<Vec<u64>> {
        let k = self.lock();
        k.refutations.iter().map(|r| r.row.clone()).collect()
    }
}

/// Encoded instructions, one after another from address 0.
pub fn encode(code: &[Instruction]) -> Vec<u8> {
    let mut e = Encoder::new(64);
    let mut at = 0;
    for i in code {
        // What a search or a decoder made can be encoded; anything else would be missing from the text and is noticed
        // there, since the program is proven again from it.
        at += e.encode(i, at).unwrap_or(0) as u64;
    }
    e.take_buffer()
}

/// Machine code as text.
pub fn to_hex(code: &[Instruction]) -> String {
    encode(code).iter().map(|b| format!("{b:02x}")).collect()
}

/// Instructions of machine code as text.
pub fn from_hex(text: &str) -> Option<Vec<Instruction>> {
    let byte = |i: usize| u8::from_str_radix(text.get(i..i + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(byte).collect();
    let bytes = bytes?;
    let code: Vec<Instruction> = Decoder::new(64, &bytes, DecoderOptions::NONE)
        .into_iter()
        .collect();
    code.iter().all(|i| !i.is_invalid()).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_survives_as_text() {
        // blsr eax, edi; lea eax, [rdi + rsi - 1]
        let text = "c4e278f3cf8d4437ff";
        let code = from_hex(text).unwrap();
        assert_eq!(code.len(), 2);
        assert_eq!(to_hex(&code), text);
        assert!(
            from_hex("c4e2").is_none() && from_hex("xy").is_none() && from_hex("abc").is_none()
        );
    }

    #[test]
    fn only_improvements_are_kept() {
        let f = Finds::with(vec![Mark::new("a", 1, 30, &[])], Vec::new());
        for cost in [40, 20, 20, 10] {
            f.proven(Mark::new("b", 2, cost, &[]));
        }
        assert_eq!(
            f.path().iter().map(|m| m.cost).collect::<Vec<_>>(),
            [30, 20, 10]
        );
        f.refuted("chain", 7, &[1, 2]);
        assert_eq!(f.counterexamples(), [vec![1, 2]]);
    }
}
