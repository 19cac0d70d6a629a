//! `--verify`: what it says of Lua programs, and that machine code in which something was changed is never proven.

mod common;

use common::*;
use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};
use std::collections::BTreeMap;
use trinity_aot::compile::{self, Compiled, How};
use trinity_aot::discover::{self, path::SearchPath};
use trinity_codegen::CompiledFunction;
use trinity_superopt::report::verdict::VerdictKind;
use trinity_superopt::validate::{Budget, Validation, validate};

/// Integers and doubles, tables, strings, closures, loops, calls, a jump table of comparisons.
const PROGRAM: &str = "\
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end\n\
local function mean(t) local s = 0.0 for i = 1, #t do s = s + t[i] end return s / #t end\n\
local function hash(s) local h = 5381 for i = 1, #s do h = (h << 5) + h ~ s:byte(i) end return h & 0xffffffff end\n\
local function sieve(n)\n\
  local t, c = {}, 0\n\
  for i = 2, n do t[i] = true end\n\
  for i = 2, n do if t[i] then c = c + 1 for k = i * i, n, i do t[k] = false end end end\n\
  return c\n\
end\n\
local Stack = {}\n\
Stack.__index = Stack\n\
function Stack.push(s, v) s.n = s.n + 1 s[s.n] = v end\n\
local function kind(x) if x == 1 then return 'a' elseif x == 2 then return 'b' elseif x < 9 then return 'c' end return x .. '' end\n\
local function counter() local n = 0 return function(k) n = n + k return n end end\n\
local s, c = setmetatable({ n = 0 }, Stack), counter()\n\
for i = 1, 20 do s:push(c(i)) end\n\
local ok, e = pcall(function() return s.x.y end)\n\
print(fib(15), mean({ 1, 2, 4.5 }), hash('some text'), sieve(100), s.n, kind(2), kind(11), ok)\n";

fn compiled(dir: &Scratch, opt_level: u8) -> Compiled {
    let main = dir.write("a.lua", PROGRAM);
    let path = SearchPath::from_env(&main);
    let request = discover::Request {
        main: &main,
        extra: &[],
        path: &path,
        closed: false,
    };
    let program = discover::discover(&request).unwrap();
    let how = How {
        opt_level,
        verify: true,
        ..How::default()
    };
    compile::compile(&program, &how).unwrap()
}

fn check(code: &CompiledFunction) -> Validation {
    let kept = code.kept.as_ref().expect("asked for");
    validate(kept, code, &Budget::default(), None)
}

fn worst(v: &Validation) -> VerdictKind {
    let all = v.regions.iter().map(|r| r.verdict.kind());
    let kinds: Vec<_> = all.collect();
    match kinds.contains(&VerdictKind::Refuted) {
        true => VerdictKind::Refuted,
        false => kinds
            .into_iter()
            .find(|k| *k != VerdictKind::Proven)
            .unwrap_or(VerdictKind::Proven),
    }
}

#[test]
fn programs_are_proven_and_reported() {
    let dir = Scratch::new("verify");
    dir.write("a.lua", PROGRAM);
    for level in ["-O0", "-O1", "-O2"] {
        let out = trinityc(dir.path())
            .args([
                level,
                "-c",
                "a.lua",
                "-o",
                "a.o",
                "--verify",
                "--verify-report",
                "r.json",
            ])
            .output()
            .unwrap();
        let said = text(&out.stderr);
        assert!(out.status.success(), "{said}");
        assert!(said.contains("proven (100.00 %)"), "{level}: {said}");
        let report = dir.json("r.json");
        assert_eq!(report["report"], "batch");
        let items = report["items"].as_array().unwrap();
        assert!(items.len() > 50);
        assert!(items.iter().all(|i| i["verdict"]["kind"] == "proven"));
        assert!(
            items
                .iter()
                .any(|i| i["name"].as_str().unwrap().contains("a.lua:1: "))
        );
    }
    for name in ["r.html", "r.txt"] {
        let args = [
            "-O2",
            "-c",
            "a.lua",
            "-o",
            "a.o",
            "--verify",
            "--verify-report",
            name,
        ];
        run(trinityc(dir.path()).args(args));
        let report = std::fs::read_to_string(dir.file(name)).unwrap();
        assert!(report.contains("proven"), "{name}");
    }
    let out = trinityc(dir.path())
        .args(["a.lua", "--verify-report", "x"])
        .output()
        .unwrap();
    assert_eq!(failure(&out).0, 2);
}

/// What is done to an instruction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Change {
    SwappedCondition,
    DroppedStore,
    WrongDisplacement,
    OtherRegister,
    OtherImmediate,
    MissingMove,
}

fn is_condition(i: &Instruction) -> bool {
    i.is_jcc_short_or_near()
}

/// The instruction changed so, if that can be done to it.
fn change(code: &mut [u8], i: &Instruction, fields: &iced_x86::ConstantOffsets) -> Option<Change> {
    let at = i.ip() as usize;
    let end = at + i.len();
    let stores = i.op0_kind() == OpKind::Memory && i.mnemonic() == Mnemonic::Mov;
    let outside = !matches!(
        i.memory_base(),
        Register::RSP | Register::RIP | Register::None
    );
    if is_condition(i) {
        let byte = if code[at] == 0x0f { at + 1 } else { at };
        code[byte] ^= 1;
        return Some(Change::SwappedCondition);
    }
    if stores && outside {
        if i.len().is_multiple_of(2) && fields.has_displacement() {
            code[at + fields.displacement_offset()] ^= 8;
            return Some(Change::WrongDisplacement);
        }
        code[at..end].fill(0x90);
        return Some(Change::DroppedStore);
    }
    let registers =
        i.op_count() == 2 && i.op0_kind() == OpKind::Register && i.op1_kind() == OpKind::Register;
    if registers && matches!(i.mnemonic(), Mnemonic::Mov | Mnemonic::Movaps) {
        code[at..end].fill(0x90);
        return Some(Change::MissingMove);
    }
    if registers
        && matches!(
            i.mnemonic(),
            Mnemonic::Add | Mnemonic::Sub | Mnemonic::Addsd | Mnemonic::Mulsd
        )
    {
        // The source of one, the destination of the other.
        code[end - 1] ^= 0x08;
        return Some(Change::OtherRegister);
    }
    if fields.has_immediate()
        && matches!(i.mnemonic(), Mnemonic::Add | Mnemonic::Cmp | Mnemonic::Mov)
    {
        code[at + fields.immediate_offset()] ^= 1;
        return Some(Change::OtherImmediate);
    }
    None
}

#[test]
fn changed_code_is_not_proven() {
    let dir = Scratch::new("verify-changed");
    let seed: u64 = std::env::var("TRINITY_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(1);
    println!("TRINITY_SEED={seed}");
    let mut state = seed;
    let mut draw = move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        state >> 33
    };
    let program = compiled(&dir, 2);
    let parts = program.units[0].funcs.iter().flat_map(|f| &f.kept);
    let mut tried: BTreeMap<Change, [u32; 3]> = BTreeMap::new();
    let mut proven = Vec::new();
    for (_, code) in parts {
        let before = check(code);
        assert_eq!(worst(&before), VerdictKind::Proven);
        // Only what is executed at all.
        let entered = before.regions.iter().filter(|r| r.what.is_empty());
        let executed: Vec<u32> = entered
            .flat_map(|r| r.instructions.iter().copied())
            .collect();
        for _ in 0..16 {
            let at = executed[draw() as usize % executed.len()] as usize;
            let text = &code.code[at..code.text_len as usize];
            let mut decoder = Decoder::with_ip(64, text, at as u64, DecoderOptions::NONE);
            let i = decoder.decode();
            let fields = decoder.get_constant_offsets(&i);
            let mut new = (**code).clone();
            let Some(kind) = change(&mut new.code, &i, &fields) else {
                continue;
            };
            let verdict = worst(&check(&new));
            let n = tried.entry(kind).or_default();
            n[0] += 1;
            n[1] += u32::from(verdict == VerdictKind::Refuted);
            n[2] += u32::from(verdict != VerdictKind::Proven);
            if verdict == VerdictKind::Proven {
                proven.push((kind, format!("{} {i} at {at:#x}", code.name)));
            }
        }
    }
    let told: Vec<_> = proven
        .iter()
        .map(|p| format!("{:?} {}", p.0, p.1))
        .collect();
    println!("change: tried, refuted, not proven: {tried:?}; proven: {told:#?}");
    let never = [
        Change::SwappedCondition,
        Change::DroppedStore,
        Change::WrongDisplacement,
    ];
    assert!(
        !proven.iter().any(|p| never.contains(&p.0)),
        "seed {seed}: {told:#?}"
    );
    // Others may be to something that nobody reads.
    let all: u32 = tried.values().map(|n| n[0]).sum();
    let refuted: u32 = tried.values().map(|n| n[1]).sum();
    assert!(
        all > 100 && proven.len() * 20 <= all as usize,
        "seed {seed}: {told:#?}"
    );
    assert!(refuted * 2 > all, "{tried:?}");
}
