//! Every example, bench and test program lowers to IR that verifies, and to code whose allocation checks.

use std::path::{Path, PathBuf};

fn lua_files(dir: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            lua_files(&path, out);
        } else if path.extension().is_some_and(|x| x == "lua") {
            out.push(path);
        }
    }
}

#[test]
fn everything_compiles_and_verifies() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for dir in ["benches", "examples", "tests/lua"] {
        lua_files(&root.join(dir), &mut files);
    }
    assert!(files.len() > 50, "the programs are part of the repository");
    let levels = [0, 1, 2].map(|opt_level| trinity_lower::Options {
        verify: true,
        opt_level,
        ..Default::default()
    });
    let mut compiled = 0;
    for f in files {
        let source = std::fs::read(&f).expect("a file that was listed can be read");
        let text = trinity_frontend::lex::skip_shebang(&source);
        // Syntax errors are what some of the programs test.
        let Ok(proto) = trinity_frontend::compile(text, b"@test.lua") else {
            continue;
        };
        for opts in &levels {
            if let Err(e) = trinity_lower::compile_module(&proto, opts) {
                panic!("{} at -O{}: {e}", f.display(), opts.opt_level);
            }
        }
        compiled += 1;
    }
    assert!(compiled > 50);
}

/// Bytes of machine code of the first function inside a chunk, at -O2.
fn code_size(source: &str) -> u32 {
    let proto = trinity_frontend::compile(source.as_bytes(), b"@size.lua").expect("it is Lua");
    let opts = trinity_lower::Options {
        opt_level: 2,
        ..Default::default()
    };
    let module = trinity_lower::compile_module(&proto, &opts).expect("it compiles");
    module.funcs[1].text_len
}

#[test]
fn straight_code_grows_with_its_length() {
    // Every line has slow paths, and everything before it is alive: each may not store all of it.
    let source = |n: usize| {
        let line = |i| format!("local v{i} = t.f{i}; local c{i} = function() return v{i} end\n");
        let all = |c| (0..n).map(move |i| format!("{c}{i}"));
        let used: Vec<String> = all("v").chain(all("c")).collect();
        let lines: String = (0..n).map(line).collect();
        format!(
            "local function f(t)\n{lines}return {{{}}}\nend\nreturn f",
            used.join(", ")
        )
    };
    let (short, long) = (code_size(&source(20)), code_size(&source(80)));
    assert!(
        long < 6 * short,
        "20 lines are {short} bytes, 80 lines {long}"
    );
}
