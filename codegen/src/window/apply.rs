//! Looking windows up in an emitted function, putting replacements in their place, and collecting what is left.

use super::canonical::{canonical, digest, encode};
use super::effect::Live;
use super::live::{Known, known, live};
use super::store::{WindowStore, placed, shape};
use super::{LONGEST, WindowOptions};
use crate::ir::SrcLoc;
use crate::isa::March;
use crate::x86::asm::{Item, Label, Program, Raw};
use iced_x86::Instruction;
use std::fmt;

/// A window that was replaced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hit {
    /// Where its first instruction comes from.
    pub loc: SrcLoc,
    /// Its name.
    pub key: Vec<u8>,
    /// Instructions before and after.
    pub sizes: (u32, u32),
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, name, (before, after)) = (self.loc.0, digest(&self.key), self.sizes);
        write!(f, "line {line}: {name}, {before} to {after} instructions")
    }
}

/// A straight-line run as it is in the end: windows are parts of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// Its bytes, over the registers where it stands.
    pub code: Vec<u8>,
    /// What lives behind each instruction.
    pub live: Vec<Live>,
    /// Where its first instruction comes from.
    pub loc: SrcLoc,
    /// The label before it.
    pub label: Option<Label>,
    /// Loops around it.
    pub depth: u32,
}

/// What became of a function's windows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WindowReport {
    /// Replaced windows.
    pub hits: Vec<Hit>,
    /// Windows whose name was made and looked up in vain.
    pub misses: u32,
    /// All runs, where they are asked for.
    pub runs: Vec<Run>,
}

/// Replaces and collects the windows of a function; its name is for whoever bisects.
pub(crate) fn windows(
    program: &mut Program,
    options: &WindowOptions,
    march: March,
    name: &str,
) -> WindowReport {
    let mut report = WindowReport::default();
    if let Some(store) = options.store.as_deref().filter(|s| !s.is_empty()) {
        let allowed = |h: &Hit| match options.bisect.as_deref() {
            Some(b) => b.allows(&format_args!("window {name} {h}")),
            None => true,
        };
        replace(program, store, march, &allowed, &mut report);
    }
    if options.harvest {
        report.runs = runs(program);
    }
    report
}

/// The items of a function, piece by piece: what no window has, and runs.
struct Walk<'a> {
    items: &'a [Item],
    known: &'a [Option<Known>],
}

impl Walk<'_> {
    /// The indices of a run's instructions, from an item on. Source locations are passed over.
    fn run(&self, from: usize) -> Vec<usize> {
        let mut out = Vec::new();
        for n in from..self.items.len() {
            match (&self.items[n], &self.known[n]) {
                (Item::Loc(_), _) => {}
                (_, Some(k)) if k.effect.usable => out.push(n),
                _ => break,
            }
        }
        out
    }

    fn instructions(&self, at: &[usize]) -> Vec<Instruction> {
        at.iter()
            .filter_map(|n| self.known[*n].map(|k| k.inst))
            .collect()
    }
}

/// A window's replacement: which items, and what instead.
struct Found {
    until: usize,
    items: Vec<Item>,
    hit: Hit,
}

fn replace(
    program: &mut Program,
    store: &WindowStore,
    march: March,
    allowed: &dyn Fn(&Hit) -> bool,
    report: &mut WindowReport,
) {
    let Some(known) = known(program) else { return };
    let walk = Walk {
        items: &program.items,
        known: &known,
    };
    // Most functions have no window that looks like one of the store's.
    let starts: Vec<bool> = known
        .iter()
        .map(|k| k.is_some_and(|k| k.effect.usable && store.begins(shape(0, &k.inst))))
        .collect();
    if !starts.contains(&true) {
        return;
    }
    let mut behind = None;
    let mut loc = SrcLoc(0);
    let (mut out, mut moved) = (
        Vec::with_capacity(program.items.len()),
        vec![0u32; program.items.len()],
    );
    let mut n = 0;
    while n < program.items.len() {
        if let Item::Loc(l) = program.items[n] {
            loc = l;
        }
        if starts[n] {
            let behind: &Vec<Live> = behind.get_or_insert_with(|| live(program, &known));
            let found = longest(&walk, n, behind, store, (march, loc), &mut report.misses);
            if let Some(found) = found.filter(|f| allowed(&f.hit)) {
                // Locations inside hold from behind the window on.
                let mut inside = program.items[n..found.until].iter();
                let last = inside.rfind(|i| matches!(i, Item::Loc(_))).copied();
                moved[n..found.until].fill(out.len() as u32);
                out.extend(found.items);
                out.extend(last);
                if let Some(Item::Loc(l)) = last {
                    loc = l;
                }
                report.hits.push(found.hit);
                n = found.until;
                continue;
            }
        }
        moved[n] = out.len() as u32;
        out.push(program.items[n]);
        n += 1;
    }
    program.items = out;
    program
        .ports
        .iter_mut()
        .for_each(|p| p.at = moved[p.at as usize]);
}

/// The longest window from an item on that has a replacement.
fn longest(
    walk: &Walk<'_>,
    from: usize,
    behind: &[Live],
    store: &WindowStore,
    (march, loc): (March, SrcLoc),
    misses: &mut u32,
) -> Option<Found> {
    let mut run = walk.run(from);
    run.truncate(LONGEST);
    let code = walk.instructions(&run);
    let (mut hash, mut ends) = (0, Vec::new());
    for (n, i) in code.iter().enumerate() {
        hash = shape(hash, i);
        if store.may_have(hash) {
            ends.push(n + 1);
        }
        if !store.begins(hash) {
            break;
        }
    }
    for end in ends.into_iter().rev() {
        let last = run[end - 1];
        let Some(window) = canonical(&code[..end], behind[last]) else {
            continue;
        };
        let key = window.key();
        let Some(r) = store.get(&key, march) else {
            *misses += 1;
            continue;
        };
        let Some(new) = placed(r, &window.renaming) else {
            continue;
        };
        let raw = |i: &Instruction| {
            let bytes = encode(std::slice::from_ref(i))?;
            Some(Item::Raw(Raw::new(&bytes)?))
        };
        let Some(items) = new.iter().map(raw).collect::<Option<Vec<_>>>() else {
            continue;
        };
        return Some(Found {
            until: last + 1,
            hit: Hit {
                loc,
                key,
                sizes: (end as u32, items.len() as u32),
            },
            items,
        });
    }
    None
}

/// All runs of a function.
fn runs(program: &Program) -> Vec<Run> {
    let Some(known) = known(program) else {
        return Vec::new();
    };
    let behind = live(program, &known);
    let walk = Walk {
        items: &program.items,
        known: &known,
    };
    let (mut out, mut n, mut loc, mut label) = (Vec::new(), 0, SrcLoc(0), None);
    while n < program.items.len() {
        match program.items[n] {
            Item::Loc(l) => loc = l,
            Item::Label(l) => label = Some(l),
            _ => {}
        }
        if known[n].is_some_and(|k| k.effect.usable) {
            let run = walk.run(n);
            let next = run.last().map_or(n + 1, |l| l + 1);
            if let Some(code) = encode(&walk.instructions(&run)) {
                out.push(Run {
                    code,
                    live: run.iter().map(|n| behind[*n]).collect(),
                    loc,
                    label,
                    depth: 0,
                });
            }
            for item in &program.items[n..next] {
                if let Item::Loc(l) = item {
                    loc = *l;
                }
            }
            n = next;
        } else {
            n += 1;
        }
    }
    out
}
