//! `-march`: the words of the command line and the names behind them.

use std::ffi::OsString;
use trinity_codegen::isa::March;

/// Arguments with `-march=`, which has one dash with compilers, as clap reads it.
pub fn words(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let word = |a: OsString| match a.to_str().and_then(|s| s.strip_prefix("-march=")) {
        Some(m) => format!("--march={m}").into(),
        None => a,
    };
    args.into_iter().map(word).collect()
}

/// The processor of this name.
pub fn parse(name: &str) -> std::result::Result<March, String> {
    March::parse(name).ok_or_else(|| {
        let names = March::names().join(", ");
        format!("no such processor; there are {names}, and extensions behind a plus sign")
    })
}
