//! `trinityc calibrate`: measures what instructions cost on this machine.

use super::{Failed, INTERNAL, print};
use clap::{Arg, ArgAction, Command, value_parser};
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use trinity_codegen::isa::cost::{Table, Uarch};
use trinity_superopt::measure::calibrate::{Measured, calibrate, representatives};
use trinity_superopt::measure::{Budget, MeasureError, costs};
use trinity_superopt::report::verdict::exit;
use trinity_superopt::run::files::write_atomically;

fn command() -> Command {
    Command::new("trinityc calibrate")
        .about("Measures latency and throughput of every register form of the model on this processor.")
        .after_help(
            "Examples:\n  \
             trinityc calibrate -o zen4.toml     some minutes; the machine should be idle\n  \
             trinityc calibrate --quick          a rough look, printed\n\
             The file has the format that --costs and TRINITY_COSTS read. Without -o it goes to standard output.\n\
             Exit codes: 0 measured, 2 usage, 8 the file cannot be written, 17 this machine cannot be measured.",
        )
        .arg(
            Arg::new("output")
                .short('o')
                .long("output")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("where the costs go"),
        )
        .arg(Arg::new("quick").long("quick").action(ArgAction::SetTrue).help("fewer samples: less exact"))
        .arg(
            Arg::new("only")
                .long("only")
                .value_name("TEXT")
                .help("measure rows whose name contains TEXT; the other rows stay as listed"),
        )
        .arg(
            Arg::new("differences")
                .long("differences")
                .action(ArgAction::SetTrue)
                .help("say on standard error which rows differ from the listed ones"),
        )
}

/// Runs the command.
pub fn run(args: &[OsString]) -> Result<u8, Failed> {
    let m = match command().try_get_matches_from(args) {
        Err(e) => return Failed::from_clap("calibrate", &e),
        Ok(m) => m,
    };
    let base = Uarch::detect().unwrap_or(Uarch::Zen4);
    let budget = if m.get_flag("quick") {
        Budget::quick()
    } else {
        Budget::default()
    };
    let only = m.get_one::<String>("only");
    let mut rows = representatives();
    rows.retain(|(key, _)| only.is_none_or(|text| key.to_string().contains(text)));
    if rows.is_empty() {
        return Err(Failed::new(
            super::USAGE,
            "--only: no row's name contains that".to_owned(),
        ));
    }
    let output = m.get_one::<PathBuf>("output");
    if let Some(path) = output {
        // Before minutes of work: a file can be written there.
        let mut probe = path.clone().into_os_string();
        probe.push(".probe");
        let written =
            write_atomically(probe.as_ref(), b"").and_then(|()| std::fs::remove_file(&probe));
        written.map_err(|e| unwritable(path, &e))?;
    }
    let total = rows.len();
    let (table, measured) =
        calibrate(base, &rows, budget, |done| show(done, total)).map_err(failed)?;
    if m.get_flag("differences") {
        differences(base, &measured);
    }
    let text = costs::to_toml(&table, &costs::cpu_name());
    match output {
        Some(path) => {
            write_atomically(path, text.as_bytes()).map_err(|e| unwritable(path, &e))?;
            eprintln!("trinityc: measured {total} rows into {}", path.display());
            Ok(0)
        }
        None => print(&text),
    }
}

fn failed(e: MeasureError) -> Failed {
    Failed::new(INTERNAL, e.to_string())
}

fn unwritable(path: &std::path::Path, e: &std::io::Error) -> Failed {
    Failed::new(
        exit::OUTPUT,
        format!(
            "cannot write {}: {}",
            path.display(),
            crate::exit::reason(e)
        ),
    )
}

/// On a terminal one line that is overwritten; else a line for every eighth part.
fn show(done: usize, total: usize) {
    let mut stderr = std::io::stderr().lock();
    // A closed pipe is no reason to end the measurement.
    let _ = if stderr.is_terminal() {
        let end = if done == total { "\n" } else { "" };
        write!(stderr, "\rmeasured {done} of {total} rows{end}")
    } else if done * 8 / total != done.saturating_sub(8) * 8 / total {
        writeln!(stderr, "measured {done} of {total} rows")
    } else {
        Ok(())
    };
}

fn differences(base: Uarch, measured: &[Measured]) {
    let listed = Table::of(base);
    for row in measured {
        let Some(old) = listed.row(row.key) else {
            continue;
        };
        let near = |a: u32, b: u32| a.abs_diff(b) * 10 <= a.max(b);
        if old.latency != row.cost.latency || !near(old.rthroughput_x100, row.cost.rthroughput_x100)
        {
            eprintln!(
                "{:24} {:28} latency {} -> {}, one each {:.2} -> {:.2} cycles",
                row.key.to_string(),
                row.instruction,
                old.latency,
                row.cost.latency,
                f64::from(old.rthroughput_x100) / 100.0,
                f64::from(row.cost.rthroughput_x100) / 100.0
            );
        }
    }
}
