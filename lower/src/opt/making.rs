//! Virtual objects are made: in cold code, in home slots for whoever goes on from there, and on the main path in front of an instruction that needs
//! one ([`super::escape`]).

use super::func::Lowering;
use super::mem;
use super::objects::{Key, kind};
use super::state::{Payload, Reg};
use super::tags::Tags;
use crate::Symbol;
use std::collections::HashMap;
use trinity_abi::helpers::leaf;
use trinity_abi::{heap, thread};
use trinity_codegen::ir::{Clobbers, PReg, Type as IrType, Value, Width};

impl Lowering<'_> {
    /// Makes objects that the present instruction needs, and others do not.
    pub(crate) fn make_sunk(&mut self) {
        if self.state.objects.is_empty() {
            return;
        }
        let (path, pc) = (self.frame().path, self.pc);
        let all = self.state.objects.keys().copied();
        let all: Vec<u32> = all.filter(|&id| self.plan.sunk(path, pc, id)).collect();
        let mut made = HashMap::new();
        for id in all {
            self.make(id, &mut made);
        }
        for (&id, &p) in &made {
            let fields = self.state.objects.remove(&id).unwrap_or_default();
            self.state.made.insert(id);
            if let Some(&(Key::Function(f), _)) = fields.first() {
                self.functions.insert(p, f);
            }
            let object = Reg::known(kind(&fields), p);
            let fields = self.state.objects.values_mut().flatten().map(|f| &mut f.1);
            for reg in fields.filter(|reg| reg.object_number() == Some(id)) {
                *reg = object;
            }
            for reg in self.state.iter_mut().flatten() {
                if reg.object_number() == Some(id) {
                    *reg = object;
                }
            }
        }
    }
    /// Makes virtual objects and writes them to the given home slots: one object each.
    pub(crate) fn make_in_slots(&mut self, slots: &[(usize, u32)]) {
        let mut made = HashMap::new();
        for &(slot, id) in slots {
            let p = self.make(id, &mut made);
            let tags = self.state.objects.get(&id).map_or(Tags::TABLE, |f| kind(f));
            self.store(Reg::known(tags, p), slot);
        }
    }
    fn make(&mut self, id: u32, made: &mut HashMap<u32, Value>) -> Value {
        if let Some(&v) = made.get(&id) {
            return v;
        }
        let fields = self.state.objects.get(&id).cloned().unwrap_or_default();
        let mut values = Vec::new();
        for (key, reg) in fields {
            let reg = match reg.p {
                Payload::Virtual(part) => Reg::known(reg.tags, self.make(part, made)),
                _ => reg,
            };
            values.push((key, reg));
        }
        let g = self.b.load64(mem::thread(thread::GLOBAL));
        for (n, &(key, reg)) in values.iter().enumerate() {
            let at = heap::MADE + 16 * n as i32;
            self.store_value(
                reg,
                mem::state(g, at),
                mem::state(g, at + trinity_abi::VALUE_TAG),
            );
            let number = mem::state(g, at + heap::MADE_KEY);
            self.b.store_imm(Width::W32, number, key.number() as i32);
        }
        let closure = self.b.load64(mem::own_closure());
        let count = self.b.iconst(values.len() as i64);
        let thread = self.thread();
        let v = self.b.call_symbol(
            Symbol::Stub(leaf::MAKE).to_ref(),
            &[
                (closure, PReg::Rdi),
                (count, PReg::Rsi),
                (thread, PReg::Rdx),
            ],
            &[(IrType::I64, PReg::Rax)],
            Clobbers::Saves,
            None,
        )[0];
        made.insert(id, v);
        v
    }
}
