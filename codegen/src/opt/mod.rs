//! Optimisation of functions in SSA form, before selection. [`run`] is the entry.
//!
//! Each pass takes a function that verifies and leaves one that does. What they may rely on, beside the rules of the IR:
//! regions do not lie ([`Region`](crate::ir::Region)), and nobody else changes memory while the function runs, the thread
//! record aside: accesses relative to the thread register that are neither `Const` nor `Proto` are volatile, neither removed nor assumed
//! to repeat.
//!
//! Functions that have vectors already are simplified only.
//!
//! Budgets are counts, never clocks, so that the same function gives the same code.

mod carry;
mod closed;
mod compact;
mod consts;
mod dce;
mod defer;
mod demanded;
pub mod divide;
mod eval;
mod fold;
mod graph;
mod gvn;
mod hash;
mod known;
pub(crate) mod loops;
mod narrow;
mod options;
mod peel;
mod reassociate;
pub mod region;
mod report;
mod simplify;
mod sink;
mod truth;
mod unroll;
mod vector;
mod version;
mod within;
mod words;

pub(crate) use fold::mirror;
pub use options::{OptOptions, OptStats};
pub use report::{Reason, Stay, Stays};

use known::Known;
use report::Report;

use crate::ir::{Cfg, Function, Value, verify};

/// Instructions and terminators of a function up to which all passes run; larger ones are simplified only.
pub const FULL_SIZE: u32 = 50_000;

/// How often values are numbered at the end, at most.
const AGAIN: usize = 4;

/// Optimises a function. Blocks, instructions and values are renumbered.
pub fn run(
    f: &mut Function,
    options: &OptOptions,
    regions: Option<&dyn region::RegionPass>,
) -> OptStats {
    passes(f, options, regions, &mut Report::new(false))
}

/// As [`run`], and says what stayed in innermost loops.
pub fn explain(
    f: &mut Function,
    options: &OptOptions,
    regions: Option<&dyn region::RegionPass>,
) -> (OptStats, Vec<Stay>) {
    let mut report = Report::new(true);
    let stats = passes(f, options, regions, &mut report);
    report.loops(f);
    (stats, report.finish())
}

fn passes(
    f: &mut Function,
    options: &OptOptions,
    regions: Option<&dyn region::RegionPass>,
    report: &mut Report,
) -> OptStats {
    let mut stats = OptStats {
        insts_before: size(f),
        ..OptStats::default()
    };
    simplify(f, options, &mut stats);
    if stats.insts_before <= FULL_SIZE && !vector::present(f) {
        let mut known = Known::default();
        narrow(f, options, &mut known, &mut stats);
        number(f, options, &mut known, &mut stats);
        if options.truths && truth::run(f, &mut stats) {
            check(f, options, "truths");
            simplify(f, options, &mut stats);
        }
        if options.peel && peel::run(f, options.versions, &mut known, &mut stats, report) {
            check(f, options, "peel");
            simplify(f, options, &mut stats);
            number(f, options, &mut known, &mut stats);
        }
        for kind in [version::Kind::Within, version::Kind::Appends] {
            if options.versions && version::run(f, kind, &mut known, &mut stats) {
                check(f, options, "version");
                simplify(f, options, &mut stats);
                number(f, options, &mut known, &mut stats);
            }
        }
        if has_loops(f) {
            again(f, options, &mut known, &mut stats);
        }
        if stats.peeled > 0 && within::run(f, &known, &mut stats) {
            check(f, options, "within");
            simplify(f, options, &mut stats);
            again(f, options, &mut known, &mut stats);
        }
        // A loop around others counts and adds when they are gone.
        for _ in 0..closed::DEPTH {
            if !(options.closed && closed::run(f, &mut stats)) {
                break;
            }
            check(f, options, "closed");
            simplify(f, options, &mut stats);
            number(f, options, &mut known, &mut stats);
        }
        if options.carry && carry::run(f, &mut stats) {
            check(f, options, "carry");
            simplify(f, options, &mut stats);
            number(f, options, &mut known, &mut stats);
        }
        narrow(f, options, &mut known, &mut stats);
        let vectors = |f: &Function, cfg: &Cfg, loops: &loops::Loops, n: u32| {
            options.vector && vector::wants(f, cfg, loops, n, options.four_lanes)
        };
        if options.unroll && unroll::run(f, vectors, &mut known, &mut stats) {
            check(f, options, "unroll");
            simplify(f, options, &mut stats);
            number(f, options, &mut known, &mut stats);
            narrow(f, options, &mut known, &mut stats);
        }
        if options.reassociate {
            reassociate::run(f, &mut stats);
            check(f, options, "reassociate");
        }
        if options.words {
            words::run(f, &mut known, &mut stats);
            check(f, options, "words");
        }
        if options.vector && vector::run(f, options.four_lanes, &mut known, &mut stats) {
            check(f, options, "vector");
        }
        if let Some(pass) = regions {
            // What nobody needs would count as gained.
            if options.dce {
                dce::run(f, &mut stats);
                check(f, options, "dce");
            }
            stats.regions = region::run(f, pass, &known);
            check(f, options, "regions");
        }
    }
    if options.demanded {
        demanded::run(f, &mut stats);
        check(f, options, "demanded");
    }
    divide::run(f, &mut stats);
    check(f, options, "divide");
    if options.sink
        && !vector::present(f)
        && stats.insts_before <= FULL_SIZE
        && sink::run(f, &mut stats)
    {
        check(f, options, "sink");
    }
    if options.defer
        && !vector::present(f)
        && stats.insts_before <= FULL_SIZE
        && defer::run(f, &mut stats)
    {
        check(f, options, "defer");
    }
    if options.dce {
        dce::run(f, &mut stats);
        check(f, options, "dce");
    }
    let order: Vec<_> = (0..f.blocks.len() as u32).map(crate::ir::Block).collect();
    compact::compact(f, &order, &mut Known::default());
    check(f, options, "compact");
    stats.insts_after = size(f);
    stats
}

/// How often each value is used by code that is reached.
fn use_counts(f: &Function, cfg: &Cfg) -> Vec<u32> {
    let mut uses = vec![0u32; f.values.len()];
    for &b in &cfg.rpo {
        let mut count = |v: Value| uses[v.index()] += 1;
        let data = &f.blocks[b.index()];
        for id in &data.insts {
            f.insts[id.index()].inst.for_each_use(&mut count);
        }
        if let Some(t) = &data.term {
            t.for_each_use(count);
        }
    }
    uses
}

fn has_loops(f: &Function) -> bool {
    let cfg = Cfg::new(f);
    let backwards = |b: crate::ir::Block| {
        let mut targets = f.targets(b);
        targets.any(|t| cfg.rpo_of(t.block) <= cfg.rpo_of(b))
    };
    cfg.rpo.iter().any(|&b| backwards(b))
}

fn simplify(f: &mut Function, options: &OptOptions, stats: &mut OptStats) {
    if options.simplify {
        simplify::run(f, stats);
        check(f, options, "simplify");
    }
}

fn number(f: &mut Function, options: &OptOptions, known: &mut Known, stats: &mut OptStats) {
    if options.gvn {
        gvn::run(f, options, known, stats);
        check(f, options, "gvn");
        simplify(f, options, stats);
    }
}

/// Numbers values until no more loads go: operands that were found equal make addresses and counters comparable, and
/// what was loaded may be an address itself, of which more is known now.
fn again(f: &mut Function, options: &OptOptions, known: &mut Known, stats: &mut OptStats) {
    for _ in 0..AGAIN {
        let loads = stats.loads;
        number(f, options, known, stats);
        if stats.loads == loads || stats.peeled == 0 {
            break;
        }
    }
}

fn narrow(f: &mut Function, options: &OptOptions, known: &mut Known, stats: &mut OptStats) {
    if options.narrow {
        narrow::run(f, known, stats);
        check(f, options, "narrow");
    }
}

/// Instructions and terminators of reachable blocks.
fn size(f: &Function) -> u32 {
    let cfg = Cfg::new(f);
    let sizes = cfg.rpo.iter().map(|b| f.blocks[b.index()].insts.len() + 1);
    sizes.sum::<usize>() as u32
}

/// Where the verifier is on, a pass that breaks the function is found at once.
fn check(f: &Function, options: &OptOptions, pass: &str) {
    if options.verify
        && let Err(e) = verify(f)
    {
        panic!("after {pass}: {e}\n{f}");
    }
}

/// Which values stand for which: chains are followed, cycles must not be made.
#[derive(Debug)]
struct Replace {
    map: Vec<Value>,
    /// Something was replaced since the function was last rewritten.
    pending: bool,
}

impl Replace {
    /// Every value stands for itself.
    fn new(f: &Function) -> Replace {
        Replace {
            map: (0..f.values.len() as u32).map(Value).collect(),
            pending: false,
        }
    }

    /// Takes values in that were added to the function.
    fn grow(&mut self, f: &Function) {
        let have = self.map.len() as u32;
        self.map.extend((have..f.values.len() as u32).map(Value));
    }

    fn set(&mut self, old: Value, new: Value) {
        self.map[old.index()] = new;
        self.pending = true;
    }

    fn resolve(&self, mut v: Value) -> Value {
        // Values made since the last `grow` stand for themselves.
        while let Some(&next) = self.map.get(v.index())
            && next != v
        {
            v = next;
        }
        v
    }

    /// Rewrites every operand of the function.
    fn apply(&mut self, f: &mut Function) {
        if !std::mem::take(&mut self.pending) {
            return;
        }
        for n in 0..self.map.len() {
            self.map[n] = self.resolve(Value(n as u32));
        }
        for data in &mut f.blocks {
            for id in &data.insts {
                let inst = &mut f.insts[id.index()].inst;
                inst.for_each_use_mut(|v| *v = self.resolve(*v));
            }
            if let Some(term) = &mut data.term {
                term.for_each_use_mut(|v| *v = self.resolve(*v));
            }
        }
    }
}
