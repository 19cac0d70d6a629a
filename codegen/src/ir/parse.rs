//! Reading the text form that [`print`](super::print) writes.
//!
//! Value and block numbers are kept as written: values must be numbered without gaps and the results of one
//! instruction consecutively; blocks must come in order.

use super::function::{Function, InstNode, ValueData, ValueDef};
use super::inst::Opnd;
use super::parse_inst::result_types;
use super::types::{InstId, PReg, SrcLoc, SymbolRef, Type, Value};
use std::fmt;

/// What is wrong with a text, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseError {
    /// Line, from 1.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ParseError {}

pub(super) type Res<T> = Result<T, String>;

/// Reads all functions of a text.
pub fn parse(text: &str) -> Result<Vec<Function>, ParseError> {
    let mut p = Parser {
        lines: text.lines().collect(),
        line: 0,
        rest: "",
    };
    let mut funcs = Vec::new();
    loop {
        let step = p.next_line().and_then(|more| {
            if more {
                p.function().map(Some)
            } else {
                Ok(None)
            }
        });
        match step {
            Ok(Some(func)) => funcs.push(func),
            Ok(None) => return Ok(funcs),
            Err(message) => {
                return Err(ParseError {
                    line: p.line as u32,
                    message,
                });
            }
        }
    }
}

pub(super) struct Parser<'a> {
    lines: Vec<&'a str>,
    /// The current line's number, from 1.
    line: usize,
    /// What is left of the current line.
    pub(super) rest: &'a str,
}

/// A function being read: values by the numbers in the text.
#[derive(Default)]
struct Partial {
    func: Function,
    values: Vec<Option<ValueData>>,
    loc: SrcLoc,
}

impl Partial {
    fn define(&mut self, v: Value, data: ValueData) -> Res<()> {
        if v.0 > 1 << 24 {
            return Err(format!("{v}: number too large"));
        }
        if self.values.len() <= v.index() {
            self.values.resize(v.index() + 1, None);
        }
        match self.values[v.index()].replace(data) {
            None => Ok(()),
            Some(_) => Err(format!("{v} is defined twice")),
        }
    }
}

impl<'a> Parser<'a> {
    /// Goes to the next line that is not empty. False at the end of the text.
    fn next_line(&mut self) -> Res<bool> {
        if !self.rest.is_empty() {
            return Err(format!("unexpected `{}`", self.rest));
        }
        while let Some(line) = self.lines.get(self.line) {
            self.line += 1;
            // A name in quotes may hold a semicolon; only headers have one.
            let line = if line.trim_start().starts_with("function") {
                line
            } else {
                line.split(';').next().unwrap_or("")
            };
            self.rest = line.trim();
            if !self.rest.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn eat(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    pub(super) fn expect(&mut self, token: &str) -> Res<()> {
        if self.eat(token) {
            Ok(())
        } else {
            Err(format!("expected `{token}` before `{}`", self.rest))
        }
    }

    /// Letters and digits.
    pub(super) fn word(&mut self) -> &'a str {
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }

    /// A word with a text form.
    pub(super) fn name<T>(&mut self, from: fn(&str) -> Option<T>, what: &str) -> Res<T> {
        let word = self.word();
        from(word).ok_or_else(|| format!("`{word}` is no {what}"))
    }

    pub(super) fn number<T: TryFrom<i64>>(&mut self) -> Res<T> {
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let n = match text.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok().map(|n| n as i64),
            None => text.parse().ok(),
        };
        self.rest = rest.trim_start();
        n.and_then(|n| T::try_from(n).ok())
            .ok_or_else(|| format!("`{text}` is no number that fits"))
    }

    pub(super) fn indexed(&mut self, prefix: &str) -> Res<u32> {
        self.expect(prefix)?;
        self.number()
    }

    pub(super) fn value(&mut self) -> Res<Value> {
        self.indexed("v").map(Value)
    }

    pub(super) fn symbol(&mut self) -> Res<SymbolRef> {
        self.indexed("@").map(SymbolRef)
    }

    pub(super) fn opnd(&mut self) -> Res<Opnd> {
        if self.rest.starts_with('v') {
            Ok(self.value()?.into())
        } else {
            Ok(Opnd::Imm(self.number()?))
        }
    }

    pub(super) fn preg(&mut self) -> Res<PReg> {
        self.name(PReg::from_name, "register")
    }

    /// The current line is the header.
    fn function(&mut self) -> Res<Function> {
        let mut p = Partial::default();
        self.expect("function")?;
        self.expect("\"")?;
        let end = self.rest.rfind("\"(").ok_or("expected a name in quotes")?;
        p.func.name = self.rest[..end].to_string();
        self.rest = &self.rest[end + 1..];
        self.expect("(")?;
        let params = self.list(")", Self::fixed)?;
        self.expect("{")?;
        let mut header = Some(params);
        loop {
            if !self.next_line()? {
                return Err("the text ends inside a function".into());
            }
            if self.eat("}") {
                break;
            }
            self.line_of(&mut p, &mut header)?;
        }
        let values = std::mem::take(&mut p.values);
        for (n, v) in values.into_iter().enumerate() {
            p.func
                .values
                .push(v.ok_or_else(|| format!("v{n} is not defined"))?);
        }
        if p.func.blocks.is_empty() {
            return Err("a function has at least one block".into());
        }
        Ok(p.func)
    }

    fn line_of(&mut self, p: &mut Partial, header: &mut Option<Vec<(Value, PReg)>>) -> Res<()> {
        let first = self.rest.as_bytes()[0];
        let digit = self.rest[1..].starts_with(|c: char| c.is_ascii_digit());
        if first == b'!' {
            p.loc = SrcLoc(self.indexed("!")?);
            return Ok(());
        }
        if self.rest.starts_with("ss") {
            let n = self.indexed("ss")? as usize;
            self.expect("=")?;
            self.expect("stack")?;
            if n != p.func.stack_slots.len() {
                return Err("stack slots must come in order".into());
            }
            p.func.stack_slots.push(self.number()?);
            return Ok(());
        }
        if first == b'b' && digit {
            return self.block(p, header);
        }
        let mut results = Vec::new();
        if first == b'v' && digit {
            results = self.list("=", Self::value)?;
        }
        let Some(block) = p.func.blocks.len().checked_sub(1) else {
            return Err("instruction before the first block".into());
        };
        let op = self.word();
        if results.is_empty()
            && let Some(term) = self.term(op)?
        {
            p.func.blocks[block].term = Some(term);
            p.func.blocks[block].term_loc = p.loc;
            return Ok(());
        }
        let inst = self.inst(op)?;
        let id = InstId(p.func.insts.len() as u32);
        let tys = result_types(&inst);
        if tys.len() != results.len() {
            return Err(format!("{} results, expected {}", results.len(), tys.len()));
        }
        for (n, (&v, &ty)) in results.iter().zip(&tys).enumerate() {
            if v.0 != results[0].0 + n as u32 {
                return Err("results must be numbered consecutively".into());
            }
            p.define(
                v,
                ValueData {
                    ty,
                    def: ValueDef::Inst(id, n as u16),
                },
            )?;
        }
        let first_result = results.first().copied().unwrap_or_default();
        let num_results = results.len() as u16;
        p.func.insts.push(InstNode {
            inst,
            first_result,
            num_results,
            loc: p.loc,
        });
        p.func.blocks[block].insts.push(id);
        Ok(())
    }

    fn block(&mut self, p: &mut Partial, header: &mut Option<Vec<(Value, PReg)>>) -> Res<()> {
        let n = self.indexed("b")?;
        if n as usize != p.func.blocks.len() {
            return Err("blocks must come in order".into());
        }
        let block = p.func.add_block();
        let mut params: Vec<(Value, Type)> = Vec::new();
        if let Some(list) = header.take() {
            params.extend(list.iter().map(|&(v, r)| (v, r.ty())));
            p.func.param_regs = list.iter().map(|&(_, r)| r).collect();
        } else if self.eat("(") {
            params = self.list(")", |p| {
                let v = p.value()?;
                p.expect(":")?;
                Ok((v, p.name(Type::from_name, "type")?))
            })?;
        }
        for (n, (v, ty)) in params.into_iter().enumerate() {
            p.define(
                v,
                ValueData {
                    ty,
                    def: ValueDef::Param(block, n as u16),
                },
            )?;
            p.func.blocks[block.index()].params.push(v);
        }
        p.func.blocks[block.index()].cold = self.eat("cold");
        p.func.blocks[block.index()].often = self.eat("often");
        self.expect(":")
    }
}
