//! Proofs of rules.

pub mod ieee;
pub mod lemma;
pub mod prove;
pub mod sample;

pub use prove::{Budget, Counterexample, InstanceResult, Method};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egraph::rule::*;

    #[test]
    fn shipped_rules_hold_on_samples() {
        let mut set = RuleSet::default();
        let mut wrong = 0;
        for (file, text) in SHIPPED {
            if let Err(e) = set.add(file, text) {
                eprintln!("{e}");
                wrong += 1;
            }
        }
        eprintln!("{} rules {:?}", set.rules.len(), set.families());
        let mut bad = 0;
        for r in &set.rules {
            for at in r.instances(&[]) {
                let m = Meaning::new(r, at).unwrap();
                let t = sample::try_rule(&m, 400);
                if let Some(c) = t.counterexample {
                    let c = sample::minimise(&m, c);
                    let v: Vec<String> = c.iter().zip(&r.names).map(|(b, n)| format!("{}={:#x}", n.text, b.value)).collect();
                    eprintln!("WRONG {} at {at:?}: {} : {}", r.name, r.text, v.join(" "));
                    bad += 1;
                }
                if t.held == 0 {
                    eprintln!("vacuous? {} at {at:?}", r.name);
                    bad += 1;
                }
            }
        }
        assert_eq!(bad + wrong, 0);
    }

    #[test]
    #[ignore]
    fn all() {
        use rayon::prelude::*;
        let set = RuleSet::shipped();
        let only = std::env::var("ONLY").unwrap_or_default();
        let solvers = crate::solver::SolverPool::new(crate::solver::PoolConfig::located().unwrap());
        let all: Vec<_> = set.rules.iter().filter(|r| only.is_empty() || only.split(',').any(|o| r.family == o || r.name == o)).flat_map(|r| r.instances(&[]).into_iter().map(move |a| (r, a))).collect();
        let start = std::time::Instant::now();
        let n = all.len();
        let budget = Budget { time: Some(std::time::Duration::from_secs(4)), ..Budget::default() };
        let res: Vec<_> = all.into_par_iter().map(|(r, at)| {
            let m = Meaning::new(r, at).unwrap();
            let x = prove::instance(&m, &budget, &solvers);
            if x.verdict != crate::report::verdict::Verdict::Proven || x.time.as_millis() > 1500 {
                eprintln!("{:?} {} {at:?} {} {:?}  {}", x.verdict, r.name, x.method, x.time, r.text);
            }
            x
        }).collect();
        let mut kinds = std::collections::BTreeMap::new();
        for r in &res { *kinds.entry((r.method.kind(), format!("{:?}", r.verdict.kind()))).or_insert(0) += 1; }
        eprintln!("{n} instances in {:?}: {kinds:?}", start.elapsed());
    }
}
