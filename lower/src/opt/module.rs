//! What is known of a module's functions before any of them is lowered: prototypes, profiles, and how each takes its arguments.

use super::between::{self, Between};
use super::captured::Captured;
use super::one_result::Text;
use super::spec::{Seen, Spec};
use super::tags::Tags;
use super::versions::{self, CallSeen, Version};
use crate::passes::{Pass, Passes};
use std::collections::HashSet;
use trinity_abi::tag;
use trinity_codegen::ir::PReg;
use trinity_frontend::bytecode::{Const, Op, Proto};

/// Where a parameter arrives at a function's body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParamIn {
    /// In a register: its payload; the tag is this one.
    Register(Tags, PReg),
    /// Its tag is all there is of it: nil.
    Tag(Tags),
    /// In its home slot.
    Home,
}

impl ParamIn {
    /// The tag that it has; `None`: any.
    pub fn tags(self) -> Option<Tags> {
        match self {
            ParamIn::Register(t, _) | ParamIn::Tag(t) => Some(t),
            ParamIn::Home => None,
        }
    }
}

/// How a function takes its arguments.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Signature {
    /// One per parameter.
    pub params: Vec<ParamIn>,
}

/// Registers for arguments, by position (docs/abi.md section 5).
const INTEGER_ARGUMENTS: [PReg; 6] = [
    PReg::Rdi,
    PReg::Rsi,
    PReg::R8,
    PReg::R9,
    PReg::R10,
    PReg::R11,
];
const FLOAT_ARGUMENTS: [PReg; 8] = [
    PReg::Xmm0,
    PReg::Xmm1,
    PReg::Xmm2,
    PReg::Xmm3,
    PReg::Xmm4,
    PReg::Xmm5,
    PReg::Xmm6,
    PReg::Xmm7,
];

impl Signature {
    /// All in home slots.
    pub fn from_home(n: usize) -> Signature {
        Signature {
            params: vec![ParamIn::Home; n],
        }
    }
    /// The body has an entry of its own, with arguments in registers.
    pub fn has_body(&self) -> bool {
        self.registers().next().is_some()
    }
    /// Parameters that arrive in registers: number, tag, register.
    pub fn registers(&self) -> impl Iterator<Item = (usize, Tags, PReg)> + '_ {
        self.params.iter().enumerate().filter_map(|(n, p)| match p {
            ParamIn::Register(t, r) => Some((n, *t, *r)),
            ParamIn::Tag(_) | ParamIn::Home => None,
        })
    }
    /// Parameters of known tags: number, tag.
    pub fn known(&self) -> impl Iterator<Item = (usize, Tags)> + '_ {
        let all = self.params.iter().enumerate();
        all.filter_map(|(n, p)| Some((n, p.tags()?)))
    }
    /// What the profile says of the parameters: values of one kind that have a payload come in registers, while there are some.
    fn of(p: &Proto, spec: &Spec) -> Signature {
        let kinds = (0..p.num_params as usize).map(|n| {
            spec.param(n)
                .filter(|t| t.has_payload() && !p.is_vararg)
                .filter(|t| t.single().is_some_and(|t| t != tag::CELL))
        });
        Signature::for_kinds(&kinds.collect::<Vec<_>>())
    }
    /// For parameters of these kinds, each of one tag: in registers, while there are some.
    pub fn for_kinds(kinds: &[Option<Tags>]) -> Signature {
        let mut ints = INTEGER_ARGUMENTS.iter();
        let mut floats = FLOAT_ARGUMENTS.iter();
        let params = kinds.iter().map(|&kind| {
            let register = match kind {
                Some(Tags::FLOAT) => floats.next(),
                Some(t) if t.has_payload() => ints.next(),
                _ => None,
            };
            match (kind, register) {
                (Some(t), Some(&r)) => ParamIn::Register(t, r),
                (Some(t), None) if !t.has_payload() => ParamIn::Tag(t),
                _ => ParamIn::Home,
            }
        });
        Signature {
            params: params.collect(),
        }
    }
}

/// A module's functions.
pub struct Module<'a> {
    /// In preorder.
    pub protos: Vec<&'a Proto>,
    /// What the typed lowering compiles of each.
    pub texts: Vec<Text>,
    /// What was seen of each.
    pub seen: Vec<Option<Seen>>,
    /// What the text says of each, versions included; for those of which nothing was seen.
    pub between: Vec<Option<Between>>,
    /// How each takes its arguments.
    pub signatures: Vec<Signature>,
    /// Further bodies of functions, numbered behind them.
    pub versions: Vec<Version>,
    /// What they are called, for people.
    pub names: Option<Vec<String>>,
    /// Which are compiled by the typed lowering (the others have no bodies).
    pub typed: Vec<bool>,
    /// What the text says of captured variables.
    pub captured: Captured,
    /// Which optimizations are on.
    pub passes: Passes,
    /// Instructions of the program that training executed, those of its other modules included: what is worth code is decided by the whole.
    pub executed: f64,
    /// Names of global variables that change: assigned twice, or by other functions than the main chunk.
    pub assigned_globals: HashSet<Vec<u8>>,
}

/// Globals that are more than definitions of the main chunk, as far as the module's code tells.
fn assigned_globals(protos: &[&Proto]) -> HashSet<Vec<u8>> {
    let (mut once, mut changed) = (HashSet::new(), HashSet::new());
    for p in protos {
        for i in p.code.iter().filter(|i| i.op() == Op::SetTabUp) {
            if let Const::Str(name) = &p.consts[i.b()]
                && (!once.insert(name.to_vec()) || p.line_defined != 0)
            {
                changed.insert(name.to_vec());
            }
        }
    }
    changed
}

impl<'a> Module<'a> {
    /// What is known or was seen of function or version `index`.
    pub fn spec(&self, index: u32) -> Spec<'_> {
        let of = self.function(index) as usize;
        let text = self.between.get(index as usize).and_then(Option::as_ref);
        Spec::of(self.protos[of], self.seen[of].as_ref(), text)
    }

    /// Describes a module. `executed`: instructions of the program that training executed. `typed` says which functions the typed lowering compiles.
    pub fn new(
        main: &'a Proto,
        seen: Vec<Option<Seen>>,
        executed: f64,
        passes: Passes,
        typed: &dyn Fn(&Proto) -> bool,
    ) -> Module<'a> {
        let protos = crate::preorder(main);
        let typed: Vec<bool> = protos.iter().map(|p| typed(p)).collect();
        let captured = Captured::new(&protos);
        let by_text = passes.has(Pass::Between) && seen.iter().all(Option::is_none);
        let texts = protos
            .iter()
            .zip(&seen)
            .map(|(p, seen)| Text::new(p, &Spec::new(p, seen.as_ref())))
            .collect();
        let mut module = Module {
            texts,
            assigned_globals: assigned_globals(&protos),
            executed,
            captured,
            between: vec![None; protos.len()],
            names: None,
            passes,
            protos,
            seen,
            signatures: Vec::new(),
            versions: Vec::new(),
            typed,
        };
        match by_text {
            true => {
                let calls = module.infer_between();
                module.add_versions(&calls);
                if !module.versions.is_empty() {
                    module.infer_between();
                }
            }
            false => {
                module.sign();
                let calls = versions::calls_in_training(&module);
                module.add_versions(&calls);
            }
        }
        module
    }

    /// Looks for types between functions, and says how each takes its arguments then. The calls that were followed.
    fn infer_between(&mut self) -> Vec<CallSeen> {
        let found = between::infer(&self.protos, &self.captured, &self.typed, &self.versions);
        self.between = found.functions;
        self.sign();
        found.calls
    }

    /// Says how each function takes its arguments.
    fn sign(&mut self) {
        let of = |f: usize| match self.typed[f] {
            true => Signature::of(self.protos[f], &self.spec(f as u32)),
            false => Signature::from_home(self.protos[f].num_params as usize),
        };
        self.signatures = (0..self.protos.len()).map(of).collect();
    }
}
