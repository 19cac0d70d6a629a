//! A region of the compiler's IR, as text, as a specification: what `--emit=ir` prints, or a function written for it.
//!
//! `NAME` is a function of one block that computes its results purely; its parameters and results are where the text says.
//! `NAME@bN` is what block N of a function computes purely and somebody else reads: a region as the compiler harvests
//! it. The values it reads are given in the order in which the block meets them: integers in rdi, rsi, rdx, rcx, r8, r9,
//! doubles in xmm0 to xmm7; its values come in rax, rdx, rcx, rsi, rdi, r8 to r11 and in xmm0 to xmm7, in the block's order.

use super::compare::Behaviour;
use super::liveout::{self, Result as LiveResult};
use super::{InputError, InputProblem, Place, PlaceSet, ProgramTerms, Setup};
use crate::egraph::region::{region_outputs, region_terms, region_terms_over};
use crate::report::parts;
use crate::store::sha256::sha256;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use trinity_codegen::ir::{self, Block, PReg, Term, Type, Value};
use trinity_codegen::isa::Domain;

/// Where a region's integers come from and go to.
const GIVEN: [PReg; 6] = {
    use PReg::*;
    [Rdi, Rsi, Rdx, Rcx, R8, R9]
};
const RESULTS: [PReg; 9] = {
    use PReg::*;
    [Rax, Rdx, Rcx, Rsi, Rdi, R8, R9, R10, R11]
};
/// Vector registers that doubles come from and go to.
const DOUBLES: usize = 8;

/// A pure region with the places of its inputs and results.
pub struct IrRegion {
    name: String,
    file: PathBuf,
    func: ir::Function,
    block: Block,
    inputs: Vec<(Value, Place)>,
    outputs: Vec<(Value, Place)>,
}

fn place(r: PReg) -> Place {
    match r as u8 {
        n if n < 16 => Place::Gpr(n),
        n => Place::Vec(n - 16, 0),
    }
}

/// Places for values in order.
fn assign(values: &[(Value, Type)], ints: &[PReg]) -> Option<Vec<(Value, Place)>> {
    let (mut words, mut doubles) = (ints.iter(), 0..DOUBLES);
    let one = |(v, ty): &(Value, Type)| {
        let at = match ty {
            Type::I64 => place(*words.next()?),
            Type::F64 => Place::Vec(doubles.next()? as u8, 0),
            Type::V128 | Type::V256 => return None,
        };
        Some((*v, at))
    };
    values.iter().map(one).collect()
}

impl IrRegion {
    /// Reads a region of a file: `NAME`, `NAME@bN`, or the only function.
    ///
    /// # Errors
    /// When the file cannot be read or is not IR, has no such function or block, or the region is not pure.
    pub fn read(file: &Path, name: Option<&str>) -> Result<IrRegion, InputError> {
        let fail = |p| InputError::new(file, None, p);
        let text =
            std::fs::read_to_string(file).map_err(|e| fail(InputProblem::Read(e.to_string())))?;
        IrRegion::from_text(file, &text, name)
    }

    /// As [`read`](Self::read), from a text.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_text(file: &Path, text: &str, name: Option<&str>) -> Result<IrRegion, InputError> {
        let fail = |p| InputError::new(file, None, p);
        let all = ir::parse(text).map_err(|e| {
            let what = InputProblem::Object(format!("not the compiler's IR: {}", e.message));
            InputError::new(file, Some(e.line), what)
        })?;
        for f in &all {
            ir::verify(f)
                .map_err(|e| fail(InputProblem::Object(format!("function {:?}: {e}", f.name))))?;
        }
        let names = || all.iter().map(|f| f.name.clone()).collect::<Vec<_>>();
        let (wanted, block) = match name.and_then(|n| n.rsplit_once("@b")) {
            Some((f, n)) if n.parse::<u32>().is_ok() => (Some(f), n.parse().ok().map(Block)),
            _ => (name, None),
        };
        let func = match wanted {
            Some(n) => all
                .iter()
                .find(|f| f.name == n)
                .ok_or_else(|| fail(InputProblem::NoFunction(n.into(), names())))?,
            None if all.is_empty() => return Err(fail(InputProblem::NoFunctions)),
            None if all.len() > 1 => return Err(fail(InputProblem::ManyFunctions(names()))),
            None => &all[0],
        };
        let refuse =
            |what: &str, why: String| Err(fail(InputProblem::Specification(what.into(), why)));
        let (inputs, outputs) = match block {
            Some(b) if b.index() >= func.blocks.len() => {
                return refuse(
                    &format!("{b}"),
                    format!("{:?} has no such block", func.name),
                );
            }
            Some(b) => {
                let wanted = region_outputs(func, b);
                if wanted.is_empty() {
                    let why = "it computes nothing purely that is read elsewhere".to_owned();
                    return refuse(&format!("{b}"), why);
                }
                let region = region_terms(func, b, &wanted)
                    .map_err(|e| fail(InputProblem::Specification(b.to_string(), e.to_string())))?;
                let results: Vec<(Value, Type)> =
                    region.outputs.iter().map(|(v, _, ty)| (*v, *ty)).collect();
                match (assign(&region.inputs, &GIVEN), assign(&results, &RESULTS)) {
                    (Some(i), Some(o)) => (i, o),
                    _ => return refuse(&b.to_string(), "more values than registers".into()),
                }
            }
            None => match (&func.blocks[..], &func.blocks[0].term) {
                ([only], Some(Term::Ret(results))) => {
                    let params = only.params.iter().zip(&func.param_regs);
                    let inputs: Vec<(Value, Place)> =
                        params.map(|(v, r)| (*v, place(*r))).collect();
                    (
                        inputs,
                        results.iter().map(|(v, r)| (*v, place(*r))).collect(),
                    )
                }
                _ => {
                    let regions = (0..func.blocks.len() as u32)
                        .map(Block)
                        .filter(|b| !region_outputs(func, *b).is_empty())
                        .map(|b| format!("{}@{b}", func.name));
                    let why = format!(
                        "it is not one block that returns; its regions: {}",
                        regions.collect::<Vec<_>>().join(", ")
                    );
                    return refuse(&func.name, why);
                }
            },
        };
        let region = IrRegion {
            name: name.unwrap_or(&func.name).to_owned(),
            file: file.into(),
            func: func.clone(),
            block: block.unwrap_or(Block(0)),
            inputs,
            outputs,
        };
        // What is not pure is found here, not in the midst of a run.
        region.terms(&mut Setup::new(1))?;
        Ok(region)
    }
}

impl Behaviour for IrRegion {
    fn name(&self) -> &str {
        &self.name
    }

    fn terms(&self, setup: &mut Setup) -> Result<ProgramTerms, InputError> {
        let refuse = |what: String, why: String| {
            InputError::new(&self.file, None, InputProblem::Specification(what, why))
        };
        let given: HashMap<Value, _> = self
            .inputs
            .iter()
            .map(|(v, at)| (*v, setup.initial.at(*at)))
            .collect();
        // What the block is given and hands on needs no computation.
        let computed: Vec<Value> = self
            .outputs
            .iter()
            .map(|o| o.0)
            .filter(|v| !given.contains_key(v))
            .collect();
        let (open, words) = region_terms_over(
            &self.func,
            self.block,
            &computed,
            &mut setup.pool,
            given.clone(),
        )
        .map_err(|e| refuse(self.name.clone(), e.to_string()))?;
        if let Some((v, _)) = open.first() {
            let why = "it comes from memory, a call, or what may fault".to_owned();
            return Err(refuse(v.to_string(), why));
        }
        let mut exit = setup.initial.clone();
        let mut written = PlaceSet::EMPTY;
        for (v, at) in &self.outputs {
            let of_region = words.iter().find(|w| w.0 == *v).map(|w| w.1);
            let Some(t) = of_region.or_else(|| given.get(v).copied()) else {
                continue;
            };
            match *at {
                Place::Gpr(n) => exit.gpr[usize::from(n)] = t,
                Place::Vec(n, w) => exit.vec[usize::from(n)][usize::from(w)] = t,
                Place::Flag(_) => {}
            }
            written.insert(*at);
        }
        let within = setup.pool.bit(true);
        Ok(ProgramTerms {
            exit,
            faults: Vec::new(),
            accesses: Vec::new(),
            access_at: Vec::new(),
            within,
            complete: true,
            written,
            conditional: None,
        })
    }

    fn results(&self) -> Option<Vec<LiveResult>> {
        let name = |at: &Place| match at {
            Place::Vec(n, _) => format!("xmm{n}:64"),
            at => at.to_string(),
        };
        let names: Vec<String> = self.outputs.iter().map(|(_, at)| name(at)).collect();
        liveout::parse(&names.join(",")).ok()
    }

    fn listing(&self) -> parts::Program {
        let text = self.func.to_string();
        let label = |l: &str| {
            let rest = l.strip_prefix('b').unwrap_or("");
            let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            let number = &rest[..rest.len() - digits.len()];
            number.parse::<u32>().ok()
        };
        let mut inside = false;
        let mut lines = Vec::new();
        for l in text.lines() {
            if let Some(n) = label(l) {
                inside = n == self.block.0;
            }
            if inside && l != "}" {
                lines.push(parts::Line {
                    address: 0,
                    bytes: String::new(),
                    text: l.trim().to_owned(),
                    source_line: None,
                });
            }
        }
        parts::Program {
            name: self.name.clone(),
            origin: Some(self.file.display().to_string()),
            lines,
            sha256: sha256(text.as_bytes()).to_string(),
            cost: None,
        }
    }
}
