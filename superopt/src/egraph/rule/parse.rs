//! From tokens to rules: files, families, rules with their conditions, and what a rule must keep beyond its grammar.
//! Expressions are in `expression`, functions in `function`.

mod expression;
mod function;

use super::syntax::{ExprId, ExprKind, Exprs, Place, RuleError, RuleErrorKind, Token, tokens};
use super::{Computed, Equality, Name, Rule, WIDTHS, width};

/// Reads a rule file.
///
/// # Errors
/// At the first thing that makes no sense.
pub fn parse(file: &str, text: &str) -> Result<Vec<Rule>, RuleError> {
    let mut p = Parser {
        file,
        tokens: tokens(file, text)?,
        at: 0,
        names: Vec::new(),
        exprs: Exprs::default(),
        narrow: false,
    };
    let mut rules: Vec<Rule> = Vec::new();
    let mut family: Option<String> = None;
    loop {
        let (token, place) = p.next();
        match token {
            Token::End => return Ok(rules),
            Token::Name(n) if n == "family" => family = Some(p.name("a family's name")?.0),
            Token::Label(name) => {
                let Some(family) = family.clone() else {
                    return Err(p.fail(place, RuleErrorKind::NoFamily));
                };
                if rules.iter().any(|r| r.name == name) {
                    return Err(p.fail(place, RuleErrorKind::Twice(name)));
                }
                let first = p.at;
                let mut rule = p.rule(name, family, place)?;
                rule.text = source(text, p.tokens[first].1, p.tokens[p.at].1);
                rules.push(rule);
            }
            other => {
                let found = other.to_string();
                let what = "'family' or the name of a rule with a colon";
                return Err(p.fail(place, RuleErrorKind::Expected { what, found }));
            }
        }
    }
}

/// The text between two places, comments dropped, in one line.
fn source(text: &str, from: Place, to: Place) -> String {
    let mut out = String::new();
    for (n, line) in text.lines().enumerate() {
        let n = n as u32 + 1;
        if n < from.line || n > to.line {
            continue;
        }
        let code = line.split('#').next().unwrap_or("");
        let skip = if n == from.line {
            from.column as usize - 1
        } else {
            0
        };
        let end = if n == to.line {
            to.column as usize - 1
        } else {
            usize::MAX
        };
        let part: String = code.chars().take(end).skip(skip).collect();
        for word in part.split_whitespace() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
    }
    out
}

struct Parser<'a> {
    file: &'a str,
    tokens: Vec<(Token, Place)>,
    at: usize,
    names: Vec<Name>,
    exprs: Exprs,
    narrow: bool,
}

type Parsed<T> = Result<T, RuleError>;

impl Parser<'_> {
    fn fail(&self, place: Place, kind: RuleErrorKind) -> RuleError {
        RuleError {
            file: self.file.to_owned(),
            place,
            kind,
        }
    }
    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }
    fn place(&self) -> Place {
        self.tokens[self.at].1
    }
    fn next(&mut self) -> (Token, Place) {
        let t = self.tokens[self.at].clone();
        // The last token is the end, which stays.
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        t
    }
    fn eat(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(s) if *s == sign);
        if found {
            self.next();
        }
        found
    }
    fn expect(&mut self, sign: &'static str) -> Parsed<()> {
        if self.eat(sign) {
            return Ok(());
        }
        self.expected(sign)
    }
    fn expected<T>(&self, what: &'static str) -> Parsed<T> {
        let found = self.peek().to_string();
        Err(self.fail(self.place(), RuleErrorKind::Expected { what, found }))
    }
    fn name(&mut self, what: &'static str) -> Parsed<(String, Place)> {
        match self.next() {
            (Token::Name(n), place) => Ok((n, place)),
            _ => {
                self.at -= 1;
                self.expected(what)
            }
        }
    }
    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Name(n) if n == word);
        if found {
            self.next();
        }
        found
    }

    fn rule(&mut self, name: String, family: String, place: Place) -> Parsed<Rule> {
        self.names.clear();
        self.exprs = Exprs::default();
        self.narrow = false;
        let lhs = self.expr()?;
        let both_ways = self.eat("<=>");
        if !both_ways {
            self.expect("=>")?;
        }
        let bound = self.names.len();
        let rhs = self.expr()?;
        let (mut conditions, mut at, mut equality) = (Vec::new(), None, Equality::Exact);
        let mut with = false;
        loop {
            if self.word("if") {
                loop {
                    self.condition(&mut conditions)?;
                    if !self.eat("&&") {
                        break;
                    }
                }
            } else if self.word("with") {
                with = true;
                loop {
                    self.computed()?;
                    if !self.eat(",") {
                        break;
                    }
                }
            } else if self.word("at") {
                at = Some(self.widths()?);
            } else if self.word("nan") {
                equality = Equality::NanClass;
            } else {
                break;
            }
        }
        if !matches!(self.peek(), Token::Label(_) | Token::End)
            && !matches!(self.peek(), Token::Name(n) if n == "family")
        {
            return self.expected("'if', 'with', 'at', 'nan' or the next rule");
        }
        let mut rule = Rule {
            name,
            family,
            file: self.file.to_owned(),
            place,
            text: String::new(),
            names: std::mem::take(&mut self.names),
            exprs: std::mem::take(&mut self.exprs),
            lhs,
            rhs,
            both_ways,
            conditions,
            at: Vec::new(),
            narrow: self.narrow,
            equality,
        };
        rule.at = at.unwrap_or_else(|| {
            if rule.is_float() {
                vec![64]
            } else {
                WIDTHS.to_vec()
            }
        });
        self.check(&rule, bound, with)?;
        Ok(rule)
    }

    /// What a rule must keep beyond its grammar.
    fn check(&self, rule: &Rule, bound: usize, with: bool) -> Parsed<()> {
        if let Some(n) = rule.names[bound..].iter().find(|n| n.computed.is_none()) {
            return Err(self.fail(n.place, RuleErrorKind::Unbound(n.text.clone())));
        }
        let x = &rule.exprs;
        for side in [rule.lhs, rule.rhs] {
            if !matches!(x.kind(side), ExprKind::Op(..)) && (side == rule.lhs || rule.both_ways) {
                return Err(self.fail(rule.place, RuleErrorKind::MatchesAll));
            }
        }
        let mut computes = false;
        let mut used = vec![false; rule.names.len()];
        x.walk(rule.rhs, &mut |e| match x.kind(e) {
            ExprKind::Computed(_) => computes = true,
            ExprKind::Name(n) => used[*n as usize] = true,
            _ => {}
        });
        if rule.both_ways {
            if computes || with {
                return Err(self.fail(rule.place, RuleErrorKind::OneWay));
            }
            if let Some(n) = (0..bound).find(|n| !used[*n]) {
                let n = &rule.names[n];
                return Err(self.fail(n.place, RuleErrorKind::Unbound(n.text.clone())));
            }
        }
        let mut bad = None;
        for e in (0..x.len() as u32).map(ExprId) {
            let inner: Vec<ExprId> = match x.kind(e) {
                ExprKind::Computed(a) => vec![*a],
                ExprKind::Name(n) => match &rule.names[*n as usize].computed {
                    Some((_, args)) => args.clone(),
                    None => continue,
                },
                _ => continue,
            };
            for a in inner {
                x.walk(a, &mut |e| {
                    if let ExprKind::Name(n) = x.kind(e)
                        && !rule.names[*n as usize].constant
                    {
                        bad = Some((x.place(e), rule.names[*n as usize].text.clone()));
                    }
                });
            }
        }
        if let Some((place, name)) = bad {
            return Err(self.fail(place, RuleErrorKind::NotConstant(name)));
        }
        // At some width everything must fit together; the error of the widest one is the one to show.
        match rule.instances(&[]).is_empty() {
            false if rule.narrow => Ok(()),
            false => rule
                .instances(&[])
                .into_iter()
                .try_for_each(|at| width::infer(rule, at).map(drop)),
            true => {
                let (Some(&w), n) = (rule.at.last(), u32::from(rule.narrow) * 8) else {
                    return Err(self.fail(rule.place, RuleErrorKind::NoWidth));
                };
                width::infer(rule, super::Widths { w, n })?;
                Err(self.fail(rule.place, RuleErrorKind::NoWidth))
            }
        }
    }

    fn condition(&mut self, out: &mut Vec<ExprId>) -> Parsed<()> {
        // `const(K)` says what the capital letter says already.
        if matches!(self.peek(), Token::Name(n) if n == "const") {
            self.next();
            self.expect("(")?;
            let (name, place) = self.name("a constant's name")?;
            if !name.starts_with(|c: char| c.is_ascii_uppercase()) {
                return Err(self.fail(place, RuleErrorKind::NotConstant(name)));
            }
            return self.expect(")");
        }
        let e = self.expr()?;
        out.push(e);
        Ok(())
    }

    fn computed(&mut self) -> Parsed<()> {
        let (name, place) = self.name("a constant's name")?;
        if !name.starts_with(|c: char| c.is_ascii_uppercase()) {
            return Err(self.fail(place, RuleErrorKind::NotConstant(name)));
        }
        self.expect("=")?;
        let (function, at) = self.name("a function")?;
        let Some(how) = Computed::from_name(&function) else {
            return Err(self.fail(at, RuleErrorKind::Function(function)));
        };
        let args = self.arguments()?;
        if args.len() != how.operands() {
            let (takes, given) = (how.operands(), args.len());
            let name = function;
            return Err(self.fail(at, RuleErrorKind::Operands { name, takes, given }));
        }
        let n = self.intern(name.clone(), place) as usize;
        if self.names[n].computed.is_some() {
            return Err(self.fail(place, RuleErrorKind::Twice(name)));
        }
        self.names[n].computed = Some((how, args));
        Ok(())
    }

    fn widths(&mut self) -> Parsed<Vec<u32>> {
        let mut out = Vec::new();
        loop {
            match self.next() {
                (Token::Int(v), _) if WIDTHS.iter().any(|w| u128::from(*w) == v) => {
                    out.push(v as u32)
                }
                _ => {
                    self.at -= 1;
                    return self.expected("a width: 8, 16, 32 or 64");
                }
            }
            if !self.eat(",") {
                return Ok(out);
            }
        }
    }

    fn intern(&mut self, text: String, place: Place) -> u32 {
        if let Some(n) = self.names.iter().position(|n| n.text == text) {
            return n as u32;
        }
        let constant = text.starts_with(|c: char| c.is_ascii_uppercase());
        self.names.push(Name {
            text,
            constant,
            place,
            computed: None,
        });
        self.names.len() as u32 - 1
    }
}
