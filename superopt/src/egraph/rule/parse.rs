//! From tokens to rules. Operators bind as in C, but comparisons bind weaker than bitwise operators.

use super::syntax::{
    CoreOp, ExprId, ExprKind, Exprs, Place, RuleError, RuleErrorKind, Token, WidthExpr, tokens,
};
use super::{Computed, Equality, Name, Rule, WIDTHS, width};
use trinity_codegen::isa::{BinOp, CmpOp, FpOp, UnOp};

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

/// Infix operators by level, weakest first.
const LEVELS: &[&[&str]] = &[
    &[
        "==", "!=", "<u", "<s", ">u", ">s", "<=u", "<=s", ">=u", ">=s",
    ],
    &["|"],
    &["^"],
    &["&"],
    &["<<", ">>u", ">>s"],
    &["+", "-"],
    &["*", "/u", "/s", "%u", "%s"],
];

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

    fn expr(&mut self) -> Parsed<ExprId> {
        let c = self.infix(0)?;
        let place = self.place();
        if !self.eat("?") {
            return Ok(c);
        }
        let a = self.expr()?;
        self.expect(":")?;
        let b = self.expr()?;
        Ok(self.op(CoreOp::Ite, vec![c, a, b], place))
    }

    fn infix(&mut self, level: usize) -> Parsed<ExprId> {
        if level == LEVELS.len() {
            return self.unary();
        }
        let mut a = self.infix(level + 1)?;
        loop {
            let Token::Sign(sign) = *self.peek() else {
                return Ok(a);
            };
            if !LEVELS[level].contains(&sign) {
                return Ok(a);
            }
            let place = self.place();
            self.next();
            let b = self.infix(level + 1)?;
            a = self.infix_op(sign, a, b, place);
            if level == 0 {
                return Ok(a);
            }
        }
    }

    fn infix_op(&mut self, sign: &str, a: ExprId, b: ExprId, place: Place) -> ExprId {
        use BinOp::*;
        let bin = match sign {
            "|" => Or,
            "^" => Xor,
            "&" => And,
            "<<" => Shl,
            ">>u" => Lshr,
            ">>s" => Ashr,
            "+" => Add,
            "-" => Sub,
            "*" => Mul,
            "/u" => Udiv,
            "/s" => Sdiv,
            "%u" => Urem,
            "%s" => Srem,
            _ => return self.compare(sign, a, b, place),
        };
        self.op(CoreOp::Bin(bin), vec![a, b], place)
    }

    fn compare(&mut self, sign: &str, a: ExprId, b: ExprId, place: Place) -> ExprId {
        let op = match sign {
            "==" | "!=" => CmpOp::Eq,
            s if s.ends_with('u') => CmpOp::Ult,
            _ => CmpOp::Slt,
        };
        // a > b is b < a; a <= b is not b < a.
        let swapped = sign.starts_with('>') != sign.contains('=') && op != CmpOp::Eq;
        let args = if swapped { vec![b, a] } else { vec![a, b] };
        let c = self.op(CoreOp::Cmp(op), args, place);
        if sign == "!=" || (sign.contains('=') && sign != "==") {
            return self.op(CoreOp::Un(UnOp::Not), vec![c], place);
        }
        c
    }

    fn unary(&mut self) -> Parsed<ExprId> {
        let place = self.place();
        if self.eat("-") {
            if let Token::Double(bits) = *self.peek() {
                self.next();
                return Ok(self
                    .exprs
                    .add(ExprKind::Double(bits ^ 1 << 63), place, None));
            }
            let a = self.unary()?;
            return Ok(self.op(CoreOp::Un(UnOp::Neg), vec![a], place));
        }
        if self.eat("~") || self.eat("!") {
            let a = self.unary()?;
            return Ok(self.op(CoreOp::Un(UnOp::Not), vec![a], place));
        }
        self.primary()
    }

    fn primary(&mut self) -> Parsed<ExprId> {
        let (token, place) = self.next();
        match token {
            Token::Int(v) => Ok(self.exprs.add(ExprKind::Int(v), place, None)),
            Token::Double(b) => Ok(self.exprs.add(ExprKind::Double(b), place, None)),
            Token::Sign("(") => {
                let e = self.expr()?;
                self.expect(")")?;
                Ok(e)
            }
            Token::Sign("{") => {
                let e = self.expr()?;
                self.expect("}")?;
                Ok(self.exprs.add(ExprKind::Computed(e), place, None))
            }
            Token::Name(name) => {
                let mut brackets = Vec::new();
                if self.eat("[") {
                    loop {
                        brackets.push(self.width_sum()?);
                        if !self.eat(",") {
                            break;
                        }
                    }
                    self.expect("]")?;
                }
                if matches!(self.peek(), Token::Sign("(")) {
                    return self.call(name, brackets, place);
                }
                if brackets.len() > 1 {
                    return self.expected("'('");
                }
                match name.as_str() {
                    "w" => return Ok(self.exprs.add(ExprKind::Width(WidthExpr::W), place, None)),
                    "n" => {
                        self.narrow = true;
                        return Ok(self.exprs.add(ExprKind::Width(WidthExpr::N), place, None));
                    }
                    "smin" | "smax" => {
                        let one = self.exprs.add(ExprKind::Int(1), place, None);
                        let top = WidthExpr::Sub(WidthExpr::W.into(), WidthExpr::Bits(1).into());
                        let top = self.exprs.add(ExprKind::Width(top), place, None);
                        let min = self.op(CoreOp::Bin(BinOp::Shl), vec![one, top], place);
                        if name == "smin" {
                            return Ok(min);
                        }
                        return Ok(self.op(CoreOp::Un(UnOp::Not), vec![min], place));
                    }
                    _ => {}
                }
                let given = brackets.pop();
                let n = self.intern(name, place);
                Ok(self.exprs.add(ExprKind::Name(n), place, given))
            }
            _ => {
                self.at -= 1;
                self.expected("an expression")
            }
        }
    }

    fn width_sum(&mut self) -> Parsed<WidthExpr> {
        let mut a = self.width_product()?;
        loop {
            if self.eat("+") {
                a = WidthExpr::Add(a.into(), self.width_product()?.into());
            } else if self.eat("-") {
                a = WidthExpr::Sub(a.into(), self.width_product()?.into());
            } else {
                return Ok(a);
            }
        }
    }

    fn width_product(&mut self) -> Parsed<WidthExpr> {
        let mut a = self.width_atom()?;
        loop {
            if self.eat("*") {
                a = WidthExpr::Mul(a.into(), self.width_atom()?.into());
            } else if self.eat("/") {
                a = WidthExpr::Div(a.into(), self.width_atom()?.into());
            } else {
                return Ok(a);
            }
        }
    }

    fn width_atom(&mut self) -> Parsed<WidthExpr> {
        match self.next() {
            (Token::Int(v), _) if v <= 128 => Ok(WidthExpr::Bits(v as u32)),
            (Token::Name(n), _) if n == "w" => Ok(WidthExpr::W),
            (Token::Name(n), _) if n == "n" => {
                self.narrow = true;
                Ok(WidthExpr::N)
            }
            _ => {
                self.at -= 1;
                self.expected("a width: a number, 'w' or 'n'")
            }
        }
    }

    fn arguments(&mut self) -> Parsed<Vec<ExprId>> {
        self.expect("(")?;
        let mut args = vec![self.expr()?];
        while self.eat(",") {
            args.push(self.expr()?);
        }
        self.expect(")")?;
        Ok(args)
    }

    fn op(&mut self, op: CoreOp, args: Vec<ExprId>, place: Place) -> ExprId {
        self.exprs.add(ExprKind::Op(op, args), place, None)
    }

    fn call(&mut self, name: String, brackets: Vec<WidthExpr>, place: Place) -> Parsed<ExprId> {
        let args = self.arguments()?;
        let takes = |n: usize| -> Parsed<()> {
            if args.len() == n {
                return Ok(());
            }
            let (name, given) = (name.clone(), args.len());
            Err(self.fail(
                place,
                RuleErrorKind::Operands {
                    name,
                    takes: n,
                    given,
                },
            ))
        };
        let mut brackets = brackets.into_iter();
        let shape = match (name.as_str(), brackets.next(), brackets.next()) {
            ("zext", Some(w), None) => Some((CoreOp::Zext(w), 1)),
            ("sext", Some(w), None) => Some((CoreOp::Sext(w), 1)),
            ("trunc", Some(w), None) => Some((CoreOp::Extract(WidthExpr::Bits(0), w), 1)),
            ("extract", Some(lo), Some(w)) => Some((CoreOp::Extract(lo, w), 1)),
            (_, Some(_), _) => None,
            (other, ..) => plain_function(other),
        };
        if let Some((op, n)) = shape {
            takes(n)?;
            return Ok(self.op(op, args, place));
        }
        use BinOp::{Add, And, Shl};
        let int = |p: &mut Self, v| p.exprs.add(ExprKind::Int(v), place, None);
        let cmp = |p: &mut Self, op, a, b| p.op(CoreOp::Cmp(op), vec![a, b], place);
        let bin = |p: &mut Self, op, a, b| p.op(CoreOp::Bin(op), vec![a, b], place);
        let not = |p: &mut Self, a| p.op(CoreOp::Un(UnOp::Not), vec![a], place);
        match name.as_str() {
            "minu" | "maxu" | "mins" | "maxs" => {
                takes(2)?;
                let op = if name.ends_with('u') {
                    CmpOp::Ult
                } else {
                    CmpOp::Slt
                };
                let (a, b) = (args[0], args[1]);
                let c = if name.starts_with("min") {
                    cmp(self, op, a, b)
                } else {
                    cmp(self, op, b, a)
                };
                Ok(self.op(CoreOp::Ite, vec![c, a, b], place))
            }
            "abs" => {
                takes(1)?;
                let zero = int(self, 0);
                let c = cmp(self, CmpOp::Slt, args[0], zero);
                let neg = self.op(CoreOp::Un(UnOp::Neg), args.clone(), place);
                Ok(self.op(CoreOp::Ite, vec![c, neg, args[0]], place))
            }
            "known_zero" => {
                takes(2)?;
                let both = bin(self, And, args[0], args[1]);
                let zero = int(self, 0);
                Ok(cmp(self, CmpOp::Eq, both, zero))
            }
            "nonneg" => {
                takes(1)?;
                let zero = int(self, 0);
                let c = cmp(self, CmpOp::Slt, args[0], zero);
                Ok(not(self, c))
            }
            "pow2" => {
                takes(1)?;
                let zero = int(self, 0);
                let is_zero = cmp(self, CmpOp::Eq, args[0], zero);
                let minus = int(self, 1);
                let minus = bin(self, BinOp::Sub, args[0], minus);
                let both = bin(self, And, args[0], minus);
                let zero = int(self, 0);
                let single = cmp(self, CmpOp::Eq, both, zero);
                let some = not(self, is_zero);
                Ok(bin(self, And, some, single))
            }
            "odd" => {
                takes(1)?;
                let one = int(self, 1);
                let low = bin(self, And, args[0], one);
                let one = int(self, 1);
                Ok(cmp(self, CmpOp::Eq, low, one))
            }
            "ones" => {
                takes(1)?;
                let one = int(self, 1);
                let top = bin(self, Shl, one, args[0]);
                let one = int(self, 1);
                let minus = self.op(CoreOp::Un(UnOp::Neg), vec![one], place);
                Ok(bin(self, Add, top, minus))
            }
            // 0 <= M * D - 2^(w + S) <= 2^S, in twice the width (Granlund and Montgomery 1994, theorem 4.2).
            "valid_umagic" => {
                takes(3)?;
                let wide = |p: &mut Self, a| {
                    let double = WidthExpr::Mul(WidthExpr::Bits(2).into(), WidthExpr::W.into());
                    p.op(CoreOp::Zext(double), vec![a], place)
                };
                let (d, m, s) = (
                    wide(self, args[0]),
                    wide(self, args[1]),
                    wide(self, args[2]),
                );
                let product = bin(self, BinOp::Mul, m, d);
                let w = self.exprs.add(ExprKind::Width(WidthExpr::W), place, None);
                let exponent = bin(self, Add, s, w);
                let (one, one2) = (int(self, 1), int(self, 1));
                let power = bin(self, Shl, one, exponent);
                let slack = bin(self, Shl, one2, s);
                let excess = bin(self, BinOp::Sub, product, power);
                let above = cmp(self, CmpOp::Ult, slack, excess);
                let fits = not(self, above);
                let w = self.exprs.add(ExprKind::Width(WidthExpr::W), place, None);
                let small = cmp(self, CmpOp::Ult, args[2], w);
                Ok(bin(self, And, fits, small))
            }
            _ => Err(self.fail(place, RuleErrorKind::Function(name))),
        }
    }
}

/// Functions that are one operation.
fn plain_function(name: &str) -> Option<(CoreOp, usize)> {
    use BinOp::*;
    let bin = |op| Some((CoreOp::Bin(op), 2));
    let un = |op| Some((CoreOp::Un(op), 1));
    let fp = |op, n| Some((CoreOp::Fp(op), n));
    match name {
        "rotl" => bin(Rotl),
        "rotr" => bin(Rotr),
        "mulhu" => bin(MulHiU),
        "mulhs" => bin(MulHiS),
        "pext" => bin(Pext),
        "pdep" => bin(Pdep),
        "popcnt" => un(UnOp::Popcnt),
        "clz" => un(UnOp::Clz),
        "ctz" | "log2" => un(UnOp::Ctz),
        "bswap" => un(UnOp::Bswap),
        "concat" => Some((CoreOp::Concat, 2)),
        "fadd" => fp(FpOp::Add, 2),
        "fsub" => fp(FpOp::Sub, 2),
        "fmul" => fp(FpOp::Mul, 2),
        "fdiv" => fp(FpOp::Div, 2),
        "fmin" => fp(FpOp::Min, 2),
        "fmax" => fp(FpOp::Max, 2),
        "feq" => fp(FpOp::Eq, 2),
        "flt" => fp(FpOp::Lt, 2),
        "fle" => fp(FpOp::Le, 2),
        "funord" => fp(FpOp::Unord, 2),
        "fsqrt" => fp(FpOp::Sqrt, 1),
        "fround" => fp(FpOp::Round(0), 1),
        "ffloor" => fp(FpOp::Round(1), 1),
        "fceil" => fp(FpOp::Round(2), 1),
        "ftrunc" => fp(FpOp::Round(3), 1),
        "i2f" => fp(FpOp::FromInt(64), 1),
        "f2i" => fp(FpOp::ToIntTrunc(64), 1),
        "fma" => fp(FpOp::Fma, 3),
        _ => None,
    }
}
