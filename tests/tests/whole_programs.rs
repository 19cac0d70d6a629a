//! Every example and test program behaves as under lua5.4, interpreted and compiled.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use trinity_tests::run::bin_dir;
use trinity_tests::suite::{Options, compare};

/// A comparison uses all processors, and its programs have deadlines: one at a time.
static ONE: Mutex<()> = Mutex::new(());

/// Runs all of them; `set` changes how.
fn agree(set: impl FnOnce(&mut Options)) {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(
        bin_dir().join("trinityc").is_file(),
        "build first: ./x build (the programs are tested with the release binaries in {})",
        bin_dir().display()
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut o = Options {
        roots: vec![root.join("lua"), root.join("../examples")],
        interpret: false,
        compile: true,
        flags: Vec::new(),
        own_profile: false,
        env: Vec::new(),
        seconds: 60,
    };
    set(&mut o);
    let r = compare(&o);
    assert!(
        r.programs > 100,
        "the test programs are part of the repository"
    );
    assert!(
        r.failures.is_empty(),
        "{} of {} programs differ:\n{}",
        r.failures.len(),
        r.programs,
        r.failures.join("\n")
    );
}

#[test]
fn examples_and_test_programs_agree_with_the_reference() {
    agree(|o| o.interpret = true);
}

/// The optimizer without a profile: nothing is speculated on but integer loops.
#[test]
fn optimized_programs_agree_with_the_reference() {
    agree(|o| o.flags = vec!["-O2".into()]);
}

/// With a profile of the same run, and every guard failing once all the same.
#[test]
fn speculating_programs_agree_with_the_reference_when_every_guard_fails_once() {
    agree(|o| {
        o.flags = vec!["-O2".into(), "--stress-guards".into()];
        o.own_profile = true;
        o.env = vec![("TRINITY_DEOPT_STRESS".into(), "1".into())];
    });
}

/// Likewise, with all that this processor has.
#[test]
fn programs_for_this_processor_agree_with_the_reference() {
    agree(|o| {
        o.flags = vec!["-O2".into(), "-march=native".into()];
        o.own_profile = true;
    });
}

/// With a profile of the same run, as users have it.
#[test]
fn speculating_programs_agree_with_the_reference() {
    agree(|o| {
        o.flags = vec!["-O2".into()];
        o.own_profile = true;
    });
}
