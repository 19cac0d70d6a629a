//! `trinityc profile show` and `trinityc profile merge`.

use super::{read, read_all, show};
use crate::exit::{Error, Failure, Result, reason};
use crate::output::Output;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::ffi::OsString;
use std::path::PathBuf;

fn command() -> Command {
    let file = |id: &'static str, help: &'static str| {
        Arg::new(id)
            .value_name("FILE")
            .help(help)
            .required(true)
            .value_parser(value_parser!(PathBuf))
    };
    Command::new("trinityc profile")
        .about("Shows and merges profiles of training runs.")
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .subcommand(
            Command::new("show")
                .about("prints what training runs saw")
                .arg(file("file", "the profile"))
                .arg(
                    Arg::new("json")
                        .long("json")
                        .help("as JSON")
                        .action(ArgAction::SetTrue),
                )
                .arg(
                    Arg::new("function")
                        .long("function")
                        .value_name("NAME")
                        .help("only functions whose path of nesting is NAME or ends in /NAME"),
                ),
        )
        .subcommand(
            Command::new("merge")
                .about("adds profiles up")
                .arg(file("files", "the profiles").num_args(1..))
                .arg(
                    file("output", "where the sum goes")
                        .short('o')
                        .long("output"),
                ),
        )
}

/// Runs `trinityc profile ARGS`.
pub fn run(args: &[OsString]) -> Result<()> {
    let name = std::iter::once(OsString::from("trinityc profile"));
    let matches = match command().try_get_matches_from(name.chain(args.iter().cloned())) {
        Ok(m) => m,
        Err(e) => return crate::cli::refusal(&e, "trinityc profile --help").and_then(print),
    };
    match matches.subcommand() {
        Some(("show", m)) => show_file(m),
        Some(("merge", m)) => merge_files(m),
        _ => Err(Error::internal("a subcommand without code")),
    }
}

fn print(text: String) -> Result<()> {
    Output::stdout().commit(text.as_bytes())
}

fn path(m: &ArgMatches, id: &str) -> PathBuf {
    m.get_one::<PathBuf>(id).cloned().unwrap_or_default()
}

fn show_file(m: &ArgMatches) -> Result<()> {
    let file = path(m, "file");
    let mut profile = read(&file)?;
    if let Some(name) = m.get_one::<String>("function") {
        let below = format!("/{name}");
        let wanted = |path: &str| path == name || path.ends_with(&below);
        profile.funcs.retain(|f| wanted(&f.key.name));
        if profile.funcs.is_empty() {
            let message = format!(
                "no function {name} in {}; without --function all are shown",
                file.display()
            );
            return Err(Error::new(Failure::Usage, message));
        }
    }
    if m.get_flag("json") {
        let text = serde_json::to_string_pretty(&show::json(&profile)).map_err(Error::internal)?;
        return print(text + "\n");
    }
    print(show::text(&profile))
}

fn merge_files(m: &ArgMatches) -> Result<()> {
    let files: Vec<PathBuf> = m
        .get_many::<PathBuf>("files")
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    let sum = read_all(&files)?;
    let output = path(m, "output");
    sum.write(&output).map_err(|e| {
        let message = format!("cannot write {}: {}", output.display(), reason(&e));
        Error::new(Failure::Output, message)
    })
}
