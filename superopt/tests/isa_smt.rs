//! The SMT-LIB meaning of instructions against their concrete meaning: with the inputs fixed, the solver must find the
//! outputs that execution on values gives, and no others.

use trinity_codegen::isa::forms::{self, Lcg};
use trinity_codegen::isa::{
    Bits, Concrete, ConcreteMemory, Domain, FaultKind, Instruction, Machine, Node, TermId,
    TermPool, execute,
};
use trinity_superopt::proof::{expand::expand, rebuild::Rewriter};
use trinity_superopt::smt::{LOGIC, one_shot};
use trinity_superopt::solver::{Budget, Cancel, Outcome, Session, SolverPool};

fn words<D: Domain>(m: &Machine<D>) -> Vec<D::W> {
    let faults = m.faults.iter().filter(|f| f.kind != FaultKind::Page);
    let state = m.gpr.iter().chain(&m.flags).chain(m.vec.iter().flatten());
    state.chain(faults.map(|f| &f.when)).cloned().collect()
}

fn satisfiable(session: &mut Session, pool: &mut TermPool, holds: &[TermId]) -> bool {
    let mut rewriter = Rewriter::default();
    expand(pool, &mut rewriter, holds);
    let holds: Vec<TermId> = holds.iter().map(|t| rewriter.get(*t)).collect();
    let text = one_shot(pool, &holds).expect("everything was lowered");
    session.push();
    session.assert(&text);
    let answer = session
        .check(&Budget::work(200_000_000), &[], &Cancel::new())
        .expect("the solver answers");
    session.pop();
    match answer.outcome {
        Outcome::Sat(_) => true,
        Outcome::Unsat => false,
        Outcome::Unknown(why) => panic!("undecided: {why}"),
    }
}

/// Whether the instruction was tested; those with memory or floating point are lowered by the proofs, not printed.
fn check(session: &mut Session, i: &Instruction, random: &mut Lcg) -> bool {
    let mut pool = TermPool::new();
    let memory = pool.memory();
    let mut m = Machine::new(&mut pool, memory, &mut |p, name, w| p.var(name, w));
    let before = words(&m);
    execute(&mut pool, &mut m, i).expect("the form is supported");
    let outputs = words(&m);
    let printable = |t: TermId| !matches!(pool.node(t), Node::Fp(..) | Node::Load(..));
    if m.mem != memory || !pool.reachable(&outputs).into_iter().all(printable) {
        return false;
    }
    let variables = pool.variables().to_vec();
    let values: Vec<u128> = variables
        .iter()
        .map(|v| {
            let wide =
                u128::from(random.below(u32::MAX)) << 32 | u128::from(random.below(u32::MAX));
            let x = wide >> random.below(64);
            // What is undefined is zero in the concrete domain.
            if v.undefined {
                0
            } else {
                Bits::new(v.width, x).value
            }
        })
        .collect();
    let mut next = values.iter();
    let mut c = Machine::new(&mut Concrete, ConcreteMemory::default(), &mut |_, _, w| {
        Bits::new(w, *next.next().expect("a value per word"))
    });
    execute(&mut Concrete, &mut c, i).expect("the form is supported");
    let expected = words(&c);

    let mut inputs = Vec::new();
    let needed = pool.reachable(&outputs);
    for t in needed {
        if let Node::Var(n) = pool.node(t) {
            let k = pool.constant(variables[n as usize].width, values[n as usize]);
            inputs.push(pool.eq(&t, &k));
        }
    }
    let mut agree = pool.bit(true);
    let mut last = None;
    for (n, (o, e)) in outputs.iter().zip(&expected).enumerate() {
        if before.get(n) != Some(o) {
            let k = pool.constant(e.width, e.value);
            let same = pool.eq(o, &k);
            agree = pool.and(&agree, &same);
            last = Some(same);
        }
    }
    if last.is_none() {
        return false;
    }
    let differ = pool.not(&agree);
    let with = |t: TermId| [&inputs[..], &[t]].concat();
    let (yes, no) = (with(agree), with(differ));
    let text = i.to_string();
    assert!(
        satisfiable(session, &mut pool, &yes),
        "{text}: {values:x?} {expected:x?}"
    );
    assert!(
        !satisfiable(session, &mut pool, &no),
        "{text}: {values:x?} {expected:x?}"
    );
    true
}

#[test]
fn the_solver_agrees_with_values_on_a_sample_of_forms() {
    let seed = std::env::var("TRINITY_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(5);
    println!("TRINITY_SEED={seed}");
    let mut random = Lcg(seed);
    let pool =
        SolverPool::located().expect("build trinity-solver first (cargo build -p trinity-solver)");
    let mut session = pool.session(LOGIC).expect("the solver starts");
    let mut tested = 0;
    let mut seen = std::collections::HashSet::new();
    for form in forms::forms() {
        // One form per mnemonic and operand count; memory is not printed.
        let code = form.code;
        if form.memory || !seen.insert((code.mnemonic(), code.op_code().op_count())) {
            continue;
        }
        let made = (0..20).find_map(|_| {
            let i = forms::sample(form, &mut |n| random.below(n))?;
            forms::supported(&i).is_ok().then_some(i)
        });
        if let Some(i) = made {
            tested += u32::from(check(&mut session, &i, &mut random));
        }
    }
    println!("{tested} instructions");
    assert!(tested > 200, "only {tested} were tested");
}
