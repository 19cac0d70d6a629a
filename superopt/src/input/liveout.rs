//! What of a function's final state matters, as it is written on the command line: `eax`, `xmm0:64`, `rax,rdx`, `zf`.

use super::place::Place;
use super::precondition::register;
use super::region::LiveOut;
use iced_x86::Register;
use trinity_codegen::isa::Flag;

/// A named result: a register or a part of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Result {
    /// As it was written.
    pub name: String,
    /// Its words, the lowest first.
    pub parts: Vec<LiveOut>,
}

/// A name that is no register.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadName(pub String);

impl std::fmt::Display for BadName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:?} is no live-out: give registers (eax, rax, xmm0, ymm0, zf), with :BITS for the low part",
            self.0
        )
    }
}

impl std::error::Error for BadName {}

/// Reads a list of names separated by commas; `none` is the empty one (memory always matters).
///
/// # Errors
/// With the first name that is none.
pub fn parse(list: &str) -> std::result::Result<Vec<Result>, BadName> {
    if list == "none" {
        return Ok(Vec::new());
    }
    list.split(',').map(|n| one(n.trim())).collect()
}

fn one(name: &str) -> std::result::Result<Result, BadName> {
    let bad = || BadName(name.to_owned());
    let (base, bits) = match name.split_once(':') {
        Some((b, n)) => (b, Some(n.parse::<u32>().map_err(|_| bad())?)),
        None => (name, None),
    };
    let base = base.to_ascii_lowercase();
    let mut parts: Vec<LiveOut> = if let Some(f) = Flag::ALL
        .into_iter()
        .find(|f| Place::Flag(*f).to_string() == base)
    {
        vec![LiveOut {
            place: Place::Flag(f),
            width: 1,
        }]
    } else if let Some(r) = register(&base) {
        if matches!(r, Register::AH | Register::BH | Register::CH | Register::DH) {
            return Err(bad());
        }
        let n = r.full_register() as u32 - Register::RAX as u32;
        vec![LiveOut {
            place: Place::Gpr(n as u8),
            width: 8 * r.size() as u32,
        }]
    } else {
        let words = if base.starts_with("xmm") { 2 } else { 4 };
        let digits = base
            .strip_prefix("xmm")
            .or_else(|| base.strip_prefix("ymm"))
            .ok_or_else(bad)?;
        let n: u8 = digits.parse().ok().filter(|n| *n < 16).ok_or_else(bad)?;
        (0..words)
            .map(|w| LiveOut {
                place: Place::Vec(n, w),
                width: 64,
            })
            .collect()
    };
    if let Some(mut left) = bits {
        let total: u32 = parts.iter().map(|p| p.width).sum();
        if left == 0 || left > total {
            return Err(bad());
        }
        parts.retain_mut(|p| {
            p.width = p.width.min(left);
            left -= p.width;
            p.width > 0
        });
    }
    Ok(Result {
        name: name.to_owned(),
        parts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let parts = |s: &str| {
            parse(s)
                .unwrap()
                .iter()
                .map(|r| r.parts.iter().map(|p| p.width).collect())
                .collect::<Vec<Vec<u32>>>()
        };
        assert_eq!(
            parts("eax, xmm0:64,ymm3,zf,rdx:12"),
            [vec![32], vec![64], vec![64; 4], vec![1], vec![12]]
        );
        assert_eq!(parts("xmm1:96"), [vec![64, 32]]);
        for bad in ["", "foo", "xmm16", "eax:33", "eax:0", "ah", "rax:x"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
