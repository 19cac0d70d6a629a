//! The rules that compilation uses: `search-configs/rules/compile-time.list`, with what says that they were proven.
//!
//! Each line names a rule (`~`: from right to left) and the first 16 digits of the SHA-256 of its text. The digits are written by whoever proved it
//! (`cargo test -p trinity-superopt --test compile_rules`, which proves all of them again in every test run): a rule whose text was changed since is not used.

use super::{Rule, RuleSet};
use crate::store::sha256::sha256;

/// The list.
pub const LIST: &str = include_str!("../../../../search-configs/rules/compile-time.list");

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    /// The rule's name.
    pub name: &'a str,
    /// From right to left.
    pub reverse: bool,
    /// The digits behind it, if there are any.
    pub proven: Option<&'a str>,
}

/// The lines of a list; comments and empty lines are none.
pub fn lines(list: &str) -> impl Iterator<Item = Listed<'_>> {
    list.lines().filter_map(|l| {
        let mut words = l.split('#').next().unwrap_or_default().split_whitespace();
        let name = words.next()?;
        Some(Listed {
            name: name.trim_end_matches('~'),
            reverse: name.ends_with('~'),
            proven: words.next(),
        })
    })
}

/// What stands behind a rule that was proven with this text.
pub fn digits(rule: &Rule) -> String {
    let digest = sha256(rule.text.as_bytes());
    digest
        .0
        .iter()
        .take(8)
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// The shipped rules of the list that were proven as they are, in its order, and the way they go.
pub fn proven(rules: &RuleSet) -> Vec<(&Rule, bool)> {
    lines(LIST)
        .filter_map(|l| {
            let rule = rules.get(l.name)?;
            (l.proven == Some(digits(rule).as_str())).then_some((rule, l.reverse))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_whose_text_changed_is_not_used() {
        let mut rules = RuleSet::shipped();
        let all = proven(&rules).len();
        assert_eq!(all, lines(LIST).count());
        let first = lines(LIST).next().map(|l| l.name.to_owned());
        for r in &mut rules.rules {
            if Some(&r.name) == first.as_ref() {
                r.text.push('1');
            }
        }
        assert!(proven(&rules).len() < all);
    }
}
