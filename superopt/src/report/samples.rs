//! Reports of every kind for the tests of the writers, with something in every field.

use super::equivalence::*;
use super::parts::*;
use super::search::*;
use super::verdict::{Verdict, VerdictKind};
use super::{Batch, Document, Equivalence, Phi, Report, Search};
use crate::store::sha256::sha256;

fn lines(text: &[(u64, &str, &str)]) -> Vec<Line> {
    text.iter()
        .map(|(address, bytes, text)| Line {
            address: *address,
            bytes: bytes.to_string(),
            text: text.to_string(),
            source_line: Some(*address as u32 + 3),
        })
        .collect()
}

fn interval(value: f64, half: f64) -> Interval {
    Interval {
        value,
        low: value - half,
        high: value + half,
        confidence: 0.95,
    }
}

fn program(name: &str, origin: &str, text: &[(u64, &str, &str)], cycles: f64, ns: f64) -> Program {
    let lines = lines(text);
    let bytes: String = lines.iter().map(|l| l.bytes.as_str()).collect();
    Program {
        name: name.into(),
        origin: Some(origin.into()),
        sha256: sha256(bytes.as_bytes()).to_string(),
        cost: Some(Cost {
            model: "znver4".into(),
            latency_cycles: cycles,
            uops: lines.len() as u32,
            instructions: lines.len() as u32,
            bytes: bytes.len() as u32 / 2,
            measured: Some(Measured {
                latency_ns: Some(interval(ns, ns * 0.02)),
                throughput_ns: Some(interval(ns * 0.4, ns * 0.015)),
                samples: 2000,
                processor: "AMD EPYC 9R14".into(),
            }),
        }),
        lines,
    }
}

fn interface() -> Interface {
    Interface {
        live_in: vec!["edi".into(), "esi".into()],
        live_out: vec!["eax".into()],
        memory: vec!["no memory is read or written but the return address".into()],
        flags: vec![
            "dead at return".into(),
            "undefined after imul: fresh variables".into(),
        ],
        other: vec!["System V calling convention".into()],
        march: "x86-64-v3".into(),
    }
}

fn query(goal: &str, method: &str, verdict: VerdictKind) -> Query {
    Query {
        goal: goal.into(),
        method: method.into(),
        verdict,
        why: String::new(),
        solver: Some("Z3 4.8.12".into()),
        options: "tactic=qfbv".into(),
        seed: Some(7),
        rlimit: Some(1_234_567),
        seconds: Some(0.0321),
        memory_bytes: Some(41_500_000),
        smt_file: Some(format!("smt/{goal}.smt2")),
        smt_sha256: Some(sha256(goal.as_bytes()).to_string()),
        cached: false,
        second: None,
    }
}

/// floor((x+y)/2), in two ways; proven.
pub fn proven() -> Equivalence {
    let left = program(
        "p14",
        "gcc 12 -O3, p14.s",
        &[
            (0, "89f8", "mov eax, edi"),
            (2, "31f7", "xor edi, esi"),
            (4, "21f0", "and eax, esi"),
            (6, "d1ff", "sar edi"),
            (8, "01f8", "add eax, edi"),
        ],
        4.0,
        1.12,
    );
    let right = program(
        "p14 rewritten",
        "chain",
        &[
            (0, "4863c7", "movsxd rax, edi"),
            (3, "4863d6", "movsxd rdx, esi"),
            (6, "4801d0", "add rax, rdx"),
            (9, "48d1e8", "shr rax"),
        ],
        3.0,
        0.84,
    );
    let claim = Claim::Refinement;
    let mut r = Equivalence::new(
        "p14: floor of the average",
        claim,
        left,
        right,
        interface(),
        Verdict::Proven,
    );
    let mut first = query("eax", "bit-blast", VerdictKind::Proven);
    first.second = Some(SecondOpinion {
        solver: "Bitwuzla 0.9.1".into(),
        verdict: VerdictKind::Proven,
        agrees: true,
        seconds: Some(0.09),
    });
    let mut second = query("no new fault", "structural", VerdictKind::Proven);
    (second.solver, second.smt_file, second.smt_sha256) = (None, None, None);
    let mut third = query("cut point 3", "cut points", VerdictKind::Unknown);
    third.why = "smt tactic failed".into();
    let mut fourth = query("rax", "bit-blast", VerdictKind::Proven);
    fourth.cached = true;
    r.queries = vec![first, second, third, fourth];
    r.tests = 640;
    r.seconds = Some(0.41);
    r.provenance = Provenance {
        engine: "chain".into(),
        seed: 7,
        iteration: 812_345,
        chain: path(),
        tool: super::tool_version(),
        command: "trinityc search search-configs/quick.toml --seed 7".into(),
    };
    r
}

fn path() -> Vec<Move> {
    let step = |iteration, what: &str, cost, program: &[&str]| Move {
        iteration,
        engine: "chain".into(),
        what: what.into(),
        cost,
        program: program.iter().map(|l| l.to_string()).collect(),
    };
    vec![
        step(
            0,
            "start: the target",
            24.0,
            &["mov eax, edi", "xor edi, esi", "and eax, esi"],
        ),
        step(
            10_200,
            "instruction",
            19.0,
            &["movsxd rax, edi", "xor edi, esi"],
        ),
        step(52_011, "operand", 13.0, &[]),
        step(344_908, "swap", 7.0, &[]),
        step(
            812_345,
            "opcode",
            3.0,
            &[
                "movsxd rax, edi",
                "movsxd rdx, esi",
                "add rax, rdx",
                "shr rax",
            ],
        ),
    ]
}

/// The same with a logical shift of the 32-bit sum; refuted.
pub fn refuted() -> Equivalence {
    let mut r = proven();
    r.title = "p14: average <without> the carry".into();
    r.claim = Claim::Equivalence;
    r.verdict = Verdict::Refuted;
    r.right = program(
        "wrong & short",
        "wrong.s",
        &[(0, "8d0437", "lea eax, [rdi+rsi]"), (3, "d1e8", "shr eax")],
        2.0,
        0.56,
    );
    let change = |place: &str, value: &str| Change {
        place: place.into(),
        value: both(value),
    };
    let step = |line, text: &str, changes: Vec<Change>| Step {
        line,
        text: text.into(),
        changes,
        fault: String::new(),
    };
    r.counterexample = Some(Counterexample {
        inputs: vec![
            Binding::new("edi", "0x80000000"),
            Binding::new("esi", "0x80000000"),
        ],
        original: vec![
            Binding::new("edi", "0xbfe23107"),
            Binding::new("esi", "0xc4000210"),
        ],
        outputs: vec![
            Output {
                place: "eax".into(),
                left: both("0x80000000"),
                right: both("0x00000000"),
                differs: true,
            },
            Output {
                place: "rbx".into(),
                left: both("0x0000000000000000"),
                right: both("0x0000000000000000"),
                differs: false,
            },
        ],
        left: vec![
            step(0, "mov eax, edi", vec![change("rax", "0x0000000080000000")]),
            step(
                1,
                "xor edi, esi",
                vec![change("rdi", "0x0000000000000000"), change("zf", "1")],
            ),
            step(2, "and eax, esi", vec![change("rax", "0x0000000080000000")]),
            step(3, "sar edi", vec![change("rdi", "0x0000000000000000")]),
            step(4, "add eax, edi", vec![change("rax", "0x0000000080000000")]),
        ],
        right: vec![
            step(
                0,
                "lea eax, [rdi+rsi]",
                vec![change("rax", "0x0000000000000000")],
            ),
            step(
                1,
                "shr eax",
                vec![change("rax", "0x0000000000000000"), change("zf", "1")],
            ),
        ],
        divergence: Some(Divergence {
            side: Side::Right,
            step: 0,
            why: "the carry out of bit 31 is lost".into(),
        }),
        not_replayed: String::new(),
    });
    r.queries = vec![query("eax", "bit-blast", VerdictKind::Refuted)];
    r.provenance.engine.clear();
    r.provenance.command = "trinityc equiv p14.s wrong.s --function p14".into();
    r
}

fn both(value: &str) -> Observed {
    Observed {
        model: value.into(),
        processor: Some(value.into()),
    }
}

/// A division, equal where the divisor is not zero.
pub fn conditional() -> Equivalence {
    let mut r = proven();
    r.verdict = Verdict::ProvenUnderPrecondition;
    r.precondition = Some(Precondition {
        text: "esi != 0 && edi >=s 0".into(),
        witness: Some(vec![
            Binding::new("edi", "0x00000000"),
            Binding::new("esi", "0x00000001"),
        ]),
    });
    r
}

/// An equivalence report of every verdict.
pub fn every_verdict() -> Vec<Equivalence> {
    let other = |verdict| {
        let mut r = proven();
        r.verdict = verdict;
        r.queries.clear();
        r
    };
    let why = "why <not>".to_string();
    let mut vacuous = other(Verdict::Vacuous);
    vacuous.precondition = Some(Precondition {
        text: "edi != edi".into(),
        witness: None,
    });
    vec![
        proven(),
        conditional(),
        other(Verdict::Bounded { k: 4 }),
        refuted(),
        other(Verdict::Timeout),
        other(Verdict::Unknown { why: why.clone() }),
        other(Verdict::Unsupported {
            instruction: "rdtsc".into(),
            address: 18,
            why: why.clone(),
        }),
        vacuous,
        other(Verdict::Error { why }),
    ]
}

fn curve(engine: &str, points: &[(u64, f64, f64)]) -> Curve {
    let points = points.iter().map(|(proposals, seconds, cost)| Point {
        proposals: *proposals,
        seconds: Some(*seconds),
        cost: *cost,
    });
    Curve {
        engine: engine.into(),
        points: points.collect(),
    }
}

/// A run with everything: several engines, a find, a minimal find, a target without a find, rules, a table.
pub fn search() -> Search {
    let work = |engine: &str, proposals: u64, best: Option<f64>| EngineWork {
        engine: engine.into(),
        proposals,
        live_proposals: proposals / 3,
        tests: proposals * 11,
        restarts: proposals / 400_000,
        proofs: 6,
        proven: 4,
        best_cost: best,
        seconds: Some(11.5),
    };
    let average = Target {
        name: "p14".into(),
        specification: "floor((x + y) / 2) on signed 32-bit integers".into(),
        outcome: Outcome::Improved,
        result: Some(proven()),
        curves: vec![
            curve(
                "chain",
                &[
                    (1, 0.01, 24.0),
                    (10_200, 0.2, 19.0),
                    (52_011, 0.9, 13.0),
                    (344_908, 3.9, 7.0),
                    (812_345, 9.1, 3.0),
                ],
            ),
            curve(
                "quasar",
                &[(128, 0.05, 24.0), (40_000, 2.2, 15.0), (220_000, 8.0, 9.0)],
            ),
            curve("enumerate", &[(9000, 0.4, 24.0), (2_400_000, 6.1, 4.0)]),
            curve("egraph", &[(1, 0.02, 5.0)]),
        ],
        path: path(),
        counterexamples: vec![
            Met {
                iteration: 12_004,
                inputs: vec![
                    Binding::new("edi", "0x80000000"),
                    Binding::new("esi", "0x80000000"),
                ],
                found_by: "proof".into(),
                killed: 81_223,
            },
            Met {
                iteration: 40_551,
                inputs: vec![
                    Binding::new("edi", "0xffffffff"),
                    Binding::new("esi", "0x00000002"),
                ],
                found_by: "bit flip of 1".into(),
                killed: 977,
            },
        ],
        engines: vec![
            work("chain", 9_812_345, Some(3.0)),
            work("quasar", 220_000, Some(9.0)),
            work("enumerate", 2_400_000, Some(4.0)),
            work("egraph", 1, Some(5.0)),
        ],
        minimality: Some(Minimality {
            instructions: Some(4),
            cheapest: true,
            none_up_to: 3,
            instruction_set: ["movsxd", "add", "shr", "sar", "and", "xor"]
                .map(String::from)
                .into(),
            registers: ["rax", "rdx", "rdi", "rsi"].map(String::from).into(),
            constants: "all".into(),
            states: 1_234_567,
            method: "exhaustion with symbolic constants".into(),
            cut_off: false,
        }),
    };
    let hopeless = Target {
        name: "p20".into(),
        specification: "next higher number with as many one bits".into(),
        outcome: Outcome::NotFound,
        result: None,
        curves: Vec::new(),
        path: Vec::new(),
        counterexamples: Vec::new(),
        engines: vec![work("chain", 5_000_000, None)],
        minimality: None,
    };
    Search {
        name: "quick".into(),
        kind: "kernels".into(),
        config: "name = \"quick\"\nkind = \"kernels\"\n".into(),
        march: "x86-64-v3".into(),
        jobs: 2,
        deterministic: false,
        ended: Ended::Deadline,
        resumed: 1,
        targets: vec![average, hopeless],
        rules: vec![Rule {
            name: "and-of-or".into(),
            text: "(and (or x y) x) => x".into(),
            widths: vec![8, 16, 32, 64],
            verdict: VerdictKind::Proven,
            method: "bit-blast".into(),
            matches: 12_345,
            seconds: Some(0.02),
        }],
        tables: vec![Table {
            title: "Tuned parameters".into(),
            columns: vec!["parameter".into(), "default".into(), "tuned".into()],
            rows: vec![vec!["engine.chain.beta".into(), "1".into(), "0.37".into()]],
            note: "medians over 5 seeds".into(),
        }],
        provenance: Provenance {
            engine: String::new(),
            seed: 7,
            iteration: 0,
            chain: Vec::new(),
            tool: super::tool_version(),
            command: "trinityc search search-configs/quick.toml --seed 7 --jobs 2".into(),
        },
        trusted: ALWAYS_TRUSTED.iter().map(|t| t.to_string()).collect(),
        seconds: Some(60.3),
    }
}

/// A batch compared with an earlier one.
pub fn batch() -> Batch {
    let item = |name: &str, verdict: Verdict, seconds: f64, cached| super::batch::Item {
        name: name.into(),
        verdict,
        method: "bit-blast".into(),
        cached,
        rlimit: Some((seconds * 1e7) as u64),
        seconds: Some(seconds),
        report: Some(format!("{name}.json")),
        programs: None,
    };
    let before = vec![
        item("add-zero", Verdict::Timeout, 30.0, false),
        item("old", Verdict::Proven, 0.1, false),
    ];
    let before = Batch::summarise("rules", before, None, "");
    let mut now = vec![
        item("add-zero", Verdict::Proven, 0.02, false),
        item("mul-by-magic", Verdict::Timeout, 30.0, false),
        item("xor-self", Verdict::Proven, 0.001, true),
        item("broken/shift-too-far", Verdict::Refuted, 0.01, false),
    ];
    // One of them is about code.
    let mut code = every_verdict().swap_remove(0);
    (code.left.cost, code.right.cost) = (None, None);
    now[0].programs = Some(Box::new(Programs {
        left: code.left,
        right: code.right,
    }));
    let mut b = Batch::summarise(
        "Rules <shipped>",
        now,
        Some(&before),
        "trinityc rules verify",
    );
    b.seconds = Some(30.2);
    b
}

/// One document of every kind, and one of every verdict.
pub fn all() -> Vec<Document> {
    let mut out: Vec<Document> = every_verdict().into_iter().map(Document::from).collect();
    out.push(search().into());
    out.push(batch().into());
    out.push(Document::new(Report::Phi(Box::new(Phi::decide()))));
    out
}
