//! The search on a harvest: cheap wins first, run by run in order of expected gain, then the engines on what is heaviest.
//!
//! The store is the state: what is found is in it at once, what was tried in vain soon after, and neither is done again with
//! the same budget.

use super::cost::Cost;
use super::harvest::{Harvest, Run};
use super::kept::{self, Kept};
use super::measured::{Untimed, timed};
use super::peephole::candidates;
use super::prove::{Tester, prove_window};
use super::unhex;
use crate::input::ImproveOptions;
use crate::proof::{Limits, ProofResult};
use crate::report::verdict::Verdict;
use crate::run::{Deadline, Progress, progress::Work, stop};
use crate::search::improve::Engines;
use crate::search::loc;
use crate::search::target::{Port, Target};
use crate::store::{Entry, Lookup, Spent, Store, StoreError};
use iced_x86::{Instruction, InstructionInfoFactory};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use trinity_codegen::isa::March;
use trinity_codegen::window::{Canonical, LONGEST, Live, WindowStore, canonical, decode, effect};

/// Time for one proof.
pub const PROOF: Duration = Duration::from_millis(700);
/// Candidates of a window that are put to the prover at most, one after the other.
const TRIES: usize = 3;
/// Times that the same change is put to the prover in vain, in different windows.
const CHANCES: u32 = 4;
/// Failures that are put into the store together.
const TOGETHER: usize = 512;
/// Instructions of windows that the engines get.
const FOR_ENGINES: std::ops::RangeInclusive<usize> = 2..=10;

/// What a search uses.
pub struct Settings {
    /// When it ends.
    pub deadline: Deadline,
    /// Threads.
    pub jobs: usize,
    /// Seed of tests and engines.
    pub seed: u64,
    /// Measure what can be measured, and keep nothing that is slower.
    pub measure: bool,
}

/// What a search did.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Done {
    /// Windows that were looked at.
    pub windows: usize,
    /// Windows passed over since the store says what became of them.
    pub known: usize,
    /// Candidates that were proven wrong or not at all.
    pub unproven: usize,
    /// Proven, but measured slower.
    pub slower: usize,
    /// What was found in this run.
    pub found: usize,
}

struct Shared<'a> {
    settings: &'a Settings,
    store: &'a Store,
    engines: &'a Engines,
    progress: &'a Arc<Progress>,
    /// Replacements by the names of windows.
    known: Mutex<HashMap<Vec<u8>, Vec<Instruction>>>,
    seen: Mutex<HashSet<Vec<u8>>>,
    failures: Mutex<Vec<Entry>>,
    /// Changes that were not proven, and how often.
    doubtful: Mutex<HashMap<Vec<u8>, u32>>,
    done: Mutex<Done>,
}

/// What a candidate changes, whatever stands around it and whichever registers it has.
fn change(old: &[Instruction], new: &[Instruction]) -> Vec<u8> {
    let same =
        |a: &[Instruction], b: &[Instruction]| a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let from = same(old, new);
    let (old, new) = (&old[from..], &new[from..]);
    let reversed = |c: &[Instruction]| c.iter().rev().copied().collect::<Vec<_>>();
    let behind = same(&reversed(old), &reversed(new));
    let (old, new) = (&old[..old.len() - behind], &new[..new.len() - behind]);
    let all = canonical(&[old, new].concat(), !Live::NONE);
    let bytes = all.map_or(Vec::new(), |c| c.bytes);
    [vec![old.len() as u8], bytes].concat()
}

/// A window where it stands in a run.
struct Place<'a> {
    window: Canonical,
    code: &'a [Instruction],
    live: &'a [Live],
    march: March,
}

/// Ignores that another thread panicked while it held the lock: the data are sets and counters.
fn lock<T>(m: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    m.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Searches a harvest; results go to the store.
///
/// # Errors
/// When the store fails.
pub fn search(
    harvest: &Harvest,
    store: &Store,
    engines: &Engines,
    progress: &Arc<Progress>,
    settings: &Settings,
) -> Result<Done, StoreError> {
    let mut known = HashMap::new();
    for k in kept::of_store(store)?.0 {
        if let (Some(key), Some(code)) = (unhex(&k.key), unhex(&k.new).and_then(|b| decode(&b))) {
            known.insert(key, code);
        }
    }
    let shared = Shared {
        settings,
        store,
        engines,
        progress,
        known: Mutex::new(known),
        seen: Mutex::default(),
        failures: Mutex::default(),
        doubtful: Mutex::default(),
        done: Mutex::default(),
    };
    let mut runs: Vec<(&Run, u64)> = harvest.runs.iter().map(|r| (r, predicted(r))).collect();
    runs.sort_by(|a, b| (b.0.weight * b.1 as f64).total_cmp(&(a.0.weight * a.1 as f64)));
    for engines in [false, true] {
        lock(&shared.seen).clear();
        progress.begin(
            if engines {
                "engines"
            } else {
                "near candidates"
            },
            true,
        );
        let next = AtomicUsize::new(0);
        let failed = Mutex::new(None);
        std::thread::scope(|scope| {
            for _ in 0..settings.jobs.max(1) {
                scope.spawn(|| {
                    while let Some((run, _)) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if shared.over() {
                            break;
                        }
                        if let Err(e) = shared.run(run, engines) {
                            *lock(&failed) = Some(e);
                            break;
                        }
                    }
                });
            }
        });
        shared.put_failures(true)?;
        if let Some(e) = lock(&failed).take() {
            return Err(e);
        }
    }
    let done = std::mem::take(&mut *lock(&shared.done));
    Ok(done)
}

/// Times what the store has and nobody timed. Returns how many were timed, and how many of those are faster.
///
/// # Errors
/// When the store fails.
pub fn time_kept(store: &Store, deadline: &Deadline) -> Result<(usize, usize), StoreError> {
    let mut untimed = Vec::new();
    store.each(|found| {
        if let Lookup::Proven(e) = found
            && let Some(k) = Kept::of_entry(&e)
            && k.measured.is_empty()
        {
            untimed.push((e, k));
        }
    })?;
    let (mut all, mut faster) = (0, 0);
    for (entry, mut k) in untimed {
        if deadline.over().is_some() || stop::requested() {
            break;
        }
        let window = unhex(&k.key).and_then(|b| WindowStore::window(&b));
        let code = unhex(&k.new).and_then(|b| decode(&b));
        let (Some(w), Some(code)) = (window, code) else {
            continue;
        };
        all += 1;
        k.measured = match timed(&w, &code) {
            Ok(t) => {
                faster += usize::from(t.faster);
                t.text
            }
            Err(why) => not_timed(&why),
        };
        // The entry that costs no more stays: it has to be a little cheaper to take the old one's place.
        let cost = entry.cost.unwrap_or(0.0) - 0.001;
        let new = k.entry(&w, 0, entry.spent);
        store.put(Entry {
            query: entry.query,
            cost: Some(cost),
            spent: Spent::default(),
            ..new
        })?;
    }
    Ok((all, faster))
}

fn not_timed(why: &Untimed) -> String {
    format!("not timed: {why}")
}

/// What a run could save at most by the model.
fn predicted(run: &Run) -> u64 {
    let Some((code, live)) = run.parts() else {
        return 0;
    };
    let Some(last) = live.last() else { return 0 };
    canonical(&code, *last).map_or(0, |w| Cost::new(&w, &w.code).most(w.live.gpr.count_ones()))
}

impl Shared<'_> {
    /// The time is over, or the user asked for an end.
    fn over(&self) -> bool {
        self.settings.deadline.over().is_some() || stop::requested()
    }

    fn run(&self, run: &Run, engines: bool) -> Result<(), StoreError> {
        let (Some((code, live)), Some(march)) = (run.parts(), March::parse(&run.march)) else {
            return Ok(());
        };
        let meter = self
            .progress
            .meter(if engines { "engines" } else { "near" });
        for size in 1..=LONGEST.min(code.len()) {
            if engines && !FOR_ENGINES.contains(&size) {
                continue;
            }
            for start in 0..=code.len() - size {
                if self.over() {
                    return Ok(());
                }
                let (part, live) = (&code[start..start + size], &live[start..start + size]);
                let Some(window) = canonical(part, live[size - 1]) else {
                    continue;
                };
                let name = window.key();
                if !lock(&self.seen).insert(name.clone()) || lock(&self.known).contains_key(&name) {
                    continue;
                }
                let place = Place {
                    window,
                    code: part,
                    live,
                    march,
                };
                meter.add(Work {
                    proposals: 1,
                    ..Work::default()
                });
                self.window(&place, engines)?;
            }
        }
        Ok(())
    }

    /// What an attempt at a window may spend.
    fn budget(&self, engines: bool) -> Spent {
        Spent {
            proposals: if engines { 2 } else { 1 },
            rlimit: 0,
            seconds: if engines {
                self.engines.patience.as_secs_f64()
            } else {
                0.0
            },
        }
    }

    fn window(&self, p: &Place<'_>, engines: bool) -> Result<(), StoreError> {
        let mut question = kept::question(&p.window);
        question.march = p.march.name();
        let budget = self.budget(engines);
        if !self.store.worth_trying(&question, &budget)? {
            lock(&self.done).known += 1;
            return Ok(());
        }
        lock(&self.done).windows += 1;
        let start = self.composed(p);
        let found = match engines {
            false => self.near(p, &start),
            true => self.engines(p, &start),
        };
        let Some((code, proof, engine)) = found else {
            let why = "nothing better that is proven";
            let failure = Entry::failure(question, Verdict::Timeout, budget, why);
            lock(&self.failures).push(failure);
            return self.put_failures(false);
        };
        let (old, new) = (
            Cost::new(&p.window, &p.window.code),
            Cost::new(&p.window, &code),
        );
        let gain = old.gain(&new).unwrap_or(1);
        let mut result = Kept::new(&p.window, &code, gain);
        if self.settings.measure {
            match timed(&p.window, &code) {
                Ok(t) => {
                    result.measured = t.text;
                    if t.slower && !t.faster {
                        lock(&self.done).slower += 1;
                        let why = format!("proven but slower: {}", result.measured);
                        let failure = Entry::failure(question, Verdict::Timeout, budget, &why);
                        lock(&self.failures).push(failure);
                        return self.put_failures(false);
                    }
                }
                Err(why) => result.measured = not_timed(&why),
            }
        }
        result.engine = engine;
        result.proof = match proof.asked() {
            0 => "identity and integer forms".into(),
            n => format!("solver, {n} questions"),
        };
        self.store.put(Entry {
            query: question,
            ..result.entry(&p.window, new.total(), budget)
        })?;
        lock(&self.known).insert(p.window.key(), code);
        lock(&self.done).found += 1;
        Ok(())
    }

    fn put_failures(&self, all: bool) -> Result<(), StoreError> {
        let mut waiting = lock(&self.failures);
        if !all && waiting.len() < TOGETHER {
            return Ok(());
        }
        let some = std::mem::take(&mut *waiting);
        drop(waiting);
        self.store.put_all(some)
    }

    /// The window's code with what is known of its parts put in, as the compiler would.
    fn composed(&self, p: &Place<'_>) -> Vec<Instruction> {
        let known = lock(&self.known);
        let (mut out, mut n) = (Vec::new(), 0);
        let size = p.code.len();
        while n < size {
            let part = (n + 1..=size)
                .rev()
                .filter(|end| end - n < size)
                .find_map(|end| {
                    let w = canonical(&p.code[n..end], p.live[end - 1])?;
                    let new = known.get(&w.key())?;
                    let back = w.renaming.inverse();
                    let new: Option<Vec<_>> = new.iter().map(|i| back.apply(i)).collect();
                    Some((new?, end))
                });
            match part {
                Some((new, end)) => {
                    out.extend(new);
                    n = end;
                }
                None => {
                    out.push(p.code[n]);
                    n += 1;
                }
            }
        }
        let renamed: Option<Vec<_>> = out.iter().map(|i| p.window.renaming.apply(i)).collect();
        renamed.unwrap_or_else(|| p.window.code.clone())
    }

    fn prove(&self, w: &Canonical, code: &[Instruction], time: Duration) -> Option<ProofResult> {
        // What it uses has to be what the compiler accepts.
        let bytes = trinity_codegen::window::encode(code)?;
        WindowStore::default().add(&w.key(), &bytes, 1).ok()?;
        let limits = Limits {
            seed: self.settings.seed,
            ..Limits::within(time)
        };
        let proof = prove_window(w, code, &limits, &self.engines.solvers).ok()?;
        if proof.verdict == Verdict::Proven {
            return Some(proof);
        }
        lock(&self.done).unproven += 1;
        None
    }

    /// The best of what is near, step by step.
    fn near(
        &self,
        p: &Place<'_>,
        start: &[Instruction],
    ) -> Option<(Vec<Instruction>, ProofResult, String)> {
        let w = &p.window;
        let tester = Tester::new(w, self.settings.seed)?;
        let mut best: Option<(Vec<Instruction>, ProofResult)> = None;
        let mut now = start.to_vec();
        loop {
            let before = Cost::new(w, &now);
            let mut better: Vec<(u32, usize, Vec<Instruction>)> = candidates(w, &now, p.march)
                .into_iter()
                .filter(|c| tester.passes(c))
                .filter_map(|c| {
                    let cost = Cost::new(w, &c);
                    Some((before.gain(&cost)?, cost.bytes(), c))
                })
                .collect();
            better.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
            better.dedup_by(|a, b| a.2 == b.2);
            // What tests pass and no quick proof decides is mostly like what comes after it, and no better in a longer window.
            better.retain(|c| {
                let times = lock(&self.doubtful).get(&change(&now, &c.2)).copied();
                times.is_none_or(|n| n < CHANCES)
            });
            let proven = better.into_iter().take(TRIES).find_map(|(_, _, c)| {
                let proof = self.prove(w, &c, PROOF / 3);
                if proof.is_none() {
                    *lock(&self.doubtful).entry(change(&now, &c)).or_default() += 1;
                }
                Some((proof?, c))
            });
            let Some((proof, code)) = proven else { break };
            now.clone_from(&code);
            best = Some((code, proof));
        }
        best.map(|(code, proof)| (code, proof, "near".into()))
    }

    /// What the engines find.
    fn engines(
        &self,
        p: &Place<'_>,
        start: &[Instruction],
    ) -> Option<(Vec<Instruction>, ProofResult, String)> {
        let w = &p.window;
        let before = Cost::new(w, start);
        if before.most(w.live.gpr.count_ones()) == 0 {
            return None;
        }
        let target = target(w, p.march)?;
        let options = ImproveOptions {
            deadline: Deadline::after(self.settings.deadline.clamp(4 * self.engines.patience)),
            jobs: 1,
            seed: self.settings.seed,
            from_scratch: false,
        };
        let outcome = self.engines.search(&target, &options).ok()?;
        outcome.found.into_iter().take(8).find_map(|f| {
            before.gain(&Cost::new(w, &f.code))?;
            let proof = self.prove(w, &f.code, PROOF)?;
            Some((f.code, proof, f.engine))
        })
    }
}

/// The target that a window is.
fn target(w: &Canonical, march: March) -> Option<Target> {
    let mut factory = InstructionInfoFactory::new();
    let mut flags = 0;
    for i in &w.code {
        flags |= effect(i, &mut factory).reads.flags;
    }
    let writes = w.writes();
    let places = |l: Live| {
        let gpr = (0..16u16).filter(move |n| l.gpr >> n & 1 == 1);
        let flags = (0..6u16).filter(move |n| l.flags >> n & 1 == 1);
        gpr.chain(flags.map(|n| loc::FLAG0 + n))
    };
    let port = |at| Port {
        at,
        width: if at >= loc::FLAG0 { 1 } else { 64 },
    };
    let inputs: Vec<Port> = places(Live {
        gpr: w.registers(),
        flags,
    })
    .map(port)
    .collect();
    let outputs: Vec<Port> = places(w.live & writes).map(port).collect();
    let free = Live {
        gpr: writes.gpr,
        flags: writes.flags | !w.live.flags & 0x3f,
    };
    let scratch = places(free).fold(0, |s, l| s | loc::bit(l));
    Target::from_code("window", &w.code, &inputs, &outputs, scratch, march).ok()
}
