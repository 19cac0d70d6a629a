//! The words worth having: what cheap expressions for the results are made of.
//!
//! Each result is enumerated by itself; as soon as one is found, all parts of its expressions are inputs of the
//! enumerations for the others. A word is what it is on all tests of the bank.

use super::super::lanes::{self, Block};
use super::super::loc;
use super::super::program::width_mask;
use super::super::target::Target;
use super::super::tests::TestBank;
use super::super::values::{
    Def, Enumeration, Expr, Limits, Macro, MacroSet, Progress, argument, value_ops,
};
use std::sync::atomic::Ordering;

/// What the enumerations may do.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Evaluations in all.
    pub evaluations: u64,
    /// Threads.
    pub jobs: usize,
}

/// A word: its value on every test, a block per group.
pub type Word = Vec<Block>;

/// The words, and which of them are given and wanted.
pub struct Found {
    /// All words, different from one another.
    pub words: Vec<Word>,
    /// By input: its word.
    pub inputs: Vec<usize>,
    /// By output: the words that have its value in the bits that matter.
    pub outputs: Vec<Vec<usize>>,
}

impl Found {
    /// Of words and which of them are inputs; none when an output is not among them.
    pub(super) fn of(
        t: &Target,
        bank: &TestBank,
        mut words: Vec<Word>,
        inputs: Vec<usize>,
    ) -> Option<Found> {
        // Registers are cleared before flags are put into them, and before divisions.
        add(&mut words, vec![Block::ZERO; bank.groups.len()]);
        let outputs: Vec<Vec<usize>> = (0..t.outputs.len())
            .map(|o| candidates(t, bank, &words, o))
            .collect();
        outputs.iter().all(|o| !o.is_empty()).then_some(Found {
            words,
            inputs,
            outputs,
        })
    }
}

/// Words that later enumerations may use, inputs left out.
const LEAVES: usize = 14;
/// Words kept.
const WORDS: usize = 44;
/// Expressions whose parts are kept, for each result.
const EXPRESSIONS: usize = 32;
/// Evaluations per attempt at a result, in turn.
const ROUNDS: [u64; 4] = [1_000_000, 8_000_000, 60_000_000, 500_000_000];
/// Evaluations after the first expression for a result.
const AFTER_FIRST: u64 = 1_500_000;

/// The words for a target; `None` when a result was not found within the budget.
pub fn collect(t: &Target, bank: &TestBank, budget: Budget, progress: &Progress) -> Option<Found> {
    let ops = value_ops(t, &[]);
    let all = MacroSet::new(&ops);
    let related = all.related(&ops, t);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(budget.jobs.max(1))
        .build()
        .ok()?;
    let groups = bank.groups.len();
    let mut words: Vec<Word> = Vec::new();
    let inputs: Vec<usize> = (0..t.inputs.len())
        .map(|i| {
            let w = (0..groups).map(|g| bank.groups[g].inputs[i]).collect();
            add(&mut words, w)
        })
        .collect();
    let given = words.len();
    let mut open: Vec<usize> = (0..t.outputs.len()).collect();
    // A result may be an input.
    open.retain(|o| candidates(t, bank, &words, *o).is_empty());
    for round in ROUNDS {
        for macros in [&related, &all] {
            let mut again = !open.is_empty();
            while again {
                again = false;
                for o in open.clone() {
                    let extra = &words[given..words.len().min(given + LEAVES)];
                    let leaves = bank.with_inputs(extra);
                    let left = budget
                        .evaluations
                        .saturating_sub(progress.evaluations.load(Ordering::Relaxed));
                    if left == 0 || progress.stop.load(Ordering::Relaxed) {
                        return None;
                    }
                    let found = attempt(
                        &pool,
                        (macros, &leaves),
                        (o, t.outputs[o].width),
                        round.min(left),
                        progress,
                    );
                    for e in found.iter().take(EXPRESSIONS) {
                        for w in parts(macros, &leaves, e) {
                            if words.len() < WORDS {
                                add(&mut words, w);
                            }
                        }
                    }
                    if !candidates(t, bank, &words, o).is_empty() {
                        open.retain(|x| *x != o);
                        again = !open.is_empty();
                    }
                }
            }
        }
        if open.is_empty() {
            break;
        }
    }
    Found::of(t, bank, words, inputs)
}

/// One enumeration with its own count of evaluations, which is added to the whole.
fn attempt(
    pool: &rayon::ThreadPool,
    (macros, bank): (&MacroSet, &TestBank),
    (output, width): (usize, u32),
    evaluations: u64,
    progress: &Progress,
) -> Vec<Expr> {
    let limits = Limits {
        evaluations: progress.evaluations.load(Ordering::Relaxed) + evaluations,
        after_first: AFTER_FIRST,
        ..Limits::default()
    };
    progress.until.store(0, Ordering::Relaxed);
    let found = pool.install(|| {
        Enumeration::new(macros, bank, &[], (output, width), limits, progress).run(bank)
    });
    progress.until.store(0, Ordering::Relaxed);
    found
}

/// The number of a word, which is added when it is new.
pub(super) fn add(words: &mut Vec<Word>, w: Word) -> usize {
    words.iter().position(|x| *x == w).unwrap_or_else(|| {
        words.push(w);
        words.len() - 1
    })
}

/// Words that have an output's value where it matters.
fn candidates(t: &Target, bank: &TestBank, words: &[Word], output: usize) -> Vec<usize> {
    let mask = width_mask(t.outputs[output].width);
    let fits = |w: &Word| {
        w.iter().zip(&bank.groups).all(|(b, g)| {
            let mut lanes = b.0.iter().zip(&g.expected[output].0);
            lanes.all(|(x, y)| (x ^ y) & mask == 0)
        })
    };
    (0..words.len()).filter(|w| fits(&words[*w])).collect()
}

/// The words of an expression's nodes, inputs left out.
fn parts(macros: &MacroSet, bank: &TestBank, e: &Expr) -> Vec<Word> {
    let mut arena = vec![Block::ZERO; loc::BLOCKS as usize];
    let mut words: Vec<Word> = Vec::new();
    for n in &e.nodes {
        let word = match n {
            Def::Input(i) => bank.groups.iter().map(|g| g.inputs[*i as usize]).collect(),
            Def::Apply { m, args } => {
                let m = &macros.macros[*m as usize];
                (0..bank.groups.len())
                    .map(|g| {
                        let args: Vec<Block> = args[..m.args as usize]
                            .iter()
                            .map(|a| words[*a as usize][g])
                            .collect();
                        apply(&mut arena, m, &args)
                    })
                    .collect()
            }
        };
        words.push(word);
    }
    let made = |n: &&(&Def, Word)| matches!(n.0, Def::Apply { .. });
    let all: Vec<(&Def, Word)> = e.nodes.iter().zip(words).collect();
    all.iter().filter(made).map(|n| n.1.clone()).collect()
}

fn apply(arena: &mut [Block], m: &Macro, args: &[Block]) -> Block {
    for (i, a) in args.iter().enumerate() {
        arena[argument(i) as usize] = *a;
    }
    arena[loc::FAULT as usize] = Block::ZERO;
    lanes::run(lanes::level(), &m.steps, arena);
    arena[m.result as usize]
}
