//! Configuration files read and checked.

use super::config::*;
use super::reader::{ConfigError, Reading, Section, nearest};
use crate::egraph::mine::{NoSuchOperation, operation};
use crate::search::opset::{self, March};
use std::path::{Path, PathBuf};

/// Widths in bits that targets and rules can have.
pub const WIDTHS: [u32; 4] = [8, 16, 32, 64];

/// What the tool knows, against which names are checked.
#[derive(Clone, Copy, Default, Debug)]
pub struct Known<'a> {
    /// Names of kernels; `None`: not checked.
    pub kernels: Option<&'a [&'a str]>,
}

impl RunConfig {
    /// Reads and checks a file. Relative paths inside it are as seen from the working directory.
    pub fn load(file: &Path, known: &Known) -> Result<RunConfig, ConfigError> {
        let text =
            std::fs::read_to_string(file).map_err(|e| ConfigError::whole(file, e.to_string()))?;
        RunConfig::parse(file, &text, known)
    }

    /// Checks the text of a file; `file` is for messages. Tells everything that is wrong, not only the first thing.
    pub fn parse(file: &Path, text: &str, known: &Known) -> Result<RunConfig, ConfigError> {
        let reading = Reading::new(text);
        let document = reading.document();
        let config = document.as_ref().map(|d| {
            let root = Section::new(&reading, d.get_ref(), "", 0);
            let config = run(&root, known);
            root.finish();
            config
        });
        reading.finish(file)?;
        // Without complaints there was a document.
        config
            .flatten()
            .ok_or_else(|| ConfigError::whole(file, "empty".into()))
    }
}

fn run(root: &Section, known: &Known) -> Option<RunConfig> {
    let name: Option<String> = root.required("name");
    if let Some(n) = &name {
        let plain = !n.is_empty() && *n == super::files::file_name(n);
        root.check(
            plain,
            "name",
            "names a directory: letters, digits, - _ . only",
        );
    }
    root.check(root.has("kind"), "kind", "missing");
    let kind = root.choice("kind", &Kind::NAMES);
    let march: String = root.or("march", "x86-64-v3".into());
    check_march(root, &march);
    let seed = root.or("seed", 1);
    root.check(seed <= i64::MAX as u64, "seed", "should be below 2^63");
    let deterministic = root.or("deterministic", false);
    let measure = root.or("measure", !deterministic);
    root.check(
        !(deterministic && measure),
        "measure",
        "measured times are not reproducible; take it out, or `deterministic`",
    );
    let budget = budget(root);
    root.check(
        !deterministic || budget.proposals.is_some(),
        "deterministic",
        "needs [budget] with `proposals`: clocks do not end a deterministic run",
    );
    let config = RunConfig {
        targets: targets(root, known),
        march,
        deadline: root.optional("deadline"),
        deadline_per_target: root.optional("deadline_per_target"),
        jobs: root.count("jobs", 0, 0, 4096),
        seed,
        deterministic,
        measure,
        out: root.or("out", PathBuf::from("out")),
        store: root.optional("store"),
        budget,
        solver: solver(root),
        engines: engines(root),
        rules: rules(root),
        tune: tune(root),
        name: name.unwrap_or_default(),
        kind: kind.unwrap_or(Kind::Opt),
    };
    if kind.is_some() {
        check_kind(root, &config);
    }
    Some(config)
}

/// What each kind of run needs and cannot use.
fn check_kind(root: &Section, c: &RunConfig) {
    let kind = c.kind.name();
    let targeted = matches!(c.kind, Kind::Opt | Kind::Synth | Kind::Kernels | Kind::Tune);
    let has_targets = root.has("target") || root.has("targets");
    let key = if root.has("target") {
        "target"
    } else {
        "targets"
    };
    root.check(
        has_targets == targeted,
        key,
        match targeted {
            true => format!("a run of kind \"{kind}\" needs targets"),
            false => format!("a run of kind \"{kind}\" has no targets"),
        },
    );
    if c.kind == Kind::Kernels {
        let only = c
            .targets
            .iter()
            .all(|t| matches!(t.source, Source::Kernel { .. }));
        root.check(
            only,
            key,
            "a run of kind \"kernels\" takes kernels only; use \"opt\" or \"synth\"",
        );
    }
    if targeted {
        root.check(
            root.has("engine"),
            "engine",
            "missing: name at least one engine, as [engine.chain]",
        );
    }
    // `march`, `measure` and `solver` stand in every resolved file.
    let unused: &[&str] = match c.kind {
        Kind::Rules => &[
            "store",
            "deadline_per_target",
            "width",
            "live_out",
            "preconditions",
            "engine",
        ],
        Kind::Tune => &["store", "deadline_per_target", "live_out", "preconditions"],
        _ => &[],
    };
    for key in unused.iter().filter(|k| root.has(k)) {
        root.complain(key, format!("of no use in a run of kind \"{kind}\""));
    }
    let rules = c.kind == Kind::Rules;
    root.check(
        rules == root.has("rules"),
        "rules",
        match rules {
            true => "missing".to_string(),
            false => format!("a run of kind \"{kind}\" has no [rules]"),
        },
    );
    let tune = c.kind == Kind::Tune;
    root.check(
        tune == root.has("tune"),
        "tune",
        match tune {
            true => "missing".to_string(),
            false => format!("a run of kind \"{kind}\" has no [tune]"),
        },
    );
}

fn check_march(root: &Section, march: &str) {
    if March::parse(march).is_some() {
        return;
    }
    let names = March::names();
    let hint = match nearest(march, &names) {
        Some(n) => format!("did you mean \"{n}\"?"),
        None => format!("it may be {}", names.join(", ")),
    };
    root.complain("march", format!("\"{march}\" is not known; {hint}"));
}

fn targets(root: &Section, known: &Known) -> Vec<Target> {
    let width = root.or("width", WIDTH);
    check_width(root, "width", width);
    let live_out: Vec<String> = root.or("live_out", Vec::new());
    let preconditions: Vec<String> = root.or("preconditions", Vec::new());
    let mut out = Vec::new();
    for entry in root.or::<Vec<String>>("targets", Vec::new()) {
        for kernel in expand(root, &entry) {
            check_kernel(root, "targets", &kernel, known);
            out.push(Target {
                source: Source::Kernel { kernel },
                width: Some(width),
                live_out: live_out.clone(),
                preconditions: preconditions.clone(),
            });
        }
    }
    for section in root.sections("target") {
        let function = section.optional("function");
        let given: Vec<&str> = ["kernel", "asm", "object", "lua", "ir"]
            .into_iter()
            .filter(|k| section.has(k))
            .collect();
        section.check(
            given.len() == 1,
            given.get(1).unwrap_or(&"kernel"),
            "a target has one of `kernel`, `asm`, `object`, `lua`, `ir`",
        );
        let kernel: Option<String> = section.optional("kernel");
        let asm: Option<PathBuf> = section.optional("asm");
        let object: Option<PathBuf> = section.optional("object");
        let lua: Option<PathBuf> = section.optional("lua");
        let ir: Option<PathBuf> = section.optional("ir");
        section.check(
            kernel.is_none() || function.is_none(),
            "function",
            "a kernel has one function only",
        );
        if let Some(k) = &kernel {
            check_kernel(&section, "kernel", k, known);
        }
        let source = match (kernel, asm, object, lua, ir) {
            (Some(kernel), ..) => Some(Source::Kernel { kernel }),
            (_, Some(asm), ..) => Some(Source::Assembly { asm, function }),
            (_, _, Some(object), ..) => Some(Source::Object { object, function }),
            (_, _, _, Some(lua), _) => Some(Source::Lua { lua, function }),
            (.., Some(ir)) => Some(Source::Ir { ir, function }),
            _ => None,
        };
        section.check(
            section.has("kernel") || !section.has("width"),
            "width",
            "only kernels have a width; code has its own",
        );
        let is_kernel = section.has("kernel");
        let target_width = section.or("width", width);
        check_width(&section, "width", target_width);
        let live_out = section.or("live_out", live_out.clone());
        let preconditions = section.or("preconditions", preconditions.clone());
        out.extend(source.map(|source| Target {
            source,
            width: is_kernel.then_some(target_width),
            live_out,
            preconditions,
        }));
        section.finish();
    }
    out
}

fn check_width(section: &Section, key: &str, width: u32) {
    section.check(WIDTHS.contains(&width), key, "should be 8, 16, 32 or 64");
}

fn check_kernel(section: &Section, key: &str, name: &str, known: &Known) {
    let Some(kernels) = known.kernels else { return };
    if !kernels.contains(&name) {
        let hint =
            nearest(name, kernels).map_or(String::new(), |n| format!("; did you mean \"{n}\"?"));
        section.complain(key, format!("there is no kernel \"{name}\"{hint}"));
    }
}

/// `p01-p25` is every kernel from the one to the other; anything else is itself.
fn expand(section: &Section, entry: &str) -> Vec<String> {
    let split = |s: &str| {
        let at = s.find(|c: char| c.is_ascii_digit())?;
        let number: u32 = s[at..].parse().ok()?;
        Some((s[..at].to_string(), number, s.len() - at))
    };
    let range = entry
        .split_once('-')
        .and_then(|(a, b)| Some((split(a)?, split(b)?)));
    let Some(((prefix, first, digits), (other, last, _))) = range else {
        return vec![entry.to_string()];
    };
    if prefix != other || first > last || last - first > 1000 {
        section.complain(
            "targets",
            format!("\"{entry}\" is not a range such as \"p01-p25\""),
        );
        return Vec::new();
    }
    (first..=last)
        .map(|n| format!("{prefix}{n:0digits$}"))
        .collect()
}

fn budget(root: &Section) -> Budget {
    let mut b = Budget::default();
    if let Some(s) = root.section("budget") {
        b.proposals = s.optional("proposals");
        b.rlimit = s.or("rlimit", b.rlimit);
        s.check(b.proposals != Some(0), "proposals", "should be more than 0");
        s.check(b.rlimit > 0, "rlimit", "should be more than 0");
        s.finish();
    }
    b
}

fn solver(root: &Section) -> Solver {
    let mut v = Solver::default();
    if let Some(s) = root.section("solver") {
        v.timeout = s.or("timeout", v.timeout);
        s.check(!v.timeout.is_zero(), "timeout", "should be more than 0");
        v.memory_mb = s.count("memory_mb", v.memory_mb, 64, 1 << 20);
        v.second = s.optional("second");
        s.finish();
    }
    v
}

fn engines(root: &Section) -> Engines {
    let mut e = Engines::default();
    if let Some(s) = root.section("engine") {
        e.chain = s.section("chain").map(chain);
        e.quasar = s.section("quasar").map(quasar);
        e.enumerate = s.section("enumerate").map(enumerate);
        e.egraph = s.section("egraph").map(egraph);
        let none = e == Engines::default();
        root.check(
            !none,
            "engine",
            "name at least one engine, as [engine.chain]",
        );
        s.finish();
    }
    e
}

fn chain(s: Section) -> Chain {
    let d = Chain::default();
    let mut c = Chain {
        beta: s.number("beta", d.beta, 1e-6, 1e6),
        slots: s.count("slots", d.slots, 1, 256),
        rerank: s.number("rerank", d.rerank, 0.0, 10.0),
        ..d
    };
    if let Some(m) = s.section("moves") {
        let d = d.moves;
        c.moves = Moves {
            opcode: m.number("opcode", d.opcode, 0.0, 1e6),
            operand: m.number("operand", d.operand, 0.0, 1e6),
            swap: m.number("swap", d.swap, 0.0, 1e6),
            instruction: m.number("instruction", d.instruction, 0.0, 1e6),
            unused: m.number("unused", d.unused, 0.0, 1.0),
        };
        let sum = c.moves.opcode + c.moves.operand + c.moves.swap + c.moves.instruction;
        s.check(
            sum > 0.0,
            "moves",
            "the masses add up to 0: no move is left",
        );
        m.finish();
    }
    if let Some(w) = s.section("weights") {
        let d = d.weights;
        c.weights = Weights {
            fault: w.number("fault", d.fault, 0.0, 1e6),
            undefined: w.number("undefined", d.undefined, 0.0, 1e6),
            misplaced: w.number("misplaced", d.misplaced, 0.0, 1e6),
            performance: w.number("performance", d.performance, 0.0, 1e6),
        };
        w.finish();
    }
    if let Some(r) = s.section("restarts") {
        let d = d.restarts;
        c.restarts = Restarts {
            cycle: r.or("cycle", d.cycle),
            repeat: r.count("repeat", d.repeat, 0, 1 << 20),
        };
        r.check(c.restarts.cycle > 0, "cycle", "should be more than 0");
        r.finish();
    }
    s.finish();
    c
}

fn quasar(s: Section) -> Quasar {
    let d = Quasar::default();
    let q = Quasar {
        population: s.count("population", d.population, 0, 1 << 20),
        generations: s.count("generations", d.generations, 1, 1 << 20),
        slots: s.count("slots", d.slots, 1, 256),
    };
    s.finish();
    q
}

fn enumerate(s: Section) -> Enumerate {
    let d = Enumerate::default();
    let e = Enumerate {
        max_length: s.count("max_length", d.max_length, 1, 64),
        instructions: s.or("instructions", d.instructions),
        scratch: s.count("scratch", d.scratch, 0, 16),
        constants: s.or("constants", d.constants),
        minimal: s.or("minimal", d.minimal),
    };
    let all = opset::mnemonics();
    let names: Vec<&str> = all.iter().map(|n| n.0.as_str()).collect();
    for name in &e.instructions {
        if !names.contains(&name.as_str()) {
            let hint =
                nearest(name, &names).map_or(String::new(), |n| format!("; did you mean \"{n}\"?"));
            s.complain(
                "instructions",
                format!("searches have no instruction \"{name}\"{hint}"),
            );
        }
    }
    for c in &e.constants {
        s.check(
            constant(c).is_some(),
            "constants",
            format!("\"{c}\" is not a number of 64 bits, such as -1, 255 or 0xff"),
        );
    }
    s.finish();
    e
}

/// A number of 64 bits, signed or not: `-1`, `255`, `0xff`.
pub fn constant(text: &str) -> Option<i64> {
    let plain = text.replace('_', "");
    let (negative, digits) = match plain.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, plain.as_str()),
    };
    let value = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok()?,
        None => digits.parse::<u64>().ok()?,
    };
    match negative {
        true => (value <= 1 << 63).then(|| (value as i64).wrapping_neg()),
        false => Some(value as i64),
    }
}

fn egraph(s: Section) -> Egraph {
    let d = Egraph::default();
    let e = Egraph {
        nodes: s.count("nodes", d.nodes, 1, 100_000_000),
        iterations: s.count("iterations", d.iterations, 1, 1_000_000),
    };
    s.finish();
    e
}

fn rules(root: &Section) -> Option<Rules> {
    let s = root.section("rules")?;
    let widths: Vec<u32> = s.or("widths", WIDTHS.to_vec());
    let known = !widths.is_empty() && widths.iter().all(|w| WIDTHS.contains(w));
    s.check(known, "widths", "should be some of 8, 16, 32 and 64");
    let mine = s.section("mine").map(|m| {
        let mine = Mine {
            operations: m.required("operations").unwrap_or_default(),
            constants: m.or("constants", vec!["0".into(), "1".into()]),
            variables: m.count("variables", 2, 1, 3),
            size: m.count("size", 3, 1, 3),
            output: m.or("output", PathBuf::from("out/mined.rules")),
        };
        m.check(
            !m.has("operations") || !mine.operations.is_empty(),
            "operations",
            "should name at least one operation",
        );
        for name in &mine.operations {
            m.check(
                operation(name).is_some(),
                "operations",
                NoSuchOperation(name.clone()).to_string(),
            );
        }
        for c in &mine.constants {
            m.check(
                c.parse::<i8>().is_ok(),
                "constants",
                format!("\"{c}\" is not a number from -128 to 127"),
            );
        }
        m.finish();
        mine
    });
    let files: Vec<PathBuf> = s.or("files", Vec::new());
    s.check(
        mine.is_some() || !files.is_empty(),
        "files",
        "missing: name the files of rules to verify, or add [rules.mine]",
    );
    s.finish();
    Some(Rules {
        files,
        widths,
        mine,
    })
}

/// Keys that a tuning run can vary.
pub const TUNABLE: [&str; 12] = [
    "engine.chain.beta",
    "engine.chain.slots",
    "engine.chain.moves.opcode",
    "engine.chain.moves.operand",
    "engine.chain.moves.swap",
    "engine.chain.moves.instruction",
    "engine.chain.moves.unused",
    "engine.chain.weights.fault",
    "engine.chain.weights.undefined",
    "engine.chain.weights.misplaced",
    "engine.chain.weights.performance",
    "engine.chain.restarts.cycle",
];

fn tune(root: &Section) -> Option<Tune> {
    let s = root.section("tune")?;
    s.check(
        s.has("parameter"),
        "parameter",
        "missing: add [[tune.parameter]] tables",
    );
    let mut parameter = Vec::new();
    for p in s.sections("parameter") {
        let key = p.required::<String>("key");
        if let Some(k) = &key
            && !TUNABLE.contains(&k.as_str())
        {
            let hint =
                nearest(k, &TUNABLE).map_or(String::new(), |n| format!("; did you mean \"{n}\"?"));
            p.complain("key", format!("\"{k}\" cannot be tuned{hint}"));
        }
        let (low, high) = (p.required::<f64>("low"), p.required::<f64>("high"));
        let log = p.or("log", false);
        if let (Some(key), Some(low), Some(high)) = (key, low, high) {
            p.check(low < high, "high", "should be above `low`");
            p.check(
                !log || low > 0.0,
                "low",
                "should be above 0 where `log = true`",
            );
            parameter.push(Parameter {
                key,
                low,
                high,
                log,
            });
        }
        p.finish();
    }
    let t = Tune {
        population: s.count("population", 0, 0, 1 << 20),
        generations: s.count("generations", 20, 1, 1 << 20),
        repeat: s.count("repeat", 3, 1, 1000),
        proposals: s.or("proposals", 1_000_000),
        parameter,
    };
    s.check(t.proposals > 0, "proposals", "should be more than 0");
    s.finish();
    Some(t)
}
