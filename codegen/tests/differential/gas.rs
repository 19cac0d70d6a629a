//! What `emit_gas` writes assembles to the very bytes it was made from, and `as` knows every instruction we use.

use crate::generate;
use std::process::Command;
use trinity_codegen::ir::SymbolRef;
use trinity_codegen::isa::March;
use trinity_codegen::{Names, Options, SelectOptions, compile, emit_gas, listing};

/// Every other function for a processor that has more.
fn options(seed: u64) -> Options {
    let march = [March::V1, March::V3][seed as usize % 2];
    Options {
        select: SelectOptions {
            march,
            ..SelectOptions::default()
        },
        ..Options::default()
    }
}

#[test]
fn the_gnu_assembler_gives_the_same_bytes() {
    let dir = std::env::temp_dir().join(format!("trinity-codegen-gas-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("temporary directory");
    let (source, object, flat) = (dir.join("a.s"), dir.join("a.o"), dir.join("a.bin"));
    let mut text = String::new();
    let mut expected = Vec::new();
    let mut starts = Vec::new();
    for seed in 1..=150 {
        let code = compile(&generate::function(seed), &options(seed)).expect("compiles");
        let name = format!("seed {seed}");
        let symbol = |s: SymbolRef| format!("symbol.{}", s.0);
        let names = Names {
            function: &name,
            symbol: &symbol,
            annotate: &|l| Some(format!("block {}", l.0)),
        };
        text.push_str(&emit_gas(&code, &names));
        assert!(listing(&code, &names).lines().count() > 3);
        // The assembler pads with no-ops, and fills relocated fields with zeros as we do.
        expected.resize(
            expected.len() / 16 * 16 + if expected.len() % 16 == 0 { 0 } else { 16 },
            0u8,
        );
        starts.push((expected.len(), code.code.len()));
        expected.extend_from_slice(&code.code);
    }
    std::fs::write(&source, &text).expect("write");
    let run = |c: &mut Command| {
        let out = c.output().expect("binutils are installed");
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
    };
    run(Command::new("as").arg("-o").arg(&object).arg(&source));
    run(Command::new("objcopy")
        .args(["-O", "binary", "-j", ".text"])
        .arg(&object)
        .arg(&flat));
    let got = std::fs::read(&flat).expect("read");
    for (n, &(start, len)) in starts.iter().enumerate() {
        let (want, have) = (&expected[start..start + len], &got[start..start + len]);
        if let Some(at) = want.iter().zip(have).position(|(a, b)| a != b) {
            panic!(
                "seed {}, offset {at:#x}: {:02x?}, expected {:02x?}; see {}",
                n + 1,
                &have[at..(at + 16).min(len)],
                &want[at..(at + 16).min(len)],
                source.display()
            );
        }
    }
    std::fs::remove_dir_all(&dir).ok();
}
