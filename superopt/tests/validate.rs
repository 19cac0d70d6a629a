//! Translation validation over the code generator's own tests: what it compiles is proven, what was changed in it is not.
//!
//! Whether a change of a few bytes means anything is told by executing the function on values, from its entry to its return: if results or memory differ for
//! some input, the validator must not have proven all of it. `TRINITY_SEED=n` takes other changes, `TRINITY_RUNS=n` more of them.

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind};
use std::collections::HashMap;
use std::path::Path;
use trinity_codegen::ir::{Function, PReg, Term, parse, verify};
use trinity_codegen::isa::concrete::ConcreteRegion;
use trinity_codegen::isa::exec::condition;
use trinity_codegen::isa::{Bits, Concrete, ConcreteMemory, FaultKind, Machine, March, execute};
use trinity_codegen::opt::OptOptions;
use trinity_codegen::{CompiledFunction, Options, SelectOptions, compile};
use trinity_superopt::report::verdict::Verdict;
use trinity_superopt::solver::SolverPool;
use trinity_superopt::validate::{Budget, Validation, validate};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(default)
}

/// All functions of the code generator's file tests, compiled in several ways.
fn compiled() -> Vec<(String, Function, CompiledFunction)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../codegen/tests/filetests");
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.sort();
    let mut out = Vec::new();
    for path in files
        .iter()
        .filter(|p| p.extension().is_some_and(|e| e == "ir"))
    {
        let Ok(functions) = parse(&std::fs::read_to_string(path).unwrap()) else {
            continue;
        };
        for f in functions.iter().filter(|f| verify(f).is_ok()) {
            for (march, optimised) in [
                (March::V1, false),
                (March::V1, true),
                (March::V3, false),
                (March::V3, true),
            ] {
                let opt = OptOptions {
                    four_lanes: march.includes(March::V3),
                    ..OptOptions::ALL
                };
                let options = Options {
                    keep_ir: true,
                    opt: optimised.then_some(opt),
                    select: SelectOptions {
                        march,
                        ..SelectOptions::default()
                    },
                    ..Options::default()
                };
                let name = format!(
                    "{} {} {march} {optimised}",
                    path.file_name().unwrap().display(),
                    f.name
                );
                if let Ok(code) = compile(f, &options) {
                    out.push((name, code.kept.as_ref().unwrap().func.clone(), code));
                }
            }
        }
    }
    out
}

fn check(code: &CompiledFunction) -> Validation {
    let kept = code.kept.as_ref().expect("asked for");
    validate(kept, code, &Budget::default(), None)
}

fn unproven(v: &Validation) -> Vec<String> {
    let open = v.regions.iter().filter(|r| r.verdict != Verdict::Proven);
    open.map(|r| {
        format!(
            "b{} at {:#x}: {:?} {}",
            r.block, r.offset, r.verdict, r.what
        )
    })
    .collect()
}

#[test]
fn what_is_compiled_is_proven() {
    let mut open = Vec::new();
    let all = compiled();
    assert!(all.len() > 100);
    for (name, _, code) in &all {
        let v = check(code);
        assert!(!v.regions.is_empty(), "{name}");
        open.extend(unproven(&v).into_iter().map(|w| format!("{name}: {w}")));
    }
    assert!(open.is_empty(), "{}", open.join("\n"));
}

/// Two counters that are always equal, computed in different ways: once their old values are gone, all that is known is that two sums are equal.
const TWINS: &str = "\
function \"twins\"(v0: rdi) {
b0:
  v1 = iconst 0
  v2 = iconst 1
  jump b1(v1, v1, v2)
b1(v3: i64, v4: i64, v5: i64):
  store.64 [base + 16], v3
  store.64 [base + 32], v4
  v6 = iadd v3, 1
  v7 = iadd v4, v5
  v8 = isub v7, v5
  v9 = iadd v8, 1
  brif icmp.64 ne v5, v0, b2, b4(v6, v9)
b2:
  v10 = iadd v5, 1
  brif icmp.32 ne [thread + 8], 0, b3, b1(v6, v9, v10)
b3 cold:
  store.64 [base + 48], v6
  v11 = call @49(v2: rsi) -> rax clobbers saves
  brif icmp.64 ne v11, 0, b4(v6, v9), b1(v6, v9, v10)
b4(v12: i64, v13: i64):
  store.64 [base], v12
  ret v13: rax
}
";

#[test]
fn values_that_are_equal_where_a_block_begins_are_proven() {
    let f = &parse(TWINS).unwrap()[0];
    let options = Options {
        keep_ir: true,
        ..Options::default()
    };
    let v = check(&compile(f, &options).unwrap());
    assert_eq!(unproven(&v), Vec::<String>::new());
}

/// A sum that another block reads.
fn sum_of(mask: &str) -> String {
    format!(
        "\
function \"sum\"(v0: rdi) {{
b0:
  v1 = iconst 5
  v2 = {mask}
  v3 = iadd v2, 305419896
  brif icmp.64 ne v0, 0, b1(v3), b1(v1)
b1(v4: i64):
  store.64 [base + 8], v4
  ret v4: rax
}}
"
    )
}

#[test]
fn another_term_of_a_value_is_proven_to_be_that() {
    // With a short operand the sum is as well done in 32 bits; with any it is not.
    for (mask, proven) in [("and v0, 255", true), ("bswap64 v0", false)] {
        let f = &parse(&sum_of(mask)).unwrap()[0];
        let options = Options {
            keep_ir: true,
            ..Options::default()
        };
        let mut code = compile(f, &options).unwrap();
        assert_eq!(unproven(&check(&code)), Vec::<String>::new());
        let wide = |i: &&Instruction| {
            let sum = matches!(i.mnemonic(), Mnemonic::Add | Mnemonic::Lea);
            sum && i.op0_register().is_gpr64()
        };
        let at = decode(&code).iter().find(wide).expect("a sum").ip() as usize;
        // The bit of the prefix that makes it one of 64 bits.
        code.code[at] &= !8;
        let solvers = SolverPool::located()
            .expect("build trinity-solver first (cargo build -p trinity-solver)");
        let kept = code.kept.as_ref().expect("asked for");
        let found = validate(kept, &code, &Budget::default(), Some(&solvers));
        let verdicts: Vec<&Verdict> = found.regions.iter().map(|r| &r.verdict).collect();
        match proven {
            true => assert_eq!(unproven(&found), Vec::<String>::new()),
            false => assert!(verdicts.contains(&&Verdict::Refuted), "{verdicts:?}"),
        }
    }
}

/// A small generator of numbers.
struct Lcg(u64);
impl Lcg {
    fn draw(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        self.0 >> 16
    }
    fn below(&mut self, n: usize) -> usize {
        (self.draw() % n.max(1) as u64) as usize
    }
}

fn decode(code: &CompiledFunction) -> Vec<Instruction> {
    let text = &code.code[..code.text_len as usize];
    Decoder::new(64, text, DecoderOptions::NONE)
        .into_iter()
        .collect()
}

/// Changes a few bits of an instruction, or drops it. `None`: nothing was changed.
fn mutate(code: &CompiledFunction, rng: &mut Lcg) -> Option<(CompiledFunction, String)> {
    let all = decode(code);
    let i = all[rng.below(all.len())];
    let (at, len) = (i.ip() as usize, i.len());
    // What the linker fills in is not there yet.
    if code
        .relocs
        .iter()
        .any(|r| (at..at + len).contains(&(r.offset as usize)))
        && !rng.draw().is_multiple_of(4)
    {
        return None;
    }
    let mut new = code.clone();
    let kind = match rng.draw() % 4 {
        0 => {
            new.code[at..at + len].fill(0x90);
            "dropped"
        }
        _ => {
            let byte = at + rng.below(len);
            if code
                .relocs
                .iter()
                .any(|r| (0..4).contains(&(byte as i64 - i64::from(r.offset))))
            {
                return None;
            }
            new.code[byte] ^= 1 << rng.below(8);
            "changed"
        }
    };
    let text = format!("{i} at {at:#x} {kind}: {:x?}", &new.code[at..at + len]);
    Some((new, text))
}

const DATA: u64 = 0x10_0000;
const STACK: u64 = 0x7000_0000;
const CODE: u64 = 0x4000_0000;

/// What a function leaves: results and memory. `None`: it does not end, calls, or faults.
fn run(f: &Function, code: &CompiledFunction, seed: u64) -> Option<(Vec<u128>, Vec<u8>)> {
    let mut rng = Lcg(seed);
    let mut d = Concrete;
    let data: Vec<u8> = (0..4096)
        .map(|_| match rng.draw() % 3 {
            0 => 0,
            n => (rng.draw() >> n) as u8,
        })
        .collect();
    let region = |base, bytes: Vec<u8>, writable| ConcreteRegion {
        base,
        bytes,
        writable,
    };
    let mem = ConcreteMemory {
        regions: vec![
            region(DATA, data, true),
            region(STACK, vec![0; 8192], true),
            region(CODE, code.code.clone(), false),
        ],
    };
    let mut m = Machine::new(&mut d, mem, &mut |_, name, w| {
        let v = match rng.draw() % 4 {
            0 => u128::from(DATA + 8 * (rng.draw() % 300)),
            1 => u128::from(rng.draw() % 9),
            2 if name.starts_with("ymm") => u128::from((rng.draw() as f64 / 3e12).to_bits()),
            _ => u128::from(rng.draw() << 20 ^ rng.draw()),
        };
        Bits::new(w, v)
    });
    m.gpr[4] = Bits::new(64, u128::from(STACK + 6008));
    for r in [3, 14] {
        m.gpr[r] = Bits::new(64, u128::from(DATA + 1024));
    }
    let index: HashMap<u64, Instruction> = decode(code).into_iter().map(|i| (i.ip(), i)).collect();
    let mut at = 0u64;
    for _ in 0..3000 {
        let i = index.get(&at)?;
        let next = at + i.len() as u64;
        at = match i.flow_control() {
            FlowControl::Next if matches!(i.mnemonic(), Mnemonic::Nop | Mnemonic::Vzeroupper) => {
                next
            }
            FlowControl::Next => {
                if code
                    .relocs
                    .iter()
                    .any(|r| (at..next).contains(&r.offset.into()))
                {
                    return None;
                }
                m.symbol = i
                    .is_ip_rel_memory_operand()
                    .then(|| Bits::new(64, u128::from(CODE + i.ip_rel_memory_address())));
                m.faults.clear();
                execute(&mut d, &mut m, i).ok()?;
                if m.faults
                    .iter()
                    .any(|f| f.when.value == 1 && f.kind != FaultKind::Alignment)
                {
                    return None;
                }
                next
            }
            FlowControl::UnconditionalBranch
                if !code
                    .relocs
                    .iter()
                    .any(|r| (at..next).contains(&r.offset.into())) =>
            {
                i.near_branch64()
            }
            FlowControl::ConditionalBranch => {
                match condition(&mut d, &m, i.condition_code())?.value {
                    1 => i.near_branch64(),
                    _ => next,
                }
            }
            FlowControl::IndirectBranch if i.op0_kind() == OpKind::Register => {
                (m.read(&mut d, i, 0).ok()?.value as u64).checked_sub(CODE)?
            }
            FlowControl::Return => {
                if m.gpr[4].value != u128::from(STACK + 6008) {
                    return Some((vec![u128::MAX], Vec::new()));
                }
                let rets = f.blocks.iter().find_map(|b| match &b.term {
                    Some(Term::Ret(rets)) => Some(rets.iter().map(|r| r.1).collect::<Vec<PReg>>()),
                    _ => None,
                })?;
                let word = |r: PReg| {
                    if r.is_xmm() {
                        m.vec[r.hw() as usize][0]
                    } else {
                        m.gpr[r.hw() as usize]
                    }
                };
                let mut all: Vec<u128> = rets.into_iter().map(|r| word(r).value).collect();
                all.extend([m.gpr[3].value, m.gpr[14].value]);
                return Some((all, m.mem.regions[0].bytes.clone()));
            }
            _ => return None,
        };
    }
    None
}

#[test]
fn what_is_changed_is_not_proven() {
    let (seed, runs) = (number("TRINITY_SEED", 1), number("TRINITY_RUNS", 10));
    println!("TRINITY_SEED={seed} TRINITY_RUNS={runs}");
    let (mut tried, mut open, mut differ, mut missed) = (0, 0, 0, Vec::new());
    let mut kept = Vec::new();
    for (n, (name, f, code)) in compiled().iter().enumerate() {
        if std::env::var("TRINITY_SHOW").is_ok_and(|s| name.contains(&s)) {
            println!("{name}:\n{f}");
            decode(code)
                .iter()
                .for_each(|i| println!("{:4x} {i}", i.ip()));
        }
        let mut rng = Lcg(seed << 20 ^ n as u64);
        let before: Vec<_> = (0..12).map(|s| run(f, code, s)).collect();
        for _ in 0..runs {
            let Some((new, what)) = mutate(code, &mut rng) else {
                continue;
            };
            tried += 1;
            let differs = before
                .iter()
                .enumerate()
                .any(|(s, b)| b.is_some() && run(f, &new, s as u64) != *b);
            differ += u32::from(differs);
            let proven = unproven(&check(&new)).is_empty();
            open += u32::from(!proven);
            if proven && differs {
                missed.push(format!("{name}: {what}"));
            } else if proven {
                kept.push(format!("{name}: {what}"));
            }
        }
    }
    println!(
        "{tried} changes, {differ} seen by execution, {open} not proven; proven:\n{}",
        kept.join("\n")
    );
    assert!(
        missed.is_empty(),
        "seed {seed}: proven although it differs:\n{}",
        missed.join("\n")
    );
    // Bits that mean nothing, results that nobody reads: few.
    assert!(open * 10 > tried * 8, "{open} of {tried}");
}
