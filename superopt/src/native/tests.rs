use std::time::Duration;

use super::*;

const DATA: Region = Region::writable(0x2000_0000, 4096);
const CF: u64 = 1;
const ZF: u64 = 1 << 6;
const OF: u64 = 1 << 11;

fn one(code: &[u8], regions: &[Region], state: State) -> Outcome {
    let runner = Runner::new(code, regions).expect("a program that can run");
    runner.run(&[state]).expect("a run").remove(0)
}

fn zero(regions: &[Region]) -> State {
    State::zero(regions.iter().map(|region| region.bytes).sum())
}

#[test]
fn addition_sets_registers_and_flags_and_nothing_else() {
    let mut state = zero(&[]);
    for (index, register) in state.gpr.iter_mut().enumerate() {
        *register = 0x1111_1111_1111_1111 * index as u64;
    }
    state.gpr[0] = u64::MAX;
    state.gpr[3] = 1;
    state.flags = OF;
    // add rax, rbx
    let outcome = one(&[0x48, 0x01, 0xd8], &[], state.clone());
    let mut expected = state;
    expected.gpr[0] = 0;
    expected.flags = CF | ZF | 1 << 4 | 1 << 2;
    assert_eq!(outcome, Outcome::Done(Box::new(expected)));
}

#[test]
fn each_state_of_a_batch_has_its_own_outcome() {
    // add rax, rbx; div rcx
    let runner = Runner::new(&[0x48, 0x01, 0xd8, 0x48, 0xf7, 0xf1], &[]).unwrap();
    let states: Vec<State> = (0..5000u64)
        .map(|index| {
            let mut state = zero(&[]);
            state.gpr[0] = index * 1_000_003;
            state.gpr[3] = index;
            state.gpr[1] = index % 7;
            state
        })
        .collect();
    for (index, outcome) in runner.run(&states).unwrap().into_iter().enumerate() {
        let index = index as u64;
        match index % 7 {
            0 => assert_eq!(
                outcome.fault(),
                Some(Fault {
                    kind: FaultKind::Divide,
                    offset: 3
                })
            ),
            divisor => {
                let sum = index * 1_000_004;
                let state = outcome.done().expect("no fault");
                assert_eq!(
                    (state.gpr[0], state.gpr[2]),
                    (sum / divisor, sum % divisor),
                    "state {index}"
                );
            }
        }
    }
}

#[test]
fn programs_share_a_fork() {
    // inc eax / dec eax
    let runner = Runner::with_programs(&[[0xff, 0xc0], [0xff, 0xc8]], &[]).unwrap();
    let outcomes = runner
        .run_each(&[(0, zero(&[])), (1, zero(&[])), (0, zero(&[]))])
        .unwrap();
    let results: Vec<u64> = outcomes
        .iter()
        .map(|outcome| outcome.done().unwrap().gpr[0])
        .collect();
    assert_eq!(results, [1, 0xffff_ffff, 1]);
}

#[test]
fn loads_and_stores_reach_the_region_and_its_contents_come_back() {
    let mut state = zero(&[DATA]);
    state.memory[8..16].copy_from_slice(&0x0123_4567_89ab_cdefu64.to_le_bytes());
    state.gpr[6] = DATA.address;
    // mov rax, [rsi + 8]; mov [rsi + 4088], rax
    let code = [
        0x48, 0x8b, 0x46, 0x08, 0x48, 0x89, 0x86, 0xf8, 0x0f, 0x00, 0x00,
    ];
    let outcome = one(&code, &[DATA], state.clone());
    let after = outcome.done().expect("no fault");
    assert_eq!(after.gpr[0], 0x0123_4567_89ab_cdef);
    state.memory[4088..].copy_from_slice(&0x0123_4567_89ab_cdefu64.to_le_bytes());
    assert_eq!(after.memory, state.memory);
}

#[test]
fn accesses_outside_fault_with_their_address() {
    for (offset, address, write) in [
        (-1i64, DATA.address - 1, false),
        (4089, DATA.address + 4096, false),
        (4089, DATA.address + 4096, true),
    ] {
        let mut state = zero(&[DATA]);
        state.gpr[6] = DATA.address.wrapping_add_signed(offset);
        // mov rax, [rsi] or mov [rsi], rax, after a nop
        let code = [0x90, 0x48, if write { 0x89 } else { 0x8b }, 0x06];
        let fault = one(&code, &[DATA], state).fault();
        assert_eq!(
            fault,
            Some(Fault {
                kind: FaultKind::Page { address, write },
                offset: 1
            })
        );
    }
}

#[test]
fn read_only_regions_can_be_read_and_fault_on_a_store() {
    let region = Region::read_only(0x2001_0ff0, 16);
    let mut state = zero(&[region]);
    state.memory[8] = 42;
    state.gpr[6] = region.address + 8;
    let load = one(&[0x48, 0x8b, 0x06], &[region], state.clone());
    assert_eq!(load.done().map(|state| state.gpr[0]), Some(42));
    let store = one(&[0x48, 0x89, 0x06], &[region], state);
    let kind = FaultKind::Page {
        address: region.address + 8,
        write: true,
    };
    assert_eq!(store.fault().map(|fault| fault.kind), Some(kind));
}

#[test]
fn what_a_state_writes_beside_its_regions_is_gone_for_the_next() {
    let region = Region::writable(0x2000_0000, 64);
    let runner = Runner::new(&[0x48, 0x87, 0x06], &[region]).unwrap(); // xchg [rsi], rax
    let mut state = zero(&[region]);
    state.gpr[6] = region.address + 128;
    state.gpr[0] = 7;
    let outcomes = runner.run(&[state.clone(), state]).unwrap();
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.done().is_some_and(|state| state.gpr[0] == 0))
    );
}

#[test]
fn misaligned_and_non_canonical_accesses_are_protection_faults() {
    let mut state = zero(&[DATA]);
    state.gpr[6] = DATA.address + 1;
    let misaligned = one(&[0x0f, 0x28, 0x06], &[DATA], state.clone()); // movaps xmm0, [rsi]
    assert_eq!(
        misaligned.fault().map(|fault| fault.kind),
        Some(FaultKind::Protection)
    );
    state.gpr[6] = 1 << 63;
    let wild = one(&[0x48, 0x8b, 0x06], &[DATA], state.clone());
    assert_eq!(
        wild.fault().map(|fault| fault.kind),
        Some(FaultKind::Protection)
    );
    state.gpr[4] = 1 << 63;
    let stack = one(&[0x58], &[DATA], state); // pop rax
    assert_eq!(
        stack.fault().map(|fault| fault.kind),
        Some(FaultKind::Stack)
    );
}

#[test]
fn an_endless_loop_times_out_and_the_batch_goes_on() {
    // test eax, eax; jnz -2 (itself)
    let limits = Limits {
        state: Duration::from_millis(4),
        ..Limits::default()
    };
    let runner = Runner::new(&[0x85, 0xc0, 0x75, 0xfe], &[])
        .unwrap()
        .limits(limits);
    let mut looping = zero(&[]);
    looping.gpr[0] = 1;
    let outcomes = runner.run(&[zero(&[]), looping, zero(&[])]).unwrap();
    assert!(outcomes[0].done().is_some() && outcomes[2].done().is_some());
    assert_eq!(
        outcomes[1].fault(),
        Some(Fault {
            kind: FaultKind::Timeout,
            offset: 2
        })
    );
}

#[test]
fn a_batch_has_a_time_limit() {
    let limits = Limits {
        state: Duration::from_secs(60),
        batch: Duration::from_millis(20),
    };
    let runner = Runner::new(&[0xeb, 0xfe], &[]).unwrap().limits(limits);
    assert!(matches!(
        runner.run(&[zero(&[])]),
        Err(NativeError::BatchTimeout { finished: 0 })
    ));
}

#[test]
fn ud2_int3_and_syscall_are_reported() {
    let ud2 = one(&[0x0f, 0x0b], &[], zero(&[]));
    assert_eq!(
        ud2.fault(),
        Some(Fault {
            kind: FaultKind::InvalidOpcode,
            offset: 0
        })
    );
    // jmp +1 skips what check_program saw as the first byte of `mov eax, imm32`: 0f 05 is a system call, write(2).
    let mut state = zero(&[]);
    state.gpr[7] = 1;
    let hidden = one(&[0xeb, 0x01, 0xb8, 0x0f, 0x05, 0x90, 0x90], &[], state);
    assert_eq!(
        hidden.fault().map(|fault| fault.kind),
        Some(FaultKind::Kernel)
    );
    let hidden = one(&[0xeb, 0x01, 0xb8, 0xcc, 0x90, 0x90, 0x90], &[], zero(&[]));
    assert_eq!(
        hidden.fault().map(|fault| fault.kind),
        Some(FaultKind::Breakpoint)
    );
}

#[test]
fn vectors_go_in_and_come_out() {
    let mut state = zero(&[]);
    for (index, register) in state.ymm.iter_mut().enumerate() {
        *register = std::array::from_fn(|byte| (index * 32 + byte) as u8);
    }
    // vpaddb ymm15, ymm0, ymm1
    let outcome = one(&[0xc5, 0x7d, 0xfc, 0xf9], &[], state.clone());
    let mut expected = state.clone();
    expected.ymm[15] =
        std::array::from_fn(|byte| state.ymm[0][byte].wrapping_add(state.ymm[1][byte]));
    assert_eq!(outcome, Outcome::Done(Box::new(expected)));
}

#[test]
fn the_stack_pointer_is_the_callers() {
    let stack = Region::writable(0x2100_0000, 4096);
    let mut state = zero(&[stack]);
    state.gpr[4] = stack.address + 4096;
    state.gpr[0] = 0x55;
    // push rax; push rsp
    let after = one(&[0x50, 0x54], &[stack], state);
    let after = after.done().expect("no fault");
    assert_eq!(after.gpr[4], stack.address + 4080);
    assert_eq!(after.memory[4088..], 0x55u64.to_le_bytes());
    assert_eq!(
        after.memory[4080..4088],
        (stack.address + 4088).to_le_bytes()
    );
}

#[test]
fn what_cannot_run_is_refused_by_name() {
    let refusal = |code: &[u8]| Runner::new(code, &[]).expect_err("a refusal").to_string();
    assert_eq!(
        refusal(&[0x90, 0xc3]),
        "`ret` at offset 1 would leave the program"
    );
    assert_eq!(
        refusal(&[0xff, 0xe0]),
        "`jmp rax` at offset 0 would leave the program"
    );
    assert_eq!(
        refusal(&[0x0f, 0x05]),
        "`syscall` at offset 0 would leave the program"
    );
    assert_eq!(
        refusal(&[0x74, 0x10]),
        "`je short 0000000030000012h` at offset 0 would leave the program"
    );
    assert_eq!(
        refusal(&[0x90, 0x06]),
        "program 0: the bytes at offset 1 are no instruction"
    );
    // vp2intersectd k2, zmm0, zmm1: Tiger Lake and Zen 5
    if !std::arch::is_x86_feature_detected!("avx512vp2intersect") {
        let refused = refusal(&[0x62, 0xf2, 0x7f, 0x48, 0x68, 0xd1]);
        assert!(
            refused.starts_with("this processor cannot run `vp2intersectd"),
            "{refused}"
        );
    }
}

#[test]
fn regions_that_cannot_be_are_refused() {
    let refusal = |regions: &[Region]| {
        Runner::new(&[0x90], regions)
            .expect_err("a refusal")
            .to_string()
    };
    assert_eq!(
        refusal(&[Region::writable(0x2000_0000, 0)]),
        "memory region 0: it is empty"
    );
    assert_eq!(
        refusal(&[
            Region::writable(0x2000_0000, 64),
            Region::writable(0x2000_0020, 64)
        ]),
        "memory region 1: it overlaps another region"
    );
    assert_eq!(
        refusal(&[Region::writable(CODE_BASE, 64)]),
        "memory region 0: it overlaps the code"
    );
    assert_eq!(
        refusal(&[Region::writable(64, 64)]),
        "memory region 0: it lies outside the addresses of user memory"
    );
    assert_eq!(
        refusal(&[
            Region::writable(0x2000_0000, 64),
            Region::read_only(0x2000_0040, 64)
        ]),
        "memory region 1: it shares a page with a region of other access rights"
    );
    let runner = Runner::new(&[0x90], &[DATA]).unwrap();
    assert!(matches!(
        runner.run(&[State::zero(3)]),
        Err(NativeError::BadState { state: 0 })
    ));
}
