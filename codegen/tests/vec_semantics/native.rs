//! One instruction on registers only, run on the processor.

use crate::states::State;
use iced_x86::{Code, CpuidFeature, Encoder, Instruction, MemoryOperand, Register};

/// Whether the processor has the form.
pub fn has(code: Code) -> bool {
    code.cpuid_features().iter().all(|f| match f {
        CpuidFeature::SSE | CpuidFeature::SSE2 => true,
        CpuidFeature::SSE3 => is_x86_feature_detected!("sse3"),
        CpuidFeature::SSSE3 => is_x86_feature_detected!("ssse3"),
        CpuidFeature::SSE4_1 => is_x86_feature_detected!("sse4.1"),
        CpuidFeature::SSE4_2 => is_x86_feature_detected!("sse4.2"),
        CpuidFeature::AVX => is_x86_feature_detected!("avx"),
        CpuidFeature::AVX2 => is_x86_feature_detected!("avx2"),
        CpuidFeature::FMA => is_x86_feature_detected!("fma"),
        CpuidFeature::PCLMULQDQ => is_x86_feature_detected!("pclmulqdq"),
        _ => false,
    })
}

/// What the code loads before the instruction and stores after it.
#[repr(C)]
struct Frame {
    vec: [[u64; 4]; 5],
    rax: u64,
    flags: u64,
}

/// Carry, parity, adjust, zero, sign and overflow in RFLAGS.
const FLAGS: [u32; 6] = [0, 2, 4, 6, 7, 11];

/// A page that holds one instruction at a time between code that loads and stores its registers.
pub struct Blob {
    page: *mut u8,
}

const PAGE: usize = 4096;

impl Blob {
    /// None when the processor lacks AVX2, or memory cannot be had.
    pub fn new() -> Option<Blob> {
        if !is_x86_feature_detected!("avx2") {
            return None;
        }
        // SAFETY: a new private mapping, which touches nothing that exists.
        let page = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                PAGE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        (page != libc::MAP_FAILED).then_some(Blob { page: page.cast() })
    }

    fn protect(&self, rights: libc::c_int) {
        // SAFETY: the page is this object's own.
        let r = unsafe { libc::mprotect(self.page.cast(), PAGE, rights) };
        assert_eq!(r, 0, "a page's rights can be changed");
    }

    /// Runs an instruction whose operands are among ymm0 to ymm4 and rax.
    pub fn run(&mut self, i: &Instruction, s: &State) -> State {
        let code = assemble(i);
        assert!(code.len() <= PAGE);
        self.protect(libc::PROT_READ | libc::PROT_WRITE);
        // SAFETY: the page is writable now and as long as the code at least.
        unsafe { std::ptr::copy_nonoverlapping(code.as_ptr(), self.page, code.len()) };
        self.protect(libc::PROT_READ | libc::PROT_EXEC);
        let mut frame = Frame {
            vec: s.vec,
            rax: s.gpr[0],
            flags: FLAGS
                .iter()
                .zip(s.flags)
                .fold(2, |f, (bit, v)| f | u64::from(v) << bit),
        };
        // SAFETY: the code is a function of the C calling convention that reads and writes the frame; the one
        // instruction of others' choosing touches only registers that the convention gives to the callee.
        unsafe {
            let f: extern "C" fn(*mut Frame) = std::mem::transmute(self.page);
            f(&mut frame);
        }
        let mut after = s.clone();
        after.vec = frame.vec;
        after.gpr[0] = frame.rax;
        after.flags = FLAGS.map(|bit| frame.flags >> bit & 1 == 1);
        after
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        // SAFETY: the page is this object's own, and nothing runs on it.
        unsafe { libc::munmap(self.page.cast(), PAGE) };
    }
}

fn assemble(i: &Instruction) -> Vec<u8> {
    let at = |offset: usize| MemoryOperand::with_base_displ(Register::RDI, offset as i64);
    let vec = |k: usize| (Register::YMM0 + k as u32, at(32 * k));
    let (rax, flags) = (at(160), at(168));
    let mut list = Vec::new();
    for k in 0..5 {
        let (r, m) = vec(k);
        list.push(Instruction::with2(Code::VEX_Vmovdqu_ymm_ymmm256, r, m));
    }
    list.push(Instruction::with1(Code::Push_rm64, flags));
    list.push(Ok(Instruction::with(Code::Popfq)));
    list.push(Instruction::with2(Code::Mov_r64_rm64, Register::RAX, rax));
    list.push(Ok(*i));
    list.push(Instruction::with2(Code::Mov_rm64_r64, rax, Register::RAX));
    list.push(Ok(Instruction::with(Code::Pushfq)));
    list.push(Instruction::with1(Code::Pop_rm64, flags));
    for k in 0..5 {
        let (r, m) = vec(k);
        list.push(Instruction::with2(Code::VEX_Vmovdqu_ymmm256_ymm, m, r));
    }
    list.push(Ok(Instruction::with(Code::VEX_Vzeroupper)));
    list.push(Ok(Instruction::with(Code::Retnq)));
    let mut encoder = Encoder::new(64);
    for i in list {
        let i = i.expect("operands that fit the forms");
        encoder.encode(&i, 0).expect("forms of 64-bit mode");
    }
    encoder.take_buffer()
}
