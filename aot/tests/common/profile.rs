//! Shared by the tests of profiles.

use super::{Scratch, runtime, text, trinityc};
use std::path::Path;
use std::process::{Command, Output};
use trinity_profile::{FuncProfile, Profile};

/// Compiles; what the compiler said on stderr.
pub fn compiled(dir: &Scratch, args: &[&str], code: i32) -> String {
    let out = trinityc(dir.path())
        .args(args)
        .arg("--runtime-lib")
        .arg(runtime())
        .output()
        .unwrap();
    let said = text(&out.stderr);
    assert_eq!(out.status.code(), Some(code), "{args:?}: {said}");
    said
}

/// Runs an executable of the directory; its profile goes to `profile`.
pub fn run_to(dir: &Scratch, exe: &str, profile: &Path, args: &[&str]) -> Output {
    Command::new(dir.file(exe))
        .current_dir(dir.path())
        .args(args)
        .env("TRINITY_PROFILE", profile)
        .output()
        .unwrap()
}

/// The profile of one run of a program without output on stderr.
pub fn observed(dir: &Scratch, source: &str) -> Profile {
    dir.write("p.lua", source);
    assert_eq!(compiled(dir, &["--profile-gen", "p.lua", "-o", "p"], 0), "");
    let path = dir.file("p.tprof");
    let out = run_to(dir, "p", &path, &[]);
    assert!(
        out.status.success() && out.stderr.is_empty(),
        "{}",
        text(&out.stderr)
    );
    Profile::read(&path).unwrap()
}

pub fn function<'p>(p: &'p Profile, name: &str) -> &'p FuncProfile {
    let found = p.funcs.iter().find(|f| f.key.name == name);
    found.unwrap_or_else(|| panic!("no {name}"))
}
