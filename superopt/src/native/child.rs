//! After the fork: the sandbox is set up, then every state is run and its outcome written to shared memory.
//!
//! Only system calls and memory copies here: the parent may have had other threads, whose locks (the allocator's among
//! them) stay locked in this copy for ever. A failed step is reported through the header.
//!
//! A signal handler turns faults into outcomes: it writes the fault down and returns to `trinity_native_abandon`. A
//! periodic CPU-time signal stops endless loops: the second tick within one state ends it, so no state pays a system
//! call for its limit.

use std::io;
use std::mem::{offset_of, zeroed};
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicU64, Ordering};

use super::runner::{Limits, PAGE};
use super::state::{FaultKind, Region};
use super::trampoline::{
    Context, MXCSR_DEFAULT, trinity_native_abandon, trinity_native_enter, trinity_native_exit,
};

/// RFLAGS bits that are always set in user mode: the reserved bit 1 and the interrupt flag.
pub const FLAGS_FIXED: u64 = 0x202;

/// A range of addresses.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub start: u64,
    pub bytes: usize,
}

/// Whole pages to map.
#[derive(Clone, Copy, Debug)]
pub struct Mapping {
    pub start: u64,
    pub end: u64,
    pub writable: bool,
}

/// How far the child came.
#[repr(C)]
#[derive(Default)]
pub struct Header {
    /// States with an outcome.
    pub finished: AtomicU64,
    /// A [`Step`] that failed, 0 for none.
    pub failed_step: AtomicU32,
    /// Its error.
    pub errno: AtomicI32,
}

/// A state to run; its memory follows.
#[repr(C, align(64))]
pub struct Input {
    pub gpr: [u64; 16],
    pub ymm: [[u8; 32]; 16],
    pub flags: u64,
    pub entry: u64,
}

/// What became of it; its memory follows.
#[repr(C, align(64))]
pub struct Output {
    pub gpr: [u64; 16],
    pub ymm: [[u8; 32]; 16],
    pub flags: u64,
    /// 0, or 1 when the fields below tell why there is no state.
    pub faulted: u64,
    pub signal: u64,
    /// Exception vector.
    pub vector: u64,
    /// The exception's error code.
    pub error: u64,
    /// Faulting address of a page fault.
    pub address: u64,
    pub rip: u64,
}

/// Everything the child needs, made before the fork.
pub struct Plan<'a> {
    pub image: &'a [u8],
    pub code_base: u64,
    pub regions: &'a [Region],
    pub mappings: &'a [Mapping],
    pub slack: &'a [Span],
    pub limits: Limits,
    pub parent: libc::pid_t,
    pub count: usize,
    pub header: *mut Header,
    pub input: *mut u8,
    pub input_stride: usize,
    pub output: *mut u8,
    pub output_stride: usize,
}

/// Steps of the set-up that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Parent = 1,
    Limits,
    SignalStack,
    Signals,
    MapRegion,
    MapCode,
    Segment,
    Timer,
    Filter,
}

impl Step {
    const ALL: [Step; 9] = [
        Step::Parent,
        Step::Limits,
        Step::SignalStack,
        Step::Signals,
        Step::MapRegion,
        Step::MapCode,
        Step::Segment,
        Step::Timer,
        Step::Filter,
    ];

    pub fn from_code(code: u32) -> Option<Step> {
        Step::ALL.into_iter().find(|&step| step as u32 == code)
    }

    /// What could not be done, after "could not".
    pub fn text(self) -> &'static str {
        match self {
            Step::Parent => "tie its life to its parent's",
            Step::Limits => "limit its resources",
            Step::SignalStack => "set up its signal stack",
            Step::Signals => "catch signals",
            Step::MapRegion => "map a memory region and its guard pages at their addresses",
            Step::MapCode => "map the code at its address",
            Step::Segment => "set the GS segment",
            Step::Timer => "start its timers",
            Step::Filter => "shut off the kernel with seccomp",
        }
    }
}

/// The fault an [`Output`] records.
pub fn fault_kind(output: &Output) -> FaultKind {
    const PAGE_FAULT_WRITE: u64 = 2;
    match output.signal as i32 {
        libc::SIGPROF => return FaultKind::Timeout,
        libc::SIGSYS => return FaultKind::Kernel,
        _ => {}
    }
    match output.vector {
        0 => FaultKind::Divide,
        1 | 3 => FaultKind::Breakpoint,
        6 => FaultKind::InvalidOpcode,
        12 => FaultKind::Stack,
        13 => FaultKind::Protection,
        14 => FaultKind::Page {
            address: output.address,
            write: output.error & PAGE_FAULT_WRITE != 0,
        },
        16 | 19 => FaultKind::FloatingPoint,
        17 => FaultKind::Alignment,
        vector => FaultKind::Other(vector as u8),
    }
}

/// What the signal handler works on. In the child only.
struct Running {
    context: *mut Context,
    output: *mut Output,
    /// Number of the state that runs, and the one the last tick saw.
    state: u64,
    ticked: u64,
}

static RUNNING: AtomicPtr<Running> = AtomicPtr::new(ptr::null_mut());

/// Exit code of a child whose own machinery faulted.
const MACHINERY_FAULT: i32 = 97;
/// Exit code of a child that could not set itself up.
const SETUP_FAILED: i32 = 98;
const SIGNAL_STACK: usize = 64 << 10;
/// Stack the loop and the kernel's accounting may still need after address space is frozen.
const STACK_RESERVE: usize = 64 << 10;

/// Runs all states and exits.
///
/// # Safety
/// Only in a freshly forked child; the plan's pointers must be to memory shared with the parent, with `count` slots of
/// the given strides.
pub unsafe fn run(plan: &Plan) -> ! {
    // SAFETY: as this function's contract says; zero is a valid value of every field of `Context`.
    unsafe {
        let mut context: Context = zeroed();
        context.exit = trinity_native_exit as *const () as u64;
        context.mxcsr = u64::from(MXCSR_DEFAULT);
        let mut running = Running {
            context: &mut context,
            output: ptr::null_mut(),
            state: 0,
            ticked: u64::MAX,
        };
        RUNNING.store(&mut running, Ordering::Release);
        if let Err(step) = set_up(plan, &mut context) {
            (*plan.header).errno.store(
                io::Error::last_os_error().raw_os_error().unwrap_or(0),
                Ordering::Release,
            );
            (*plan.header)
                .failed_step
                .store(step as u32, Ordering::Release);
            libc::_exit(SETUP_FAILED);
        }
        let running = ptr::addr_of_mut!(running);
        let context = ptr::addr_of_mut!(context);
        for index in 0..plan.count {
            let input = plan.input.add(index * plan.input_stride);
            let output = plan.output.add(index * plan.output_stride);
            for span in plan.slack {
                if writable_at(plan, span.start) {
                    ptr::write_bytes(span.start as *mut u8, 0, span.bytes);
                }
            }
            copy_memory(plan, |region, offset| {
                let from = input.add(size_of::<Input>() + offset);
                if region.writable {
                    ptr::copy_nonoverlapping(from, region.address as *mut u8, region.bytes);
                } else {
                    set_read_only(region, from);
                }
            });
            let input = &*input.cast::<Input>();
            (*context).gpr_in = input.gpr;
            (*context).ymm_in = input.ymm;
            (*context).flags_in = input.flags;
            (*context).entry = input.entry;
            ptr::write_volatile(ptr::addr_of_mut!((*running).output), output.cast());
            ptr::write_volatile(ptr::addr_of_mut!((*running).state), index as u64);
            trinity_native_enter();
            let result = &mut *output.cast::<Output>();
            if result.faulted == 0 {
                result.gpr = (*context).gpr_out;
                result.ymm = (*context).ymm_out;
                result.flags = (*context).flags_out;
                copy_memory(plan, |region, offset| {
                    let to = output.add(size_of::<Output>() + offset);
                    ptr::copy_nonoverlapping(region.address as *const u8, to, region.bytes);
                });
            }
            (*plan.header)
                .finished
                .store(index as u64 + 1, Ordering::Release);
        }
        libc::_exit(0);
    }
}

fn writable_at(plan: &Plan, address: u64) -> bool {
    plan.mappings
        .iter()
        .any(|mapping| mapping.writable && mapping.start <= address && address < mapping.end)
}

fn copy_memory(plan: &Plan, mut copy: impl FnMut(&Region, usize)) {
    let mut offset = 0;
    for region in plan.regions {
        copy(region, offset);
        offset += region.bytes;
    }
}

/// Fills a read-only region: its pages are also mapped writable, [`ALIAS_DISTANCE`] away.
unsafe fn set_read_only(region: &Region, from: *const u8) {
    let alias = (region.address + ALIAS_DISTANCE) as *mut u8;
    // SAFETY: `map_region` mapped the same memory there; the caller gives `region.bytes` readable bytes.
    unsafe { ptr::copy_nonoverlapping(from, alias, region.bytes) };
}

/// Where the writable view of a read-only region lies, relative to it.
const ALIAS_DISTANCE: u64 = 0x100_0000_0000;

fn check(result: libc::c_int, step: Step) -> Result<(), Step> {
    if result == -1 { Err(step) } else { Ok(()) }
}

unsafe fn set_up(plan: &Plan, context: *mut Context) -> Result<(), Step> {
    // SAFETY: system calls with valid arguments, in a process that nothing else runs in.
    unsafe {
        check(
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL),
            Step::Parent,
        )?;
        if libc::getppid() != plan.parent {
            libc::_exit(SETUP_FAILED);
        }
        let stack = map(
            None,
            SIGNAL_STACK as u64,
            libc::PROT_READ | libc::PROT_WRITE,
            Step::SignalStack,
        )?;
        let stack = libc::stack_t {
            ss_sp: stack.cast(),
            ss_flags: 0,
            ss_size: SIGNAL_STACK,
        };
        check(
            libc::sigaltstack(&stack, ptr::null_mut()),
            Step::SignalStack,
        )?;
        catch_signals()?;
        for (index, mapping) in plan.mappings.iter().enumerate() {
            let touches_before = index > 0 && plan.mappings[index - 1].end >= mapping.start - PAGE;
            if !touches_before {
                map(
                    Some(mapping.start - PAGE),
                    PAGE,
                    libc::PROT_NONE,
                    Step::MapRegion,
                )?;
            }
            map_region(mapping)?;
            let touches_after = plan
                .mappings
                .get(index + 1)
                .is_some_and(|next| next.start < mapping.end + PAGE);
            if !touches_after {
                map(Some(mapping.end), PAGE, libc::PROT_NONE, Step::MapRegion)?;
            }
        }
        let code_bytes = (plan.image.len() as u64).next_multiple_of(PAGE).max(PAGE);
        map(
            Some(plan.code_base - PAGE),
            PAGE,
            libc::PROT_NONE,
            Step::MapCode,
        )?;
        let code = map(
            Some(plan.code_base),
            code_bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            Step::MapCode,
        )?;
        ptr::write_bytes(code, 0xcc, code_bytes as usize);
        ptr::copy_nonoverlapping(plan.image.as_ptr(), code, plan.image.len());
        check(
            libc::mprotect(
                code.cast(),
                code_bytes as usize,
                libc::PROT_READ | libc::PROT_EXEC,
            ),
            Step::MapCode,
        )?;
        map(
            Some(plan.code_base + code_bytes),
            PAGE,
            libc::PROT_NONE,
            Step::MapCode,
        )?;
        const ARCH_SET_GS: libc::c_long = 0x1001;
        if libc::syscall(libc::SYS_arch_prctl, ARCH_SET_GS, context) == -1 {
            return Err(Step::Segment);
        }
        let batch = plan.limits.batch.as_secs() as libc::rlim_t + 1;
        for (resource, limit) in [(libc::RLIMIT_CORE, 0), (libc::RLIMIT_CPU, batch)] {
            let limit = libc::rlimit {
                rlim_cur: limit,
                rlim_max: limit,
            };
            check(libc::setrlimit(resource, &limit), Step::Limits)?;
        }
        start_timer(libc::ITIMER_REAL, plan.limits.batch, false)?;
        start_timer(libc::ITIMER_PROF, plan.limits.state, true)?;
        reserve_stack();
        let none = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        check(libc::setrlimit(libc::RLIMIT_AS, &none), Step::Limits)?;
        shut_off_kernel()
    }
}

/// Touches the stack below, so that it need not grow later.
#[inline(never)]
fn reserve_stack() {
    let mut reserve = [0u8; STACK_RESERVE];
    for byte in reserve.iter_mut().step_by(PAGE as usize) {
        // SAFETY: a byte of a local array.
        unsafe { ptr::write_volatile(byte, 1) };
    }
}

/// Maps zeroed private pages at `address` (anywhere for `None`), where nothing may be mapped yet.
unsafe fn map(address: Option<u64>, bytes: u64, rights: i32, step: Step) -> Result<*mut u8, Step> {
    let fixed = if address.is_some() {
        libc::MAP_FIXED_NOREPLACE
    } else {
        0
    };
    let wanted = address.unwrap_or(0) as *mut libc::c_void;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | fixed;
    // SAFETY: with MAP_FIXED_NOREPLACE or no address, an existing mapping is never replaced.
    let got = unsafe { libc::mmap(wanted, bytes as usize, rights, flags, -1, 0) };
    if got == libc::MAP_FAILED || (address.is_some() && got != wanted) {
        Err(step)
    } else {
        Ok(got.cast())
    }
}

/// Maps a region's pages; a read-only one twice, so that it can be filled.
unsafe fn map_region(mapping: &Mapping) -> Result<(), Step> {
    let bytes = mapping.end - mapping.start;
    let both = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: fresh mappings only; the shared memory's descriptor is ours to close.
    unsafe {
        if mapping.writable {
            map(Some(mapping.start), bytes, both, Step::MapRegion)?;
            return Ok(());
        }
        let file = libc::memfd_create(c"region".as_ptr(), libc::MFD_CLOEXEC);
        check(file, Step::MapRegion)?;
        check(libc::ftruncate(file, bytes as libc::off_t), Step::MapRegion)?;
        for (address, rights) in [
            (mapping.start, libc::PROT_READ),
            (mapping.start + ALIAS_DISTANCE, both),
        ] {
            let wanted = address as *mut libc::c_void;
            let flags = libc::MAP_SHARED | libc::MAP_FIXED_NOREPLACE;
            if libc::mmap(wanted, bytes as usize, rights, flags, file, 0) != wanted {
                return Err(Step::MapRegion);
            }
        }
        libc::close(file);
    }
    Ok(())
}

unsafe fn start_timer(which: i32, after: std::time::Duration, repeat: bool) -> Result<(), Step> {
    let micros = after.as_micros().clamp(1, i64::MAX as u128) as i64;
    let time = libc::timeval {
        tv_sec: micros / 1_000_000,
        tv_usec: micros % 1_000_000,
    };
    let never = libc::timeval {
        tv_sec: 0,
        tv_usec: 0,
    };
    let timer = libc::itimerval {
        it_interval: if repeat { time } else { never },
        it_value: time,
    };
    // SAFETY: `timer` outlives the call. (The C library's own wrapper has no binding on this target.)
    let result = unsafe {
        libc::syscall(
            libc::SYS_setitimer,
            which,
            &timer,
            ptr::null_mut::<libc::itimerval>(),
        )
    };
    if result == -1 {
        Err(Step::Timer)
    } else {
        Ok(())
    }
}

unsafe fn catch_signals() -> Result<(), Step> {
    // SAFETY: the handler follows the rules of signal handlers; the structures are valid when zeroed.
    unsafe {
        let mut action: libc::sigaction = zeroed();
        action.sa_sigaction = on_signal as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigfillset(&mut action.sa_mask);
        let caught = [
            libc::SIGSEGV,
            libc::SIGBUS,
            libc::SIGILL,
            libc::SIGFPE,
            libc::SIGTRAP,
            libc::SIGSYS,
            libc::SIGPROF,
        ];
        for signal in caught {
            check(
                libc::sigaction(signal, &action, ptr::null_mut()),
                Step::Signals,
            )?;
        }
        action.sa_sigaction = libc::SIG_DFL;
        for signal in [libc::SIGALRM, libc::SIGXCPU] {
            check(
                libc::sigaction(signal, &action, ptr::null_mut()),
                Step::Signals,
            )?;
        }
        let mut none: libc::sigset_t = zeroed();
        libc::sigemptyset(&mut none);
        check(
            libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut()),
            Step::Signals,
        )
    }
}

/// Writes the fault down and sends the state to `trinity_native_abandon`.
extern "C" fn on_signal(signal: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    const DIRECTION_TRAP_ALIGNMENT: i64 = 0x400 | 0x100 | 0x4_0000;
    // SAFETY: the kernel passes a valid context; `RUNNING` was set before signals were caught, and everything it points
    // to lives as long as the child.
    unsafe {
        let running = RUNNING.load(Ordering::Acquire);
        let active = ptr::read_volatile(ptr::addr_of!((*(*running).context).active)) != 0;
        let state = ptr::read_volatile(ptr::addr_of!((*running).state));
        if signal == libc::SIGPROF {
            if !active || (*running).ticked != state {
                (*running).ticked = if active { state } else { u64::MAX };
                return;
            }
        } else if !active {
            libc::_exit(MACHINERY_FAULT);
        }
        let registers = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs;
        let output = ptr::read_volatile(ptr::addr_of!((*running).output));
        (*output).signal = signal as u64;
        (*output).vector = registers[libc::REG_TRAPNO as usize] as u64;
        (*output).error = registers[libc::REG_ERR as usize] as u64;
        (*output).address = registers[libc::REG_CR2 as usize] as u64;
        (*output).rip = registers[libc::REG_RIP as usize] as u64;
        (*output).faulted = 1;
        registers[libc::REG_RIP as usize] = trinity_native_abandon as *const () as i64;
        registers[libc::REG_EFL as usize] &= !DIRECTION_TRAP_ALIGNMENT;
    }
}

/// Leaves the child `rt_sigreturn`, `exit` and `exit_group`; anything else raises SIGSYS.
unsafe fn shut_off_kernel() -> Result<(), Step> {
    const AUDIT_ARCH_X86_64: u32 = 0xc000_003e;
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let load = |field: usize| libc::sock_filter {
        code: LOAD,
        jt: 0,
        jf: 0,
        k: field as u32,
    };
    let equal = |value: u32, jt: u8, jf: u8| libc::sock_filter {
        code: EQUAL,
        jt,
        jf,
        k: value,
    };
    let answer = |value: u32| libc::sock_filter {
        code: RETURN,
        jt: 0,
        jf: 0,
        k: value,
    };
    let mut program = [
        load(offset_of!(libc::seccomp_data, arch)),
        equal(AUDIT_ARCH_X86_64, 0, 5),
        load(offset_of!(libc::seccomp_data, nr)),
        equal(libc::SYS_rt_sigreturn as u32, 2, 0),
        equal(libc::SYS_exit_group as u32, 1, 0),
        equal(libc::SYS_exit as u32, 0, 1),
        answer(libc::SECCOMP_RET_ALLOW),
        answer(libc::SECCOMP_RET_TRAP),
    ];
    let filter = libc::sock_fprog {
        len: program.len() as u16,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: `filter` and its program outlive the calls.
    unsafe {
        check(
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
            Step::Filter,
        )?;
        check(
            libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &filter),
            Step::Filter,
        )
    }
}
