//! Every vector and floating-point form of the model, three ways: values against the processor, terms against values,
//! and a list of what is refused.
//!
//! Operands are dense in what vector code trips over: NaNs of both kinds and signs, infinities, denormals, zeros of both
//! signs, bounds of integers, shift counts at the width. `TRINITY_SEED` sets the seed.

mod forms;
mod native;
mod states;

use forms::{Form, Operands, forms};
use iced_x86::{Instruction, Mnemonic};
use states::{MEMORY, Rng, State, filled, memory_address};
use std::collections::BTreeSet;
use trinity_codegen::isa::concrete::ConcreteRegion;
use trinity_codegen::isa::exec::reason;
use trinity_codegen::isa::{
    Bits, Concrete, ConcreteMemory, Domain, Fault, FaultKind, Machine, TermId, TermPool,
    Unsupported, execute,
};

/// States per form against the processor.
const NATIVE_STATES: usize = 150;
/// Instances per form whose terms are built; each is evaluated from as many states.
const TERM_INSTANCES: usize = 2;
const TERM_STATES: usize = 3;

fn seed() -> u64 {
    let seed = match std::env::var("TRINITY_SEED") {
        Ok(text) => text.parse().expect("TRINITY_SEED is a number"),
        Err(_) => 20,
    };
    println!("TRINITY_SEED={seed}");
    seed
}

/// Runs the concrete model.
fn concrete(i: &Instruction, s: &State) -> Result<Machine<Concrete>, Unsupported> {
    let mut m = s.machine();
    execute(&mut Concrete, &mut m, i)?;
    Ok(m)
}

fn faulted(m: &Machine<Concrete>) -> bool {
    m.faults.iter().any(|f| f.when.value == 1)
}

#[test]
fn values_agree_with_the_processor() {
    let Some(mut blob) = native::Blob::new() else {
        println!("no AVX2 here: nothing to compare with");
        return;
    };
    let mut rng = Rng(seed());
    let (mut tested, mut wrong) = (0, Vec::new());
    for form in forms(Operands::Registers) {
        if !native::has(form.code) {
            continue;
        }
        let mut bad = 0;
        for n in 0..NATIVE_STATES {
            let i = form.instance(&mut rng);
            let s = filled(&mut rng);
            let Ok(m) = concrete(&i, &s) else { break };
            tested += usize::from(n == 0);
            let model = State::of(&m);
            let processor = blob.run(&i, &s);
            if model != processor {
                bad += 1;
                if bad == 1 {
                    wrong.push(format!(
                        "{:?} {}\nbefore {s:x?}\nmodel {model:x?}\nprocessor {processor:x?}",
                        form.code,
                        forms::text(&i)
                    ));
                }
            }
        }
    }
    println!("{tested} forms");
    assert!(tested > 700, "only {tested} forms were tested");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The terms an instruction leaves, over a variable for everything it can read.
struct Symbolic {
    pool: TermPool,
    after: Machine<TermPool>,
}

/// Runs the model over terms; the immediate is a variable too when asked for.
fn symbolic(i: &Instruction, immediate: bool) -> Result<Symbolic, Unsupported> {
    let mut pool = TermPool::new();
    let mem = pool.memory();
    let mut m = Machine::new(&mut pool, mem, &mut |p, name, w| p.var(name, w));
    m.imm = immediate.then(|| pool.var("imm", 64));
    execute(&mut pool, &mut m, i)?;
    Ok(Symbolic { pool, after: m })
}

impl Symbolic {
    /// The machine the terms have from this state and immediate.
    fn at(&self, s: &State, imm: u64) -> Machine<Concrete> {
        let start = s.machine();
        let names = states::names();
        let mut words: Vec<TermId> = self.after.gpr.to_vec();
        words.extend(self.after.flags);
        words.extend(self.after.vec.iter().flatten());
        words.extend(self.after.faults.iter().map(|f| f.when));
        let mut leaf =
            |d: &mut Concrete, _: u32, v: &trinity_codegen::isa::term::Variable| match names
                .iter()
                .position(|n| *n == v.name)
            {
                Some(k) if k < 16 => start.gpr[k],
                Some(k) if k < 22 => start.flags[k - 16],
                Some(k) => start.vec[(k - 22) / 4][(k - 22) % 4],
                None if v.name == "imm" => d.constant(64, imm.into()),
                None => panic!("a variable nobody made: {}", v.name),
            };
        let (values, memories) = self.pool.eval_all(
            &words,
            &[self.after.mem],
            &mut Concrete,
            &mut leaf,
            &mut |_, _| start.mem.clone(),
        );
        let mut m = start.clone();
        let mut next = values.into_iter();
        let mut take = || next.next().expect("as many values as roots");
        m.gpr = std::array::from_fn(|_| take());
        m.flags = std::array::from_fn(|_| take());
        m.vec = std::array::from_fn(|_| std::array::from_fn(|_| take()));
        m.faults = self
            .after
            .faults
            .iter()
            .map(|f| Fault {
                kind: f.kind,
                when: take(),
            })
            .collect();
        m.mem = memories[0].clone();
        m
    }
}

/// Whether two runs ended alike; a page fault exists among values only, so states that have one are not compared.
fn same(a: &Machine<Concrete>, b: &Machine<Concrete>) -> bool {
    let alignment = |m: &Machine<Concrete>| {
        m.faults
            .iter()
            .any(|f| f.kind == FaultKind::Alignment && f.when.value == 1)
    };
    alignment(a) == alignment(b)
        && (alignment(a) || (State::of(a) == State::of(b) && a.mem == b.mem))
}

#[test]
fn terms_agree_with_values() {
    let mut rng = Rng(seed());
    let (mut tested, mut symbolic_immediates) = (0, 0);
    for operands in [Operands::Registers, Operands::Memory] {
        for form in forms(operands) {
            for n in 0..TERM_INSTANCES {
                let i = form.instance(&mut rng);
                let Ok(terms) = symbolic(&i, false) else {
                    break;
                };
                tested += usize::from(n == 0);
                let open = match form.immediate {
                    true => symbolic(&i, true).ok(),
                    false => None,
                };
                symbolic_immediates += usize::from(n == 0 && open.is_some());
                for _ in 0..TERM_STATES {
                    let s = filled(&mut rng);
                    let value = concrete(&i, &s).expect("terms could be built");
                    assert!(!page_fault(&value), "{}", forms::text(&i));
                    let imm = i.immediate8().into();
                    for t in [Some(&terms), open.as_ref()].into_iter().flatten() {
                        assert!(
                            same(&t.at(&s, imm), &value),
                            "{:?} {} from {s:x?}",
                            form.code,
                            forms::text(&i)
                        );
                    }
                }
            }
        }
    }
    println!("{tested} forms, {symbolic_immediates} of them with an immediate left open");
    assert!(
        tested > 1400,
        "only {tested} forms and memory forms were tested"
    );
    assert!(
        symbolic_immediates > 100,
        "only {symbolic_immediates} forms"
    );
}

fn page_fault(m: &Machine<Concrete>) -> bool {
    m.faults
        .iter()
        .any(|f| f.kind == FaultKind::Page && f.when.value == 1)
}

#[test]
fn what_is_refused_is_known() {
    use Mnemonic::*;
    // Approximations, cryptography, string comparison, masked accesses, non-temporal moves, half floats.
    let known: BTreeSet<String> = [
        Rcpss,
        Rcpps,
        Rsqrtss,
        Rsqrtps,
        Vrcpss,
        Vrcpps,
        Vrsqrtss,
        Vrsqrtps,
        Mpsadbw,
        Vmpsadbw,
        Pcmpestri,
        Pcmpestrm,
        Pcmpistri,
        Pcmpistrm,
        Vpcmpestri,
        Vpcmpestrm,
        Vpcmpistri,
        Vpcmpistrm,
        Pcmpestri64,
        Pcmpestrm64,
        Vpcmpestri64,
        Vpcmpestrm64,
        Vmaskmovps,
        Vmaskmovpd,
        Vpmaskmovd,
        Vpmaskmovq,
        Movntps,
        Movntpd,
        Movntdq,
        Movntdqa,
        Vmovntps,
        Vmovntpd,
        Vmovntdq,
        Vmovntdqa,
    ]
    .iter()
    .map(|m| format!("{m:?}"))
    .collect();
    let mut rng = Rng(seed());
    let mut refused = BTreeSet::new();
    for operands in [Operands::Registers, Operands::Memory] {
        for form in forms(operands) {
            let i = form.instance(&mut rng);
            match concrete(&i, &filled(&mut rng)) {
                Ok(_) => {}
                Err(Unsupported::Mnemonic(m)) => {
                    assert!(reason(m).is_some(), "{m:?} is refused without a reason");
                    refused.insert(format!("{m:?}"));
                }
                Err(other) => panic!("{:?} is refused for {other}", form.code),
            }
        }
    }
    assert_eq!(refused, known);
}

#[test]
fn aligned_forms_fault() {
    let mut rng = Rng(seed());
    let mut faults = BTreeSet::new();
    for form in forms(Operands::Memory) {
        let i = form.instance(&mut rng);
        let mut s = filled(&mut rng);
        // One byte beyond an address that suits every form.
        s.gpr[3] = memory_address() + 1;
        let Ok(m) = concrete(&i, &s) else { continue };
        let aligned_move = matches!(
            i.mnemonic(),
            Mnemonic::Vmovaps | Mnemonic::Vmovapd | Mnemonic::Vmovdqa
        );
        let unaligned_move = matches!(
            i.mnemonic(),
            Mnemonic::Movups | Mnemonic::Movupd | Mnemonic::Movdqu | Mnemonic::Lddqu
        );
        let legacy = i.code().encoding() == iced_x86::EncodingKind::Legacy;
        let expected = aligned_move || (legacy && i.memory_size().size() == 16 && !unaligned_move);
        assert_eq!(faulted(&m), expected, "{}", forms::text(&i));
        if expected {
            faults.insert(i.mnemonic() as u32);
        }
        s.gpr[3] -= 1;
        let m = concrete(&i, &s).expect("the same instruction");
        assert!(!faulted(&m), "{}", forms::text(&i));
    }
    assert!(faults.len() > 100, "{} mnemonics", faults.len());
}

/// The memory every test runs on.
fn memory(bytes: &[u8; MEMORY]) -> ConcreteMemory {
    ConcreteMemory {
        regions: vec![ConcreteRegion {
            base: memory_address(),
            bytes: bytes.to_vec(),
            writable: true,
        }],
    }
}

fn word(v: u64) -> Bits {
    Bits::new(64, v.into())
}

/// Named so that a failure shows which form it was.
impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.code)
    }
}
