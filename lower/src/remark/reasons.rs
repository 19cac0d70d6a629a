//! Why something was not done better.

use super::words::{Kinds, times};
use std::fmt;
use trinity_profile::kind;

/// Why an operation stayed generic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// There is no profile.
    NoProfile,
    /// Training did not call the function.
    NotTrained,
    /// Training came there a few times only.
    Few(u64),
    /// Training saw values of several kinds.
    Several(Kinds),
    /// What arrays and keys training saw: bits of [`trinity_profile::kind`].
    Elements(u8),
    /// Keys of tables that are not integers.
    Keys,
    /// The field is not always in the same slot of tables that share their shapes.
    Slots,
    /// The field was found by the metatable, or nowhere.
    Elsewhere,
    /// A global variable.
    Global,
    /// There is no machine code for it.
    NoForm,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Why::NoProfile => f.write_str("no profile says what comes here"),
            Why::NotTrained => f.write_str("training did not call this function"),
            Why::Few(n) => write!(f, "training came here {} only", times(n)),
            Why::Several(kinds) => write!(f, "training saw several kinds ({kinds})"),
            Why::Elements(bits) => {
                const SEEN: [(u8, &str); 8] = [
                    (kind::EMPTY, "empty arrays"),
                    (kind::INT, "arrays of integers"),
                    (kind::FLOAT, "arrays of floats"),
                    (kind::GENERAL, "arrays of anything"),
                    (kind::MISS, "keys outside the array"),
                    (kind::APPEND, "elements appended"),
                    (kind::METATABLE, "metatables"),
                    (kind::OTHER_KEY, "keys that are no integers"),
                ];
                let seen = SEEN.iter().filter(|s| bits & s.0 != 0).map(|s| s.1);
                let seen: Vec<&str> = seen.collect();
                match seen.is_empty() {
                    true => f.write_str("the elements may be nil"),
                    false => write!(f, "training saw {}", seen.join(", ")),
                }
            }
            Why::Keys => f.write_str("the key is no integer"),
            Why::Slots => {
                f.write_str("the field has no fixed slot in the tables that training saw")
            }
            Why::Elsewhere => f.write_str("training did not find the field in the table itself"),
            Why::Global => f.write_str("globals are looked up through an inline cache"),
            Why::NoForm => f.write_str("there is no machine code for this"),
        }
    }
}

/// Why a call does not know what it calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallWhy {
    /// Nothing was seen.
    Unseen(Why),
    /// Training saw several functions called.
    Several(u64),
    /// A library function that has no form of its own here.
    Library(String),
    /// A function of another module, or one that was made by `load`.
    Foreign,
    /// The function called is left to the baseline.
    Untyped(String),
    /// As many arguments as the function has parameters go directly, no others.
    Arguments(String),
    /// Tail calls go by the closure.
    Tail,
}

impl fmt::Display for CallWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallWhy::Unseen(why) => why.fmt(f),
            CallWhy::Several(n) => write!(f, "training saw {n} functions called"),
            CallWhy::Library(name) => write!(f, "{name} is not done without a call here"),
            CallWhy::Foreign => f.write_str("the function is of another module"),
            CallWhy::Untyped(name) => write!(f, "{name} is not compiled with types"),
            CallWhy::Arguments(name) => {
                write!(
                    f,
                    "{name} is not called with as many arguments as it has parameters"
                )
            }
            CallWhy::Tail => f.write_str("it is a tail call"),
        }
    }
}

/// Why a callee was not inlined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotInlined {
    /// The switch is off.
    SwitchedOff,
    /// The callee is too long.
    Long { len: usize, max: usize },
    /// The callee is too long to be inlined into itself.
    RecursiveLong { len: usize, max: usize },
    /// It is within itself often enough.
    Recursion(usize),
    /// Too many frames within each other.
    Depth(usize),
    /// Too much was inlined into the function already.
    Total(usize),
    /// Too many calls were inlined into the function already.
    Frames(usize),
    /// The number of arguments is open.
    OpenArguments,
    /// The number of results wanted is open.
    OpenResults,
    /// Training did not call the callee.
    NotTrained,
    /// The call runs too seldom for the code it would take.
    Seldom,
    /// The callee takes any number of arguments.
    Vararg,
    /// The callee returns any number of values.
    OpenReturn,
    /// The callee ends with a call.
    TailCall,
    /// The callee has a variable to be closed, or a generic loop.
    Closes,
}

impl fmt::Display for NotInlined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use NotInlined::*;
        match *self {
            SwitchedOff => f.write_str("it is switched off"),
            Long { len, max } => write!(f, "it has {len} instructions, the limit is {max}"),
            RecursiveLong { len, max } => {
                write!(
                    f,
                    "it calls itself and has {len} instructions, the limit is {max}"
                )
            }
            Recursion(n) => write!(f, "it is inlined into itself {n} times already"),
            Depth(n) => write!(f, "{n} calls are inlined into each other already"),
            Total(n) => write!(f, "{n} instructions are inlined into the caller already"),
            Frames(n) => write!(f, "{n} calls are inlined into the caller already"),
            OpenArguments => f.write_str("the number of arguments is open"),
            OpenResults => f.write_str("the number of results is open"),
            NotTrained => f.write_str("training did not call it"),
            Seldom => f.write_str("it is called too seldom for its size"),
            Vararg => f.write_str("it takes any number of arguments"),
            OpenReturn => f.write_str("it returns any number of values"),
            TailCall => f.write_str("it ends with a call"),
            Closes => f.write_str("it closes variables, or has a generic loop that may"),
        }
    }
}

/// Why something stayed in a loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoopWhy {
    /// It is not the same in every iteration, and no bound is known that covers all.
    Varies,
    /// A store at a line may change it.
    Stored(u32),
    /// A call at a line may change it, or cannot be copied in front of the loop.
    Called(u32),
    /// The loop is too large.
    Large(u64),
    /// The loop is entered in several places.
    Irreducible,
    /// The loop has no copy of its first iteration, in which this would be done once.
    NotCopied,
}

impl fmt::Display for LoopWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            LoopWhy::Varies => f.write_str("it depends on what changes in the loop"),
            LoopWhy::Stored(line) => write!(f, "the store in line {line} may change it"),
            LoopWhy::Called(line) => write!(f, "the call in line {line} may change it"),
            LoopWhy::Large(n) => write!(f, "the loop is too large ({n} instructions of IR)"),
            LoopWhy::Irreducible => f.write_str("the loop is entered in several places"),
            LoopWhy::NotCopied => {
                f.write_str("the loop's first iteration is not done in front of it")
            }
        }
    }
}
