//! The commands that run searches, through the built trinityc: results, reproducibility, kills, signals, deadlines, the
//! store, bad input. Needs trinity-solver beside it (`cargo build -p trinity-solver`).

mod common;
#[path = "superopt_search/others.rs"]
mod others;

use common::{Scratch, text, trinityc};
use object::read::elf::{ElfFile64, FileHeader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn output(dir: &Path, args: &[&str]) -> Output {
    trinityc(dir).args(args).output().unwrap()
}

fn code(o: &Output) -> i32 {
    o.status.code().unwrap_or(-1)
}

fn start(dir: &Path, args: &[&str]) -> Child {
    trinityc(dir)
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Names of targets with what was found for them.
fn outcomes(run: &serde_json::Value) -> Vec<(String, String, String)> {
    let all = run["targets"].as_array().unwrap().iter();
    all.map(|t| {
        let field = |v: &serde_json::Value| v.as_str().unwrap_or("").to_owned();
        (
            field(&t["name"]),
            field(&t["outcome"]),
            field(&t["result"]["verdict"]["kind"]),
        )
    })
    .collect()
}

const EASY: &str = "name = 'easy'\nkind = 'kernels'\ntargets = ['p01', 'p06']\ndeadline = '20s'\ndeadline_per_target = '2s'\n\
                    measure = false\n[budget]\nproposals = 60_000\n[engine.chain]\nslots = 6\n[engine.enumerate]\n";

#[test]
fn two_deterministic_runs_leave_the_same_bytes() {
    let s = Scratch::new("search-same");
    s.write("c.toml", EASY);
    let results = ["a", "b"].map(|out| {
        let o = output(
            s.path(),
            &[
                "search",
                "c.toml",
                "--deterministic",
                "--seed",
                "5",
                "--out",
                out,
                "-q",
            ],
        );
        assert_eq!(code(&o), 0, "{}", text(&o.stderr));
        let file = |name: &str| std::fs::read(s.file(out).join("easy").join(name)).unwrap();
        (
            text(&o.stdout),
            file("run.json"),
            file("report.html"),
            file("best-p01-32.s"),
        )
    });
    assert!(results[0] == results[1]);
    let run = s.json("a/easy/run.json");
    let proven = |name: &str| {
        (
            name.to_owned(),
            "synthesised".to_owned(),
            "proven".to_owned(),
        )
    };
    assert_eq!(outcomes(&run), [proven("p01-32"), proven("p06-32")]);
    // No clock is in it.
    assert!(!String::from_utf8_lossy(&results[0].1).contains("\"seconds\""));
    // The assembly is what an assembler reads, and trinityc shows the same report again.
    let o = Command::new("cc")
        .args(["-c", "a/easy/best-p06-32.s", "-o", "p06.o"])
        .current_dir(s.path())
        .output()
        .unwrap();
    assert!(o.status.success(), "{}", text(&o.stderr));
    let o = output(
        s.path(),
        &["report", "a/easy", "--html", "page.html", "--text"],
    );
    assert_eq!((code(&o), text(&o.stdout)), (0, results[0].0.clone()));
    assert!(
        std::fs::read_to_string(s.file("page.html"))
            .unwrap()
            .contains("p06-32")
    );
}

/// Killed at random moments, the run still ends; what was finished is not repeated.
#[test]
fn killed_runs_resume() {
    let s = Scratch::new("search-kill");
    s.write("c.toml", EASY.replace("'p06'", "'p06', 'p16', 'p22'"));
    let seed = std::process::id();
    println!("seed {seed}");
    let mut x = u64::from(seed) | 1;
    let mut child = start(s.path(), &["search", "c.toml"]);
    let state = s.file("out/easy/state.bin");
    let mut finished = 0;
    for _ in 0..6 {
        let begun = Instant::now();
        while !state.exists()
            && begun.elapsed() < Duration::from_secs(60)
            && child.try_wait().unwrap().is_none()
        {
            std::thread::sleep(Duration::from_millis(5));
        }
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        std::thread::sleep(Duration::from_millis((x >> 33) % 1500));
        child.kill().unwrap();
        child.wait().unwrap();
        finished += 1;
        if !state.exists() {
            // It was done before it was killed.
            break;
        }
        child = start(s.path(), &["search", "--resume", "out/easy"]);
    }
    let _ = child.wait();
    let run = s.json("out/easy/run.json");
    println!("killed {finished} times, resumed {}", run["resumed"]);
    assert_eq!(run["ended"], "done");
    let found = outcomes(&run);
    assert_eq!(found.len(), 4);
    assert!(
        found
            .iter()
            .all(|f| f.1 == "synthesised" && f.2 == "proven"),
        "{found:?}"
    );
    assert!(!state.exists());
}

#[test]
fn a_signal_saves_the_state_and_says_how_to_go_on() {
    let s = Scratch::new("search-int");
    s.write(
        "c.toml",
        // Nothing but the deadline ends it: six slots are too few for p20.
        EASY.replace("'2s'", "'60s'")
            .replace("'20s'", "'120s'")
            .replace("60_000", "600_000_000_000")
            .replace("'p06'", "'p20'")
            .replace("[engine.enumerate]\n", ""),
    );
    let child = trinityc(s.path())
        .args(["search", "c.toml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let state = s.file("out/easy/state.bin");
    let begun = Instant::now();
    while !state.exists() && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(300));
    // SAFETY: a signal to a child that was not waited for, so that its number is still its own.
    unsafe { libc::kill(child.id() as i32, libc::SIGINT) };
    let o = child.wait_with_output().unwrap();
    assert_eq!(code(&o), 130, "{}", text(&o.stderr));
    assert!(
        text(&o.stderr).contains("trinityc search --resume out/easy"),
        "{}",
        text(&o.stderr)
    );
    // Piped: plain lines, no control characters of bars.
    assert!(!text(&o.stderr).contains('\u{1b}'));
    assert!(state.exists());
    assert_eq!(s.json("out/easy/run.json")["ended"], "interrupted");
    // With more time it goes on; when its deadline comes first, it can be given more again.
    let resume = |time: &str| {
        output(
            s.path(),
            &["search", "--resume", "out/easy", "--deadline", time],
        )
    };
    let o = resume("3s");
    assert_eq!(code(&o), 0, "{}", text(&o.stderr));
    assert_eq!(s.json("out/easy/run.json")["ended"], "deadline");
    assert!(text(&o.stderr).contains("the deadline came first; the state is saved"));
    let o = resume("3s");
    assert_eq!(code(&o), 20, "{}", text(&o.stderr));
    assert!(text(&o.stderr).contains("give a longer one with --deadline"));
    let o = resume("5s");
    assert_eq!(code(&o), 0, "{}", text(&o.stderr));
    assert_eq!(s.json("out/easy/run.json")["resumed"], 2);
    // What was found before each end is still there.
    let found = outcomes(&s.json("out/easy/run.json"));
    assert!(found.iter().any(|f| f.2 == "proven"), "{found:?}");
}

#[test]
fn the_store_remembers_programs() {
    let s = Scratch::new("search-store");
    s.write("c.toml", EASY.replace("['p01', 'p06']", "['p06']"));
    let args = ["search", "c.toml", "--store", "s.redb", "-q"];
    let o = output(s.path(), &args);
    assert_eq!(code(&o), 0, "{}", text(&o.stderr));
    let o = output(s.path(), &args);
    assert_eq!(code(&o), 0, "{}", text(&o.stderr));
    assert!(
        text(&o.stderr).contains("p06-32: the store has a program; it is proven again"),
        "{}",
        text(&o.stderr)
    );
    let run = s.json("out/easy/run.json");
    let engines = run["targets"][0]["engines"].as_array().unwrap();
    assert!(
        engines
            .iter()
            .any(|e| e["engine"] == "store" && e["proven"] == 1),
        "{engines:?}"
    );
    // The proof is the store's, with its queries.
    let queries = run["targets"][0]["result"]["queries"].as_array().unwrap();
    assert!(queries.iter().any(|q| q["cached"] == true), "{queries:?}");
    assert!(queries.iter().all(|q| q["solver"].is_null()), "{queries:?}");
}

#[test]
fn a_function_of_a_file_is_a_target() {
    let s = Scratch::new("search-asm");
    s.write("f.s", "\t.globl f\n\t.type f, @function\nf:\n\tleal -1(%rdi), %edx\n\tmovl %edi, %eax\n\tandl %edx, %eax\n\tret\n\t.size f, .-f\n");
    s.write(
        "c.toml",
        "name = 'asm'\nkind = 'opt'\nlive_out = ['eax']\ndeadline = '5s'\n[engine.chain]\n[[target]]\nasm = 'f.s'\n",
    );
    let o = output(s.path(), &["search", "c.toml", "-q"]);
    assert_eq!(code(&o), 0, "{}", text(&o.stderr));
    let run = s.json("out/asm/run.json");
    assert_eq!(
        outcomes(&run),
        [("f".to_owned(), "improved".to_owned(), "proven".to_owned())]
    );
    let o = output(
        s.path(),
        &["equiv", "f.s", "out/asm/best.s", "--live-out", "eax"],
    );
    assert_eq!(code(&o), 0, "{}", text(&o.stdout));
}

/// Both C texts of the Montgomery step, as the compiler leaves them at -O0: one multiplication, proven against that code.
#[test]
fn the_montgomery_step_is_found_from_code_without_optimisation() {
    let s = Scratch::new("search-montgomery");
    s.write(
        "c.toml",
        "name = 'step'\nkind = 'opt'\ntargets = ['montgomery', 'montgomery-wide']\nwidth = 64\nmarch = 'x86-64'\n\
         deterministic = true\n[budget]\nproposals = 40_000_000\n[engine.enumerate]\nmax_length = 1\n",
    );
    let o = output(s.path(), &["search", "c.toml", "-q"]);
    assert_eq!(code(&o), 0, "{}", text(&o.stderr));
    let run = s.json("out/step/run.json");
    let names = ["montgomery_parts", "montgomery_wide"];
    let improved = |n: &str| (n.to_owned(), "improved".to_owned(), "proven".to_owned());
    assert_eq!(outcomes(&run), names.map(improved));
    for (name, target) in names.iter().zip(run["targets"].as_array().unwrap()) {
        let what = target["specification"].as_str().unwrap();
        assert_eq!(
            what,
            format!("what {name} of superopt/kernels/montgomery.c does")
        );
        let best = std::fs::read_to_string(s.file(&format!("out/step/best-{name}.s"))).unwrap();
        let is_code = |l: &&str| l.starts_with('\t') && !l.starts_with("\t.") && *l != "\tret";
        let lines: Vec<&str> = best.lines().filter(is_code).collect();
        assert!(lines.len() <= 8, "{best}");
    }
}

/// The e-graph is an engine like the others: it improves a target by itself, and tells what its rules did.
#[test]
fn the_e_graph_alone_improves_code() {
    let s = Scratch::new("search-egraph");
    s.write(
        "f.s",
        "\t.globl f\n\t.type f, @function\nf:\n\tmovl %edi, %eax\n\torl %esi, %eax\n\tandl %esi, %edi\n\tsubl %edi, %eax\n\tret\n\t.size f, .-f\n",
    );
    s.write(
        "c.toml",
        "name = 'terms'\nkind = 'opt'\nlive_out = ['eax']\ndeadline = '60s'\nmeasure = false\n\
         [engine.egraph]\nnodes = 3000\niterations = 6\n[[target]]\nasm = 'f.s'\n",
    );
    let o = output(s.path(), &["search", "c.toml", "-q"]);
    assert_eq!(code(&o), 0, "{}", text(&o.stderr));
    let run = s.json("out/terms/run.json");
    assert_eq!(
        outcomes(&run),
        [("f".to_owned(), "improved".to_owned(), "proven".to_owned())]
    );
    let best = std::fs::read_to_string(s.file("out/terms/best.s")).unwrap();
    assert!(best.contains("xor"), "{best}");
    assert_eq!(run["targets"][0]["engines"][0]["engine"], "e-graph");
    let table = &run["tables"][0];
    assert_eq!(table["title"], "f: equality saturation");
    assert!(
        table["note"]
            .as_str()
            .unwrap()
            .contains("cost of the terms"),
        "{table}"
    );
    let rows = table["rows"].as_array().unwrap();
    assert!(rows.iter().any(|r| r[6] != "0"), "{table}");
}

/// A Lua function is a specification for a search, as it is for `equiv`.
#[test]
fn a_lua_function_is_a_target() {
    let s = Scratch::new("search-lua");
    s.write(
        "f.lua",
        "local function clear(x)\n  return x & (x - 1)\nend\nreturn clear\n",
    );
    s.write(
        "c.toml",
        "name = 'lua'\nkind = 'synth'\nwidth = 64\ndeadline = '60s'\ndeadline_per_target = '8s'\nmeasure = false\n\
         [engine.enumerate]\n[[target]]\nlua = 'f.lua'\nfunction = 'clear'\n",
    );
    let o = output(s.path(), &["search", "c.toml", "-q"]);
    assert_eq!(code(&o), 0, "{}", text(&o.stderr));
    let run = s.json("out/lua/run.json");
    assert_eq!(
        outcomes(&run),
        [(
            "clear".to_owned(),
            "synthesised".to_owned(),
            "proven".to_owned()
        )]
    );
    let o = output(
        s.path(),
        &["equiv", "f.lua", "out/lua/best.s", "--function", "clear"],
    );
    assert_eq!(code(&o), 0, "{}{}", text(&o.stdout), text(&o.stderr));
    s.write(
        "loop.lua",
        "function l(n)\n  while n > 0 do n = n - 1 end\n  return n\nend\n",
    );
    s.write(
        "loop.toml",
        "name = 'l'\nkind = 'synth'\n[engine.chain]\n[[target]]\nlua = 'loop.lua'\n",
    );
    let o = output(s.path(), &["search", "loop.toml", "-q"]);
    assert_eq!(code(&o), 13, "{}", text(&o.stderr));
    assert!(
        text(&o.stderr).contains("loop.lua:2"),
        "{}",
        text(&o.stderr)
    );
}

/// A region of the compiler's IR, as it is harvested, is searched like any other target.
#[test]
fn a_region_of_ir_is_a_specification() {
    let s = Scratch::new("search-ir");
    s.write(
        "f.ir",
        "function \"clear\"(v0: rdi) {\nb0:\n  v1 = isub v0, 1\n  v2 = and v0, v1\n  ret v2: rax\n}\n",
    );
    s.write(
        "c.toml",
        "name = 'ir'\nkind = 'synth'\nwidth = 64\ndeadline = '60s'\ndeadline_per_target = '8s'\nmeasure = false\n\
         [engine.enumerate]\n[[target]]\nir = 'f.ir'\nfunction = 'clear'\n",
    );
    let o = output(s.path(), &["search", "c.toml", "-q"]);
    assert_eq!(code(&o), 0, "{}", text(&o.stderr));
    let run = s.json("out/ir/run.json");
    assert_eq!(outcomes(&run)[0].1, "synthesised");
    let best = std::fs::read_to_string(s.file("out/ir/best.s")).unwrap();
    assert!(best.contains("blsr"), "{best}");
    let o = output(
        s.path(),
        &["equiv", "f.ir", "out/ir/best.s", "--function", "clear"],
    );
    assert_eq!(code(&o), 0, "{}{}", text(&o.stdout), text(&o.stderr));
}

/// What an exhaustive search has shown is in every form of the report, with all it ranges over.
#[test]
fn a_proof_of_minimality_is_reported() {
    let s = Scratch::new("search-minimal");
    s.write(
        "c.toml",
        "name = 'least'\nkind = 'kernels'\ntargets = ['p01']\nmeasure = false\ndeadline = '60s'\n[engine.enumerate]\n\
         max_length = 3\nminimal = true\ninstructions = ['mov', 'lea', 'and', 'or', 'xor', 'neg', 'not', 'add', 'sub']\n",
    );
    let o = output(s.path(), &["search", "c.toml", "-q"]);
    assert_eq!(code(&o), 0, "{}", text(&o.stderr));
    let sentence = "No program of fewer than 2 instructions does this, and of this length none has a smaller sum of latencies";
    assert!(text(&o.stdout).contains(sentence), "{}", text(&o.stdout));
    let page = std::fs::read_to_string(s.file("out/least/report.html")).unwrap();
    assert!(page.contains(sentence));
    let run = s.json("out/least/run.json");
    let m = &run["targets"][0]["minimality"];
    assert_eq!(
        (m["instructions"].as_u64(), m["none_up_to"].as_u64()),
        (Some(2), Some(1))
    );
    let list = |key: &str| {
        m[key]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_str().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(list("registers"), ["rax", "rdi", "rcx"]);
    assert!(
        list("instruction_set").contains(&"and r32, r32")
            && !list("instruction_set").iter().any(|f| f.contains("blsr"))
    );
    assert!(
        m["constants"]
            .as_str()
            .unwrap()
            .contains("immediates -1 to 1"),
        "{m}"
    );
    assert!(m["states"].as_u64().unwrap() > 10);
    let lines = run["targets"][0]["result"]["right"]["lines"]
        .as_array()
        .unwrap();
    assert_eq!(lines.len(), 2);
}

#[test]
fn bad_input_is_told_with_its_place() {
    let s = Scratch::new("search-bad");
    let check = |args: &[&str], want: i32, part: &str| {
        let o = output(s.path(), args);
        let err = text(&o.stderr);
        assert_eq!(code(&o), want, "{args:?}: {err}");
        assert!(
            err.starts_with("trinityc: ") && err.contains(part),
            "{args:?}: {err}"
        );
    };
    s.write("typo.toml", EASY.replace("slots", "slotz"));
    check(
        &["search", "typo.toml"],
        18,
        "typo.toml:10: engine.chain.slotz: unknown key; did you mean `slots`?",
    );
    s.write("kernel.toml", EASY.replace("p06", "p66"));
    check(
        &["search", "kernel.toml"],
        18,
        "kernel.toml:3: targets: there is no kernel \"p66\"",
    );
    s.write("c.toml", EASY);
    s.write("file", "");
    check(
        &["search", "c.toml", "--out", "file"],
        8,
        "cannot write results to file/easy",
    );
    check(
        &["search", "--resume", "nowhere"],
        18,
        "nowhere/config.toml",
    );
    check(&["search"], 2, "CONFIG");
    check(&["search", "c.toml", "--sede", "1"], 2, "--sede");
    s.write("loop.s", "\t.globl f\n\t.type f, @function\nf:\n1:\taddl $1, %eax\n\tdecl %edi\n\tjne 1b\n\tret\n\t.size f, .-f\n");
    let asm =
        "name = 'l'\nkind = 'opt'\ndeadline = '2s'\n[engine.chain]\n[[target]]\nasm = 'loop.s'\n";
    s.write("loop.toml", asm);
    check(&["search", "loop.toml"], 13, "f: it has a loop");
    check(&["report", "nothing-here"], 3, "nothing-here");
    s.write("half.json", "{\"format\": 1,");
    check(&["report", "half.json"], 3, "half.json: not a report");
    check(&["tune", "c.toml"], 18, "kind is \"kernels\", not \"tune\"");
    check(&["calibrate", "--only", "no such row"], 2, "--only");
    check(
        &["calibrate", "-o", "nowhere/costs.toml", "--quick"],
        8,
        "nowhere/costs.toml",
    );
}

/// Only trinity-solver is linked with libz3.
#[test]
fn trinityc_does_not_link_the_solver() {
    let needed = |path: &Path| -> Vec<String> {
        let data = std::fs::read(path).unwrap();
        let file = ElfFile64::<object::Endianness>::parse(&*data).unwrap();
        let endian = file.endian();
        let sections = file.elf_header().sections(endian, &*data).unwrap();
        let Some((dynamic, index)) = sections.dynamic(endian, &*data).unwrap() else {
            return Vec::new();
        };
        let strings = sections.strings(endian, &*data, index).unwrap();
        let name = |d: &object::elf::Dyn64<object::Endianness>| {
            use object::read::elf::Dyn;
            (d.d_tag(endian) == object::elf::DT_NEEDED)
                .then(|| String::from_utf8_lossy(d.string(endian, strings).unwrap()).into_owned())
        };
        dynamic.iter().filter_map(name).collect()
    };
    let trinityc = Path::new(env!("CARGO_BIN_EXE_trinityc"));
    let libraries = needed(trinityc);
    assert!(
        libraries.iter().any(|l| l.starts_with("libc.so")),
        "{libraries:?}"
    );
    assert!(!libraries.iter().any(|l| l.contains("z3")), "{libraries:?}");
    // The solver beside it is the one that does: the test can tell.
    let solver = trinityc.with_file_name("trinity-solver");
    assert!(
        needed(&solver).iter().any(|l| l.contains("z3")),
        "build trinity-solver first (cargo build -p trinity-solver)"
    );
    // What the runtime library is made of: no crate of the solver or of e-graphs.
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "-p",
            "trinity-start",
            "-e",
            "normal",
            "--offline",
            "--prefix",
            "none",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let tree = text(&tree.stdout);
    assert!(tree.contains("trinity-runtime"), "{tree}");
    for forbidden in ["z3", "egg ", "trinity-superopt"] {
        assert!(
            !tree.lines().any(|l| l.starts_with(forbidden)),
            "{forbidden}"
        );
    }
}
