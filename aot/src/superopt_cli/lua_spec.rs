//! A Lua function over integers, floats and truth values as a specification.
//!
//! The function becomes one term per result: both sides of an `if` are evaluated, and joined. Its meaning is Lua's:
//! integers wrap at 64 bits, shifts by 64 or more (or by negative counts) are defined, `//` and `%` round towards minus
//! infinity, and dividing an integer by zero is an error, which a compiled function has to raise as a fault.
//!
//! Parameters and result follow the C calling convention: integers in rdi, rsi, rdx, rcx, r8, r9 and rax, floats in xmm0
//! to xmm7 and xmm0, a truth value in al. A parameter is an integer unless a comment `---@param NAME number` above the
//! function makes it a float. Loops, calls, tables, strings and conversions of floats to integers are refused by name.

mod eval;

use eval::{Eval, Flow};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use trinity_codegen::isa::{Domain, Fault, TermId};
use trinity_frontend::ast::{Ast, ExprId, ExprKind, FuncId, Function, LocalId, Stmt};
use trinity_superopt::input::compare::Behaviour;
use trinity_superopt::input::{
    InputError, InputProblem, Place, PlaceSet, ProgramTerms, Setup, liveout,
};
use trinity_superopt::report::parts;
use trinity_superopt::store::sha256::sha256;

/// Nesting of expressions and blocks at most.
const MAX_DEPTH: u32 = 400;

/// What a parameter is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Type {
    Integer,
    Float,
}

/// A function of a Lua file.
pub struct LuaFunction {
    name: String,
    file: PathBuf,
    source: String,
    ast: Ast,
    func: FuncId,
    types: Vec<Type>,
    results: Vec<liveout::Result>,
}

/// A value on the way.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Val {
    Int(TermId),
    Float(TermId),
    Bool(TermId),
    /// `c and x`: the second where the bit holds, else false.
    Either(TermId, Scalar),
}

/// A number.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Scalar {
    Int(TermId),
    Float(TermId),
}

impl Scalar {
    fn val(self) -> Val {
        match self {
            Scalar::Int(t) => Val::Int(t),
            Scalar::Float(t) => Val::Float(t),
        }
    }
}

fn error(file: &Path, line: u32, what: &str, why: &str) -> InputError {
    InputError::new(
        file,
        Some(line),
        InputProblem::Specification(what.into(), why.into()),
    )
}

/// Top-level functions by name.
fn functions(ast: &Ast) -> Vec<(String, FuncId)> {
    let mut out = Vec::new();
    let name_of = |e: ExprId| match ast.exprs[e.0 as usize].kind {
        ExprKind::Global { name, .. }
        | ExprKind::Var { name, .. }
        | ExprKind::Field { name, .. } => Some(text(ast, name)),
        _ => None,
    };
    let func_of = |e: ExprId| match ast.exprs[e.0 as usize].kind {
        ExprKind::Function(f) => Some(f),
        _ => None,
    };
    let main = &ast.funcs[0];
    for s in &main.body.stmts {
        match s {
            Stmt::Function { target, func, .. } => out.extend(name_of(*target).zip(func_of(*func))),
            Stmt::LocalFunction { local, func, .. } => {
                let name = text(ast, main.locals[local.0 as usize].name);
                out.extend(func_of(*func).map(|f| (name, f)));
            }
            Stmt::Local {
                first,
                count: 1,
                values,
                ..
            } => {
                let name = text(ast, main.locals[first.0 as usize].name);
                let value = ast.items[values.range()]
                    .first()
                    .and_then(|i| func_of(i.expr));
                out.extend(value.map(|f| (name, f)));
            }
            Stmt::Assign { targets, values } if targets.len() == 1 => {
                let value = ast.items[values.range()]
                    .first()
                    .and_then(|i| func_of(i.expr));
                out.extend(name_of(targets[0]).zip(value));
            }
            Stmt::Return { values, .. } => {
                let value = ast.items[values.range()]
                    .first()
                    .and_then(|i| func_of(i.expr));
                out.extend(value.map(|f| ("return".to_owned(), f)));
            }
            _ => {}
        }
    }
    out
}

fn text(ast: &Ast, s: trinity_frontend::intern::Sym) -> String {
    String::from_utf8_lossy(ast.names.get(s)).into_owned()
}

impl LuaFunction {
    /// Reads a function of a file: the named one, or the only one.
    ///
    /// # Errors
    /// When the file cannot be read, is not Lua, has no such function, or the function is outside of the subset.
    pub fn read(file: &Path, name: Option<&str>) -> Result<LuaFunction, InputError> {
        let fail = |p| InputError::new(file, None, p);
        let bytes =
            std::fs::read(file).map_err(|e| fail(InputProblem::Read(crate::exit::reason(&e))))?;
        let chunk = format!("@{}", file.display());
        let ast = trinity_frontend::parse(&bytes, chunk.as_bytes()).map_err(|e| {
            let message = String::from_utf8_lossy(&e.message).into_owned();
            InputError::new(
                file,
                Some(e.line),
                InputProblem::Object(format!("syntax error: {message}")),
            )
        })?;
        let all = functions(&ast);
        let names = || all.iter().map(|f| f.0.clone()).collect::<Vec<_>>();
        let (name, func) = match name {
            Some(n) => all
                .iter()
                .find(|f| f.0 == n)
                .ok_or_else(|| fail(InputProblem::NoFunction(n.into(), names())))?,
            None if all.is_empty() => return Err(fail(InputProblem::NoFunctions)),
            None if all.len() > 1 => return Err(fail(InputProblem::ManyFunctions(names()))),
            None => &all[0],
        }
        .clone();
        let source = String::from_utf8_lossy(&bytes).into_owned();
        let f = &ast.funcs[func.0 as usize];
        let types = param_types(file, &source, &ast, f)?;
        let mut out = LuaFunction {
            name,
            file: file.into(),
            source,
            ast,
            func,
            types,
            results: Vec::new(),
        };
        // The type of the result decides where it is.
        let mut setup = Setup::new(1);
        let place = match out.evaluate(&mut setup)?.0 {
            Val::Int(_) => "rax",
            Val::Float(_) => "xmm0:64",
            Val::Bool(_) | Val::Either(..) => "al",
        };
        out.results = liveout::parse(place).unwrap_or_default();
        Ok(out)
    }

    fn f(&self) -> &Function {
        &self.ast.funcs[self.func.0 as usize]
    }

    /// The result and the faults.
    fn evaluate(&self, setup: &mut Setup) -> Result<(Val, Vec<Fault<TermId>>), InputError> {
        let initial = setup.initial.clone();
        let mut env = HashMap::new();
        let (mut ints, mut floats) = ([7, 6, 2, 1, 8, 9].into_iter(), 0..8usize);
        let f = self.f();
        for (n, t) in self.types.iter().enumerate() {
            let value = match t {
                Type::Integer => ints.next().map(|r| Val::Int(initial.gpr[r])),
                Type::Float => floats.next().map(|r| Val::Float(initial.vec[r][0])),
            };
            let value = value.ok_or_else(|| {
                error(
                    &self.file,
                    f.line,
                    "parameter",
                    "more parameters than registers",
                )
            })?;
            env.insert(LocalId(n as u32), value);
        }
        let d = &mut setup.pool;
        let yes = d.bit(true);
        let mut e = Eval {
            spec: self,
            d,
            faults: Vec::new(),
            depth: 0,
        };
        let mut flow = Flow {
            env,
            returned: Vec::new(),
            active: yes,
        };
        e.block(&f.body, &mut flow)?;
        if e.d.as_constant(&flow.active) != Some(0) {
            let line = f.last_line;
            return Err(error(
                &self.file,
                line,
                "function",
                "it can end without returning a value",
            ));
        }
        let mut returned = flow.returned.into_iter().rev();
        let Some((_, mut value, _)) = returned.next() else {
            return Err(error(&self.file, f.line, "function", "it returns nothing"));
        };
        for (when, other, line) in returned {
            value = e.join(when, other, value, line)?;
        }
        Ok((value, e.faults))
    }
}

fn param_types(
    file: &Path,
    source: &str,
    ast: &Ast,
    f: &Function,
) -> Result<Vec<Type>, InputError> {
    if f.vararg_line.is_some() {
        return Err(error(file, f.line, "...", "a variable number of arguments"));
    }
    let lines: Vec<&str> = source.lines().collect();
    let mut notes: HashMap<&str, Type> = HashMap::new();
    for l in lines[..(f.line.max(1) as usize - 1).min(lines.len())]
        .iter()
        .rev()
    {
        let Some(comment) = l.trim().strip_prefix("--") else {
            break;
        };
        let Some(note) = comment
            .trim_start_matches('-')
            .trim()
            .strip_prefix("@param")
        else {
            continue;
        };
        let mut words = note.split_whitespace();
        if let (Some(name), Some(kind)) = (words.next(), words.next()) {
            let t = match kind {
                "integer" => Type::Integer,
                "number" | "float" => Type::Float,
                _ => {
                    return Err(error(
                        file,
                        f.line,
                        &format!("parameter type {kind}"),
                        "only integer and number are covered",
                    ));
                }
            };
            notes.insert(name, t);
        }
    }
    let name = |n: u32| text(ast, f.locals[n as usize].name);
    Ok((0..f.num_params)
        .map(|n| {
            notes
                .get(name(n).as_str())
                .copied()
                .unwrap_or(Type::Integer)
        })
        .collect())
}

impl Behaviour for LuaFunction {
    fn name(&self) -> &str {
        &self.name
    }
    fn terms(&self, setup: &mut Setup) -> Result<ProgramTerms, InputError> {
        let (value, faults) = self.evaluate(setup)?;
        let mut exit = setup.initial.clone();
        let mut written = PlaceSet::EMPTY;
        let place = match value {
            Val::Float(t) => {
                exit.vec[0][0] = t;
                Place::Vec(0, 0)
            }
            Val::Int(t) => {
                exit.gpr[0] = t;
                Place::Gpr(0)
            }
            Val::Bool(t) | Val::Either(t, _) => {
                exit.gpr[0] = setup.pool.zext(&t, 64);
                Place::Gpr(0)
            }
        };
        written.insert(place);
        let within = setup.pool.bit(true);
        Ok(ProgramTerms {
            exit,
            faults,
            accesses: Vec::new(),
            access_at: Vec::new(),
            within,
            complete: true,
            written,
            conditional: None,
        })
    }
    fn results(&self) -> Option<Vec<liveout::Result>> {
        Some(self.results.clone())
    }
    fn listing(&self) -> parts::Program {
        let f = self.f();
        let lines: Vec<&str> = self.source.lines().collect();
        let (from, to) = (f.line.max(1), f.last_line.min(lines.len() as u32));
        let line = |n: u32| parts::Line {
            address: 0,
            bytes: String::new(),
            text: lines[n as usize - 1].to_owned(),
            source_line: Some(n),
        };
        parts::Program {
            name: self.name.clone(),
            origin: Some(self.file.display().to_string()),
            lines: (from..=to).map(line).collect(),
            sha256: sha256(self.source.as_bytes()).to_string(),
            cost: None,
        }
    }
}
