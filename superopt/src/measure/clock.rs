//! The time stamp counter against the system's clock.

use std::arch::x86_64::{__cpuid, _rdtsc};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Nanoseconds per tick of the time stamp counter, measured once per process; `None` when its rate is not constant.
pub fn ns_per_tick() -> Option<f64> {
    static RATE: OnceLock<Option<f64>> = OnceLock::new();
    *RATE.get_or_init(|| constant_rate().then(calibrate))
}

fn constant_rate() -> bool {
    const POWER_MANAGEMENT: u32 = 0x8000_0007;
    const INVARIANT: u32 = 1 << 8;
    __cpuid(0x8000_0000).eax >= POWER_MANAGEMENT && __cpuid(POWER_MANAGEMENT).edx & INVARIANT != 0
}

/// The median of several intervals, each long enough that reading both clocks is below a millionth of it.
fn calibrate() -> f64 {
    const INTERVALS: usize = 5;
    const LENGTH: Duration = Duration::from_millis(4);
    let mut rates: Vec<f64> = (0..INTERVALS)
        .map(|_| {
            let (start, first) = both();
            while start.elapsed() < LENGTH {}
            let (end, last) = both();
            (end - start).as_nanos() as f64 / (last - first) as f64
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    rates[INTERVALS / 2]
}

/// Both clocks at one moment: of several readings, the one with the least time between them.
fn both() -> (Instant, u64) {
    // SAFETY: rdtsc is part of x86-64, and Linux leaves it to user code.
    let counter = || unsafe { _rdtsc() };
    let reading = |_| {
        let before = counter();
        let now = Instant::now();
        let after = counter();
        (after - before, now, before + (after - before) / 2)
    };
    let best = (0..16).map(reading).min_by_key(|(gap, ..)| *gap);
    best.map_or_else(
        || (Instant::now(), counter()),
        |(_, now, counter)| (now, counter),
    )
}
