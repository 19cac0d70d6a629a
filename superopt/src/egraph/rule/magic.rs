//! Constants that rules compute by code: multipliers of divisions, inverses. Nothing here is trusted; what a rule
//! needs of them stands in its condition, which is checked at each use and is the premise of its proof.

use trinity_codegen::isa::concrete::{mask, signed};

/// How a constant after `with` is computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Computed {
    /// The multiplier for an unsigned division by a constant, of the rule's width.
    UmagicMul,
    /// The shift that goes with [`Computed::UmagicMul`].
    UmagicShift,
    /// The low `w` bits of the multiplier that needs one bit more.
    UmagicWideMul,
    /// The shift that goes with [`Computed::UmagicWideMul`].
    UmagicWideShift,
    /// The multiplier for the unsigned division by an even constant that comes after its factor of two is shifted out.
    UmagicEvenMul,
    /// The shift that goes with [`Computed::UmagicEvenMul`].
    UmagicEvenShift,
    /// The multiplier for a signed division by a positive constant.
    SmagicMul,
    /// The shift that goes with [`Computed::SmagicMul`].
    SmagicShift,
    /// The multiplier for an unsigned division of what has less than half of the width's bits.
    UmagicShortMul,
    /// The shift that goes with [`Computed::UmagicShortMul`].
    UmagicShortShift,
    /// The place of the lowest bit.
    LowestBit,
    /// The place of the highest bit.
    HighestBit,
    /// The place just above the lowest run of ones.
    RunEnd,
    /// The number without its factors of two.
    OddPart,
    /// The inverse of an odd number modulo a power of two.
    Inverse,
}

const NAMES: [(&str, Computed); 15] = [
    ("umagic", Computed::UmagicMul),
    ("umagic_shift", Computed::UmagicShift),
    ("umagic_wide", Computed::UmagicWideMul),
    ("umagic_wide_shift", Computed::UmagicWideShift),
    ("umagic_even", Computed::UmagicEvenMul),
    ("umagic_even_shift", Computed::UmagicEvenShift),
    ("smagic", Computed::SmagicMul),
    ("smagic_shift", Computed::SmagicShift),
    ("umagic_short", Computed::UmagicShortMul),
    ("umagic_short_shift", Computed::UmagicShortShift),
    ("lowest_bit", Computed::LowestBit),
    ("highest_bit", Computed::HighestBit),
    ("run_end", Computed::RunEnd),
    ("odd_part", Computed::OddPart),
    ("inverse", Computed::Inverse),
];

impl Computed {
    /// The computation of a name.
    pub fn from_name(name: &str) -> Option<Computed> {
        NAMES.iter().find(|n| n.0 == name).map(|n| n.1)
    }
    /// Number of operands.
    pub fn operands(self) -> usize {
        1
    }
    /// The value for operands `w` bits wide; `None` where there is none.
    pub fn value(self, w: u32, args: &[u128]) -> Option<u128> {
        let d = *args.first()?;
        match self {
            Computed::UmagicMul => umagic(w, d).map(|m| m.0),
            Computed::UmagicShift => umagic(w, d).map(|m| m.1.into()),
            Computed::UmagicWideMul => umagic_wide(w, d).map(|m| m.0),
            Computed::UmagicWideShift => umagic_wide(w, d).map(|m| m.1.into()),
            Computed::UmagicEvenMul => umagic_even(w, d).map(|m| m.0),
            Computed::UmagicEvenShift => umagic_even(w, d).map(|m| m.1.into()),
            Computed::SmagicMul => smagic(w, d).map(|m| m.0),
            Computed::SmagicShift => smagic(w, d).map(|m| m.1.into()),
            Computed::UmagicShortMul => umagic_short(w, d).map(|m| m.0),
            Computed::UmagicShortShift => umagic_short(w, d).map(|m| m.1.into()),
            Computed::LowestBit => (d != 0).then(|| d.trailing_zeros().into()),
            Computed::HighestBit => d.checked_ilog2().map(u128::from),
            Computed::RunEnd => {
                (d != 0).then(|| (d + (d & d.wrapping_neg())).trailing_zeros().into())
            }
            Computed::OddPart => (d != 0).then(|| d >> d.trailing_zeros()),
            Computed::Inverse => inverse(w, d),
        }
    }
}

/// The least shift `s` with a multiplier below `2^w` such that `0 <= m * d - 2^(w + s) <= 2^s`.
fn umagic(w: u32, d: u128) -> Option<(u128, u32)> {
    if d < 2 || w > 64 {
        return None;
    }
    (0..w).find_map(|s| {
        let power = 1u128.checked_shl(w + s).filter(|p| *p != 0)?;
        let m = power.div_ceil(d);
        (m <= mask(w) && m * d - power <= 1 << s).then_some((m, s))
    })
}

/// As [`umagic`], with a multiplier from `2^w` to `2^(w + 1)`; its low bits and the shift.
fn umagic_wide(w: u32, d: u128) -> Option<(u128, u32)> {
    if d < 2 || w > 64 {
        return None;
    }
    (1..=w).find_map(|s| {
        // 2^(w + s) = (q + 1) * d - excess, where 2^(w + s) - 1 = q * d + r.
        let last = mask(w + s);
        let m = last / d + 1;
        let excess = d - last % d - 1;
        (m > mask(w) && m >> (w + 1) == 0 && excess <= 1 << s).then_some((m & mask(w), s))
    })
}

/// As [`umagic`] for the odd part of `d`, dividing words with as many leading zeros as `d` has trailing ones.
fn umagic_even(w: u32, d: u128) -> Option<(u128, u32)> {
    if d < 2 || d & 1 == 1 || w > 64 {
        return None;
    }
    let e = d.trailing_zeros();
    let odd = d >> e;
    (0..w).find_map(|s| {
        let power = 1u128 << (w + s);
        let m = power.div_ceil(odd);
        (m <= mask(w) && m * odd - power <= 1 << (s + e)).then_some((m, s))
    })
}

/// With `h = w / 2 - 1` bits in the dividend: the least shift `s >= h` with a multiplier up to `2^(h + 1)` such that
/// `0 <= m * d - 2^s <= 2^(s - h)`. The product has no more than `w` bits.
fn umagic_short(w: u32, d: u128) -> Option<(u128, u32)> {
    if d < 2 || !(4..=64).contains(&w) || d > mask(w / 2) {
        return None;
    }
    let h = w / 2 - 1;
    (h..w).find_map(|s| {
        let power = 1u128 << s;
        let m = power.div_ceil(d);
        (m <= 1 << (h + 1) && m * d - power <= 1 << (s - h)).then_some((m, s))
    })
}

/// For a positive divisor: the least shift with a multiplier below `2^(w-1)` or, read as signed, negative, such that
/// `0 < m * d - 2^(w + s) <= 2^(s + 1)`.
fn smagic(w: u32, d: u128) -> Option<(u128, u32)> {
    if signed(w, d) < 2 || w > 64 {
        return None;
    }
    (0..w - 1).find_map(|s| {
        let power = 1u128 << (w + s);
        let m = power / d + 1;
        let excess = d - power % d;
        (m <= mask(w) && excess <= 1 << (s + 1)).then_some((m, s))
    })
}

fn inverse(w: u32, d: u128) -> Option<u128> {
    if d & 1 == 0 {
        return None;
    }
    // Newton's iteration doubles the number of right bits; d itself is right in three.
    let mut x = d;
    for _ in 0..6 {
        x = x.wrapping_mul(2u128.wrapping_sub(d.wrapping_mul(x)));
    }
    Some(x & mask(w))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipliers_divide_every_byte() {
        for d in 2..=255u128 {
            let narrow = umagic(8, d);
            let wide = umagic_wide(8, d);
            assert!(narrow.is_some() || wide.is_some(), "{d}");
            for x in 0..=255u128 {
                if let Some((m, s)) = narrow {
                    assert_eq!((x * m) >> (8 + s), x / d, "{x} / {d}");
                }
                if let Some((m, s)) = wide {
                    assert_eq!((x * (m + 256)) >> (8 + s), x / d, "{x} / {d}");
                }
            }
        }
    }

    #[test]
    fn short_dividends_need_no_high_product() {
        for d in 2..=255u128 {
            let (m, s) = umagic_short(16, d).expect("one exists");
            for x in 0..=127u128 {
                assert_eq!(((x * m) & mask(16)) >> s, x / d, "{x} / {d}");
            }
        }
    }

    #[test]
    fn signed_multipliers_divide_every_byte() {
        for d in 2..=127i128 {
            let (m, s) = smagic(8, d as u128).expect("one exists");
            for x in -128..=127i128 {
                let q = ((x * m as i128) >> (8 + s)) + i128::from(x < 0);
                assert_eq!(q, x / d, "{x} / {d}");
            }
        }
    }

    #[test]
    fn inverses_multiply_to_one() {
        for w in [8, 16, 32, 64] {
            for d in [1, 3, 5, 7, 0x55, 0xabcd_ef01_2345_6789u128 & mask(w)] {
                let i = inverse(w, d).expect("odd");
                assert_eq!(d.wrapping_mul(i) & mask(w), 1);
            }
        }
    }
}
