//! Binary chunks and the verifier: what must be refused is refused, and nothing panics.

mod common;

use common::Random;
use trinity_frontend::bytecode::verify::Reason;
use trinity_frontend::bytecode::{Const, Instr, LoadError, Op, Proto, dump, undump, verify};
use trinity_frontend::compile;

const PROGRAM: &str = "local a, b <close>, c = 1, nil, {...}\n\
    local function f(x, ...) c[x] = a; return x and f(x - 1, ...) or ... end\n\
    for i = 1, 3 do local j = i; c[i] = function() j = j + a return j end end\n\
    for k, v in pairs(c) do if k == 'x' then break end a = a .. v .. 1.5 end\n\
    goto out\n\
    do local y = { a, x = 2, f(a) } print(#y, -a, not y, y.x, y[1], y:m(1)) end\n\
    ::out::\n\
    return a < 2, f(1)\n";

fn program() -> Proto {
    compile(PROGRAM.as_bytes(), b"@program.lua").unwrap()
}

fn compiled(source: &str) -> Proto {
    compile(source.as_bytes(), b"=test").unwrap()
}

#[test]
fn every_cut_is_truncated() {
    for strip in [false, true] {
        let bytes = dump(&program(), strip);
        assert!(undump(&bytes).is_ok());
        for n in 1..bytes.len() {
            assert_eq!(
                undump(&bytes[..n]).unwrap_err(),
                LoadError::Truncated,
                "{n}"
            );
        }
        assert!(undump(&[bytes.as_slice(), b"rubbish"].concat()).is_ok());
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    let bytes = dump(&program(), false);
    for i in 0..bytes.len() {
        for change in [1, 0x80, 0xff] {
            let mut broken = bytes.clone();
            broken[i] = broken[i].wrapping_add(change);
            assert!(undump(&broken).is_err(), "byte {i}");
        }
    }
}

#[test]
fn messages() {
    let bytes = dump(&program(), true);
    let with = |at: usize, byte: u8| {
        let mut b = bytes.clone();
        b[at] = byte;
        let error = undump(&b).unwrap_err();
        String::from_utf8(error.message(b"=name")).unwrap()
    };
    assert_eq!(
        with(0, b'x'),
        "name: bad binary format (not a binary chunk)"
    );
    assert_eq!(with(4, 0x53), "name: bad binary format (version mismatch)");
    assert_eq!(with(5, 1), "name: bad binary format (format mismatch)");
    assert_eq!(with(6, 1), "name: bad binary format (corrupted chunk)");
    assert_eq!(
        with(12, 8),
        "name: bad binary format (Instruction size mismatch)"
    );
    assert_eq!(
        with(13, 4),
        "name: bad binary format (lua_Integer size mismatch)"
    );
    assert_eq!(
        with(14, 4),
        "name: bad binary format (lua_Number size mismatch)"
    );
    assert_eq!(
        with(15, 4),
        "name: bad binary format (integer format mismatch)"
    );
    assert_eq!(
        with(23, 4),
        "name: bad binary format (float format mismatch)"
    );
    assert_eq!(
        with(31, 4),
        "name: bad binary format (chunk of another implementation)"
    );
    assert_eq!(
        with(35, 9),
        "name: bad binary format (chunk of another compiler version)"
    );
    assert_eq!(
        with(60, bytes[60] ^ 1),
        "name: bad binary format (checksum mismatch)"
    );
    let cut = undump(&bytes[..9]).unwrap_err();
    assert_eq!(
        cut.message(bytes.as_slice()),
        b"binary string: bad binary format (truncated chunk)"
    );
    // A real chunk of the reference.
    let script = "io.write(string.dump(function() end))";
    let theirs = std::process::Command::new("lua5.4")
        .args(["-e", script])
        .output()
        .unwrap()
        .stdout;
    assert_eq!(undump(&theirs).unwrap_err(), LoadError::Foreign);
}

/// Rewrites the length and checksum, so that only decoder and verifier stand in the way.
fn reseal(bytes: &mut Vec<u8>) {
    bytes.truncate(bytes.len() - 8);
    let payload = (bytes.len() - 45) as u64;
    bytes[37..45].copy_from_slice(&payload.to_le_bytes());
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |h, &b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    });
    bytes.extend_from_slice(&sum.to_le_bytes());
}

#[test]
fn random_mutations_never_panic() {
    let mut random = Random::seeded("mutated chunks");
    let count = if std::env::var_os("TRINITY_LONG").is_some() {
        300_000
    } else {
        8_000
    };
    let (mut accepted, mut refused) = (0, 0);
    let originals = [dump(&program(), false), dump(&program(), true)];
    for _ in 0..count {
        let mut bytes = originals[random.below(2)].clone();
        for _ in 0..=random.below(3) {
            let at = 45 + random.below(bytes.len() - 53);
            match random.below(6) {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => bytes[at] = random.next() as u8,
                2 => bytes[at] = bytes[at].wrapping_add(1),
                3 => bytes[at] = bytes[at].wrapping_sub(1),
                4 => {
                    bytes.remove(at);
                }
                _ => bytes.insert(at, random.next() as u8),
            }
        }
        reseal(&mut bytes);
        match undump(&bytes) {
            Ok(proto) => {
                accepted += 1;
                // What is accepted goes through the same door again.
                assert!(undump(&dump(&proto, false)).is_ok());
            }
            Err(_) => refused += 1,
        }
    }
    println!("{accepted} accepted, {refused} refused");
    assert!(refused > accepted);
}

fn refuses(proto: &Proto, reason: Reason) {
    match verify(proto) {
        Ok(()) => panic!(
            "accepted, expected {reason:?}\n{}",
            trinity_frontend::bytecode::listing::list(proto)
        ),
        Err(e) => assert_eq!(
            e.reason,
            reason,
            "{e}\n{}",
            trinity_frontend::bytecode::listing::list(proto)
        ),
    }
}

/// The function with its debug information dropped, so that the code alone decides.
fn bare(source: &str) -> Proto {
    let mut p = compiled(source);
    p.loc_vars.clear();
    p
}

fn find(p: &Proto, op: Op) -> usize {
    p.code.iter().position(|i| i.op() == op).unwrap()
}

#[test]
fn operands_out_of_range() {
    use Op::{
        Add, AddI, AddK, Call, Closure, Concat, GetField, GetTabUp, LoadK, LoadNil, Move, SelfGet,
        SetField,
    };
    let base = bare("local a, b = ... return a + b");
    let cases: [(Instr, Reason); 15] = [
        (Instr(200), Reason::Opcode),
        (Instr::abcd(Move, 0, 250, 0, 0), Reason::Register),
        (Instr::abcd(Move, 0, 0, 1, 0), Reason::Unused),
        (Instr::abcd(Add, 99, 0, 0, 0), Reason::Register),
        (Instr::abcd(Add, 0, 0, 1, 7), Reason::Cache),
        (Instr::abcd(AddK, 0, 0, 0, 0), Reason::Constant),
        (Instr::abcd(AddI, 0, 300, 0, 0), Reason::Register),
        (Instr::ab_d(LoadK, 0, 0, 9), Reason::Constant),
        (Instr::abcd(LoadNil, 0, 200, 0, 0), Reason::Register),
        (Instr::abcd(GetTabUp, 0, 1, 0, 0), Reason::Upvalue),
        (Instr::abcd(GetField, 0, 0, 0, 0), Reason::Constant),
        (Instr::abcd(SetField, 0, 0, 0, 0), Reason::Constant),
        (Instr::ab_d(Closure, 0, 0, 0), Reason::Function),
        (Instr::abcd(Concat, 0, 1, 0, 0), Reason::Count),
        (Instr::abcd(Call, 0, 200, 1, 0), Reason::Register),
    ];
    for (instr, reason) in cases {
        let mut p = base.clone();
        let at = find(&p, Add);
        p.code[at] = instr;
        refuses(&p, reason);
    }
    let mut p = bare("local a = ... return a.x");
    p.consts[0] = Const::Int(1);
    refuses(&p, Reason::ConstantKind);
    let mut p = bare("local a = ... return a:x()");
    let at = find(&p, SelfGet);
    p.code[at] = Instr::abcd(SelfGet, p.max_stack - 1, 0, 0, 0);
    refuses(&p, Reason::Register);
    let mut p = base;
    p.max_stack = 1;
    refuses(&p, Reason::Sizes);
}

#[test]
fn control_flow() {
    let p = bare("local a = ... while a do a = f(a) end return a");
    let jump = find(&p, Op::Jmp);
    for to in [-100, 100, i32::MIN, i32::MAX, -(jump as i32) - 1] {
        let mut p = p.clone();
        p.code[jump] = Instr::ab_d(Op::Jmp, 0, 0, to as u32);
        refuses(&p, Reason::Jump);
    }
    let mut q = p.clone();
    let last = q.code.len() - 1;
    q.code[last] = Instr::abcd(Op::Move, 0, 0, 0, 0);
    refuses(&q, Reason::End);

    let p = bare("local a = ... if a then for i = 1, 2 do f() end end return a");
    let (test, prep, end) = (
        find(&p, Op::JmpF),
        find(&p, Op::ForPrep),
        find(&p, Op::ForLoop),
    );
    let mut q = p.clone();
    q.code[test] = Instr::ab_d(Op::JmpF, 0, 0, (prep + 1 - test - 1) as u32);
    refuses(&q, Reason::IntoLoop);
    let mut q = p.clone();
    q.code[end] = Instr::ab_d(Op::ForLoop, 9, 0, q.code[end].dd());
    refuses(&q, Reason::Register);
    let mut q = p.clone();
    q.code[prep] = Instr::ab_d(Op::Jmp, 0, 0, 0);
    refuses(&q, Reason::Loop);
    let mut q = p;
    q.code[end] = Instr::ab_d(Op::Jmp, 0, 0, 0);
    refuses(&q, Reason::Loop);
}

#[test]
fn open_lists() {
    let p = bare("return f(g())");
    let calls: Vec<usize> = (0..p.code.len())
        .filter(|&pc| p.code[pc].op() == Op::Call)
        .collect();
    let mut q = p.clone();
    let i = q.code[calls[0]];
    q.code[calls[0]] = Instr::abcd(Op::Call, i.a() as u8, i.b() as u16, 2, i.d() as u16);
    refuses(&q, Reason::Open);
    let mut q = p;
    let last = calls[0] + 1;
    let i = q.code[last];
    q.code[last] = Instr::abcd(Op::TailCall, i.a() as u8, 2, 0, i.d() as u16);
    refuses(&q, Reason::Open);
}

#[test]
fn registers_and_cells() {
    // A register nobody has written.
    let mut p = bare("local a, b = ... return b");
    let at = find(&p, Op::VarArg);
    p.code[at] = Instr::abcd(Op::VarArg, 0, 0, 2, 0);
    refuses(&p, Reason::Unset);
    // A value that the frame of a call overlies.
    let mut p = bare("local a, b = ... f() return b");
    let at = find(&p, Op::Call);
    let d = p.code[at].d() as u16;
    p.code[at] = Instr::abcd(Op::Call, 0, 1, 1, d);
    refuses(&p, Reason::Clobbered);
    // Cells are no values, and values no cells.
    let p = bare("local a = 1 local function f() a = a + 1 end return a");
    let mut q = p.clone();
    let at = find(&q, Op::GetCell);
    let i = q.code[at];
    q.code[at] = Instr::abcd(Op::Move, i.a() as u8, i.b() as u16, 0, 0);
    refuses(&q, Reason::Cell);
    let mut q = p.clone();
    let at = find(&q, Op::NewCell);
    q.code[at] = Instr::abcd(Op::Not, 0, 0, 0, 0);
    refuses(&q, Reason::Cell);
    let mut q = p;
    q.protos[0].upvals[0].index = 9;
    refuses(&q, Reason::Upvalue);
}

#[test]
fn variables_to_be_closed() {
    let p = bare(
        "local a = ... do local x <close> = a if a then goto out end a = 1 end ::out:: return a",
    );
    let close = find(&p, Op::Close);
    let mut q = p.clone();
    q.code[close] = Instr::ab_d(Op::LoadI, 0, 0, 1);
    refuses(&q, Reason::ToBeClosed);
    let mut p = bare("local x <close> = ... return x");
    let at = find(&p, Op::Return);
    p.code[at] = Instr::abcd(Op::Return, 0, 2, 0, 0);
    refuses(&p, Reason::NotClosed);
}

#[test]
fn debug_information() {
    let mut p = program();
    p.lines.pop();
    refuses(&p, Reason::DebugInfo);
    let mut p = program();
    p.loc_vars[0].end_pc = 100_000;
    refuses(&p, Reason::DebugInfo);
    // A variable whose scope starts before its value is there.
    let mut p = program();
    p.loc_vars[0].start_pc = 0;
    refuses(&p, Reason::Unset);
}
