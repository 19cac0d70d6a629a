use super::*;
use std::time::Instant;

/// Processes of the solver that was built beside the tests.
pub(crate) fn solvers() -> SolverPool {
    SolverPool::located().expect("build trinity-solver first (cargo build -p trinity-solver)")
}

/// A product of two primes to be found: hard for a bit-blaster.
const HARD: &str = "(declare-fun x () (_ BitVec 64))\n(declare-fun y () (_ BitVec 64))\n\
    (assert (= (bvmul x y) #xf2a5f9f5d7c5b671))\n(assert (bvult x #x00000000ffffffff))\n\
    (assert (bvult y #x00000000ffffffff))\n(assert (bvugt x y))\n(assert (bvugt y #x0000000000000001))\n";

#[test]
fn sessions_answer_with_scopes_and_values() {
    let pool = solvers();
    let none = Cancel::new();
    let mut s = pool.session("QF_BV").unwrap();
    s.assert("(declare-fun x () (_ BitVec 8))\n(declare-fun p () Bool)\n(assert (= (bvadd x #x01) #x00))\n");
    s.push();
    s.assert(
        "(declare-fun y () (_ BitVec 128))\n(assert (= y ((_ zero_extend 120) x)))\n(assert p)\n",
    );
    let a = s
        .check(&Budget::work(1_000_000), &["x", "y", "p"], &none)
        .unwrap();
    let values = [("x", 0xff), ("y", 0xff), ("p", 1)].map(|(n, v)| (n.to_string(), v));
    assert_eq!(a.outcome, Outcome::Sat(values.to_vec()));
    s.assert("(assert (= y #x00000000000000000000000000000000))\n");
    assert_eq!(
        s.check(&Budget::default(), &[], &none).unwrap().outcome,
        Outcome::Unsat
    );
    s.pop();
    let a = s.check(&Budget::default(), &["x"], &none).unwrap();
    assert_eq!(a.outcome, Outcome::Sat(vec![("x".into(), 0xff)]));
    assert!(a.memory > 0);
    assert!(pool.version().unwrap().starts_with("Z3 "));
}

#[test]
fn limits_are_told_apart() {
    let pool = solvers();
    let none = Cancel::new();
    let mut s = pool.session("QF_BV").unwrap();
    s.assert(HARD);
    let a = s.check(&Budget::work(200_000), &[], &none).unwrap();
    assert_eq!(a.outcome, Outcome::Unknown(Undecided::Work));
    let a = s
        .check(&Budget::time(Duration::from_millis(50)), &[], &none)
        .unwrap();
    assert_eq!(a.outcome, Outcome::Unknown(Undecided::Time));
}

#[test]
fn equal_work_limits_give_equal_work() {
    let pool = solvers();
    let work = |_| {
        let mut s = pool.session("QF_BV").unwrap();
        s.assert(HARD);
        s.check(&Budget::work(300_000), &[], &Cancel::new())
            .unwrap()
            .rlimit
    };
    let runs: Vec<u64> = (0..3).map(work).collect();
    assert!(
        runs[0] > 0 && runs.iter().all(|r| *r == runs[0]),
        "{runs:?}"
    );
}

#[test]
fn a_killed_child_is_replaced() {
    // No grace: the pool's own deadline comes first.
    let mut config = PoolConfig::located().unwrap();
    config.grace = Duration::ZERO;
    let pool = SolverPool::new(config);
    let mut s = pool.session("QF_BV").unwrap();
    s.assert(HARD);
    let a = s
        .check(
            &Budget::time(Duration::from_millis(30)),
            &[],
            &Cancel::new(),
        )
        .unwrap();
    assert_eq!(a.outcome, Outcome::Unknown(Undecided::Time));
    drop(s);
    let mut s = pool.session("QF_BV").unwrap();
    s.assert("(assert false)\n");
    assert_eq!(
        s.check(&Budget::default(), &[], &Cancel::new())
            .unwrap()
            .outcome,
        Outcome::Unsat
    );
}

#[test]
fn another_thread_cancels() {
    let pool = solvers();
    let cancel = Cancel::new();
    std::thread::scope(|scope| {
        let handle = scope.spawn(|| {
            let mut s = pool.session("QF_BV").unwrap();
            s.assert(HARD);
            s.check(&Budget::default(), &[], &cancel).unwrap().outcome
        });
        std::thread::sleep(Duration::from_millis(30));
        cancel.cancel();
        assert_eq!(
            handle.join().unwrap(),
            Outcome::Unknown(Undecided::Cancelled)
        );
    });
    // A request already made stops the query before it starts.
    let mut s = pool.session("").unwrap();
    let a = s.check(&Budget::default(), &[], &cancel).unwrap();
    assert_eq!(a.outcome, Outcome::Unknown(Undecided::Cancelled));
}

#[test]
fn bad_text_is_rejected_not_answered() {
    let pool = solvers();
    let mut s = pool.session("QF_BV").unwrap();
    s.assert("(assert (= x #x00))\n");
    let e = s
        .check(&Budget::default(), &[], &Cancel::new())
        .unwrap_err();
    assert!(
        matches!(&e, SolverError::Rejected { why } if why.contains("unknown constant x")),
        "{e}"
    );
    assert!(!s.is_alive());
}

#[test]
fn a_crash_is_an_error() {
    // A program that reads and dies, in the solver's place.
    let dir = std::env::temp_dir().join(format!("trinity-solver-test-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("crashes");
    let text = dir.join("text");
    std::fs::write(
        &text,
        "#!/bin/sh\nhead -c 8 >/dev/null\necho out of luck >&2\nkill -SEGV $$\n",
    )
    .unwrap();
    // Another process writes it: a solver that another test starts meanwhile holds for a moment what this one has open.
    let mut install = std::process::Command::new("install");
    install.args(["-m", "755"]).args([&text, &path]);
    assert!(install.status().unwrap().success());
    let pool = SolverPool::new(PoolConfig::new(path));
    let mut s = pool.session("").unwrap();
    let e = s
        .check(&Budget::default(), &[], &Cancel::new())
        .unwrap_err();
    assert!(
        matches!(&e, SolverError::Crashed { how } if how.contains("out of luck")),
        "{e}"
    );
    std::fs::remove_dir_all(&dir).unwrap();
    let pool = SolverPool::new(PoolConfig::new(dir.join("crashes")));
    assert!(matches!(
        pool.session("").err(),
        Some(SolverError::Spawn { .. })
    ));
}

#[test]
fn memory_is_limited() {
    let mut config = PoolConfig::located().unwrap();
    config.memory = 24 << 20;
    let pool = SolverPool::new(config);
    let mut s = pool.session("QF_BV").unwrap();
    let mut text = String::from("(declare-fun x0 () (_ BitVec 128))\n");
    for i in 0..60 {
        text.push_str(&format!(
            "(declare-fun x{} () (_ BitVec 128))\n(assert (= x{} (bvmul (bvxor x{i} x0) (bvnot x{i}))))\n",
            i + 1,
            i + 1
        ));
    }
    text.push_str("(assert (= x60 #x00000000000000000000000000000007))\n");
    s.assert(&text);
    match s.check(&Budget::time(Duration::from_secs(60)), &[], &Cancel::new()) {
        Ok(a) => assert_eq!(a.outcome, Outcome::Unknown(Undecided::Memory)),
        // Z3 may also die of it.
        Err(e) => assert!(
            matches!(
                e,
                SolverError::Crashed { .. } | SolverError::Rejected { .. }
            ),
            "{e}"
        ),
    }
}

#[test]
fn a_second_solver_reads_the_dumped_file() {
    let dir = std::env::temp_dir().join(format!("trinity-dump-test-{}", std::process::id()));
    let dump = Dump::new(&dir).unwrap();
    let text = "(declare-fun x () (_ BitVec 8))\n(assert (let ((y (bvadd x x))) (not (= y (bvshl x #x01)))))\n";
    let file = dump.write("x+x", &dump::script("QF_BV", text)).unwrap();
    let mut ran = 0;
    for name in ["boolector", "cvc5", "bitwuzla", "z3"] {
        let Some(path) = find(name) else { continue };
        ran += 1;
        let solver = SecondSolver::new(&path);
        assert_ne!(solver.kind, SolverKind::Other);
        assert_eq!(
            solver.check(&file, Duration::from_secs(60)).unwrap(),
            Outcome::Unsat,
            "{}",
            solver.name()
        );
    }
    if ran == 0 {
        assert!(
            std::env::var_os("CI").is_none(),
            "no second solver is installed"
        );
        println!("skipped: no second solver is installed");
    }
    let start = Instant::now();
    let wrong = SecondSolver::new(std::path::Path::new("/bin/cat"));
    assert!(
        wrong.check(&file, Duration::from_secs(60)).is_err(),
        "{:?}",
        start.elapsed()
    );
    std::fs::remove_dir_all(&dir).unwrap();
}

fn find(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|d| d.join(name))
        .find(|p| p.is_file())
}
