//! The store's promises: laws of use, kills, damage, other processes, full disks.

use super::*;
use crate::report::Verdict;
use crate::run::files::TestDir;
use rand::{Rng, SeedableRng};
use sha256::sha256;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

fn query(n: u64) -> Query {
    Query {
        goal: "opt".into(),
        target: format!("lea eax,[rdi+{n}]\nret"),
        live_in: vec!["rdi".into()],
        live_out: vec!["rax".into()],
        preconditions: Vec::new(),
        march: "x86-64-v3".into(),
    }
}

fn proven(n: u64) -> Entry {
    Entry {
        query: query(n),
        program: format!("mov eax,{n}"),
        cost: Some(n as f64),
        verdict: Verdict::Proven,
        precondition: None,
        solver: "z3 4.8.12".into(),
        smt: vec![Smt::new(
            "eax",
            format!("(assert (= x #x{n:08x}))\n(check-sat)\n"),
        )],
        shown: None,
        spent: Spent {
            proposals: 10,
            rlimit: 20,
            seconds: 0.5,
        },
        failures: Vec::new(),
        tool: "test".into(),
        proved_here: true,
    }
}

fn open(path: &Path) -> Store {
    open_with(path, b"semantics")
}

fn open_with(path: &Path, semantics: &[u8]) -> Store {
    Store::open(
        path,
        sha256(semantics),
        Duration::from_secs(60),
        &mut |_| {},
    )
    .unwrap()
}

/// This binary as a child process that runs one test as the other side of it.
fn child(test: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            &format!("store::tests::{test}"),
            "--exact",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(VARIABLE, path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A new seed each time, printed; `TRINITY_TEST_SEED` repeats one.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    let given = std::env::var("TRINITY_TEST_SEED")
        .ok()
        .and_then(|s| s.parse().ok());
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("TRINITY_TEST_SEED={seed}");
    seed
}

/// Set for child processes: the store's path.
const VARIABLE: &str = "TRINITY_TEST_STORE";

#[test]
fn answers_come_back_and_only_proofs_are_usable() {
    let dir = TestDir::new("store-laws");
    let store = open(&dir.0.join("a/b/proven.redb"));
    assert_eq!(store.lookup(&query(1)).unwrap(), Lookup::Absent);
    store.put(proven(1)).unwrap();
    assert_eq!(store.lookup(&query(1)).unwrap(), Lookup::Proven(proven(1)));
    let mut n = 100;
    let mut kind = |verdict: Verdict, precondition: Option<&str>| {
        n += 1;
        let precondition = precondition.map(String::from);
        let entry = Entry {
            verdict,
            precondition,
            ..proven(n)
        };
        store.put(entry).unwrap();
        store.lookup(&query(n)).unwrap()
    };
    assert!(matches!(
        kind(Verdict::ProvenUnderPrecondition, Some("edi != 0")),
        Lookup::UnderPrecondition(_)
    ));
    // A precondition makes any proof conditional, and a conditional proof without its condition is none.
    assert!(matches!(
        kind(Verdict::Proven, Some("edi != 0")),
        Lookup::UnderPrecondition(_)
    ));
    assert!(matches!(
        kind(Verdict::ProvenUnderPrecondition, None),
        Lookup::Failed(_)
    ));
    let why = || "x".to_string();
    for v in [
        Verdict::Bounded { k: 8 },
        Verdict::Refuted,
        Verdict::Timeout,
        Verdict::Unknown { why: why() },
        Verdict::Unsupported {
            instruction: why(),
            address: 0,
            why: why(),
        },
        Verdict::Vacuous,
        Verdict::Error { why: why() },
    ] {
        assert!(matches!(kind(v.clone(), None), Lookup::Failed(_)), "{v}");
    }
}

#[test]
fn keys_are_canonical() {
    let mut a = query(1);
    a.live_out = vec!["rax".into(), "rdx".into()];
    let mut b = a.clone();
    b.live_out = vec!["rdx".into(), "rax".into(), "rdx".into()];
    b.target = "  lea  eax,[rdi+1]\n\n\tret\n".into();
    assert_eq!(a.key(), b.key());
    for change in [
        |q: &mut Query| q.march = "x86-64".into(),
        |q: &mut Query| q.preconditions.push("edi != 0".into()),
        |q: &mut Query| q.live_in.push("rsi".into()),
        |q: &mut Query| q.goal = "synth".into(),
        |q: &mut Query| q.target.push_str("\nnop"),
        // The same words in another list.
        |q: &mut Query| q.live_in.append(&mut q.live_out.clone()),
    ] {
        let mut c = a.clone();
        change(&mut c);
        assert_ne!(a.key(), c.key(), "{c:?}");
    }
}

#[test]
fn failures_keep_budget_and_reasons_and_never_displace_proofs() {
    let dir = TestDir::new("store-merge");
    let store = open(&dir.0.join("s.redb"));
    let spent = |proposals, seconds| Spent {
        proposals,
        rlimit: 0,
        seconds,
    };
    let fail = |s, why: &str| Entry::failure(query(1), Verdict::Timeout, s, why);
    store.put(fail(spent(100, 1.0), "p20 timed out")).unwrap();
    store.put(fail(spent(50, 2.0), "no candidate")).unwrap();
    let Lookup::Failed(e) = store.lookup(&query(1)).unwrap() else {
        panic!()
    };
    assert_eq!((e.spent, e.failures.len()), (spent(150, 3.0), 2));
    assert!(!store.worth_trying(&query(1), &spent(150, 3.0)).unwrap());
    assert!(store.worth_trying(&query(1), &spent(151, 3.0)).unwrap());
    store.put(proven(1)).unwrap();
    store.put(fail(spent(1, 1.0), "later failure")).unwrap();
    let Lookup::Proven(e) = store.lookup(&query(1)).unwrap() else {
        panic!()
    };
    assert_eq!(
        (e.program.as_str(), e.failures.len(), e.spent.proposals),
        ("mov eax,1", 3, 161)
    );
    assert!(
        !store
            .worth_trying(&query(1), &spent(u64::MAX, 1e9))
            .unwrap()
    );
    // A cheaper proof wins, a dearer one does not, a conditional one never displaces an outright one.
    for (program, cost, precondition, expected) in [
        ("dearer", 9.0, None, "mov eax,1"),
        (
            "conditional",
            0.1,
            Some("edi != 0".to_string()),
            "mov eax,1",
        ),
        ("cheaper", 0.5, None, "cheaper"),
    ] {
        let entry = Entry {
            program: program.into(),
            cost: Some(cost),
            precondition,
            ..proven(1)
        };
        store.put(entry).unwrap();
        let found = store.lookup(&query(1)).unwrap().entry().unwrap();
        assert_eq!(found.program, expected);
    }
    for i in 0..40 {
        store
            .put(fail(spent(1, 0.0), &format!("reason {i}")))
            .unwrap();
    }
    let e = store.lookup(&query(1)).unwrap().entry().unwrap();
    assert_eq!(
        (e.failures.len(), e.failures.last().unwrap().as_str()),
        (MAX_FAILURES, "reason 39")
    );
}

#[test]
fn other_semantics_and_other_machines() {
    let dir = TestDir::new("store-stale");
    let path = dir.0.join("s.redb");
    open(&path).put_all([proven(1), proven(2)]).unwrap();
    {
        let newer = open_with(&path, b"newer semantics");
        assert_eq!(newer.lookup(&query(1)).unwrap(), Lookup::Stale);
        newer.put(proven(2)).unwrap();
        assert!(matches!(
            newer.lookup(&query(2)).unwrap(),
            Lookup::Proven(_)
        ));
        let census = newer.census().unwrap();
        assert_eq!((census.proven, census.stale), (1, 1));
        assert_eq!(newer.prune().unwrap(), 1);
        assert_eq!(newer.lookup(&query(1)).unwrap(), Lookup::Absent);
    }
    let shared = open(&dir.0.join("shared.redb"));
    shared.put(proven(7)).unwrap();
    let mine = open(&dir.0.join("mine.redb"));
    assert_eq!(mine.import(&shared).unwrap(), 1);
    assert!(matches!(
        mine.lookup(&query(7)).unwrap(),
        Lookup::Unconfirmed(_)
    ));
    mine.put(proven(7)).unwrap();
    assert!(matches!(mine.lookup(&query(7)).unwrap(), Lookup::Proven(_)));
    mine.import(&shared).unwrap();
    assert!(
        matches!(mine.lookup(&query(7)).unwrap(), Lookup::Proven(_)),
        "a proof made here stays"
    );
}

#[test]
fn damaged_entries_and_other_formats_are_not_used() {
    let dir = TestDir::new("store-entry");
    let path = dir.0.join("s.redb");
    open(&path).put_all((0..4).map(proven)).unwrap();
    let raw = |change: &dyn Fn(&redb::WriteTransaction)| {
        let db = Database::open(&path).unwrap();
        let write = db.begin_write().unwrap();
        change(&write);
        write.commit().unwrap();
    };
    raw(&|write| {
        let mut t = write.open_table(ENTRIES).unwrap();
        let key = query(0).key().0;
        let mut value = t.get(&key).unwrap().unwrap().value().to_vec();
        // A flipped bit in the program; a short value; a sound value under another key.
        let at = value.windows(3).position(|w| w == b"eax").unwrap();
        value[at] ^= 1;
        t.insert(&key, value.as_slice()).unwrap();
        t.insert(&query(1).key().0, &b"short"[..]).unwrap();
        let three = t.get(&query(3).key().0).unwrap().unwrap().value().to_vec();
        t.insert(&query(2).key().0, three.as_slice()).unwrap();
    });
    {
        let store = open(&path);
        for n in 0..3 {
            assert_eq!(store.lookup(&query(n)).unwrap(), Lookup::Damaged, "{n}");
        }
        assert!(matches!(
            store.lookup(&query(3)).unwrap(),
            Lookup::Proven(_)
        ));
        assert_eq!(store.prune().unwrap(), 3);
        // A text that is not the one that was hashed.
        let mut e = proven(5);
        e.smt[0].text.push(' ');
        store.put(e).unwrap();
        assert_eq!(store.lookup(&query(5)).unwrap(), Lookup::Damaged);
    }
    raw(&|write| {
        write
            .open_table(META)
            .unwrap()
            .insert("format", 99)
            .unwrap();
    });
    let e = Store::open(&path, sha256(b"semantics"), Duration::ZERO, &mut |_| {}).unwrap_err();
    assert!(matches!(e, StoreError::Format(_, 99)), "{e}");
}

/// Flips bits and cuts ends everywhere in the file: an opened store holds the truth or was begun anew.
#[test]
fn a_corrupt_file_is_moved_aside_and_never_trusted() {
    let dir = TestDir::new("store-corrupt");
    let path = dir.0.join("s.redb");
    const ENTRIES_PUT: u64 = 40;
    {
        let store = open(&path);
        for n in 0..ENTRIES_PUT {
            store.put(proven(n)).unwrap();
        }
    }
    let good = std::fs::read(&path).unwrap();
    let seed = seed();
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    // Most of a young file is free space: damage goes where there are bytes other than zero, and to the header.
    let used: Vec<usize> = (0..good.len())
        .filter(|&i| good[i] != 0 || i < 512)
        .collect();
    let (mut intact, mut moved) = (0, 0);
    for round in 0..150 {
        let mut bad = good.clone();
        match round % 5 {
            0 => bad.truncate(rng.random_range(1..good.len())),
            1 => {
                let at = rng.random_range(0..good.len() - 4096);
                rng.fill(&mut bad[at..at + 4096]);
            }
            2 => bad[rng.random_range(0..320)] ^= 1 << rng.random_range(0..8),
            _ => bad[used[rng.random_range(0..used.len())]] ^= 1 << rng.random_range(0..8),
        }
        std::fs::write(&path, &bad).unwrap();
        let mut told = Vec::new();
        let store = Store::open(&path, sha256(b"semantics"), Duration::ZERO, &mut |s| {
            told.push(s.to_string())
        });
        let store = store.unwrap_or_else(|e| panic!("round {round}, seed {seed}: {e}"));
        match store.moved_aside() {
            Some(aside) => {
                moved += 1;
                assert!(
                    told.iter()
                        .any(|t| t.contains("is damaged") && t.contains(".corrupt-1")),
                    "{told:?}"
                );
                assert_eq!(store.census().unwrap(), Census::default(), "begun anew");
                store.put(proven(1)).unwrap();
                std::fs::remove_file(aside).unwrap();
            }
            None => {
                intact += 1;
                let mut n = 0;
                store
                    .each(|found| {
                        let Lookup::Proven(e) = found else {
                            panic!("round {round}, seed {seed}: {found:?}")
                        };
                        let number = e.cost.unwrap() as u64;
                        assert_eq!(e, proven(number), "seed {seed}");
                        n += 1;
                    })
                    .unwrap();
                assert_eq!(n, ENTRIES_PUT, "round {round}, seed {seed}");
            }
        }
    }
    println!("{intact} times intact, {moved} times moved aside");
    assert!(
        moved > 30,
        "only {moved} of 150 damages were noticed, seed {seed}"
    );
    // Names that are taken are left alone.
    for n in 1..=2 {
        std::fs::write(&path, [b'x'; 5000]).unwrap();
        let aside = open(&path).moved_aside().unwrap().to_path_buf();
        assert!(aside.to_str().unwrap().ends_with(&format!(".corrupt-{n}")));
        assert_eq!(std::fs::read(&aside).unwrap(), [b'x'; 5000]);
    }
}

#[test]
fn survives_kill_at_any_moment() {
    if let Some(path) = std::env::var_os(VARIABLE) {
        // The child puts entries without end and says so after each.
        let store = open(Path::new(&path));
        let first = store.census().unwrap().proven;
        for n in first.. {
            store.put(proven(n)).unwrap();
            let mut out = std::io::stdout().lock();
            out.write_all(format!("\nput {n}\n").as_bytes()).unwrap();
            out.flush().unwrap();
        }
    }
    let dir = TestDir::new("store-kill");
    let path = dir.0.join("s.redb");
    let seed = seed();
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let mut put = 0;
    for round in 0..25 {
        let mut c = child("survives_kill_at_any_moment", &path);
        let mut out = BufReader::new(c.stdout.take().unwrap());
        // Half of the kills come while the store is opened, half at some moment after the first entry.
        if round % 2 == 1 {
            let mut line = String::new();
            while !line.starts_with("put ") {
                line.clear();
                assert!(out.read_line(&mut line).unwrap() > 0, "the child ended");
            }
            put = put.max(line[4..].trim().parse::<u64>().unwrap() + 1);
        }
        std::thread::sleep(Duration::from_micros(rng.random_range(0..20_000)));
        c.kill().unwrap();
        c.wait().unwrap();
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        for line in rest.lines().filter_map(|l| l.strip_prefix("put ")) {
            // The last line may be cut off: then it may be a prefix of the number, which is no greater.
            put = put.max(line.parse::<u64>().map_or(0, |n| n + 1));
        }
        if !path.exists() {
            continue;
        }
        let store = open(&path);
        // A file whose making was cut short has no entries to lose; any other is intact.
        assert!(
            store.moved_aside().is_none() || put == 0,
            "round {round}, seed {seed}"
        );
        for n in 0..put {
            assert_eq!(
                store.lookup(&query(n)).unwrap(),
                Lookup::Proven(proven(n)),
                "round {round}, seed {seed}"
            );
        }
        let census = store.census().unwrap();
        assert!(census.proven >= put && census.damaged == 0, "{census:?}");
    }
    assert!(
        put > 12,
        "too few entries were put ({put}) to show anything"
    );
}

#[test]
fn a_second_process_is_told_or_waits() {
    if let Some(path) = std::env::var_os(VARIABLE) {
        let store = open(Path::new(&path));
        println!("\nopen");
        // Holds the store until its input is closed.
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        drop(store);
        return;
    }
    let dir = TestDir::new("store-two");
    let path = dir.0.join("s.redb");
    let mut c = child("a_second_process_is_told_or_waits", &path);
    let mut out = BufReader::new(c.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    assert!(out.any(|l| l == "open"));
    let semantics = sha256(b"semantics");
    let e = Store::open(&path, semantics, Duration::ZERO, &mut |_| {}).unwrap_err();
    assert!(matches!(e, StoreError::Busy(_)), "{e}");
    assert!(e.to_string().contains("in use by another process"), "{e}");
    let mut told = 0;
    let mut stdin = c.stdin.take();
    let store = Store::open(&path, semantics, Duration::from_secs(600), &mut |line| {
        assert!(line.starts_with("waiting for the store"), "{line}");
        told += 1;
        // Told that we wait, the other one ends.
        drop(stdin.take());
    });
    store.unwrap().put(proven(1)).unwrap();
    assert_eq!(told, 1);
    assert!(c.wait().unwrap().success());
}

#[test]
fn unwritable_places_and_full_disks_are_typed_errors() {
    if let Some(path) = std::env::var_os(VARIABLE) {
        let path = Path::new(&path);
        let store = open(path);
        store.put(proven(0)).unwrap();
        let size = std::fs::metadata(path).unwrap().len();
        // No file may grow beyond this: as a full disk, but for this process alone.
        let limit = libc::rlimit {
            rlim_cur: size,
            rlim_max: size,
        };
        // SAFETY: a limit for this process, and a signal ignored.
        unsafe {
            assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &limit), 0);
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        }
        let error = (1..100_000).find_map(|n| {
            let mut e = proven(n);
            e.smt = vec![Smt::new("eax", "x".repeat(100_000))];
            store.put(e).err()
        });
        assert!(matches!(error, Some(StoreError::Io(..))), "{error:?}");
        println!("\ntyped");
        return;
    }
    let semantics = sha256(b"semantics");
    let open = |p: &Path| Store::open(p, semantics, Duration::ZERO, &mut |_| {}).unwrap_err();
    let dir = TestDir::new("store-full");
    std::fs::write(dir.0.join("file"), b"").unwrap();
    assert!(matches!(
        open(&dir.0.join("file/s.redb")),
        StoreError::Io(..)
    ));
    assert!(matches!(
        open(Path::new("/proc/no/s.redb")),
        StoreError::Io(..)
    ));
    assert!(matches!(open(&dir.0), StoreError::Io(..)), "a directory");
    let path = dir.0.join("s.redb");
    let c = child("unwritable_places_and_full_disks_are_typed_errors", &path);
    let out = c.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success() && text.contains("typed"), "{text}");
    // What was there before the disk was full is there still.
    let store = Store::open(&path, semantics, Duration::ZERO, &mut |_| {}).unwrap();
    assert!(store.moved_aside().is_none());
    assert_eq!(store.lookup(&query(0)).unwrap(), Lookup::Proven(proven(0)));
}
