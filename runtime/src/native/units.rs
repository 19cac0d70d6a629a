//! Registered machine code: from a return address to the function and its safe point.

use crate::proto::RtProto;
use trinity_abi::unit::{FuncDesc, InlineFrame, SafePoint, flag};
use trinity_frontend::hash::WordSet;

struct Unit {
    start: usize,
    end: usize,
    funcs: &'static [FuncDesc],
    protos: Vec<*mut RtProto>,
}

/// All code registered with one Lua state.
#[derive(Default)]
pub struct Units {
    /// Sorted by start address.
    units: Vec<Unit>,
    /// Some code has `flag::ASSUMES_UPVALUES`.
    pub assumes_upvalues: bool,
    /// Closures may share cells that are not one variable (`debug.upvaluejoin`).
    pub joined: bool,
    /// Deoptimisation stress: return addresses whose safe points have been left already. `None`: the mode is off.
    pub stress: Option<trinity_frontend::hash::WordSet<usize>>,
}

/// Whether the environment asks for deoptimisation stress.
pub fn stress_wanted() -> bool {
    std::env::var_os("TRINITY_DEOPT_STRESS").is_some_and(|v| v == "1")
}

/// What is known about a return address in machine code.
#[derive(Clone, Copy)]
pub struct Site {
    /// The function's table entry.
    pub func: &'static FuncDesc,
    /// Its loaded prototype.
    pub proto: *mut RtProto,
    /// The safe point at this address.
    pub point: SafePoint,
    /// Prototypes of the module, in preorder.
    protos: *const *mut RtProto,
}

impl Site {
    /// The prototype of the frame number `inlined` of the function's table, or of the function itself (0).
    pub fn proto_of(&self, inlined: usize) -> *mut RtProto {
        match inlined_frame(self.func, inlined) {
            // SAFETY: the compiler's numbers are those of the module's functions; the unit lives as long as the state.
            Some(f) => unsafe { *self.protos.add(f.func as usize) },
            None => self.proto,
        }
    }
}

/// Entry number `inlined` (from 1) of a function's table of inlined calls; `None` for 0, the function itself.
pub fn inlined_frame(func: &FuncDesc, inlined: usize) -> Option<InlineFrame> {
    let i = inlined.checked_sub(1)?;
    debug_assert!(i < func.num_inlines as usize);
    // SAFETY: constant data of the executable with this many entries; numbers in the tables are inside.
    (i < func.num_inlines as usize).then(|| unsafe { *func.inlines.add(i) })
}

impl Units {
    /// Registers a module. Functions and versions are in address order, `protos` are those of the functions; both stay alive as long as the state
    /// (the prototypes are anchored by the caller).
    pub fn add(&mut self, funcs: &'static [FuncDesc], protos: Vec<*mut RtProto>) {
        let (Some(first), Some(last)) = (funcs.first(), funcs.last()) else {
            return;
        };
        self.assumes_upvalues |= funcs.iter().any(|f| f.flags & flag::ASSUMES_UPVALUES != 0);
        let unit = Unit {
            start: first.entry as usize,
            end: last.entry as usize + last.code_size as usize,
            funcs,
            protos,
        };
        let at = self.units.partition_point(|u| u.start < unit.start);
        self.units.insert(at, unit);
    }

    /// The function around `p`, if both belong to registered modules.
    pub fn parent_of(&self, p: *mut RtProto) -> Option<*mut RtProto> {
        let unit = self.units.iter().find(|u| u.protos.contains(&p))?;
        // SAFETY: prototypes of a registered module live as long as the state.
        let is_parent = |q: &&*mut RtProto| unsafe { (&(***q).children).contains(&p) };
        unit.protos.iter().find(is_parent).copied()
    }

    /// Functions not given up yet whose code relies on upvalues, and in which one of `seen` is compiled or inlined.
    pub fn relying_on(&self, seen: &WordSet<*mut RtProto>) -> Vec<*mut RtProto> {
        let mut out = Vec::new();
        for unit in &self.units {
            for f in unit.funcs {
                let p = unit.protos[f.of as usize];
                let inlined = |n| {
                    inlined_frame(f, n)
                        .is_some_and(|i| seen.contains(&unit.protos[i.func as usize]))
                };
                // SAFETY: as above.
                if f.flags & flag::ASSUMES_UPVALUES != 0
                    && !unsafe { (*p).broken }
                    && !out.contains(&p)
                    && (seen.contains(&p) || (1..=f.num_inlines as usize).any(inlined))
                {
                    out.push(p);
                }
            }
        }
        out
    }

    /// Function number `n` of the module in which a function's code is.
    pub fn proto_of(&self, of: *const FuncDesc, n: usize) -> Option<*mut RtProto> {
        let has = |u: &&Unit| u.funcs.as_ptr_range().contains(&of);
        self.units.iter().find(has).map(|u| u.protos[n])
    }

    /// Looks up a return address; `None` when it is not a safe point of registered code.
    pub fn find(&self, ret: usize) -> Option<Site> {
        let u = self
            .units
            .partition_point(|u| u.start <= ret)
            .checked_sub(1)?;
        let unit = &self.units[u];
        if ret > unit.end {
            return None;
        }
        // A return address can be the first byte after a function (a call that never returns), so search one byte before.
        let f = unit
            .funcs
            .partition_point(|f| (f.entry as usize) < ret)
            .checked_sub(1)?;
        let func = &unit.funcs[f];
        let offset = (ret - func.entry as usize) as u32;
        // SAFETY: the table is constant data of the executable with this many entries.
        let points =
            unsafe { std::slice::from_raw_parts(func.safepoints, func.num_safepoints as usize) };
        let p = points
            .binary_search_by_key(&offset, |p| p.ret_offset)
            .ok()?;
        Some(Site {
            func,
            proto: unit.protos[func.of as usize],
            point: points[p],
            protos: unit.protos.as_ptr(),
        })
    }
}
