//! Registered machine code: from a return address to the function and its safe point.

use crate::proto::RtProto;
use trinity_abi::unit::{FuncDesc, SafePoint};

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
    /// Deoptimisation stress: return addresses whose safe points have been left already. `None`: the mode is off.
    pub stress: Option<trinity_frontend::hash::WordSet<usize>>,
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
}

impl Units {
    /// Registers a module. Functions are in address order and `protos` is parallel to them; both stay alive as long as the state
    /// (the prototypes are anchored by the caller).
    pub fn add(&mut self, funcs: &'static [FuncDesc], protos: Vec<*mut RtProto>) {
        let (Some(first), Some(last)) = (funcs.first(), funcs.last()) else {
            return;
        };
        let unit = Unit {
            start: first.entry as usize,
            end: last.entry as usize + last.code_size as usize,
            funcs,
            protos,
        };
        let at = self.units.partition_point(|u| u.start < unit.start);
        self.units.insert(at, unit);
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
            proto: unit.protos[f],
            point: points[p],
        })
    }
}
