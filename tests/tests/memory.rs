//! Programs whose garbage does not fit into the address space: a failing allocation collects before it gives up.

use std::path::Path;
use std::process::{Command, Output};
use trinity_tests::run::bin_dir;

/// Kilobytes of address space.
const LIMIT: u32 = 250_000;

fn limited(program: &Path, args: &[&Path]) -> Output {
    Command::new("sh")
        .arg("-c")
        .arg(format!("ulimit -v {LIMIT} && exec \"$@\""))
        .arg("sh")
        .arg(program)
        .args(args)
        .env_remove("LUA_INIT")
        .output()
        .expect("sh runs")
}

#[test]
fn garbage_beyond_the_address_space_is_collected() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("memory/churn.lua");
    let want = limited(Path::new("lua5.4"), &[&script]);
    assert!(want.status.success(), "lua5.4 itself: {want:?}");
    let exe = std::env::temp_dir().join(format!("trinity-churn-{}", std::process::id()));
    let built = Command::new(bin_dir().join("trinityc"))
        .arg(&script)
        .arg("-o")
        .arg(&exe)
        .status()
        .expect("build first: ./x build");
    assert!(built.success());
    let runs = [
        ("trinity", limited(&bin_dir().join("trinity"), &[&script])),
        ("compiled", limited(&exe, &[])),
    ];
    std::fs::remove_file(&exe).expect("the executable was made above");
    for (way, got) in runs {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(
            (
                text(&got.stdout),
                got.stderr.is_empty(),
                got.status.success()
            ),
            (text(&want.stdout), true, true),
            "{way}: {}",
            text(&got.stderr)
        );
    }
}
