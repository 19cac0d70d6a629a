//! Lists of rules and reports of their proofs, as text and as JSON.

use super::{InstanceResult, Outcome, overall};
use crate::egraph::rule::{Equality, Rule, RuleSet};
use crate::report::verdict::VerdictKind;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;
use trinity_codegen::isa::concrete::Bits;

fn widths(rule: &Rule) -> String {
    let all: Vec<String> = rule.at.iter().map(u32::to_string).collect();
    all.join(",")
}

/// All rules by family, one a line.
pub fn list_text(set: &RuleSet) -> String {
    let mut out = String::new();
    for (family, count) in set.families() {
        let _ = writeln!(out, "{family} ({count})");
        for r in set.rules.iter().filter(|r| r.family == family) {
            let _ = writeln!(out, "  {:<24} {:<10} {}", r.name, widths(r), r.text);
        }
    }
    let instances: usize = set.rules.iter().map(|r| r.instances(&[]).len()).sum();
    let _ = writeln!(out, "{} rules, {instances} instances", set.rules.len());
    out
}

/// All rules as JSON.
pub fn list_json(set: &RuleSet) -> Value {
    let rules: Vec<Value> = set.rules.iter().map(rule_json).collect();
    json!({ "schema": "trinity-rules-1", "rules": rules })
}

fn rule_json(r: &Rule) -> Value {
    json!({
        "name": r.name,
        "family": r.family,
        "file": r.file,
        "line": r.place.line,
        "rule": r.text,
        "widths": r.at,
        "narrow": r.narrow,
        "both_ways": r.both_ways,
        "conditions": r.conditions.len(),
        "equality": match r.equality { Equality::Exact => "exact", Equality::NanClass => "nan-class" },
    })
}

fn names_text(names: &[(String, Bits)]) -> String {
    let all: Vec<String> = names
        .iter()
        .map(|(n, b)| format!("{n} = {:#x}", b.value))
        .collect();
    all.join(", ")
}

fn names_json(names: &[(String, Bits)]) -> Value {
    names
        .iter()
        .map(|(n, b)| json!({ "name": n, "width": b.width, "value": format!("{:#x}", b.value) }))
        .collect()
}

fn at(r: &InstanceResult) -> String {
    match r.at.n {
        0 => r.at.w.to_string(),
        n => format!("{} (n = {n})", r.at.w),
    }
}

/// Counts of instances by verdict, and by method.
fn counts(outcomes: &[Outcome]) -> (BTreeMap<&'static str, usize>, BTreeMap<&'static str, usize>) {
    let (mut verdicts, mut methods) = (BTreeMap::new(), BTreeMap::new());
    for i in outcomes.iter().flat_map(|o| &o.instances) {
        *verdicts.entry(i.verdict.kind().name()).or_default() += 1;
        *methods.entry(i.method.kind()).or_default() += 1;
    }
    (verdicts, methods)
}

/// A report for people: what is not proven with its reasons, the slowest, the counts. `all` lists every rule.
pub fn verify_text(outcomes: &[Outcome], time: Duration, solver: &str, all: bool) -> String {
    let mut out = String::new();
    for o in outcomes {
        let bad = o.verdict() != VerdictKind::Proven;
        if !bad && !all {
            continue;
        }
        let _ = writeln!(
            out,
            "{:<24} {:<10} {}",
            o.rule.name,
            o.verdict().name(),
            o.rule.text
        );
        for i in o
            .instances
            .iter()
            .filter(|i| all || i.verdict.kind() != VerdictKind::Proven)
        {
            let ms = i.time.as_millis();
            let _ = writeln!(
                out,
                "    at {:<12} {:<10} {} [{ms} ms]",
                at(i),
                i.verdict.kind().name(),
                i.method
            );
            if let crate::report::verdict::Verdict::Unknown { why }
            | crate::report::verdict::Verdict::Error { why } = &i.verdict
            {
                let _ = writeln!(out, "        {why}");
            }
            if let Some(c) = &i.counterexample {
                let _ = writeln!(
                    out,
                    "        with {}: the left side is {:#x}, the right side {:#x}",
                    names_text(&c.names),
                    c.left.value,
                    c.right.value
                );
            }
            if all
                && let Some(w) = &i.witness
                && !o.rule.conditions.is_empty()
            {
                let _ = writeln!(out, "        the premise holds with {}", names_text(w));
            }
        }
    }
    let (verdicts, methods) = counts(outcomes);
    let join = |m: &BTreeMap<&str, usize>| -> String {
        let all: Vec<String> = m.iter().map(|(k, v)| format!("{v} {k}")).collect();
        all.join(", ")
    };
    let total: usize = verdicts.values().sum();
    let proven = outcomes
        .iter()
        .filter(|o| o.verdict() == VerdictKind::Proven)
        .count();
    let _ = writeln!(
        out,
        "{proven} of {} rules proven; {total} instances: {}",
        outcomes.len(),
        join(&verdicts)
    );
    let _ = writeln!(out, "methods: {}", join(&methods));
    let mut slow: Vec<(&str, &InstanceResult)> = outcomes
        .iter()
        .flat_map(|o| o.instances.iter().map(|i| (o.rule.name.as_str(), i)))
        .collect();
    slow.sort_by_key(|s| std::cmp::Reverse(s.1.time));
    let slow: Vec<String> = slow
        .iter()
        .take(5)
        .map(|(n, i)| format!("{n} at {} {:.1} s", at(i), i.time.as_secs_f64()))
        .collect();
    let _ = writeln!(out, "slowest: {}", slow.join(", "));
    let _ = writeln!(out, "{:.1} s, {solver}", time.as_secs_f64());
    out
}

/// The report as JSON.
pub fn verify_json(outcomes: &[Outcome], time: Duration, solver: &str) -> Value {
    let (verdicts, methods) = counts(outcomes);
    let rules: Vec<Value> = outcomes
        .iter()
        .map(|o| {
            let instances: Vec<Value> = o
                .instances
                .iter()
                .map(|i| {
                    json!({
                        "w": i.at.w,
                        "n": i.at.n,
                        "verdict": serde_json::to_value(&i.verdict).unwrap_or(Value::Null),
                        "method": i.method.to_string(),
                        "tried": i.tried,
                        "rlimit": i.rlimit,
                        "ms": i.time.as_secs_f64() * 1e3,
                        "witness": i.witness.as_deref().map(names_json),
                        "counterexample": i.counterexample.as_ref().map(|c| json!({
                            "names": names_json(&c.names),
                            "left": format!("{:#x}", c.left.value),
                            "right": format!("{:#x}", c.right.value),
                        })),
                    })
                })
                .collect();
            let mut rule = rule_json(o.rule);
            rule["verdict"] = json!(o.verdict().name());
            rule["instances"] = json!(instances);
            rule
        })
        .collect();
    json!({
        "schema": "trinity-rules-verify-1",
        "verdict": overall(outcomes).name(),
        "solver": solver,
        "seconds": time.as_secs_f64(),
        "verdicts": verdicts,
        "methods": methods,
        "rules": rules,
    })
}
