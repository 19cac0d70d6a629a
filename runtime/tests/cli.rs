//! The command line of `trinity` against `lua5.4`: options, scripts, standard input, environment, the read-eval-print loop, Ctrl-C.
//! Whole programs are compared by the `tests` crate. Without `lua5.4` in the path the tests pass with a note.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The judge.
const REFERENCE: &str = "lua5.4";
/// A script that shows its arguments.
const SCRIPT: &str = "print(...) print(arg[0], arg[1], arg[2], arg[-1] ~= nil, #arg)";

/// One command line.
#[derive(Default)]
struct Case {
    args: Vec<String>,
    stdin: String,
    env: Vec<(&'static str, &'static str)>,
}

fn case(args: &[&str]) -> Case {
    Case {
        args: args.iter().map(|s| (*s).to_owned()).collect(),
        ..Case::default()
    }
}

impl Case {
    fn input(mut self, text: &str) -> Case {
        text.clone_into(&mut self.stdin);
        self
    }
    fn env(mut self, name: &'static str, value: &'static str) -> Case {
        self.env.push((name, value));
        self
    }
    /// Standard output, standard error and exit code, as one text.
    fn run(&self, program: &Path, dir: &Path) -> String {
        let mut child = Command::new(program)
            .args(&self.args)
            .current_dir(dir)
            .env_remove("LUA_INIT")
            .env_remove("LUA_PATH")
            .env_remove("LUA_CPATH")
            .envs(self.env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // A program that does not read its input closes the pipe.
        let _ = child
            .stdin
            .take()
            .expect("piped")
            .write_all(self.stdin.as_bytes());
        let out = child.wait_with_output().expect("the program ends");
        let text = |b: &[u8]| normalise(&String::from_utf8_lossy(b), program);
        format!(
            "{}\n=== stderr\n{}\n=== exit {:?}",
            text(&out.stdout),
            text(&out.stderr),
            out.status.code()
        )
    }
}

/// Puts program names and versions in a common form.
fn normalise(text: &str, program: &Path) -> String {
    let name = program.to_string_lossy();
    let line = |l: &str| {
        if l.starts_with("Lua 5.4.") || l.starts_with("Trinity ") {
            return "VERSION".to_owned();
        }
        l.replace(&*name, "PROGRAM")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A folder with the script `s.lua`, or `None` when there is no reference.
fn set_up(name: &str) -> Option<PathBuf> {
    if Command::new(REFERENCE).arg("-v").output().is_err() {
        eprintln!("{REFERENCE} is not installed: nothing compared");
        return None;
    }
    let dir = std::env::temp_dir().join(format!("trinity-cli-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder for the test");
    std::fs::write(dir.join("s.lua"), SCRIPT).expect("the script");
    Some(dir)
}

fn compare(name: &str, cases: &[Case]) {
    let Some(dir) = set_up(name) else { return };
    let trinity = Path::new(env!("CARGO_BIN_EXE_trinity"));
    let mut failures = Vec::new();
    for c in cases {
        let (want, got) = (c.run(Path::new(REFERENCE), &dir), c.run(trinity, &dir));
        if want != got {
            failures.push(format!(
                "{:?} {:?} {:?}\n--- want\n{want}\n--- got\n{got}\n",
                c.args, c.stdin, c.env
            ));
        }
    }
    let _ = std::fs::remove_dir_all(&dir);
    assert!(
        failures.is_empty(),
        "{} of {} differ\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

#[test]
fn options() {
    compare(
        "options",
        &[
            case(&["-e", "print(1)"]),
            case(&["-eprint(2)"]),
            case(&["-e", "print(#arg, arg[0] ~= nil, arg[-1] ~= nil)"]),
            case(&["-e", "print(1)", "-e", "x =", "-e", "print(2)"]),
            case(&["-e"]),
            case(&["-l"]),
            case(&["-l", "-e"]),
            case(&["-x"]),
            case(&["--foo"]),
            case(&["-vx"]),
            case(&["-v"]),
            case(&["-v", "-e", "print(1)"]),
            case(&["-lstring", "-e", "print(string ~= nil)"]),
            case(&["-l", "m=string", "-e", "print(m == string)"]),
            case(&["-l", "nomod"]),
            case(&["-lm=nomod"]),
            case(&["-W", "-e", "warn('a', 'b')"]),
            case(&["-e", "warn('w')", "-W", "-e", "warn('w2')"]),
            case(&["-E", "-e", "print(package.path)"]).env("LUA_PATH", "x"),
            case(&["-e", "print(collectgarbage('incremental'))"]),
        ],
    );
}

#[test]
fn scripts() {
    compare(
        "scripts",
        &[
            case(&["s.lua", "a", "b"]),
            case(&["-e", "x = 1", "s.lua", "", "a b"]),
            case(&["--", "s.lua", "x"]),
            case(&["-", "a", "b"]).input("print(...)"),
            case(&["--", "-"]).input("print(1)"),
            case(&["nofile.lua"]),
            case(&["-e", "arg = nil", "s.lua"]),
            case(&["-e", "arg = {1, 2, 3}", "s.lua"]),
            case(&[]).input("print(7) io.write('x')"),
            case(&[]).input("#!shebang\nprint(8)"),
            case(&[]).input("error('in stdin')"),
            case(&[]).input("print("),
            case(&[]),
        ],
    );
}

#[test]
fn errors_and_exits() {
    compare(
        "errors",
        &[
            case(&["-e", "error('a')"]),
            case(&["-e", "error('a', 0)"]),
            case(&["-e", "error()"]),
            case(&["-e", "error({})"]),
            case(&["-e", "error(12)"]),
            case(&[
                "-e",
                "error(setmetatable({}, {__tostring = function() return 'T' end}))",
            ]),
            case(&[
                "-e",
                "error(setmetatable({}, {__tostring = function() return 1 end}))",
            ]),
            case(&[
                "-e",
                "error(setmetatable({}, {__tostring = function() error('again') end}))",
            ]),
            case(&["-e", "coroutine.wrap(function() error('in co') end)()"]),
            case(&[
                "-e",
                "local x <close> = setmetatable({}, {__close = function() print('c') end}) error('e')",
            ]),
            case(&["-e", "os.exit(3)"]),
            case(&["-e", "os.exit(false)"]),
            case(&[
                "-e",
                "setmetatable({}, {__gc = function() print('gc') end})",
            ]),
            case(&[
                "-e",
                "setmetatable({}, {__gc = function() print('gc') end}) os.exit(0, true)",
            ]),
            case(&[
                "-e",
                "setmetatable({}, {__gc = function() print('gc') end}) os.exit(0)",
            ]),
            case(&["-e", "io.write('a') os.execute('echo b') io.write('c')"]),
        ],
    );
}

#[test]
fn environment() {
    compare(
        "environment",
        &[
            case(&["-e", "print(package.path)"]).env("LUA_PATH", "x;;y"),
            case(&["-e", "print(package.path)"])
                .env("LUA_PATH", "x")
                .env("LUA_PATH_5_4", ";;"),
            case(&["-e", "print(package.cpath)"]).env("LUA_CPATH", ";;a"),
            case(&["-e", "print('main')"]).env("LUA_INIT", "print('init')"),
            case(&["-e", "print('main')"]).env("LUA_INIT", "error('in init')"),
            case(&["-e", "print('main')"])
                .env("LUA_INIT", "x")
                .env("LUA_INIT_5_4", "@s.lua"),
            case(&["s.lua"]).env("LUA_INIT", "@nofile"),
            case(&["s.lua"]).env("LUA_INIT", "x ="),
            case(&["-E", "s.lua"]).env("LUA_INIT", "print(1)"),
        ],
    );
}

#[test]
fn standard_input_of_programs() {
    compare(
        "stdin",
        &[
            case(&["-e", "print(io.read()) print(io.read('a'))"]).input("a\nb"),
            case(&["-e", "print(io.read('n', 'n', 'n'))"]).input("12 0x10 abc"),
            case(&["-e", "for l in io.lines() do print(l) end"]).input("l1\n\nl2"),
            case(&["-e", "debug.debug() print(io.read())"])
                .input("print(1)\nerror('x')\nx y\ncont\nrest"),
        ],
    );
}

#[test]
fn read_eval_print_loop() {
    let session = "for i = 1, 2 do\nprint(i)\nend\n1 + 1\n'a', nil\nx = 5\nx\n= x, 2\nerror('e')\nerror({})\n\
        local a <const> = 1; a = 2\nx y\nprint(\n1)\nreturn\nlocal z = 3\nz\nfoo()\n_PROMPT = '? '\n1\n_PROMPT2 = '?? '\n\
        if\ntrue then\nend\nprint = nil\n1\nos.exit(4)\n";
    compare(
        "repl",
        &[
            case(&["-i"]).input(session),
            case(&["-i", "-e", "print('e')"]).input("1"),
            case(&["-i", "s.lua", "arg1"]).input("arg[1]\n...\n"),
            case(&["-i", "nofile"]).input("1\n"),
            case(&["-i"]).input("local function f() error('deep') end f()\ndebug.traceback()\n"),
        ],
    );
}

/// On a terminal (`script` gives one) what was typed is kept for the next time.
#[test]
fn history_is_kept() {
    let dir = std::env::temp_dir().join(format!("trinity-history-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("temporary directory");
    let file = dir.join("history");
    let mut child = Command::new("script")
        .args(["-qec", env!("CARGO_BIN_EXE_trinity"), "/dev/null"])
        .env("TRINITY_HISTORY", &file)
        .env("TERM", "dumb")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("util-linux is installed");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(b"x = 41\n").expect("written");
    let mut kept = String::new();
    for _ in 0..200 {
        kept = std::fs::read_to_string(&file).unwrap_or_default();
        if kept.contains("x = 41") {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    input.write_all(b"\x04").expect("written");
    drop(input);
    child.wait().expect("it ends");
    let _ = std::fs::remove_dir_all(&dir);
    assert!(kept.contains("x = 41"), "{kept:?}");
}

#[test]
fn ctrl_c_raises_an_error() {
    let trinity = Path::new(env!("CARGO_BIN_EXE_trinity"));
    for (program, want) in [
        (
            "print('ready') while true do end",
            "interrupted!\nstack traceback:\n\t(command line):1: in main chunk\n\t[C]: in ?\n",
        ),
        (
            "local function f() print('ready') while true do end end f()",
            "(command line):1: interrupted!\nstack traceback:\n\t(command line):1: in local 'f'\n\
             \t(command line):1: in main chunk\n\t[C]: in ?\n",
        ),
        (
            "print(pcall(function() print('ready') repeat until false end))",
            "",
        ),
    ] {
        let mut child = Command::new(trinity)
            .args(["-e", program])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // Wait until the loop runs: its first line comes just before.
        let mut first = [0u8; 6];
        std::io::Read::read_exact(child.stdout.as_mut().expect("piped"), &mut first)
            .expect("the first line");
        std::thread::sleep(Duration::from_millis(50));
        let pid = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .expect("kill")
                .success()
        );
        let out = child.wait_with_output().expect("the program ends");
        let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
        if want.is_empty() {
            assert_eq!(
                String::from_utf8_lossy(&out.stdout),
                "false\tinterrupted!\n"
            );
        } else {
            assert_eq!(stderr, format!("{}: {want}", trinity.display()));
            assert_eq!(out.status.code(), Some(1));
        }
    }
}
