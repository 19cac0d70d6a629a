//! Inputs of a proof shown to people: bindings of places, and counterexamples replayed side by side.

use super::compare::{Behaviour, value};
use super::place::{Place, PlaceSet};
use super::region::LiveOut;
use super::replay::{self, Input, Run};
use super::terms::{ProgramTerms, Setup, fault_name};
use crate::native;
use crate::proof::{Assignment, Query};
use crate::report::equivalence::{
    Change, Counterexample, Divergence, Observed, Output, Side, Step,
};
use crate::report::parts::Binding;
use crate::report::verdict::Verdict;
use std::collections::{BTreeSet, HashMap};
use trinity_codegen::isa::concrete::{ConcreteRegion, mask};
use trinity_codegen::isa::{Bits, Concrete, ConcreteMemory, Node, TermId};

/// Where the stack is put when it does not matter: the entry's stack pointer.
const STACK: u64 = 0x6000_0000_0ff8;
/// Where read-only bytes and symbols without a value are put, near the code.
const SYMBOLS: u64 = 0x2000_0000;

/// Places whose initial value the programs' results, faults or accesses depend on.
pub(super) fn inputs(setup: &Setup, l: &ProgramTerms, r: &ProgramTerms) -> PlaceSet {
    let mut roots: Vec<TermId> = Vec::new();
    for p in [l, r] {
        for place in PlaceSet::CALLER_SAVED
            .and(p.written)
            .minus(PlaceSet::FLAGS)
            .iter()
        {
            if matches!(place, Place::Gpr(0) | Place::Vec(0, _)) {
                roots.push(p.exit.at(place));
            }
        }
        roots.extend(p.faults.iter().map(|f| f.when));
        roots.extend(p.accesses.iter().map(|a| a.addr));
        roots.push(p.exit.heap);
    }
    let needed: BTreeSet<TermId> = setup.pool.reachable(&roots).into_iter().collect();
    PlaceSet::ALL
        .iter()
        .filter(|p| needed.contains(&setup.initial.at(*p)))
        .collect()
}

fn hex(value: u128, width: u32) -> String {
    match width {
        1 => value.to_string(),
        _ => format!("{:#0n$x}", value, n = width as usize / 4 + 2),
    }
}

/// The initial value of a place.
fn initial(setup: &Setup, a: &Assignment, p: Place) -> u64 {
    evaluate(setup, a, &[setup.initial.at(p)])[0].value as u64
}

/// Terms under an assignment.
fn evaluate(setup: &Setup, a: &Assignment, terms: &[TermId]) -> Vec<Bits> {
    let of_number: HashMap<u32, u128> = a
        .variables
        .iter()
        .filter_map(|(t, v)| match setup.pool.node(*t) {
            Node::Var(n) => Some((n, *v)),
            _ => None,
        })
        .collect();
    let mut pages: HashMap<u64, Vec<u8>> = HashMap::new();
    for ((_, address), byte) in &a.memory {
        pages.entry(address >> 12).or_insert_with(|| vec![0; 4096])[(address & 4095) as usize] =
            *byte;
    }
    let regions = pages.into_iter().map(|(p, bytes)| ConcreteRegion {
        base: p << 12,
        bytes,
        writable: true,
    });
    let memory = ConcreteMemory {
        regions: regions.collect(),
    };
    setup.pool.eval(
        terms,
        &mut Concrete,
        &mut |_, n, v| Bits::new(v.width, of_number.get(&n).copied().unwrap_or(0)),
        &mut |_, _| memory.clone(),
    )
}

/// An input as text: the places asked for, and what else it says.
pub(super) fn bindings(setup: &Setup, a: &Assignment, places: PlaceSet) -> Vec<Binding> {
    let show = |p: Place| Binding::new(p.to_string(), hex(initial(setup, a, p).into(), p.width()));
    let mut out: Vec<Binding> = places.iter().map(show).collect();
    for s in setup.symbols.all() {
        if let Some(v) = a.variables.get(&s.term) {
            out.push(Binding::new(format!("&{}", s.name), hex(*v, 64)));
        }
    }
    for ((_, address), byte) in &a.memory {
        out.push(Binding::new(
            format!("[{address:#x}]"),
            hex((*byte).into(), 8),
        ));
    }
    out
}

/// The input as programs see it.
fn input(setup: &Setup, a: &Assignment) -> Input {
    let mut out = Input::default();
    for p in PlaceSet::ALL.iter() {
        out.places.insert(p, initial(setup, a, p));
    }
    out.memory = a
        .memory
        .iter()
        .map(|((_, address), byte)| (*address, *byte))
        .collect();
    // The stack pointer is free unless the proof chose it.
    let rsp = setup.pool.reachable(&[setup.initial.gpr[4]]);
    if !rsp.iter().any(|t| value(a, *t) != 0) {
        out.places.insert(Place::Gpr(4), STACK);
    }
    for (n, s) in setup.symbols.all().into_iter().enumerate() {
        let chosen = evaluate(setup, a, &[s.term])[0].value as u64;
        let address = match chosen {
            0 => SYMBOLS + 0x1_0000 * n as u64,
            _ => chosen,
        };
        for (i, b) in s.bytes.iter().enumerate() {
            out.memory.insert(address.wrapping_add(i as u64), *b);
        }
        out.symbols.insert(s.name.to_owned(), address);
    }
    for s in setup.symbols.all().into_iter().filter(|s| s.entry) {
        let at = |name: &str| out.symbols.get(name).copied().unwrap_or(0);
        let (holds, at) = (at(s.name.trim_end_matches("@GOT")), at(s.name));
        for (i, b) in holds.to_le_bytes().into_iter().enumerate() {
            out.memory.insert(at.wrapping_add(i as u64), b);
        }
    }
    out
}

/// One side's replay.
struct Replayed {
    run: Option<Run>,
    native: Result<Vec<native::Outcome>, String>,
}

fn replay(side: &dyn Behaviour, input: &Input) -> Replayed {
    let Some(f) = side.function() else {
        return Replayed {
            run: None,
            native: Err("a specification is not machine code".into()),
        };
    };
    match replay::model(f, input) {
        Ok(run) => {
            let native = replay::processor(input, &run);
            Replayed {
                run: Some(run),
                native,
            }
        }
        Err((_, why)) => Replayed {
            run: None,
            native: Err(why.to_string()),
        },
    }
}

fn steps(side: &dyn Behaviour, r: &Replayed) -> Vec<Step> {
    let (Some(run), Some(f)) = (&r.run, side.function()) else {
        return Vec::new();
    };
    let outcomes: &[native::Outcome] = r.native.as_deref().unwrap_or(&[]);
    let shown = run.steps.iter().take(64).enumerate();
    let one = |(n, s): (usize, &replay::Step)| {
        let state = outcomes.get(n).and_then(native::Outcome::done);
        let mut changes: Vec<Change> = s
            .changes
            .iter()
            .map(|(p, v)| Change {
                place: p.to_string(),
                value: Observed {
                    model: hex((*v).into(), p.width()),
                    processor: state.map(|x| hex(replay::native_value(*p, x).into(), p.width())),
                },
            })
            .collect();
        changes.extend(s.stores.iter().map(|(address, bytes, v)| {
            Change {
                place: format!("[{address:#x}]"),
                value: Observed {
                    model: hex(*v, 8 * bytes),
                    processor: state
                        .and_then(|x| replay::native_bytes(run, x, *address, *bytes))
                        .map(|v| hex(v, 8 * bytes)),
                },
            }
        }));
        let native = outcomes
            .get(n)
            .and_then(native::Outcome::fault)
            .map(|x| replay::native_fault(&x));
        let fault = match (s.fault, native) {
            (None, None) => String::new(),
            (Some(k), None) if state.is_none() => fault_name(k).to_owned(),
            (Some(k), Some(p)) if p.starts_with(fault_name(k)) => fault_name(k).to_owned(),
            (k, p) => format!(
                "model: {}; processor: {}",
                k.map_or("none", fault_name),
                p.unwrap_or_else(|| "none".into())
            ),
        };
        Step {
            line: s.index as u32,
            text: f.code[s.index].text(),
            changes,
            fault,
        }
    };
    shown.map(one).collect()
}

/// The first value made by one run that the other never holds.
fn divergence(left: &[Step], right: &[Step], inputs: &[Binding]) -> Option<Divergence> {
    // Flags and the frame differ in equal programs too.
    let register = |p: &str| !matches!(p, "cf" | "pf" | "af" | "zf" | "sf" | "of" | "rsp" | "rbp");
    let values = |steps: &[Step]| -> BTreeSet<String> {
        let made = steps
            .iter()
            .flat_map(|s| &s.changes)
            .filter(|c| register(&c.place))
            .map(|c| c.value.model.clone());
        made.chain(inputs.iter().map(|b| b.value.clone())).collect()
    };
    for (side, own, other) in [
        (Side::Right, right, values(left)),
        (Side::Left, left, values(right)),
    ] {
        for (n, s) in own.iter().enumerate() {
            if !s.fault.is_empty() {
                return Some(Divergence {
                    side,
                    step: n as u32,
                    why: format!("it raises {}", s.fault),
                });
            }
            if let Some(c) = s
                .changes
                .iter()
                .find(|c| register(&c.place) && !other.contains(&c.value.model))
            {
                let why = format!(
                    "{} becomes {}, a value that the other run never holds",
                    c.place, c.value.model
                );
                return Some(Divergence {
                    side,
                    step: n as u32,
                    why,
                });
            }
        }
    }
    None
}

/// A counterexample replayed on the model and on the processor.
///
/// # Errors
/// With another verdict, when the left program's own result is not defined on this input: then there is nothing to
/// compare.
pub(super) fn counterexample(
    setup: &mut Setup,
    found: &Assignment,
    original: Option<&Assignment>,
    left: (&dyn Behaviour, &ProgramTerms),
    right: (&dyn Behaviour, &ProgramTerms),
    query: &Query,
    places: &[LiveOut],
) -> Result<Counterexample, Verdict> {
    let undefined = |t: TermId| {
        let is = |x: &TermId| match setup.pool.node(*x) {
            Node::Var(n) => setup.pool.variables()[n as usize].undefined,
            _ => false,
        };
        setup.pool.reachable(&[t]).iter().any(is)
    };
    let read = input(setup, found);
    let runs = (replay(left.0, &read), replay(right.0, &read));
    let words: Vec<TermId> = query
        .outputs
        .iter()
        .flat_map(|p| [p.left, p.right])
        .collect();
    let values = evaluate(setup, found, &words);
    let last = |r: &Replayed| {
        r.native
            .as_ref()
            .ok()
            .and_then(|o| o.last())
            .and_then(|o| o.done().cloned())
    };
    let (l_end, r_end) = (last(&runs.0), last(&runs.1));
    let mut outputs = Vec::new();
    for (n, (pair, place)) in query.outputs.iter().zip(places).enumerate() {
        let (l, r) = (values[2 * n].value, values[2 * n + 1].value);
        if l != r && undefined(pair.left) {
            return Err(Verdict::Unsupported {
                instruction: format!("live-out {}", pair.name),
                address: 0,
                why: "it depends on a result that the architecture leaves undefined, or on a local variable before it is set".into(),
            });
        }
        let observed = |model: u128, term: TermId, end: &Option<native::State>| Observed {
            model: hex(model, place.width),
            processor: end.as_ref().filter(|_| !undefined(term)).map(|s| {
                hex(
                    u128::from(replay::native_value(place.place, s)) & mask(place.width),
                    place.width,
                )
            }),
        };
        outputs.push(Output {
            place: pair.name.clone(),
            left: observed(l, pair.left, &l_end),
            right: observed(r, pair.right, &r_end),
            differs: l != r,
        });
    }
    outputs.extend(memory_outputs(&runs));
    let needed = inputs(setup, left.1, right.1);
    let bound = bindings(setup, found, needed);
    let (left_steps, right_steps) = (steps(left.0, &runs.0), steps(right.0, &runs.1));
    let divergence = divergence(&left_steps, &right_steps, &bound);
    let reasons: Vec<String> = [(&runs.0, left.0), (&runs.1, right.0)]
        .iter()
        .filter_map(|(r, side)| {
            r.native
                .as_ref()
                .err()
                .map(|e| format!("{}: {e}", side.name()))
        })
        .collect();
    let mut c = Counterexample {
        inputs: bound,
        original: original
            .map(|o| bindings(setup, o, needed))
            .unwrap_or_default(),
        outputs,
        left: left_steps,
        right: right_steps,
        divergence,
        not_replayed: reasons.join("; "),
    };
    if !c.outputs.iter().any(|o| o.differs)
        && c.left.iter().chain(&c.right).all(|s| s.fault.is_empty())
    {
        // What differs is which bytes are touched, or a fault of a specification.
        let touched = |p: &ProgramTerms| {
            let terms: Vec<TermId> = p.accesses.iter().map(|a| a.addr).collect();
            let at = evaluate(setup, found, &terms);
            let one = |(a, v): (&trinity_codegen::isa::Access<TermId>, &Bits)| {
                format!(
                    "{}{:#x}+{}",
                    if a.write { "w" } else { "r" },
                    v.value,
                    a.bytes
                )
            };
            p.accesses
                .iter()
                .zip(&at)
                .map(one)
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>()
                .join(" ")
        };
        let faults = |p: &ProgramTerms| {
            let terms: Vec<TermId> = p.faults.iter().map(|f| f.when).collect();
            let at = evaluate(setup, found, &terms);
            p.faults
                .iter()
                .zip(&at)
                .find(|(_, v)| v.value == 1)
                .map_or("none", |(f, _)| fault_name(f.kind))
                .to_owned()
        };
        let (fl, fr) = (faults(left.1), faults(right.1));
        let (place, l, r) = if fl == fr {
            ("bytes touched", touched(left.1), touched(right.1))
        } else {
            ("fault", fl, fr)
        };
        let plain = |model| Observed {
            model,
            processor: None,
        };
        c.outputs.push(Output {
            place: place.into(),
            differs: l != r,
            left: plain(l),
            right: plain(r),
        });
    }
    Ok(c)
}

/// Bytes of memory that the runs leave different.
fn memory_outputs(runs: &(Replayed, Replayed)) -> Vec<Output> {
    let (Some(l), Some(r)) = (&runs.0.run, &runs.1.run) else {
        return Vec::new();
    };
    let mut stored: BTreeSet<u64> = BTreeSet::new();
    let stack = l.end.gpr[4].value as u64;
    for s in l.steps.iter().chain(&r.steps) {
        for (a, n, _) in &s.stores {
            stored.extend((0..u64::from(*n)).map(|i| a.wrapping_add(i)));
        }
    }
    // Bytes of the frames are nobody's business.
    stored.retain(|a| stack.wrapping_sub(*a) > 1 << 20);
    let byte = |run: &Run, a: u64| {
        let first = || {
            run.pages
                .iter()
                .find(|p| a.wrapping_sub(p.base) < 4096)
                .map(|p| p.bytes[(a - p.base) as usize])
        };
        run.end.mem.byte(a).or_else(first)
    };
    let processor = |x: &Replayed, run: &Run, a: u64| {
        let end = x.native.as_ref().ok()?.last()?.done()?;
        replay::native_bytes(run, end, a, 1).map(|b| hex(b, 8))
    };
    let mut out = Vec::new();
    for a in stored {
        // What one run does not touch keeps the value it has at the start of the other.
        let start = |run: &Run| {
            run.pages
                .iter()
                .find(|p| a.wrapping_sub(p.base) < 4096)
                .map(|p| p.bytes[(a - p.base) as usize])
        };
        let (x, y) = (
            byte(l, a).or_else(|| start(r)),
            byte(r, a).or_else(|| start(l)),
        );
        if x != y {
            let observed = |v: Option<u8>, side: &Replayed, run: &Run| Observed {
                model: hex(v.unwrap_or(0).into(), 8),
                processor: processor(side, run, a),
            };
            out.push(Output {
                place: format!("[{a:#x}]"),
                left: observed(x, &runs.0, l),
                right: observed(y, &runs.1, r),
                differs: true,
            });
        }
    }
    out.truncate(64);
    out
}
