//! Both object writers, from the same hand-made units: same bytes, same relocations, same behaviour, and usable by gdb.

mod common;

use common::*;
use object::{Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget, SymbolKind};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use trinity_aot::debug::paths::PathMap;
use trinity_aot::write::Writer;
use trinity_aot::{debug, link, unit, write};
use trinity_codegen::isa::March;

/// A symbol or debug section: kind, contents, relocations as (offset, type, target, addend).
type Piece = (String, Vec<u8>, Vec<(u64, u32, String, i64)>);

/// Everything in an object file, by name, in a form that does not depend on how pieces are grouped into sections.
fn pieces(bytes: &[u8]) -> BTreeMap<String, Piece> {
    let file = object::File::parse(bytes).unwrap();
    let mut out = BTreeMap::new();
    let defined: Vec<_> = file
        .symbols()
        .filter(|s| {
            s.section_index().is_some() && matches!(s.kind(), SymbolKind::Text | SymbolKind::Data)
        })
        .collect();
    // A reference through a section symbol means the symbol at that place.
    let name_of = |target: RelocationTarget, addend: i64| -> (String, i64) {
        let RelocationTarget::Symbol(index) = target else {
            panic!("{target:?}")
        };
        let symbol = file.symbol_by_index(index).unwrap();
        if symbol.kind() != SymbolKind::Section {
            return (symbol.name().unwrap().to_string(), addend);
        }
        let section = symbol.section_index().unwrap();
        match defined
            .iter()
            .find(|d| d.section_index() == Some(section) && d.address() == 0)
        {
            Some(d) => (d.name().unwrap().to_string(), addend),
            None => (
                file.section_by_index(section)
                    .unwrap()
                    .name()
                    .unwrap()
                    .to_string(),
                addend,
            ),
        }
    };
    let relocs = |section: &object::Section, from: u64, to: u64| -> Vec<(u64, u32, String, i64)> {
        let inside = section
            .relocations()
            .filter(|(at, _)| (from..to).contains(at));
        let mut v: Vec<_> = inside
            .map(|(at, r)| {
                let RelocationFlags::Elf { r_type } = r.flags() else {
                    panic!()
                };
                let (name, addend) = name_of(r.target(), r.addend());
                (at - from, r_type, name, addend)
            })
            .collect();
        v.sort();
        v
    };
    for s in &defined {
        let section = file.section_by_index(s.section_index().unwrap()).unwrap();
        let (from, to) = (s.address(), s.address() + s.size());
        let data = section.data().unwrap()[from as usize..to as usize].to_vec();
        let scope = if s.is_global() { "global" } else { "local" };
        let kind = format!("{:?} {scope}", s.kind());
        out.insert(
            s.name().unwrap().to_string(),
            (kind, data, relocs(&section, from, to)),
        );
    }
    for section in file
        .sections()
        .filter(|s| s.name().unwrap().starts_with(".debug_"))
    {
        let data = section.data().unwrap().to_vec();
        let all = relocs(&section, 0, data.len() as u64);
        out.insert(
            section.name().unwrap().to_string(),
            ("unloaded".into(), data, all),
        );
    }
    out
}

fn object_file(dir: &Scratch, writer: Writer, with_debug: bool) -> (PathBuf, Vec<u8>) {
    let units = sample_units(dir.path());
    let mut layout = unit::layout(&units, None, March::V1, true);
    if with_debug {
        debug::add(&mut layout, &units, "test", &PathMap::default()).unwrap();
    }
    let bytes = write::write(&layout.image, "main.lua", writer).unwrap();
    (dir.write(&format!("{writer:?}.o"), &bytes), bytes)
}

fn linked(dir: &Scratch, writer: Writer, dynamic: bool) -> PathBuf {
    let (object, _) = object_file(dir, writer, true);
    let runtime = stand_in_library(dir);
    let output = dir.file(&format!("{writer:?}-{dynamic}"));
    link::link(&link::Job {
        object: &object,
        runtime: &runtime,
        output: &output,
        dynamic,
        debug: true,
        verbose: false,
    })
    .unwrap();
    output
}

#[test]
fn writers_agree_on_every_piece() {
    let dir = Scratch::new("pieces");
    let (_, a) = object_file(&dir, Writer::Object, true);
    let (_, b) = object_file(&dir, Writer::Faerie, true);
    let (a, b) = (pieces(&a), pieces(&b));
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for name in [
        "lua.main.fib:5",
        "trinity_modules",
        "trinity.safepoints.1",
        ".debug_line",
        ".debug_info",
        ".debug_frame",
    ] {
        assert!(a.contains_key(name), "{name} in {:?}", a.keys());
    }
    for (name, piece) in &a {
        assert_eq!(piece, &b[name], "{name}");
    }
    assert_eq!(
        a["lua.main.fib:5"].2,
        [(10, 4, "trinity_h_step".to_string(), -4)]
    );
}

/// What the stand-in prints about the sample units.
const BEHAVIOUR: &str = "module '' from ./main.lua: chunk of main.lua\n\
    \x20 size 23 frame 24 align 0 ordered 1 -> (14 10 0) 1001\n\
    \x20 size 23 frame 24 align 0 ordered 1 -> (14 20 0) 2002\n\
    \x20 size 22 frame 0 align 0 ordered 1 -> [1 0 3 9] 4711\n\
    module 'other' from ./other.lua: chunk of other.lua\n\
    \x20 size 23 frame 24 align 0 ordered 1 -> (14 30 0) 3003\n";

#[test]
fn the_listing_assembles_to_the_same() {
    let dir = Scratch::new("listing");
    let main = dir.write("main.lua", "require 'other'");
    dir.write("other.lua", "");
    let path = trinity_aot::discover::path::SearchPath::from_env(&main);
    let program = trinity_aot::discover::discover(&trinity_aot::discover::Request {
        main: &main,
        extra: &[],
        path: &path,
        closed: false,
    })
    .unwrap();
    assert_eq!(program.modules.len(), 2);
    let compiled = trinity_aot::compile::Compiled {
        units: sample_units(dir.path()),
        ..Default::default()
    };
    let listing = trinity_aot::asm::emit(&compiled, &program, March::V1, true);
    let (file, exe) = (dir.write("listing.s", listing), dir.file("listing"));
    run(Command::new("cc")
        .arg(file)
        .arg(stand_in_library(&dir))
        .arg("-o")
        .arg(&exe));
    assert_eq!(run(&mut Command::new(exe)), BEHAVIOUR);
}

#[test]
fn a_body_that_does_not_exist_is_an_internal_error() {
    let mut unit = sample_units(std::path::Path::new("")).remove(0);
    assert!(unit.check_bodies().is_ok());
    unit.funcs[2].body_offset = 0;
    assert!(unit.check_bodies().is_err());
    unit.funcs.truncate(2);
    unit.funcs[0].relocs[0].target = unit::CodeTarget::Body(2);
    assert!(unit.check_bodies().is_err());
}

#[test]
fn both_link_and_behave_alike() {
    let dir = Scratch::new("behave");
    for writer in [Writer::Object, Writer::Faerie] {
        for dynamic in [false, true] {
            let exe = linked(&dir, writer, dynamic);
            assert_eq!(
                run(&mut Command::new(exe)),
                BEHAVIOUR,
                "{writer:?} dynamic {dynamic}"
            );
        }
    }
}

#[test]
fn same_input_same_bytes() {
    let dir = Scratch::new("same");
    for writer in [Writer::Object, Writer::Faerie] {
        assert_eq!(
            object_file(&dir, writer, true).1,
            object_file(&dir, writer, true).1
        );
    }
}

#[test]
fn stack_is_not_executable_and_tables_are_protected() {
    let dir = Scratch::new("flags");
    for writer in [Writer::Object, Writer::Faerie] {
        let (path, bytes) = object_file(&dir, writer, false);
        let file = object::File::parse(&*bytes).unwrap();
        assert!(
            file.section_by_name(".note.GNU-stack").is_some(),
            "{writer:?}"
        );
        let sections = run(Command::new("readelf").arg("-SW").arg(path));
        if writer == Writer::Object {
            assert!(sections.contains(".data.rel.ro"), "{sections}");
        }
    }
}

#[test]
fn gdb_sees_lua() {
    let dir = Scratch::new("gdb");
    dir.write(
        "main.lua",
        "line1\nline2\nline3\nline4\nfunction fib\nline6\nline7\n",
    );
    dir.write("other.lua", "function\nline2\nline3\n");
    for writer in [Writer::Object, Writer::Faerie] {
        let exe = linked(&dir, writer, false);
        let mut gdb = Command::new("gdb");
        gdb.current_dir(dir.path())
            .args(["-batch", "-nx", "-iex", "set debuginfod enabled off"]);
        gdb.args([
            "-ex",
            "break main.lua:6",
            "-ex",
            "run",
            "-ex",
            "bt",
            "-ex",
            "break stop_here",
            "-ex",
            "continue",
        ]);
        let said = run(gdb
            .args([
                "-ex",
                "bt",
                "-ex",
                "finish",
                "-ex",
                "up 0",
                "-ex",
                "info symbol $pc",
            ])
            .arg(&exe));
        assert!(said.contains("Breakpoint 1, fib () at "), "{said}");
        assert!(said.contains("main.lua:6\n6\tline6"), "{said}");
        // From C, through the Lua frame, to C's main.
        let trace: Vec<&str> = said.lines().filter(|l| l.starts_with('#')).collect();
        let has = |n: &str, what: &str| trace.iter().any(|l| l.starts_with(n) && l.contains(what));
        assert!(
            has("#1", "step (") && has("#2", "fib () at") && has("#3", "main ("),
            "{said}"
        );
    }
}
