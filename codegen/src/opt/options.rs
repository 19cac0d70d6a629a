//! Switches and counters of the optimizer.

/// Which passes run. Each can be turned off alone, to measure what it gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OptOptions {
    /// Constant folding, identities, parameters that are always the same, jumps, straight lines.
    pub simplify: bool,
    /// Removal of what nothing needs.
    pub dce: bool,
    /// Value numbering.
    pub gvn: bool,
    /// In value numbering: loads of unchanged memory, stores of what is there.
    pub memory: bool,
    /// In value numbering: what branches have decided.
    pub conditions: bool,
    /// In value numbering: the size of loop counters.
    pub ranges: bool,
    /// Masks that change nothing: by how many bits numbers have.
    pub narrow: bool,
    /// A copy of the first iteration in front of innermost loops, so that what is the same in all is found there.
    pub peel: bool,
    /// A copy of innermost loops without the bounds checks that are certain to pass, where they are.
    pub versions: bool,
    /// Several iterations of small innermost loops in one.
    pub unroll: bool,
    /// Sums in the order in which their parts become known.
    pub reassociate: bool,
    /// Rotations of loaded words that may be longer, but seldom are.
    pub words: bool,
    /// Loops over elements in vectors.
    pub vector: bool,
    /// Vectors of four numbers, which need AVX2, instead of two.
    pub four_lanes: bool,
    /// What only ways out of loops need is computed there.
    pub sink: bool,
    /// Truth values that hot code only asks are the conditions that made them.
    pub truths: bool,
    /// Results of loops that only count and add.
    pub closed: bool,
    /// Fields that each iteration of an innermost loop loads and stores are carried in registers.
    pub carry: bool,
    /// Masks of bits that nobody asks for go.
    pub demanded: bool,
    /// Cheap operations where their results are needed.
    pub defer: bool,
    /// Run the verifier after every pass; it panics if one broke the function.
    pub verify: bool,
}

impl OptOptions {
    /// Everything on.
    pub const ALL: OptOptions = OptOptions {
        simplify: true,
        dce: true,
        gvn: true,
        memory: true,
        conditions: true,
        ranges: true,
        narrow: true,
        peel: true,
        versions: true,
        unroll: true,
        reassociate: true,
        words: true,
        vector: true,
        four_lanes: false,
        sink: true,
        truths: true,
        closed: true,
        carry: true,
        demanded: true,
        defer: true,
        verify: cfg!(debug_assertions),
    };
    /// Everything off: blocks are renumbered, nothing else.
    pub const NONE: OptOptions = OptOptions {
        simplify: false,
        dce: false,
        gvn: false,
        memory: false,
        conditions: false,
        ranges: false,
        narrow: false,
        peel: false,
        versions: false,
        unroll: false,
        reassociate: false,
        words: false,
        vector: false,
        four_lanes: false,
        sink: false,
        truths: false,
        closed: false,
        carry: false,
        demanded: false,
        defer: false,
        verify: cfg!(debug_assertions),
    };
}

impl Default for OptOptions {
    fn default() -> OptOptions {
        OptOptions::ALL
    }
}

/// What the passes did to one function.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OptStats {
    /// Instructions and terminators before.
    pub insts_before: u32,
    /// And after.
    pub insts_after: u32,
    /// Instructions that became constants, operands or cheaper ones.
    pub folded: u32,
    /// Branches whose outcome is known.
    pub branches: u32,
    /// Block parameters that were always the same.
    pub params: u32,
    /// Jumps led past an empty block.
    pub threaded: u32,
    /// Blocks joined with the one before.
    pub merged: u32,
    /// Computations that were there already.
    pub values: u32,
    /// Loads, also those of conditions, whose result was there already.
    pub loads: u32,
    /// Stores of what was there already.
    pub stores: u32,
    /// Branches that value numbering decided.
    pub conditions: u32,
    /// Masks that changed nothing.
    pub masks: u32,
    /// Masks of bits that nobody asked for.
    pub undemanded: u32,
    /// Loops with a copy of their first iteration in front.
    pub peeled: u32,
    /// Loops with a version without bounds checks.
    pub versions: u32,
    /// Loops of which several iterations are one.
    pub unrolled: u32,
    /// Sums in another order.
    pub sums: u32,
    /// Loaded words whose rotations have two ways.
    pub words: u32,
    /// Floor divisions by constants written as multiplications.
    pub divisions: u32,
    /// Loops done in vectors.
    pub vectors: u32,
    /// Instructions done on ways out of loops.
    pub sunk: u32,
    /// Parameters that are choices between constants.
    pub truths: u32,
    /// Loops whose results are computed directly.
    pub closed: u32,
    /// Loads of loops that the last iteration's stores are carried to.
    pub carried: u32,
    /// Operations done where their results are needed.
    pub deferred: u32,
    /// Regions that a pass from outside improved.
    pub regions: u32,
    /// Instructions that nothing needed.
    pub dead: u32,
}
