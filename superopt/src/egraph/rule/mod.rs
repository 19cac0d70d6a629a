//! Rewrite rules: their text, what they mean at a width, where the shipped ones are.

pub mod compiled;
pub mod eval;
pub mod magic;
pub mod parse;
pub mod syntax;
pub mod width;

pub use eval::Meaning;
pub use magic::Computed;
pub use parse::parse;
pub use syntax::{CoreOp, ExprId, ExprKind, Exprs, Place, RuleError, RuleErrorKind, Widths};

use std::path::Path;

/// What equality a rule keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub enum Equality {
    /// Every bit.
    Exact,
    /// Every bit, but any NaN for any NaN: what Lua programs can see (sign and payload of NaNs are outside
    /// equivalence there).
    NanClass,
}

/// A name in a rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name {
    /// As written.
    pub text: String,
    /// Starts with a capital letter: matches constants alone.
    pub constant: bool,
    /// Where it stands first.
    pub place: Place,
    /// How it is computed, for those after `with`.
    pub computed: Option<(Computed, Vec<ExprId>)>,
}

/// A rewrite rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// Its name, unique in a set.
    pub name: String,
    /// Its family.
    pub family: String,
    /// The file it stands in.
    pub file: String,
    /// Where its name stands.
    pub place: Place,
    /// Its text, from the left side on, in one line.
    pub text: String,
    /// Words and constants.
    pub names: Vec<Name>,
    /// All its expressions.
    pub exprs: Exprs,
    /// Left side.
    pub lhs: ExprId,
    /// Right side.
    pub rhs: ExprId,
    /// Rewrites both ways.
    pub both_ways: bool,
    /// What must hold; each is one bit.
    pub conditions: Vec<ExprId>,
    /// Widths `w` it is meant for.
    pub at: Vec<u32>,
    /// Whether `n` occurs.
    pub narrow: bool,
    /// What it keeps.
    pub equality: Equality,
}

/// The widths rules are proven at.
pub const WIDTHS: [u32; 4] = [8, 16, 32, 64];
/// The widths `n` ranges over, where below `w`.
pub const NARROW: [u32; 4] = [1, 8, 16, 32];

impl Rule {
    /// The instances of the rule: `w` from its list (and from `only`, unless empty), `n` below `w`.
    pub fn instances(&self, only: &[u32]) -> Vec<Widths> {
        let wanted = |w: &&u32| only.is_empty() || only.contains(w);
        let mut out = Vec::new();
        for &w in self.at.iter().filter(wanted) {
            if !self.narrow {
                out.push(Widths { w, n: 0 });
            }
            for n in NARROW.into_iter().filter(|n| self.narrow && *n < w) {
                let at = Widths { w, n };
                if width::infer(self, at).is_ok() {
                    out.push(at);
                }
            }
        }
        out
    }
    /// Whether it computes with doubles.
    pub fn is_float(&self) -> bool {
        (0..self.exprs.len() as u32)
            .any(|e| matches!(self.exprs.kind(ExprId(e)), ExprKind::Op(CoreOp::Fp(_), _)))
    }
}

/// Rules in the order of their files.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    /// The rules.
    pub rules: Vec<Rule>,
}

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        /// The shipped rule files: name and text.
        pub const SHIPPED: &[(&str, &str)] = &[$((
            concat!("search-configs/rules/", $name, ".rules"),
            include_str!(concat!("../../../../search-configs/rules/", $name, ".rules")),
        ),)*];
    };
}
shipped!(
    "algebra", "bitwise", "shifts", "compare", "select", "multiply", "divide", "rotate", "fields",
    "extend", "bytes", "count", "overflow", "float",
);

impl RuleSet {
    /// The shipped rules.
    ///
    /// # Panics
    /// Never: a test parses them.
    pub fn shipped() -> RuleSet {
        let mut set = RuleSet::default();
        for (file, text) in SHIPPED {
            set.add(file, text).expect("shipped rules parse");
        }
        set
    }
    /// Adds the rules of a text.
    ///
    /// # Errors
    /// When it is malformed, or a name is taken.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), RuleError> {
        for rule in parse(file, text)? {
            if self.get(&rule.name).is_some() {
                return Err(RuleError {
                    file: file.to_owned(),
                    place: rule.place,
                    kind: RuleErrorKind::Twice(rule.name),
                });
            }
            self.rules.push(rule);
        }
        Ok(())
    }
    /// Adds the rules of a file.
    ///
    /// # Errors
    /// When it cannot be read or is malformed.
    pub fn add_file(&mut self, path: &Path) -> Result<(), RuleError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|e| RuleError {
            file: file.clone(),
            place: Place::default(),
            kind: RuleErrorKind::Unreadable(e.to_string()),
        })?;
        self.add(&file, &text)
    }
    /// The rule of a name.
    pub fn get(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|r| r.name == name)
    }
    /// Families in order of their first rule, with the number of rules in each.
    pub fn families(&self) -> Vec<(&str, usize)> {
        let mut out: Vec<(&str, usize)> = Vec::new();
        for r in &self.rules {
            match out.iter_mut().find(|f| f.0 == r.family) {
                Some(f) => f.1 += 1,
                None => out.push((&r.family, 1)),
            }
        }
        out
    }
}
