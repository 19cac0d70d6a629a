//! The e-graph against values: nodes, saturation, extraction and its explanations.

use super::analysis::{Facts, Graph};
use super::compile::Instance;
use super::cost::{IrCost, TermCost};
use super::extract::{Cost, EXACT_STEPS, extract};
use super::facts::{Fact, Known, KnownBits};
use super::lang::{self, BIN_OPS, CMP_OPS, ENode, FP_OPS, Op, UN_OPS, apply, fp_arity};
use super::mine::{self, MineConfig};
use super::rule::{Meaning, RuleSet, WIDTHS};
use super::saturate::{Stop, saturate};
use super::verify::sample::stratified;
use super::*;
use crate::proof;
use crate::report::verdict::VerdictKind;
use crate::solver::tests::solvers;
use egg::{FromOp, Id, Language, RecExpr};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use trinity_codegen::ir;
use trinity_codegen::isa::concrete::Bits;
use trinity_codegen::isa::{Concrete, Domain, TermId, TermPool};

mod mining;
mod written_back;

/// All operations with operand widths and result width.
fn operations() -> Vec<(Op, u32, Vec<u32>)> {
    let mut out = Vec::new();
    for w in WIDTHS {
        out.extend(UN_OPS.iter().map(|o| (Op::Un(*o), w, vec![w])));
        out.extend(BIN_OPS.iter().map(|o| (Op::Bin(*o), w, vec![w, w])));
        out.extend(CMP_OPS.iter().map(|o| (Op::Cmp(*o), 1, vec![w, w])));
        out.push((Op::Ite, w, vec![1, w, w]));
        out.push((Op::Extract(3), 5, vec![w]));
        out.push((Op::Concat, 2 * w, vec![w, w]));
        out.push((Op::Zext, w + 7, vec![w]));
        out.push((Op::Sext, w + 7, vec![w]));
    }
    out.extend(
        FP_OPS
            .iter()
            .map(|o| (Op::Fp(*o), o.result_width(64), vec![64; fp_arity(*o)])),
    );
    out
}

#[test]
fn folding_means_what_terms_and_values_mean() {
    let seed = 11;
    eprintln!("seed {seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    for (op, width, widths) in operations() {
        for _ in 0..40 {
            let mut args: Vec<Bits> = Vec::new();
            for w in &widths {
                let v = stratified(&mut rng, *w, *w, &args);
                args.push(Bits::new(*w, v));
            }
            let want = apply(&mut Concrete, op, width, &args);
            let mut pool = TermPool::new();
            let terms: Vec<TermId> = args
                .iter()
                .map(|a| pool.constant(a.width, a.value))
                .collect();
            let term = apply(&mut pool, op, width, &terms);
            assert_eq!(
                pool.as_constant(&term),
                Some(want.value),
                "{op:?} {args:x?}"
            );
            let mut graph = Graph::new(Facts::default());
            let ids: Vec<Id> = args
                .iter()
                .map(|a| graph.add(ENode::constant(a.width, a.value)))
                .collect();
            let id = graph.add(ENode::new(op, width, &ids));
            graph.rebuild();
            let nan = width == 64
                && matches!(op, Op::Fp(_))
                && f64::from_bits(want.value as u64).is_nan();
            let folded = graph[id].data.value();
            assert_eq!(folded, (!nan).then_some(want.value), "{op:?} {args:x?}");
            let facts: Vec<Known> = args
                .iter()
                .map(|a| Known::constant(a.width, a.value))
                .collect();
            assert_eq!(apply(&mut KnownBits, op, width, &facts).value(), folded);
        }
    }
}

#[test]
fn nodes_print_and_parse() {
    for (op, width, widths) in operations() {
        let args: Vec<Id> = (0..widths.len()).map(Id::from).collect();
        let node = ENode::new(op, width, &args);
        assert_eq!(ENode::from_op(&node.to_string(), args), Ok(node));
    }
    assert!(ENode::from_op("frob.8", vec![]).is_err());
}

/// The side of a rule's text as an expression graph at a width.
fn expression(text: &str, w: u32) -> (RecExpr<ENode>, Id) {
    let mut set = RuleSet::default();
    set.add("t", &format!("family t\nt: {text} => 0 at {w}\n"))
        .expect("parses");
    let m = Meaning::new(&set.rules[0], set.rules[0].instances(&[])[0]).expect("makes sense");
    // Raw, as written: one node for each operation, names as variables.
    let mut expr = RecExpr::default();
    let root = raw(&mut expr, &m, set.rules[0].lhs);
    (expr, root)
}

fn raw(expr: &mut RecExpr<ENode>, m: &Meaning, e: super::rule::ExprId) -> Id {
    use super::rule::ExprKind;
    let node = match m.rule.exprs.kind(e) {
        ExprKind::Name(n) => ENode::new(Op::Var(*n), m.width(e), &[]),
        ExprKind::Op(op, args) => {
            let args: Vec<Id> = args.iter().map(|a| raw(expr, m, *a)).collect();
            ENode::new(m.op(op), m.width(e), &args)
        }
        ExprKind::Computed(a) => return raw(expr, m, *a),
        _ => ENode::constant(m.width(e), m.literal(e).unwrap_or(0)),
    };
    expr.add(node)
}

fn best(text: &str, w: u32, cost: &dyn Cost) -> Improved {
    let (expr, root) = expression(text, w);
    let options = Options {
        explain: true,
        ..Options::default()
    };
    improve::improve(
        &expr,
        &[root],
        Vec::new(),
        &RuleSet::shipped(),
        cost,
        &options,
    )
}

#[test]
fn saturation_finds_known_equalities() {
    // What is written, what it should become, width.
    let known = [
        ("x * 8", "x << 3", 64),
        ("x * 9", "(x << 3) + x", 64),
        ("x * 7", "(x << 3) - x", 64),
        ("x /u 16", "x >>u 4", 64),
        ("x %u 16", "x & 15", 32),
        ("x /u 10", "mulhu(x, 0xcccccccd) >>u 3", 32),
        ("(x << 5) | (x >>u 27)", "rotl(x, 5)", 32),
        ("(x << 40) + (x >>u 24)", "rotl(x, 40)", 64),
        ("x & x", "x & -1", 64),
        ("(x ^ y) ^ y", "x & x", 64),
        ("(x | y) - (x & y)", "x ^ y", 64),
        ("(x + y) - (x | y)", "x & y", 32),
        ("~(~x & ~y)", "x | y", 16),
        ("(x << 56) >>s 56", "sext[64](trunc[8](x))", 64),
        ("x & 255", "zext[64](trunc[8](x))", 64),
        ("(x ^ (x >>s 63)) - (x >>s 63)", "x <s 0 ? -x : x", 64),
        ("x <u 8", "x & -8 == 0", 64),
        ("x - y == 0", "x == y", 8),
        ("(x - 1) & x", "x - (x & (-x))", 64),
        ("bswap(bswap(x) & 255)", "x & 0xff00000000000000", 64),
        ("popcnt(x) == 0", "x == 0", 32),
        ("x + y <u x", "~x <u y", 64),
        ("(x * 3) * 5", "(x << 4) - x", 64),
    ];
    let shipped = RuleSet::shipped();
    for (from, to, w) in known {
        let (a, ra) = expression(from, w);
        let (b, rb) = expression(to, w);
        let mut graph = Graph::new(Facts::default());
        let mut ids = Vec::new();
        for (e, r) in [(&a, ra), (&b, rb)] {
            let mut place: Vec<Id> = Vec::new();
            for node in e.as_ref() {
                let id = graph.add(node.map_children(|c| place[usize::from(c)]));
                place.push(id);
            }
            ids.push(place[usize::from(r)]);
        }
        let widths = [1, 8, w].into_iter().collect();
        let rules = improve::instances(&shipped, &widths, false);
        let limits = Limits {
            nodes: 4_000,
            rounds: 5,
            ..Limits::default()
        };
        let record = saturate(&mut graph, &rules, &limits);
        assert_ne!(record.stop, Stop::Contradiction);
        assert_eq!(
            graph.find(ids[0]),
            graph.find(ids[1]),
            "{from} is not {to} at {w}: {:?}",
            record.stop
        );
    }
}

#[test]
fn extraction_takes_the_cheap_form_and_explains_it() {
    let b = best("x * 9 + y * 9", 64, &TermCost);
    assert!(b.after < b.before, "{b:?}");
    assert!(!b.explanation[0].is_empty() && !b.used.is_empty());
    // What the explanation claims to go from and to is what was given and what came out.
    assert!(
        b.used.keys().all(|r| r.contains('@') || r == "known-bits"),
        "{:?}",
        b.used
    );
    let again = best("x * 9 + y * 9", 64, &TermCost);
    assert_eq!(
        (b.expr, b.explanation),
        (again.expr, again.explanation),
        "saturation is deterministic"
    );
}

#[test]
fn every_step_of_an_explanation_holds_on_values() {
    let seed = 5;
    eprintln!("seed {seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    for (text, w) in [
        ("x * 9 + 0", 64),
        ("((x | y) - (x & y)) ^ y", 32),
        ("x %u 32 + (x - 1 & x)", 64),
    ] {
        let (expr, root) = expression(text, w);
        let widths = expr.as_ref().iter().map(ENode::bits).collect();
        let shipped = RuleSet::shipped();
        let rules = improve::instances(&shipped, &widths, false);
        let mut graph = Graph::new(Facts::default()).with_explanations_enabled();
        let id = graph.add_expr(&expr);
        assert_eq!(usize::from(root), expr.len() - 1);
        saturate(
            &mut graph,
            &rules,
            &Limits {
                nodes: 2_000,
                rounds: 4,
                ..Limits::default()
            },
        );
        let out = extract(&graph, &[id], &TermCost, EXACT_STEPS).expect("has a form");
        let mut why = graph.explain_equivalence(&expr, &out.expr);
        let steps: Vec<RecExpr<ENode>> = why
            .make_flat_explanation()
            .iter()
            .map(|s| s.remove_rewrites().get_recexpr())
            .collect();
        assert!(steps.len() > 1, "{text}");
        for _ in 0..50 {
            let values: Vec<Bits> = (0..3)
                .map(|_| Bits::new(w, stratified(&mut rng, w, w, &[])))
                .collect();
            let run = |e: &RecExpr<ENode>| {
                let words = lang::eval(&mut Concrete, e, &mut |_, n, _| values[n as usize]);
                words[e.len() - 1]
            };
            let first = run(&steps[0]);
            for s in &steps {
                assert_eq!(run(s), first, "{text}: {s}");
            }
        }
    }
}

#[test]
fn a_rule_that_blows_up_is_seen() {
    let mut set = RuleSet::default();
    let text = "family t\nassociate: (x + y) + z <=> x + (y + z)\ncommute: x + y => y + x\nquiet: x - x => 0\n";
    set.add("t", text).expect("parses");
    let (expr, _) = expression("a + (b + (c + (d + (e + (f + (g + (h + i)))))))", 64);
    let rules = improve::instances(&set, &[64].into(), false);
    let mut graph = Graph::new(Facts::default());
    graph.add_expr(&expr);
    let record = saturate(
        &mut graph,
        &rules,
        &Limits {
            timed: true,
            nodes: 3_000,
            rounds: 30,
            matches: 100,
            ban: 1,
        },
    );
    let names: Vec<&str> = record.explosive().iter().map(|r| r.name.as_str()).collect();
    assert!(
        names.iter().any(|n| n.starts_with("associate@64")),
        "{names:?} {:?}",
        record.stop
    );
    assert!(!names.iter().any(|n| n.starts_with("quiet")));
    let worst = record
        .rules
        .iter()
        .max_by_key(|r| r.nodes)
        .expect("rules ran");
    assert!(
        worst.name.starts_with("associate") && worst.matches > 100,
        "{worst:?}"
    );
    // A graph of two nodes saturates.
    let (small, _) = expression("a - a", 64);
    let mut graph = Graph::new(Facts::default());
    graph.add_expr(&small);
    assert_eq!(
        saturate(&mut graph, &rules, &Limits::default()).stop,
        Stop::Saturated
    );
}

#[test]
fn extraction_pays_shared_nodes_once() {
    // Two roots share x * y; alone, each would be cheaper as a sum of shifts of cost 35.
    struct Price;
    impl Cost for Price {
        fn node(&self, _: &Graph, node: &ENode) -> Option<u64> {
            use trinity_codegen::isa::BinOp::*;
            Some(match node.op {
                Op::Bin(Mul) => 40,
                Op::Bin(Shl) => 35,
                Op::Bin(_) => 1,
                _ => 0,
            })
        }
    }
    let mut graph = Graph::new(Facts::default());
    let x = graph.add(ENode::new(Op::Var(0), 64, &[]));
    let y = graph.add(ENode::new(Op::Var(1), 64, &[]));
    let bin = |g: &mut Graph, op, a, b| g.add(ENode::new(Op::Bin(op), 64, &[a, b]));
    use trinity_codegen::isa::BinOp::{Add, Mul, Shl, Sub, Xor};
    let product = bin(&mut graph, Mul, x, y);
    let (r1, r2) = (
        bin(&mut graph, Add, product, x),
        bin(&mut graph, Sub, product, y),
    );
    let (s1, s2) = (bin(&mut graph, Shl, x, x), bin(&mut graph, Shl, y, y));
    let (o1, o2) = (bin(&mut graph, Xor, s1, x), bin(&mut graph, Xor, s2, y));
    graph.union(r1, o1);
    graph.union(r2, o2);
    graph.rebuild();
    let both = extract(&graph, &[r1, r2], &Price, EXACT_STEPS).expect("has a form");
    assert_eq!((both.cost, both.exact), (42, true), "{}", both.expr);
    let one = extract(&graph, &[r1], &Price, EXACT_STEPS).expect("has a form");
    assert_eq!(one.cost, 36);
}

#[test]
fn what_several_roots_could_share_is_found_without_the_exhaustive_search() {
    // d + t and e + t with t = s + r, and as they are written first: s + (d + r), s + (e + r). Each alone costs the same either way.
    let mut graph = Graph::new(Facts::default());
    let mut var = |n| graph.add(ENode::new(Op::Var(n), 64, &[]));
    let [s, r, d, e] = [0, 1, 2, 3].map(&mut var);
    let mut add = |a, b| {
        let op = Op::Bin(trinity_codegen::isa::BinOp::Add);
        graph.add(ENode::new(op, 64, &[a, b]))
    };
    let both = [d, e].map(|x| {
        let early = add(x, r);
        let written = add(s, early);
        let shared = add(s, r);
        (written, add(x, shared))
    });
    for (written, other) in both {
        graph.union(written, other);
    }
    graph.rebuild();
    let roots = both.map(|b| b.0);
    let unhurried = extract(&graph, &roots, &IrCost, EXACT_STEPS).expect("has a form");
    assert!(unhurried.exact);
    let found = extract(&graph, &roots, &IrCost, 1).expect("has a form");
    assert!(!found.exact);
    assert_eq!(found.cost, unhurried.cost, "{}", found.expr);
}

#[test]
fn facts_follow_only_from_the_inputs() {
    // c ? x & 0 : y says nothing of y, though the arm under the guard is zero.
    let (expr, root) = expression("c[1] ? x & 0 : y", 64);
    let mut graph = Graph::new(Facts::default());
    let id = graph.add_expr(&expr);
    graph.rebuild();
    assert_eq!(usize::from(root), expr.len() - 1);
    assert_eq!(graph[id].data, Fact::unknown(64));
}
