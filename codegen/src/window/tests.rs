use super::live::{known, live};
use super::*;
use crate::ir::{PReg, SrcLoc, Width};
use crate::isa::March;
use crate::x86::asm::{Item, Label, Port, Program, assemble};
use crate::x86::{Cc, Inst, Mem, Op, Opnd};

const W: Width = Width::W64;

fn rr(op: Op, a: PReg, b: PReg) -> Item {
    Item::Inst(Inst::op2(op, W, a, b))
}

fn ri(op: Op, a: PReg, n: i64) -> Item {
    Item::Inst(Inst::op2(op, W, a, Opnd::Imm(n)))
}

fn ret(at: u32, uses: u16) -> Port {
    Port {
        at,
        uses,
        kills: 0,
        leaves: true,
    }
}

fn bit(r: PReg) -> u16 {
    1 << r.hw()
}

fn instructions(p: &Program) -> Vec<iced_x86::Instruction> {
    let known = known(p).unwrap();
    known.iter().flatten().map(|k| k.inst).collect()
}

#[test]
fn liveness_follows_loops_flags_and_ports() {
    use PReg::{R8, Rax, Rcx, Rdx};
    // 0: mov rax, 0; L0: add rax, rcx; sub rcx, rdx; jne L0; ret (rax)
    let p = Program {
        items: vec![
            ri(Op::Mov, Rax, 0),
            Item::Label(Label(0)),
            rr(Op::Add, Rax, Rcx),
            rr(Op::Sub, Rcx, Rdx),
            Item::Jump(Some(Cc::Ne), Label(0)),
            rr(Op::Mov, R8, Rax),
            Item::Inst(Inst::op0(Op::Ret)),
        ],
        num_labels: 1,
        ports: vec![ret(6, bit(Rax))],
        ..Program::default()
    };
    let behind = live(&p, &known(&p).unwrap());
    let pinned = Live::PINNED.gpr;
    assert_eq!(behind[0].gpr, pinned | bit(Rax) | bit(Rcx) | bit(Rdx));
    // The sum's flags are dead, the difference's zero flag is asked for.
    assert_eq!(behind[2].flags, 0);
    assert_eq!(behind[3].flags, 8);
    assert_eq!(behind[3].gpr, pinned | bit(Rax) | bit(Rcx) | bit(Rdx));
    // What is moved to r8 is read by nobody.
    assert_eq!(behind[5].gpr, pinned | bit(Rax));
}

#[test]
fn calls_read_arguments_and_destroy_the_rest() {
    use PReg::{Rax, Rbp, Rcx, Rdi, Rsi};
    let call = Item::Inst(Inst::op1(Op::Call, W, Rcx));
    let p = Program {
        items: vec![
            ri(Op::Mov, Rdi, 1),
            ri(Op::Mov, Rsi, 1),
            call,
            rr(Op::Add, Rax, Rbp),
            Item::Inst(Inst::op0(Op::Ret)),
        ],
        ports: vec![
            Port {
                at: 2,
                uses: bit(Rdi),
                kills: bit(Rax) | bit(Rdi) | bit(Rsi) | bit(Rcx),
                leaves: false,
            },
            ret(4, bit(Rax)),
        ],
        ..Program::default()
    };
    let behind = live(&p, &known(&p).unwrap());
    let set = |r: &[PReg]| r.iter().fold(Live::PINNED.gpr, |s, r| s | bit(*r));
    assert_eq!(behind[1].gpr, set(&[Rdi, Rcx, Rbp]));
    assert_eq!(behind[2].gpr, set(&[Rax, Rbp]));
    // Without what the port says, everything is taken to live.
    let p = Program {
        ports: Vec::new(),
        ..p
    };
    let behind = live(&p, &known(&p).unwrap());
    assert_eq!(behind[1].gpr, u16::MAX);
}

#[test]
fn names_do_not_depend_on_registers() {
    use PReg::{R8, R9, R13, Rax, Rbp, Rcx, Rdi};
    let of = |a: PReg, b: PReg, address: PReg| {
        let load = Inst::op2(Op::Mov, W, a, Mem::reg(address, 0));
        let p = Program {
            items: vec![Item::Inst(load), ri(Op::Add, a, 1000), rr(Op::Xor, a, b)],
            ..Program::default()
        };
        let live = Live {
            gpr: bit(a),
            flags: 0,
        };
        canonical(&instructions(&p), live).unwrap()
    };
    let one = of(Rax, Rcx, Rdi);
    // The accumulator's short form, and the displacement that r13 and rbp need.
    for other in [of(R8, R9, R13), of(Rdi, Rax, Rbp), of(R13, R8, Rax)] {
        assert_eq!(one.key(), other.key());
        let back = other.renaming.inverse();
        let placed: Vec<_> = one.code.iter().map(|i| back.apply(i).unwrap()).collect();
        assert_eq!(
            canonical(
                &placed,
                Live {
                    gpr: back.set(one.live.gpr),
                    flags: 0
                }
            )
            .unwrap()
            .key(),
            one.key()
        );
    }
    // What lives behind it is part of the name.
    let p = Program {
        items: vec![rr(Op::Add, Rax, Rcx)],
        ..Program::default()
    };
    let name = |live| canonical(&instructions(&p), live).unwrap().key();
    let rax = Live { gpr: 1, flags: 0 };
    assert_ne!(name(rax), name(Live { flags: 8, ..rax }));
    // A register that is not written is nobody's business.
    assert_eq!(name(rax), name(Live { gpr: 3, flags: 0 }));
}

#[test]
fn fixed_registers_keep_their_names() {
    use PReg::{R9, Rcx};
    let p = Program {
        items: vec![rr(Op::Shl, R9, Rcx), rr(Op::Add, R9, Rcx)],
        ..Program::default()
    };
    let w = canonical(
        &instructions(&p),
        Live {
            gpr: bit(R9),
            flags: 0,
        },
    )
    .unwrap();
    assert_eq!(w.registers(), bit(Rcx) | bit(PReg::Rax));
}

#[test]
fn windows_end_where_they_must() {
    use PReg::{R14, Rax, Rbx, Rsp, Xmm0};
    let one = |i: Inst| {
        let p = Program {
            items: vec![Item::Inst(i)],
            ..Program::default()
        };
        known(&p).unwrap()[0].unwrap().effect.usable
    };
    assert!(one(Inst::op2(Op::Mov, W, Rax, Mem::reg(Rbx, 8))));
    assert!(one(Inst::op2(Op::Mov, W, Rax, Mem::reg(Rsp, 8))));
    // The thread's record, the pinned registers, the stack pointer, floating point, what may trap.
    assert!(!one(Inst::op2(Op::Mov, W, Rax, Mem::reg(R14, 8))));
    assert!(!one(Inst::op2(Op::Mov, W, Mem::reg(R14, 8), Rax)));
    assert!(!one(Inst::op2(Op::Add, W, Rbx, Opnd::Imm(16))));
    assert!(!one(Inst::op2(Op::Sub, W, Rsp, Opnd::Imm(16))));
    assert!(!one(Inst::op2(Op::Movsd, W, Xmm0, Mem::reg(Rbx, 8))));
    assert!(!one(Inst::op1(Op::Idiv, W, Rax)));
    assert!(!one(Inst::op2(
        Op::Mov,
        W,
        Rax,
        Mem::rip(crate::x86::RipTarget::Const(0))
    )));
}

/// `mov a, b; add a, 8` and its replacement `lea a, [b+8]`, in canonical registers.
fn small_store() -> WindowStore {
    let key = [&[1, 0, 0][..], &[0x48, 0x89, 0xc8, 0x48, 0x83, 0xc0, 0x08]].concat();
    let mut store = WindowStore::default();
    store.add(&key, &[0x48, 0x8d, 0x41, 0x08], 10).unwrap();
    store
}

#[test]
fn a_window_is_replaced_where_it_stands() {
    use PReg::{R9, R12, Rax};
    let mut p = Program {
        items: vec![
            Item::Loc(SrcLoc(7)),
            rr(Op::Mov, R9, R12),
            Item::Loc(SrcLoc(8)),
            ri(Op::Add, R9, 8),
            rr(Op::Mov, Rax, R9),
            Item::Inst(Inst::op0(Op::Ret)),
        ],
        ports: vec![ret(5, bit(Rax))],
        ..Program::default()
    };
    let options = WindowOptions {
        store: Some(Arc::new(small_store())),
        ..WindowOptions::default()
    };
    let before = p.clone();
    // r9 lives behind it, its flags do not.
    let report = windows(&mut p, &options, March::V1, "f");
    assert_eq!(report.hits.len(), 1);
    assert_eq!(
        (report.hits[0].loc, report.hits[0].sizes),
        (SrcLoc(7), (2, 1))
    );
    assert_eq!(p.items.len(), 5);
    assert_eq!(p.items[2], Item::Loc(SrcLoc(8)));
    assert_eq!(p.ports[0].at, 4);
    // lea r9, [r12+8]; mov rax, r9; ret
    let code = assemble(&p).unwrap().code;
    assert_eq!(code, [0x4d, 0x8d, 0x4c, 0x24, 0x08, 0x4c, 0x89, 0xc8, 0xc3]);
    // Where the sum's flags are asked for it is another window.
    let mut p = Program {
        items: vec![
            rr(Op::Mov, R9, R12),
            ri(Op::Add, R9, 8),
            Item::Jump(Some(Cc::O), Label(0)),
            Item::Label(Label(0)),
            rr(Op::Mov, Rax, R9),
            Item::Inst(Inst::op0(Op::Ret)),
        ],
        num_labels: 1,
        ports: vec![ret(5, bit(Rax))],
        ..Program::default()
    };
    let report = windows(&mut p, &options, March::V1, "f");
    assert_eq!((report.hits.len(), report.misses), (0, 1));
    // Nothing is asked, nothing is changed.
    let mut p = before.clone();
    assert_eq!(
        windows(&mut p, &WindowOptions::default(), March::V1, "f"),
        WindowReport::default()
    );
    assert_eq!(p.items, before.items);
}

#[test]
fn stores_refuse_what_is_no_window_or_no_replacement() {
    let mut store = WindowStore::default();
    let key = |live: [u8; 3], code: &[u8]| [&live[..], code].concat();
    let mov_add = [0x48, 0x89, 0xc8, 0x48, 0x83, 0xc0, 0x08];
    // Cut off; not canonical (add rcx, 8 alone is add rax, 8); another live-out than a written one.
    assert_eq!(
        store.add(&key([1, 0, 0], &mov_add[..5]), &[], 1),
        Err(Refused::Form)
    );
    assert_eq!(
        store.add(&key([2, 0, 0], &[0x48, 0x83, 0xc1, 0x08]), &[], 1),
        Err(Refused::Form)
    );
    assert_eq!(
        store.add(&key([3, 0, 0], &mov_add), &[], 1),
        Err(Refused::Form)
    );
    // mov rdx, rcx: a register that the window does not have; push; a store to the thread; a jump.
    for new in [
        &[0x48, 0x89, 0xca][..],
        &[0x50],
        &[0x49, 0x89, 0x06],
        &[0xeb, 0x00],
    ] {
        assert_eq!(
            store.add(&key([1, 0, 0], &mov_add), new, 1),
            Err(Refused::Outside),
            "{new:x?}"
        );
    }
    // mov rcx, rax writes what the window only reads.
    assert_eq!(
        store.add(&key([1, 0, 0], &mov_add), &[0x48, 0x89, 0xc1], 1),
        Err(Refused::Outside)
    );
    assert!(store.is_empty() && small_store().len() == 1);
}

#[test]
fn a_processor_gets_what_it_can_do() {
    // mov rax, rcx; rol... : shl through shlx needs BMI2.
    let mut store = small_store();
    let key = [&[1, 0, 0][..], &[0x48, 0x89, 0xc8, 0x48, 0x83, 0xc0, 0x08]].concat();
    // rorx rax, rcx, 8: of a greater gain, not for every processor. (That it computes something else is not asked here.)
    store
        .add(&key, &[0xc4, 0xe3, 0xfb, 0xf0, 0xc1, 0x08], 20)
        .unwrap();
    assert_eq!(store.get(&key, March::V1).unwrap().gain, 10);
    assert_eq!(store.get(&key, March::V3).unwrap().gain, 20);
}

#[test]
fn runs_are_collected_with_what_lives() {
    use PReg::{Rax, Rcx};
    let mut p = Program {
        items: vec![
            Item::Label(Label(0)),
            Item::Loc(SrcLoc(3)),
            rr(Op::Mov, Rax, Rcx),
            ri(Op::Add, Rax, 8),
            Item::Inst(Inst::op0(Op::Ret)),
        ],
        num_labels: 1,
        ports: vec![ret(4, bit(Rax))],
        ..Program::default()
    };
    let options = WindowOptions {
        harvest: true,
        ..WindowOptions::default()
    };
    let runs = windows(&mut p, &options, March::V1, "f").runs;
    assert_eq!(runs.len(), 1);
    assert_eq!((runs[0].loc, runs[0].label), (SrcLoc(3), Some(Label(0))));
    assert_eq!(runs[0].code.len(), 7);
    assert_eq!(runs[0].live[1].gpr, Live::PINNED.gpr | bit(Rax));
}
