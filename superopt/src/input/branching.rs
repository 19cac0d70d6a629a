//! Parts of a function whose branches join again: one target each, whatever stands around them.
//!
//! The problem: a function with calls or loops is no target as a whole, and a region is straight-line code, so that the
//! small branches between two calls or inside of a loop belonged to nothing. A part begins in a block that ends with a
//! conditional branch and goes on to a block where all paths from there meet. It has one entry and one exit, no loop, no
//! call, nothing that changes the stack pointer, and is one piece of the text, so that straight-line code can take its
//! place there. What it computes is a term per live place, branches converted (see [`super::terms`]).

use super::cfg::{Block, Cfg, Exit};
use super::line::Parts as Line;
use super::object::Function;
use iced_x86::Mnemonic;
use std::ops::Range;

/// Blocks of a part at most.
const MAX_BLOCKS: usize = 12;

/// Blocks from a branch to where its paths meet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// The block that ends with the branch.
    pub first: usize,
    /// The block where all paths meet; of it, a beginning may belong to the part.
    pub join: usize,
}

impl Span {
    /// Whether nothing but the part leads to the block where it ends.
    fn owns_join(&self, cfg: &Cfg) -> bool {
        sources(cfg, self.join).all(|b| (self.first..self.join).contains(&b))
    }
}

/// The reachable blocks that lead to a block.
fn sources(cfg: &Cfg, to: usize) -> impl Iterator<Item = usize> + '_ {
    let leads = move |b: &&usize| cfg.blocks[**b].exit.targets().any(|t| t == to);
    cfg.order.iter().filter(leads).copied()
}

/// The blocks from the branch at the end of `first` to the nearest place where its paths meet and everything between is
/// theirs; why there is none.
///
/// # Errors
/// With the reason, in words.
fn meet(cfg: &Cfg, first: usize) -> Result<Span, &'static str> {
    let inside = |join: usize| {
        (first..join).all(|b| {
            let forward = cfg.blocks[b].exit.targets().all(|t| b < t && t <= join);
            let leaves = matches!(cfg.blocks[b].exit, Exit::Return | Exit::Tail);
            let own = b == first || sources(cfg, b).all(|s| (first..join).contains(&s));
            forward && !leaves && own
        })
    };
    let last = cfg.blocks.len().min(first + MAX_BLOCKS + 1);
    match (first + 2..last).find(|j| inside(*j)) {
        Some(join) => Ok(Span { first, join }),
        None => Err("its paths do not meet in the lines that follow it, or others lead there"),
    }
}

/// The branches of a function that are no loop's: where the paths of each meet, or why it cannot be converted, with the
/// branch's instruction, outer ones first.
pub fn spans(cfg: &Cfg) -> Vec<(usize, Result<Span, &'static str>)> {
    let mut out: Vec<(usize, Result<Span, &'static str>)> = Vec::new();
    for (b, block) in cfg.blocks.iter().enumerate() {
        let (Exit::Branch(_, taken, next), Some(jump)) = (block.exit, block.jump) else {
            continue;
        };
        let back = cfg.loops.iter().any(|l| {
            l.blocks.contains(&b) && !(l.blocks.contains(&taken) && l.blocks.contains(&next))
                || l.header == taken
        });
        if back || !cfg.order.contains(&b) {
            continue;
        }
        out.push((jump, meet(cfg, b)));
    }
    out
}

/// The longest run of instructions around a span that is a part: `plain` says of an instruction that it may be replaced.
///
/// # Errors
/// With the reason, in words, when something between the branch and the join cannot be replaced.
pub fn range(
    f: &Function,
    cfg: &Cfg,
    span: Span,
    most: usize,
    plain: &mut dyn FnMut(usize) -> bool,
) -> Result<Range<usize>, &'static str> {
    let (head, join) = (&cfg.blocks[span.first], &cfg.blocks[span.join]);
    let Some(jump) = head.jump else {
        return Err("it ends with no branch");
    };
    let jumps: Vec<usize> = (span.first..span.join)
        .filter_map(|b| cfg.blocks[b].jump)
        .collect();
    for n in jump + 1..join.body.start {
        if !jumps.contains(&n) && !plain(n) {
            return Err(
                "between the branch and where its paths meet is a call, or an instruction that cannot be replaced",
            );
        }
    }
    let mut at = jump..join.body.start;
    if at.len() > most {
        return Err("it is too long");
    }
    while at.start > head.body.start
        && at.len() < most
        && plain(at.start - 1)
        && !divided(f, at.start - 1, at.start, false)
    {
        at.start -= 1;
    }
    // Padding has no line.
    let lined = |n: &usize| f.code[*n].line.is_some();
    let pairs: Vec<usize> = (jump..join.body.start).filter(lined).collect();
    if pairs.windows(2).any(|p| divided(f, p[0], p[1], true)) {
        return Err("directives stand between its lines");
    }
    while span.owns_join(cfg)
        && at.end < join.body.end
        && at.len() < most
        && plain(at.end)
        && !divided(f, at.end - 1, at.end, at.end == join.body.start)
    {
        at.end += 1;
    }
    // A comparison belongs to the branch behind it.
    let compares = |n: usize| {
        let mnemonic = f.code[n].instruction.mnemonic();
        matches!(mnemonic, Mnemonic::Cmp | Mnemonic::Test)
    };
    while at.end > join.body.start && compares(at.end - 1) {
        at.end -= 1;
    }
    Ok(at)
}

/// Whether what is between two instructions keeps them from being replaced as one: directives other than for alignment
/// and line numbers; labels, unless they are the part's own.
fn divided(f: &Function, a: usize, b: usize, own_labels: bool) -> bool {
    let (Some(source), Some(from), Some(to)) = (&f.source, f.code[a].line, f.code[b].line) else {
        return false;
    };
    if to <= from {
        return true;
    }
    let harmless = |s: &str| s.starts_with(".loc") || own_labels && is_alignment(s);
    let bad = |l: &String, statement: bool| {
        Line::of(l).is_none_or(|p| {
            let directive = statement && p.statement.starts_with('.') && !harmless(p.statement);
            directive || !own_labels && !p.labels.is_empty()
        })
    };
    let between = &source.lines[from as usize..to as usize - 1];
    between.iter().any(|l| bad(l, true)) || bad(&source.lines[to as usize - 1], false)
}

/// The lines between the lines of a run that only align what follows them.
pub fn alignments(f: &Function, run: Range<usize>) -> Vec<u32> {
    let lines = run.filter_map(|n| f.code[n].line);
    let (Some(source), Some(from), Some(to)) = (&f.source, lines.clone().min(), lines.max()) else {
        return Vec::new();
    };
    let aligns = |l: &u32| {
        let parts = Line::of(&source.lines[*l as usize - 1]);
        parts.is_some_and(|p| is_alignment(p.statement))
    };
    (from..to).filter(aligns).collect()
}

/// Whether a statement aligns what follows it.
fn is_alignment(statement: &str) -> bool {
    let name = statement.split_whitespace().next().unwrap_or("");
    matches!(name, ".p2align" | ".align" | ".balign")
}

/// The control flow of a run of instructions by itself: its blocks cut to the run, the first one first, the last one where
/// it ends. Nothing when the run is not a part.
pub fn cut(cfg: &Cfg, run: &Range<usize>) -> Option<Cfg> {
    let holds = |b: &Block| b.body.start < run.end && end_of(b) > run.start;
    let first = cfg.blocks.iter().position(holds)?;
    let last = cfg.blocks.iter().rposition(holds)?;
    // Either the run ends inside of its last block, or all paths leave to what follows: an empty block.
    let inside = run.end < end_of(&cfg.blocks[last]);
    let end = if inside { last } else { last + 1 };
    let mut blocks = Vec::new();
    for (n, b) in cfg.blocks[first..=last].iter().enumerate() {
        let exit = match inside && first + n == last {
            true => Exit::Return,
            false => moved(b.exit, first, end)?,
        };
        blocks.push(Block {
            body: b.body.start.max(run.start)..b.body.end.min(run.end),
            jump: b.jump.filter(|j| *j < run.end),
            exit,
        });
    }
    if !inside {
        blocks.push(Block {
            body: run.end..run.end,
            jump: None,
            exit: Exit::Return,
        });
    }
    Some(Cfg {
        order: (0..blocks.len()).collect(),
        live_out: Vec::new(),
        loops: Vec::new(),
        blocks,
    })
}

/// The instruction after a block.
fn end_of(b: &Block) -> usize {
    b.jump.map_or(b.body.end, |j| j + 1)
}

/// An exit with its targets numbered from `first`, none after `last`.
fn moved(exit: Exit, first: usize, last: usize) -> Option<Exit> {
    let to = |t: usize| (first < t && t <= last).then(|| t - first);
    match exit {
        Exit::Goto(t) => Some(Exit::Goto(to(t)?)),
        Exit::Branch(c, t, n) => Some(Exit::Branch(c, to(t)?, to(n)?)),
        Exit::Return | Exit::Tail => None,
    }
}
