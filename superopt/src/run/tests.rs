//! Configurations right and wrong, and what signals do.

use super::config::*;
use super::parse::{Known, TUNABLE};
use super::*;
use std::path::Path;
use std::time::Duration;

fn parse(text: &str) -> Result<RunConfig, String> {
    let known = Known {
        kernels: Some(&["p01", "p02", "p03", "montgomery"]),
    };
    RunConfig::parse(Path::new("c.toml"), text, &known).map_err(|e| e.to_string())
}

const GOOD: &str = r#"
name = "good"
kind = "opt"
targets = ["p01-p03"]
width = 64
deadline = "90s"
[[target]]
asm = "f.s"
function = "f"
live_out = ["eax"]
preconditions = ["edi != 0"]
[engine.chain]
beta = 2
[engine.chain.restarts]
repeat = 7
[engine.enumerate]
instructions = ["mov", "cmovl"]
minimal = true
"#;

#[test]
fn a_good_file_with_defaults() {
    let c = parse(GOOD).unwrap();
    assert_eq!(c.deadline, Some(Duration::from_secs(90)));
    assert_eq!((c.march.as_str(), c.seed, c.jobs), ("x86-64-v3", 1, 0));
    let names: Vec<String> = c.targets.iter().map(Target::name).collect();
    assert_eq!(names, ["p01", "p02", "p03", "f"]);
    let widths: Vec<Option<u32>> = c.targets.iter().map(|t| t.width).collect();
    assert_eq!(widths, [Some(64), Some(64), Some(64), None]);
    let chain = c.engines.chain.unwrap();
    assert_eq!((chain.beta, chain.slots), (2.0, 12));
    assert_eq!((chain.restarts.repeat, chain.restarts.cycle), (7, 20_000));
    assert!(c.engines.enumerate.as_ref().unwrap().minimal && c.engines.quasar.is_none());
    assert!(c.threads() > 0 && c.measure);
}

#[test]
fn what_is_written_is_read_again() {
    let rules =
        "name='r'\nkind='rules'\n[rules]\nfiles=['a.rules']\n[rules.mine]\noperations=['and']\n";
    let tune = "name='t'\nkind='tune'\ntargets=['p01']\n[engine.chain]\n[tune]\n[[tune.parameter]]\n\
                key='engine.chain.beta'\nlow=0.1\nhigh=10\nlog=true\n";
    for text in [GOOD, rules, tune] {
        let c = parse(text).unwrap();
        let again = parse(&c.to_toml()).unwrap_or_else(|e| panic!("{e}\n{}", c.to_toml()));
        assert_eq!(again, c);
        assert_eq!(again.digest(), c.digest());
    }
    // A state may be resumed with more time or elsewhere, never with another seed.
    let c = parse(GOOD).unwrap();
    let mut other = c.clone();
    (other.deadline, other.out, other.jobs) = (None, "elsewhere".into(), 7);
    assert_eq!(other.digest(), c.digest());
    other.seed = 2;
    assert_ne!(other.digest(), c.digest());
}

#[test]
fn complaints_name_line_key_and_remedy() {
    let cases = [
        (
            "deadlin = '5s'",
            "c.toml:1: deadlin: unknown key; did you mean `deadline`?",
        ),
        (
            "\n[engine.chain]\nbta = 1",
            "c.toml:3: engine.chain.bta: unknown key; did you mean `beta`?",
        ),
        (
            "deadline = 5",
            "c.toml:1: deadline: should be a time such as",
        ),
        (
            "deadline = '5 days'",
            "c.toml:1: deadline: should be a time such as",
        ),
        (
            "kind = 'optt'",
            "c.toml:1: kind: \"optt\" is not known; did you mean \"opt\"?",
        ),
        (
            "\n[engine.enumerate]\ninstructions = ['mov', 'cmovi']",
            "c.toml:3: engine.enumerate.instructions: searches have no instruction \"cmovi\"; did you mean \"cmova\"?",
        ),
        (
            "\n[engine.enumerate]\nconstants = ['0xfg']",
            "c.toml:3: engine.enumerate.constants: \"0xfg\" is not a number of 64 bits",
        ),
        (
            "march = 'znver44'",
            "c.toml:1: march: \"znver44\" is not known; did you mean \"znver4\"?",
        ),
        (
            "\nseed = -1",
            "c.toml:2: seed: should be a whole number, 0 or more",
        ),
        ("width = 24", "c.toml:1: width: should be 8, 16, 32 or 64"),
        (
            "targets = ['p04']",
            "c.toml:1: targets: there is no kernel \"p04\"; did you mean \"p01\"?",
        ),
        (
            "targets = ['p03-p01']",
            "c.toml:1: targets: \"p03-p01\" is not a range",
        ),
        (
            "targets = ['p01', 2]",
            "c.toml:1: targets: each entry should be a string",
        ),
        ("name = 'a/b'", "c.toml:1: name: names a directory"),
        (
            "deterministic = true",
            "c.toml:1: deterministic: needs [budget] with `proposals`",
        ),
        (
            "deterministic = true\nmeasure = true",
            "c.toml:2: measure: measured times are not reproducible",
        ),
        (
            "[engine.chain]\nbeta = 0",
            "c.toml:2: engine.chain.beta: should lie between 0.000001 and 1000000",
        ),
        (
            "[engine.chain]\nbeta = nan",
            "c.toml:2: engine.chain.beta: should be a number",
        ),
        (
            "[[target]]\nasm = 'a.s'\nlua = 'a.lua'",
            "c.toml:3: target.lua: a target has one of",
        ),
        (
            "[[target]]\nfunction = 'f'",
            "c.toml:1: target.kernel: a target has one of",
        ),
        ("engine = 3", "c.toml:1: engine: should be a table"),
        ("a = = b", "c.toml:1: "),
        ("\n\nname = 'x'\nname = 'y'", "c.toml:4: "),
        (
            "[tune]\n[[tune.parameter]]\nkey = 'engine.chain.bata'\nlow = 1\nhigh = 2",
            "c.toml:3: tune.parameter.key: \"engine.chain.bata\" cannot be tuned; did you mean \"engine.chain.beta\"?",
        ),
    ];
    for (text, expected) in cases {
        let error = parse(text).expect_err(text);
        assert!(
            error.contains(expected),
            "{text}\nexpected {expected}\ngot\n{error}"
        );
    }
}

#[test]
fn kinds_need_what_they_need() {
    let error = |text: &str| parse(&format!("name = 'x'\n{text}")).expect_err(text);
    assert!(error("kind = 'opt'\n[engine.chain]").contains("a run of kind \"opt\" needs targets"));
    assert!(error("kind = 'opt'\ntargets = ['p01']").contains("name at least one engine"));
    assert!(error("kind = 'rules'").contains("rules: missing"));
    assert!(error("kind = 'rules'\n[rules]").contains("rules.files: missing"));
    assert!(error("kind = 'tune'\ntargets = ['p01']\n[engine.chain]").contains("tune: missing"));
    let wrong = "kind = 'kernels'\n[[target]]\nasm = 'a.s'\n[engine.chain]";
    assert!(error(wrong).contains("takes kernels only"));
}

#[test]
fn every_complaint_is_told_in_the_order_of_lines() {
    let e = parse("name = 'x'\nkind = 'opt'\nwidth = 3\nsede = 1\ntargets = ['p01']\n[engine.chain]\nslots = 0\n").unwrap_err();
    let lines: Vec<&str> = e.lines().map(|l| l.split(": ").next().unwrap()).collect();
    assert_eq!(lines, ["c.toml:3", "c.toml:4", "c.toml:7"], "{e}");
}

#[test]
fn a_missing_file_is_one_clear_message() {
    let e = RunConfig::load(Path::new("no-such.toml"), &Known::default()).unwrap_err();
    assert!(
        e.to_string().starts_with("no-such.toml: No such file"),
        "{e}"
    );
    assert_eq!(ConfigError::EXIT, 18);
}

#[test]
fn shipped_configurations_parse() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../search-configs");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "toml") {
            let c = RunConfig::load(&path, &Known::default()).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(
                path.file_stem().unwrap().to_str(),
                Some(c.name.as_str()),
                "file and run have one name"
            );
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(
                text.starts_with("# "),
                "{}: says what it is for",
                path.display()
            );
            // Each one can be made deterministic from the command line.
            let mut d = c.clone();
            d.make_deterministic(1000);
            assert_eq!(
                RunConfig::parse(&path, &d.to_toml(), &Known::default()).unwrap(),
                d
            );
            names.push(c.name);
        }
    }
    names.sort();
    let shipped = [
        "hackers-delight",
        "montgomery",
        "overnight",
        "quick",
        "rules-mining",
        "saxpy",
        "sort",
        "tune",
    ];
    assert_eq!(names, shipped);
}

#[test]
fn the_documentation_names_every_key() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../search-configs");
    let readme = std::fs::read_to_string(dir.join("README.md")).unwrap();
    // All keys that a configuration can hold, from one that holds them all.
    let text = "name='t'\nkind='tune'\ntargets=['p01']\ndeadline='1s'\n\
                [budget]\nproposals=1\n[solver]\nsecond='s'\n[engine.chain]\n[engine.quasar]\n[engine.enumerate]\n\
                [engine.egraph]\n[tune]\n[[tune.parameter]]\nkey='engine.chain.beta'\nlow=1\nhigh=2\n";
    let mut all = parse(text).unwrap();
    // What only other kinds of runs have.
    (all.deadline_per_target, all.store) = (Some(Duration::from_secs(1)), Some("s".into()));
    all.rules = Some(Rules {
        files: vec!["f".into()],
        widths: vec![8],
        mine: Some(Mine {
            operations: vec!["and".into()],
            constants: vec!["0".into()],
            variables: 2,
            size: 3,
            output: "o".into(),
        }),
    });
    fn keys(value: &toml::Value, out: &mut Vec<String>) {
        match value {
            toml::Value::Table(t) => t.iter().for_each(|(k, v)| {
                out.push(k.clone());
                keys(v, out);
            }),
            toml::Value::Array(a) => a.iter().for_each(|v| keys(v, out)),
            _ => {}
        }
    }
    let mut names = Vec::new();
    keys(
        &toml::Value::Table(all.to_toml().parse().unwrap()),
        &mut names,
    );
    assert!(names.len() > 50, "{names:?}");
    // Words of code spans: every second piece between backticks.
    let spans: Vec<&str> = readme.split('`').skip(1).step_by(2).collect();
    let named = |key: &str| {
        let mut words = spans
            .iter()
            .flat_map(|s| s.split(|c: char| !c.is_alphanumeric() && c != '_'));
        words.any(|w| w == key) || spans.contains(&key)
    };
    for key in names.iter().map(String::as_str).chain(TUNABLE) {
        assert!(named(key), "search-configs/README.md does not name `{key}`");
    }
}

/// Runs one test of this binary as a child process with an environment variable set.
fn child(test: &str, variable: &str) -> std::process::Command {
    let mut c = std::process::Command::new(std::env::current_exe().unwrap());
    c.args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(variable, "1")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    c
}

#[test]
fn sigint_asks_once_and_ends_the_second_time() {
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::ExitStatusExt;
    const VARIABLE: &str = "TRINITY_TEST_SIGINT";
    if std::env::var_os(VARIABLE).is_some() {
        // The child: a run that saves its state when asked to end, and then hangs.
        stop::install().unwrap();
        let d = Deadline::of(&parse(GOOD).unwrap(), Duration::ZERO);
        println!("\nready");
        while d.over() != Some(End::Stopped) {
            std::thread::sleep(Duration::from_millis(1));
        }
        println!("\nstopping");
        std::thread::sleep(Duration::from_secs(60));
        return;
    }
    let mut c = child(
        "run::tests::sigint_asks_once_and_ends_the_second_time",
        VARIABLE,
    )
    .spawn()
    .unwrap();
    let pid = c.id() as libc::pid_t;
    let interrupt = || {
        // SAFETY: a signal to our own child, which has not been waited for.
        assert_eq!(unsafe { libc::kill(pid, libc::SIGINT) }, 0);
    };
    let mut out = BufReader::new(c.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    assert!(out.any(|l| l == "ready"));
    interrupt();
    assert!(out.any(|l| l == "stopping"), "the first one asks");
    interrupt();
    let status = c.wait().unwrap();
    assert_eq!(
        (status.code(), status.signal()),
        (Some(130), None),
        "the second one ends"
    );
}

fn minimal(dir: &Path) -> RunConfig {
    let mut c = parse(GOOD).unwrap();
    c.out = dir.into();
    c
}

fn report(c: &RunConfig, ended: crate::report::search::Ended) -> crate::report::Search {
    crate::report::Search {
        name: c.name.clone(),
        kind: c.kind.name().into(),
        config: c.to_toml(),
        march: c.march.clone(),
        jobs: c.jobs,
        deterministic: c.deterministic,
        ended,
        resumed: 0,
        targets: Vec::new(),
        rules: Vec::new(),
        tables: Vec::new(),
        provenance: Default::default(),
        trusted: Vec::new(),
        seconds: Some(1.5),
    }
}

#[test]
fn a_session_is_resumed_where_it_was_saved() {
    use crate::report::search::Ended;
    let dir = files::TestDir::new("session");
    let known = Known::default();
    let mut s = Session::start(minimal(&dir.0)).unwrap();
    s.save(&vec![1u64, 2, 3]).unwrap();
    let root = s.dir.root().to_path_buf();
    // One process at a time.
    let e = Session::resume::<Vec<u64>>(&root, &known).unwrap_err();
    assert!(
        matches!(e, SessionError::InUse(_)) && e.exit_code() == 8,
        "{e}"
    );
    let config = s.config.clone();
    s.finish(report(&config, Ended::Interrupted), &[]).unwrap();
    let (s, state) = Session::resume::<Vec<u64>>(&root, &known).unwrap();
    assert_eq!((state, s.resumed), (vec![1, 2, 3], 1));
    assert!(s.deadline.left().unwrap() <= Duration::from_secs(90));
    let best = [
        ("p01".to_string(), "a\n".to_string()),
        ("p02".to_string(), "b\n".to_string()),
    ];
    let d = s.finish(report(&config, Ended::Done), &best).unwrap();
    assert_eq!(crate::report::Document::load(&root).unwrap(), d);
    assert_eq!(
        std::fs::read_to_string(root.join("best-p02.s")).unwrap(),
        "b\n"
    );
    assert!(root.join("report.html").exists());
    // Nothing is left to resume.
    let e = Session::resume::<Vec<u64>>(&root, &known).unwrap_err();
    assert!(
        matches!(e, SessionError::State(_)) && e.exit_code() == 20,
        "{e}"
    );
    // A run begun anew keeps what an earlier one saved.
    let mut s = Session::start(minimal(&dir.0)).unwrap();
    s.save(&vec![9u64]).unwrap();
    drop(s);
    drop(Session::start(minimal(&dir.0)).unwrap());
    assert!(root.join("state.bin.old").exists() && !root.join("state.bin").exists());
    assert!(matches!(
        Session::resume::<u8>(&dir.0.join("nowhere"), &known),
        Err(SessionError::Config(_))
    ));
}

#[test]
fn deterministic_sessions_leave_the_same_bytes() {
    use crate::report::search::Ended;
    let bytes = |name: &str, seconds: f64| {
        let dir = files::TestDir::new(name);
        let mut c = minimal(&dir.0);
        c.make_deterministic(1000);
        assert_eq!(Deadline::of(&c, Duration::ZERO).left(), None);
        assert_eq!(
            Deadline::of(&c, Duration::ZERO)
                .for_target(&c)
                .budget_left(),
            Some(1000)
        );
        let mut s = Session::start(c.clone()).unwrap();
        s.save(&7u8).unwrap();
        let state = std::fs::read(s.dir.state()).unwrap();
        let mut r = report(&c, Ended::Budget);
        (r.seconds, r.config) = (Some(seconds), String::new());
        let root = s.dir.root().to_path_buf();
        s.finish(r, &[]).unwrap();
        let read = |name: &str| std::fs::read(root.join(name)).unwrap();
        (state, read("run.json"), read("report.html"))
    };
    assert_eq!(bytes("deterministic-a", 1.0), bytes("deterministic-b", 2.0));
}

/// A run that is killed at any moment continues from a state that it saved, no older than the last it told of.
#[test]
fn a_killed_run_resumes_from_its_last_save() {
    use std::io::{BufRead, BufReader, Read, Write};
    const VARIABLE: &str = "TRINITY_TEST_KILLED_RUN";
    let known = Known::default();
    if let Some(out) = std::env::var_os(VARIABLE) {
        // The child works on from what was saved, without end.
        let out = Path::new(&out);
        let (mut s, mut n) = match Session::resume::<u64>(&out.join("good"), &known) {
            Ok(r) => r,
            Err(_) => (Session::start(minimal(out)).unwrap(), 0),
        };
        loop {
            n += 1;
            s.save(&n).unwrap();
            let mut stdout = std::io::stdout().lock();
            stdout
                .write_all(format!("\nsaved {n}\n").as_bytes())
                .unwrap();
            stdout.flush().unwrap();
        }
    }
    let dir = files::TestDir::new("killed-run");
    let mut told = 0;
    for round in 0..12u64 {
        let mut c = child(
            "run::tests::a_killed_run_resumes_from_its_last_save",
            VARIABLE,
        )
        .env(VARIABLE, &dir.0)
        .spawn()
        .unwrap();
        let mut out = BufReader::new(c.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("saved ") {
            line.clear();
            assert!(out.read_line(&mut line).unwrap() > 0, "the child ended");
        }
        let first: u64 = line[6..].trim().parse().unwrap();
        assert!(
            first > told,
            "round {round}: went on from {first}, but {told} had been saved"
        );
        std::thread::sleep(Duration::from_micros(round * 937 % 5000));
        c.kill().unwrap();
        c.wait().unwrap();
        let mut rest = line;
        out.read_to_string(&mut rest).unwrap();
        let numbers = rest
            .lines()
            .filter_map(|l| l.strip_prefix("saved ")?.trim().parse().ok());
        told = numbers.max().unwrap_or(told).max(told);
        let (s, n) = Session::resume::<u64>(&dir.0.join("good"), &known).unwrap();
        assert!(n >= told, "round {round}: {n} is older than {told}");
        drop(s);
    }
}
