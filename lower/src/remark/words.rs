//! Operations, operands, kinds of values and parts of memory in words.

use crate::opt::facts;
use crate::opt::tags::Tags;
use std::fmt;
use trinity_abi::tag;
use trinity_codegen::ir::{Region, Width};
use trinity_frontend::bytecode::names::{local, tidy};
use trinity_frontend::bytecode::{Const, Op, Proto};

/// Kinds of values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kinds(pub Tags);

/// Sets of tags that have one word, larger sets first.
const WORDS: [(Tags, &str); 15] = [
    (Tags::STR, "string"),
    (Tags::BOOL, "boolean"),
    (Tags::FUNCTION, "function"),
    (Tags::NIL, "nil"),
    (Tags::of(tag::FALSE), "false"),
    (Tags::of(tag::TRUE), "true"),
    (Tags::INT, "integer"),
    (Tags::FLOAT, "float"),
    (Tags::of(tag::SHORT_STR), "short string"),
    (Tags::of(tag::LONG_STR), "long string"),
    (Tags::TABLE, "table"),
    (Tags::of(tag::LUA_FN), "Lua function"),
    (Tags::of(tag::NATIVE_FN), "library function"),
    (Tags::of(tag::USERDATA), "userdata"),
    (Tags::of(tag::THREAD), "coroutine"),
];

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.0.minus(Tags::CELL);
        let mut rest = values;
        if facts::VALUE.minus(Tags::CELL).within(rest) {
            return f.write_str("anything");
        }
        let mut words = Vec::new();
        for (set, word) in WORDS {
            if set.within(rest) {
                words.push(word);
                rest = rest.minus(set);
            }
        }
        if !rest.is_none() {
            words.push("something else");
        }
        match words.split_last() {
            None => f.write_str("nothing"),
            Some((last, [])) => f.write_str(last),
            Some((last, before)) => write!(f, "{} or {last}", before.join(", ")),
        }
    }
}

/// Operands of an operation with their kinds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operands(pub Vec<(String, Kinds)>);

impl fmt::Display for Operands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (name, kinds)) in self.0.iter().enumerate() {
            let before = if n == 0 { " of" } else { " and" };
            write!(f, "{before} {name} ({kinds})")?;
        }
        Ok(())
    }
}

/// What stands in the source for the value in a register: the name of a variable, or words.
pub(crate) fn operand_name(p: &Proto, r: usize, pc: u32) -> String {
    match local(p, r, pc as usize) {
        // Hidden variables of loops are in parentheses in the source's debug information.
        Some(name)
            if !name.starts_with('_') || p.loc_vars.iter().any(|v| *v.name == *name.as_bytes()) =>
        {
            format!("'{name}'")
        }
        _ => "a value".to_string(),
    }
}

/// An operation as in the source.
pub(crate) fn operation(p: &Proto, pc: u32) -> String {
    use Op::*;
    let i = p.code[pc as usize];
    let name = |k: usize| match p.consts.get(k) {
        Some(Const::Str(s)) => tidy(s),
        _ => "?".to_string(),
    };
    let key = |r: usize| match local(p, r, pc as usize) {
        Some(n) => format!("[{n}]"),
        None => "[...]".to_string(),
    };
    let symbol = match facts::arithmetic(p, i).map_or(i.op(), |a| a.0) {
        Add => "+",
        Sub => "-",
        Mul => "*",
        Div => "/",
        Mod => "%",
        Pow => "^",
        IDiv => "//",
        BAnd => "&",
        BOr => "|",
        BXor | BNot => "~",
        Shl => "<<",
        Shr => ">>",
        Unm => "unary -",
        Len => "#",
        Concat => "..",
        JmpEq | JmpNe | JmpEqK | JmpNeK | JmpEqI | JmpNeI => "==",
        JmpLt | JmpNlt | JmpLtI | JmpNltI => "<",
        JmpLe | JmpNle | JmpLeI | JmpNleI => "<=",
        JmpGtI | JmpNgtI => ">",
        JmpGeI | JmpNgeI => ">=",
        GetTabUp => return format!("global {}", name(i.c())),
        SetTabUp => return format!("global {} =", name(i.b())),
        GetField => return format!(".{}", name(i.c())),
        SetField => return format!(".{} =", name(i.b())),
        SelfGet => return format!(":{}", name(i.c())),
        GetI => return format!("[{}]", i.c()),
        SetI => return format!("[{}] =", i.b()),
        GetTable => return key(i.c()),
        SetTable => return format!("{} =", key(i.b())),
        GetUpval => {
            return captured(
                p.upvals
                    .get(i.b())
                    .and_then(|u| u.name.as_deref())
                    .map(tidy),
            );
        }
        GetCell => return captured(local(p, i.b(), pc as usize)),
        Call | TailCall => "the call",
        ForPrep | ForLoop => "the numeric for",
        TForPrep | TForCall | TForLoop => "the generic for",
        VarArg => "...",
        Closure => "function",
        NewTable | SetList => "{}",
        Close | Tbc => "closing of variables",
        other => other.info().name,
    };
    symbol.to_string()
}

fn captured(name: Option<String>) -> String {
    match name {
        Some(name) => format!("the captured variable '{name}'"),
        None => "a captured variable".to_string(),
    }
}

/// How often, in words.
pub fn times(n: u64) -> String {
    match n {
        0 => "never".to_string(),
        1 => "once".to_string(),
        n => format!("{n} times"),
    }
}

/// What a check in a loop asks for, by the memory it looks at.
pub(crate) fn memory_checked(region: Region, width: Width) -> &'static str {
    match (region, width) {
        (Region::Array, Width::W32) => "whether the index is within the array",
        (Region::Array, _) => "the kind of the array's elements",
        (Region::Shape, Width::W32) => "the shape of the table",
        (Region::Shape, _) => "the metatable or hash part of the table",
        (Region::Element, _) => "the kind of the element",
        (Region::Entry, _) => "the key or the kind of an entry of the hash part",
        (Region::Slot, _) => "the kind of the field's value",
        (Region::Cell, _) => "the kind of the captured variable",
        (Region::Home, _) => "the kind of a value in memory",
        (Region::Header, _) => "the mark of the table (the collector's barrier)",
        (Region::Proto, _) => "which function is called",
        (Region::Cache | Region::Memo, _) => "the inline cache",
        _ => "a value in memory",
    }
}

/// What a load in a loop reads.
pub(crate) fn memory_loaded(region: Region) -> &'static str {
    match region {
        Region::Array => "the array's address, length or kind",
        Region::Shape => "the shape or the slots of the table",
        Region::Element => "the element",
        Region::Entry => "the entry of the hash part",
        Region::Slot => "the field",
        Region::Cell => "the captured variable",
        Region::Home => "a variable that is kept in memory",
        Region::Proto => "the captured variable's cell",
        Region::Cache => "the inline cache",
        _ => "a value in memory",
    }
}
