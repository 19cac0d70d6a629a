//! `trinityc tune`: QUASAR tunes the Markov chain, and says whether the result holds on what it was not tuned on.

use super::search::config_of_kind;
use super::{Failed, INTERNAL, config_arg, out_arg, print, resume_arg};
use clap::{Arg, ArgMatches, Command};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use trinity_superopt::quasar::tune::{Comparison, Cost, TuneError, Tuner, compare};
use trinity_superopt::report::parts::{ALWAYS_TRUSTED, Provenance};
use trinity_superopt::report::search::{Ended, Search, Table};
use trinity_superopt::report::tool_version;
use trinity_superopt::report::verdict::exit;
use trinity_superopt::run::config::Kind;
use trinity_superopt::run::goal::kernel_names;
use trinity_superopt::run::tuning::{Tuning, tuning};
use trinity_superopt::run::{Deadline, End, Known, RunConfig, Session, SessionError, stop};

/// Part of the deadline that training may use; the comparison has the rest.
const TRAINING: f64 = 0.6;

fn command() -> Command {
    Command::new("trinityc tune")
        .about("Tunes the Markov chain's parameters by QUASAR on training kernels, and compares on others.")
        .after_help(
            "Examples:\n  \
             trinityc tune search-configs/tune.toml --deadline 10m\n  \
             trinityc tune --resume out/tune\n\
             The cost of a run is the proposals to the first program that passes all tests. The winner ships only if the \
             interval of its advantage on kernels it was not tuned on lies above 1.\n\
             Exit codes: 0 compared, 2 usage, 8 the results cannot be written, 18 configuration, 20 cannot resume, \
             130 stopped with the state saved.",
        )
        .arg(config_arg("a configuration of kind \"tune\""))
        .arg(resume_arg())
        .arg(
            Arg::new("deadline")
                .long("deadline")
                .value_name("TIME")
                .value_parser(super::equiv::duration)
                .help("end of training and comparison: 10m, 2h"),
        )
        .arg(out_arg())
}

/// Runs the command.
pub fn run(args: &[OsString]) -> Result<u8, Failed> {
    let m = match command().try_get_matches_from(args) {
        Err(e) => return Failed::from_clap("tune", &e),
        Ok(m) => m,
    };
    let (mut session, saved) = begin(&m)?;
    stop::install()
        .map_err(|e| Failed::new(INTERNAL, format!("signals: {}", crate::exit::reason(&e))))?;
    let t = tuning(&session.config).map_err(|e| Failed::new(exit::CONFIG, e.to_string()))?;
    let mut tuner = match saved {
        Some(tuner) => tuner,
        None => Tuner::new(t.plan.clone()).map_err(tune_failed)?,
    };
    let whole = session.deadline.clone();
    let training = whole.part(whole.left().map(|d| d.mul_f64(TRAINING)), None);
    let mut failed = None;
    let done = tuner.run(
        &t.subject,
        None,
        &|| training.over().is_some(),
        &mut |tuner| {
            let best = tuner.winner().map_or(0.0, |w| w.score.exp());
            let default = tuner.log().first().map_or(0.0, |d| d.score.exp());
            eprintln!(
                "trinityc: {} candidates; mean proposals: default {default:.0}, best {best:.0}",
                tuner.log().len()
            );
            failed = session.save(&Some(tuner)).err().or(failed.take());
        },
    );
    if let Some(e) = failed {
        return Err(session_failed(e));
    }
    done.map_err(tune_failed)?;
    let Some(winner) = tuner.winner().cloned() else {
        return Err(Failed::new(
            exit::INTERRUPTED,
            "stopped before the default was judged".to_owned(),
        ));
    };
    session.save(&Some(&tuner)).map_err(session_failed)?;
    let default = tuner.default_values();
    let dir = session.dir.root().to_path_buf();
    let compared = if winner.values == default {
        None
    } else {
        let over = || whole.over().is_some();
        compare(
            &t.subject,
            tuner.plan(),
            &t.trial,
            &default,
            &winner.values,
            &over,
        )
        .map_err(tune_failed)?
    };
    let ended = match whole.over() {
        Some(End::Stopped) => Ended::Interrupted,
        Some(_) => Ended::Deadline,
        None => Ended::Done,
    };
    let report = report(&session, &t, &tuner, compared.as_ref(), ended, args);
    let document = session.finish(report, &[]).map_err(session_failed)?;
    print(&document.to_text())?;
    match ended {
        Ended::Interrupted => Err(Failed::new(
            exit::INTERRUPTED,
            format!(
                "stopped; the state is saved. To continue: trinityc tune --resume {}",
                dir.display()
            ),
        )),
        _ => Ok(0),
    }
}

fn begin(m: &ArgMatches) -> Result<(Session, Option<Tuner>), Failed> {
    let kernels = kernel_names();
    let known = Known {
        kernels: Some(&kernels),
    };
    let change = |c: &mut RunConfig| {
        c.deadline = m.get_one::<Duration>("deadline").copied().or(c.deadline);
    };
    if let Some(dir) = m.get_one::<PathBuf>("resume") {
        return Session::resume_with(dir, &known, &change).map_err(session_failed);
    }
    let mut config = config_of_kind(m, &known, Kind::Tune)?;
    change(&mut config);
    if let Some(out) = m.get_one::<PathBuf>("out") {
        config.out.clone_from(out);
    }
    Ok((Session::start(config).map_err(session_failed)?, None))
}

fn session_failed(e: SessionError) -> Failed {
    Failed::new(e.exit_code(), e.to_string())
}

fn tune_failed(e: TuneError) -> Failed {
    Failed::new(exit::CONFIG, e.to_string())
}

fn report(
    session: &Session,
    t: &Tuning,
    tuner: &Tuner,
    compared: Option<&Comparison>,
    ended: Ended,
    args: &[OsString],
) -> Search {
    let config = &session.config;
    let default = tuner.default_values();
    let winner = tuner.winner().map_or(default.clone(), |w| w.values.clone());
    let score = |n: Option<f64>| n.map_or(String::new(), |s| format!("{:.0}", s.exp()));
    let rows = t.plan.parameters.iter().zip(default.iter().zip(&winner));
    let parameters = Table {
        title: "Parameters".into(),
        columns: ["parameter", "range", "default", "tuned"]
            .map(String::from)
            .into(),
        rows: rows
            .map(|(p, (d, w))| {
                vec![
                    p.name.clone(),
                    format!("{} to {}", p.low, p.high),
                    format!("{d:.4}"),
                    format!("{w:.4}"),
                ]
            })
            .collect(),
        note: format!(
            "{} candidates judged; geometric mean of the median proposals on the training kernels: default {}, tuned {}.",
            tuner.log().len(),
            score(tuner.log().first().map(|e| e.score)),
            score(tuner.winner().map(|e| e.score))
        ),
    };
    let cost = |c: Cost| match c {
        Cost::Done(n) => format!("{n:.0}"),
        Cost::Censored => format!("> {:.0}", t.plan.cap),
    };
    let held_out = Table {
        title: "Held-out kernels: proposals to the first program that passes all tests".into(),
        columns: ["kernel", "seed", "default", "tuned"]
            .map(String::from)
            .into(),
        rows: compared
            .iter()
            .flat_map(|c| &c.pairs)
            .map(|p| {
                let name = trinity_superopt::kernels::HACKERS_DELIGHT
                    .get(p.task)
                    .map_or("", |k| k.name);
                vec![
                    name.into(),
                    p.seed.to_string(),
                    cost(p.default),
                    cost(p.tuned),
                ]
            })
            .collect(),
        note: match compared {
            Some(c) => c.to_string(),
            None if winner == default => {
                "no candidate beat the default on the training kernels: the default stays".into()
            }
            None => "the comparison was cut short and decides nothing: the default stays".into(),
        },
    };
    Search {
        name: config.name.clone(),
        kind: config.kind.name().into(),
        config: config.to_toml(),
        march: config.march.clone(),
        jobs: config.threads() as u32,
        deterministic: config.deterministic,
        ended,
        resumed: session.resumed,
        targets: Vec::new(),
        rules: Vec::new(),
        tables: vec![parameters, held_out],
        provenance: Provenance {
            engine: "quasar".into(),
            seed: config.seed,
            tool: tool_version(),
            command: super::equiv::command_line(args),
            ..Provenance::default()
        },
        trusted: ALWAYS_TRUSTED.iter().map(|t| t.to_string()).collect(),
        seconds: Some(elapsed(&session.deadline)),
    }
}

fn elapsed(d: &Deadline) -> f64 {
    d.elapsed().as_secs_f64()
}
