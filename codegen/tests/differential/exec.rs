//! Running compiled code: an executable arena, relocation, a trampoline that sets every register, and callees that
//! destroy all that they may.

use std::arch::global_asm;
use trinity_codegen::ir::{PReg, SymbolRef};
use trinity_codegen::{CompiledFunction, RelocKind};

/// Callee with clobbers `All`.
pub const CALL_ALL: SymbolRef = SymbolRef(0);
/// Callee with clobbers `SysV`.
pub const CALL_SYSV: SymbolRef = SymbolRef(1);
/// A kilobyte of data.
pub const DATA: SymbolRef = SymbolRef(2);

/// Offset in the thread area to which the callees add their first argument.
pub const CALL_LOG: i32 = 8;

// Both callees take rdi, rsi, xmm0 and return rax = 3*rdi + rsi + 1, rdx = rdi ^ rsi, xmm0 = 2*xmm0; they add rdi to
// [r14 + CALL_LOG]; they stop if the stack is not aligned.
global_asm!(
    ".macro TRINITY_CALLEE_BODY",
    "  lea rax, [rsp + 8]",
    "  test al, 15",
    "  jz 1f",
    "  ud2",
    "1:",
    "  add [r14 + 8], rdi",
    "  mov rdx, rdi",
    "  xor rdx, rsi",
    "  lea rax, [rdi + rdi*2]",
    "  lea rax, [rax + rsi + 1]",
    "  addsd xmm0, xmm0",
    "  mov rcx, 0x1111111111111111",
    "  mov rsi, rcx",
    "  mov rdi, rcx",
    "  mov r8, rcx",
    "  mov r9, rcx",
    "  mov r10, rcx",
    "  mov r11, rcx",
    "  movq xmm1, rcx",
    "  movq xmm2, rcx",
    "  movq xmm3, rcx",
    "  movq xmm4, rcx",
    "  movq xmm5, rcx",
    "  movq xmm6, rcx",
    "  movq xmm7, rcx",
    "  movq xmm8, rcx",
    "  movq xmm9, rcx",
    "  movq xmm10, rcx",
    "  movq xmm11, rcx",
    "  movq xmm12, rcx",
    "  movq xmm13, rcx",
    "  movq xmm14, rcx",
    "  movq xmm15, rcx",
    ".endm",
    ".globl trinity_test_call_sysv",
    "trinity_test_call_sysv:",
    "  TRINITY_CALLEE_BODY",
    "  ret",
    ".globl trinity_test_call_all",
    "trinity_test_call_all:",
    "  TRINITY_CALLEE_BODY",
    "  mov rbp, rcx",
    "  mov r12, rcx",
    "  mov r13, rcx",
    "  mov r15, rcx",
    "  ret",
    // (rdi: registers, rsi: code)
    ".globl trinity_test_enter",
    "trinity_test_enter:",
    "  push rbx",
    "  push rbp",
    "  push r12",
    "  push r13",
    "  push r14",
    "  push r15",
    "  push rdi",
    "  push rsi",
    "  sub rsp, 8",
    "  mov rax, [rdi]",
    "  mov rcx, [rdi + 8]",
    "  mov rdx, [rdi + 16]",
    "  mov rbx, [rdi + 24]",
    "  mov rbp, [rdi + 40]",
    "  mov rsi, [rdi + 48]",
    "  mov r8, [rdi + 64]",
    "  mov r9, [rdi + 72]",
    "  mov r10, [rdi + 80]",
    "  mov r11, [rdi + 88]",
    "  mov r12, [rdi + 96]",
    "  mov r13, [rdi + 104]",
    "  mov r14, [rdi + 112]",
    "  mov r15, [rdi + 120]",
    "  movsd xmm0, [rdi + 128]",
    "  movsd xmm1, [rdi + 136]",
    "  movsd xmm2, [rdi + 144]",
    "  movsd xmm3, [rdi + 152]",
    "  movsd xmm4, [rdi + 160]",
    "  movsd xmm5, [rdi + 168]",
    "  movsd xmm6, [rdi + 176]",
    "  movsd xmm7, [rdi + 184]",
    "  mov rdi, [rdi + 56]",
    "  call [rsp + 8]",
    "  push rax",
    "  mov rax, [rsp + 24]",
    "  mov [rax + 8], rcx",
    "  mov [rax + 16], rdx",
    "  mov [rax + 24], rbx",
    "  mov [rax + 112], r14",
    "  movsd [rax + 128], xmm0",
    "  movsd [rax + 136], xmm1",
    "  pop rcx",
    "  mov [rax], rcx",
    "  add rsp, 24",
    "  pop r15",
    "  pop r14",
    "  pop r13",
    "  pop r12",
    "  pop rbp",
    "  pop rbx",
    "  ret",
);

unsafe extern "C" {
    fn trinity_test_enter(regs: *mut Regs, code: *const u8);
    fn trinity_test_call_all();
    fn trinity_test_call_sysv();
}

/// The machine's registers: integer, then vector, by hardware number.
#[repr(C)]
#[derive(Clone, Debug, PartialEq)]
pub struct Regs {
    pub gpr: [u64; 16],
    pub xmm: [f64; 16],
}

/// xorshift64*
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    pub fn below(&mut self, n: usize) -> usize {
        ((self.next() >> 33) as usize) % n
    }
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
    /// Integers with interesting ones among them.
    pub fn int(&mut self) -> i64 {
        match self.below(8) {
            0 => self.pick(&[0, 1, -1, 2, 8, 127, 128, -128, 255, 256, 65535]),
            1 => self.pick(&[
                i64::MIN,
                i64::MAX,
                i32::MIN as i64,
                i32::MAX as i64,
                1 << 31,
                1 << 32,
            ]),
            2 => self.pick(&[0xff, 0xffff, 0xffff_ffff]),
            3..=5 => self.next() as i64 >> (self.below(7) * 9),
            _ => self.below(64) as i64,
        }
    }
    pub fn float(&mut self) -> f64 {
        match self.below(6) {
            0 => self.pick(&[0.0, -0.0, 1.0, -1.0, 0.5, f64::INFINITY, f64::NEG_INFINITY]),
            1 => self.pick(&[f64::NAN, 1e308, -1e308, 5e-324, 9.3e18, -9.3e18, 1e19]),
            2 => self.int() as f64,
            _ => (self.next() as i64 >> 20) as f64 / 1024.0,
        }
    }
}

impl Regs {
    pub fn get(&self, r: PReg) -> u64 {
        if r.is_xmm() {
            self.xmm[r.hw() as usize].to_bits()
        } else {
            self.gpr[r.hw() as usize]
        }
    }

    pub fn random(seed: u64, arena: &Arena) -> Regs {
        let mut rng = Rng::new(seed ^ 0x5eed);
        let mut regs = Regs {
            gpr: [0; 16],
            xmm: [0.0; 16],
        };
        regs.gpr.iter_mut().for_each(|r| *r = rng.int() as u64);
        regs.xmm.iter_mut().for_each(|r| *r = rng.float());
        regs.gpr[14] = arena.thread() as u64;
        regs.gpr[3] = arena.base() as u64;
        regs
    }
}

const CODE_SIZE: usize = 1 << 20;
const AREA: usize = 4096;
const TOTAL: usize = CODE_SIZE + 3 * AREA;

/// Executable memory with code, then the areas of thread, base and the data symbol.
pub struct Arena {
    mem: *mut u8,
}

impl Arena {
    pub fn new() -> Arena {
        let prot = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let mem = unsafe { libc::mmap(std::ptr::null_mut(), TOTAL, prot, flags, -1, 0) };
        assert_ne!(mem, libc::MAP_FAILED);
        Arena { mem: mem.cast() }
    }

    pub fn thread(&self) -> *mut u8 {
        unsafe { self.mem.add(CODE_SIZE) }
    }

    pub fn base(&self) -> *mut u8 {
        unsafe { self.mem.add(CODE_SIZE + AREA) }
    }

    pub fn symbol(&self, s: SymbolRef) -> *mut u8 {
        match s {
            DATA => unsafe { self.mem.add(CODE_SIZE + 2 * AREA) },
            // Thunks at the end of the code.
            s => unsafe { self.mem.add(CODE_SIZE - 64 + 16 * s.index()) },
        }
    }

    fn areas(&mut self) -> &mut [u64] {
        unsafe { std::slice::from_raw_parts_mut(self.thread().cast(), 3 * AREA / 8) }
    }

    /// The same start for each run.
    pub fn reset(&mut self, seed: u64) {
        let mut rng = Rng::new(seed ^ 0xa4ea);
        for (n, word) in self.areas().iter_mut().enumerate() {
            *word = if n % 2 == 0 {
                rng.int() as u64
            } else {
                rng.float().to_bits()
            };
        }
        super::generate::init_memory(self.areas());
        super::structured::init_memory(self.areas());
    }

    pub fn snapshot(&mut self) -> Vec<u64> {
        self.areas().to_vec()
    }

    /// Places, relocates and runs a function.
    pub fn run(&mut self, f: &CompiledFunction, regs: &Regs) -> Regs {
        self.place(f);
        let mut regs = regs.clone();
        unsafe { trinity_test_enter(&mut regs, self.mem) };
        regs
    }

    fn place(&mut self, f: &CompiledFunction) {
        assert!(f.code.len() < CODE_SIZE - 64);
        for (s, target) in [
            (CALL_ALL, trinity_test_call_all as *const ()),
            (CALL_SYSV, trinity_test_call_sysv as *const ()),
        ] {
            let thunk = self.symbol(s);
            let target = target as u64;
            // jmp [rip + 0]
            let bytes = [0xff, 0x25, 0, 0, 0, 0];
            unsafe {
                thunk.copy_from(bytes.as_ptr(), 6);
                thunk.add(6).cast::<u64>().write_unaligned(target);
            }
        }
        unsafe { self.mem.copy_from(f.code.as_ptr(), f.code.len()) };
        for r in &f.relocs {
            let at = unsafe { self.mem.add(r.offset as usize) };
            let target = self.symbol(r.symbol) as i64 + r.addend;
            match r.kind {
                RelocKind::Pc32 | RelocKind::Plt32 => {
                    let d = i32::try_from(target - at as i64).expect("in reach");
                    unsafe { at.cast::<i32>().write_unaligned(d) };
                }
                RelocKind::Abs64 => unsafe { at.cast::<i64>().write_unaligned(target) },
            }
        }
    }
}
