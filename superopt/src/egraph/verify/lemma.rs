//! Division by an invariant constant, for all constants at once (Granlund and Montgomery 1994, theorem 4.2; Hacker's
//! Delight, chapter 10).
//!
//! The lemma, over the integers. Let `x = q*D + r` with `0 <= r < D`, `0 <= x <= X`, `C = T*(X + 1)`, `T >= 1` and
//! `M*D = C + e` with `0 <= e <= T`. Then `q*C <= M*x < (q + 1)*C`, so that `floor(M*x / C) = q`.
//!
//! 1. `M*x = q*C + y` with `y = q*e + M*r`;
//! 2. `D*y = e*x + r*C`;
//! 3. `T*X - e*x = T*(X - x) + (T - e)*x`, a sum of products of numbers that are not negative, so `e*x <= T*X = C - T`;
//! 4. `(D - 1 - r)*C >= 0`, so `D*y <= C - T + (D - 1)*C < D*C`, so `y < C`; and `y >= 0`.
//!
//! For a negative dividend `-x`, `1 <= x <= X + 1`, and `e >= 1`: `0 < y <= C`, so that
//! `floor(-M*x / C) + 1 = -q`, the quotient rounded to zero.
//!
//! The rules are instances: `T = 2^S`, `X = 2^w - 1` (`udiv-magic`; with `M + 2^w` for `M`, `udiv-magic-wide`, where
//! `x + mulhu(x, M)` is the high part of the product and its half is taken before it can overflow); `T = 2^(S + k)`,
//! `X = 2^(w - k) - 1` for a dividend shifted right by the `k` trailing zeros of the divisor (`udiv-magic-even`);
//! `T = 2^(S + 1)`, `X = 2^(w - 1) - 1` (the signed rules, and those for dividends that are known not to be negative); `T = 2^(S - h)`, `X = 2^h - 1`
//! with `h = w / 2 - 1`, where the product itself fits (`udiv-magic-short`).
//!
//! The lemma of few quotients (`urem-twice`): let `x = q*D + r` with `0 <= r < D`, and `x < 4*D`. Then `q <= 3`; without `2*D`, if it has as much, `x` is below `2*D`, and
//! without `D`, if it has as much then, it is `r`. All numbers are below `4*D`, which fits.
//!
//! Z3 checks each step; the rules with the multipliers
//! computed are then proven for the divisors of [`DIVISORS`] by the proof ladder, all the way from the bits.

use crate::egraph::rule::Meaning;
use crate::solver::{Budget, Cancel, Outcome, SolverPool};

/// A lemma whose steps are questions to Z3, each to be answered `unsat`.
pub struct Lemma {
    /// Its name.
    pub name: &'static str,
    /// Dividends may be negative.
    signed: bool,
    premise: Premise,
    w: u32,
}

/// What `C` and `T` are at a shift `S`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Premise {
    /// `2^(w + S)` and `2^S`.
    High,
    /// `2^(w + S)` and `2^(S + 1)`.
    HighSigned,
    /// `2^S` and `2^(S - h)`.
    Short,
    /// None of that: the quotient is at most 3.
    Few,
}

/// Divisors the rules are proven for bit by bit, where they fit the width.
pub const DIVISORS: [u128; 20] = [
    3,
    5,
    6,
    7,
    9,
    10,
    11,
    12,
    14,
    25,
    28,
    60,
    100,
    125,
    255,
    641,
    1000,
    10_000,
    1_000_000,
    1_000_000_007,
];

/// The lemma behind a rule, for those that need one.
pub fn of(meaning: &Meaning) -> Option<Lemma> {
    let (signed, premise) = match meaning.rule.name.as_str() {
        "udiv-magic" | "udiv-magic-wide" | "udiv-magic-even" => (false, Premise::High),
        "udiv-magic-positive" | "udiv-magic-positive-add" => (false, Premise::HighSigned),
        "udiv-magic-short" => (false, Premise::Short),
        "sdiv-magic" | "sdiv-magic-add" => (true, Premise::HighSigned),
        "urem-twice" => (false, Premise::Few),
        _ => return None,
    };
    Some(Lemma {
        name: match premise {
            Premise::Few => "few quotients",
            _ => "division by an invariant",
        },
        signed,
        premise,
        w: meaning.at.w,
    })
}

const DECLARE: &str = "(declare-fun M () Int)\n(declare-fun D () Int)\n(declare-fun e () Int)\n(declare-fun q () Int)\n\
    (declare-fun r () Int)\n(declare-fun x () Int)\n(declare-fun T () Int)\n(declare-fun X () Int)\n\
    (declare-fun C () Int)\n(declare-fun y () Int)\n(declare-fun a () Int)\n(declare-fun b () Int)\n\
    (declare-fun ex () Int)\n(declare-fun TX () Int)\n(declare-fun rC () Int)\n(declare-fun DC () Int)\n\
    (declare-fun Dy () Int)\n(declare-fun P () Int)\n";

/// Denials of the steps of the lemma of few quotients.
const FEW: [&str; 4] = [
    // What the rule's premise says of quarters, it says of the whole.
    "(and (>= x 0) (>= D 1) (< (div x 4) D) (>= x (* 4 D)))",
    "(and (>= q 4) (>= r 0) (>= D 1) (< (* (- q 3) D) D))",
    "(and (>= q 4) (>= r 0) (>= D 1) (= P (* (- q 3) D)) (>= P D) (= x (+ P D D D r)) (< x (* 4 D)))",
    // `a` is what is left after the first step, `b` after the second.
    "(and (>= r 0) (< r D) (or (= x r) (= x (+ D r)) (= x (+ D D r)) (= x (+ D D D r)))\
      (= a (ite (< x (+ D D)) x (- x (+ D D)))) (= b (ite (< a D) a (- a D)))\
      (or (not (= b r)) (< a 0) (>= a (+ D D))))",
];

impl Lemma {
    /// The denials of the steps.
    fn steps(&self) -> Vec<String> {
        if self.premise == Premise::Few {
            return FEW.map(str::to_owned).to_vec();
        }
        let mut out: Vec<String> = [
            // 1, with x and C replaced by what they are.
            "(not (= (* M (+ (* q D) r)) (+ (* q (- (* M D) e)) (+ (* q e) (* M r)))))",
            // 2.
            "(not (= (* D (+ (* q e) (* M r))) (+ (* e (+ (* q D) r)) (* r (- (* M D) e)))))",
            // 3: the identity, and that such products are not negative.
            "(not (= (- (* T X) (* e x)) (+ (* T (- X x)) (* (- T e) x))))",
            "(and (>= a 0) (>= b 0) (< (* a b) 0))",
            // 4, products as numbers of their own: D*y = e*x + r*C, e*x <= T*X = C - T, r*C <= D*C - C.
            "(and (>= T 1) (= Dy (+ ex rC)) (<= ex TX) (= TX (- C T)) (<= rC (- DC C)) (>= Dy DC))",
            // D*y < D*C and D >= 1 give y < C.
            "(and (>= D 1) (< (* D (- y C)) 0) (>= y C))",
        ]
        .map(str::to_owned)
        .to_vec();
        if self.signed {
            // 3 and 4 for 1 <= x <= X + 1: e*x <= T*(X + 1) = C, D*y <= D*C, y <= C; and y > 0.
            out.push(
                "(not (= (- (* T (+ X 1)) (* e x)) (+ (* T (- (+ X 1) x)) (* (- T e) x))))".into(),
            );
            out.push("(and (= Dy (+ ex rC)) (<= ex C) (<= rC (- DC C)) (> Dy DC))".into());
            out.push("(and (>= D 1) (<= (* D (- y C)) 0) (> y C))".into());
            out.push("(and (>= q 0) (>= r 0) (>= e 1) (>= M 1) (or (>= q 1) (>= r 1)) (<= (+ (* q e) (* M r)) 0))".into());
        }
        // The premise is computed in 2w bits: that it holds there means that it holds of the integers.
        let (w, double) = (self.w, 2 * self.w);
        let (h, shifts) = (
            w / 2 - 1,
            match self.premise {
                Premise::Short => w / 2 - 1..w,
                _ => 0..w,
            },
        );
        for s in shifts {
            let power = |n: u32| num_bigint::BigInt::from(1) << n;
            let (c, t) = match self.premise {
                Premise::High => (power(w + s), power(s)),
                Premise::HighSigned => (power(w + s), power(s + 1)),
                Premise::Short | Premise::Few => (power(s), power(s - h)),
            };
            let (all, most) = (power(double), (power(w) - 1) * (power(w) - 1));
            out.push(format!(
                "(and (>= P 0) (<= P {most}) (<= (mod (- P {c}) {all}) {t}) (or (< P {c}) (> P {})))",
                &c + &t
            ));
        }
        out
    }
    /// How many bits the dividend has by the rule's premise, where that says so.
    pub fn dividend(&self) -> Option<u32> {
        match (self.signed, self.premise) {
            (_, Premise::Short) => Some(self.w / 2 - 1),
            // Below four times the greatest of the divisors.
            (_, Premise::Few) => {
                let most = 4 * DIVISORS.iter().max().copied().unwrap_or(1);
                Some(most.ilog2() + 1)
            }
            (false, Premise::HighSigned) => Some(self.w - 1),
            _ => None,
        }
    }
    /// Puts the steps to Z3; the number of steps, or why one does not hold.
    pub fn check(&self, solvers: &SolverPool) -> Result<u32, String> {
        let mut session = solvers.session("").map_err(|e| e.to_string())?;
        session.assert(DECLARE);
        let steps = self.steps();
        for step in &steps {
            session.push();
            session.assert(&format!("(assert {step})\n"));
            let answer = session
                .check(&Budget::work(20_000_000), &[], &Cancel::new())
                .map_err(|e| e.to_string())?;
            match answer.outcome {
                Outcome::Unsat => {}
                Outcome::Sat(_) => {
                    return Err(format!("a step of the lemma does not hold: {step}"));
                }
                Outcome::Unknown(why) => return Err(format!("a step of the lemma: {why}: {step}")),
            }
            session.pop();
        }
        Ok(steps.len() as u32)
    }
}
