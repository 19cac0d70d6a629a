//! How often each instruction of each function ran, as callgrind counted it.

use object::{Object, ObjectSymbol};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// By offset in the function.
pub type Counts = BTreeMap<u32, u64>;

/// Reads what `valgrind --tool=callgrind --dump-instr=yes` wrote: counts by function symbol. The executable that it names must be there, with its symbols.
///
/// # Errors
/// When a file cannot be read, in one line.
pub fn read(path: &Path) -> Result<HashMap<String, Counts>, String> {
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    let command = text
        .lines()
        .find_map(|l| l.strip_prefix("cmd:"))
        .ok_or("no output of callgrind: it names no command")?;
    let program = command.split_whitespace().next().unwrap_or_default();
    let bytes = std::fs::read(program).map_err(|e| format!("{program}: {e}"))?;
    let file = object::File::parse(&*bytes).map_err(|e| format!("{program}: {e}"))?;
    let mut symbols: Vec<(u64, &str)> = file
        .symbols()
        .filter(|s| s.kind() == object::SymbolKind::Text)
        .filter_map(|s| Some((s.address(), s.name().ok()?)))
        .collect();
    symbols.sort_unstable();
    if symbols.is_empty() {
        return Err(format!("{program} has no symbols: compile with -g"));
    }
    let mut out: HashMap<String, Counts> = HashMap::new();
    for (address, count) in counts(&text) {
        let n = symbols.partition_point(|s| s.0 <= address);
        let Some(&(start, name)) = n.checked_sub(1).map(|n| &symbols[n]) else {
            continue;
        };
        let Ok(offset) = u32::try_from(address - start) else {
            continue;
        };
        let f = out.entry(name.to_owned()).or_default();
        *f.entry(offset).or_default() += count;
    }
    Ok(out)
}

/// Addresses and counts of callgrind's lines, without what calls cost that they make.
fn counts(text: &str) -> Vec<(u64, u64)> {
    let mut out = Vec::new();
    let (mut last, mut inclusive) = (0u64, false);
    for line in text.lines() {
        if line.starts_with("calls=") {
            inclusive = true;
            continue;
        }
        let mut words = line.split_whitespace();
        let Some(first) = words.next() else { continue };
        let number = |s: &str| u64::from_str_radix(s, 16).ok();
        let address = if let Some(hex) = first.strip_prefix("0x") {
            number(hex)
        } else if first == "*" {
            Some(last)
        } else if let Some(d) = first.strip_prefix('+') {
            d.strip_prefix("0x")
                .map_or(d.parse().ok(), number)
                .map(|d| last.wrapping_add(d))
        } else if let Some(d) = first.strip_prefix('-') {
            d.strip_prefix("0x")
                .map_or(d.parse().ok(), number)
                .map(|d| last.wrapping_sub(d))
        } else {
            None
        };
        let (Some(address), Some(_line), Some(count)) = (address, words.next(), words.next())
        else {
            continue;
        };
        let Ok(count) = count.parse::<u64>() else {
            continue;
        };
        last = address;
        if !std::mem::take(&mut inclusive) {
            out.push((address, count));
        }
    }
    out
}
