//! The table of remarks: one row a kind.

use super::reasons::{CallWhy, LoopWhy, NotInlined, Why};
use super::words::{Kinds, Operands};
use super::{Datum, Field};

/// The group that a remark belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Class {
    /// About a whole function.
    Function,
    /// An operation that stayed generic.
    Generic,
    /// An assumption that is checked, and gives the code up where it fails.
    Guard,
    /// A call that was not inlined.
    Call,
    /// Work that stayed in a loop.
    Loop,
    /// Something that was done.
    Done,
}

impl Class {
    /// All groups with their names and what they say, in the order in which they are shown.
    pub const ALL: [(Class, &'static str, &'static str); 6] = [
        (Class::Function, "function", "not compiled with types"),
        (Class::Generic, "generic", "left to the runtime"),
        (
            Class::Guard,
            "guard",
            "assumed and checked; may leave for the interpreter",
        ),
        (Class::Call, "call", "not inlined"),
        (Class::Loop, "loop", "stayed in an innermost loop"),
        (Class::Done, "done", "inlined or done without a call"),
    ];
    /// The name.
    pub fn name(self) -> &'static str {
        Class::ALL[self as usize].1
    }
}

macro_rules! kinds {
    ($( $(#[doc = $doc:literal])* $name:ident { $($field:ident: $ty:ty),* } $class:ident $id:literal $text:literal; )*) => {
        /// What is said.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Kind {
            $( $(#[doc = $doc])* $name { $(#[allow(missing_docs)] $field: $ty),* }, )*
        }

        impl Kind {
            /// The names of all kinds.
            pub const IDS: &'static [&'static str] = &[$($id),*];

            /// The name, which stays when the text changes.
            pub fn id(&self) -> &'static str {
                match self {
                    $( Kind::$name { .. } => $id, )*
                }
            }
            /// The group.
            pub fn class(&self) -> Class {
                match self {
                    $( Kind::$name { .. } => Class::$class, )*
                }
            }
            /// A sentence.
            pub fn text(&self) -> String {
                match self {
                    $( Kind::$name { $($field),* } => format!($text), )*
                }
            }
            /// The data by name.
            pub fn fields(&self) -> Vec<(&'static str, Field)> {
                match self {
                    $( Kind::$name { $($field),* } => vec![$((stringify!($field), $field.field())),*], )*
                }
            }
        }
    };
}

kinds! {
    /// The runtime executes the instruction.
    Generic { op: String, operands: Operands, why: Why } Generic "generic"
        "{op}{operands} is done by the runtime: {why}";
    /// There is machine code for the common cases, the runtime executes the others.
    GenericRest { op: String, operands: Operands, why: Why } Generic "generic-rest"
        "{op}{operands} tests what it has and may call the runtime: {why}";
    /// A variable or value is of a kind.
    GuardKind { what: String, kinds: Kinds } Guard "guard-kind"
        "leaves unless {what} is {kinds}";
    /// A result is of a kind.
    GuardResult { op: String, kinds: Kinds } Guard "guard-result"
        "leaves unless {op} gives {kinds}";
    /// A table has a field in the slot that it always had.
    GuardShape { op: String, slot: u64, shapes: u64 } Guard "guard-shape"
        "leaves unless the table of {op} has one of the shapes with the field in slot {slot} (training saw {shapes})";
    /// An element is in an array of one kind.
    GuardElements { op: String, elements: &'static str } Guard "guard-elements"
        "leaves unless {op} is within an array of {elements}";
    /// A call is of the function that was always called.
    GuardCallee { callee: String } Guard "guard-callee"
        "leaves unless the function called is {callee}";
    /// A call is of the library function that was always called.
    GuardLibrary { callee: String } Guard "guard-library"
        "leaves unless the function called is {callee} of the library";
    /// Something else holds.
    GuardValue { what: &'static str } Guard "guard-value"
        "leaves unless {what}";
    /// Code that training did not reach.
    NotReached {} Guard "not-reached"
        "training never came here: the interpreter takes over";
    /// A call of a known function is a call.
    NotInlined { callee: String, why: NotInlined } Call "not-inlined"
        "{callee} is not inlined: {why}";
    /// A call finds out what it calls.
    IndirectCall { why: CallWhy } Call "indirect-call"
        "the call goes by the closure: {why}";
    /// A check stayed in a loop.
    LoopCheck { what: &'static str, why: LoopWhy } Loop "loop-check"
        "{what} is checked in every iteration: {why}";
    /// A load stayed in a loop.
    LoopLoad { what: &'static str, why: LoopWhy } Loop "loop-load"
        "{what} is loaded in every iteration: {why}";
    /// Nothing left a loop.
    LoopWhole { why: LoopWhy } Loop "loop-not-peeled"
        "what is the same in every iteration stays in this loop: {why}";
    /// A function that the typed lowering did not compile.
    Baseline { why: String } Function "baseline"
        "compiled without types: {why}";
    /// A function without machine code.
    Interpreted { why: String } Function "interpreted"
        "interpreted: {why}";
    /// A function whose loops were not optimised.
    TooLarge { size: u64, limit: u64 } Function "too-large"
        "loops and repeated work are not optimised: {size} instructions, the limit is {limit}";
    /// A function has a body for certain kinds of arguments.
    Version { kinds: String } Done "version"
        "compiled once more for arguments ({kinds})";
    /// A callee's code is part of the caller's.
    Inlined { callee: String } Done "inlined"
        "{callee} is inlined";
    /// A table that is not made.
    NotMade {} Done "not-made"
        "the table is not made: its fields are values";
    /// A closure that is not made.
    ClosureNotMade {} Done "closure-not-made"
        "the closure is not made: its calls are in line";
    /// A captured variable without a cell.
    CellNotMade {} Done "cell-not-made"
        "the captured variable is a value: no cell is made";
    /// A closure or a cell that is made.
    ClosureMade { thing: &'static str, what: &'static str, line: u64 } Generic "closure-made"
        "{thing} is made: {what} (line {line})";
    /// A table that is.
    Made { what: &'static str, line: u64 } Generic "made"
        "the table is made: {what} (line {line})";
    /// A library function without a call of it.
    Library { callee: String, how: &'static str } Done "library"
        "{callee} {how}";
}
