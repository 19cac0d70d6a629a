//! Syntax errors, byte for byte as `lua5.4` words them.

mod common;

use common::{Random, reference_messages};
use trinity_frontend::bytecode::verify;
use trinity_frontend::{CompileOptions, compile_with, emit};

/// What our compiler says; `None` when it compiles.
fn our_message(chunk: &[u8], name: &str) -> Option<Vec<u8>> {
    // What compiles must be fit to run, too. `load` called by a main chunk stands two C levels deep.
    match compile_with(chunk, name.as_bytes(), CompileOptions { levels: 2 }) {
        Ok(proto) => {
            if let Err(e) = verify(&proto) {
                panic!("{e}\n{}", String::from_utf8_lossy(chunk));
            }
            None
        }
        Err(e) => Some(e.message),
    }
}

fn compare(chunks: &[Vec<u8>], name: &str) {
    let mut differences = 0;
    let mut compiled = 0;
    for (chunk, theirs) in chunks.iter().zip(reference_messages(chunks, name)) {
        let ours = our_message(chunk, name);
        compiled += usize::from(ours.is_none());
        if ours != theirs {
            differences += 1;
            let show = |m: Option<Vec<u8>>| {
                m.map_or("compiles".into(), |m| {
                    String::from_utf8_lossy(&m).into_owned()
                })
            };
            let text = String::from_utf8_lossy(chunk);
            let text: String = text.chars().take(600).collect();
            println!(
                "--- {text}\nlua5.4: {}\nours:   {}",
                show(theirs),
                show(ours)
            );
        }
    }
    println!("{name}: {compiled} of {} chunks compile", chunks.len());
    assert_eq!(differences, 0, "messages that differ");
}

/// Small chunks, most of them wrong, one per line (`\n` is a line break).
const CASES: &str = include_str!("data/messages.txt");

fn cases() -> Vec<Vec<u8>> {
    CASES
        .lines()
        .map(|l| l.replace("\\n", "\n").replace("\\r", "\r").into_bytes())
        .collect()
}

#[test]
fn written_cases() {
    compare(&cases(), "=case");
    compare(&cases()[..20], "@some/file.lua");
    compare(&cases()[..20], "x = 1");
}

#[test]
fn bytes_that_are_no_text() {
    let mut chunks: Vec<Vec<u8>> = Vec::new();
    for byte in 0..=255u8 {
        chunks.push(vec![byte]);
        chunks.push(vec![b'x', b' ', byte]);
        chunks.push(vec![b'x', b'=', b'"', byte]);
        chunks.push(vec![b'x', b'=', b'"', b'\\', byte]);
        chunks.push(vec![b'x', b'=', b'"', byte, b'\\', b'x', byte, b'"']);
        chunks.push(vec![b'x', b'=', b'[', b'[', byte]);
        chunks.push(vec![b'x', b'=', b'1', byte]);
        chunks.push([b"x = 'a".as_slice(), &[byte], b"b' 'c", &[byte], b"' y"].concat());
    }
    chunks.retain(|c| c[0] != 0x1b);
    compare(&chunks, "=bytes");
}

#[test]
fn limits() {
    let mut chunks: Vec<String> = Vec::new();
    let repeat = |s: &str, n: usize| s.repeat(n);
    for n in [199, 200, 201] {
        let names: Vec<String> = (0..n).map(|i| format!("v{i}")).collect();
        chunks.push(format!("local {}", names.join(",")));
        chunks.push(format!(
            "\nlocal function f()\nlocal {}\nend",
            names.join("\n,")
        ));
        chunks.push(format!("function f({}) end", names.join(",")));
        chunks.push(repeat("local x <const> = 1 ", n));
        chunks.push(format!("{} = 1", names.join(",")));
        chunks.push(format!("for {} in x do end", names[..n - 4].join(",")));
        chunks.push(format!(
            "{} for i = 1, 2 do local x end",
            repeat("local x ", n - 4)
        ));
    }
    for n in [120, 127, 128, 129, 130] {
        // Two functions' locals captured by a third: upvalue limit.
        let locals = |p: &str| {
            (0..n)
                .map(|i| format!("{p}{i}"))
                .collect::<Vec<_>>()
                .join(",")
        };
        let uses = |p: &str| (0..n).map(|i| format!("x = {p}{i}\n")).collect::<String>();
        chunks.push(format!(
            "local {} local function f() local {} return function() return function()\n {} {} {} end end end",
            locals("a"),
            locals("b"),
            uses("a"),
            uses("b"),
            uses("a"),
        ));
    }
    for n in [245, 248, 249, 250, 251, 252, 253, 254, 255, 256, 260] {
        let list = |n: usize| {
            (0..n)
                .map(|i| format!("a{i}"))
                .collect::<Vec<_>>()
                .join(",\n")
        };
        chunks.push(format!("f({})", list(n)));
        chunks.push(format!("local t = f {{ g({}) }}", list(n)));
        chunks.push(format!("return {}", list(n)));
        chunks.push(format!("local x = {}", list(n)));
        chunks.push(format!("local a, b, c f(1, 2, g(x, {}))", list(n)));
    }
    for n in 185..=200 {
        let both = |open: &str, middle: &str, close: &str| {
            format!("{}{middle}{}", repeat(open, n), repeat(close, n))
        };
        chunks.push(format!("return {}", both("(", "1", ")")));
        chunks.push(format!("return {}", both("{", "1", "}")));
        chunks.push(both("do ", "", "end "));
        chunks.push(both("while a do ", "", "end "));
        chunks.push(both("if a then ", "", "end "));
        chunks.push(format!("x = {}", both("-", "1", "")));
        chunks.push(format!("x = {} 1", repeat("a .. ", n)));
        chunks.push(format!("x = {} 1", repeat("a ^ ", n)));
        chunks.push(repeat("::l:: ", n));
        chunks.push(format!("::a::{}", repeat(";", n)));
        chunks.push(format!("f{}", repeat("(a", n)));
    }
    for n in 90..=101 {
        chunks.push(format!(
            "{}{}",
            repeat("function f() ", n),
            repeat("end ", n)
        ));
        chunks.push(format!(
            "x = {}{}",
            repeat("function() return ", n),
            repeat("end ", n)
        ));
    }
    compare(
        &chunks
            .into_iter()
            .map(String::into_bytes)
            .collect::<Vec<_>>(),
        "=limits",
    );
}

/// Chains nest to the left without limit; nothing may recurse along them.
#[test]
fn long_chains() {
    let n = 200_000;
    for text in [
        format!("x = a{}", ".b".repeat(n)),
        format!("x = 1{}", " + 1".repeat(n)),
        format!("local x <const> = 1{}\nreturn x", " + 1".repeat(n)),
        format!("x = a{}", " and b".repeat(n)),
        format!("f{}", "()".repeat(n)),
        format!("f{}", ":m{}".repeat(n)),
        format!("f{}", "''".repeat(n)),
        "do end ".repeat(n),
        format!("if a then {} end", "elseif b then ".repeat(n)),
        format!(
            "return {}{}",
            "function() return ".repeat(98),
            "end ".repeat(98)
        ),
        format!("return {}1{}", "{(".repeat(98), ")}".repeat(98)),
        format!(
            "{}{}",
            "for i = f(-(-a)), 2 do ".repeat(45),
            "end ".repeat(45)
        ),
        format!(
            "{}{}",
            "if a then repeat ".repeat(98),
            "until x end ".repeat(98)
        ),
    ] {
        let run = move || {
            let ast = trinity_frontend::parse(text.as_bytes(), b"=chain").unwrap();
            assert!(!trinity_frontend::ast::print(&ast).is_empty());
            emit(&ast, text.as_bytes(), b"=chain").unwrap();
        };
        let thread = std::thread::Builder::new()
            .stack_size(1 << 20)
            .spawn(run)
            .unwrap();
        thread.join().unwrap();
    }
}

/// Breaks the chunk at random: tokens go, double, or change places with others.
fn mutate(text: &[u8], random: &mut Random) -> Vec<u8> {
    const EXTRA: &[&str] = &[
        "end", "do", "then", "(", ")", "{", "}", "[", "]", "=", "==", ",", ";", ":", "::", "...",
        "..", ".", "local", "function", "goto", "break", "return", "if", "else", "elseif", "for",
        "in", "while", "repeat", "until", "nil", "not", "and", "1", "0x", "3e", "'", "\"", "[[",
        "--[[", "<const>", "<close>", "x", "#", "~", "!", "\n", "'\\q'", "a.b", "a:b", "f()",
    ];
    let mut words: Vec<&[u8]> = Vec::new();
    let mut start = 0;
    let kind = |c: u8| {
        (
            c.is_ascii_alphanumeric() || c == b'_',
            c.is_ascii_whitespace(),
        )
    };
    for i in 1..=text.len() {
        if i == text.len() || kind(text[i]) != kind(text[i - 1]) || !kind(text[i]).0 {
            words.push(&text[start..i]);
            start = i;
        }
    }
    for _ in 0..=random.below(3) {
        if words.is_empty() {
            break;
        }
        let at = random.below(words.len());
        match random.below(4) {
            0 => {
                words.remove(at);
            }
            1 => words.insert(at, words[random.below(words.len())]),
            2 => words[at] = EXTRA[random.below(EXTRA.len())].as_bytes(),
            _ => words.insert(at, EXTRA[random.below(EXTRA.len())].as_bytes()),
        }
        // Keep inserted words apart from their neighbours half of the time.
        if random.below(2) == 0 {
            words.insert(at.min(words.len()), b" ");
        }
    }
    words.concat()
}

const SEEDS: &[&str] = &[
    "local a <const>, b <close> = 1, nil\nfor i = 1, 10, a do if i > 5 then break else goto continue end ::continue:: end\n",
    "local t = { 1, 2; x = 3, ['y z'] = 4, f(), [1 + 2] = { ... } }\nfunction t.a.b:c(d, e, ...) return d, e, ... end\n",
    "repeat local x = f{1}\n local y = g'str' until x == y or not (x ~= y)\nwhile a and b do a, b.c, b[1] = b, a, 3 end\n",
    "local function f(x, ...)\n  do local y <close> = x; return f(y, ...) end\nend\nreturn f(1)(2):m(3).x[4]{5}'6'\n",
    "goto done\ndo ::top:: local z; goto top end\n::done::\nx = [==[long\nstring]==] .. 0x1p4 .. 1e5 .. 3 // 2 .. '\\x41\\u{48}\\065'\n",
    "for k, v in pairs{} do local w <const> = k; print(w, v) end -- comment\n--[[ long\ncomment ]] a = -b ^ 2 & ~3 << 1 >> 2 | 4\n",
];

#[test]
fn broken_programs() {
    let mut random = Random::seeded("broken programs");
    let count = if std::env::var_os("TRINITY_LONG").is_some() {
        200_000
    } else {
        4_000
    };
    let chunks: Vec<Vec<u8>> = (0..count)
        .map(|_| {
            let text = SEEDS[random.below(SEEDS.len())].as_bytes();
            let mut broken = mutate(text, &mut random);
            if random.below(8) == 0 {
                broken.truncate(random.below(broken.len()));
            }
            broken
        })
        .filter(|c| c.first() != Some(&0x1b))
        .collect();
    compare(&chunks, "=broken");
}

/// Random nests of scopes, jumps and variables; about half of them compile.
struct Generator<'r> {
    random: &'r mut Random,
    out: String,
}

impl Generator<'_> {
    fn name(&mut self) -> &'static str {
        ["a", "b", "c", "d"][self.random.below(4)]
    }

    fn expr(&mut self) -> String {
        let (a, b) = (self.name(), self.name());
        match self.random.below(10) {
            0 => format!("function() {a} = {b} return {a} end"),
            1 => format!("{a} and {b} or f({a}, {b})"),
            2 => format!("{{ {a}, f({b}) }}"),
            3 => format!("{a}.x[{b}]:m({a})"),
            4 => format!("{a} < {b} == not {a}"),
            5 => format!("{a} .. {b} .. 1"),
            6 => format!("{a} + f({b})"),
            7 => "...".into(),
            8 => "1".into(),
            _ => a.into(),
        }
    }

    fn block(&mut self, depth: usize) {
        for _ in 0..self.random.below(5) {
            let (e, v, n) = (self.expr(), self.name(), self.random.below(3));
            match self.random.below(if depth > 4 { 7 } else { 14 }) {
                0 => self.out.push_str(&format!("local {v} = {e}\n")),
                1 => self.out.push_str(&format!("local {v} <close> = f({e})\n")),
                2 => self.out.push_str(&format!("{v} = {e}\n")),
                3 => self.out.push_str(&format!("goto l{n}\n")),
                4 => self.out.push_str(&format!("if {e} then goto l{n} end\n")),
                5 => self.out.push_str(&format!("::l{n}::\n")),
                6 => self
                    .out
                    .push_str(&format!("local function {v}(...) return {e}, {v} end\n")),
                7 => self.nest("do", depth, "end\n"),
                8 => self.nest(&format!("while {e} do"), depth, "end\n"),
                9 => self.nest("repeat", depth, &format!("until {e}\n")),
                10 => self.nest(&format!("for {v} = 1, {e} do"), depth, "end\n"),
                11 => self.nest(&format!("for {v} in f({e}) do"), depth, "end\n"),
                12 => self.nest(&format!("if {e} then"), depth, "end\n"),
                _ => self.nest(&format!("if {e} then break else"), depth, "end\n"),
            }
        }
        match self.random.below(8) {
            0 => self.out.push_str("return a, f(b)\n"),
            1 => self.out.push_str("return f(c)\n"),
            2 => self.out.push_str("::l2:: ;\n"),
            _ => {}
        }
    }

    fn nest(&mut self, head: &str, depth: usize, tail: &str) {
        self.out.push_str(head);
        self.out.push('\n');
        self.block(depth + 1);
        self.out.push_str(tail);
    }
}

#[test]
fn generated_programs() {
    let mut random = Random::seeded("generated programs");
    let count = if std::env::var_os("TRINITY_LONG").is_some() {
        100_000
    } else {
        3_000
    };
    let chunks: Vec<Vec<u8>> = (0..count)
        .map(|_| {
            let mut generator = Generator {
                random: &mut random,
                out: String::new(),
            };
            generator.block(0);
            generator.out.into_bytes()
        })
        .collect();
    compare(&chunks, "=generated");
}
