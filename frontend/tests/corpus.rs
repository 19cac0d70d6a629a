//! Every Lua file of the repository compiles, verifies, and survives the way through its binary form.
//!
//! `TRINITY_CORPUS=DIR` adds a folder of your own.

use std::path::{Path, PathBuf};

use trinity_frontend::bytecode::{Liveness, Proto, dump, listing, undump, verify};
use trinity_frontend::{compile, skip_shebang};

fn lua_files(dir: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            lua_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "lua") {
            out.push(path);
        }
    }
}

fn corpus() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for dir in ["tests/lua", "examples", "benches"] {
        lua_files(&root.join(dir), &mut files);
    }
    if let Some(dir) = std::env::var_os("TRINITY_CORPUS") {
        lua_files(Path::new(&dir), &mut files);
    }
    files.sort();
    files
}

fn check_liveness(proto: &Proto, path: &Path) {
    let live = Liveness::new(proto);
    for pc in 0..proto.code.len() {
        for set in [live.live_at(pc), live.live_across(pc)] {
            assert!(
                set.top() <= usize::from(proto.max_stack),
                "{}: {pc}",
                path.display()
            );
        }
    }
    for inner in &proto.protos {
        check_liveness(inner, path);
    }
}

fn listed(proto: &Proto) -> String {
    listing::list(proto)
}

#[test]
fn everything_verifies_and_round_trips() {
    for path in corpus() {
        let source = std::fs::read(&path).unwrap();
        let name = format!("@{}", path.display());
        // Test programs may hold errors on purpose; what they say is compared elsewhere.
        let Ok(proto) = compile(skip_shebang(&source), name.as_bytes()) else {
            continue;
        };
        if let Err(e) = verify(&proto) {
            panic!("{}: {e}\n{}", path.display(), listed(&proto));
        }
        check_liveness(&proto, &path);

        let whole = undump(&dump(&proto, false)).unwrap();
        assert_eq!(listed(&whole), listed(&proto), "{}", path.display());
        let stripped =
            undump(&dump(&proto, true)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(
            stripped.lines.is_empty() && stripped.loc_vars.is_empty() && stripped.source.is_none()
        );
        assert_eq!(stripped.code, proto.code);
        check_liveness(&stripped, &path);
        let again = undump(&dump(&stripped, false)).unwrap();
        assert_eq!(listed(&again), listed(&stripped));
    }
}
