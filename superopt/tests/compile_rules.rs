//! The rules that compilation uses are proven, every instance, and the list says so of their present texts.
//!
//! `TRINITY_UPDATE=1` writes the digits of those that are proven into the list.

use std::collections::HashSet;
use std::fmt::Write;
use trinity_superopt::egraph::rule::{RuleSet, compiled};
use trinity_superopt::egraph::verify::{Budget, verify};
use trinity_superopt::report::verdict::VerdictKind;
use trinity_superopt::solver::SolverPool;

#[test]
fn rules_of_the_compiler_are_proven() {
    let solvers =
        SolverPool::located().expect("build trinity-solver first (cargo build -p trinity-solver)");
    let mut set = RuleSet::shipped();
    let names: HashSet<&str> = compiled::lines(compiled::LIST).map(|l| l.name).collect();
    set.rules.retain(|r| names.contains(r.name.as_str()));
    assert_eq!(set.rules.len(), names.len(), "a name is no rule's");
    let outcomes = verify(&set.rules, &[], &Budget::default(), &solvers, &|_| {});
    let mut wrong = Vec::new();
    for o in &outcomes {
        if o.verdict() != VerdictKind::Proven {
            let open = o.instances.iter();
            let open = open.filter(|i| i.verdict.kind() != VerdictKind::Proven);
            let open: Vec<_> = open.map(|i| (i.at, &i.verdict)).collect();
            wrong.push(format!("{}: {open:?}", o.rule.name));
        }
    }
    assert!(wrong.is_empty(), "not proven: {wrong:?}");
    let mut list = String::new();
    for line in compiled::LIST.lines() {
        match compiled::lines(line).next() {
            Some(l) => {
                let rule = set.get(l.name).expect("was counted above");
                let way = if l.reverse { "~" } else { "" };
                let _ = writeln!(
                    list,
                    "{:<28} {}",
                    format!("{}{way}", l.name),
                    compiled::digits(rule)
                );
            }
            None => {
                let _ = writeln!(list, "{line}");
            }
        }
    }
    if std::env::var_os("TRINITY_UPDATE").is_some() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../search-configs/rules/compile-time.list"
        );
        std::fs::write(path, &list).expect("the list can be written");
        return;
    }
    assert_eq!(
        list,
        compiled::LIST,
        "TRINITY_UPDATE=1 writes the list anew"
    );
}
