//! Virtual closures, and cells of captured variables: not made as long as nobody but the code at hand has them ([`super::escape`]).
//!
//! They are virtual objects as tables are ([`super::objects`]). A cell has one field, its variable's value, so that captured variables are values like
//! others, and parameters of loops that change them. A closure has the prototype and its cells, virtual ones or not. Code in line of a virtual closure
//! finds it in the register by which it was called; GETUPVAL and SETUPVAL there are copies from and to the cell's field. Cold code makes closures and cells
//! together, by the leaf function that makes tables: closures that share a cell share the one that was made.

use super::escape::{Place, Reason};
use super::func::Lowering;
use super::graph::{Graph, Kind as Node, NodeId};
use super::mem;
use super::objects::{Fields, Key, kind};
use super::operators::function_register;
use super::settle::natural_loop;
use super::state::{Payload, Reg};
use super::tags::Tags;
use crate::passes::Pass;
use crate::remark::Kind;
use trinity_abi::unit::flag;
use trinity_abi::{heap, proto};
use trinity_codegen::ir::Value;
use trinity_frontend::bytecode::Instr;

impl Lowering<'_> {
    // ---- what is virtual

    /// The function of a virtual closure.
    pub(super) fn virtual_function(&self, id: u32) -> Option<u32> {
        match self.state.objects.get(&id)?.first()?.0 {
            Key::Function(f) => Some(f),
            _ => None,
        }
    }
    /// Where the closure is whose code is frame `n`, if it was virtual when it was called.
    fn called_by(&self, n: usize) -> Option<Reg> {
        let f = self.frames.get(n).filter(|f| f.closure.is_none())?;
        let outer = n.checked_sub(1)?;
        let r = function_register(self.frames[outer].p, f.call_pc as usize);
        self.state[outer].get(r).copied()
    }
    /// The virtual closure whose code is frame `n`.
    pub(super) fn virtual_closure(&self, n: usize) -> Option<u32> {
        let id = self.called_by(n)?.object_number()?;
        self.virtual_function(id).map(|_| id)
    }
    /// The closure whose code is frame `n`. `None`: the outermost one's.
    pub(super) fn closure_at(&mut self, n: usize) -> Option<Value> {
        match self.called_by(n) {
            Some(reg) => Some(self.bits_of(reg, 0)),
            None => self.frames[n].closure,
        }
    }
    /// A field of the running closure, if that is virtual.
    fn own_field(&self, key: Key) -> Option<Reg> {
        let fields = &self
            .state
            .objects
            .get(&self.virtual_closure(self.depth())?)?;
        let is = |k: Key| match (k, key) {
            (Key::Function(_), Key::Function(_)) => true,
            _ => k == key,
        };
        fields.iter().find(|f| is(f.0)).map(|f| f.1)
    }
    /// The prototype of the running closure, if that is virtual.
    pub(super) fn virtual_proto(&mut self) -> Option<Value> {
        let reg = self.own_field(Key::Function(0))?;
        Some(self.bits_of(reg, 0))
    }
    /// The cell of upvalue `i` of the running closure, if the closure is virtual.
    pub(super) fn virtual_upvalue(&self, i: usize) -> Option<Reg> {
        self.own_field(Key::Upvalue(i as u16))
    }

    /// A virtual closure or cell and those among its parts, itself first.
    pub(super) fn closure_parts(&self, id: u32) -> Vec<u32> {
        let mut parts = vec![id];
        let mut seen = 0;
        while let Some(&part) = parts.get(seen) {
            seen += 1;
            for &(key, reg) in self.state.objects.get(&part).into_iter().flatten() {
                let inner = matches!(key, Key::Cell | Key::Upvalue(_));
                parts.extend(reg.object_number().filter(|n| inner && !parts.contains(n)));
            }
        }
        parts
    }
    /// Where a virtual object that the present instruction needs could be made: in front of it, of loops around, and of calls whose code this is.
    pub(super) fn places(&self, id: u32) -> Vec<Place> {
        let mut places = vec![Place {
            path: self.frame().path,
            pc: self.pc,
            weight: self.weight(),
        }];
        let mut node = self.node;
        for (d, f) in self.frames.iter().enumerate().rev() {
            let headers = f.graph.rpo.iter().rev().filter(|h| f.graph.is_header(**h));
            for &h in headers.filter(|h| f.begins[h.index()].contains_key(&id)) {
                if natural_loop(&f.graph, h)[node.index()]
                    && let Some((at, pc)) = way_in(&f.graph, h)
                {
                    places.push(self.place(d, at, pc));
                }
            }
            let Some(outer) = d.checked_sub(1) else {
                break;
            };
            node = f.call_node;
            let mut outside = self.state[..d].iter().flatten();
            if !outside.any(|reg| reg.object_number().is_some_and(|n| self.reaches(n, id))) {
                break;
            }
            places.push(self.place(outer, node, f.call_pc));
        }
        places
    }
    fn place(&self, depth: usize, node: NodeId, pc: u32) -> Place {
        let f = &self.frames[depth];
        let weight = match f.spec.site(pc) {
            Some(site) => site.count as f64 * f.runs / f.spec.calls().max(1.0),
            None if f.looped[node.index()] => 8.0,
            None => 1.0,
        };
        Place {
            path: f.path,
            pc,
            weight,
        }
    }
    /// Code in line uses a virtual closure or cell.
    fn count_use(&mut self, id: u32) {
        let weight = self.weight();
        self.plan.count_use(id, weight);
    }
    /// R[a] and R[b] are one object or not, if what is virtual says so.
    pub(super) fn same_closure(&self, a: usize, b: usize) -> Option<bool> {
        match (self.virtual_in(a), self.virtual_in(b)) {
            (Some(x), Some(y)) if x == y => Some(true),
            (Some(x), _) if self.virtual_function(x).is_some() => Some(false),
            (_, Some(y)) if self.virtual_function(y).is_some() => Some(false),
            _ => None,
        }
    }

    // ---- instructions

    /// The present instruction begins a virtual object with these fields in `R[a]`. False: the object must be made.
    fn begin_closure(&mut self, a: usize, fields: Fields) -> bool {
        let cell = fields.first().is_some_and(|f| f.0 == Key::Cell);
        match self.plan.candidate(self.frame().path, self.pc) {
            Ok(id) => {
                self.remark(|_| match cell {
                    true => Some(Kind::CellNotMade {}),
                    false => Some(Kind::ClosureNotMade {}),
                });
                self.flags |= flag::VIRTUAL;
                let weight = self.weight();
                self.plan.weigh(id, weight);
                let tags = kind(&fields);
                self.state.objects.insert(id, fields);
                self.state.made.remove(&id);
                self.set(a, Reg::object(id, tags));
                true
            }
            Err(why) => {
                if let Some(Reason { line, what }) = why {
                    self.remark(|_| {
                        let thing = match cell {
                            true => "the captured variable's cell",
                            false => "the closure",
                        };
                        let line = line.into();
                        Some(Kind::ClosureMade { thing, what, line })
                    });
                }
                false
            }
        }
    }
    fn may_be_virtual(&self) -> bool {
        self.module.passes.has(Pass::Escape)
            && self.module.passes.has(Pass::EscapeClosures)
            && !self.may_wait_here()
    }

    /// NEWCELL of a cell that need not be made. False: it must.
    pub(super) fn virtual_cell(&mut self, a: usize) -> bool {
        if !self.may_be_virtual() {
            return false;
        }
        let value = Reg {
            home: false,
            ..self.stored(a)
        };
        self.begin_closure(a, vec![(Key::Cell, value)])
    }
    /// CLOSURE of one that need not be made. False: it must.
    pub(super) fn virtual_closure_of(&mut self, i: Instr) -> bool {
        let child = i.dd() as usize;
        let f = self.frame();
        let func = self.module.captured.child(f.func as usize, child);
        let upvals = f.p.protos[child].upvals.clone();
        // What hardly anybody could call in line.
        let known = self.module.typed.get(func as usize) == Some(&true);
        if !known || upvals.len() >= heap::MADE_MAX || !self.may_be_virtual() {
            return false;
        }
        let own = self.proto();
        let children = self.b.load64(mem::constant(own, proto::CHILDREN));
        let p = self.b.load64(mem::constant(children, 8 * child as i32));
        let mut fields = vec![(Key::Function(func), Reg::known(Tags::INT, p))];
        for (n, u) in (0..).zip(&upvals) {
            let r = u.index as usize;
            let cell = match u.in_stack {
                true => match self.virtual_in(r) {
                    Some(_) => self.reg(r),
                    None => Reg::known(Tags::CELL, self.get(r)),
                },
                false => match self.virtual_upvalue(r) {
                    Some(cell) => cell,
                    None => Reg::known(Tags::CELL, self.upval_cell(r)),
                },
            };
            fields.push((
                Key::Upvalue(n),
                Reg {
                    home: false,
                    ..cell
                },
            ));
        }
        self.begin_closure(i.a(), fields)
    }
    /// GETCELL of a virtual cell. False: it is none.
    pub(super) fn get_virtual_cell(&mut self, a: usize, cell: Reg) -> bool {
        let Payload::Virtual(id) = cell.p else {
            return false;
        };
        let Some(&(Key::Cell, value)) = self.state.objects.get(&id).and_then(|f| f.first()) else {
            return false;
        };
        self.count_use(id);
        let want = self.spec().result(self.pc);
        self.set(a, value);
        if let Some(want) = want {
            self.result_guard(a, want);
        }
        true
    }
    /// SETCELL of one.
    pub(super) fn set_virtual_cell(&mut self, cell: Reg, c: usize) -> bool {
        let Payload::Virtual(id) = cell.p else {
            return false;
        };
        self.count_use(id);
        let value = self.stored(c);
        self.virtual_set(id, Key::Cell, value);
        true
    }
    /// GETUPVAL of a virtual cell.
    pub(super) fn get_virtual_upvalue(&mut self, a: usize, i: usize) -> bool {
        let cell = self.virtual_upvalue(i);
        cell.is_some_and(|cell| self.get_virtual_cell(a, cell))
    }
    /// SETUPVAL of one.
    pub(super) fn set_virtual_upvalue(&mut self, i: usize, c: usize) -> bool {
        let cell = self.virtual_upvalue(i);
        cell.is_some_and(|cell| self.set_virtual_cell(cell, c))
    }
}

/// The last instruction in front of a loop, and its node.
fn way_in(g: &Graph, header: NodeId) -> Option<(NodeId, u32)> {
    let mut ways = g.nodes[header.index()].preds.iter();
    let mut at = *ways.find(|&&n| !g.is_back(n, header))?;
    while let Node::Edge { .. } = g.nodes[at.index()].kind {
        at = *g.nodes[at.index()].preds.first()?;
    }
    match g.nodes[at.index()].kind {
        Node::Block => Some((at, g.nodes[at.index()].end - 1)),
        _ => None,
    }
}
