//! IR files and what becomes of them. The first line of a file names the stage: `; test listing` shows the code,
//! `; test verify` the verifier's complaint, `; test opt` what the optimizer makes of it, `; test unroll` with loops unrolled, `; test closed` with sums over counters (`; test opt listing` its code; with `v3` at the end, code for x86-64-v3). The result stands beside it as `.expected`; `BLESS=1` rewrites it.

use std::fmt::Write;
use std::path::Path;
use trinity_codegen::ir::{SymbolRef, parse, verify};
use trinity_codegen::isa::March;
use trinity_codegen::opt::{self, OptOptions};
use trinity_codegen::{Names, Options, SelectOptions, compile, listing};

/// Every pass, each checked; loops are unrolled, or computed at once, where that is what is shown.
fn on(march: March, stage: &str) -> OptOptions {
    OptOptions {
        verify: true,
        unroll: stage == "unroll",
        closed: stage == "closed",
        four_lanes: march.includes(March::V3),
        ..OptOptions::ALL
    }
}

fn result(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("readable");
    let stage = text
        .lines()
        .next()
        .and_then(|l| l.strip_prefix("; test "))
        .unwrap_or("");
    let (stage, march) = match stage.strip_suffix(" v3") {
        Some(stage) => (stage, March::V3),
        None => (stage, March::V1),
    };
    let funcs = match parse(&text) {
        Ok(funcs) => funcs,
        Err(e) => return format!("{e}\n"),
    };
    let mut out = String::new();
    for f in &funcs {
        let again = parse(&f.to_string()).expect("the printed form parses");
        assert_eq!(again[0].to_string(), f.to_string());
        match stage {
            "verify" => match verify(f) {
                Ok(()) => writeln!(out, "{}: fine", f.name).expect("string"),
                Err(e) => writeln!(out, "{e}").expect("string"),
            },
            "opt" | "unroll" | "closed" => {
                let mut f = f.clone();
                opt::run(&mut f, &on(march, stage), None);
                let again = parse(&f.to_string()).expect("the printed form parses");
                assert_eq!(again[0].to_string(), f.to_string());
                write!(out, "{f}").expect("string");
            }
            "listing" | "opt listing" => {
                let options = Options {
                    verify: true,
                    check_allocation: true,
                    opt: stage.starts_with("opt").then(|| on(march, stage)),
                    select: SelectOptions {
                        march,
                        ..SelectOptions::default()
                    },
                    ..Options::default()
                };
                let code =
                    compile(f, &options).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                let names = Names {
                    function: &f.name,
                    symbol: &|s: SymbolRef| format!("symbol{}", s.0),
                    annotate: &|l| Some(format!("line {}", l.0)),
                };
                writeln!(out, "{}", listing(&code, &names)).expect("string");
            }
            _ => panic!("{}: no stage `{stage}`", path.display()),
        }
    }
    out
}

#[test]
fn filetests() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/filetests");
    let bless = std::env::var_os("BLESS").is_some();
    let mut failed = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(&dir).expect("directory") {
        let path = entry.expect("entry").path();
        if path.extension().is_none_or(|e| e != "ir") {
            continue;
        }
        count += 1;
        let got = result(&path);
        let golden = path.with_extension("expected");
        if bless {
            std::fs::write(&golden, &got).expect("writable");
        } else if std::fs::read_to_string(&golden).unwrap_or_default() != got {
            failed.push(format!("{}:\n{got}", path.display()));
        }
    }
    assert!(count > 0);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
