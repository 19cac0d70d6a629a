//! Syntax errors, byte for byte as `lua5.4` words them.

mod common;

use common::{Random, reference_messages};
use trinity_frontend::{CompileOptions, compile_with, emit};

/// What our compiler says; `None` when it compiles.
fn our_message(chunk: &[u8], name: &str) -> Option<Vec<u8>> {
    // `load` called by a main chunk stands two C levels deep.
    compile_with(chunk, name.as_bytes(), CompileOptions { levels: 2 })
        .err()
        .map(|e| e.message)
}

fn compare(chunks: &[Vec<u8>], name: &str) {
    let mut differences = 0;
    for (chunk, theirs) in chunks.iter().zip(reference_messages(chunks, name)) {
        let ours = our_message(chunk, name);
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
