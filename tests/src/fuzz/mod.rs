//! A differential fuzzing campaign: generated programs in batches, each batch one file, under lua5.4 and both our ways.
//!
//! Linking dominates, so a batch is compiled as one executable. A batch that differs is halved until single programs are left; those are
//! kept, with a reduced version beside them.
//!
//! lua5.4 5.4.4 has a bug of its own: when a metamethod of a concatenation makes the stack grow, OP_CONCAT goes on with an address in the
//! old stack (`ra` in its `checkGC`), and a wrong result, a wrong message, a crash or a loop follows. So a program that differs is
//! run by the reference once more with stacks grown beforehand: when that agrees with ours, or the reference crashes, it counts as the
//! reference's fault.

pub mod coverage;
pub mod judge;
pub mod reduce;

use crate::generate;
use crate::run::Outcome;
use judge::{Judge, Way, describe};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Program k has seed `seed + k`.
    pub seed: u64,
    /// Programs.
    pub count: u64,
    /// First k.
    pub from: u64,
    /// Programs in one file.
    pub batch: u64,
    /// Our ways to compare.
    pub ways: Vec<Way>,
    /// Folder for scratch files and for programs that differ.
    pub keep: PathBuf,
    /// Environment for ours (stress modes).
    pub env: Vec<(String, String)>,
    /// Options for `trinityc`, such as `-O2`.
    pub flags: Vec<String>,
    /// Compile with a profile from a run of the batch itself.
    pub own_profile: bool,
    /// Begin no batch after this.
    pub deadline: Option<Instant>,
    /// Time to spend on making one program smaller.
    pub reduce: Duration,
    /// Say how far it is every so often.
    pub progress: Option<Duration>,
    /// Batches at a time.
    pub jobs: usize,
}

/// A program that differs.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Its k.
    pub index: u64,
    /// Which of ours differs.
    pub way: Way,
    /// What differs, and where the program is.
    pub text: String,
}

/// What a campaign found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Programs run.
    pub programs: u64,
    /// Those where the reference does not agree with itself (see the module).
    pub reference_faults: u64,
    /// Those that differ, in order.
    pub differences: Vec<Difference>,
    /// Last k run, plus one.
    pub end: u64,
}

impl Report {
    /// Programs since the last one that differs.
    pub fn clean_tail(&self) -> u64 {
        match self.differences.last() {
            Some(d) => self.end - d.index - 1,
            None => self.programs,
        }
    }
}

/// Runs the campaign.
pub fn campaign(o: &Options) -> std::io::Result<Report> {
    std::fs::create_dir_all(&o.keep)?;
    let judge = Judge {
        dir: std::path::absolute(&o.keep)?,
        env: o.env.clone(),
        flags: o.flags.clone(),
        own_profile: o.own_profile,
        limit: Duration::from_secs(20 + o.batch / 5),
    };
    let batches = (o.count.saturating_sub(o.from)).div_ceil(o.batch);
    let next = AtomicU64::new(0);
    let done = AtomicU64::new(0);
    let found = Mutex::new(Vec::new());
    let faults = AtomicU64::new(0);
    let failure = Mutex::new(None);
    let began = Instant::now();
    let said = Mutex::new(began);
    let work = || {
        loop {
            if o.deadline.is_some_and(|d| Instant::now() >= d) {
                break;
            }
            let b = next.fetch_add(1, Ordering::Relaxed);
            if b >= batches {
                break;
            }
            let first = o.from + b * o.batch;
            let n = o.batch.min(o.count - first);
            for &way in &o.ways {
                match check(o, &judge, way, first, n, &faults) {
                    Ok(bad) => lock(&found).extend(bad),
                    Err(e) => {
                        *lock(&failure) = Some(e);
                        next.store(batches, Ordering::Relaxed);
                        return;
                    }
                }
            }
            let programs = done.fetch_add(n, Ordering::Relaxed) + n;
            let mut said = lock(&said);
            if o.progress.is_some_and(|p| said.elapsed() >= p) {
                *said = Instant::now();
                let seconds = began.elapsed().as_secs_f64();
                println!(
                    "{} of {} programs, {} differences, {:.0} programs/s",
                    o.from + programs,
                    o.count,
                    lock(&found).len(),
                    programs as f64 / seconds
                );
            }
        }
    };
    std::thread::scope(|s| {
        for _ in 0..o.jobs.max(1) {
            s.spawn(work);
        }
    });
    if let Some(e) = lock(&failure).take() {
        return Err(e);
    }
    let mut differences = std::mem::take(&mut *lock(&found));
    differences.sort_by_key(|d: &Difference| d.index);
    let programs = done.into_inner();
    Ok(Report {
        programs,
        reference_faults: faults.into_inner(),
        differences,
        // Batches are taken in order, and every one taken is finished.
        end: o.from + programs,
    })
}

fn lock<T>(m: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    m.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Programs of a batch that differ.
fn check(
    o: &Options,
    judge: &Judge,
    way: Way,
    first: u64,
    n: u64,
    faults: &AtomicU64,
) -> std::io::Result<Vec<Difference>> {
    let seed = o.seed + first;
    let name = format!("s{seed}-{n}-{}", way.name());
    let want = judge.reference(&name, &generate::batch(seed, n))?;
    let got = judge.ours(&name, way)?;
    // A program with a syntax error hides its whole batch; alone it is the generator's fault.
    let valid = want.code != Some(1);
    if want == got && want.code == Some(0) {
        judge.forget(&name)?;
        return Ok(Vec::new());
    }
    if n > 1 {
        judge.forget(&name)?;
        let half = n / 2;
        let before = faults.load(Ordering::Relaxed);
        let mut bad = check(o, judge, way, first, half, faults)?;
        bad.extend(check(o, judge, way, first + half, n - half, faults)?);
        if !bad.is_empty() || want == got || faults.load(Ordering::Relaxed) > before {
            return Ok(bad);
        }
        // Only together.
        judge.reference(&name, &generate::batch(seed, n))?;
    }
    let program = (name.as_str(), seed, n);
    if valid && reference_fault(judge, program, &want, &got)? {
        faults.fetch_add(1, Ordering::Relaxed);
        println!("REFERENCE FAULT ({}) seed {seed}", way.name());
        return Ok(Vec::new());
    }
    let kept = judge.dir.join(format!("{name}.lua"));
    let mut text = format!(
        "DIFFERENCE ({}) seed {seed}{}: {}\n{}",
        way.name(),
        if n > 1 {
            format!(" and {} more together", n - 1)
        } else {
            String::new()
        },
        kept.display(),
        if valid {
            describe(&want, &got)
        } else {
            format!("  invalid: {}\n", String::from_utf8_lossy(&want.stderr))
        }
    );
    if n == 1 && valid && !o.reduce.is_zero() && !also_other_way(judge, seed, way) {
        let small = shrink(o, judge, way, seed);
        text += "  reduced:\n";
        for l in small.lines() {
            text += &format!("    {l}\n");
        }
        std::fs::write(
            judge.dir.join(format!("{name}.reduced")),
            generate::wrap(seed, &small),
        )?;
    }
    println!("{text}");
    Ok(vec![Difference {
        index: first,
        way,
        text,
    }])
}

/// True when the program was kept for the first way already: no need to reduce it twice.
fn also_other_way(judge: &Judge, seed: u64, way: Way) -> bool {
    way != Way::ALL[0]
        && judge
            .dir
            .join(format!("s{seed}-1-{}.lua", Way::ALL[0].name()))
            .exists()
}

/// Runs of the reference in which it may print what we did. Where keys are objects, the order of `next` is that of addresses, which each process has anew.
const AGAIN: usize = 16;

/// True when the reference is at fault (see the module), or prints sometimes one thing and sometimes ours. The file `name` is as before afterwards, if not.
fn reference_fault(
    judge: &Judge,
    (name, seed, n): (&str, u64, u64),
    want: &Outcome,
    got: &Outcome,
) -> std::io::Result<bool> {
    let text = generate::batch(seed, n);
    let grown = judge.reference(name, &generate::with_grown_stacks(&text))?;
    let crashed = |o: &Outcome| o.timed_out || o.code.is_none();
    if grown == *got || crashed(want) && crashed(&grown) {
        judge.forget(name)?;
        return Ok(true);
    }
    for _ in 0..AGAIN {
        if judge.reference(name, &text)? == *got {
            judge.forget(name)?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// A smaller body that still differs.
fn shrink(o: &Options, judge: &Judge, way: Way, seed: u64) -> String {
    let name = format!("r{seed}-{}", way.name());
    let quick = Judge {
        limit: Duration::from_secs(10),
        ..judge.clone()
    };
    let head = format!("== {seed}\n");
    let small = reduce::reduce(
        &generate::program(seed),
        Instant::now() + o.reduce,
        &mut |body| {
            let differs = || -> std::io::Result<bool> {
                let want = quick.reference(&name, &generate::wrap(seed, body))?;
                let valid = !want.timed_out && want.stdout.starts_with(head.as_bytes());
                if !valid || want.code.is_none() {
                    return Ok(false);
                }
                let got = quick.ours(&name, way)?;
                let grown = generate::with_grown_stacks(&generate::wrap(seed, body));
                Ok(want != got && quick.reference(&name, &grown)? != got)
            };
            differs().unwrap_or(false)
        },
    );
    // A file that is not there is no loss.
    let _ = judge.forget(&name);
    small
}
