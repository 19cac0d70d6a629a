//! Captured variables that the program's text assigns once: their cells are memory that does not change, for who relies on it
//! (`flag::ASSUMES_UPVALUES`; docs/abi.md section 6, "Assumptions").
//!
//! Variables are told apart by the function that declares them and the register they have there; variables that have one register by turns are
//! one here. Functions run only behind the instruction that makes their closure, so what is assigned before that is constant to them. Of those
//! that begin as closures (`local function f`, `local f = function`) it is known which function they are.

use std::collections::HashMap;
use trinity_frontend::bytecode::{Instr, Op, Proto, UpvalDesc};

/// How often a variable gets a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Assigned {
    /// Before any function that captures it can run.
    Once,
    /// It is nil at first and gets one value later.
    Late,
    /// More often, or nobody knows.
    Often,
}

/// A variable: the function that declares it and its register; or an upvalue of the main function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Variable {
    /// Of a function of the module.
    Local(usize, usize),
    /// Of whoever loads the module.
    Outer(usize),
}

impl Variable {
    /// The module's code does not declare it.
    pub fn is_outer(self) -> bool {
        matches!(self, Variable::Outer(_))
    }
}

/// The captured variables of a module.
#[derive(Debug, Default)]
pub struct Captured {
    upvalues: Vec<Vec<Variable>>,
    /// By function: numbers of those directly inside.
    children: Vec<Vec<u32>>,
    /// Functions by number, each with the register of its parent that holds the cell of the variable that it is the first value of (`local function`).
    named: HashMap<usize, Variable>,
    assigned: HashMap<Variable, Assigned>,
    /// The function that a variable is from its beginning.
    functions: HashMap<Variable, u32>,
}

impl Captured {
    /// Reads the functions of a module, in preorder.
    pub fn new(protos: &[&Proto]) -> Captured {
        let mut c = Captured::default();
        if let Some(main) = protos.first() {
            let outer = (0..main.upvals.len()).map(Variable::Outer).collect();
            c.name(main, outer);
        }
        for (f, p) in protos.iter().enumerate() {
            for (pc, i) in p.code.iter().enumerate() {
                let (v, how) = match i.op() {
                    Op::SetUpval => (c.upvalues[f][i.b()], Assigned::Often),
                    Op::SetCell => (Variable::Local(f, i.a()), of_store(p, pc)),
                    _ => continue,
                };
                let all = c.assigned.entry(v).or_insert(Assigned::Once);
                *all = match (*all, how) {
                    // Two late values are two.
                    (Assigned::Late, Assigned::Late) => Assigned::Often,
                    (a, b) => a.max(b),
                };
            }
        }
        for (f, p) in protos.iter().enumerate() {
            for (r, child) in closures(p) {
                c.functions
                    .insert(Variable::Local(f, r), c.children[f][child]);
            }
        }
        c
    }
    /// Names the upvalues of a function and of those inside, in preorder.
    fn name(&mut self, p: &Proto, upvalues: Vec<Variable>) {
        let f = self.upvalues.len();
        self.upvalues.push(upvalues);
        self.children.push(Vec::new());
        for (n, child) in p.protos.iter().enumerate() {
            let number = self.upvalues.len();
            self.children[f].push(number as u32);
            if let Some(r) = local_function(p, n) {
                self.named.insert(number, Variable::Local(f, r));
            }
            let inner = child.upvals.iter().map(|u| match u.in_stack {
                true => Variable::Local(f, u.index as usize),
                false => self.upvalues[f][u.index as usize],
            });
            let inner = inner.collect();
            self.name(child, inner);
        }
    }
    fn of(&self, v: Variable) -> Assigned {
        self.assigned.get(&v).copied().unwrap_or(Assigned::Once)
    }
    fn function_of(&self, v: Variable) -> Option<u32> {
        let function = self.functions.get(&v).copied();
        function.filter(|_| self.of(v) == Assigned::Once)
    }
    /// The variable that upvalue `i` of function `f` is.
    pub fn upvalue_variable(&self, f: usize, i: usize) -> Variable {
        self.upvalues[f][i]
    }
    /// The variable whose cell is in register `r` of function `f`.
    pub fn local_variable(&self, f: usize, r: usize) -> Variable {
        Variable::Local(f, r)
    }
    /// The function that upvalue `i` of function `f` is, if the text says so.
    pub fn upvalue_function(&self, f: usize, i: usize) -> Option<u32> {
        self.function_of(self.upvalues[f][i])
    }
    /// The same of the variable whose cell is in register `r` of function `f`.
    pub fn local_function(&self, f: usize, r: usize) -> Option<u32> {
        self.function_of(Variable::Local(f, r))
    }
    /// The number of the `n`-th function inside function `f`.
    pub fn child(&self, f: usize, n: usize) -> u32 {
        self.children[f][n]
    }
    /// Upvalue `i` of function `f`.
    pub fn upvalue(&self, f: usize, i: usize) -> Assigned {
        self.of(self.upvalues[f][i])
    }
    /// Upvalue `i` of function `f` is the variable that `local function` declares for `f` itself, and it has no other value: the running closure.
    pub fn is_itself(&self, f: usize, i: usize) -> bool {
        let v = self.upvalues[f][i];
        self.named.get(&f) == Some(&v) && self.of(v) == Assigned::Once
    }
    /// The variable whose cell is in register `r` of function `f`.
    pub fn local(&self, f: usize, r: usize) -> Assigned {
        self.of(Variable::Local(f, r))
    }
}

/// The register of the variable that `local function` declares for the `n`-th function inside `p`. Its cell is made right before the closure, for it alone.
fn local_function(p: &Proto, n: usize) -> Option<usize> {
    let pc = (1..p.code.len()).find(|&pc| {
        let i = p.code[pc];
        i.op() == Op::Closure && i.dd() as usize == n
    })?;
    let (before, closure, after) = (p.code[pc - 1], p.code[pc], p.code.get(pc + 1)?);
    let r = before.a();
    let declares = before.op() == Op::NewCell
        && after.op() == Op::SetCell
        && after.a() == r
        && after.c() == closure.a();
    let captures = |u: &UpvalDesc| u.in_stack && u.index as usize == r;
    (declares && p.protos[n].upvals.iter().any(captures)).then_some(r)
}

/// What the SETCELL at `pc` makes of its variable.
fn of_store(p: &Proto, pc: usize) -> Assigned {
    let r = p.code[pc].a();
    let is_cell = |i: &Instr| i.op() == Op::NewCell && i.a() == r;
    // `local function`: the closure does not run in between.
    if pc >= 2 && p.code[pc - 1].op() == Op::Closure && is_cell(&p.code[pc - 2]) {
        return Assigned::Once;
    }
    let mut cells = (0..p.code.len()).filter(|&k| is_cell(&p.code[k]));
    let (Some(made), None) = (cells.next(), cells.next()) else {
        return Assigned::Often;
    };
    // It must be nil before, and the store must not be repeated for one cell.
    let before = p.code[..made].iter().rev();
    let value = before.clone().find(|i| i.op() != Op::NewCell);
    let nil = value.is_some_and(|i| i.op() == Op::LoadNil && (i.a()..=i.a() + i.b()).contains(&r));
    let repeated = p
        .code
        .iter()
        .enumerate()
        .skip(pc)
        .any(|(k, i)| back_to(k, i).is_some_and(|target| (made + 1..=pc).contains(&target)));
    match made < pc && nil && !repeated {
        true => Assigned::Late,
        false => Assigned::Often,
    }
}

/// Captured variables of a function that are closures from their beginning, and the numbers of these among its children: a register that is made a
/// cell in one place only, right behind the closure in it, or right before a closure is made that becomes its value.
fn closures(p: &Proto) -> Vec<(usize, usize)> {
    let cells = |r: usize| {
        let made = |i: &&Instr| i.op() == Op::NewCell && i.a() == r;
        p.code.iter().filter(made).count()
    };
    let closure = |pc: usize| p.code.get(pc).filter(|i| i.op() == Op::Closure);
    let mut found = Vec::new();
    for (pc, i) in p.code.iter().enumerate() {
        if i.op() != Op::NewCell || cells(i.a()) != 1 {
            continue;
        }
        let r = i.a();
        let before = pc.checked_sub(1).and_then(closure);
        let stored = |c: &&Instr| {
            let store = p.code.get(pc + 2);
            store.is_some_and(|s| s.op() == Op::SetCell && s.a() == r && s.c() == c.a())
        };
        if let Some(c) = before.filter(|c| c.a() == r && !is_target(p, pc)) {
            found.push((r, c.dd() as usize));
        } else if let Some(c) = closure(pc + 1).filter(stored)
            && !is_target(p, pc + 1)
            && !is_target(p, pc + 2)
        {
            found.push((r, c.dd() as usize));
        }
    }
    found
}

/// Where a jump leads to.
fn target(pc: usize, i: &Instr) -> Option<usize> {
    let to = pc as i64 + 1 + i64::from(i.sd());
    i.op().is_jump().then_some(to.max(0) as usize)
}

/// Whether an instruction is reached from elsewhere than the one before it.
fn is_target(p: &Proto, at: usize) -> bool {
    let mut code = p.code.iter().enumerate();
    code.any(|(pc, i)| target(pc, i) == Some(at))
}

/// Where an instruction jumps to, if that is backwards.
fn back_to(pc: usize, i: &Instr) -> Option<usize> {
    target(pc, i).filter(|&to| to <= pc)
}
