//! Features of processors that an executable may need: what `trinityc -march` was told to use, and the start-up code checks.

/// What the executable needs beyond x86-64: the symbol `trinity_march`.
#[repr(C)]
pub struct MarchDesc {
    /// [`MARCH_CHECK`] with this table; null: nothing is needed, and the runtime is linked without that code.
    pub check: Option<unsafe extern "C" fn(desc: &MarchDesc)>,
    /// Bits by the order of the table of features ([`needed`]).
    pub features: u64,
    /// What `-march` names it.
    pub name: *const u8,
    pub name_len: u64,
}

/// Symbol of the runtime's function that [`MarchDesc::check`] points to.
pub const MARCH_CHECK: &str = "trinity_march_check";

/// Exit code of an executable that needs more than the processor has; shells use it for what is found but cannot be executed.
pub const EXIT: i32 = 126;

/// Calls a macro with the table: name as the processor's makers and `std` have it, and the level of x86-64 that brings it (the psABI's "micro-architecture
/// levels"). The order is part of the format.
#[macro_export]
macro_rules! cpu_features {
    ($with:ident) => {
        $with! {
            "cmpxchg16b" 2
            "popcnt" 2
            "sse3" 2
            "sse4.1" 2
            "sse4.2" 2
            "ssse3" 2
            "avx" 3
            "avx2" 3
            "bmi1" 3
            "bmi2" 3
            "f16c" 3
            "fma" 3
            "lzcnt" 3
            "movbe" 3
            "avx512f" 4
            "avx512bw" 4
            "avx512cd" 4
            "avx512dq" 4
            "avx512vl" 4
        }
    };
}

macro_rules! table {
    ($($name:tt $level:tt)*) => {
        /// Names and levels.
        pub const FEATURES: &[(&str, u8)] = &[$(($name, $level)),*];
    };
}
cpu_features!(table);

/// Bits of the features that a level (1 to 4) has.
pub fn needed(level: u8) -> u64 {
    let bits = (0..).zip(FEATURES).filter(|(_, f)| f.1 <= level);
    bits.fold(0, |s, (n, _)| s | 1 << n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_include_each_other() {
        assert_eq!(needed(1), 0);
        assert_eq!(needed(4), (1 << FEATURES.len()) - 1);
        for l in 1..4 {
            assert_eq!(needed(l) & needed(l + 1), needed(l));
            assert_ne!(needed(l), needed(l + 1));
        }
    }
}
