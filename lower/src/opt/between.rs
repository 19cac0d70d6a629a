//! Types between functions, by the program's text: what parameters, results of calls and captured variables are, where no profile tells.
//!
//! All functions of a module are analysed together, to a fixpoint: tags flow from the arguments of calls to parameters, from returns to the results of
//! calls, and from assignments to captured variables. It begins with the main chunk and knows of a function only the calls that were reached so far, so that
//! a recursive function's own calls do not blur what the others say. A function whose closure is used for anything but calls
//! (stored, passed, returned, compared) may be called with anything; so may all that are made where nobody looks (too large for the typed lowering).
//!
//! What comes out is no proof: `debug` changes variables and arguments, and a program may replace `math.floor`. So it is used like a profile
//! ([`super::spec`]): entries check their arguments, calls their results, and what is otherwise goes to the interpreter.

use super::captured::{Captured, Variable};
use super::facts::{self, VALUE};
use super::graph::{Graph, Kind, NodeId};
use super::module::Signature;
use super::names::{self, Known};
use super::spec::Spec;
use super::tags::Tags;
use super::versions::{CallSeen, Version};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use trinity_abi::intrinsic::Intrinsic;
use trinity_abi::tag;
use trinity_frontend::bytecode::effects::{effects, open_results};
use trinity_frontend::bytecode::instr::RK_CONST;
use trinity_frontend::bytecode::{Const, Instr, Liveness, Op, Proto};

/// How often a function is analysed before it is given up: each time, what reaches it has become more.
const MOST_ROUNDS: u32 = 24;

/// Calls within one another that are followed at once; what they reach waits.
const MOST_CALLS: usize = 50;

/// What the text says of a function.
#[derive(Clone, Debug, Default)]
pub struct Between {
    /// Tags of its parameters.
    pub params: Vec<Tags>,
    /// Tags of the results of instructions, by position.
    pub results: HashMap<u32, Tags>,
    /// Functions of the module that calls reach.
    pub callees: HashMap<u32, u32>,
    /// Library functions that calls reach, if nobody replaced them.
    pub natives: HashMap<u32, Intrinsic>,
}

/// What comes out of an analysis.
pub struct Found {
    /// What the text says of each function, then of each version.
    pub functions: Vec<Option<Between>>,
    /// Calls of known functions.
    pub calls: Vec<CallSeen>,
}

/// Analyses a module's functions, in preorder, and `versions` of them. `typed`: those that may be looked at.
pub fn infer(
    protos: &[&Proto],
    captured: &Captured,
    typed: &[bool],
    versions: &[Version],
) -> Found {
    if !typed.iter().all(|&t| t) {
        return Found {
            functions: vec![None; protos.len() + versions.len()],
            calls: Vec::new(),
        };
    }
    let main = 0..protos.len();
    let of: Vec<usize> = main.chain(versions.iter().map(|v| v.of as usize)).collect();
    let mut a = Analysis {
        functions: of.iter().map(|&f| Function::new(protos[f])).collect(),
        protos: of.iter().map(|&f| protos[f]).collect(),
        of,
        versions,
        captured,
        variables: HashMap::new(),
        calls: BTreeMap::new(),
        pending: BTreeSet::from([0]),
    };
    a.escape(0);
    // Others than the calls that are followed here may enter a version, by the generic entry: with its kinds.
    for (f, v) in (protos.len()..).zip(versions) {
        let params = v.signature.params.iter().map(|p| p.tags().unwrap_or(VALUE));
        a.functions[f].found.params = params.collect();
        a.pending.insert(f);
    }
    // Callees in front of callers.
    while let Some(f) = a.pending.pop_last() {
        a.run(f, 0);
    }
    let given_up = |f: &Function| f.rounds == 0 || f.rounds > MOST_ROUNDS;
    let out = |f: Function| (!given_up(&f)).then_some(f.found);
    Found {
        functions: a.functions.into_iter().map(out).collect(),
        calls: a.calls.into_values().collect(),
    }
}

/// A value whose use is followed.
pub(super) type What = Option<Known>;

/// Registers at one point.
#[derive(Clone)]
struct State {
    tags: facts::State,
    what: Box<[What]>,
}

/// A function while it is analysed.
struct Function {
    live: Liveness,
    graph: Graph,
    found: Between,
    /// Tags of the first result; none: no return was reached.
    result: Tags,
    /// Others than known calls may call it.
    escaped: bool,
    rounds: u32,
    /// Functions that call it.
    callers: BTreeSet<usize>,
}

impl Function {
    fn new(p: &Proto) -> Function {
        let live = Liveness::new(p);
        Function {
            graph: Graph::new(p, &live, &|_| false),
            live,
            found: Between {
                params: vec![Tags::NONE; p.num_params as usize],
                ..Between::default()
            },
            result: Tags::NONE,
            escaped: false,
            rounds: 0,
            callers: BTreeSet::new(),
        }
    }
}

/// What is assigned to a captured variable, and who reads it.
#[derive(Default)]
struct Cell {
    tags: Tags,
    /// What it holds, if always the same.
    what: What,
    stores: BTreeSet<(usize, u32)>,
    readers: BTreeSet<usize>,
}

struct Analysis<'a> {
    /// Of functions, then of versions.
    protos: Vec<&'a Proto>,
    /// Which function each is.
    of: Vec<usize>,
    versions: &'a [Version],
    captured: &'a Captured,
    functions: Vec<Function>,
    /// Calls by function and position, as they were last seen.
    calls: BTreeMap<(usize, u32), CallSeen>,
    variables: HashMap<Variable, Cell>,
    pending: BTreeSet<usize>,
}

impl Analysis<'_> {
    /// Anybody may call a function, with anything.
    fn escape(&mut self, f: usize) {
        let function = &mut self.functions[f];
        if !function.escaped {
            function.escaped = true;
            function.found.params.fill(VALUE);
            self.pending.insert(f);
        }
    }
    fn escape_value(&mut self, what: What) {
        if let Some(Known::Function(f)) = what {
            self.escape(f as usize);
        }
    }

    /// Analyses a function with what is known by now.
    fn run(&mut self, f: usize, depth: usize) {
        self.pending.remove(&f);
        let p = self.protos[f];
        self.functions[f].rounds += 1;
        if self.functions[f].rounds > MOST_ROUNDS {
            return self.give_up(f);
        }
        let n = p.max_stack as usize;
        let mut tags: facts::State = vec![VALUE; n].into();
        tags[..p.num_params as usize].copy_from_slice(&self.functions[f].found.params);
        let what = vec![None; n].into();
        let nodes = self.functions[f].graph.nodes.len();
        let mut at: Vec<Option<State>> = vec![None; nodes];
        at[0] = Some(State { tags, what });
        let found = &mut self.functions[f].found;
        found.results.clear();
        found.callees.clear();
        found.natives.clear();
        let mut pending = BTreeSet::from([0usize]);
        while let Some(k) = pending.pop_first() {
            let node = self.functions[f].graph.rpo[k];
            let Some(state) = at[node.index()].clone() else {
                continue;
            };
            for (to, out) in self.outs(f, node, state, depth) {
                if self.join(f, to, &mut at[to.index()], out) {
                    pending.insert(self.functions[f].graph.order[to.index()] as usize);
                }
            }
        }
    }

    /// Nothing is known of a function, nor of what it calls and assigns.
    fn give_up(&mut self, f: usize) {
        self.escape(f);
        self.pending.remove(&f);
        self.returns(f, VALUE);
    }

    /// Adds what comes on one way to a node; whether that is new there.
    fn join(&mut self, f: usize, to: NodeId, at: &mut Option<State>, out: State) -> bool {
        let Some(at) = at else {
            *at = Some(out);
            return true;
        };
        let mut changed = false;
        for r in 0..at.tags.len() {
            let tags = at.tags[r].or(out.tags[r]);
            changed |= tags != at.tags[r];
            at.tags[r] = tags;
            if at.what[r] != out.what[r] {
                let function = &self.functions[f];
                let start = function.graph.nodes[to.index()].start as usize;
                if function.live.live_at(start).contains(r) {
                    self.escape_value(at.what[r]);
                    self.escape_value(out.what[r]);
                }
                changed |= at.what[r].take().is_some();
            }
        }
        changed
    }

    /// What a node passes on.
    fn outs(&mut self, f: usize, n: NodeId, mut s: State, depth: usize) -> Vec<(NodeId, State)> {
        let p = self.protos[f];
        let node = self.functions[f].graph.nodes[n.index()].clone();
        match node.kind {
            Kind::Entry => {}
            Kind::Edge { pc, .. } => {
                facts::edge_transfer(p, pc, &mut s.tags);
                let fx = effects(p, pc as usize);
                for r in (fx.next_writes | fx.jump_writes).iter() {
                    s.what[r] = None;
                }
            }
            Kind::Block => {
                for pc in node.start..node.end {
                    if !self.step(f, pc, &mut s, depth) {
                        return Vec::new();
                    }
                }
            }
        }
        let branches = node.kind == Kind::Block && node.succs.len() == 2;
        let out = |(which, &to): (usize, &NodeId)| {
            let mut out = s.clone();
            if branches {
                facts::refine(p, node.end - 1, which == 1, &mut out.tags);
            }
            (to, out)
        };
        node.succs.iter().enumerate().map(out).collect()
    }

    /// One instruction; false: nothing behind it is reached, as far as is known by now.
    fn step(&mut self, f: usize, pc: u32, s: &mut State, depth: usize) -> bool {
        let p = self.protos[f];
        let i = p.code[pc as usize];
        let (a, b, own) = (i.a(), i.b(), self.of[f]);
        self.uses(f, pc, s);
        let mut written = None;
        let mut what = None;
        let guess = i.op() == Op::Call && s.what[a].is_some_and(names::is_guess);
        match i.op() {
            Op::Call | Op::TailCall => {
                let Some((tags, gives)) = self.call(f, pc, s, depth) else {
                    return false;
                };
                if i.op() == Op::TailCall {
                    self.returns(f, tags);
                    return true;
                }
                let one = i.c() >= 2;
                (written, what) = (one.then_some(tags), gives.filter(|_| one));
            }
            Op::Return if b == 1 => self.returns(f, Tags::NIL),
            Op::Return if b == 0 => {
                let open = open_results(p.code[pc as usize - 1]);
                let tags = if open > Some(a) { s.tags[a] } else { VALUE };
                self.returns(f, tags);
            }
            Op::Return | Op::Return1 => self.returns(f, s.tags[a]),
            Op::Return0 => self.returns(f, Tags::NIL),
            Op::NewCell => {
                let of = self.captured.local_variable(own, a);
                self.assign(f, pc, of, s, Some(a));
            }
            Op::SetCell => {
                let of = self.captured.local_variable(own, a);
                self.assign(f, pc, of, s, facts::stored_register(i.c()));
            }
            Op::SetUpval => {
                let of = self.captured.upvalue_variable(own, b);
                self.assign(f, pc, of, s, facts::stored_register(i.c()));
            }
            Op::GetUpval => {
                let of = self.captured.upvalue_variable(own, b);
                (written, what) = self.read(f, of, self.captured.upvalue_function(own, b));
            }
            Op::GetCell => {
                let of = self.captured.local_variable(own, b);
                (written, what) = self.read(f, of, self.captured.local_function(own, b));
            }
            Op::Closure => {
                what = Some(Known::Function(self.captured.child(own, i.dd() as usize)));
            }
            Op::Move => what = s.what[b],
            Op::GetTabUp => what = constant(p, i.c()).and_then(names::global),
            Op::GetField => {
                let of = constant(p, i.c());
                what = of.and_then(|name| names::member(s.what[b]?, name));
                written = of.and_then(|name| names::constant(s.what[b]?, name));
            }
            _ => {}
        }
        facts::transfer(p, &Spec::open(), pc, &mut s.tags);
        let fx = effects(p, pc as usize);
        for r in fx.next_writes.iter() {
            s.what[r] = None;
        }
        if let Some(tags) = written {
            s.tags[a] = tags;
            if !guess {
                self.functions[f].found.results.insert(pc, tags);
            }
        }
        if fx.next_writes.contains(a) {
            s.what[a] = what;
        }
        // A variable that was never assigned has no value yet: the closure that reads it does not run.
        written.is_none_or(|t| !t.is_none())
    }

    /// Functions that the instruction uses otherwise than to call them may be called by anybody.
    fn uses(&mut self, f: usize, pc: u32, s: &State) {
        let p = self.protos[f];
        let (i, own) = (p.code[pc as usize], self.of[f]);
        for r in effects(p, pc as usize).reads.iter() {
            let Some(Known::Function(used)) = s.what[r] else {
                continue;
            };
            let harmless = match i.op() {
                Op::Move | Op::JmpT | Op::JmpF => true,
                Op::Call | Op::TailCall => r == i.a(),
                Op::NewCell => self.captured.local_function(own, r) == Some(used),
                Op::SetCell => self.captured.local_function(own, i.a()) == Some(used),
                _ => false,
            };
            if !harmless {
                self.escape(used as usize);
            }
        }
    }

    /// A call: what it gives. `None`: it was not seen to come back yet.
    fn call(&mut self, f: usize, pc: u32, s: &State, depth: usize) -> Option<(Tags, What)> {
        let p = self.protos[f];
        let i = p.code[pc as usize];
        let (a, b) = (i.a(), i.b());
        match s.what[a] {
            Some(Known::Function(callee)) => {
                self.functions[f].found.callees.insert(pc, callee);
                let open = match b {
                    0 => open_results(p.code[pc as usize - 1]),
                    _ => None,
                };
                let mut kinds = Vec::new();
                for n in 0..self.functions[callee as usize].found.params.len() {
                    let r = a + 1 + n;
                    kinds.push(match open {
                        Some(open) if r >= open => VALUE,
                        None if b == 0 => VALUE,
                        None if n + 1 >= b => Tags::NIL,
                        _ => {
                            self.escape_value(s.what[r]);
                            s.tags[r]
                        }
                    });
                }
                let callee = self.entered(f, pc, callee, &kinds);
                let mut more = self.functions[callee].rounds == 0;
                for (n, tags) in kinds.into_iter().enumerate() {
                    let all = &mut self.functions[callee].found.params[n];
                    more |= !tags.within(*all);
                    *all = all.or(tags);
                }
                self.functions[callee].callers.insert(f);
                if more && self.functions[callee].rounds == 0 && depth < MOST_CALLS {
                    self.run(callee, depth + 1);
                } else if more {
                    self.pending.insert(callee);
                }
                let result = self.functions[callee].result;
                (!result.is_none()).then_some((result, None))
            }
            Some(known) => {
                if let Some(native) = names::intrinsic(known) {
                    self.functions[f].found.natives.insert(pc, native);
                }
                let first = (b >= 2).then(|| s.tags[a + 1]);
                // What the command line gives is most often an integer; what is read later may be anything.
                let once = f == 0 && !is_repeated(p, pc);
                Some((names::result(known, first, once), None))
            }
            None => Some((VALUE, None)),
        }
    }

    /// The function, or version of it, that a call with such arguments enters.
    fn entered(&mut self, f: usize, pc: u32, callee: u32, kinds: &[Tags]) -> usize {
        let i = self.protos[f].code[pc as usize];
        let direct = i.b() > 0 && i.b() - 1 == kinds.len();
        let first = self.protos.len() - self.versions.len();
        let open = Signature::from_home(kinds.len());
        let fits = |v: &Version| v.of == callee && v.takes(&open, kinds.iter().copied());
        let version = self.versions.iter().position(fits).filter(|_| direct);
        if direct && f < first {
            let repeated = is_repeated(self.protos[f], pc);
            let call = CallSeen::in_text(f as u32, callee, kinds.to_vec(), repeated);
            self.calls.insert((f, pc), call);
        }
        version.map_or(callee as usize, |n| first + n)
    }

    /// A function returns such a value.
    fn returns(&mut self, f: usize, tags: Tags) {
        let function = &mut self.functions[f];
        if !tags.within(function.result) {
            function.result = function.result.or(tags);
            self.pending.extend(&self.functions[f].callers);
        }
    }

    /// A captured variable gets the value of a register, or a constant.
    fn assign(&mut self, f: usize, pc: u32, v: Variable, s: &State, from: Option<usize>) {
        let i = self.protos[f].code[pc as usize];
        // The cell of `local function` gets its closure at once.
        let closure = |i: &Instr| i.op() == Op::Closure;
        let next = self.protos[f].code.get(pc as usize + 1);
        if i.op() == Op::NewCell
            && next.is_some_and(closure)
            && self.captured.local_function(self.of[f], i.a()).is_some()
            && !s.what[i.a()].is_some_and(|w| matches!(w, Known::Function(_)))
        {
            return;
        }
        let (tags, what) = match from {
            Some(r) => (s.tags[r], s.what[r]),
            None => {
                let c = &self.protos[f].consts[i.c() - usize::from(RK_CONST)];
                (Tags::of_const(c), None)
            }
        };
        let cell = self.variables.entry(v).or_default();
        let first = cell.stores.is_empty();
        let other = cell.stores.insert((self.of[f], pc)) && !first;
        let before = (cell.tags, cell.what);
        cell.tags = cell.tags.or(tags);
        cell.what = match (first, other) {
            (true, _) => what,
            (false, true) => None,
            (false, false) => cell.what.filter(|_| cell.what == what),
        };
        if before != (cell.tags, cell.what) {
            self.pending.extend(&cell.readers);
        }
    }

    /// The value of a captured variable.
    fn read(&mut self, f: usize, v: Variable, function: Option<u32>) -> (Option<Tags>, What) {
        if let Some(function) = function {
            let closure = Tags::of(tag::LUA_FN);
            return (Some(closure), Some(Known::Function(function)));
        }
        if v.is_outer() {
            return (None, None);
        }
        let cell = self.variables.entry(v).or_default();
        cell.readers.insert(f);
        // Functions are followed by the text alone: who else calls them is known of no other variable.
        let what = cell.what.filter(|w| !matches!(w, Known::Function(_)));
        (Some(cell.tags), what)
    }
}

/// The name in an instruction's constant.
fn constant(p: &Proto, c: usize) -> Option<&str> {
    match &p.consts[c] {
        Const::Str(s) => std::str::from_utf8(s).ok(),
        _ => None,
    }
}

/// Whether some jump leads back over an instruction.
fn is_repeated(p: &Proto, pc: u32) -> bool {
    let mut behind = (pc as usize..).zip(&p.code[pc as usize..]);
    behind.any(|(at, _)| effects(p, at).jump.is_some_and(|to| to <= pc as usize))
}
