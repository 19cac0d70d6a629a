//! Objects made in line: a cell from its size class's free run, fields stored directly; the helper where the run is used up or a collector step
//! is due. Between taking the cell and the last of these stores nothing leaves and nothing calls, so nobody sees a half-made object.

use super::func::Lowering;
use super::mem;
use super::state::Reg;
use super::tags::Tags;
use crate::passes::Pass;
use trinity_abi::{VALUE_TAG, closure, header, heap, proto, tag, thread};
use trinity_codegen::ir::{Block, Cond, IntCc, LoadKind, Value, Width};
use trinity_frontend::bytecode::Instr;

impl Lowering<'_> {
    /// A cell of a size class; `slow` where there is none at hand, or when the collector wants to be called. Gives its address, and the mark byte
    /// of new objects.
    pub(crate) fn take_cell(&mut self, class: usize, slow: Block) -> (Value, Value) {
        let g = self.b.load64(mem::thread(thread::GLOBAL));
        let debt = mem::state(g, heap::DEBT);
        self.b
            .exit_if(Cond::icmp_mem(IntCc::Sgt, Width::W64, debt, 0), slow, &[]);
        let cursor = mem::state(g, heap::run(class));
        let end = mem::state(g, heap::run(class) + heap::RUN_END);
        let cell = self.b.load64(cursor);
        self.b
            .exit_if(Cond::icmp_mem(IntCc::Eq, Width::W64, end, cell), slow, &[]);
        let next = self.b.iadd(cell, heap::CELL_SIZE[class] as i32);
        self.b.store64(cursor, next);
        let white = self.b.load(LoadKind::U8, mem::state(g, heap::WHITE));
        (cell, white)
    }

    /// Stores the header: kind, mark byte and the word behind.
    fn header(&mut self, cell: Value, kind: u8, white: Value, word: u32) {
        let mark = self.b.shl(white, 8 * header::MARK);
        let rest = u64::from(kind) | u64::from(word) << (8 * header::AUX32);
        let h = match i32::try_from(rest) {
            Ok(n) => self.b.iadd(mark, n),
            Err(_) => {
                let n = self.b.iconst(rest as i64);
                self.b.iadd(mark, n)
            }
        };
        self.b.store64(mem::fresh(cell, 0), h);
    }

    /// NEWCELL.
    pub(crate) fn new_cell(&mut self, a: usize) {
        if self.virtual_cell(a) {
            return;
        }
        if !self.module.passes.has(Pass::InlineAlloc) {
            return self.made(a, Tags::CELL);
        }
        let value = self.stored(a);
        let done = self.b.create_block();
        let out = self.value_params(done, Tags::CELL);
        let slow = self.slow_step(a, Tags::CELL, done);
        let class = heap::class_of(closure::CELL_VALUE as usize + 16);
        let (cell, white) = self.take_cell(class, slow);
        self.header(cell, tag::CELL, white, 0);
        self.store_value(
            value,
            mem::fresh(cell, closure::CELL_VALUE),
            mem::fresh(cell, closure::CELL_VALUE + VALUE_TAG),
        );
        self.b.jump(done, &[cell]);
        self.b.switch_to(done);
        self.set(a, out);
    }

    /// CLOSURE.
    pub(crate) fn new_closure(&mut self, i: Instr) {
        if self.virtual_closure_of(i) {
            return;
        }
        let tags = Tags::of(tag::LUA_FN);
        let child = i.dd() as usize;
        let upvals = self.frame().p.protos[child].upvals.clone();
        let size = closure::UPVALS as usize + 8 * upvals.len();
        if size > heap::MAX_CELL || !self.module.passes.has(Pass::InlineAlloc) {
            return self.made(i.a(), tags);
        }
        for u in upvals.iter().filter(|u| u.in_stack) {
            self.get(u.index as usize);
        }
        let done = self.b.create_block();
        let out = self.value_params(done, tags);
        let slow = self.slow_step(i.a(), tags, done);
        let own = self.proto();
        let children = self.b.load64(mem::constant(own, proto::CHILDREN));
        let p = self.b.load64(mem::constant(children, 8 * child as i32));
        // Null: interpreted.
        let code = self.b.load64(mem::proto(p, proto::NATIVE_CODE));
        self.b.exit_if(Cond::icmp(IntCc::Eq, code, 0), slow, &[]);
        let (c, white) = self.take_cell(heap::class_of(size), slow);
        self.header(c, tag::LUA_FN, white, upvals.len() as u32);
        self.b.store64(mem::fresh(c, closure::CODE), code);
        self.b.store64(mem::fresh(c, closure::PROTO), p);
        for (n, u) in upvals.iter().enumerate() {
            let cell = if u.in_stack {
                self.peek_bits(u.index as usize)
            } else {
                self.upval_cell(u.index as usize)
            };
            self.b
                .store64(mem::fresh(c, closure::UPVALS + 8 * n as i32), cell);
        }
        self.b.jump(done, &[c]);
        self.b.switch_to(done);
        self.set(i.a(), out);
    }

    /// An instruction whose helper makes an object.
    pub(crate) fn made(&mut self, a: usize, tags: Tags) {
        self.step();
        self.set(a, Reg::in_home(tags));
        // Used soon, and often.
        self.get(a);
    }
}
