//! What the names of the library stand for, as long as a program does not replace what they name.

use super::tags::Tags;
use trinity_abi::intrinsic::Intrinsic;

/// A value that the program's text tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    /// The closure of a function of the module that is used for nothing but calls.
    Function(u32),
    /// A table of the library.
    Table(&'static str),
    /// A function of the library: a row of [`FUNCTIONS`].
    Native(usize),
}

/// What a function of the library gives.
#[derive(Clone, Copy)]
enum Gives {
    Always(Tags),
    /// What its first argument is, if that is an integer or a float.
    Same,
    /// A number; what the command line gave, most often an integer.
    Read,
}

/// Functions by their qualified names, and their first results.
const FUNCTIONS: &[(&str, Gives)] = &[
    ("tonumber", Gives::Read),
    ("tostring", Gives::Always(Tags::STR)),
    ("type", Gives::Always(Tags::STR)),
    ("setmetatable", Gives::Always(Tags::TABLE)),
    ("math.abs", Gives::Same),
    ("math.max", Gives::Same),
    ("math.min", Gives::Same),
    ("math.acos", Gives::Always(Tags::FLOAT)),
    ("math.asin", Gives::Always(Tags::FLOAT)),
    ("math.atan", Gives::Always(Tags::FLOAT)),
    ("math.ceil", Gives::Always(Tags::INT)),
    ("math.cos", Gives::Always(Tags::FLOAT)),
    ("math.exp", Gives::Always(Tags::FLOAT)),
    ("math.floor", Gives::Always(Tags::INT)),
    ("math.log", Gives::Always(Tags::FLOAT)),
    ("math.sin", Gives::Always(Tags::FLOAT)),
    ("math.sqrt", Gives::Always(Tags::FLOAT)),
    ("math.tan", Gives::Always(Tags::FLOAT)),
    ("os.clock", Gives::Always(Tags::FLOAT)),
    ("string.char", Gives::Always(Tags::STR)),
    ("string.format", Gives::Always(Tags::STR)),
    ("string.len", Gives::Always(Tags::INT)),
    ("string.lower", Gives::Always(Tags::STR)),
    ("string.rep", Gives::Always(Tags::STR)),
    ("string.reverse", Gives::Always(Tags::STR)),
    ("string.sub", Gives::Always(Tags::STR)),
    ("string.upper", Gives::Always(Tags::STR)),
    ("table.concat", Gives::Always(Tags::STR)),
];

/// Tables of functions.
const TABLES: [&str; 4] = ["math", "os", "string", "table"];

fn function(name: &str) -> Option<Known> {
    let at = FUNCTIONS.iter().position(|(n, _)| *n == name);
    at.map(Known::Native)
}

/// A global variable.
pub fn global(name: &str) -> Option<Known> {
    let table = TABLES.into_iter().find(|t| *t == name);
    table.map(Known::Table).or_else(|| function(name))
}

/// A field of a table of the library.
pub fn member(of: Known, name: &str) -> Option<Known> {
    match of {
        Known::Table(table) => function(&format!("{table}.{name}")),
        _ => None,
    }
}

/// The kind of a number that is such a field.
pub fn constant(of: Known, name: &str) -> Option<Tags> {
    match (of, name) {
        (Known::Table("math"), "pi" | "huge") => Some(Tags::FLOAT),
        (Known::Table("math"), "maxinteger" | "mininteger") => Some(Tags::INT),
        _ => None,
    }
}

/// The number by which code in line recognises a function.
pub fn intrinsic(f: Known) -> Option<Intrinsic> {
    match f {
        // Objects with metatables that nobody counted are made: they may be weak tables, or have finalizers.
        Known::Native(at) => {
            let of = Intrinsic::by_name(FUNCTIONS[at].0);
            of.filter(|&f| f != Intrinsic::Setmetatable)
        }
        _ => None,
    }
}

/// What a call gives is a guess that is better checked where it matters.
pub fn is_guess(f: Known) -> bool {
    matches!(f, Known::Native(at) if matches!(FUNCTIONS[at].1, Gives::Read))
}

/// What a function gives for a first argument of such a kind. `once`: where a program begins.
pub fn result(f: Known, first: Option<Tags>, once: bool) -> Tags {
    let Known::Native(at) = f else {
        return super::facts::VALUE;
    };
    match (FUNCTIONS[at].1, first) {
        (Gives::Always(tags), _) => tags,
        (Gives::Same, Some(t)) if t == Tags::INT || t == Tags::FLOAT => t,
        (Gives::Same, _) => Tags::NUM,
        (Gives::Read, Some(t)) if once && !t.meets(Tags::NIL) => Tags::INT,
        (Gives::Read, _) if once => Tags::INT.or(Tags::NIL),
        (Gives::Read, _) => Tags::NUM.or(Tags::NIL),
    }
}
