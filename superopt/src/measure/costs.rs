//! Files of measured costs: written by calibration, read by whatever compares code.
//!
//! ```toml
//! format = 1
//! cpu = "AMD EPYC 9R14"
//! base = "zen4"
//!
//! # latency (cycles), reciprocal throughput (hundredths of a cycle), micro-ops
//! [rows]
//! "add r32" = [1, 25, 1]
//! ```

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use trinity_codegen::isa::cost::{Key, RowCost, Table, Uarch, UnknownUarch};

/// The version written, and the only one read.
const FORMAT: u32 = 1;

/// Why a file of costs cannot be used.
#[derive(Debug)]
pub enum CostFileError {
    /// It cannot be read.
    Io(PathBuf, std::io::Error),
    /// It is no TOML, or a key is missing, unknown or of the wrong type; the message has line and column.
    Syntax(PathBuf, toml::de::Error),
    /// It is of another format version.
    Format(PathBuf, u32),
    /// Its base is no microarchitecture with a table.
    Base(PathBuf, UnknownUarch),
    /// A row's name is no mnemonic with an operand class.
    Row(PathBuf, String),
}

impl fmt::Display for CostFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CostFileError::Io(path, error) => write!(f, "{}: {error}", path.display()),
            CostFileError::Syntax(path, error) => write!(f, "{}: {error}", path.display()),
            CostFileError::Format(path, format) => {
                write!(
                    f,
                    "{}: format {format}, but this version reads {FORMAT}",
                    path.display()
                )
            }
            CostFileError::Base(path, error) => write!(f, "{}: base: {error}", path.display()),
            CostFileError::Row(path, row) => {
                write!(
                    f,
                    "{}: rows: {row:?} names no instruction and operand class",
                    path.display()
                )
            }
        }
    }
}

impl std::error::Error for CostFileError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    #[serde(rename = "cpu")]
    _cpu: String,
    base: String,
    rows: BTreeMap<String, [u32; 3]>,
}

/// The table as a file's text. `cpu` is the processor's own name.
pub fn to_toml(table: &Table, cpu: &str) -> String {
    let mut text = format!(
        "# Costs measured by `trinityc calibrate`.\nformat = {FORMAT}\ncpu = {}\nbase = \"{}\"\n\n\
         # latency (cycles), reciprocal throughput (hundredths of a cycle), micro-ops\n[rows]\n",
        toml::Value::from(cpu),
        table.base()
    );
    for (key, cost) in table.rows() {
        let _ = writeln!(
            text,
            "\"{key}\" = [{}, {}, {}]",
            cost.latency, cost.rthroughput_x100, cost.uops
        );
    }
    text
}

/// Reads a file of costs.
pub fn load(path: &Path) -> Result<Table, CostFileError> {
    let text =
        std::fs::read_to_string(path).map_err(|error| CostFileError::Io(path.into(), error))?;
    parse(path, &text)
}

/// The variable that names a file of costs.
pub const VARIABLE: &str = "TRINITY_COSTS";

/// The costs to use: those of `file`, else of the file that [`VARIABLE`] names, else `base`'s own.
pub fn choose(file: Option<&Path>, base: Uarch) -> Result<Table, CostFileError> {
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    match file.or(named.as_deref()) {
        Some(path) => load(path),
        None => Ok(Table::of(base)),
    }
}

fn parse(path: &Path, text: &str) -> Result<Table, CostFileError> {
    let file: File =
        toml::from_str(text).map_err(|error| CostFileError::Syntax(path.into(), error))?;
    if file.format != FORMAT {
        return Err(CostFileError::Format(path.into(), file.format));
    }
    let base: Uarch = file
        .base
        .parse()
        .map_err(|error| CostFileError::Base(path.into(), error))?;
    let mut table = Table::of(base);
    for (name, [latency, rthroughput_x100, uops]) in file.rows {
        let key = Key::parse(&name).ok_or_else(|| CostFileError::Row(path.into(), name))?;
        table.set(
            key,
            RowCost {
                latency,
                rthroughput_x100,
                uops,
            },
        );
    }
    Ok(table)
}

/// The processor's own name.
pub fn cpu_name() -> String {
    use std::arch::x86_64::__cpuid;
    const BRAND: std::ops::RangeInclusive<u32> = 0x8000_0002..=0x8000_0004;
    if __cpuid(0x8000_0000).eax < *BRAND.end() {
        return "unknown".into();
    }
    let words = BRAND
        .map(__cpuid)
        .flat_map(|leaf| [leaf.eax, leaf.ebx, leaf.ecx, leaf.edx]);
    let bytes: Vec<u8> = words
        .flat_map(u32::to_le_bytes)
        .take_while(|&byte| byte != 0)
        .collect();
    String::from_utf8_lossy(&bytes).trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_table_reads_back() {
        let mut table = Table::of(Uarch::Zen3);
        let key = Key::parse("imul r64 wide").expect("a key");
        table.set(
            key,
            RowCost {
                latency: 4,
                rthroughput_x100: 101,
                uops: 2,
            },
        );
        let text = to_toml(&table, "A \"quoted\" CPU");
        let read = parse(Path::new("costs.toml"), &text).expect("a table");
        assert_eq!(read.base(), Uarch::Zen3);
        assert_eq!(read.rows(), table.rows());
    }

    #[test]
    fn a_named_file_that_is_not_there_is_an_error() {
        let missing = choose(Some(Path::new("no/such/costs.toml")), Uarch::Zen4);
        assert!(matches!(missing, Err(CostFileError::Io(path, _)) if path.ends_with("costs.toml")));
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let message = |text: &str| {
            parse(Path::new("c.toml"), text)
                .expect_err("a mistake")
                .to_string()
        };
        let head = "format = 1\ncpu = \"x\"\n";
        assert!(message("format = 2\ncpu = \"x\"\nbase = \"zen4\"\n[rows]").contains("format 2"));
        assert!(
            message(&format!("{head}base = \"zen9\"\n[rows]"))
                .contains("no cost table for \"zen9\"")
        );
        let row = message(&format!(
            "{head}base = \"zen4\"\n[rows]\n\"fly r32\" = [1, 2, 3]"
        ));
        assert!(row.contains("\"fly r32\" names no instruction"), "{row}");
        let kind = message(&format!("{head}base = \"zen4\"\n[rows]\n\"add r32\" = 1"));
        assert!(kind.contains("line 5"), "{kind}");
        assert!(message(&format!("{head}base = \"zen4\"\ncolour = 1\n[rows]")).contains("colour"));
    }
}
