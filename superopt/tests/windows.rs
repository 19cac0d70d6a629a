//! Windows: those that are shipped are proven again, wrong ones are not, and files that were changed are refused.

use std::time::Duration;
use trinity_codegen::window::WindowStore;
use trinity_superopt::proof::Limits;
use trinity_superopt::solver::SolverPool;
use trinity_superopt::window::kept::{Kept, SEMANTICS, Shelf, fill, semantics};
use trinity_superopt::window::prove::verify;
use trinity_superopt::window::unhex;

const SHIPPED: &str = include_str!("../../search-configs/windows/shipped.json");

fn solvers() -> SolverPool {
    SolverPool::located().expect("build trinity-solver first (cargo build -p trinity-solver)")
}

fn limits() -> Limits<'static> {
    Limits::within(Duration::from_secs(60))
}

/// A window by its name and its replacement.
fn kept(key: &str, new: &str) -> Kept {
    let w = WindowStore::window(&unhex(key).unwrap()).unwrap();
    let code = trinity_codegen::window::decode(&unhex(new).unwrap()).unwrap();
    Kept::new(&w, &code, 10)
}

#[test]
fn what_is_shipped_is_proven_again() {
    let of_now = semantics().to_string();
    assert_eq!(
        of_now, SEMANTICS,
        "the instruction table changed: windows have to be searched again"
    );
    let shelf = Shelf::parse("shipped", SHIPPED, Some(&of_now)).unwrap();
    fill(&mut WindowStore::default(), "shipped", &shelf.windows).unwrap();
    let solvers = solvers();
    for w in &shelf.windows {
        let text = || {
            format!(
                "{:?} for {:?} behind which {:?} live",
                w.after, w.before, w.live_out
            )
        };
        if let Err(why) = verify(w, &limits(), &solvers) {
            panic!("{}: {why}", text());
        }
    }
}

#[test]
fn wrong_windows_are_not_proven() {
    let solvers = solvers();
    // mov rax, rcx; add rax, 8: lea rax, [rcx+8] will do if no flag lives, lea rax, [rcx+9] never.
    let right = kept("0100004889c84883c008", "488d4108");
    verify(&right, &limits(), &solvers).unwrap();
    for (key, new) in [
        ("0100004889c84883c008", "488d4109"),
        // The zero flag lives.
        ("0100084889c84883c008", "488d4108"),
        // mov rax, [rcx]; mov [rdx], rax; mov rax, [rcx]: the store may have changed it.
        ("010000488b01488902488b01", "488b01488902"),
        // mov rax, [rcx] where the window reads four bytes (mov eax, [rcx]).
        ("0100008b01", "488b01"),
        // mov [rcx], rax; mov [rcx], rdx: both stores stay away, no memory is written.
        ("00000048890148891148", ""),
    ] {
        let Some(w) = WindowStore::window(&unhex(key).unwrap()) else {
            continue;
        };
        let code = trinity_codegen::window::decode(&unhex(new).unwrap()).unwrap();
        let wrong = Kept::new(&w, &code, 10);
        // It is well-formed all the same: only a proof tells.
        let shelf = Shelf::new(vec![wrong.clone()], "x");
        Shelf::parse("x", &shelf.text(), Some("x")).unwrap();
        verify(&wrong, &limits(), &solvers).unwrap_err();
    }
}

#[test]
fn changed_files_are_refused() {
    let shelf = Shelf::new(vec![kept("0100004889c84883c008", "488d4108")], "of now");
    let text = shelf.text();
    assert_eq!(Shelf::parse("f", &text, Some("of now")).unwrap(), shelf);
    let refused = |text: &str, says: &str| {
        let why = Shelf::parse("f", text, Some("of now"))
            .unwrap_err()
            .to_string();
        assert!(why.contains(says), "{why}");
    };
    // One digit of the replacement, of the name, of the checksum.
    refused(&text.replace("488d4108", "488d4109"), "entry 0");
    refused(&text.replace("4883c008", "4883c009"), "entry 0");
    let sum = &shelf.windows[0].sum;
    let other = if sum.starts_with('0') { "1" } else { "0" };
    refused(
        &text.replace(sum, &format!("{other}{}", &sum[1..])),
        "entry 0",
    );
    refused(
        &text.replace("\"version\": 1", "\"version\": 2"),
        "version 2",
    );
    refused(
        &text.replace("of now", "of old"),
        "another instruction table",
    );
    refused(&text[..text.len() / 2], "cannot be used");
}
