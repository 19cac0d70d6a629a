//! Every example and test program behaves as under lua5.4, interpreted and compiled.

use std::path::Path;
use trinity_tests::run::bin_dir;
use trinity_tests::suite::{Options, compare};

#[test]
fn examples_and_test_programs_agree_with_the_reference() {
    assert!(
        bin_dir().join("trinityc").is_file(),
        "build first: ./x build (the programs are tested with the release binaries in {})",
        bin_dir().display()
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let o = Options {
        roots: vec![root.join("lua"), root.join("../examples")],
        interpret: true,
        compile: true,
        env: Vec::new(),
        seconds: 60,
    };
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
