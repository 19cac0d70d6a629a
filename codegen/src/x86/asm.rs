//! From a list of items to bytes: labels, jump relaxation, constants and jump tables, relocations.
//!
//! Jumps are first written in their long form; then those whose distance fits a byte are shrunk until nothing
//! changes (shrinking only brings targets closer, so the fixpoint is safe), and the bytes are moved together once.

use super::encode::{Fixup, encode};
use super::inst::{Cc, Inst, RipTarget};
use crate::compile::{CompileError, JumpTable, Reloc, RelocKind};
use crate::ir::SrcLoc;

/// A place in the code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Label(pub u32);

/// A piece of the function, in layout order.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Item {
    /// An instruction without a label operand.
    Inst(Inst),
    /// An instruction as bytes: of a proven window ([`crate::window`]).
    Raw(Raw),
    /// A jump, conditional or not.
    Jump(Option<Cc>, Label),
    /// A label's place.
    Label(Label),
    /// The source location of what follows.
    Loc(SrcLoc),
    /// The call just before is this safepoint.
    Safepoint(u32),
}

/// The bytes of an instruction that refers to nothing outside of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Raw {
    bytes: [u8; 15],
    len: u8,
}

impl Raw {
    /// From at most 15 bytes.
    pub fn new(bytes: &[u8]) -> Option<Raw> {
        let mut raw = Raw {
            len: bytes.len() as u8,
            ..Raw::default()
        };
        raw.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(raw)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len as usize]
    }
}

/// What leaves the function for a while or for good reads and destroys of general registers: a bit for each, by number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Port {
    /// Index of the call, return or jump out in the items.
    pub at: u32,
    /// Registers that it reads, those of its address operand left out.
    pub uses: u16,
    /// Registers whose values it destroys or makes.
    pub kills: u16,
    /// The items behind it are not reached from it.
    pub leaves: bool,
}

/// Everything to assemble.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Code.
    pub items: Vec<Item>,
    /// Number of labels.
    pub num_labels: u32,
    /// Constants.
    pub consts: Vec<Const>,
    /// Jump tables.
    pub tables: Vec<Vec<Label>>,
    /// Calls, returns and jumps out of the function, in the order of the items. Not needed to assemble.
    pub ports: Vec<Port>,
}

/// A constant of the pool.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Const {
    /// The bits.
    pub bits: u64,
    /// Written twice, 16 bytes in all, 16-byte aligned.
    pub wide: bool,
}

/// What assembling gives.
#[derive(Clone, Debug, Default)]
pub struct Assembled {
    /// Instructions and data.
    pub code: Vec<u8>,
    /// Size of the instructions.
    pub text_len: u32,
    /// Relocations.
    pub relocs: Vec<Reloc>,
    /// Return address offsets and safepoint ids.
    pub safepoints: Vec<(u32, u32)>,
    /// Source locations.
    pub srclocs: Vec<(u32, SrcLoc)>,
    /// Offset of each label; `u32::MAX` if it is nowhere.
    pub labels: Vec<u32>,
    /// Jump tables.
    pub jump_tables: Vec<JumpTable>,
}

/// A jump in the long-form code.
#[derive(Clone, Copy)]
struct Branch {
    /// Offset of its first byte.
    at: u32,
    /// Its long form is 6 bytes, not 5.
    conditional: bool,
    target: Label,
    short: bool,
}

impl Branch {
    fn long_len(&self) -> u32 {
        5 + self.conditional as u32
    }
    /// Bytes saved by the short form.
    fn gain(&self) -> u32 {
        if self.short { self.long_len() - 2 } else { 0 }
    }
}

/// Assembles a program.
pub fn assemble(p: &Program) -> Result<Assembled, CompileError> {
    let mut out = Assembled {
        labels: vec![u32::MAX; p.num_labels as usize],
        ..Default::default()
    };
    let mut fixups: Vec<Fixup> = Vec::new();
    let mut branches: Vec<Branch> = Vec::new();
    let mut long = Vec::with_capacity(p.items.len() * 5);
    // For each label, how many branches come before it.
    let mut label_branch = vec![0u32; p.num_labels as usize];
    let mut loc = SrcLoc(0);

    for item in &p.items {
        match item {
            Item::Inst(i) => match encode(i, &mut long) {
                Ok(fixup) => fixups.extend(fixup),
                Err(_) => return Err(CompileError::Encoding(format!("{i:?}"))),
            },
            Item::Raw(raw) => long.extend_from_slice(raw.bytes()),
            Item::Jump(cc, target) => {
                let at = long.len() as u32;
                match cc {
                    Some(cc) => long.extend_from_slice(&[0x0f, 0x80 | *cc as u8, 0, 0, 0, 0]),
                    None => long.extend_from_slice(&[0xe9, 0, 0, 0, 0]),
                }
                branches.push(Branch {
                    at,
                    conditional: cc.is_some(),
                    target: *target,
                    short: false,
                });
            }
            Item::Label(l) => {
                out.labels[l.0 as usize] = long.len() as u32;
                label_branch[l.0 as usize] = branches.len() as u32;
            }
            Item::Loc(l) => {
                if *l != loc {
                    loc = *l;
                    match out.srclocs.last_mut() {
                        Some(last) if last.0 == long.len() as u32 => last.1 = *l,
                        _ => out.srclocs.push((long.len() as u32, *l)),
                    }
                }
            }
            Item::Safepoint(id) => out.safepoints.push((long.len() as u32, *id)),
        }
        if long.len() > i32::MAX as usize / 2 {
            return Err(CompileError::TooLarge("more than 1 GB of code".into()));
        }
    }

    let before = shrink(&mut branches, &out.labels, &label_branch);
    compact(
        &mut out,
        &mut fixups,
        &branches,
        &before,
        &label_branch,
        &long,
    );
    place_data(p, &mut out, &fixups)?;
    Ok(out)
}

/// Decides which branches are short: all, but those that do not reach, until all reach. (The other way round, from long to short, two branches
/// that each need the other one to be short would both stay long.) Returns the bytes saved before each branch, and in all.
fn shrink(branches: &mut [Branch], labels: &[u32], label_branch: &[u32]) -> Vec<u32> {
    let mut before = vec![0u32; branches.len() + 1];
    branches.iter_mut().for_each(|b| b.short = true);
    loop {
        let mut sum = 0;
        for (n, b) in branches.iter().enumerate() {
            before[n] = sum;
            sum += b.gain();
        }
        before[branches.len()] = sum;
        let mut changed = false;
        for (b, &saved) in branches.iter_mut().zip(&before) {
            let t = b.target.0 as usize;
            let end = b.at as i64 - saved as i64 + 2;
            let target = labels[t] as i64 - before[label_branch[t] as usize] as i64;
            if b.short && !(-128..=127).contains(&(target - end)) {
                b.short = false;
                changed = true;
            }
        }
        if !changed {
            return before;
        }
    }
}

/// Moves the code together and translates every offset.
fn compact(
    out: &mut Assembled,
    fixups: &mut [Fixup],
    branches: &[Branch],
    before: &[u32],
    label_branch: &[u32],
    long: &[u8],
) {
    for (l, offset) in out.labels.iter_mut().enumerate() {
        if *offset != u32::MAX {
            *offset -= before[label_branch[l] as usize];
        }
    }
    let mut code = Vec::with_capacity(long.len() + 64);
    let mut from = 0usize;
    for b in branches {
        code.extend_from_slice(&long[from..b.at as usize]);
        let target = out.labels[b.target.0 as usize] as i64;
        let opcode = long[b.at as usize + 1];
        if b.short {
            code.push(if b.conditional {
                0x70 | opcode & 15
            } else {
                0xeb
            });
            code.push((target - (code.len() as i64 + 1)) as u8);
        } else {
            code.extend_from_slice(&long[b.at as usize..(b.at + b.long_len() - 4) as usize]);
            let d = (target - (code.len() as i64 + 4)) as i32;
            code.extend_from_slice(&d.to_le_bytes());
        }
        from = (b.at + b.long_len()) as usize;
    }
    code.extend_from_slice(&long[from..]);
    out.text_len = code.len() as u32;
    out.code = code;

    // Offsets come in ascending order, so one walk translates each list.
    let mut walk = Walk {
        branches,
        before,
        n: 0,
    };
    fixups.iter_mut().for_each(|f| f.at = walk.translate(f.at));
    walk.n = 0;
    out.safepoints
        .iter_mut()
        .for_each(|s| s.0 = walk.translate(s.0));
    walk.n = 0;
    out.srclocs
        .iter_mut()
        .for_each(|s| s.0 = walk.translate(s.0));
}

/// Translates ascending long-form offsets.
struct Walk<'a> {
    branches: &'a [Branch],
    before: &'a [u32],
    n: usize,
}

impl Walk<'_> {
    fn translate(&mut self, offset: u32) -> u32 {
        while self.n < self.branches.len() && self.branches[self.n].at < offset {
            self.n += 1;
        }
        offset - self.before[self.n]
    }
}

/// Appends constants and jump tables, and resolves what refers to them.
fn place_data(p: &Program, out: &mut Assembled, fixups: &[Fixup]) -> Result<(), CompileError> {
    let mut const_at = vec![0u32; p.consts.len()];
    if !p.consts.is_empty() || !p.tables.is_empty() {
        out.code.resize(out.code.len().next_multiple_of(16), 0xcc);
    }
    for wide in [true, false] {
        for (n, c) in p.consts.iter().enumerate().filter(|(_, c)| c.wide == wide) {
            const_at[n] = out.code.len() as u32;
            out.code.extend_from_slice(&c.bits.to_le_bytes());
            if wide {
                out.code.extend_from_slice(&c.bits.to_le_bytes());
            }
        }
    }
    for table in &p.tables {
        let offset = out.code.len() as u32;
        let targets: Vec<u32> = table.iter().map(|l| out.labels[l.0 as usize]).collect();
        for &t in &targets {
            out.code
                .extend_from_slice(&(t.wrapping_sub(offset)).to_le_bytes());
        }
        out.jump_tables.push(JumpTable { offset, targets });
    }
    for f in fixups {
        let at = f.at as usize;
        let place = match f.target {
            RipTarget::Symbol(symbol) => {
                let kind = if f.branch {
                    RelocKind::Plt32
                } else {
                    RelocKind::Pc32
                };
                let addend = f.disp as i64 - f.to_end as i64;
                out.relocs.push(Reloc {
                    offset: f.at,
                    kind,
                    symbol,
                    addend,
                });
                continue;
            }
            RipTarget::Const(n) => const_at[n as usize],
            RipTarget::Table(n) => out.jump_tables[n as usize].offset,
        };
        let d = place
            .wrapping_sub(f.at + f.to_end as u32)
            .wrapping_add(f.disp as u32);
        out.code[at..at + 4].copy_from_slice(&d.to_le_bytes());
    }
    if out.code.len() > i32::MAX as usize / 2 {
        return Err(CompileError::TooLarge("more than 1 GB of code".into()));
    }
    Ok(())
}
