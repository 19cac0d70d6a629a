//! Calls, and jumps whose target is computed.

use super::{Duty, End, Pending, Refusal, Runner, State, copy, read, registers};
use iced_x86::{FlowControl, Instruction};
use trinity_codegen::Place;
use trinity_codegen::ir::{Clobbers, PReg};
use trinity_codegen::isa::{BinOp, CmpOp, Domain, Node, TermId};

impl<'p> Runner<'_, 'p> {
    /// A jump through a table, or out of the function.
    pub(super) fn indirect(
        &mut self,
        i: &Instruction,
        at: u32,
        mut p: Pending<'p>,
    ) -> Result<(), Refusal> {
        let target = match p.state.read(self.d, i, 0) {
            Ok(t) => t,
            Err(why) => return self.refuse(Some(i), at, &why.to_string()),
        };
        for a in std::mem::take(&mut p.state.accesses) {
            if !self.d.is_private(a.addr) {
                self.run.accesses.push((a.addr, a.bytes, a.write));
            }
        }
        p.state.faults.clear();
        let entry = self.table_jump(target);
        let Some((table, index)) = entry else {
            return self.leave(p, End::Tail(target));
        };
        let (offset, len) = self.d.data.tables[table];
        let k = self.d.constant(64, len.into());
        let inside = self.d.cmp(CmpOp::Ult, &index, &k);
        if !p.path.contains(&inside) {
            return self.refuse(
                Some(i),
                at,
                "an index of a jump table that was not compared",
            );
        }
        for n in 0..len {
            let from = (offset + 4 * n) as usize;
            let Some(field) = self.d.data.bytes.get(from..from + 4) else {
                return self.refuse(Some(i), at, "a jump table outside the code");
            };
            let field = i32::from_le_bytes([field[0], field[1], field[2], field[3]]);
            let to = (offset as i32).wrapping_add(field) as u32;
            let k = self.d.constant(64, n.into());
            let here = self.d.eq(&index, &k);
            let mut path = p.path.clone();
            path.push(here);
            let state = copy(&p.state);
            if self.code.blocks_at.contains_key(&to) {
                self.leave(Pending { state, path }, End::At(to))?;
            } else {
                // Each entry by itself: joined they would be one way with many conditions.
                self.from(to, Pending { state, path }, true)?;
            }
        }
        Ok(())
    }

    /// The table and index behind `table + sign-extended entry`.
    fn table_jump(&self, target: TermId) -> Option<(usize, TermId)> {
        let pool = &self.d.pool;
        let (rest, k) = self.d.split(target);
        let Node::Bin(BinOp::Add, x, y) = pool.node(rest) else {
            return None;
        };
        let entry = if x == self.d.code { y } else { x };
        if x != self.d.code && y != self.d.code {
            return None;
        }
        let Node::Sext(e) = pool.node(entry) else {
            return None;
        };
        let &(table, index) = self.d.entries.get(&e)?;
        (u64::from(self.d.data.tables[table].0) == k).then_some((table, index))
    }

    fn duty(&mut self, what: impl Fn() -> String, ssa: TermId, machine: TermId, path: &[TermId]) {
        if ssa != machine {
            self.run.duties.push(Duty {
                what: what(),
                ssa,
                machine,
                path: path.to_vec(),
            });
        }
    }

    pub(super) fn call(
        &mut self,
        i: &Instruction,
        at: u32,
        next: u32,
        p: &mut Pending<'p>,
    ) -> Result<(), Refusal> {
        if !p.path.is_empty() {
            return self.refuse(Some(i), at, "a call on one of several ways");
        }
        let target = match self.branch_symbol(i, at)? {
            Some((s, addend)) if i.flow_control() == FlowControl::Call => self.symbol(s, addend),
            _ if i.flow_control() == FlowControl::Call => {
                return self.refuse(Some(i), at, "a call into the function");
            }
            _ => {
                let m = &mut p.state;
                if i.is_ip_rel_memory_operand() {
                    return self.refuse(Some(i), at, "a call through a symbol's memory");
                }
                match m.read(self.d, i, 0) {
                    Ok(t) => t,
                    Err(why) => return self.refuse(Some(i), at, &why.to_string()),
                }
            }
        };
        p.state.faults.clear();
        for a in std::mem::take(&mut p.state.accesses) {
            if !self.d.is_private(a.addr) {
                self.run.accesses.push((a.addr, a.bytes, a.write));
            }
        }
        let events = self.events;
        while events
            .get(self.next_event)
            .is_some_and(|e| e.needless && e.target != target)
        {
            self.next_event += 1;
        }
        let Some(e) = events.get(self.next_event) else {
            self.run
                .wrong
                .push(format!("a call at {at:#x} that the IR does not make"));
            return self.refuse(Some(i), at, "a call that the IR does not make");
        };
        self.next_event += 1;
        let n = self.next_event;
        self.duty(|| format!("target of call {n}"), e.target, target, &[]);
        for &(t, r) in &e.args {
            let machine = read(&p.state, r);
            self.duty(|| format!("argument {r} of call {n}"), t, machine, &[]);
        }
        let heap = p.state.mem.heap;
        self.duty(|| format!("memory at call {n}"), e.memory[0], heap, &[]);
        self.frame_duties(&p.state, e.pinned[0], &format!("at call {n}"), 0, &[]);
        if self.d.data.frame_size % 16 != 8 {
            self.run.wrong.push("rsp is not aligned at a call".into());
        }
        if let Some(id) = e.safepoint
            && !self.code.function.safepoints.contains(&(next, id))
        {
            let why = format!("safe point {id} is not at the call");
            self.run.wrong.push(why);
        }
        if !e.live.is_empty() {
            let id = e.safepoint.unwrap_or(u32::MAX);
            let places = self.code.function.live.iter().find(|l| l.0 == id);
            let places = places.map_or(&[][..], |l| &l.1);
            if places.len() != e.live.len() {
                self.run
                    .wrong
                    .push(format!("values of safe point {id} have no places"));
            }
            for (&t, place) in e.live.iter().zip(places) {
                let machine = match *place {
                    Place::Stack(k) if k & 7 == 0 => match p.state.mem.frame.get(&k.into()) {
                        Some(t) => *t,
                        None => self.d.unknown_slot(k.into()),
                    },
                    Place::Const(n) => self.d.constant(64, n as u64 as u128),
                    _ => self.d.undefined(64),
                };
                self.duty(
                    || format!("a value named at safe point {id}"),
                    t,
                    machine,
                    &[],
                );
            }
        }
        // What the call leaves.
        let m = &mut p.state;
        for r in PReg::ALL {
            let keeps = match e.clobbers {
                Clobbers::All => false,
                Clobbers::Saves | Clobbers::Keeps | Clobbers::Finds | Clobbers::Looks => true,
                _ => matches!(r, PReg::Rbp | PReg::R12 | PReg::R13 | PReg::R15),
            };
            if r.is_xmm() {
                let from = usize::from(keeps);
                for w in &mut m.vec[r.hw() as usize][from..] {
                    *w = self.d.undefined(64);
                }
            } else if r.is_allocatable() && !keeps {
                m.gpr[r.hw() as usize] = self.d.undefined(64);
            }
        }
        for f in &mut m.flags {
            *f = self.d.undefined(1);
        }
        m.mem.heap = e.memory[1];
        m.gpr[PReg::R14.hw() as usize] = e.pinned[1][0];
        m.gpr[PReg::Rbx.hw() as usize] = e.pinned[1][1];
        for &(t, r) in &e.rets {
            if r.is_xmm() {
                m.vec[r.hw() as usize][0] = t;
            } else {
                m.gpr[r.hw() as usize] = t;
            }
        }
        match self.d.trouble.take() {
            Some(why) => self.refuse(Some(i), at, &why),
            None => Ok(()),
        }
    }

    fn frame_duties(
        &mut self,
        m: &State<'_>,
        pinned: [TermId; 2],
        at: &str,
        above: i64,
        path: &[TermId],
    ) {
        let all = registers(self.d, m, pinned, above);
        for (name, ssa, machine) in all {
            self.duty(|| format!("{name} {at}"), ssa, machine, path);
        }
    }
}
