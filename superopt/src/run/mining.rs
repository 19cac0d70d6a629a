//! A run over rules: the files it names proven, then more rules mined, compared with those written by hand.
//!
//! Mining goes candidate by candidate; where it is, is saved between them, so that a run that was stopped, killed or out of
//! time goes on where it was. Terms are enumerated again then, which gives the same ones.

use super::config::{Mine, RunConfig};
use crate::egraph::RuleSet;
use crate::egraph::mine::{self, Coverage, MineConfig, Mined, Saved};
use crate::egraph::rule::RuleError;
use crate::egraph::verify::{Budget, Outcome};
use crate::report::search::{Rule, Table};
use crate::report::verdict::VerdictKind;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What a run over rules saves.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// Rules of the files looked at so far.
    pub checked: usize,
    /// Those that hold at one of the widths, as they were verified.
    pub verified: Vec<Rule>,
    /// Where mining is.
    pub mining: Saved,
}

/// A pattern of files that names none, or a folder that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoFiles(
    /// The pattern.
    pub PathBuf,
);

impl std::fmt::Display for NoFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "rules.files: {} names no file", self.0.display())
    }
}
impl std::error::Error for NoFiles {}

/// The files of a list of paths in which `*` in the last part stands for anything, in order of their names.
///
/// # Errors
/// When one of them names nothing.
pub fn files(patterns: &[PathBuf]) -> Result<Vec<PathBuf>, NoFiles> {
    let mut out = Vec::new();
    for p in patterns {
        let name = p
            .file_name()
            .map_or(String::new(), |n| n.to_string_lossy().into_owned());
        let Some((before, after)) = name.split_once('*') else {
            out.push(p.clone());
            continue;
        };
        let folder = p.parent().filter(|f| !f.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let entries = std::fs::read_dir(folder).map_err(|_| NoFiles(p.clone()))?;
        let fits = |n: &str| {
            n.len() >= before.len() + after.len() && n.starts_with(before) && n.ends_with(after)
        };
        let mut found: Vec<PathBuf> = entries
            .flatten()
            .filter(|e| e.file_name().to_str().is_some_and(fits))
            .map(|e| e.path())
            .collect();
        if found.is_empty() {
            return Err(NoFiles(p.clone()));
        }
        found.sort();
        out.append(&mut found);
    }
    Ok(out)
}

/// The rules of files.
///
/// # Errors
/// When one cannot be read or is malformed.
pub fn load(files: &[PathBuf]) -> Result<RuleSet, RuleError> {
    let mut set = RuleSet::default();
    for f in files {
        set.add_file(f)?;
    }
    Ok(set)
}

/// The work on one instance of a rule.
pub fn budget(config: &RunConfig) -> Budget {
    Budget {
        time: (!config.deterministic).then_some(config.solver.timeout),
        last: config.budget.rlimit,
        ..Budget::default()
    }
}

/// What is mined.
pub fn mining(config: &RunConfig, m: &Mine) -> MineConfig {
    MineConfig {
        ops: m.operations.clone(),
        vars: m.variables,
        // Checked when the file was read.
        constants: m.constants.iter().filter_map(|c| c.parse().ok()).collect(),
        depth: m.size,
        budget: budget(config),
        seed: config.seed,
        ..MineConfig::default()
    }
}

/// Verified rules as rows of the report.
pub fn verified(outcomes: &[Outcome<'_>]) -> Vec<Rule> {
    let row = |o: &Outcome<'_>| {
        let mut widths: Vec<u32> = o.instances.iter().map(|i| i.at.w).collect();
        widths.sort_unstable();
        widths.dedup();
        let mut methods: Vec<String> = o.instances.iter().map(|i| i.method.to_string()).collect();
        methods.sort();
        methods.dedup();
        Rule {
            name: o.rule.name.clone(),
            text: o.rule.text.clone(),
            widths,
            verdict: o.verdict(),
            method: methods.join(", "),
            matches: 0,
            seconds: Some(o.time().as_secs_f64()),
        }
    };
    outcomes.iter().map(row).collect()
}

/// Mined rules as rows of the report: each was proven at all its widths before it was kept.
pub fn mined(m: &Mined) -> Vec<Rule> {
    let row = |r: &crate::egraph::rule::Rule| Rule {
        name: r.name.clone(),
        text: r.text.clone(),
        widths: r.at.clone(),
        verdict: VerdictKind::Proven,
        method: "mined".into(),
        matches: 0,
        seconds: None,
    };
    m.rules.rules.iter().map(row).collect()
}

/// The mined rules against those written by hand.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    /// Mined rules that those written by hand derive.
    pub ours: Coverage,
    /// Rules written by hand, over the mined operations, that the mined ones derive.
    pub theirs: Coverage,
}

/// Compares mined rules with rules written by hand.
pub fn compare(m: &Mined, hand: &RuleSet, ops: &[String]) -> Compared {
    Compared {
        ours: mine::coverage(&hand.rules, &m.rules.rules),
        theirs: mine::coverage(&m.rules.rules, &mine::within(hand, ops)),
    }
}

/// The comparison as a table of the report.
pub fn table(m: &Mined, c: &Compared, hand: &RuleSet) -> Table {
    let row = |what: &str, c: &Coverage| {
        vec![
            what.to_owned(),
            c.derived.len().to_string(),
            (c.derived.len() + c.missing.len()).to_string(),
        ]
    };
    let mut rows = vec![
        row("mined rules that the written ones derive", &c.ours),
        row("written rules that the mined ones derive", &c.theirs),
    ];
    let text = |n: &String| {
        let rule = m.rules.get(n).or_else(|| hand.get(n));
        rule.map_or(n.clone(), |r| format!("{n}: {}", r.text))
    };
    let missing = |what: &str, c: &Coverage| -> Vec<Vec<String>> {
        let one = |n| vec![format!("{what} {}", text(n)), String::new(), String::new()];
        c.missing.iter().map(one).collect()
    };
    rows.extend(missing("not derived by the written ones:", &c.ours));
    rows.extend(missing("not derived by the mined ones:", &c.theirs));
    Table {
        title: "Mined rules against those written by hand".into(),
        columns: ["", "derived", "of"].map(String::from).into(),
        rows,
        note: format!(
            "{} rules mined from {} terms and {} candidates: {} candidates derived by others, {} not proven, {} rules dropped at the \
             end as derived by the others{}.",
            m.rules.rules.len(),
            m.terms,
            m.candidates,
            m.derived,
            m.unproven,
            m.minimised,
            if m.stopped { "; not through" } else { "" }
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::files::TestDir;
    use super::*;

    #[test]
    fn patterns_name_files_in_order() {
        let dir = TestDir::new("mining-files");
        for n in ["b.rules", "a.rules", "a.txt"] {
            std::fs::write(dir.0.join(n), "").unwrap();
        }
        let got = files(&[dir.0.join("*.rules"), dir.0.join("a.txt")]).unwrap();
        let names: Vec<_> = got
            .iter()
            .map(|p| p.file_name().unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["a.rules", "b.rules", "a.txt"]);
        assert_eq!(
            files(&[dir.0.join("*.none")]),
            Err(NoFiles(dir.0.join("*.none")))
        );
        assert!(load(&[dir.0.join("missing.rules")]).is_err());
    }
}
