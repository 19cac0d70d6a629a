//! Processors as `-march` names them: a level of x86-64, and the extensions beyond it.
//!
//! [`TABLE`] is the one place that says which processor has what. A test compares it with the compiler's.

use super::forms::{Level, extra_features, level_of_rest};
use iced_x86::{Code, CpuidFeature};
use std::cmp::Ordering;
use std::fmt;

/// A set of the extensions that are in no level.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct Extensions(u16);

macro_rules! extensions {
    ($($feature:ident $name:literal $detected:tt)*) => {
        /// Every extension that a processor can have beside its level: the feature, and its name as compilers' `-m`
        /// has it.
        pub const EXTENSIONS: &[(CpuidFeature, &str)] = &[$((CpuidFeature::$feature, $name)),*];

        /// Those that the processor has that this runs on.
        fn detected() -> Extensions {
            let has = [$(is_x86_feature_detected!($detected)),*];
            Extensions((0..has.len()).filter(|n| has[*n]).fold(0, |s, n| s | 1 << n))
        }
    };
}

extensions! {
    ADX "adx" "adx"
    PCLMULQDQ "pclmul" "pclmulqdq"
    AES "aes" "aes"
    SHA "sha" "sha"
    GFNI "gfni" "gfni"
    VAES "vaes" "vaes"
    VPCLMULQDQ "vpclmulqdq" "vpclmulqdq"
    RDRAND "rdrnd" "rdrand"
    RDSEED "rdseed" "rdseed"
    SSE4A "sse4a" "sse4a"
}

/// Which processor has what, by the names of gcc and clang: name, level, extensions beyond it.
pub const TABLE: &[(&str, Level, &str)] = &[
    ("haswell", Level::V3, "pclmul rdrnd"),
    ("broadwell", Level::V3, "adx pclmul rdrnd rdseed"),
    ("skylake", Level::V3, "adx pclmul aes rdrnd rdseed"),
    ("skylake-avx512", Level::V4, "adx pclmul aes rdrnd rdseed"),
    ("cascadelake", Level::V4, "adx pclmul aes rdrnd rdseed"),
    (
        "icelake-client",
        Level::V4,
        "adx pclmul aes sha gfni vaes vpclmulqdq rdrnd rdseed",
    ),
    (
        "icelake-server",
        Level::V4,
        "adx pclmul aes sha gfni vaes vpclmulqdq rdrnd rdseed",
    ),
    ("znver1", Level::V3, "adx pclmul aes sha rdrnd rdseed sse4a"),
    ("znver2", Level::V3, "adx pclmul aes sha rdrnd rdseed sse4a"),
    (
        "znver3",
        Level::V3,
        "adx pclmul aes sha vaes vpclmulqdq rdrnd rdseed sse4a",
    ),
    (
        "znver4",
        Level::V4,
        "adx pclmul aes sha gfni vaes vpclmulqdq rdrnd rdseed sse4a",
    ),
];

impl Extensions {
    fn named(words: &str) -> Option<Extensions> {
        words.split_whitespace().try_fold(Extensions(0), |s, w| {
            let n = EXTENSIONS.iter().position(|e| e.1 == w)?;
            Some(Extensions(s.0 | 1 << n))
        })
    }
    fn of(f: CpuidFeature) -> Option<Extensions> {
        let n = EXTENSIONS.iter().position(|e| e.0 == f)?;
        Some(Extensions(1 << n))
    }
    const fn within(self, other: Extensions) -> bool {
        self.0 & !other.0 == 0
    }
}

/// What a program may use: a level of x86-64 and extensions. Ordered by inclusion, so that two can be incomparable.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct March {
    level: Level,
    /// Beyond the level.
    more: Extensions,
}

impl March {
    /// `x86-64`.
    pub const V1: March = March::plain(Level::V1);
    /// `x86-64-v2`.
    pub const V2: March = March::plain(Level::V2);
    /// `x86-64-v3`.
    pub const V3: March = March::plain(Level::V3);
    /// `x86-64-v4`.
    pub const V4: March = March::plain(Level::V4);

    /// A level without extensions.
    pub const fn plain(level: Level) -> March {
        March {
            level,
            more: Extensions(0),
        }
    }

    /// What a name stands for: a level, a processor as gcc and clang name it, or `native`, which is what this processor
    /// has; with extensions behind it, each after a plus sign: `x86-64-v3+adx`.
    pub fn parse(name: &str) -> Option<March> {
        let mut words = name.split('+');
        let base = words.next()?;
        let mut march = match base {
            "native" => March {
                level: Level::native(),
                more: detected(),
            },
            // As others name it too.
            "x86-64-v1" => March::V1,
            _ => match Level::ALL.into_iter().find(|l| l.name() == base) {
                Some(level) => March::plain(level),
                None => {
                    let (_, level, more) = TABLE.iter().find(|p| p.0 == base)?;
                    March {
                        level: *level,
                        more: Extensions::named(more)?,
                    }
                }
            },
        };
        for w in words {
            march.more.0 |= Extensions::named(w).filter(|e| e.0 != 0)?.0;
        }
        Some(march)
    }

    /// Every name that [`March::parse`] takes, without extensions.
    pub fn names() -> Vec<&'static str> {
        let levels = Level::ALL.into_iter().map(Level::name);
        let processors = TABLE.iter().map(|p| p.0);
        levels.chain(processors).chain(["native"]).collect()
    }

    /// The names of the processors in [`TABLE`] that have a form.
    pub fn processors_with(code: Code) -> Vec<&'static str> {
        let names = TABLE.iter().map(|p| p.0);
        names
            .filter(|n| March::parse(n).is_some_and(|m| m.has(code)))
            .collect()
    }

    /// Its name; [`March::parse`] reads it.
    pub fn name(self) -> String {
        let extensions = EXTENSIONS.iter().enumerate();
        let more = extensions.filter(|(n, _)| self.more.0 >> n & 1 == 1);
        more.fold(self.level.name().to_owned(), |s, (_, e)| s + "+" + e.1)
    }

    /// The least that has a form; nothing when no level and no known extension has it.
    pub fn of(code: Code) -> Option<March> {
        let mut more = Extensions(0);
        for f in extra_features(code) {
            more.0 |= Extensions::of(f)?.0;
        }
        Some(March {
            level: level_of_rest(code),
            more,
        })
    }

    /// Whether it has a form.
    pub fn has(self, code: Code) -> bool {
        March::of(code).is_some_and(|m| m <= self)
    }

    /// Its level, without the extensions.
    pub const fn level(self) -> Level {
        self.level
    }

    /// Whether it has all that another one has.
    pub fn includes(self, other: March) -> bool {
        other <= self
    }

    /// The least that has what either has.
    #[must_use]
    pub fn or(self, other: March) -> March {
        March {
            level: self.level.max(other.level),
            more: Extensions(self.more.0 | other.more.0),
        }
    }
}

impl Default for March {
    /// What every x86-64 has.
    fn default() -> March {
        March::V1
    }
}

impl PartialOrd for March {
    fn partial_cmp(&self, other: &March) -> Option<Ordering> {
        let within = |a: &March, b: &March| a.level <= b.level && a.more.within(b.more);
        match (within(self, other), within(other, self)) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Less),
            (false, true) => Some(Ordering::Greater),
            (false, false) => None,
        }
    }
}

impl fmt::Display for March {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::process::Command;

    #[test]
    fn names_are_read_back_and_ordered_by_inclusion() {
        for name in March::names() {
            let m = March::parse(name).unwrap();
            assert_eq!(March::parse(&m.name()), Some(m), "{name}");
            assert!(m >= March::V1, "{name}");
        }
        let at = |name| March::parse(name).unwrap();
        assert!(at("znver4").has(Code::Adcx_r64_rm64) && !at("haswell").has(Code::Adcx_r64_rm64));
        assert!(!March::V4.has(Code::Adcx_r64_rm64));
        assert_eq!(at("x86-64+adx").name(), "x86-64+adx");
        assert_eq!(March::of(Code::Adcx_r64_rm64).unwrap(), at("x86-64+adx"));
        let carryless = March::of(Code::VEX_Vpclmulqdq_xmm_xmm_xmmm128_imm8).unwrap();
        assert_eq!(carryless.name(), "x86-64-v3+pclmul");
        assert_eq!(March::V3.partial_cmp(&at("x86-64-v2+adx")), None);
        assert_eq!(March::V3.or(at("x86-64-v2+adx")), at("x86-64-v3+adx"));
        assert!(at("znver3") < at("znver4") && at("znver2") == at("znver1"));
        for bad in ["", "i386", "znver4+", "znver4+x87", "+adx"] {
            assert_eq!(March::parse(bad), None, "{bad:?}");
        }
        let with = March::processors_with(Code::Adcx_r64_rm64);
        assert!(with.contains(&"broadwell") && !with.contains(&"haswell"));
    }

    /// gcc has the same extensions for each processor that it knows.
    #[test]
    fn table_agrees_with_the_compiler() {
        let mut compared = 0;
        for (name, level, more) in TABLE {
            let out = Command::new("gcc")
                .args([&format!("-march={name}"), "-Q", "--help=target"])
                .output()
                .expect("gcc runs");
            if !out.status.success() {
                // Older than the processor.
                continue;
            }
            let text = String::from_utf8_lossy(&out.stdout);
            let enabled: BTreeSet<&str> = text
                .lines()
                .filter_map(|l| l.trim().strip_suffix("[enabled]"))
                .filter_map(|l| l.trim().strip_prefix("-m"))
                .collect();
            let ours: BTreeSet<&str> = more.split_whitespace().collect();
            for e in EXTENSIONS {
                assert_eq!(ours.contains(e.1), enabled.contains(e.1), "{name}: {}", e.1);
            }
            assert_eq!(*level == Level::V4, enabled.contains("avx512vl"), "{name}");
            assert!(
                enabled.contains("avx2") && enabled.contains("bmi2"),
                "{name}"
            );
            compared += 1;
        }
        assert!(compared >= 8, "gcc knows only {compared} of them");
    }
}
