//! A short differential fuzzing run with a fixed seed: about 200 programs, interpreted and compiled.
//!
//! `TRINITY_FUZZ_SEED` and `TRINITY_FUZZ_COUNT` choose another one; `./x fuzz` runs campaigns.

use std::time::Duration;
use trinity_tests::fuzz::judge::Way;
use trinity_tests::fuzz::{Options, campaign};
use trinity_tests::run::bin_dir;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(default)
}

#[test]
fn generated_programs_agree_with_the_reference() {
    assert!(
        bin_dir().join("trinityc").is_file(),
        "build first: ./x build (programs are run with the release binaries in {})",
        bin_dir().display()
    );
    let seed = number("TRINITY_FUZZ_SEED", 2026);
    let count = number("TRINITY_FUZZ_COUNT", 200);
    println!("seed {seed}, {count} programs");
    let keep = std::env::temp_dir().join(format!("trinity-fuzz-short-{}", std::process::id()));
    let o = Options {
        seed,
        count,
        from: 0,
        batch: 50,
        ways: Way::ALL.to_vec(),
        keep: keep.clone(),
        env: Vec::new(),
        flags: Vec::new(),
        own_profile: false,
        deadline: None,
        reduce: Duration::from_secs(10),
        progress: None,
        jobs: std::thread::available_parallelism().map_or(1, |n| n.get()),
    };
    let report = campaign(&o).expect("lua5.4, trinity and trinityc can be run");
    let texts: Vec<&str> = report.differences.iter().map(|d| d.text.as_str()).collect();
    assert_eq!(report.programs, count);
    assert!(
        texts.is_empty(),
        "seed {seed}: {} programs differ:\n{}",
        texts.len(),
        texts.join("\n")
    );
    // Kept when programs differ, for whoever looks.
    let _ = std::fs::remove_dir_all(keep);
}
