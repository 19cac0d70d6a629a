//! Proofs from the store: used for the same question only, and never when something is wrong with them.

use super::*;
use crate::proof::stored::question as question_name;
use crate::report::verdict::VerdictKind;
use crate::store::sha256::sha256;
use crate::store::{Lookup, Store};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A folder of this test, gone at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let dir =
            std::env::temp_dir().join(format!("trinity-proofs-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Folder(dir)
    }
    fn file(&self) -> PathBuf {
        self.0.join("proofs.redb")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A leftover in the temporary folder harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open(file: &Path, semantics: &str) -> Store {
    Store::open(
        file,
        sha256(semantics.as_bytes()),
        Duration::ZERO,
        &mut |_| {},
    )
    .unwrap()
}

fn pool(file: &Path, semantics: &str) -> SolverPool {
    solvers().with_store(open(file, semantics))
}

/// `x + y` against `y - -x`, by names; with a condition on the first.
fn question(names: [&str; 2], below: Option<u128>) -> (TermPool, Query) {
    let mut p = TermPool::new();
    let [x, y] = names.map(|n| p.var(n, 32));
    let left = p.add(&x, &y);
    let minus = p.un(UnOp::Neg, &x);
    let right = p.sub(&y, &minus);
    let mut q = Query::words(vec![Pair::new("eax", left, right)]);
    if let Some(k) = below {
        let k = p.constant(32, k);
        q.precondition.push(p.cmp(CmpOp::Ult, &x, &k));
    }
    (p, q)
}

fn ask(solvers: &SolverPool, (mut p, q): (TermPool, Query)) -> ProofResult {
    prove(&mut p, &q, &Limits::default(), solvers)
}

#[test]
fn the_same_question_is_answered_by_the_store() {
    let folder = Folder::new("same");
    let solvers = pool(&folder.file(), "a");
    let first = ask(&solvers, question(["x", "y"], None));
    assert_eq!(
        (first.verdict.clone(), first.is_stored()),
        (Verdict::Proven, false)
    );
    // Other names are the same question.
    let again = ask(&solvers, question(["edi", "esi"], None));
    assert_eq!(
        (again.verdict.clone(), again.is_stored()),
        (Verdict::Proven, true)
    );
    assert_eq!((again.tests, again.steps.len()), (0, 1));
    // Another precondition is another question, and its witness is found each time.
    let under = ask(&solvers, question(["x", "y"], Some(9)));
    assert!(!under.is_stored());
    let under = ask(&solvers, question(["x", "y"], Some(9)));
    assert_eq!(under.verdict, Verdict::ProvenUnderPrecondition);
    assert!(under.is_stored() && under.witness.is_some());
    assert!(!ask(&solvers, question(["x", "y"], Some(10))).is_stored());
    let refined = Query {
        claim: Claim::Refinement,
        ..question(["x", "y"], None).1
    };
    assert!(!ask(&solvers, (question(["x", "y"], None).0, refined)).is_stored());
}

#[test]
fn a_difference_is_found_again() {
    let folder = Folder::new("refuted");
    let solvers = pool(&folder.file(), "a");
    let wrong = || {
        let (mut p, mut q) = question(["x", "y"], None);
        let one = p.constant(32, 1);
        q.outputs[0].right = p.add(&q.outputs[0].right, &one);
        (p, q)
    };
    for _ in 0..2 {
        let r = ask(&solvers, wrong());
        assert_eq!(
            (r.verdict.clone(), r.is_stored()),
            (Verdict::Refuted, false)
        );
        assert!(r.counterexample.is_some());
    }
}

#[test]
fn an_input_that_a_solver_found_is_kept_and_evaluated_again() {
    let folder = Folder::new("input");
    let solvers = pool(&folder.file(), "a");
    // Zero but for one input, which no test hits.
    let rare = |names: [&str; 2]| {
        let mut p = TermPool::new();
        let [x, y] = names.map(|n| p.var(n, 32));
        let seven = p.constant(32, 7);
        let shifted = p.bin(BinOp::Lshr, &x, &seven);
        let mixed = p.xor(&x, &shifted);
        let factor = p.constant(32, 0x9e37_79b1);
        let hash = p.bin(BinOp::Mul, &mixed, &factor);
        let hash = p.add(&hash, &y);
        let (k, l) = (p.constant(32, 0x1234_5678), p.constant(32, 0x0bad_cafe));
        let (a, b) = (p.eq(&hash, &k), p.eq(&y, &l));
        let hit = p.and(&a, &b);
        let (one, zero) = (p.constant(32, 1), p.constant(32, 0));
        let right = p.ite(&hit, &one, &zero);
        (p, Query::words(vec![Pair::new("eax", zero, right)]))
    };
    let first = ask(&solvers, rare(["x", "y"]));
    assert_eq!(first.verdict, Verdict::Refuted, "{:?}", first.steps);
    assert!(first.asked() > 0 && !first.is_stored());
    let (p, q) = rare(["edi", "esi"]);
    let name = question_name(&p, &q).name;
    let again = ask(&solvers, (p, q));
    assert_eq!(again.verdict, Verdict::Refuted);
    assert!(again.asked() == 0 && again.is_stored(), "{:?}", again.steps);
    let values = |r: &ProofResult| {
        let c = r.counterexample.clone().expect("refuted");
        c.variables.values().copied().collect::<Vec<_>>()
    };
    assert_eq!(values(&first), values(&again));
    // An input that shows nothing refutes nothing.
    let store = solvers.store().unwrap();
    let Ok(Lookup::Failed(mut entry)) = store.lookup(&name) else {
        panic!("the refutation was kept")
    };
    if let Some(shown) = &mut entry.shown {
        shown.variables[0] = "0".into();
    }
    store.put(entry).unwrap();
    let anew = ask(&solvers, rare(["x", "y"]));
    assert!(anew.asked() > 0 && !anew.is_stored());
    assert_eq!(anew.verdict, Verdict::Refuted);
}

#[test]
fn other_semantics_damage_and_strangers_are_not_trusted() {
    let folder = Folder::new("untrusted");
    let file = folder.file();
    let stored =
        |semantics: &str| ask(&pool(&file, semantics), question(["x", "y"], None)).is_stored();
    assert!(!stored("a"));
    assert!(stored("a"));
    // Proven under another instruction table.
    assert!(!stored("b"));
    // It took the place of the one before, which is stale now.
    assert!(stored("b") && !stored("a"));
    // A byte of the file changes: the file is moved aside, or the entry is not used.
    let whole = std::fs::read(&file).unwrap();
    let text = b"proof of equivalence";
    let mut bytes = whole.clone();
    let places: Vec<usize> = (0..whole.len() - text.len())
        .filter(|i| whole[*i..].starts_with(text))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at] ^= 1;
    }
    std::fs::write(&file, bytes).unwrap();
    assert!(!stored("a"));
    // Proven on another machine: proven again here, then it counts.
    let (p, q) = question(["x", "y"], None);
    let name = question_name(&p, &q).name;
    let foreign = folder.0.join("foreign.redb");
    let target = folder.0.join("target.redb");
    assert!(!ask(&pool(&foreign, "a"), question(["x", "y"], None)).is_stored());
    open(&target, "a").import(&open(&foreign, "a")).unwrap();
    assert!(matches!(
        open(&target, "a").lookup(&name).unwrap(),
        Lookup::Unconfirmed(_)
    ));
    assert!(!ask(&pool(&target, "a"), question(["x", "y"], None)).is_stored());
    assert!(ask(&pool(&target, "a"), question(["x", "y"], None)).is_stored());
}

#[test]
fn a_failure_is_repeated_only_with_more() {
    let folder = Folder::new("failure");
    let solvers = pool(&folder.file(), "a");
    // The factors of a product of two primes.
    let hard = || {
        let mut p = TermPool::new();
        let (x, y) = (p.var("x", 64), p.var("y", 64));
        let k = p.constant(64, 0xffff_ffff);
        let (a, b) = (p.and(&x, &k), p.and(&y, &k));
        let product = p.bin(BinOp::Mul, &a, &b);
        let n = p.constant(64, 4_294_967_291 * 4_294_967_279);
        let hit = p.eq(&product, &n);
        let less = p.cmp(CmpOp::Ult, &a, &b);
        let both = p.and(&hit, &less);
        let (one, zero) = (p.constant(64, 1), p.constant(64, 0));
        let right = p.ite(&both, &one, &zero);
        (p, Query::words(vec![Pair::new("rax", zero, right)]))
    };
    let run = |work: u64| {
        let (mut p, q) = hard();
        prove(&mut p, &q, &Limits::deterministic(work, 1), &solvers)
    };
    let stored = |r: &ProofResult| r.steps.iter().any(|s| s.rung == Rung::Store);
    let first = run(3_000_000);
    assert_eq!(
        (first.verdict.kind(), stored(&first)),
        (VerdictKind::Timeout, false)
    );
    let again = run(2_000_000);
    assert_eq!(
        (again.verdict.kind(), stored(&again)),
        (VerdictKind::Timeout, true)
    );
    assert!(!stored(&run(4_000_000)));
}
