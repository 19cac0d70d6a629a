//! Soundness of the known-bits transfer functions, proven at 8, 16, 32 and 64 bits: for every value and every knowledge
//! that is true of it, what the function says of the result is true of the operation's result.
//!
//! Knowledge that is true of `a` is any set of positions `k`: the zeros are `k & ~a`, the ones `k & a`. So one query
//! with free `a` and `k` covers all abstract words and all values they stand for. The functions proven are the ones
//! that run: they are written once over any domain.
//!
//! Methods. Bitwise operations, sums, shifts, counts of zeros, comparisons: one query, all real. Products and quotients:
//! the operations become variables, of which instances of the lemmas of `proof::lemmas` are known; the lemmas are proven
//! over the integers for every width at once, and each instance is proven of the real operations at small widths, which
//! checks that it says what its theorem says. Counts of ones, extraction and deposit of bits: by induction over halves
//! and over the bits of the mask.

#[path = "known_bits/products.rs"]
mod products;

use std::time::{Duration, Instant};
use trinity_codegen::isa::known_bits::{Known, transfer};
use trinity_codegen::isa::{BinOp, CmpOp, Domain, Node, TermId, TermPool, UnOp};
use trinity_superopt::proof::counts::{self, CountLemma, Counts};
use trinity_superopt::proof::lemmas::{self, Named, THEOREMS};
use trinity_superopt::proof::rebuild::Rewriter;
use trinity_superopt::proof::{Limits, Pair, Query, prove};
use trinity_superopt::report::verdict::Verdict;
use trinity_superopt::smt::{LOGIC, one_shot};
use trinity_superopt::solver::{Budget, Cancel, Outcome, SolverPool};

const WIDTHS: [u32; 4] = [8, 16, 32, 64];

fn solvers() -> SolverPool {
    SolverPool::located().expect("build trinity-solver first (cargo build -p trinity-solver)")
}

/// A value and knowledge of it.
fn operand(p: &mut TermPool, name: &str, w: u32) -> (TermId, Known<TermId>) {
    let a = p.var(name, w);
    let k = p.var(&format!("{name}_known"), w);
    (a, about(p, a, k))
}

/// What the positions `k` say of a value.
fn about(p: &mut TermPool, a: TermId, k: TermId) -> Known<TermId> {
    let n = p.not(&a);
    Known {
        zeros: p.and(&k, &n),
        ones: p.and(&k, &a),
    }
}

/// The bits that the known bits get wrong.
fn contradiction(p: &mut TermPool, value: TermId, known: &Known<TermId>) -> TermId {
    let n = p.not(&value);
    let x = p.and(&value, &known.zeros);
    let y = p.and(&n, &known.ones);
    p.or(&x, &y)
}

/// The verdict on "the bit holds".
fn holds(p: &mut TermPool, solvers: &SolverPool, name: &str, bit: TermId) -> Verdict {
    let yes = p.bit(true);
    let query = Query::words(vec![Pair::new(name, bit, yes)]);
    prove(p, &query, &Limits::within(Duration::from_secs(60)), solvers).verdict
}

/// The verdict on "the known bits hold of the value".
fn sound(p: &mut TermPool, s: &SolverPool, value: TermId, known: &Known<TermId>) -> Verdict {
    let wrong = contradiction(p, value, known);
    let zero = p.constant(p.term_width(wrong), 0);
    let query = Query::words(vec![Pair::new("contradiction", wrong, zero)]);
    prove(p, &query, &Limits::within(Duration::from_secs(60)), s).verdict
}

/// Runs a proof, prints what it took, and wants it proven.
fn proven(what: &str, w: u32, verdict: impl FnOnce() -> Verdict) {
    let start = Instant::now();
    let verdict = verdict();
    println!(
        "{what:8} {w:3} {verdict} in {:.2} s",
        start.elapsed().as_secs_f64()
    );
    assert_eq!(verdict, Verdict::Proven, "{what} at {w}");
}

/// One question to Z3's incremental solver, which shares equal parts: the verdict on "the bit holds".
fn direct(p: &TermPool, s: &SolverPool, bit: TermId) -> Verdict {
    let mut pool = p.clone();
    let not = pool.not(&bit);
    let text = one_shot(&pool, &[not]).unwrap();
    let mut session = s.session(LOGIC).unwrap();
    session.push();
    session.assert(&text);
    let budget = Budget::time(Duration::from_secs(60));
    match session.check(&budget, &[], &Cancel::new()).unwrap().outcome {
        Outcome::Unsat => Verdict::Proven,
        Outcome::Sat(_) => Verdict::Refuted,
        Outcome::Unknown(_) => Verdict::Timeout,
    }
}

#[test]
fn bitwise_linear_and_shifting_transfers() {
    use BinOp::*;
    let s = solvers();
    for w in WIDTHS {
        for op in [Add, Sub, And, Or, Xor, Shl, Lshr, Ashr, Rotl, Rotr] {
            proven(&format!("{op:?}"), w, || {
                let mut p = TermPool::new();
                let (a, ka) = operand(&mut p, "a", w);
                let (b, kb) = operand(&mut p, "b", w);
                let value = p.bin(op, &a, &b);
                let known = transfer::bin(&mut p, op, &ka, &kb);
                sound(&mut p, &s, value, &known)
            });
        }
    }
}

#[test]
fn one_operand_comparisons_and_choices() {
    let s = solvers();
    for w in WIDTHS {
        for op in [UnOp::Not, UnOp::Neg, UnOp::Bswap, UnOp::Clz, UnOp::Ctz] {
            proven(&format!("{op:?}"), w, || {
                let mut p = TermPool::new();
                let (a, ka) = operand(&mut p, "a", w);
                let value = p.un(op, &a);
                let known = transfer::un(&mut p, op, &ka);
                sound(&mut p, &s, value, &known)
            });
        }
        for op in [CmpOp::Eq, CmpOp::Ult, CmpOp::Slt] {
            proven(&format!("{op:?}"), w, || {
                let mut p = TermPool::new();
                let (a, ka) = operand(&mut p, "a", w);
                let (b, kb) = operand(&mut p, "b", w);
                let value = p.cmp(op, &a, &b);
                let known = transfer::cmp(&mut p, op, &ka, &kb);
                sound(&mut p, &s, value, &known)
            });
        }
        proven("choice", w, || {
            let mut p = TermPool::new();
            let (c, kc) = operand(&mut p, "c", 1);
            let (a, ka) = operand(&mut p, "a", w);
            let (b, kb) = operand(&mut p, "b", w);
            let value = p.ite(&c, &a, &b);
            let known = transfer::ite(&mut p, &kc, &ka, &kb);
            sound(&mut p, &s, value, &known)
        });
    }
}

#[test]
fn a_wrong_transfer_is_refuted() {
    let mut p = TermPool::new();
    let (a, ka) = operand(&mut p, "a", 32);
    let (b, kb) = operand(&mut p, "b", 32);
    // Addition's answer for subtraction.
    let value = p.sub(&a, &b);
    let known = transfer::bin(&mut p, BinOp::Add, &ka, &kb);
    assert_eq!(sound(&mut p, &solvers(), value, &known), Verdict::Refuted);
}

#[test]
fn the_theorems_hold_over_the_integers() {
    let s = solvers();
    for t in THEOREMS {
        let start = Instant::now();
        let mut session = s.session("").unwrap();
        session.assert(t.denial);
        let budget = Budget::time(Duration::from_secs(60));
        let answer = session.check(&budget, &[], &Cancel::new()).unwrap();
        println!(
            "{}: {:?} in {:.2} s",
            t.says,
            answer.outcome,
            start.elapsed().as_secs_f64()
        );
        assert_eq!(answer.outcome, Outcome::Unsat, "{}", t.says);
    }
}

/// The induction steps of the lemmas without a theorem: counts by halves, gathered and spread bits by the mask's bits.
#[test]
fn the_inductions_hold() {
    let s = solvers();
    for lemma in CountLemma::ALL {
        proven(&format!("{lemma:?}"), 8, || {
            let mut p = TermPool::new();
            let words: Vec<TermId> = (0..lemma.operands())
                .map(|i| p.var(&format!("x{i}"), 8))
                .collect();
            let bit = lemma.instance(&mut p, &mut counts::real, &words);
            holds(&mut p, &s, "base", bit)
        });
    }
    for w in &WIDTHS[1..] {
        proven("halves", *w, || {
            let mut p = TermPool::new();
            let bit = counts::halves_add_up(&mut p, *w);
            holds(&mut p, &s, "halves", bit)
        });
        for lemma in CountLemma::ALL {
            proven(&format!("{lemma:?}"), *w, || {
                let mut p = TermPool::new();
                let bit = lemma.step(&mut p, *w);
                holds(&mut p, &s, "step", bit)
            });
        }
    }
    for w in WIDTHS {
        for op in [BinOp::Pext, BinOp::Pdep] {
            proven(&format!("{op:?}"), w, || {
                let mut p = TermPool::new();
                let bit = lemmas::scatter_step(&mut p, op, w);
                holds(&mut p, &s, "step", bit)
            });
        }
    }
}

/// Makes an instance of a lemma about up to five words.
type Instance = fn(&mut TermPool, lemmas::Apply<'_>, [TermId; 6]) -> TermId;

/// Every lemma holds of the real operations at small widths: it says what its theorem says.
#[test]
fn instances_hold_of_the_real_operations() {
    use BinOp::{Pdep, Pext};
    let all: [(&str, Instance); 11] = [
        ("product", |p, f, [a, b, c, d, ..]| {
            lemmas::product_rises(p, f, (a, b), (c, d))
        }),
        ("high", |p, f, [a, b, c, d, ..]| {
            lemmas::high_rises(p, f, (a, b), (c, d))
        }),
        ("corners", |p, f, [a, b, c, d, e, g]| {
            lemmas::high_between_corners(p, f, (a, b), (c, d), (e, g))
        }),
        ("quotient", |p, f, [a, b, c, d, ..]| {
            lemmas::quotient_rises(p, f, (a, b), (c, d))
        }),
        ("remain", |p, f, [a, b, ..]| lemmas::remainder(p, f, a, b)),
        ("multiple", |p, f, [a, b, c, d, ..]| {
            lemmas::product_multiple(p, f, (a, c), (b, d))
        }),
        ("ring", |p, f, [a, b, c, d, ..]| {
            lemmas::product_difference(p, f, (a, b), (c, d))
        }),
        ("gather", |p, f, [a, b, c, d, ..]| {
            lemmas::scattered(p, f, Pext, (a, b), (c, d))
        }),
        ("spread", |p, f, [a, b, c, d, ..]| {
            lemmas::scattered(p, f, Pdep, (a, b), (c, d))
        }),
        ("room", |p, f, [a, b, c, ..]| {
            lemmas::room(p, f, Pext, (a, b), c)
        }),
        ("room", |p, f, [a, b, c, ..]| {
            lemmas::room(p, f, Pdep, (a, b), c)
        }),
    ];
    let s = solvers();
    for (name, instance) in all {
        proven(name, 4, || {
            let mut p = TermPool::new();
            let words = ["a", "b", "c", "d", "e", "g"].map(|n| p.var(n, 4));
            let bit = instance(&mut p, &mut lemmas::real, words);
            holds(&mut p, &s, name, bit)
        });
    }
    // An identity of rings needs no theorem: integer forms decide it.
    for w in WIDTHS {
        proven("ring", w, || {
            let mut p = TermPool::new();
            let [a, b, x, y] = ["a", "b", "x", "y"].map(|n| p.var(n, w));
            let bit = lemmas::product_difference(&mut p, &mut lemmas::real, (a, b), (x, y));
            let Node::Cmp(CmpOp::Eq, l, r) = p.node(bit) else {
                panic!("an equation")
            };
            let query = Query::words(vec![Pair::new("ring", l, r)]);
            prove(&mut p, &query, &Limits::within(Duration::from_secs(60)), &s).verdict
        });
    }
}

/// What may be known of a product or quotient: its operands and knowledge of them, everything replaced in place.
struct Facts<'a> {
    p: &'a mut TermPool,
    named: &'a mut Named,
    words: [TermId; 2],
    known: [Known<TermId>; 2],
    facts: Vec<TermId>,
}

impl Facts<'_> {
    fn know(&mut self, instance: impl FnOnce(&mut TermPool, lemmas::Apply<'_>) -> TermId) {
        let named = &mut *self.named;
        let bit = instance(self.p, &mut |p, o, x, y| named.apply(p, o, x, y));
        self.facts.push(bit);
    }

    /// Bounds by pairs of the value (the first of its operation) with what the transfer computes.
    fn bounds(&mut self, op: BinOp, rises: Rises) {
        let all = self.named.operands(op);
        let (first, rest) = all.split_first().expect("the value is there");
        for other in rest {
            self.know(|p, f| rises(p, f, *first, *other));
            self.know(|p, f| rises(p, f, *other, *first));
        }
    }
}

type Rises = fn(&mut TermPool, lemmas::Apply<'_>, (TermId, TermId), (TermId, TermId)) -> TermId;

/// The verdict on a transfer whose products and quotients are variables.
fn with_lemmas(s: &SolverPool, op: BinOp, w: u32, facts: impl Fn(&mut Facts<'_>)) -> Verdict {
    let mut p = TermPool::new();
    let words = ["a", "b"].map(|n| p.var(n, w));
    let known = [0, 1].map(|i| {
        let k = p.var(["a_known", "b_known"][i], w);
        about(&mut p, words[i], k)
    });
    let value = p.bin(op, &words[0], &words[1]);
    let bits = transfer::bin(&mut p, op, &known[0], &known[1]);
    let mut named = Named::new();
    let roots = named.run(&mut p, &[value, bits.zeros, bits.ones]);
    let bits = Known {
        zeros: roots[1],
        ones: roots[2],
    };
    let wrong = contradiction(&mut p, roots[0], &bits);
    let right = p.is_zero(&wrong);
    let mut known = Facts {
        p: &mut p,
        named: &mut named,
        words,
        known,
        facts: Vec::new(),
    };
    facts(&mut known);
    let facts = known.facts;
    let all = facts.iter().fold(p.bit(true), |x, y| p.and(&x, y));
    let claim = lemmas::implies(&mut p, all, right);
    holds(&mut p, s, "sound", claim)
}

/// The least and the greatest signed value.
fn signed_ends(p: &mut TermPool, k: &Known<TermId>) -> (TermId, TermId) {
    let w = p.term_width(k.ones);
    let sign = p.constant(w, 1 << (w - 1));
    let most = p.not(&k.zeros);
    let may = p.and(&sign, &most);
    let low = p.or(&k.ones, &may);
    let not = p.not(&k.ones);
    let free = p.and(&sign, &not);
    let free = p.not(&free);
    (low, p.and(&most, &free))
}

#[test]
fn high_halves_and_unsigned_quotients() {
    let s = solvers();
    for w in WIDTHS {
        proven("MulHiU", w, || {
            with_lemmas(&s, BinOp::MulHiU, w, |f| {
                f.bounds(BinOp::MulHiU, lemmas::high_rises);
            })
        });
        proven("MulHiS", w, || {
            with_lemmas(&s, BinOp::MulHiS, w, |f| {
                let [a, b] = f.words;
                let ends = [0, 1].map(|i| signed_ends(f.p, &f.known[i]));
                f.know(|p, g| lemmas::high_between_corners(p, g, (a, b), ends[0], ends[1]));
            })
        });
        proven("Udiv", w, || {
            with_lemmas(&s, BinOp::Udiv, w, |f| {
                f.bounds(BinOp::Udiv, lemmas::quotient_rises);
            })
        });
        proven("Urem", w, || {
            with_lemmas(&s, BinOp::Urem, w, |f| {
                let [a, b] = f.words;
                f.know(|p, g| lemmas::remainder(p, g, a, b));
            })
        });
    }
}

#[test]
fn counts_of_ones_and_scattered_bits() {
    let s = solvers();
    for w in WIDTHS {
        proven("Popcnt", w, || {
            let mut p = TermPool::new();
            let (a, ka) = operand(&mut p, "a", w);
            let value = p.un(UnOp::Popcnt, &a);
            let known = transfer::un(&mut p, UnOp::Popcnt, &ka);
            let (most, mut counts) = (p.not(&ka.zeros), Counts::default());
            let mut rewriter = Rewriter::default();
            let roots = [value, known.zeros, known.ones];
            rewriter.run(&mut p, &roots, &mut |p, _, t| match p.node(t) {
                Node::Un(UnOp::Popcnt, x) => counts.of(p, x),
                _ => t,
            });
            let [value, zeros, ones] = roots.map(|t| rewriter.get(t));
            let wrong = contradiction(&mut p, value, &Known { zeros, ones });
            let mut claim = p.is_zero(&wrong);
            // The ones are among the value's, and those among what may be one.
            for (x, y) in [(a, ka.ones), (most, a)] {
                let both = p.and(&x, &y);
                let (n, m) = (counts.of(&mut p, both), counts.of(&mut p, y));
                let (same, equal) = (p.eq(&both, &y), p.eq(&n, &m));
                let congruent = lemmas::implies(&mut p, same, equal);
                let rises =
                    CountLemma::Rises.instance(&mut p, &mut |p, t| counts.of(p, t), &[x, y]);
                let facts = p.and(&congruent, &rises);
                claim = lemmas::implies(&mut p, facts, claim);
            }
            holds(&mut p, &s, "sound", claim)
        });
        for op in [BinOp::Pext, BinOp::Pdep] {
            proven(&format!("{op:?}"), w, || {
                with_lemmas(&s, op, w, |f| {
                    let ([a, b], [ka, kb]) = (f.words, f.known);
                    let most = f.p.not(&kb.zeros);
                    f.know(|p, g| lemmas::scattered(p, g, op, (a, b), (ka.zeros, kb.ones)));
                    f.know(|p, g| lemmas::scattered(p, g, op, (ka.ones, kb.ones), (a, b)));
                    f.know(|p, g| lemmas::room(p, g, op, (a, b), most));
                })
            });
        }
    }
}
