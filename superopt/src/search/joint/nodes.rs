//! Which instructions give words from words: all results and flags of every instruction on every choice of operands,
//! found by evaluation on tests.
//!
//! Instructions that read flags (sums with carry, moves and sets under a condition) have two outcomes for given
//! operands. Where a wanted word is the one or the other on every test, the tests say what the condition has to be, and
//! the instructions whose flags give just that are its sources.

use super::super::lanes::{self, Block, LANES, Level, Step};
use super::super::loc;
use super::super::opset::OpSet;
use super::super::tests::TestBank;
use super::super::variant::link;
use super::shapes::{FLAGS, Place, Shape, shapes};
use super::values::Found;
use std::collections::HashMap;

/// A word's number in [`Found::words`].
pub type Value = u8;

/// Groups of tests that tell words and conditions apart.
const GROUPS: usize = 8;
/// A bit per test.
type Mask = [u32; GROUPS];
/// Sources of one condition that are kept.
const SOURCES: usize = 24;
/// Times that flags of instructions which read flags are looked at in turn.
const CHAIN: usize = 3;

/// One way to execute a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Form {
    /// Index in [`Graph::shapes`].
    pub shape: u32,
    /// By read.
    pub args: Vec<Value>,
    /// By write; none where it is of no use.
    pub results: Vec<Option<Value>>,
    /// Conditions that its flags meet.
    pub gives: Vec<u32>,
}

/// Instructions that give the same results from the same operands at the same cost.
pub struct Node {
    /// Operands, sorted, each once.
    pub args: Vec<Value>,
    /// The condition that it needs of the flags.
    pub needs: Option<u32>,
    /// Results, sorted, each once.
    pub results: Vec<Value>,
    /// In hundredths of a cycle.
    pub cost: u64,
    /// At least one.
    pub forms: Vec<Form>,
}

/// Flags with the values that they must have.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Condition {
    /// Position in [`FLAGS`] and value.
    pub flags: Vec<(usize, Mask)>,
}

/// Everything that gives a word, and all sources of conditions.
pub struct Graph<'a> {
    /// The words.
    pub found: &'a Found,
    /// The variants in use.
    pub shapes: Vec<Shape>,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// By value: the nodes with that result.
    pub makers: Vec<Vec<u32>>,
    /// By condition: flags, and nodes some form of which gives it.
    pub conditions: Vec<(Condition, Vec<u32>)>,
}

/// What one execution leaves: words by write, flags by position where defined.
struct Effect {
    words: Vec<[Block; GROUPS]>,
    flags: [Option<Mask>; 4],
}

/// Operands, condition needed, results and cost of a node.
type Key = (Vec<Value>, Option<u32>, Vec<Value>, u64);
/// Shape, operands, condition needed, and flags by position.
type Bundle = (u32, Vec<Value>, Option<u32>, [Option<Mask>; 4]);

struct Builder<'a> {
    level: Level,
    arena: Vec<Block>,
    steps: Vec<Step>,
    groups: usize,
    words: &'a [Vec<Block>],
    by_print: HashMap<u64, Vec<Value>>,
    nodes: HashMap<Key, Vec<Form>>,
    conditions: HashMap<Condition, u32>,
    /// Flags of executions: operands' form and flags, and the condition that it reads itself.
    bundles: Vec<Bundle>,
}

impl<'a> Graph<'a> {
    /// All instructions of a set over the words.
    pub fn new(
        ops: &OpSet,
        bank: &TestBank,
        found: &'a Found,
        stop: &dyn Fn() -> bool,
    ) -> Graph<'a> {
        let shapes = shapes(ops);
        let level = lanes::level();
        let mut b = Builder {
            level,
            arena: vec![Block::ZERO; loc::BLOCKS as usize],
            steps: Vec::new(),
            groups: bank.groups.len().min(GROUPS),
            words: &found.words,
            by_print: HashMap::new(),
            nodes: HashMap::new(),
            conditions: HashMap::new(),
            bundles: Vec::new(),
        };
        for (n, w) in found.words.iter().enumerate() {
            let print = lanes::fingerprint(level, &w[0], u64::MAX);
            b.by_print.entry(print).or_default().push(n as Value);
        }
        for (n, s) in shapes.iter().enumerate() {
            if s.flag_reads.is_empty() && !stop() {
                b.plain(n as u32, s, stop);
            }
        }
        let mut from = 0;
        for _ in 0..CHAIN {
            let to = b.bundles.len();
            for (n, s) in shapes.iter().enumerate() {
                if !s.flag_reads.is_empty() && !stop() {
                    b.conditional(n as u32, s, from..to, stop);
                }
            }
            from = to;
        }
        b.finish(found, shapes)
    }
}

impl Builder<'_> {
    /// Executes a shape on words with flags given; `None` when it faults on some test.
    fn execute(
        &mut self,
        s: &Shape,
        args: &[Value],
        flags: &[(usize, Mask)],
        all: bool,
    ) -> Option<Effect> {
        let regs = [8u8, 9, 10, 11];
        self.steps.clear();
        link(&mut self.steps, &s.tape, &regs);
        let place = |p: Place| match p {
            Place::Hole(k) => 8 + usize::from(k),
            Place::Fixed(r) => usize::from(r),
        };
        let mut e = Effect {
            words: vec![[Block::ZERO; GROUPS]; s.writes.len()],
            flags: [None; 4],
        };
        let groups = if all { self.groups } else { 1 };
        let wanted = |f: usize| s.source && s.flag_writes.contains(&f) && !s.undefined.contains(&f);
        for g in 0..groups {
            for (p, a) in s.reads.iter().zip(args) {
                self.arena[place(*p)] = self.words[*a as usize][g];
            }
            for (f, m) in flags {
                let bits = m[g];
                self.arena[FLAGS[*f] as usize] =
                    Block(std::array::from_fn(|i| (bits >> i & 1).into()));
            }
            self.arena[loc::FAULT as usize] = Block::ZERO;
            lanes::run(self.level, &self.steps, &mut self.arena);
            if s.faults && self.arena[loc::FAULT as usize] != Block::ZERO {
                return None;
            }
            for (w, p) in e.words.iter_mut().zip(&s.writes) {
                w[g] = self.arena[place(*p)];
            }
            for f in (0..4).filter(|f| wanted(*f)) {
                let b = &self.arena[FLAGS[f] as usize];
                let bits = (0..LANES).fold(0, |m, i| m | ((b.0[i] & 1) as u32) << i);
                e.flags[f].get_or_insert([0; GROUPS])[g] = bits;
            }
        }
        Some(e)
    }

    /// The words that the results are.
    fn known(&self, e: &Effect) -> Vec<Option<Value>> {
        let same = |w: &[Block; GROUPS], v: Value| {
            (0..self.groups).all(|g| w[g] == self.words[v as usize][g])
        };
        e.words
            .iter()
            .map(|w| {
                let print = lanes::fingerprint(self.level, &w[0], u64::MAX);
                let list = self.by_print.get(&print)?;
                list.iter().copied().find(|v| same(w, *v))
            })
            .collect()
    }

    /// Whether some result of the first group alone is a word.
    fn promising(&self, e: &Effect) -> bool {
        e.words.iter().any(|w| {
            self.by_print
                .contains_key(&lanes::fingerprint(self.level, &w[0], u64::MAX))
        })
    }

    fn node(
        &mut self,
        s: &Shape,
        shape: u32,
        args: &[Value],
        needs: Option<u32>,
        results: Vec<Option<Value>>,
    ) {
        let args = if s.clears && args.len() == 2 && args[0] == args[1] {
            &[]
        } else {
            args
        };
        let set = |mut v: Vec<Value>| {
            v.sort_unstable();
            v.dedup();
            v
        };
        let made: Vec<Value> = results
            .iter()
            .flatten()
            .copied()
            .filter(|v| !args.contains(v))
            .collect();
        if made.is_empty() && (s.flag_writes.is_empty() || !s.source) {
            return;
        }
        let key = (set(args.to_vec()), needs, set(made), s.cost);
        let form = Form {
            shape,
            args: args.to_vec(),
            results,
            gives: Vec::new(),
        };
        let forms = self.nodes.entry(key).or_default();
        if !forms.contains(&form) {
            forms.push(form);
        }
    }

    /// All operands for an instruction that reads no flags.
    fn plain(&mut self, n: u32, s: &Shape, stop: &dyn Fn() -> bool) {
        for args in choices(self.words.len(), s.reads.len()) {
            if stop() {
                return;
            }
            if s.clears && args.len() == 2 && args[0] == args[1] && args[0] != 0 {
                continue;
            }
            let Some(first) = self.execute(s, &args, &[], false) else {
                continue;
            };
            if !s.source && !self.promising(&first) {
                continue;
            }
            let Some(e) = self.execute(s, &args, &[], true) else {
                continue;
            };
            if s.source {
                self.bundles.push((n, args.clone(), None, e.flags));
            }
            let results = self.known(&e);
            if results.iter().any(Option::is_some) {
                self.node(s, n, &args, None, results);
            }
        }
    }

    /// All operands for an instruction that reads flags, which come from the bundles `from`.
    fn conditional(
        &mut self,
        n: u32,
        s: &Shape,
        from: std::ops::Range<usize>,
        stop: &dyn Fn() -> bool,
    ) {
        let k = s.flag_reads.len();
        // Which values of the flags give the other outcome: by a pair of words on which it can be seen.
        let constant = |bits: usize| -> Vec<(usize, Mask)> {
            let value = |i: usize| {
                if bits >> i & 1 == 1 {
                    [u32::MAX; GROUPS]
                } else {
                    [0; GROUPS]
                }
            };
            s.flag_reads
                .iter()
                .enumerate()
                .map(|(i, f)| (*f, value(i)))
                .collect()
        };
        let table: Vec<bool> = {
            let word = |i: usize| (i % self.words.len()) as Value;
            let sample: Vec<Value> = (0..s.reads.len()).map(word).collect();
            let Some(zero) = self.execute(s, &sample, &constant(0), true) else {
                return;
            };
            (0..1usize << k)
                .map(|bits| {
                    self.execute(s, &sample, &constant(bits), true)
                        .is_some_and(|e| e.words != zero.words)
                })
                .collect()
        };
        let Some(other) = table.iter().position(|b| *b) else {
            return;
        };
        // The bundles as conditions of this instruction.
        let mut masks: Vec<(Mask, Vec<(usize, Mask)>)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for b in &self.bundles[from] {
            let flags: Option<Vec<(usize, Mask)>> = s
                .flag_reads
                .iter()
                .map(|f| b.3[*f].map(|m| (*f, m)))
                .collect();
            let Some(flags) = flags else { continue };
            if !seen.insert(flags.clone()) {
                continue;
            }
            let mask: Mask = std::array::from_fn(|g| {
                (0..LANES).fold(0, |m, i| {
                    let bits = flags
                        .iter()
                        .enumerate()
                        .fold(0, |b, (j, f)| b | ((f.1[g] >> i & 1) as usize) << j);
                    m | u32::from(table[bits]) << i
                })
            });
            masks.push((mask, flags));
        }
        for args in choices(self.words.len(), s.reads.len()) {
            if stop() {
                return;
            }
            let Some(x0) = self.execute(s, &args, &constant(0), true) else {
                continue;
            };
            let Some(x1) = self.execute(s, &args, &constant(other), true) else {
                continue;
            };
            let (Some(x0), Some(x1)) = (x0.words.first(), x1.words.first()) else {
                continue;
            };
            for v in 0..self.words.len() {
                if args.contains(&(v as Value)) && s.reads.len() < 2 {
                    continue;
                }
                let Some((must, not)) = self.asked(x0, x1, v) else {
                    continue;
                };
                let fits =
                    |m: &Mask| (0..self.groups).all(|g| must[g] & !m[g] == 0 && not[g] & m[g] == 0);
                let fitting: Vec<Vec<(usize, Mask)>> = masks
                    .iter()
                    .filter(|m| fits(&m.0))
                    .map(|m| m.1.clone())
                    .take(SOURCES)
                    .collect();
                for flags in fitting {
                    let Some(e) = self.execute(s, &args, &flags, true) else {
                        continue;
                    };
                    let results = self.known(&e);
                    if results.first() != Some(&Some(v as Value)) {
                        continue;
                    }
                    let next = self.conditions.len() as u32;
                    let id = *self.conditions.entry(Condition { flags }).or_insert(next);
                    if s.source {
                        self.bundles.push((n, args.clone(), Some(id), e.flags));
                    }
                    self.node(s, n, &args, Some(id), results);
                }
            }
        }
    }

    /// On which tests a word is only the one outcome, or only the other; `None` when it is neither on some test, or
    /// both everywhere, or always the same one.
    fn asked(&self, x0: &[Block; GROUPS], x1: &[Block; GROUPS], v: usize) -> Option<(Mask, Mask)> {
        let (mut must, mut not) = ([0u32; GROUPS], [0u32; GROUPS]);
        for g in 0..self.groups {
            let w = &self.words[v][g];
            for i in 0..LANES {
                let (a, b, x) = (x0[g].0[i], x1[g].0[i], w.0[i]);
                if x != a && x != b {
                    return None;
                }
                if a != b {
                    if x == b {
                        must[g] |= 1 << i;
                    } else {
                        not[g] |= 1 << i;
                    }
                }
            }
        }
        (must != [0; GROUPS] && not != [0; GROUPS]).then_some((must, not))
    }

    fn finish(mut self, found: &Found, shapes: Vec<Shape>) -> Graph<'_> {
        let mut conditions: Vec<Condition> =
            vec![Condition { flags: Vec::new() }; self.conditions.len()];
        for (c, n) in &self.conditions {
            conditions[*n as usize] = c.clone();
        }
        // Executions whose flags meet a condition become nodes, by their flags if not by their results.
        let bundles = std::mem::take(&mut self.bundles);
        let mut gives: HashMap<(u32, Vec<Value>, Option<u32>), Vec<u32>> = HashMap::new();
        for (shape, args, needs, flags) in bundles {
            let met: Vec<u32> = (0..conditions.len() as u32)
                .filter(|c| {
                    conditions[*c as usize]
                        .flags
                        .iter()
                        .all(|(f, m)| flags[*f] == Some(*m))
                })
                .collect();
            if met.is_empty() {
                continue;
            }
            let s = &shapes[shape as usize];
            if s.writes.is_empty() {
                let form = Form {
                    shape,
                    args: args.clone(),
                    results: Vec::new(),
                    gives: Vec::new(),
                };
                let mut set = args.clone();
                set.sort_unstable();
                set.dedup();
                let forms = self
                    .nodes
                    .entry((set, needs, Vec::new(), s.cost))
                    .or_default();
                if !forms.contains(&form) {
                    forms.push(form);
                }
            }
            gives.insert((shape, args, needs), met);
        }
        let mut nodes: Vec<Node> = self
            .nodes
            .into_iter()
            .map(|((args, needs, results, cost), forms)| Node {
                args,
                needs,
                results,
                cost,
                forms,
            })
            .collect();
        // Hash maps have no order of their own.
        nodes.sort_by(|a, b| {
            (a.cost, &a.results, &a.args, a.needs).cmp(&(b.cost, &b.results, &b.args, b.needs))
        });
        let mut makers = vec![Vec::new(); found.words.len()];
        let mut out: Vec<(Condition, Vec<u32>)> =
            conditions.into_iter().map(|c| (c, Vec::new())).collect();
        for (n, node) in nodes.iter_mut().enumerate() {
            for r in &node.results {
                makers[*r as usize].push(n as u32);
            }
            for f in &mut node.forms {
                if let Some(met) = gives.get(&(f.shape, f.args.clone(), node.needs)) {
                    f.gives.clone_from(met);
                    for c in met {
                        if out[*c as usize].1.last() != Some(&(n as u32)) {
                            out[*c as usize].1.push(n as u32);
                        }
                    }
                }
            }
        }
        Graph {
            found,
            shapes,
            nodes,
            makers,
            conditions: out,
        }
    }
}

/// All tuples of `k` words.
fn choices(words: usize, k: usize) -> impl Iterator<Item = Vec<Value>> {
    let total = words.pow(k as u32);
    (0..total).map(move |mut n| {
        (0..k)
            .map(|_| {
                let v = (n % words) as Value;
                n /= words;
                v
            })
            .collect()
    })
}
