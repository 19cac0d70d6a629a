//! What one instruction sees: operands before it executes, results and the way it went when the next instruction of its frame comes.
//!
//! What goes where is said by the table at `trinity_profile::Site`.

use super::natives::Natives;
use super::origins::Origins;
use super::shapes::{self, Access, KeyLists};
use crate::object::{LuaClosure, Table};
use crate::proto::RtProto;
use crate::thread::Lua;
use crate::value::{Value, tag};
use trinity_frontend::bytecode::instr::RK_CONST;
use trinity_frontend::bytecode::op::Mode;
use trinity_frontend::bytecode::{Instr, Op};
use trinity_profile::{ShapeSeen, Site, TagSet, kind};

/// Callees and shapes that are told apart at a site while the program runs; the profile keeps the most frequent of them.
pub const MAX_TOLD_APART: usize = 16;

/// A callee while the program runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Function of the program, by number.
    Lua(u32),
    /// Library function, by number in `Natives`.
    Native(u32),
    /// Anything else.
    Unknown,
}

/// Counters of an instruction.
#[derive(Default)]
pub struct SiteRecord {
    /// All but its callees and shapes.
    pub site: Site,
    pub targets: Vec<(Target, u64)>,
    /// With the ids of the shapes.
    pub shapes: Vec<(u32, ShapeSeen)>,
}

/// The frame that an instruction belongs to, and what names need.
pub struct View<'a> {
    pub l: Lua,
    pub base: *mut Value,
    pub proto: *mut RtProto,
    pub natives: &'a Natives,
    pub keys: &'a mut KeyLists,
    pub origins: &'a mut Origins,
    /// The function's number.
    pub number: u32,
}

impl View<'_> {
    unsafe fn reg(&self, n: usize) -> Value {
        unsafe { *self.base.add(n) }
    }
    unsafe fn constant(&self, n: usize) -> Value {
        unsafe { *(*self.proto).consts.add(n) }
    }
    unsafe fn reg_or_constant(&self, n: usize) -> Value {
        unsafe {
            match n.checked_sub(usize::from(RK_CONST)) {
                Some(k) => self.constant(k),
                None => self.reg(n),
            }
        }
    }
    unsafe fn upvalue(&self, n: usize) -> Value {
        unsafe { (**LuaClosure::upval((*self.base.sub(1)).as_lua_fn(), n)).v }
    }
    /// Open values from register `n` on.
    unsafe fn open(&self, n: usize) -> usize {
        unsafe {
            let top = (*self.l.thread()).top;
            top.offset_from(self.base.add(n)).max(0) as usize
        }
    }
}

fn widen(range: &mut Option<(i64, i64)>, n: i64) {
    *range = Some(range.map_or((n, n), |(low, high)| (low.min(n), high.max(n))));
}

impl SiteRecord {
    fn operands(&mut self, x: Value, y: Value) {
        self.site.operands[0].insert(x.t);
        self.site.operands[1].insert(y.t);
    }

    /// The instruction is about to execute.
    ///
    /// # Safety
    /// The view is of the frame it belongs to.
    pub unsafe fn before(&mut self, v: &mut View, i: Instr) {
        use Op::*;
        unsafe {
            self.site.count += 1;
            let (a, b, c) = (i.a(), i.b(), i.c());
            match i.op() {
                Move | Not | Unm | BNot | JmpTSet | JmpFSet => {
                    self.site.operands[0].insert(v.reg(b).t);
                }
                JmpT | JmpF | NewCell | Return1 | Tbc => {
                    self.site.operands[0].insert(v.reg(a).t);
                }
                Len => {
                    let x = v.reg(b);
                    self.site.operands[0].insert(x.t);
                    if x.t == tag::TABLE {
                        self.elements(x.as_table());
                        v.origins.sized(x.as_table(), (*x.as_table()).array_len);
                        widen(&mut self.site.range, crate::table::len(x.as_table()));
                    }
                }
                Add | Sub | Mul | Mod | Pow | Div | IDiv | BAnd | BOr | BXor | Shl | Shr => {
                    self.arithmetic(v, i, v.reg(b), v.reg(c));
                }
                AddK | SubK | MulK | ModK | PowK | DivK | IDivK | BAndK | BOrK | BXorK | ShlK
                | ShrK => self.arithmetic(v, i, v.reg(b), v.constant(c)),
                AddI => self.operands(v.reg(b), Value::int(0)),
                Concat => {
                    for n in a..a + b {
                        self.site.operands[0].insert(v.reg(n).t);
                    }
                }
                SetCell | SetUpval => self.site.result.insert(v.reg_or_constant(c).t),
                GetTabUp => self.access(v, v.upvalue(b), v.constant(c), None),
                GetField | SelfGet => self.access(v, v.reg(b), v.constant(c), None),
                GetTable => self.access(v, v.reg(b), v.reg(c), None),
                GetI => self.access(v, v.reg(b), Value::int(c as i64), None),
                SetTabUp => {
                    let value = v.reg_or_constant(c);
                    self.access(v, v.upvalue(a), v.constant(b), Some(value));
                }
                SetField => {
                    let value = v.reg_or_constant(c);
                    self.access(v, v.reg(a), v.constant(b), Some(value));
                }
                SetTable => {
                    let value = v.reg_or_constant(c);
                    self.access(v, v.reg(a), v.reg(b), Some(value));
                }
                SetI => {
                    let value = v.reg_or_constant(c);
                    self.access(v, v.reg(a), Value::int(b as i64), Some(value));
                }
                SetList => {
                    self.site.operands[0].insert(v.reg(a).t);
                    let n = if b == 0 { v.open(a + 1) } else { b };
                    for n in a + 1..=a + n {
                        self.site.result.insert(v.reg(n).t);
                    }
                }
                JmpEq | JmpNe | JmpLt | JmpNlt | JmpLe | JmpNle => {
                    self.operands(v.reg(a), v.reg(b));
                }
                JmpEqK | JmpNeK => self.operands(v.reg(a), v.constant(b)),
                JmpEqI | JmpNeI | JmpLtI | JmpNltI | JmpLeI | JmpNleI | JmpGtI | JmpNgtI
                | JmpGeI | JmpNgeI => self.operands(v.reg(a), Value::int(0)),
                Call | TailCall => {
                    let n = if b == 0 { v.open(a) } else { b };
                    self.call(v, v.reg(a));
                    if n > 1 {
                        self.site.operands[1].insert(v.reg(a + 1).t);
                    }
                }
                TForCall => {
                    self.call(v, v.reg(a));
                    let state = v.reg(a + 1);
                    self.site.operands[1].insert(state.t);
                    if state.t == tag::TABLE {
                        self.elements(state.as_table());
                    }
                }
                TForLoop => self.site.operands[0].insert(v.reg(a + 4).t),
                Return => {
                    let n = if b == 0 { v.open(a) } else { b - 1 };
                    for n in 0..n.min(2) {
                        self.site.operands[n].insert(v.reg(a + n).t);
                    }
                }
                ForPrep => {
                    self.operands(v.reg(a), v.reg(a + 1));
                    self.site.second.insert(v.reg(a + 2).t);
                }
                LoadI | LoadF | LoadK | LoadNil | LoadFalse | LoadTrue | LFalseSkip | GetCell
                | GetUpval | NewTable | Jmp | Close | Return0 | ForLoop | TForPrep | VarArg
                | VarArgPrep | Closure => {}
            }
        }
    }

    /// The instruction at `at` is complete, and execution is at `now`.
    ///
    /// # Safety
    /// The view is of the frame it belongs to.
    pub unsafe fn after(&mut self, v: &mut View, at: usize, now: usize) {
        unsafe {
            let i = *(*v.proto).code.add(at);
            let op = i.op();
            let (a, c) = (i.a(), i.c());
            let mut jumped = false;
            if op.is_jump() {
                let skip = i64::from(op == Op::ForPrep);
                jumped = now as i64 == at as i64 + 1 + skip + i64::from(i.sd());
                self.site.taken += u64::from(jumped);
            }
            // First of the values written and their number, if more than one.
            let (first, n) = match op {
                Op::Call if c == 0 => (a, v.open(a)),
                Op::Call => (a, c - 1),
                Op::VarArg if c == 0 => (a, v.open(a)),
                Op::VarArg => (a, c - 1),
                Op::TForCall => (a + 4, c),
                Op::ForLoop => (a + 3, usize::from(jumped)),
                Op::ForPrep => {
                    self.iterations(v, a, jumped);
                    return;
                }
                Op::SelfGet => (a, 2),
                Op::JmpTSet | Op::JmpFSet => return,
                Op::Concat => (a, 1),
                _ => (a, usize::from(op.info().modes[0] == Mode::W)),
            };
            if op == Op::Call && c == 0 {
                // How many results there were says more than what number the first was.
                widen(&mut self.site.range, n as i64);
                if n > 0 {
                    self.site.result.insert(v.reg(first).t);
                }
                if n > 1 {
                    self.site.second.insert(v.reg(first + 1).t);
                }
                return;
            }
            if op == Op::NewTable {
                let by = (v.number, at as u32);
                if let Some(len) = v.origins.made(v.reg(a).as_table(), by) {
                    widen(&mut self.site.range, i64::from(len));
                }
            }
            if n > 0 {
                let x = v.reg(first);
                self.site.result.insert(x.t);
                let keyed = matches!(op, Op::GetTable | Op::GetI | Op::Len);
                if x.t == tag::INT && !keyed {
                    widen(&mut self.site.range, x.as_int());
                }
            }
            if n > 1 {
                self.site.second.insert(v.reg(first + 1).t);
            }
        }
    }

    /// A numeric loop at register `a` was prepared.
    unsafe fn iterations(&mut self, v: &View, a: usize, none: bool) {
        unsafe {
            let range = &mut self.site.range;
            if none {
                widen(range, 0);
            } else if v.reg(a).t == tag::INT && v.reg(a + 2).t == tag::INT {
                let more = v.reg(a + 1).p;
                widen(
                    range,
                    i64::try_from(more).map_or(i64::MAX, |n| n.saturating_add(1)),
                );
            }
        }
    }

    /// A table that the instruction made has an array of this length, so far: the least length is that of tables behind which others were made.
    pub fn array_of(&mut self, len: u32) {
        let range = self.site.range.get_or_insert((i64::MAX, 0));
        range.1 = range.1.max(i64::from(len));
    }

    /// Kind of elements and metatable.
    unsafe fn elements(&mut self, t: *mut Table) {
        unsafe {
            self.site.kinds |= 1 << ((*t).h.aux8 & 3);
            if !(*t).metatable.is_null() {
                self.site.kinds |= kind::METATABLE;
            }
        }
    }

    /// `o[k]`, or `o[k] = value`.
    unsafe fn access(&mut self, v: &mut View, o: Value, k: Value, value: Option<Value>) {
        unsafe {
            self.operands(o, k);
            if let Some(value) = value {
                self.site.result.insert(value.t);
            }
            if o.t != tag::TABLE {
                return;
            }
            let t = o.as_table();
            if k.t == tag::SHORT_STR {
                let access = Access {
                    l: v.l,
                    table: o,
                    key: k.as_str(),
                    store: value.is_some(),
                };
                shapes::note(self, &access, v.keys);
                return;
            }
            self.elements(t);
            if k.t != tag::INT {
                self.site.kinds |= kind::OTHER_KEY;
                return;
            }
            let (n, len) = (k.as_int(), i64::from((*t).array_len));
            widen(&mut self.site.range, n);
            let append = value.is_some_and(|v| !v.is_nil()) && n == len + 1;
            v.origins.sized(t, (*t).array_len + u32::from(append));
            if value.is_some() && n == len + 1 {
                self.site.kinds |= kind::APPEND;
            } else if n < 1 || n > len {
                self.site.kinds |= kind::MISS;
            }
        }
    }

    /// Arithmetic: with a table it calls a metamethod, the first one's unless that is a number.
    unsafe fn arithmetic(&mut self, v: &View, i: Instr, x: Value, y: Value) {
        unsafe {
            self.operands(x, y);
            let owner = match (x.t, y.t) {
                (tag::TABLE, _) => x.as_table(),
                (_, tag::TABLE) => y.as_table(),
                _ => return,
            };
            if let Some(event) = i.op().event() {
                let g = (*v.l.thread()).global;
                self.target(v, crate::table::metamethod(g, (*owner).metatable, event));
            }
        }
    }

    /// A call of `f`.
    unsafe fn call(&mut self, v: &View, f: Value) {
        unsafe {
            self.site.operands[0].insert(f.t);
            self.target(v, f);
        }
    }
    unsafe fn target(&mut self, v: &View, f: Value) {
        unsafe {
            let target = match f.t {
                tag::LUA_FN => match (*(*f.as_lua_fn()).proto).observed {
                    0 => Target::Unknown,
                    n => Target::Lua(n - 1),
                },
                tag::NATIVE_FN => v
                    .natives
                    .number(f.as_native_fn())
                    .map_or(Target::Unknown, Target::Native),
                _ => Target::Unknown,
            };
            let room = self.targets.len() < MAX_TOLD_APART;
            match self.targets.iter_mut().find(|t| t.0 == target) {
                Some(t) => t.1 += 1,
                None if room => self.targets.push((target, 1)),
                None => self.site.callee.other += 1,
            }
        }
    }
}

const _: () = {
    use trinity_abi::table as t;
    assert!(kind::EMPTY == 1 << t::KIND_EMPTY && kind::INT == 1 << t::KIND_INT);
    assert!(kind::FLOAT == 1 << t::KIND_FLOAT && kind::GENERAL == 1 << t::KIND_GENERAL);
    assert!(TagSet::INT.has(tag::INT));
};
