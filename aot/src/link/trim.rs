//! The linker script that keeps executables small. docs/decisions/0004-executable-size.md has the figures.
//!
//! A static executable carries the C library, and much of that is variants of one function for different processors, chosen at start-up, and machinery that a
//! Lua program cannot reach. The script makes such names mean something smaller that is linked anyway; then nothing refers to the rest. Only names that the
//! archives at hand define take part: with another version of the C library executables are larger, not broken.

use std::collections::HashSet;
use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

/// Sections of the archives that are of no use. `INSERT` makes the script an addition to the linker's own.
const DISCARD: &str = "SECTIONS { /DISCARD/ : { *.a:(.comment) } } INSERT BEFORE .eh_frame;\n";

/// Unwind tables are for debuggers: nothing unwinds at run time. Those of the C runtime's own start files stay, since code refers to them.
const NO_UNWIND_TABLES: &str = "SECTIONS {
  /DISCARD/ : { *.a:(.eh_frame) *.a:(.gcc_except_table) *.a:(.gcc_except_table.*) }
} INSERT BEFORE .eh_frame;
";
/// Machinery of the C library and what the runtime library (runtime/start/src/libc.rs) has in its place.
const REPLACED: [(&str, &str); 15] = [
    ("__isoc99_sscanf", "trinity_sscanf"),
    ("__isoc23_sscanf", "trinity_sscanf"),
    ("__assert_fail", "trinity_assert_fail"),
    ("__libc_dlopen_mode", "trinity_dlopen"),
    ("__libc_dlsym", "trinity_dlsym"),
    ("__libc_dlvsym", "trinity_dlvsym"),
    ("__libc_dlclose", "trinity_dlclose"),
    ("_dl_init_paths", "trinity_nothing"),
    ("_dl_mcount_wrapper_check", "trinity_nothing"),
    // Entry points of functions bound at their first call.
    ("_dl_runtime_resolve_fxsave", "trinity_nothing"),
    ("_dl_runtime_resolve_xsave", "trinity_nothing"),
    ("_dl_runtime_resolve_xsavec", "trinity_nothing"),
    ("_dl_runtime_profile_sse", "trinity_nothing"),
    ("_dl_runtime_profile_avx", "trinity_nothing"),
    ("_dl_runtime_profile_avx512", "trinity_nothing"),
];

/// String functions that no Lua program waits for: they serve locales, the environment and format strings. All variants of one return the same.
/// Copying, filling, comparing and searching memory, and `strlen`, keep theirs.
const COLD: &str = "strcasecmp_l strcasecmp strncasecmp_l strncasecmp strcmp strncmp strcpy stpcpy strncpy stpncpy strcat strncat strchr strchrnul strrchr \
     strstr strspn strcspn strpbrk strnlen rawmemchr wcslen wcsnlen wcschr wcsrchr wcscpy wcscmp wcsncmp wmemchr wmemset wmemcmp";

/// Endings of the variants' names.
const VARIANTS: &str = "sse2_unaligned sse2_no_bsf sse4_1 sse4_2 sse42 ssse3 avx avx2 avx2_rtm avx2_unaligned avx2_unaligned_rtm evex evex_unaligned \
     evex256 evex512 avx512 avx512_unaligned";

/// The variant for every processor: the first of these.
const BASE: [&str; 4] = ["sse2", "generic", "sse2_unaligned", "c"];

/// The script for an executable, linked by this command.
pub fn script(cc: impl Fn() -> Command, runtime: &Path, dynamic: bool, debug: bool) -> String {
    let mut out = DISCARD.to_string();
    if !dynamic {
        let own = symbols(runtime);
        let library = |name: &str| {
            find(&cc, name).map_or_else(HashSet::new, |path| symbols(Path::new(&path)))
        };
        let (c, m) = (library("libc.a"), library("libm.a"));
        for (name, ours) in REPLACED {
            if c.contains(name) && own.contains(ours) {
                let _ = writeln!(out, "{name} = {ours};");
            }
        }
        for (name, base) in cold_strings(&c).into_iter().chain(math(&m)) {
            let _ = writeln!(out, "{name} = {base};");
        }
    }
    if !debug {
        out.push_str(NO_UNWIND_TABLES);
    }
    out
}

/// Variants of cold string functions, each with the one that stays.
fn cold_strings(c: &HashSet<String>) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for f in COLD.split_whitespace() {
        let Some(base) = BASE
            .iter()
            .map(|b| format!("__{f}_{b}"))
            .find(|b| c.contains(b))
        else {
            continue;
        };
        let names = VARIANTS.split_whitespace().map(|v| format!("__{f}_{v}"));
        pairs.extend(
            names
                .filter(|n| *n != base && c.contains(n))
                .map(|n| (n, base.clone())),
        );
    }
    pairs
}

/// Mathematical functions have up to four variants: plain, the same code in AVX encoding, fused multiply-add (kept: it rounds less, and programs print what it
/// computes), and AMD's short-lived FMA4. The second and the last become the plain one.
fn math(m: &HashSet<String>) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = m
        .iter()
        .filter_map(|name| {
            let stem = name
                .strip_suffix("_fma4")
                .or_else(|| name.strip_suffix("_avx"))?;
            let base = format!("{stem}_sse2");
            m.contains(&base).then(|| (name.clone(), base))
        })
        .collect();
    pairs.sort();
    pairs
}

/// Where the compiler driver finds a library.
fn find(cc: impl Fn() -> Command, name: &str) -> Option<String> {
    let out = cc()
        .arg(format!("-print-file-name={name}"))
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let path = String::from_utf8(out.stdout).ok()?;
    out.status.success().then(|| path.trim_end().to_string())
}

/// The global symbols of an archive, by its index, or of the archives that a linker script names; none if it is something else.
fn symbols(path: &Path) -> HashSet<String> {
    if let Some(found) = index(path) {
        return found;
    }
    let small = std::fs::metadata(path).is_ok_and(|m| m.len() < 4096);
    let text = if small {
        std::fs::read_to_string(path).unwrap_or_default()
    } else {
        String::new()
    };
    let archives = text.split_whitespace().filter(|w| w.ends_with(".a"));
    archives
        .filter_map(|w| index(Path::new(w)))
        .flatten()
        .collect()
}

/// Reads the index that `ar` puts first: a count, that many offsets, that many names.
fn index(path: &Path) -> Option<HashSet<String>> {
    const MAGIC: &[u8] = b"!<arch>\n";
    let mut file = File::open(path).ok()?;
    let mut head = [0; 68];
    file.read_exact(&mut head).ok()?;
    let name = head.strip_prefix(MAGIC)?.get(..16)?.trim_ascii_end();
    let word = match name {
        b"/" => 4,
        b"/SYM64/" => 8,
        _ => return None,
    };
    let size: u64 = std::str::from_utf8(head.get(56..66)?)
        .ok()?
        .trim_end()
        .parse()
        .ok()?;
    let mut bytes = Vec::new();
    file.take(size).read_to_end(&mut bytes).ok()?;
    let count = bytes
        .get(..word)?
        .iter()
        .fold(0usize, |n, &b| n << 8 | usize::from(b));
    let names = bytes.get(count.checked_add(1)?.checked_mul(word)?..)?;
    let text = names.split(|&b| b == 0).take(count);
    Some(
        text.map(|n| String::from_utf8_lossy(n).into_owned())
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &str) -> HashSet<String> {
        names.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn variants_become_the_base() {
        let c = set(
            "__strcmp_sse2 __strcmp_avx2 __strcmp_sse2_unaligned __wcsnlen_generic __wcsnlen_evex __strstr_avx512 __memchr_sse2 __memchr_avx2",
        );
        let pairs: Vec<String> = cold_strings(&c)
            .into_iter()
            .map(|(a, b)| format!("{a}={b}"))
            .collect();
        assert_eq!(
            pairs,
            [
                "__strcmp_sse2_unaligned=__strcmp_sse2",
                "__strcmp_avx2=__strcmp_sse2",
                "__wcsnlen_evex=__wcsnlen_generic"
            ]
        );
        let m = set("__sin_sse2 __sin_fma4 __sin_avx __sin_fma __log_fma4");
        assert_eq!(
            math(&m),
            ["__sin_avx", "__sin_fma4"].map(|n| (n.to_string(), "__sin_sse2".to_string()))
        );
    }

    #[test]
    fn indexes_are_read() {
        let dir = std::env::temp_dir().join(format!("trinityc-index-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("x.a");
        let body = [&2u32.to_be_bytes()[..], &[0; 8], b"one\0two\0"].concat();
        let head = format!("!<arch>\n{:<48}{:<10}`\n", "/", body.len());
        std::fs::write(&path, [head.as_bytes(), &body].concat()).unwrap();
        assert_eq!(symbols(&path), set("one two"));
        let script = dir.join("lib.a");
        std::fs::write(
            &script,
            format!("/* GNU ld script */\nGROUP ( {} )\n", path.display()),
        )
        .unwrap();
        assert_eq!(symbols(&script), set("one two"));
        for broken in [&b""[..], b"!<arch>\n", &[0xFF; 200]] {
            std::fs::write(&path, broken).unwrap();
            assert_eq!(symbols(&path), set(""));
        }
        let huge = [
            format!("!<arch>\n{:<48}{:<10}`\n", "/", 8).as_bytes(),
            &[0xFF; 8],
        ]
        .concat();
        std::fs::write(&path, huge).unwrap();
        assert_eq!(symbols(&path), set(""));
        std::fs::remove_dir_all(dir).unwrap();
    }
}
