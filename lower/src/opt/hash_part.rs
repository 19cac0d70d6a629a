//! Entries of hash parts under integer keys: those of 0, where tables count from 0, in line, others by a leaf function.

use super::func::Lowering;
use super::mem;
use super::tags::Tags;
use crate::Symbol;
use trinity_abi::helpers::leaf;
use trinity_abi::{table, tag};
use trinity_codegen::ir::{Block, Clobbers, Cond, IntCc, PReg, Type as IrType, Value, Width};
use trinity_profile::kind;

/// Whether a key is 0.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zero {
    Never,
    Maybe,
    /// All others were in an array, or behind it: the table counts from 0. Or there were no others.
    Mostly,
    Always,
}

impl Lowering<'_> {
    /// Where an index outside the array leads: to the hash part, if that was seen, else to `slow`.
    pub(crate) fn beyond(&mut self, slow: Block) -> Block {
        match self.spec().kinds(self.pc) {
            Some(k) if k & kind::MISS != 0 => self.b.create_block(),
            _ => slow,
        }
    }

    /// The entry of the hash part with an integer key that has a value; `slow` if there is none.
    pub(crate) fn hash_entry(&mut self, t: Value, key: Value, zero: Zero, slow: Block) -> Value {
        if zero == Zero::Never {
            return self.entry_by_leaf(t, key, slow);
        }
        let found = self.b.create_block();
        let entry = self.b.block_param(found, IrType::I64);
        let other = match zero {
            Zero::Always => self.b.create_cold_block(),
            _ => {
                let other = self.no_zero(zero);
                self.b
                    .exit_unless(Cond::icmp(IntCc::Eq, key, 0), other, &[]);
                other
            }
        };
        // The first entry is the main position of 0: another key there that does not belong there would have given way.
        let hash = self.b.load64(mem::array(t, table::HASH));
        self.b.exit_if(Cond::icmp(IntCc::Eq, hash, 0), slow, &[]);
        let first = self.b.iadd(hash, table::ENTRIES);
        let is = |at, w, n: i32| Cond::icmp_mem(IntCc::Ne, w, mem::entry(first, at), n);
        let here = is(table::ENTRY_KEY, Width::W64, 0);
        self.b.exit_if(here, other, &[]);
        let integer = is(table::ENTRY_KEY_TAG, Width::W8, i32::from(tag::INT));
        self.b.exit_if(integer, other, &[]);
        let at = mem::entry(first, table::ENTRY_TAG);
        let none = Cond::icmp_mem(IntCc::Eq, Width::W8, at, i32::from(tag::NIL));
        self.b.brif(none, (slow, &[]), (found, &[first]));
        self.b.switch_to(other);
        let elsewhere = self.entry_by_leaf(t, key, slow);
        self.b.jump(found, &[elsewhere]);
        self.b.switch_to(found);
        entry
    }

    /// A block for where the entry of 0 is not.
    pub(crate) fn no_zero(&mut self, zero: Zero) -> Block {
        match zero {
            Zero::Always | Zero::Mostly => self.b.create_cold_block(),
            _ => self.b.create_block(),
        }
    }

    /// The entry of the hash part with the key 0, if it has a value with the tag `expected`; every other key, table and value goes to `other`.
    pub(crate) fn zero_entry(
        &mut self,
        t: Value,
        key: Value,
        zero: Zero,
        expected: u8,
        other: Block,
    ) -> Value {
        if zero != Zero::Always {
            self.b
                .exit_unless(Cond::icmp(IntCc::Eq, key, 0), other, &[]);
        }
        let hash = self.b.load64(mem::array(t, table::HASH));
        self.b.exit_if(Cond::icmp(IntCc::Eq, hash, 0), other, &[]);
        // The first entry is the main position of 0. The tags of value and key lie side by side.
        let first = self.b.iadd(hash, table::ENTRIES);
        let is = |at, w, n: i32| Cond::icmp_mem(IntCc::Ne, w, mem::entry(first, at), n);
        let elsewhere = is(table::ENTRY_KEY, Width::W64, 0);
        self.b.exit_if(elsewhere, other, &[]);
        let tags = i32::from(tag::INT) << 8 | i32::from(expected);
        let tags = is(table::ENTRY_TAG, Width::W16, tags);
        self.b.exit_if(tags, other, &[]);
        first
    }

    fn entry_by_leaf(&mut self, t: Value, key: Value, slow: Block) -> Value {
        let entry = self.b.call_symbol(
            Symbol::Stub(leaf::INT).to_ref(),
            &[(t, PReg::Rdi), (key, PReg::Rsi)],
            &[(IrType::I64, PReg::Rax)],
            Clobbers::Looks,
            None,
        )[0];
        self.b.exit_if(Cond::icmp(IntCc::Eq, entry, 0), slow, &[]);
        entry
    }

    /// A block for a key that the table has not: nil, where there is no metatable.
    pub(crate) fn nothing_there(
        &mut self,
        t: Value,
        want: Tags,
        slow: Block,
        done: Block,
    ) -> Block {
        let here = self.b.current();
        let block = self.b.create_block();
        self.b.switch_to(block);
        let metatable = mem::shape(t, table::METATABLE);
        let some = Cond::icmp_mem(IntCc::Ne, Width::W64, metatable, 0);
        self.b.exit_if(some, slow, &[]);
        let nil = self.b.iconst(i64::from(tag::NIL));
        let mut args = vec![nil; usize::from(want.has_payload())];
        args.extend(want.single().is_none().then_some(nil));
        self.b.jump(done, &args);
        self.b.switch_to(here);
        block
    }
}
