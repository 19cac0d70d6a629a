//! `--verify`: the machine code of every function against the SSA form it was made from (docs/verify.md).
//!
//! The work is [`trinity_superopt::validate`]'s; here are its flags, the loop over all functions, and the report: one item per region, named by Lua file and line.
//! What equality saturation replaced in the SSA form is compared as well: an item for each block.

use crate::compile::Compiled;
use crate::exit::Result;
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use std::path::PathBuf;

mod report;
mod rewrites;

/// What was asked for.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Asked {
    /// Where the report goes: JSON, HTML or text by its extension.
    pub report: Option<PathBuf>,
    /// Callgrind's counts of executed instructions.
    pub weights: Option<PathBuf>,
}

/// The flags.
pub fn flags() -> [Arg; 3] {
    let file = |id: &'static str, help: &'static str| {
        let arg = Arg::new(id).long(id).value_name("FILE").help(help);
        arg.requires("verify").value_parser(value_parser!(PathBuf))
    };
    [
        Arg::new("verify")
            .long("verify")
            .help("prove of each function that its machine code does what its SSA form says; no result if one is refuted")
            .action(ArgAction::SetTrue),
        file("verify-report", "write what was found to FILE: .json, .html or .txt"),
        file("verify-weights", "weigh by FILE: what callgrind --dump-instr=yes wrote of this program, compiled with -g"),
    ]
}

/// What the flags say.
pub fn asked(m: &ArgMatches) -> Option<Asked> {
    let path = |id| m.get_one::<PathBuf>(id).cloned();
    m.get_flag("verify").then(|| Asked {
        report: path("verify-report"),
        weights: path("verify-weights"),
    })
}

/// Compares all functions. Returns what to say about it; fails if one is refuted.
pub fn run(asked: &Asked, compiled: &Compiled) -> Result<String> {
    report::run(asked, compiled)
}
