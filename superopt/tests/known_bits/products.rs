//! Products, in steps that each use what the ones before say; signed quotients, by composition.

use super::*;

/// Of one factor: how many low bits are zero for certain, and how many are known.
fn low_counts(p: &mut TermPool, k: &Known<TermId>) -> (TermId, TermId) {
    let most = p.not(&k.zeros);
    let known = p.or(&k.zeros, &k.ones);
    let unknown = p.not(&known);
    (p.un(UnOp::Ctz, &most), p.un(UnOp::Ctz, &unknown))
}

/// What those counts mean: no ones below the first, the known ones are the word's below the second.
fn low_facts(p: &mut TermPool, a: TermId, k: &Known<TermId>, (i, n): (TermId, TermId)) -> TermId {
    let w = p.term_width(a);
    let most = p.constant(w, w.into());
    let (zeros, known) = (lemmas::low_bits(p, i), lemmas::low_bits(p, n));
    let none = p.and(&a, &zeros);
    let none = p.is_zero(&none);
    let (low, ones) = (p.and(&a, &known), p.and(&k.ones, &known));
    let same = p.eq(&low, &ones);
    let (x, y) = (p.cmp(CmpOp::Ult, &most, &n), p.cmp(CmpOp::Ult, &n, &i));
    let beyond = p.or(&x, &y);
    let within = p.not(&beyond);
    let t = p.and(&none, &same);
    p.and(&t, &within)
}

/// What the low bits say without the interval, of any factors and counts; then all that is said where the interval is
/// used, of which the low bits are known to be right.
#[test]
fn products() {
    let s = solvers();
    for w in WIDTHS {
        proven("counts", w, || {
            let mut p = TermPool::new();
            let (a, k) = operand(&mut p, "a", w);
            let n = low_counts(&mut p, &k);
            let facts = low_facts(&mut p, a, &k, n);
            holds(&mut p, &s, "counts", facts)
        });
        for part in [
            Part::Count,
            Part::Mask,
            Part::Multiples,
            Part::Low,
            Part::Interval,
        ] {
            proven(&format!("Mul {part:?}"), w, || product(&s, w, part));
        }
    }
}

/// The steps about products, each of which uses what the ones before say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    /// The known low bits are no more than the sums of one factor's zeros and the other's known bits.
    Count,
    /// So their mask is within those of the sums.
    Mask,
    /// `a(b - y)` and `y(a - x)` have no ones below those sums.
    Multiples,
    /// So `ab` and `xy` agree on the known low bits.
    Low,
    /// The interval's bits beside them.
    Interval,
}

fn product(s: &SolverPool, w: u32, part: Part) -> Verdict {
    let mut p = TermPool::new();
    let (a, ka) = operand(&mut p, "a", w);
    let (b, kb) = operand(&mut p, "b", w);
    let known = transfer::bin(&mut p, BinOp::Mul, &ka, &kb);
    let ca = low_counts(&mut p, &ka);
    let cb = low_counts(&mut p, &kb);
    let (most, least) = ((p.not(&ka.zeros), p.not(&kb.zeros)), (ka.ones, kb.ones));
    // Counts become variables, then products.
    let names = [ca.0, ca.1, cb.0, cb.1].map(|t| (t, p.var(&format!("count_{}", t.0), w)));
    let mut rewriter = Rewriter::default();
    for (t, v) in names {
        rewriter.set(t, v);
    }
    rewriter.run(&mut p, &[known.zeros, known.ones], &mut |_, _, t| t);
    let [i, n, j, m] = names.map(|(_, v)| v);
    let mut named = Named::new();
    let roots = named.run(
        &mut p,
        &[rewriter.get(known.zeros), rewriter.get(known.ones)],
    );
    let (low_a, low_b) = (lemmas::low_bits(&mut p, n), lemmas::low_bits(&mut p, m));
    let (x, y) = (p.and(&ka.ones, &low_a), p.and(&kb.ones, &low_b));
    let (dx, dy) = (p.sub(&a, &x), p.sub(&b, &y));
    let value = named.apply(&mut p, BinOp::Mul, a, b);
    let over = named.apply(&mut p, BinOp::MulHiU, most.0, most.1);
    let fits = p.is_zero(&over);
    // What is known with the interval's bits left out or put in.
    let with = |p: &mut TermPool, used: bool| {
        let mut rewriter = Rewriter::default();
        let bit = p.bit(used);
        rewriter.set(fits, bit);
        rewriter.run(p, &roots, &mut |_, _, t| t);
        let known = Known {
            zeros: rewriter.get(roots[0]),
            ones: rewriter.get(roots[1]),
        };
        let wrong = contradiction(p, value, &known);
        p.is_zero(&wrong)
    };
    let low = with(&mut p, false);
    let mut facts = Vec::new();
    let f = &mut |p: &mut TermPool, o, x, y| named.apply(p, o, x, y);
    // The mask is what is known of a product of which all bits are ones.
    let known_product = f(&mut p, BinOp::Mul, x, y);
    let mut rewriter = Rewriter::default();
    let (ones, no) = (p.constant(w, u128::MAX), p.bit(false));
    rewriter.set(known_product, ones);
    rewriter.set(fits, no);
    rewriter.run(&mut p, &roots, &mut |_, _, t| t);
    let mask = rewriter.get(roots[1]);
    let sums = [(i, m), (j, n)].map(|(x, y)| p.add(&x, &y));
    let ends = sums.map(|sum| lemmas::low_bits(&mut p, sum));
    let Node::Un(UnOp::Not, high) = p.node(mask) else {
        panic!("a mask of low bits")
    };
    let Node::Bin(BinOp::Shl, _, count) = p.node(high) else {
        panic!("a mask of low bits")
    };
    let fewer = sums.map(|sum| {
        let more = p.cmp(CmpOp::Ult, &sum, &count);
        p.not(&more)
    });
    let rests = [f(&mut p, BinOp::Mul, a, dy), f(&mut p, BinOp::Mul, y, dx)];
    let clear = |p: &mut TermPool, a: TermId, b: TermId| {
        let both = p.and(&a, &b);
        p.is_zero(&both)
    };
    let mut masks = Vec::new();
    for end in ends {
        let not = p.not(&end);
        masks.push(clear(&mut p, mask, not));
    }
    let one = p.constant(w, 1);
    let next = p.add(&mask, &one);
    masks.push(clear(&mut p, mask, next));
    let multiples = [0, 1].map(|k| clear(&mut p, rests[k], ends[k]));
    let counted = [
        low_facts(&mut p, a, &ka, (i, n)),
        low_facts(&mut p, b, &kb, (j, m)),
    ];
    let claim = match part {
        Part::Count => {
            facts.extend(counted);
            p.and(&fewer[0], &fewer[1])
        }
        Part::Mask => {
            facts.extend(fewer);
            masks.iter().fold(p.bit(true), |x, y| p.and(&x, y))
        }
        Part::Multiples => {
            facts.extend(counted);
            facts.push(lemmas::product_multiple(&mut p, f, (a, i), (dy, m)));
            facts.push(lemmas::product_multiple(&mut p, f, (y, j), (dx, n)));
            p.and(&multiples[0], &multiples[1])
        }
        Part::Low => {
            facts.extend(masks);
            facts.extend(multiples);
            facts.push(lemmas::product_difference(&mut p, f, (a, b), (x, y)));
            low
        }
        Part::Interval => {
            facts.push(fits);
            facts.push(low);
            facts.push(lemmas::product_rises(&mut p, f, least, (a, b)));
            facts.push(lemmas::product_rises(&mut p, f, (a, b), most));
            facts.push(lemmas::high_rises(&mut p, f, (a, b), most));
            with(&mut p, true)
        }
    };
    let all = facts.iter().fold(p.bit(true), |x, y| p.and(&x, y));
    let mut claim = lemmas::implies(&mut p, all, claim);
    // Of the masks only what was proven of them is used, and of the counts.
    let cuts: &[TermId] = match part {
        Part::Low => &[mask, ends[0], ends[1]],
        Part::Mask => &[count, sums[0], sums[1]],
        _ => &[],
    };
    if !cuts.is_empty() {
        let mut rewriter = Rewriter::default();
        for (k, t) in cuts.iter().enumerate() {
            let v = p.var(&format!("cut_{k}"), w);
            rewriter.set(*t, v);
            let (not, not_v) = (p.not(t), p.not(&v));
            rewriter.set(not, not_v);
        }
        rewriter.run(&mut p, &[claim], &mut |_, _, t| t);
        claim = rewriter.get(claim);
    }
    holds(&mut p, s, "sound", claim)
}

/// By composition: magnitudes (negation is proven above), their quotient or remainder (as well), and the sign. Each of
/// these becomes a variable with knowledge that is sound, so that what is left is how the cases are joined.
#[test]
fn signed_quotients() {
    let s = solvers();
    for w in WIDTHS {
        for (op, quotient) in [(BinOp::Sdiv, true), (BinOp::Srem, false)] {
            proven(&format!("{op:?} def"), w, || {
                let mut p = TermPool::new();
                let (a, b) = (p.var("a", w), p.var("b", w));
                let x = p.bin(op, &a, &b);
                let y = lemmas::by_magnitudes(&mut p, &mut lemmas::real, quotient, a, b);
                let same = p.eq(&x, &y);
                direct(&p, &s, same)
            });
            for case in 0..4 {
                proven(&format!("{op:?} {case}"), w, || {
                    signed_case(&s, w, quotient, [case & 1, case >> 1])
                });
            }
        }
    }
}

/// A value with what is known of it, replaced by variables.
struct Cuts {
    rewriter: Rewriter,
    facts: Vec<TermId>,
}

impl Cuts {
    fn cut(&mut self, p: &mut TermPool, value: TermId, known: &Known<TermId>) {
        let [v, zeros, ones] = [value, known.zeros, known.ones].map(|t| {
            let v = p.var(&format!("cut_{}", t.0), p.term_width(t));
            self.rewriter.set(t, v);
            v
        });
        let wrong = contradiction(p, v, &Known { zeros, ones });
        self.facts.push(p.is_zero(&wrong));
    }
}

fn signed_case(s: &SolverPool, w: u32, quotient: bool, signs: [u128; 2]) -> Verdict {
    let (op, unsigned) = match quotient {
        true => (BinOp::Sdiv, BinOp::Udiv),
        false => (BinOp::Srem, BinOp::Urem),
    };
    let mut p = TermPool::new();
    let sign = p.constant(w, 1 << (w - 1));
    let not_sign = p.not(&sign);
    let mut cuts = Cuts {
        rewriter: Rewriter::default(),
        facts: Vec::new(),
    };
    let mut words = Vec::new();
    let mut magnitudes = Vec::new();
    for (name, negative) in ["a", "b"].into_iter().zip(signs) {
        let low = p.var(name, w - 1);
        let top = p.constant(1, negative);
        let a = p.concat(&top, &low);
        let k = p.var(&format!("{name}_known"), w);
        let known = about(&mut p, a, k);
        words.push((a, known));
        let (value, known) = if negative == 1 {
            let known = Known {
                zeros: p.and(&known.zeros, &not_sign),
                ones: p.or(&known.ones, &sign),
            };
            let known = transfer::un(&mut p, UnOp::Neg, &known);
            let value = p.un(UnOp::Neg, &a);
            cuts.cut(&mut p, value, &known);
            (value, known)
        } else {
            let known = Known {
                zeros: p.or(&known.zeros, &sign),
                ones: p.and(&known.ones, &not_sign),
            };
            (a, known)
        };
        magnitudes.push((value, known));
    }
    let [(a, ka), (b, kb)] = words[..] else {
        unreachable!("two words")
    };
    let value = lemmas::by_magnitudes(&mut p, &mut lemmas::real, quotient, a, b);
    let known = transfer::bin(&mut p, op, &ka, &kb);
    let [(x, kx), (y, ky)] = magnitudes[..] else {
        unreachable!("two words")
    };
    let r = p.bin(unsigned, &x, &y);
    let kr = transfer::bin(&mut p, unsigned, &kx, &ky);
    cuts.cut(&mut p, r, &kr);
    let n = p.un(UnOp::Neg, &r);
    let kn = transfer::un(&mut p, UnOp::Neg, &kr);
    cuts.cut(&mut p, n, &kn);
    let roots = [value, known.zeros, known.ones];
    cuts.rewriter.run(&mut p, &roots, &mut |_, _, t| t);
    let [value, zeros, ones] = roots.map(|t| cuts.rewriter.get(t));
    let wrong = contradiction(&mut p, value, &Known { zeros, ones });
    let right = p.is_zero(&wrong);
    let all = cuts.facts.iter().fold(p.bit(true), |x, y| p.and(&x, y));
    let claim = lemmas::implies(&mut p, all, right);
    holds(&mut p, s, "sound", claim)
}
