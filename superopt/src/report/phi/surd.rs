//! Numbers a + b*sqrt(5) with rational a and b, exactly: the field in which phi lives.

use std::fmt;

/// (a + b*sqrt(5)) / d, in lowest terms with d > 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Surd {
    a: i128,
    b: i128,
    d: i128,
}

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Surd {
    /// The golden ratio, (1 + sqrt(5)) / 2.
    pub const PHI: Surd = Surd { a: 1, b: 1, d: 2 };

    fn new(a: Option<i128>, b: Option<i128>, d: Option<i128>) -> Option<Surd> {
        let (a, b, d) = (a?, b?, d?);
        let g = match d {
            0 => return None,
            d if d < 0 => -gcd(gcd(a, b), d),
            d => gcd(gcd(a, b), d),
        };
        Some(Surd {
            a: a / g,
            b: b / g,
            d: d / g,
        })
    }

    /// An integer.
    pub fn integer(n: i64) -> Surd {
        Surd {
            a: n.into(),
            b: 0,
            d: 1,
        }
    }

    /// The sum; `None` past 128 bits.
    pub fn add(self, o: Surd) -> Option<Surd> {
        let cross = |x: i128, y: i128| x.checked_mul(o.d)?.checked_add(y.checked_mul(self.d)?);
        Surd::new(
            cross(self.a, o.a),
            cross(self.b, o.b),
            self.d.checked_mul(o.d),
        )
    }

    /// The product; `None` past 128 bits.
    pub fn mul(self, o: Surd) -> Option<Surd> {
        let product = |x: i128, y: i128| x.checked_mul(y);
        let a = || product(self.a, o.a)?.checked_add(product(self.b, o.b)?.checked_mul(5)?);
        let b = || product(self.a, o.b)?.checked_add(product(self.b, o.a)?);
        Surd::new(a(), b(), product(self.d, o.d))
    }

    /// One over it; `None` for zero (and past 128 bits). The norm a^2 - 5 b^2 is zero for zero only, since sqrt(5) is
    /// irrational.
    pub fn inverse(self) -> Option<Surd> {
        let norm = self
            .a
            .checked_mul(self.a)?
            .checked_sub(self.b.checked_mul(self.b)?.checked_mul(5)?)?;
        let part = |x: i128| x.checked_mul(self.d);
        Surd::new(part(self.a), part(-self.b), Some(norm))
    }
}

impl fmt::Display for Surd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratio = |n: i128| match self.d {
            1 => format!("{n}"),
            d => match gcd(n, d) {
                g if g == d => format!("{}", n / d),
                g => format!("{}/{}", n / g, d / g),
            },
        };
        match self.b {
            0 => f.write_str(&ratio(self.a)),
            b if b < 0 => write!(f, "{} - {}·√5", ratio(self.a), ratio(-b)),
            b => write!(f, "{} + {}·√5", ratio(self.a), ratio(b)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phi_satisfies_its_equations() {
        let phi = Surd::PHI;
        let one = Surd::integer(1);
        let square = phi.mul(phi).unwrap();
        assert_eq!(square, phi.add(one).unwrap());
        assert_eq!(phi.inverse().unwrap(), phi.add(Surd::integer(-1)).unwrap());
        assert_eq!(
            square.add(square.inverse().unwrap()).unwrap(),
            Surd::integer(3)
        );
        assert_eq!(phi.to_string(), "1/2 + 1/2·√5");
        assert_eq!(phi.inverse().unwrap().to_string(), "-1/2 + 1/2·√5");
        assert_eq!(Surd::integer(0).inverse(), None);
        // A power too great is refused, not wrapped.
        let mut x = phi;
        while let Some(y) = x.mul(x) {
            x = y;
        }
        assert!(x.a > 1 << 40);
    }
}
