//! What is known of a module's functions before any of them is lowered: prototypes, profiles, and how each takes its arguments.

use super::between::{self, Between};
use super::captured::Captured;
use super::one_result::Text;
use super::spec::{Seen, Spec};
use super::tags::Tags;
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
    /// In its home slot.
    Home,
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
    /// The body has an entry of its own, with arguments in registers.
    pub fn has_body(&self) -> bool {
        self.registers().next().is_some()
    }
    /// Parameters that arrive in registers: number, tag, register.
    pub fn registers(&self) -> impl Iterator<Item = (usize, Tags, PReg)> + '_ {
        self.params.iter().enumerate().filter_map(|(n, p)| match p {
            ParamIn::Register(t, r) => Some((n, *t, *r)),
            ParamIn::Home => None,
        })
    }
    /// What the profile says of the parameters: values of one kind that have a payload come in registers, while there are some.
    fn of(p: &Proto, spec: &Spec) -> Signature {
        let mut ints = INTEGER_ARGUMENTS.iter();
        let mut floats = FLOAT_ARGUMENTS.iter();
        let params = (0..p.num_params as usize).map(|n| {
            let kind = spec
                .param(n)
                .filter(|t| t.has_payload() && !p.is_vararg)
                .filter(|t| t.single().is_some_and(|t| t != tag::CELL));
            let register = match kind {
                Some(Tags::FLOAT) => floats.next(),
                Some(_) => ints.next(),
                None => None,
            };
            match (kind, register) {
                (Some(t), Some(&r)) => ParamIn::Register(t, r),
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
    /// What the text says of each; for those of which nothing was seen.
    pub between: Vec<Option<Between>>,
    /// How each takes its arguments.
    pub signatures: Vec<Signature>,
    /// What they are called, for people.
    pub names: Option<Vec<String>>,
    /// Which are compiled by the typed lowering (the others have no bodies).
    pub typed: Vec<bool>,
    /// What the text says of captured variables.
    pub captured: Captured,
    /// Which optimizations are on.
    pub passes: Passes,
    /// Instructions of the module that training executed.
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
    /// What is known or was seen of function `index`.
    pub fn spec(&self, index: u32) -> Spec<'_> {
        let index = index as usize;
        let (seen, text) = (self.seen[index].as_ref(), self.between[index].as_ref());
        Spec::of(self.protos[index], seen, text)
    }

    /// Describes a module. `typed` says which functions the typed lowering compiles.
    pub fn new(
        main: &'a Proto,
        seen: Vec<Option<Seen>>,
        passes: Passes,
        typed: &dyn Fn(&Proto) -> bool,
    ) -> Module<'a> {
        let protos = crate::preorder(main);
        let typed: Vec<bool> = protos.iter().map(|p| typed(p)).collect();
        let captured = Captured::new(&protos);
        let between = match passes.has(Pass::Between) && seen.iter().all(Option::is_none) {
            true => between::infer(&protos, &captured, &typed),
            false => vec![None; protos.len()],
        };
        let specs = protos.iter().zip(&seen).zip(&between);
        let specs = specs.map(|((p, seen), text)| Spec::of(p, seen.as_ref(), text.as_ref()));
        let signatures = protos
            .iter()
            .zip(specs)
            .zip(&typed)
            .map(|((p, spec), &typed)| match typed {
                true => Signature::of(p, &spec),
                false => Signature {
                    params: vec![ParamIn::Home; p.num_params as usize],
                },
            })
            .collect();
        let sites = seen.iter().flatten().flat_map(|s| s.sites.iter().flatten());
        let executed = sites.map(|s| s.count as f64).sum();
        let texts = protos
            .iter()
            .zip(&seen)
            .map(|(p, seen)| Text::new(p, &Spec::new(p, seen.as_ref())))
            .collect();
        Module {
            texts,
            assigned_globals: assigned_globals(&protos),
            executed,
            captured,
            between,
            names: None,
            passes,
            protos,
            seen,
            signatures,
            typed,
        }
    }
}
