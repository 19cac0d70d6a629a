//! Does phi^2 + 1/phi^2 = 3 fold in doubles, and what of V = n * 3^k * pi^m * phi^p * e^q?
//!
//! Over the reals the identity holds: shown in Q(sqrt 5), exactly. In doubles an expression without variables has one value,
//! so that one exact evaluation decides it; it is evaluated twice, by the processor and by rationals with one correct
//! rounding per operation (`phi/exact.rs`), and the bits must agree. An expression with variables folds if both forms have equal
//! bits on every point of its box, which is exhausted, and does not fold if one point differs, which is shown.
//!
//! Powers are correctly rounded here; what the C library's `pow` does with the same arguments is a row of its own.

mod exact;
mod formula;
mod surd;

use serde::{Deserialize, Serialize};

/// A step of the calculation over the reals.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RealStep {
    /// The expression.
    pub expression: String,
    /// Its exact value in Q(√5).
    pub value: String,
}

/// A constant as a double.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Constant {
    /// Its name.
    pub name: String,
    /// How the double is made.
    pub how: String,
    /// Its bits in hexadecimal.
    pub bits: String,
    /// Its shortest decimal.
    pub decimal: String,
}

/// One point on which two forms differ.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Differs {
    /// The variables' values.
    pub at: Vec<super::parts::Binding>,
    /// Bits and decimal of the form as written.
    pub written: String,
    /// Bits and decimal of the folded form.
    pub folded: String,
}

/// A folding and whether it keeps the bits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Folding {
    /// The expression as a program has it.
    pub written: String,
    /// What it would be replaced by.
    pub folded: String,
    /// Whether the two have equal bits everywhere.
    pub folds: bool,
    /// On whose word: exact evaluation, exhaustion of a box, a counterexample.
    pub authority: String,
    /// Points evaluated; 1 where there are no variables.
    pub points: u64,
    /// Points on which the bits differ.
    pub unequal: u64,
    /// Whether the processor gave the bits of the exact evaluation on every point.
    pub processor_agrees: bool,
    /// The value of an expression without variables, bits and decimal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// The first point that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differs: Option<Differs>,
}

/// The identity under one rounding mode or for one neighbour of phi.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Variant {
    /// What was changed.
    pub what: String,
    /// The value of the sum, bits and decimal.
    pub value: String,
    /// Whether it is 3.
    pub is_three: bool,
}

/// The report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Phi {
    /// Heading.
    pub title: String,
    /// The answer in a few sentences.
    pub conclusion: Vec<String>,
    /// Over the reals.
    pub reals: Vec<RealStep>,
    /// The constants as doubles.
    pub constants: Vec<Constant>,
    /// Forms of the identity.
    pub identity: Vec<Folding>,
    /// The identity in other rounding modes, and for doubles beside phi.
    pub variants: Vec<Variant>,
    /// Foldings of the formula V.
    pub formula: Vec<Folding>,
    /// What is trusted and not proved.
    pub trusted: Vec<String>,
    /// Version of the tool.
    pub tool: String,
    /// One line that does it again.
    pub command: String,
}

/// Bits and shortest decimal of a double, as the report shows it.
fn show(x: f64) -> String {
    format!("0x{:016x} ({x})", x.to_bits())
}

impl Phi {
    /// Decides all questions. Takes a second or so.
    pub fn decide() -> Phi {
        let identity = formula::identity();
        let variants = formula::variants();
        let formula = formula::foldings();
        Phi {
            title: "phi² + 1/phi² = 3 in doubles".into(),
            conclusion: conclusion(&identity, &variants, &formula),
            reals: formula::reals(),
            constants: formula::constants(),
            identity,
            variants,
            formula,
            trusted: [
                "IEEE 754 as the statement of what each operation means",
                "the rational arithmetic of num-bigint, and the one rounding function of this tool (tested against the processor on random operands)",
                "MXCSR set to nearest, without flush-to-zero, where a program runs",
                "powers are those of a correctly rounded pow",
            ]
            .map(String::from)
            .into(),
            tool: super::tool_version(),
            command: "trinityc report phi".into(),
        }
    }

    /// What is wrong with the report itself: the two evaluators disagree.
    pub fn faults(&self) -> Vec<String> {
        let all = self.identity.iter().chain(&self.formula);
        all.filter(|f| !f.processor_agrees)
            .map(|f| format!("processor and exact evaluation disagree on {}", f.written))
            .collect()
    }
}

fn conclusion(identity: &[Folding], variants: &[Variant], formula: &[Folding]) -> Vec<String> {
    let list = |folds: bool, of: &[Folding]| {
        let names = of.iter().filter(|f| f.folds == folds);
        names
            .map(|f| format!("{} = {}", f.written, f.folded))
            .collect::<Vec<_>>()
    };
    let (yes, no) = (list(true, identity), list(false, identity));
    let mut out = vec!["Over the reals the identity holds exactly (algebra in Q(√5)).".to_string()];
    if !yes.is_empty() {
        out.push(format!(
            "In doubles, to nearest, these fold for the constant phi, by exact evaluation: {}.",
            yes.join("; ")
        ));
    }
    if !no.is_empty() {
        out.push(format!(
            "These do not, by exact evaluation: {}.",
            no.join("; ")
        ));
    }
    out.push(
        "The authority is exact evaluation, not the proof over the reals and not a solver: an expression without variables has \
         one value, found twice, by the processor and by rational arithmetic with one rounding per operation. The proof \
         over the reals decides nothing about doubles: it proves every line of both lists."
            .into(),
    );
    let three = variants.iter().filter(|v| v.is_three).count();
    out.push(format!(
        "It is a fact about one double and one rounding mode, not a law: of {} other roundings and neighbouring doubles {three} give 3.",
        variants.len()
    ));
    out.push(format!(
        "Of {} foldings of V {} keep the bits on every point of their box; each of the others has a counterexample below.",
        formula.len(),
        formula.iter().filter(|f| f.folds).count()
    ));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_is_decided_on_two_authorities() {
        let r = Phi::decide();
        assert_eq!(r.faults(), [""; 0]);
        assert_eq!(r.reals.last().unwrap().value, "3");
        // The processor's own word on the plainest form, computed here and hidden from the optimiser.
        let phi = std::hint::black_box((1.0 + 5f64.sqrt()) / 2.0);
        let sum = phi * phi + 1.0 / (phi * phi);
        assert_eq!(r.identity[0].value, show(sum));
        assert_eq!(r.identity[0].folds, sum.to_bits() == 3f64.to_bits());
        for f in r.identity.iter().chain(&r.formula) {
            assert_eq!(f.folds, f.unequal == 0, "{}", f.written);
            assert_eq!(f.folds, f.differs.is_none(), "{}", f.written);
            assert!(f.points > 0);
        }
        // Both answers occur among the formula's foldings: the report tells them apart.
        assert!(r.formula.iter().any(|f| f.folds) && r.formula.iter().any(|f| !f.folds));
        assert_eq!(r, Phi::decide(), "the same each time");
    }
}
