//! Memory for code that is timed: pages where its addresses point.
//!
//! Every register and every word of memory holds a multiple of 64 that is no small number, so that whatever the code makes an
//! address of points somewhere of its own; the model says where, and the pages there are mapped.

use crate::measure::reserved;
use crate::native::Region;
use iced_x86::Instruction;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;
use std::ops::Range;
use trinity_codegen::isa::concrete::ConcreteRegion;
use trinity_codegen::isa::{Bits, Concrete, ConcreteMemory, Machine, execute};

const PAGE: u64 = 4096;
const LINE: u64 = 64;
/// States that are tried. Most code runs in the first.
const TRIES: usize = 64;
/// In so many first ones accesses must not be of the same place in different pages, which some processors take for the same place.
const CAREFUL: usize = 48;
/// Pages at most.
const PAGES: usize = 48;
/// Times that the code is run one after another: what it stores may be where it goes next.
const COPIES: usize = 4;
/// Where pages may be.
const USER: Range<u64> = 0x1_0000..0x7f00_0000_0000;

/// A state that code runs in as often as one likes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scratch {
    /// General registers by number.
    pub gpr: [u64; 16],
    /// Pages, and what is in them.
    pub regions: Vec<Region>,
    /// Of all regions, one after another.
    pub memory: Vec<u8>,
}

/// Finds a state in which both pieces of code run.
pub fn scratch(before: &[Instruction], after: &[Instruction], seed: u64) -> Option<Scratch> {
    let mut rng = SmallRng::seed_from_u64(seed);
    (0..TRIES).find_map(|n| attempt(before, after, n < CAREFUL, &mut rng))
}

fn word(rng: &mut SmallRng) -> u64 {
    (rng.random::<u64>() & 0x3fff_ffff | 0x2000_0000) * LINE
}

fn attempt(
    before: &[Instruction],
    after: &[Instruction],
    careful: bool,
    rng: &mut SmallRng,
) -> Option<Scratch> {
    let gpr: [u64; 16] = std::array::from_fn(|_| word(rng));
    // By page, as they are in the beginning.
    let mut pages: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
    // Each round maps the first page that was missing in the one before: what is read from nowhere leads nowhere.
    'again: for _ in 0..PAGES {
        let mut seen: Vec<(u64, u64, bool)> = Vec::new();
        for code in [before, after] {
            let mut m = machine(&pages);
            for _ in 0..COPIES {
                for (r, v) in m.gpr.iter_mut().zip(gpr) {
                    *r = Bits::new(64, v.into());
                }
                m.accesses.clear();
                m.faults.clear();
                for i in code {
                    execute(&mut Concrete, &mut m, i).ok()?;
                }
                for a in &m.accesses {
                    let (from, size) = (a.addr.value as u64, u64::from(a.bytes));
                    let to = from.checked_add(size)?;
                    if from < USER.start || to > USER.end {
                        return None;
                    }
                    let mut missing = [from / PAGE, (to - 1) / PAGE].into_iter();
                    if let Some(page) = missing.find(|p| !pages.contains_key(p)) {
                        let words = (0..PAGE / 8).flat_map(|_| word(rng).to_le_bytes());
                        pages.insert(page, words.collect());
                        continue 'again;
                    }
                    seen.push((from, size, a.write));
                }
                if m.faults.iter().any(|f| f.when.value == 1) {
                    return None;
                }
            }
        }
        if careful && !apart(&seen) {
            return None;
        }
        return laid_out(gpr, pages);
    }
    None
}

fn machine(pages: &BTreeMap<u64, Vec<u8>>) -> Machine<Concrete> {
    let mut memory = ConcreteMemory::default();
    for (page, bytes) in pages {
        match memory.regions.last_mut() {
            Some(r) if r.base + r.bytes.len() as u64 == page * PAGE => r.bytes.extend(bytes),
            _ => memory.regions.push(ConcreteRegion {
                base: page * PAGE,
                bytes: bytes.clone(),
                writable: true,
            }),
        }
    }
    Machine::new(&mut Concrete, memory, &mut |_: &mut Concrete, _, width| {
        Bits::new(width, 0)
    })
}

/// Whether no access is in two lines, and stores are not at the same place of other pages than other accesses.
fn apart(seen: &[(u64, u64, bool)]) -> bool {
    let whole = |&(at, size, _): &(u64, u64, bool)| at % LINE + size <= LINE;
    let like = |a: &(u64, u64, bool), b: &(u64, u64, bool)| {
        a.2 && a.0 / PAGE != b.0 / PAGE && (a.0 % PAGE).abs_diff(b.0 % PAGE) < 8
    };
    seen.iter().all(whole) && !seen.iter().any(|a| seen.iter().any(|b| like(a, b)))
}

/// Regions of pages, guard pages between them; `None` where they would be in the way of what times them.
fn laid_out(gpr: [u64; 16], pages: BTreeMap<u64, Vec<u8>>) -> Option<Scratch> {
    let mut out = Scratch {
        gpr,
        regions: Vec::new(),
        memory: Vec::new(),
    };
    let mut end = 0;
    for (page, bytes) in pages {
        let at = page * PAGE;
        let taken = |r: &Range<u64>| at + 4 * PAGE > r.start && at < r.end + 4 * PAGE;
        if reserved().iter().any(taken) {
            return None;
        }
        match out.regions.last_mut() {
            Some(r) if end == at => r.bytes += bytes.len(),
            Some(_) if at < end + 4 * PAGE => return None,
            _ => out.regions.push(Region::writable(at, bytes.len())),
        }
        end = at + PAGE;
        out.memory.extend(bytes);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::finds::from_hex;

    #[test]
    fn pages_are_where_the_code_goes() {
        for code in [
            // mov rax, [rsp+16]; mov rcx, [rax+rdx*8-8]; mov [rsp+24], rcx
            "488b442410488b4cd0f848894c2418",
            // mov rax, [rcx]; mov rax, [rax]; mov rax, [rax+8]: through pointers in memory
            "488b01488b00488b4008",
            // add qword [rcx], 64; mov rdx, [rcx]; mov rdx, [rdx]: where it goes changes each time
            "48830140488b11488b12",
            // movzx eax, byte [rcx]; add rax, rdx; mov [rax], rdx
            "0fb6014801d0488910",
        ] {
            let code = from_hex(code).unwrap();
            let s = scratch(&code, &code[..code.len() - 1], 1).expect("runs somewhere");
            let bytes: usize = s.regions.iter().map(|r| r.bytes).sum();
            assert!(!s.regions.is_empty() && bytes == s.memory.len());
        }
        // mov rax, [8]: nowhere
        let nowhere = from_hex("488b042508000000").unwrap();
        assert_eq!(scratch(&nowhere, &nowhere, 1), None);
    }
}
