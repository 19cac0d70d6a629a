//! Into the code under test and out of it again, with every register set on the way in and saved on the way out.
//!
//! On the way out no register is free and the stack pointer may be anything, so the context is reached through the GS
//! segment, which user code on Linux leaves alone. `trinity_native_enter` saves the host's callee-saved registers on
//! the host stack, loads the state and jumps to [`Context::entry`]; each program ends in [`EXIT_JUMP`], which jumps
//! through the context to `trinity_native_exit`; a signal handler that gives a state up resumes at
//! `trinity_native_abandon`, which needs nothing but GS.

use std::arch::global_asm;
use std::mem::offset_of;

/// MXCSR at reset: round to nearest, every exception masked, no flush to zero, no denormals as zero.
pub const MXCSR_DEFAULT: u32 = 0x1f80;

/// What the trampoline shares with the child's loop; GS points at it.
#[repr(C, align(64))]
pub struct Context {
    /// State before.
    pub gpr_in: [u64; 16],
    pub ymm_in: [[u8; 32]; 16],
    pub flags_in: u64,
    /// Address of the program.
    pub entry: u64,
    /// Address of `trinity_native_exit`.
    pub exit: u64,
    /// The host's stack pointer while the code runs.
    pub host_rsp: u64,
    /// 1 from just before the state is loaded until it has been saved or abandoned.
    pub active: u64,
    pub mxcsr: u64,
    /// State after.
    pub gpr_out: [u64; 16],
    pub ymm_out: [[u8; 32]; 16],
    pub flags_out: u64,
}

/// `jmp qword ptr gs:[exit]`, appended to every program: changes neither registers nor flags.
pub const EXIT_JUMP: [u8; 8] = {
    let [a, b, c, d] = (offset_of!(Context, exit) as u32).to_le_bytes();
    [0x65, 0xff, 0x24, 0x25, a, b, c, d]
};

unsafe extern "C" {
    /// Runs one state. GS must point at a [`Context`] whose input half, `entry`, `exit` and `mxcsr` are set.
    pub fn trinity_native_enter();
    /// Where programs end.
    pub fn trinity_native_exit();
    /// Where a signal handler sends a state that is given up.
    pub fn trinity_native_abandon();
}

global_asm!(
    ".balign 64",
    ".globl trinity_native_enter",
    ".type trinity_native_enter, @function",
    "trinity_native_enter:",
    "push rbx",
    "push rbp",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "mov gs:[{host_rsp}], rsp",
    "mov qword ptr gs:[{active}], 1",
    "ldmxcsr gs:[{mxcsr}]",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
    "vmovdqu ymm\\n, gs:[{ymm_in} + 32 * \\n]",
    ".endr",
    "push qword ptr gs:[{flags_in}]",
    "popfq",
    "mov rax, gs:[{gpr_in} + 0]",
    "mov rcx, gs:[{gpr_in} + 8]",
    "mov rdx, gs:[{gpr_in} + 16]",
    "mov rbx, gs:[{gpr_in} + 24]",
    "mov rsp, gs:[{gpr_in} + 32]",
    "mov rbp, gs:[{gpr_in} + 40]",
    "mov rsi, gs:[{gpr_in} + 48]",
    "mov rdi, gs:[{gpr_in} + 56]",
    ".irp n, 8,9,10,11,12,13,14,15",
    "mov r\\n, gs:[{gpr_in} + 8 * \\n]",
    ".endr",
    "jmp gs:[{entry}]",
    ".globl trinity_native_exit",
    "trinity_native_exit:",
    "mov gs:[{gpr_out} + 0], rax",
    "mov gs:[{gpr_out} + 8], rcx",
    "mov gs:[{gpr_out} + 16], rdx",
    "mov gs:[{gpr_out} + 24], rbx",
    "mov gs:[{gpr_out} + 32], rsp",
    "mov gs:[{gpr_out} + 40], rbp",
    "mov gs:[{gpr_out} + 48], rsi",
    "mov gs:[{gpr_out} + 56], rdi",
    ".irp n, 8,9,10,11,12,13,14,15",
    "mov gs:[{gpr_out} + 8 * \\n], r\\n",
    ".endr",
    "mov rsp, gs:[{host_rsp}]",
    "pushfq",
    "pop qword ptr gs:[{flags_out}]",
    ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
    "vmovdqu gs:[{ymm_out} + 32 * \\n], ymm\\n",
    ".endr",
    ".globl trinity_native_abandon",
    "trinity_native_abandon:",
    "mov qword ptr gs:[{active}], 0",
    "mov rsp, gs:[{host_rsp}]",
    "ldmxcsr gs:[{mxcsr}]",
    "vzeroupper",
    "cld",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbp",
    "pop rbx",
    "ret",
    ".size trinity_native_enter, . - trinity_native_enter",
    gpr_in = const offset_of!(Context, gpr_in),
    ymm_in = const offset_of!(Context, ymm_in),
    flags_in = const offset_of!(Context, flags_in),
    entry = const offset_of!(Context, entry),
    host_rsp = const offset_of!(Context, host_rsp),
    active = const offset_of!(Context, active),
    mxcsr = const offset_of!(Context, mxcsr),
    gpr_out = const offset_of!(Context, gpr_out),
    ymm_out = const offset_of!(Context, ymm_out),
    flags_out = const offset_of!(Context, flags_out),
);
