//! Switches of instruction selection and emission.

use crate::isa::March;
use crate::isa::forms::Level;

/// What selection and emission do beyond translating instructions one by one. Each can be turned off alone, to measure what it gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SelectOptions {
    /// A load that is used once, nearby, becomes an operand of its user.
    pub loads: bool,
    /// Sums and shifts that are used for one address become parts of it.
    pub addresses: bool,
    /// Blocks of a loop follow each other in the allocator's order, ways out of it come later.
    pub loop_order: bool,
    /// The moves of ways out of a loop are placed behind the loop.
    pub exits_apart: bool,
    /// Cold blocks are placed behind all others.
    pub cold_apart: bool,
    /// What a register still has is not loaded from its spill slot.
    pub reuse_spilled: bool,
    /// Spill slots are loaded where all ways want them.
    pub delay_loads: bool,
    /// Uses in hot blocks of innermost loops count for more when registers are given away.
    pub weights: bool,
    /// What the processor has. Nothing beyond it is selected.
    pub march: March,
    /// BMI1 and BMI2, where it has them: shifts by any register, rotations, `andn` and single bits with a result of their own.
    pub bmi: bool,
    /// AVX, where it has it: scalar arithmetic with a result of its own.
    pub avx: bool,
    /// `movbe`, where it has it: loads that reverse the bytes.
    pub movbe: bool,
}

impl SelectOptions {
    /// BMI1 and BMI2 may be used.
    pub(super) fn bmi(&self) -> bool {
        self.bmi && self.march.level() >= Level::V3
    }
    /// AVX may be used.
    pub(super) fn avx(&self) -> bool {
        self.avx && self.march.level() >= Level::V3
    }
    /// `movbe` may be used.
    pub(super) fn movbe(&self) -> bool {
        self.movbe && self.march.level() >= Level::V3
    }
}

impl Default for SelectOptions {
    fn default() -> SelectOptions {
        SelectOptions {
            loads: true,
            addresses: true,
            loop_order: true,
            exits_apart: true,
            cold_apart: true,
            reuse_spilled: true,
            delay_loads: true,
            weights: true,
            march: March::V1,
            bmi: true,
            avx: true,
            movbe: true,
        }
    }
}
