//! The program by itself: frames in, frames out, end at the end of input. (Its clients' tests are in the library.)

use std::io::{Read, Write};
use std::process::{Command, Stdio};

fn frame(letter: u8, body: &str) -> Vec<u8> {
    let mut out = (body.len() as u32 + 1).to_le_bytes().to_vec();
    out.push(letter);
    out.extend(body.as_bytes());
    out
}

#[test]
fn answers_and_ends() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_trinity-solver"))
        .args(["--memory-mb", "1000"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("a pipe");
    let mut output = child.stdout.take().expect("a pipe");
    let mut ask = |frames: &[Vec<u8>]| {
        input
            .write_all(&frames.concat())
            .expect("the program reads");
        input.flush().expect("the program reads");
        let mut len = [0; 4];
        output.read_exact(&mut len).expect("a reply");
        let mut body = vec![0; u32::from_le_bytes(len) as usize];
        output.read_exact(&mut body).expect("a whole reply");
        String::from_utf8(body).expect("text")
    };
    assert!(ask(&[frame(b'V', "")]).starts_with("version Z3 "));
    let text = "(declare-fun x () (_ BitVec 8))\n(assert (= (bvmul x #x03) #x2d))\n";
    let reply = ask(&[
        frame(b'R', "QF_BV"),
        frame(b'A', text),
        frame(b'C', "0 0 x"),
    ]);
    assert!(
        reply.starts_with("sat\n") && reply.contains("value x #x0f\n"),
        "{reply}"
    );
    // A pop too many is an error of the next check, and a reset forgets it.
    let reply = ask(&[frame(b'O', ""), frame(b'C', "0 0")]);
    assert!(reply.starts_with("error pop without push"), "{reply}");
    let reply = ask(&[
        frame(b'R', ""),
        frame(b'A', "(assert false)\n"),
        frame(b'C', "0 0"),
    ]);
    assert!(reply.starts_with("unsat\n"), "{reply}");
    drop(input);
    assert!(child.wait().expect("the program ends").success());
}

#[test]
fn wrong_arguments_are_usage() {
    let out = Command::new(env!("CARGO_BIN_EXE_trinity-solver"))
        .arg("--nonsense")
        .output()
        .expect("the program starts");
    assert_eq!(out.status.code(), Some(2));
}
