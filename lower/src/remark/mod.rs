//! Remarks: what the typed lowering and the optimizer of the IR decided about the lines of a program, for people who ask (`trinityc --explain`).
//!
//! Everything that can be said is a row of the table in `kinds.rs`: its data, its name, the group it belongs to and its text. Lowering records
//! remarks in one place (`opt/explain.rs`) and only when asked to; what shows them (text, JSON, HTML) knows the table and nothing else.

mod kinds;
mod reasons;
mod words;

pub use kinds::{Class, Kind};
pub use reasons::{CallWhy, LoopWhy, NotInlined, Why};
pub use words::{Kinds, Operands, times};
pub(crate) use words::{memory_checked, memory_loaded, operand_name, operation};

/// A datum of a remark.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Field {
    /// Words.
    Text(String),
    /// A number.
    Number(u64),
}

/// What can be a datum of a remark.
trait Datum {
    fn field(&self) -> Field;
}
impl Datum for u64 {
    fn field(&self) -> Field {
        Field::Number(*self)
    }
}
macro_rules! words {
    ($($t:ty)*) => { $(
        impl Datum for $t {
            fn field(&self) -> Field {
                Field::Text(self.to_string())
            }
        }
    )* };
}
words!(String &'static str Kinds Operands Why CallWhy NotInlined LoopWhy);

/// A place in the source: a line of a function of the module.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Site {
    /// Number of the function.
    pub func: u32,
    /// The line; 0: not known.
    pub line: u32,
}

/// A remark.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remark {
    /// What it is about; then, if that was inlined, the calls that lead there, outwards.
    pub at: Vec<Site>,
    /// How often training came there.
    pub ran: Option<u64>,
    /// What is said.
    pub kind: Kind,
}

impl Remark {
    /// A remark about a whole function.
    pub fn of_function(func: u32, line: u32, kind: Kind) -> Remark {
        Remark {
            at: vec![Site { func, line }],
            ran: None,
            kind,
        }
    }
}
