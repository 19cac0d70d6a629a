//! `trinityc report`: shows a report that a run or a comparison left, or decides the questions about phi.

use super::{Failed, print};
use clap::{Arg, ArgAction, Command, value_parser};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use trinity_superopt::report::verdict::exit;
use trinity_superopt::report::{Document, Phi, ReportError};

fn command() -> Command {
    Command::new("trinityc report")
        .about("Shows the report of a search run or of a comparison as text, JSON or a page.")
        .after_help(
            "Examples:\n  \
             trinityc report out/quick                  the run's report on the terminal\n  \
             trinityc report out/quick --html page.html the same as one self-contained page\n  \
             trinityc report phi                        what of phi^2 + 1/phi^2 = 3 folds in doubles, and on what authority\n\
             Exit codes: 0 shown, 2 usage, 3 no report there, 8 the page cannot be written, 17 the report contradicts itself.",
        )
        .arg(
            Arg::new("what")
                .value_name("RUN")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("a run's directory, a report as JSON, or the word phi"),
        )
        .arg(Arg::new("html").long("html").value_name("FILE").value_parser(value_parser!(PathBuf)).help("write the page"))
        .arg(Arg::new("text").long("text").action(ArgAction::SetTrue).help("print text (the default without --html)"))
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).conflicts_with("text").help("print JSON"))
}

/// Runs the command.
pub fn run(args: &[OsString]) -> Result<u8, Failed> {
    let m = match command().try_get_matches_from(args) {
        Err(e) => return Failed::from_clap("report", &e),
        Ok(m) => m,
    };
    let what = m
        .get_one::<PathBuf>("what")
        .map_or(Path::new(""), PathBuf::as_path);
    // A directory of that name is meant when it is there.
    let document = if what == Path::new("phi") && !what.exists() {
        Document::from(Phi::decide())
    } else {
        Document::load(what).map_err(unreadable)?
    };
    let faults = document.faults();
    if !faults.is_empty() {
        return Err(super::equiv::report_failed(ReportError::Unsound(faults)));
    }
    let html = m.get_one::<PathBuf>("html");
    if let Some(path) = html {
        document
            .write_html(path)
            .map_err(super::equiv::report_failed)?;
    }
    match (m.get_flag("json"), html.is_some() && !m.get_flag("text")) {
        (true, _) => print(&document.to_json()),
        (false, true) => Ok(0),
        (false, false) => print(&document.to_text()),
    }
}

fn unreadable(e: ReportError) -> Failed {
    Failed::new(exit::INPUT, e.to_string())
}
