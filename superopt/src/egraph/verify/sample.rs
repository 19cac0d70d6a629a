//! Rules tried on values: all of them where they are few, otherwise stratified ones. Finds most wrong rules, and
//! the witness that a premise can hold, before a solver is asked.

use crate::egraph::lang::{self};
use crate::egraph::rule::{Equality, ExprId, ExprKind, Meaning};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use trinity_codegen::isa::Concrete;
use trinity_codegen::isa::concrete::{Bits, mask};

/// Most bits of names that are still tried exhaustively.
pub const EXHAUST_BITS: u32 = 16;

/// What trying found.
#[derive(Clone, Debug, Default)]
pub struct Tried {
    /// How many assignments met the premise.
    pub held: u64,
    /// Whether these were all there are.
    pub exhausted: bool,
    /// The first that met the premise.
    pub witness: Option<Vec<Bits>>,
    /// One that meets the premise and tells the sides apart.
    pub counterexample: Option<Vec<Bits>>,
}

/// Whether two words are equal as the rule means it.
pub fn equal(equality: Equality, a: Bits, b: Bits) -> bool {
    let nan = |x: Bits| x.width == 64 && f64::from_bits(x.value as u64).is_nan();
    a == b || (equality == Equality::NanClass && nan(a) && nan(b))
}

/// The rule's expressions in an order in which they can be computed, on concrete words.
pub struct Runner<'m, 'r> {
    meaning: &'m Meaning<'r>,
    words: Vec<Bits>,
}

impl<'m, 'r> Runner<'m, 'r> {
    /// Prepares an instance.
    pub fn new(meaning: &'m Meaning<'r>) -> Runner<'m, 'r> {
        let words = vec![Bits::new(1, 0); meaning.rule.exprs.len()];
        Runner { meaning, words }
    }
    /// Computes every expression; operands stand before their users.
    fn run(&mut self, names: &[Bits]) {
        for i in 0..self.words.len() as u32 {
            let e = ExprId(i);
            let width = self.meaning.width(e);
            let word = |a: &ExprId| self.words[a.0 as usize];
            self.words[i as usize] = match self.meaning.rule.exprs.kind(e) {
                ExprKind::Name(n) => names[*n as usize],
                ExprKind::Computed(a) => word(a),
                ExprKind::Op(op, args) => {
                    let args: Vec<Bits> = args.iter().map(word).collect();
                    lang::apply(&mut Concrete, self.meaning.op(op), width, &args)
                }
                _ => Bits::new(width, self.meaning.literal(e).unwrap_or(0)),
            };
        }
    }
    /// `None` where the premise does not hold, else whether the sides are equal.
    pub fn test(&mut self, names: &mut [Bits]) -> Option<bool> {
        self.meaning.complete(names)?;
        self.run(names);
        let rule = self.meaning.rule;
        let word = |e: &ExprId| self.words[e.0 as usize];
        if !rule.conditions.iter().all(|c| word(c).value == 1) {
            return None;
        }
        Some(equal(rule.equality, word(&rule.lhs), word(&rule.rhs)))
    }
}

/// The seed of a rule's samples: from its name, so that a run repeats.
fn seed(name: &str) -> u64 {
    // FNV-1a.
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A word that is likely to be a corner of something; `others` are the words drawn before it.
pub fn stratified(rng: &mut SmallRng, width: u32, w: u32, others: &[Bits]) -> u128 {
    let bit = |rng: &mut SmallRng| 1u128 << rng.random_range(0..width);
    let m = mask(width);
    let v = match rng.random_range(0..20) {
        0 => 0,
        1 => m,
        2 => rng.random_range(0..=u128::from(w)),
        3 => bit(rng),
        4 => bit(rng) - 1,
        5 => !bit(rng),
        6 => bit(rng).wrapping_sub(bit(rng)),
        7 => bit(rng).wrapping_neg().wrapping_add(rng.random_range(0..2)),
        8 => rng.random_range(0..16),
        9 => bit(rng) | bit(rng),
        10..12 if !others.is_empty() => {
            let o = others[rng.random_range(0..others.len())].value;
            match rng.random_range(0..10) {
                0 => o,
                1 => !o,
                2 => o.wrapping_neg(),
                3 => o.wrapping_add(1),
                4 => o.wrapping_sub(1),
                5 => u128::from(w).wrapping_sub(o),
                6 => 1u128.checked_shl(o as u32 & 127).unwrap_or(0),
                7 => 1u128
                    .checked_shl(o as u32 & 127)
                    .unwrap_or(0)
                    .wrapping_sub(1),
                8 => inverse(o),
                _ => o ^ bit(rng),
            }
        }
        12 if width == 64 => {
            // Doubles: small integers, infinities, NaNs, zeros.
            let picks = [
                0.0,
                -0.0,
                1.0,
                -1.0,
                0.5,
                f64::INFINITY,
                f64::NEG_INFINITY,
                f64::NAN,
                1e300,
                5e-324,
            ];
            let f: f64 = picks[rng.random_range(0..picks.len())];
            u128::from(f.to_bits()) ^ u128::from(rng.random_range(0..2u8))
        }
        13 if width == 64 && rng.random() => rng.random_range(1..2046) << 52,
        13 if width == 64 => (f64::from(rng.random_range(-1000..1000i32)) / 4.0)
            .to_bits()
            .into(),
        14 => {
            mask([8, 16, 32][rng.random_range(0..3)]) >> rng.random_range(0..2)
                ^ (u128::MAX * rng.random_range(0..2))
        }
        15 if rng.random() => 1 << [7, 15, 31, w / 2, w - 1][rng.random_range(0..5)],
        15 => rng.random::<u128>() & rng.random::<u128>() & rng.random::<u128>(),
        _ => rng.random(),
    };
    v & m
}

fn inverse(o: u128) -> u128 {
    let mut x = o;
    for _ in 0..6 {
        x = x.wrapping_mul(2u128.wrapping_sub(o.wrapping_mul(x)));
    }
    x
}

/// Tries an instance on everything, if that is at most [`EXHAUST_BITS`] bits, else on `budget` assignments.
pub fn try_rule(meaning: &Meaning, budget: u32) -> Tried {
    let rule = meaning.rule;
    let mut runner = Runner::new(meaning);
    let mut tried = Tried::default();
    let mut names: Vec<Bits> = (0..rule.names.len())
        .map(|n| Bits::new(meaning.name_width(n), 0))
        .collect();
    let free: Vec<usize> = (0..names.len())
        .filter(|n| rule.names[*n].computed.is_none())
        .collect();
    let bits: u32 = free.iter().map(|n| names[*n].width).sum();
    let mut one = |names: &mut Vec<Bits>, tried: &mut Tried| {
        let Some(equal) = runner.test(names) else {
            return true;
        };
        tried.held += 1;
        tried.witness.get_or_insert_with(|| names.clone());
        if !equal {
            tried.counterexample = Some(names.clone());
        }
        equal
    };
    if bits <= EXHAUST_BITS {
        for v in 0..1u128 << bits {
            let mut rest = v;
            for n in &free {
                let w = names[*n].width;
                names[*n] = Bits::new(w, rest);
                rest >>= w;
            }
            if !one(&mut names, &mut tried) {
                break;
            }
        }
        tried.exhausted = tried.counterexample.is_none();
        return tried;
    }
    let mut rng = SmallRng::seed_from_u64(seed(&rule.name) ^ u64::from(meaning.at.w));
    // Premises are met seldom: go on longer until some were.
    for i in 0..budget.saturating_mul(64) {
        if i >= budget && tried.held >= u64::from(budget / 8) {
            break;
        }
        for (k, n) in free.iter().enumerate() {
            let others: Vec<Bits> = free[..k].iter().map(|o| names[*o]).collect();
            let w = names[*n].width;
            names[*n] = Bits::new(w, stratified(&mut rng, w, meaning.at.w, &others));
        }
        if !one(&mut names, &mut tried) {
            break;
        }
    }
    tried
}

/// Some assignments that meet the premise.
pub fn witnesses(meaning: &Meaning, count: usize) -> Vec<Vec<Bits>> {
    let rule = meaning.rule;
    let mut rng = SmallRng::seed_from_u64(seed(&rule.name));
    let mut out = Vec::new();
    let mut names: Vec<Bits> = (0..rule.names.len())
        .map(|n| Bits::new(meaning.name_width(n), 0))
        .collect();
    for _ in 0..20_000 {
        for n in 0..names.len() {
            let w = names[n].width;
            let (before, _) = names.split_at(n);
            names[n] = Bits::new(w, stratified(&mut rng, w, meaning.at.w, before));
        }
        if meaning.complete(&mut names).is_some() && meaning.holds(&names) {
            out.push(names.clone());
            if out.len() == count {
                break;
            }
        }
    }
    out
}

/// A counterexample made smaller: bits are cleared as long as it stays one.
pub fn minimise(meaning: &Meaning, mut names: Vec<Bits>) -> Vec<Bits> {
    let mut runner = Runner::new(meaning);
    let mut fails = |names: &mut Vec<Bits>| runner.test(names) == Some(false);
    loop {
        let before = names.clone();
        for n in 0..names.len() {
            if meaning.rule.names[n].computed.is_some() {
                continue;
            }
            let w = names[n].width;
            for small in [0, 1]
                .into_iter()
                .chain((0..w).rev().map(|b| before[n].value & !(1 << b)))
            {
                let small = small & names[n].value | u128::from(small == 1);
                if small >= names[n].value {
                    continue;
                }
                let mut next = names.clone();
                next[n] = Bits::new(w, small);
                if fails(&mut next) {
                    names = next;
                }
            }
        }
        if names == before {
            return names;
        }
    }
}
