//! Laws of the domains, over all forms of the model: executing an instruction over terms and then evaluating the terms
//! gives what executing it on values gives; and what known bits say holds of the values.

use trinity_codegen::isa::concrete::ConcreteRegion;
use trinity_codegen::isa::forms::{self, Lcg};
use trinity_codegen::isa::known_bits::AnyMemory;
use trinity_codegen::isa::{
    Bits, Concrete, ConcreteMemory, Domain, FaultKind, Instruction, Known, KnownBits, Machine,
    TermId, TermPool, execute,
};

/// Registers, flags and vectors in one order, with the faults that are not of memory.
fn words<D: Domain>(m: &Machine<D>) -> Vec<D::W> {
    let faults = m
        .faults
        .iter()
        .filter(|f| f.kind != FaultKind::Page)
        .map(|f| &f.when);
    let state = m.gpr.iter().chain(&m.flags).chain(m.vec.iter().flatten());
    let accesses = m.accesses.iter().map(|a| &a.addr);
    state.chain(faults).chain(accesses).cloned().collect()
}

struct Recorded {
    pool: TermPool,
    /// Number of the variables that are inputs: the first ones, in the order of `Machine::new`.
    inputs: usize,
    words: Vec<TermId>,
    memory: TermId,
}

fn record(i: &Instruction) -> Recorded {
    let mut pool = TermPool::new();
    let memory = pool.memory();
    let mut m = Machine::new(&mut pool, memory, &mut |p, name, w| p.var(name, w));
    let inputs = pool.variables().len();
    execute(&mut pool, &mut m, i).expect("the form is supported");
    Recorded {
        inputs,
        words: words(&m),
        memory: m.mem,
        pool,
    }
}

fn random_word(random: &mut Lcg, w: u32) -> u128 {
    let v = u128::from(random.below(u32::MAX)) << 32 | u128::from(random.below(u32::MAX));
    let v = match random.below(4) {
        0 => u128::from(random.below(70)),
        1 => v >> random.below(64),
        2 => !(v >> random.below(64)),
        _ => v,
    };
    Bits::new(w, v).value
}

fn run(i: &Instruction, values: &[u128], memory: ConcreteMemory) -> Machine<Concrete> {
    let mut next = values.iter();
    let mut m = Machine::new(&mut Concrete, memory, &mut |_, _, w| {
        Bits::new(w, *next.next().expect("a value per word"))
    });
    execute(&mut Concrete, &mut m, i).expect("the form is supported");
    m
}

fn check(i: &Instruction, random: &mut Lcg) {
    let r = record(i);
    for _ in 0..3 {
        let inputs = &r.pool.variables()[..r.inputs];
        let values: Vec<u128> = inputs
            .iter()
            .map(|v| random_word(random, v.width))
            .collect();
        // A first run finds the addresses; then something is there.
        let accesses = run(i, &values, ConcreteMemory::default()).accesses;
        let regions = accesses.iter().map(|a| ConcreteRegion {
            base: a.addr.value as u64,
            bytes: (0..a.bytes).map(|_| random.below(256) as u8).collect(),
            writable: true,
        });
        let memory = ConcreteMemory {
            regions: regions.collect(),
        };
        let m = run(i, &values, memory.clone());
        let expected = words(&m);
        // What is undefined is zero in the concrete domain.
        let value = |n: u32| values.get(n as usize).copied().unwrap_or(0);
        let (got, mems) = r.pool.eval_all(
            &r.words,
            &[r.memory],
            &mut Concrete,
            &mut |_, n, v| Bits::new(v.width, value(n)),
            &mut |_, _| memory.clone(),
        );
        assert_eq!(got, expected, "{i}: {values:x?}");
        assert_eq!(mems[0], m.mem, "{i}: {values:x?}");

        let masks: Vec<u128> = values
            .iter()
            .map(|_| random_word(random, 64) | random_word(random, 64))
            .collect();
        let known = r.pool.eval(
            &r.words,
            &mut KnownBits,
            &mut |_, n, v| {
                let k = masks.get(n as usize).copied().unwrap_or(0);
                Known::new(v.width, k & !value(n), k & value(n)).expect("disjoint masks")
            },
            &mut |_, _| AnyMemory,
        );
        for (k, e) in known.iter().zip(&expected) {
            assert!(
                k.contains(e.value),
                "{i}: {k:x?} is not {:#x}; {values:x?} {masks:x?}",
                e.value
            );
        }
    }
}

#[test]
fn terms_and_known_bits_agree_with_values_on_every_form() {
    let seed = std::env::var("TRINITY_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(11);
    println!("TRINITY_SEED={seed}");
    let mut random = Lcg(seed);
    let mut tested = 0;
    for row in forms::table() {
        if row.support.is_err() {
            continue;
        }
        let mut made = 0;
        for _ in 0..40 {
            if made < 4
                && let Some(i) = forms::sample(row.form, &mut |n| random.below(n))
                && forms::supported(&i).is_ok()
            {
                check(&i, &mut random);
                made += 1;
            }
        }
        assert!(made > 0, "{} has no sample", row.form);
        tested += 1;
    }
    println!("{tested} forms");
    assert!(tested > 2000, "only {tested} forms are supported");
}

#[test]
fn table_knows_features_flags_and_reasons() {
    use iced_x86::Code;
    use trinity_codegen::isa::Flag;
    use trinity_codegen::isa::forms::{Form, Level, info};
    let at = |code| {
        info(Form {
            code,
            memory: false,
        })
    };
    // Below their level these decode as bsf and bsr.
    for code in [
        Code::Tzcnt_r32_rm32,
        Code::Lzcnt_r64_rm64,
        Code::VEX_Pdep_r64_r64_rm64,
    ] {
        assert_eq!(at(code).level, Level::V3, "{code:?}");
        assert!(at(code).support.is_ok());
    }
    assert_eq!(at(Code::Popcnt_r64_rm64).level, Level::V2);
    assert_eq!(at(Code::Cmovae_r64_rm64).level, Level::V1);
    assert_eq!(at(Code::Adcx_r32_rm32).level, Level::Extra);
    let mul = at(Code::Imul_r32_rm32);
    assert!(mul.written.has(Flag::Cf) && mul.undefined.has(Flag::Sf) && !mul.written.has(Flag::Sf));
    let jump = info(Form {
        code: Code::Jmp_rel8_64,
        memory: false,
    });
    assert!(
        jump.support
            .is_err_and(|e| e.to_string().contains("control flow"))
    );
    assert_eq!(forms::semantics_version(), forms::semantics_version());
    assert_eq!(forms::semantics_version().len(), 32);
}
