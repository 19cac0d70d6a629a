//! Switches of instruction selection and emission.

/// What selection and emission do beyond translating instructions one by one. Each can be turned off alone, to measure what it gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SelectOptions {
    /// A load that is used once, nearby, becomes an operand of its user.
    pub loads: bool,
    /// Sums and shifts that are used for one address become parts of it.
    pub addresses: bool,
    /// Blocks of a loop follow each other in the allocator's order, ways out of it come later.
    pub loop_order: bool,
    /// Cold blocks are placed behind all others.
    pub cold_apart: bool,
    /// What a register still has is not loaded from its spill slot.
    pub reuse_spilled: bool,
}

impl Default for SelectOptions {
    fn default() -> SelectOptions {
        SelectOptions {
            loads: true,
            addresses: true,
            loop_order: true,
            cold_apart: true,
            reuse_spilled: true,
        }
    }
}
