//! Floating-point operations by exact arithmetic on rationals and one rounding: independent of the processor's.
//!
//! A double is an integer times a power of two, so that sums, products and quotients of doubles are rationals, and integer
//! powers too. [`Exact::round`] gives the double that IEEE 754 prescribes for a rational in any of the four rounding modes.

use num_bigint::{BigInt, BigUint, Sign};

/// Rounding modes of IEEE 754 (and of MXCSR).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// To the nearest, ties to even.
    Nearest,
    /// Towards plus infinity.
    Up,
    /// Towards minus infinity.
    Down,
    /// Towards zero.
    Zero,
}

impl Mode {
    /// All modes with their names.
    pub const ALL: [(Mode, &'static str); 4] = [
        (Mode::Nearest, "to nearest, ties to even"),
        (Mode::Up, "towards +∞"),
        (Mode::Down, "towards -∞"),
        (Mode::Zero, "towards 0"),
    ];
}

/// A rational number: numerator and positive denominator, not reduced.
#[derive(Clone, Debug)]
pub struct Exact {
    n: BigInt,
    d: BigUint,
}

/// 2^n.
fn power(n: u64) -> BigUint {
    BigUint::from(1u8) << n
}

impl Exact {
    /// The value of a finite double.
    pub fn of(x: f64) -> Exact {
        assert!(x.is_finite(), "only finite doubles are rationals");
        let bits = x.to_bits();
        let (exponent, fraction) = ((bits >> 52) & 0x7ff, bits & ((1 << 52) - 1));
        let (m, e) = match exponent {
            0 => (fraction, -1074),
            e => (fraction | 1 << 52, e as i64 - 1075),
        };
        let sign = if x.is_sign_negative() {
            Sign::Minus
        } else {
            Sign::Plus
        };
        match e < 0 {
            true => Exact {
                n: BigInt::from_biguint(sign, m.into()),
                d: power(e.unsigned_abs()),
            },
            false => Exact {
                n: BigInt::from_biguint(sign, BigUint::from(m) << e as u64),
                d: 1u8.into(),
            },
        }
    }

    /// The sum.
    pub fn add(&self, o: &Exact) -> Exact {
        let part = |n: &BigInt, d: &BigUint| n * BigInt::from(d.clone());
        Exact {
            n: part(&self.n, &o.d) + part(&o.n, &self.d),
            d: &self.d * &o.d,
        }
    }

    /// The product.
    pub fn mul(&self, o: &Exact) -> Exact {
        Exact {
            n: &self.n * &o.n,
            d: &self.d * &o.d,
        }
    }

    /// One over it; it must not be zero.
    pub fn inverse(&self) -> Exact {
        let (sign, n) = self.n.clone().into_parts();
        assert!(sign != Sign::NoSign, "zero has no inverse");
        Exact {
            n: BigInt::from_biguint(sign, self.d.clone()),
            d: n,
        }
    }

    /// An integer power; negative ones of anything but zero.
    pub fn pow(&self, i: i32) -> Exact {
        let base = if i < 0 { self.inverse() } else { self.clone() };
        let i = i.unsigned_abs();
        Exact {
            n: base.n.pow(i),
            d: base.d.pow(i),
        }
    }

    /// A rational that rounds as the square root does in every mode: the root to 128 bits behind the binary point, and half a
    /// unit of the last one more when it is not exact. Of a number that is not negative.
    pub fn sqrt(&self) -> Exact {
        // sqrt(n/d) = sqrt(n*d)/d.
        let square = (self.n.magnitude() * &self.d) << 256u32;
        let root = square.sqrt();
        let exact = &root * &root == square;
        let n = (root << 1u32) + BigUint::from(u8::from(!exact));
        Exact {
            n: n.into(),
            d: &self.d << 129u32,
        }
    }

    /// The double that the rational rounds to.
    pub fn round(&self, mode: Mode) -> f64 {
        let (sign, n) = (self.n.sign(), self.n.magnitude());
        if sign == Sign::NoSign {
            return 0.0;
        }
        let negative = sign == Sign::Minus;
        // The exponent of the last place: so that the quotient has 53 bits, but not below that of the subnormals.
        let mut e = (n.bits() as i64 - self.d.bits() as i64 - 53).max(-1074);
        let (q, odd) = loop {
            let (n, d) = match e < 0 {
                true => (n << e.unsigned_abs(), self.d.clone()),
                false => (n.clone(), &self.d << e as u64),
            };
            let q = &n / &d;
            if q.bits() <= 53 {
                break (q.clone(), compare_twice(&n - &q * &d, &d));
            }
            e += 1;
        };
        let mut m = u64::try_from(&q).expect("the loop ends with at most 53 bits");
        use std::cmp::Ordering::*;
        let up = match (mode, odd) {
            (_, None) => false,
            (Mode::Nearest, Some(Greater)) => true,
            (Mode::Nearest, Some(Equal)) => m & 1 == 1,
            (Mode::Nearest, Some(Less)) | (Mode::Zero, _) => false,
            (Mode::Up, _) => !negative,
            (Mode::Down, _) => negative,
        };
        m += u64::from(up);
        if m == 1 << 53 {
            m >>= 1;
            e += 1;
        }
        // A mantissa without its top bit is subnormal and has the field 0; with it the field counts from 1.
        let field = if m < 1 << 52 { 0 } else { (e + 1075) as u64 };
        let magnitude = match field >= 0x7ff {
            true => match (mode, negative) {
                (Mode::Zero, _) | (Mode::Up, true) | (Mode::Down, false) => f64::MAX.to_bits(),
                _ => f64::INFINITY.to_bits(),
            },
            false => field << 52 | m & ((1 << 52) - 1),
        };
        f64::from_bits(magnitude | u64::from(negative) << 63)
    }
}

/// Twice the remainder against the divisor; `None` for no remainder.
fn compare_twice(remainder: BigUint, divisor: &BigUint) -> Option<std::cmp::Ordering> {
    (remainder.bits() > 0).then(|| (remainder << 1u32).cmp(divisor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};

    /// The two evaluators, the processor's and this one, agree on random operands of every size.
    #[test]
    fn agrees_with_the_processor() {
        use std::hash::{BuildHasher, RandomState};
        let seed = RandomState::new().hash_one(0);
        println!("seed {seed}");
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let mut compared = 0;
        while compared < 4000 {
            let mut draw = || match rng.random_range(0..4) {
                // Any bits; numbers near each other; small integers; halves of units that make ties.
                0 => f64::from_bits(rng.random()),
                1 => 1.0 + rng.random::<f64>(),
                2 => rng.random_range(-100..100) as f64,
                _ => f64::from_bits(
                    (1023 + rng.random_range(0..60u64)) << 52 | rng.random_range(0..4u64),
                ),
            };
            let (x, y) = (draw(), draw());
            if !x.is_finite() || !y.is_finite() || y == 0.0 || x == 0.0 {
                continue;
            }
            compared += 1;
            let (a, b) = (Exact::of(x), Exact::of(y));
            let near = |e: Exact| e.round(Mode::Nearest);
            let same = |ours: f64, host: f64, what: &str| {
                // An exact zero has no sign here.
                let equal = ours.to_bits() == host.to_bits() || (ours == 0.0 && host == 0.0);
                assert!(
                    equal,
                    "{x:e} {what} {y:e}: {ours:e} against {host:e}, seed {seed}"
                );
            };
            same(near(a.add(&b)), x + y, "+");
            same(near(a.mul(&b)), x * y, "*");
            same(near(a.mul(&b.inverse())), x / y, "/");
            same(near(Exact::of(x.abs()).sqrt()), x.abs().sqrt(), "sqrt");
            same(near(a.clone()), x, "itself");
            same(near(a.mul(&b).add(&a)), x.mul_add(y, x), "fma");
        }
    }

    #[test]
    fn modes_bracket_the_value() {
        let third = Exact::of(3.0).inverse();
        let [near, up, down, zero] = Mode::ALL.map(|(m, _)| third.round(m));
        assert_eq!(up.to_bits(), down.to_bits() + 1);
        assert!(near == up || near == down);
        assert_eq!(zero, down);
        let minus = Exact::of(-3.0).inverse();
        assert_eq!(minus.round(Mode::Zero), -down);
        assert_eq!(minus.round(Mode::Down), -up);
        let huge = Exact::of(f64::MAX).mul(&Exact::of(2.0));
        assert_eq!(huge.round(Mode::Nearest), f64::INFINITY);
        assert_eq!(huge.round(Mode::Zero), f64::MAX);
        let tiny = Exact::of(f64::from_bits(1)).mul(&Exact::of(0.5));
        assert_eq!(tiny.round(Mode::Nearest), 0.0);
        assert_eq!(tiny.round(Mode::Up).to_bits(), 1);
        // An exact root rounds to itself in every mode.
        assert!(
            Mode::ALL
                .iter()
                .all(|(m, _)| Exact::of(9.0).sqrt().round(*m) == 3.0)
        );
    }
}
