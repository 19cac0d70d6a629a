use super::*;
use crate::egraph::rule::{RuleErrorKind, RuleSet};
use crate::solver::tests::solvers;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;

fn rules(text: &str) -> RuleSet {
    let mut set = RuleSet::default();
    set.add("test.rules", text).expect("parses");
    set
}

#[test]
fn wrong_rules_are_refuted_with_a_small_counterexample() {
    let set = rules(
        "family wrong\n\
         add-is-or: x + y => x | y\n\
         shift-sum: (x << A) << B => x << {A + B}  if A <u w && A + B <u w\n\
         rare: x * x => 0  if x == 0x1234  at 16, 32, 64\n\
         late: x ^ y => x | y  if x & y != 0x40000 && x & y <u 0x80000 && x & y >=u 0x40000  at 32\n",
    );
    let outcomes = verify(&set.rules, &[], &Budget::default(), &solvers(), &|_| {});
    assert_eq!(outcomes.len(), 4);
    for o in &outcomes {
        assert_eq!(o.verdict(), VerdictKind::Refuted, "{}", o.rule.name);
        // Other widths of a refuted rule may not have been tried.
        let mut refuted = o.instances.iter().filter_map(|i| i.counterexample.as_ref());
        let first = refuted.next().expect("a refutation has a counterexample");
        assert!(first.left != first.right && refuted.all(|c| c.left != c.right));
    }
    assert_eq!(overall(&outcomes).exit_code(), 10);
    let smallest = outcomes[0].instances[0]
        .counterexample
        .as_ref()
        .expect("has one");
    assert_eq!(
        smallest.names.iter().map(|n| n.1.value).collect::<Vec<_>>(),
        [1, 1]
    );
    let text = report::verify_text(&outcomes, Duration::ZERO, "no solver", false);
    assert!(
        text.contains("add-is-or") && text.contains("with x = 0x1, y = 0x1"),
        "{text}"
    );
}

#[test]
fn a_premise_that_cannot_hold_is_vacuous() {
    let set = rules(
        "family vacuous\n\
         never: x + y => 0  if x <u y && y <u x\n\
         large: x * A => 0  if A == 0x10000  at 8\n\
         fine: x + A => x | A  if A == 0\n",
    );
    let outcomes = verify(&set.rules, &[], &Budget::default(), &solvers(), &|_| {});
    let kinds: Vec<VerdictKind> = outcomes.iter().map(Outcome::verdict).collect();
    assert_eq!(kinds[0], VerdictKind::Vacuous);
    // A constant that does not fit the width is cut to it: 0 here, and the rule holds.
    assert_eq!(kinds[1], VerdictKind::Proven);
    assert_eq!(kinds[2], VerdictKind::Proven);
    assert_eq!(overall(&outcomes).exit_code(), 16);
    let fine = outcomes[2].instances[0]
        .witness
        .as_ref()
        .expect("the premise can hold");
    assert_eq!(fine[1].1.value, 0);
}

#[test]
fn shipped_rules_hold_on_samples() {
    let set = RuleSet::shipped();
    assert!(set.rules.len() >= 600, "{}", set.rules.len());
    for rule in &set.rules {
        for at in rule.instances(&[]) {
            let m = Meaning::new(rule, at).expect("makes sense");
            let t = sample::try_rule(&m, 100);
            if let Some(c) = t.counterexample {
                panic!("{} at {at:?}: {:?}", rule.name, sample::minimise(&m, c));
            }
        }
    }
}

#[test]
fn a_sample_of_shipped_rules_is_proven() {
    let mut set = RuleSet::shipped();
    let seed = 2026;
    eprintln!("seed {seed}");
    set.rules.shuffle(&mut SmallRng::seed_from_u64(seed));
    // The slow families are proven by the command alone.
    set.rules
        .retain(|r| !["divide", "magic", "float", "count"].contains(&r.family.as_str()));
    set.rules.truncate(12);
    let outcomes = verify(
        &set.rules,
        &[8, 16, 32],
        &Budget::default(),
        &solvers(),
        &|_| {},
    );
    let text = report::verify_text(&outcomes, Duration::ZERO, "", false);
    assert_eq!(overall(&outcomes), VerdictKind::Proven, "{text}");
    let json = report::verify_json(&outcomes, Duration::ZERO, "");
    assert_eq!(json["rules"].as_array().map(Vec::len), Some(outcomes.len()));
}

#[test]
fn every_method_is_used_and_named() {
    let set = rules(
        "family methods\n\
         small: x + y => y + x  at 8\n\
         folded: x * 8 => x << 3  at 64\n\
         ring: x * (y + z) => x * y + x * z  at 64\n\
         blast: (x | y) - (x & y) => x ^ y  at 64\n\
         cases: x /u A => x >>u {log2(A)}  if pow2(A)  at 32\n",
    );
    let outcomes = verify(&set.rules, &[], &Budget::default(), &solvers(), &|_| {});
    let kinds: Vec<&str> = outcomes
        .iter()
        .map(|o| o.instances[0].method.kind())
        .collect();
    assert_eq!(overall(&outcomes), VerdictKind::Proven);
    assert_eq!(
        (kinds[0], kinds[1], kinds[2], kinds[4]),
        ("exhausted", "structural", "integer form", "cases")
    );
}

#[test]
fn the_lemma_of_division_holds_step_by_step() {
    let set = RuleSet::shipped();
    let solvers = solvers();
    for name in ["udiv-magic", "sdiv-magic"] {
        let rule = set.get(name).expect("shipped");
        let meaning = Meaning::new(rule, rule.instances(&[64])[0]).expect("makes sense");
        let steps = lemma::of(&meaning).expect("has one").check(&solvers);
        assert!(steps.is_ok_and(|n| n > 64));
    }
}

#[test]
fn errors_of_rule_files_have_a_place() {
    use RuleErrorKind::*;
    let error = |text: &str| {
        let e = RuleSet::default().add("f.rules", text).expect_err(text);
        (e.place.line, e.place.column, e.kind)
    };
    let body = |rule: &str| error(&format!("family f\n{rule}"));
    assert_eq!(error("a: x + 0 => x"), (1, 1, NoFamily));
    assert_eq!(body("a: x + $ => x"), (2, 8, Character('$')));
    assert!(matches!(body("a: x + => x"), (2, 8, Expected { .. })));
    assert!(matches!(
        body("a: x + 1 = x"),
        (2, 10, Expected { what: "=>", .. })
    ));
    assert_eq!(body("a: x + 0 => y"), (2, 13, Unbound("y".into())));
    assert_eq!(body("a: x => x + 0"), (2, 1, MatchesAll));
    assert_eq!(body("a: x + 1 => {x}"), (2, 14, NotConstant("x".into())));
    assert_eq!(body("a: x * A <=> x << {log2(A)}"), (2, 1, OneWay));
    assert_eq!(body("a: frob(x) => x"), (2, 4, Function("frob".into())));
    assert!(matches!(
        body("a: rotl(x) => x"),
        (
            2,
            4,
            Operands {
                takes: 2,
                given: 1,
                ..
            }
        )
    ));
    assert!(matches!(
        body("a: x[8] + y[16] => x"),
        (2, 9, Widths { .. })
    ));
    assert!(matches!(
        body("a: zext[200](x) => 0"),
        (2, _, WidthRange(_) | Expected { .. })
    ));
    assert!(matches!(
        body("a: x + y => x  at 12"),
        (2, 19, Expected { .. })
    ));
    assert_eq!(
        body("a: x + 0 => x\na: x - 0 => x"),
        (3, 1, Twice("a".into()))
    );
    assert!(matches!(
        body("a: x + 0 => x   if\nb: x - 0 => x"),
        (3, 1, Expected { .. })
    ));
    assert!(matches!(
        body("a: x + 99999999999999999999999999999999999999999 => x"),
        (2, 8, Number(_))
    ));
    assert!(matches!(
        body("a: x + 0 => x  with k = umagic(3)"),
        (2, 21, NotConstant(_))
    ));
    let missing = RuleSet::default().add_file(std::path::Path::new("/nonexistent.rules"));
    assert!(matches!(
        missing.expect_err("no such file").kind,
        Unreadable(_)
    ));
}

#[test]
fn the_list_of_shipped_rules() {
    insta::assert_snapshot!(report::list_text(&RuleSet::shipped()));
}

/// The whole set, at all widths: what `trinityc rules verify` does. Too slow for every run.
#[test]
#[ignore]
fn all_shipped_rules_are_proven() {
    let mut set = RuleSet::shipped();
    if let Ok(only) = std::env::var("RULES") {
        set.rules
            .retain(|r| only.split(',').any(|o| r.family == o || r.name == o));
    }
    let start = Instant::now();
    let solvers = solvers();
    let outcomes = verify(&set.rules, &[], &Budget::default(), &solvers, &|p| {
        if p.done % 200 == 0 {
            eprintln!(
                "{}/{} {} not proven {:?}",
                p.done, p.total, p.failed, p.elapsed
            );
        }
    });
    let text = report::verify_text(
        &outcomes,
        start.elapsed(),
        &solvers.version().unwrap_or_default(),
        false,
    );
    eprintln!("{text}");
    assert_eq!(overall(&outcomes), VerdictKind::Proven);
}
