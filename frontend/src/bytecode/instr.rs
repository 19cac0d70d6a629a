//! The 64-bit instruction word.
//!
//! ```text
//!   bits  0..8    8..16   16..32   32..48   48..64
//!         op      a       b        c        d
//!                                  └────── D ─────┘   32-bit operand (signed `sD` or unsigned `D`)
//! ```
//! Words are twice as wide as the reference's. It buys constants and jump targets without extension words, compare-and-jump
//! in one dispatch, and a 16-bit inline-cache or feedback index (`d`) beside three operands.

use super::op::Op;

/// One bytecode instruction. The word is plain data: validity is the verifier's business.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(transparent)]
pub struct Instr(pub u64);

const _: () = assert!(size_of::<Instr>() == 8);

/// In a register-or-constant (`RK`) operand, values from here on name constant `x - RK_CONST`.
pub const RK_CONST: u16 = 256;
/// Largest constant index an `RK` operand can name.
pub const RK_MAX_CONST: u32 = (u16::MAX - RK_CONST) as u32;
/// The `d` of an instruction that has no inline cache (the function has more than 65,535 of them).
pub const NO_CACHE: u16 = u16::MAX;

impl Instr {
    /// Builds `op a b c d`.
    #[inline]
    pub const fn abcd(op: Op, a: u8, b: u16, c: u16, d: u16) -> Self {
        Instr(op as u64 | (a as u64) << 8 | (b as u64) << 16 | (c as u64) << 32 | (d as u64) << 48)
    }
    /// Builds `op a b D` with a 32-bit last operand.
    #[inline]
    pub const fn ab_d(op: Op, a: u8, b: u16, d: u32) -> Self {
        Instr(op as u64 | (a as u64) << 8 | (b as u64) << 16 | (d as u64) << 32)
    }
    /// Opcode byte; may not be a valid [`Op`] in an unverified chunk.
    #[inline(always)]
    pub const fn op_byte(self) -> u8 {
        self.0 as u8
    }
    /// The opcode.
    ///
    /// # Panics
    /// When the byte is not an opcode; verified code never holds one.
    #[inline(always)]
    pub fn op(self) -> Op {
        Op::from_byte(self.op_byte()).expect("verified bytecode holds only known opcodes")
    }
    /// Operand `a` (8 bits).
    #[inline(always)]
    pub const fn a(self) -> usize {
        (self.0 >> 8) as u8 as usize
    }
    /// Operand `b` (16 bits).
    #[inline(always)]
    pub const fn b(self) -> usize {
        (self.0 >> 16) as u16 as usize
    }
    /// Operand `b`, signed.
    #[inline(always)]
    pub const fn sb(self) -> i16 {
        (self.0 >> 16) as i16
    }
    /// Operand `c` (16 bits).
    #[inline(always)]
    pub const fn c(self) -> usize {
        (self.0 >> 32) as u16 as usize
    }
    /// Operand `c`, signed.
    #[inline(always)]
    pub const fn sc(self) -> i16 {
        (self.0 >> 32) as i16
    }
    /// Operand `d` (16 bits): inline cache, feedback slot or flags.
    #[inline(always)]
    pub const fn d(self) -> usize {
        (self.0 >> 48) as u16 as usize
    }
    /// The 32-bit operand `D`, unsigned.
    #[inline(always)]
    pub const fn dd(self) -> u32 {
        (self.0 >> 32) as u32
    }
    /// The 32-bit operand `D`, signed: an integer immediate, or a jump distance in instructions counted from the next one.
    #[inline(always)]
    pub const fn sd(self) -> i32 {
        (self.0 >> 32) as i32
    }
}
