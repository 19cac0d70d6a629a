//! Table accesses that have no inline path, without metamethods: by leaf functions (`trinity_abi::helpers::leaf`), else by the helper.

use super::facts;
use super::func::Lowering;
use super::state::Reg;
use super::tags::Tags;
use crate::Symbol;
use trinity_abi::helpers::{ASK, leaf};
use trinity_codegen::ir::{Block, Clobbers, Cond, IntCc, PReg, Type as IrType, Value, Width};
use trinity_profile::kind;

impl Lowering<'_> {
    /// GETTABLE with a key that is no integer.
    pub(crate) fn get_key(&mut self, a: usize, b: usize, key: usize, want: Tags) {
        let want = if super::spec::is_guardable(want) {
            want
        } else {
            facts::VALUE
        };
        let done = self.b.create_block();
        let out = self.value_params(done, want);
        let slow = self.slow_step(a, want, done);
        self.leave_unless_tag(b, Tags::TABLE, slow);
        self.raw_get(b, key, want, slow, done);
        self.b.switch_to(done);
        self.set(a, out);
    }
    /// Goes to `done` with what the table in register `b` has under any key; to `slow` where a metamethod may have to be asked.
    pub(crate) fn raw_get(&mut self, b: usize, key: usize, want: Tags, slow: Block, done: Block) {
        let t = self.peek_bits(b);
        let payload = self.peek_bits(key);
        let key_tag = self.peek_tag(key);
        let found = self.b.call_symbol(
            Symbol::Stub(leaf::KEY).to_ref(),
            &[(t, PReg::Rdi), (payload, PReg::Rsi), (key_tag, PReg::Rdx)],
            &[(IrType::I64, PReg::Rax), (IrType::I64, PReg::Rdx)],
            Clobbers::Reads,
            None,
        );
        if want.single().is_none() {
            let ask = Cond::icmp(IntCc::Eq, found[1], i32::from(ASK));
            self.b.exit_if(ask, slow, &[]);
        }
        self.found(found[0], found[1], want, slow, done);
    }
    /// Keys other than integers are to be expected in this register.
    pub(crate) fn other_keys(&self, key: usize) -> bool {
        let seen = self.spec().kinds(self.pc).unwrap_or(kind::OTHER_KEY);
        seen & kind::OTHER_KEY != 0 && self.tags(key) != Tags::INT
    }

    /// SETTABLE with a key that is no integer.
    pub(crate) fn set_by_key(&mut self, a: usize, key: usize, value: Reg) {
        let done = self.b.create_block();
        let slow = self.slow_statement(done);
        let key = self.stored(key);
        self.leave_unless_tag(a, Tags::TABLE, slow);
        let t = self.peek_bits(a);
        self.store_by_leaf(t, key, value, slow, done);
        self.b.switch_to(done);
    }
    /// A block off the main path; cold unless training met keys that are not integers: those in the hash part are found without it.
    pub(crate) fn beside(&mut self, code: impl FnOnce(&mut Self)) -> Block {
        let here = self.b.current();
        let block = match self.spec().kinds(self.pc) {
            Some(seen) if seen & kind::OTHER_KEY != 0 => self.b.create_block(),
            _ => self.b.create_cold_block(),
        };
        self.b.switch_to(block);
        code(self);
        self.b.switch_to(here);
        block
    }
    /// Stores `t[key] = value` by a leaf function, and goes to `done`, or to `slow`.
    pub(crate) fn store_by_leaf(
        &mut self,
        t: Value,
        key: Reg,
        value: Reg,
        slow: Block,
        done: Block,
    ) {
        let thread = self.thread();
        let payload = self.stored_bits(key);
        let key_tag = self.stored_tag(key);
        let bits = self.stored_bits(value);
        let value_tag = self.stored_tag(value);
        let args = [thread, t, payload, key_tag, bits, value_tag];
        let changes = if key.tags == Tags::INT {
            Clobbers::Elements
        } else {
            Clobbers::SysV
        };
        let [stored, _] = self.leaf(Symbol::Stub(leaf::STORE), &args, changes);
        self.b.brif(
            Cond::icmp_w(IntCc::Eq, Width::W32, stored, 0),
            (slow, &[]),
            (done, &[]),
        );
    }
    /// The payload of a value to be stored as bits.
    fn stored_bits(&mut self, v: Reg) -> Value {
        // `stored` has loaded what was in memory.
        self.bits_of(Reg { home: false, ..v }, 0)
    }
}
