//! Wrong things put into the compiler, one of each kind, and what catches them: a rule and a window that are wrong, a store in which something was changed, an
//! instruction with another encoding. None of them may become an executable.

mod common;

use common::*;
use iced_x86::{Decoder, DecoderOptions, Mnemonic};
use std::process::Output;
use trinity_aot::compile::{self, Compiled, How};
use trinity_aot::discover::{self, path::SearchPath};
use trinity_aot::exit::Failure;
use trinity_aot::verify::{self, Asked};
use trinity_codegen::window::{WindowStore, decode};
use trinity_lower::passes::Pass;
use trinity_superopt::egraph::rule::{RuleSet, compiled as listed};
use trinity_superopt::window::kept::{Kept, SEMANTICS, Shelf};
use trinity_superopt::window::unhex;

const FIB: &str = "\
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end\n\
print(fib(15))\n";

/// Two masks of one number, put together, in a loop.
const MASKS: &str = "\
local sum = 0\n\
for a = 9, 15 do\n\
  for b = 3, 6 do\n\
    for i = 1, 100 do sum = sum + (i & a | i & b) end\n\
  end\n\
end\n\
print(sum)\n";

fn compiled(dir: &Scratch, text: &str, how: How) -> Compiled {
    let main = dir.write("a.lua", text);
    let path = SearchPath::from_env(&main);
    let request = discover::Request {
        main: &main,
        extra: &[],
        path: &path,
        closed: false,
    };
    let program = discover::discover(&request).unwrap();
    let how = How {
        opt_level: 2,
        verify: true,
        ..how
    };
    compile::compile(&program, &how).unwrap()
}

/// Two masks of one number put together are one mask that `joined` makes of them, whatever the order of operands.
fn rules(joined: &str) -> &'static RuleSet {
    let mut text = "family test\n".to_owned();
    for (n, masks) in [
        "(x & y) | (x & z)",
        "(y & x) | (x & z)",
        "(x & y) | (z & x)",
        "(y & x) | (z & x)",
    ]
    .iter()
    .enumerate()
    {
        text.push_str(&format!("masks-{n}: {masks} => x & ({joined})\n"));
    }
    let mut set = RuleSet::default();
    set.add("test", &text).unwrap();
    Box::leak(Box::new(set))
}

/// What `--verify` says of the program compiled with these rules in place of the proven ones.
fn verified(name: &str, rules: &'static RuleSet) -> Result<String, String> {
    let dir = Scratch::new(name);
    let mut how = How {
        rules: Some(rules),
        ..How::default()
    };
    how.passes.set(Pass::EGraph, true);
    let program = compiled(&dir, MASKS, how);
    assert!(!program.replaced.is_empty(), "nothing was rewritten");
    verify::run(&Asked::default(), &program).map_err(|e| {
        assert_eq!(e.failure, Failure::Refuted);
        e.to_string()
    })
}

#[test]
fn a_wrong_rule_is_refuted() {
    let said = verified("injected-right", rules("y | z")).unwrap();
    let (regions, rewrites) = said.split_once(" rewrites of SSA form: ").expect("some");
    assert!(
        regions.contains("proven (100.00 %)") && rewrites.contains("proven (100.00 %)"),
        "{said}"
    );
    // Right but where `y` and `z` have a bit in common.
    let said = verified("injected-wrong", rules("y ^ z")).unwrap_err();
    assert!(
        said.contains(
            "
refuted: "
        ) && said.contains("a.lua:4: rewrite in "),
        "{said}"
    );
}

#[test]
fn a_rule_that_was_changed_is_not_used() {
    let all = listed::proven(&RuleSet::shipped()).len();
    assert_eq!(all, listed::lines(listed::LIST).count());
    let mut rules = RuleSet::shipped();
    let first = listed::lines(listed::LIST).next().unwrap().name;
    let rule = rules.rules.iter_mut().find(|r| r.name == first).unwrap();
    rule.text = rule.text.replacen("x", "y", 1);
    let left = listed::proven(&rules);
    assert!(left.len() < all && left.iter().all(|r| r.0.name != first));
}

/// Remainders by 1009 and 1000003: what they were, and what they are if the last product and difference are done in 32 bits.
const REMAINDERS: &[(&str, &str)] = &[
    (
        "0200004889c148be35ce5a4ea2a2378648f7ee4889c84801d048c1f8134869c043420f004889ca4889d64829c64889f1",
        "4889c148be35ce5a4ea2a2378648f7ee488d040a48c1f81369c043420f0029c1",
    ),
    (
        "0200004889c148bec300cd58c222e78148f7ee4889c84801d048c1f8094869c0f10300004889ca4889d64829c64889f1",
        "4889c148bec300cd58c222e78148f7ee488d040a48c1f80969c0f103000029c1",
    ),
    (
        "02000048b935ce5a4ea2a237864889f048f7e94889f04801d048c1f8134869c043420f004889f24889d14829c1",
        "48b935ce5a4ea2a237864889f048f7e9488d043248c1f81369c043420f0089f129c1",
    ),
    (
        "4000004889c148be35ce5a4ea2a2378648f7ee4889c84801d048c1f8134869c043420f004889ca4889d64829c6",
        "4889c148be35ce5a4ea2a2378648f7ee488d040a48c1f81369c043420f0089ce29c6",
    ),
    (
        "4000004889c148bec300cd58c222e78148f7ee4889c84801d048c1f8094869c0f10300004889ca4889d64829c6",
        "4889c148bec300cd58c222e78148f7ee488d040a48c1f80969c0f103000089ce29c6",
    ),
    (
        "4200004889c148be35ce5a4ea2a2378648f7ee4889c84801d048c1f8134869c043420f004889ca4889d64829c64889f1",
        "4889c148be35ce5a4ea2a2378648f7ee488d040a48c1f81369c043420f0089ce29c689f1",
    ),
    (
        "42000048b935ce5a4ea2a237864889f048f7e94889f04801d048c1f8134869c043420f004889f24889d14829c14889ce",
        "48b935ce5a4ea2a237864889f048f7e9488d043248c1f81369c043420f0089f129c189ce",
    ),
];

/// A store of these; `wrong`: each divisor of a replacement is one more. Its checksums fit: as a whole it is what somebody wrote.
fn remainders(wrong: bool) -> String {
    let one = |(key, new): &(&str, &str)| {
        let changed = new
            .replace("43420f00", "44420f00")
            .replace("f1030000", "f2030000");
        let new = if wrong { &changed } else { *new };
        let window = WindowStore::window(&unhex(key).unwrap()).unwrap();
        Kept::new(&window, &decode(&unhex(new).unwrap()).unwrap(), 10)
    };
    Shelf::new(REMAINDERS.iter().map(one).collect(), SEMANTICS).text()
}

fn with_store(dir: &Scratch, store: &str) -> Output {
    let args = [
        "-O2", "-v", "-c", "p.lua", "-o", "p.o", "--verify", "--store", store,
    ];
    trinityc(dir.path()).args(args).output().unwrap()
}

/// Two remainders in a loop.
const MIX: &str = "\
local t = {}\n\
for i = 1, 100 do t[i] = i * i end\n\
local function sum(t)\n\
  local h = 0\n\
  for i = 1, #t do h = (h * 31 + t[i] % 1009) % 1000003 end\n\
  return h\n\
end\n\
print(sum(t))\n";

#[test]
fn a_wrong_window_is_refuted() {
    let dir = Scratch::new("injected-window");
    dir.write("p.lua", MIX);
    dir.write("wrong.json", remainders(true));
    let (code, said) = failure(&with_store(&dir, "wrong.json"));
    assert!(code == 12 && said.contains("refuted: "), "{code} {said}");
    assert!(!dir.file("p.o").exists());
    // The right ones.
    dir.write("right.json", remainders(false));
    let out = with_store(&dir, "right.json");
    let said = text(&out.stderr);
    assert!(out.status.success(), "{said}");
    assert!(
        !said.contains("refuted") && !said.contains("replaced 0 windows"),
        "{said}"
    );
}

#[test]
fn a_changed_store_is_refused() {
    let dir = Scratch::new("injected-store");
    dir.write("p.lua", MIX);
    // One digit of the first replacement.
    let mut changed = remainders(false).into_bytes();
    let word = b"\"new\": \"";
    let at = changed.windows(word.len()).position(|w| w == word).unwrap() + word.len();
    changed[at] = if changed[at] == b'4' { b'6' } else { b'4' };
    dir.write("changed.json", changed);
    let (code, said) = failure(&with_store(&dir, "changed.json"));
    assert!(code == 3 && said.contains("entry 0"), "{code} {said}");
    assert!(!dir.file("p.o").exists());
}

#[test]
fn a_wrong_encoding_is_refuted() {
    let dir = Scratch::new("injected-encoding");
    let mut program = compiled(&dir, FIB, How::default());
    assert!(verify::run(&Asked::default(), &program).is_ok());
    // Another constant in the first comparison of `fib` with 2.
    let func = program.units[0]
        .funcs
        .iter_mut()
        .find(|f| f.name.short.contains("fib"))
        .unwrap();
    let (at, part) = func.kept.last_mut().unwrap();
    let text = part.code[..part.text_len as usize].to_vec();
    let mut decoder = Decoder::new(64, &text, DecoderOptions::NONE);
    let field = loop {
        let i = decoder.decode();
        assert!(!i.is_invalid(), "there is a comparison");
        let fields = decoder.get_constant_offsets(&i);
        if i.mnemonic() == Mnemonic::Cmp && fields.has_immediate() && i.immediate(1) == 2 {
            break i.ip() as usize + fields.immediate_offset();
        }
    };
    part.code[field] = 3;
    func.code[*at as usize + field] = 3;
    let e = verify::run(&Asked::default(), &program).unwrap_err();
    assert_eq!(e.failure, Failure::Refuted);
    assert!(e.to_string().contains("refuted: "), "{e}");
    // Code that is not the one that was looked at is not proven either.
    let func = program.units[0]
        .funcs
        .iter_mut()
        .find(|f| f.name.short.contains("fib"))
        .unwrap();
    func.kept.last_mut().unwrap().1.code[field] = 2;
    let said = verify::run(&Asked::default(), &program).unwrap();
    assert!(said.contains("1 unsupported"), "{said}");
}
