//! Groups of field accesses whose tables always had the same shapes.
//!
//! What has the fields of one access in the slots that were seen has those of the others, too, where a profile met the same shapes. So
//! a function keeps one *cell* of shape ids for all of them; an id in it has every field of the group in its slot. The first access
//! compares, the ones behind it have nothing to ask (`Region::Memo`).

use super::spec::Spec;
use std::collections::HashMap;
use trinity_abi::cache;
use trinity_frontend::bytecode::instr::NO_CACHE;
use trinity_frontend::bytecode::{Op, Proto};
use trinity_profile::ShapeKeys;

/// A field in a slot: its name's constant and the slot.
type Pair = (u8, u8);

/// An access whose field is in a known slot of every table with a shape that its cell remembers.
pub(crate) struct KnownSlot {
    /// The slot.
    pub slot: u32,
    /// The inline cache whose cell it is.
    pub ic: usize,
    /// All fields of the group as `leaf::SHAPE` takes them: two bytes each, constant and slot, missing ones all ones.
    pub fields: [u64; cache::CELL_FIELDS / 4],
}

/// The fields that a cell vouches for.
#[derive(Clone, Debug)]
struct Group {
    ic: usize,
    pairs: Vec<Pair>,
}

impl Group {
    fn fields(&self) -> [u64; cache::CELL_FIELDS / 4] {
        let mut words = [u64::MAX; cache::CELL_FIELDS / 4];
        for (n, &(key, slot)) in self.pairs.iter().enumerate() {
            let shift = n % 4 * 16;
            let pair = u64::from(key) | u64::from(slot) << 8;
            words[n / 4] = words[n / 4] & !(0xFFFF << shift) | pair << shift;
        }
        words
    }
}

/// The groups of a function.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    list: Vec<Group>,
    /// By position: the access's group and slot.
    of: HashMap<u32, (usize, u8)>,
}

impl Groups {
    /// Puts the accesses of a function in groups.
    pub fn new(p: &Proto, spec: &Spec) -> Groups {
        let mut groups = Groups::default();
        let mut open: HashMap<&[ShapeKeys], usize> = HashMap::new();
        for (pc, i) in p.code.iter().enumerate() {
            let key = match i.op() {
                Op::GetField | Op::SelfGet => i.c(),
                Op::SetField => i.b(),
                _ => continue,
            };
            let pc = pc as u32;
            let (Some(slot), Some(shapes)) = (spec.slot(pc), spec.shapes(pc)) else {
                continue;
            };
            // All ones is no pair.
            let (Ok(key), Ok(slot @ ..=0xFE)) = (u8::try_from(key), u8::try_from(slot)) else {
                continue;
            };
            let ic = i.d();
            if ic == NO_CACHE as usize {
                continue;
            }
            let pair = (key, slot);
            let known = open.get(shapes).copied().filter(|&n| {
                let pairs = &groups.list[n].pairs;
                pairs.contains(&pair) || pairs.len() < cache::CELL_FIELDS
            });
            let n = known.unwrap_or_else(|| {
                groups.list.push(Group {
                    ic,
                    pairs: Vec::new(),
                });
                let n = groups.list.len() - 1;
                open.insert(shapes, n);
                n
            });
            let pairs = &mut groups.list[n].pairs;
            if !pairs.contains(&pair) {
                pairs.push(pair);
            }
            groups.of.insert(pc, (n, slot));
        }
        groups
    }

    /// What the access at `pc` may count on, if its field was always in one slot.
    pub fn at(&self, pc: u32) -> Option<KnownSlot> {
        let &(n, slot) = self.of.get(&pc)?;
        let group = &self.list[n];
        Some(KnownSlot {
            slot: slot.into(),
            ic: group.ic,
            fields: group.fields(),
        })
    }
}
