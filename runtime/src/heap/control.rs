//! What `collectgarbage` asks for.

use super::{Heap, State, cycle, generational as gen_mode};
use crate::state::Global;

/// Collector mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Incremental,
    Generational,
}

impl Heap {
    /// `collectgarbage("stop")`
    pub fn stop(&mut self) {
        self.stopped = true;
    }
    /// `collectgarbage("restart")`
    pub fn restart(&mut self) {
        self.set_debt(0);
        self.stopped = false;
    }
    /// Lets the collector go on after a [`Heap::stop`] of the runtime's own, where it was: unlike `restart` this makes no collection due.
    pub fn resume(&mut self) {
        self.stopped = false;
    }
    /// `collectgarbage("isrunning")`
    pub fn is_running(&self) -> bool {
        !self.stopped && !self.busy
    }
    /// Keeps the collector from running (during a finalizer call); returns the previous setting.
    pub fn set_busy(&mut self, busy: bool) -> bool {
        std::mem::replace(&mut self.busy, busy)
    }
    /// Inside a finalizer or the collector: every option of `collectgarbage` fails.
    pub fn is_busy(&self) -> bool {
        self.busy
    }
    /// `collectgarbage("setpause", v)`: the previous value.
    pub fn set_pause(&mut self, v: i32) -> i32 {
        std::mem::replace(&mut self.pause, (v / 4) as u8) as i32 * 4
    }
    /// `collectgarbage("setstepmul", v)`: the previous value.
    pub fn set_stepmul(&mut self, v: i32) -> i32 {
        std::mem::replace(&mut self.step_mul, (v / 4) as u8) as i32 * 4
    }
    /// The mode a program sees.
    fn visible_mode(&self) -> Mode {
        if self.mode == Mode::Generational || self.last_atomic != 0 {
            Mode::Generational
        } else {
            Mode::Incremental
        }
    }
}

/// `collectgarbage("step", n)`: true when a cycle ended.
pub unsafe fn gc_step(g: *mut Global, n: i32) -> bool {
    unsafe {
        let heap = &raw mut (*g).heap;
        if (*heap).busy {
            return false;
        }
        let stopped = std::mem::replace(&mut (*heap).stopped, false);
        let mut debt = 1;
        if n == 0 {
            (*heap).set_debt(0);
            cycle::step(g);
        } else {
            debt = n as isize * 1024 + (*heap).debt;
            (*heap).set_debt(debt);
            if debt > 0 {
                cycle::step(g);
            }
        }
        (*heap).stopped = stopped;
        debt > 0 && (*heap).state == State::Pause
    }
}

unsafe fn change_mode(g: *mut Global, mode: Mode) {
    unsafe {
        let heap = &raw mut (*g).heap;
        if (*heap).mode != mode {
            let busy = (*heap).set_busy(true);
            match mode {
                Mode::Generational => {
                    gen_mode::enter(g);
                }
                Mode::Incremental => gen_mode::leave(g),
            }
            (*heap).busy = busy;
        }
        (*heap).last_atomic = 0;
    }
}

/// `collectgarbage("incremental", ...)`: zero keeps a parameter. Returns the previous mode.
pub unsafe fn incremental(g: *mut Global, pause: i32, stepmul: i32, stepsize: i32) -> Mode {
    unsafe {
        let heap = &mut (*g).heap;
        let old = heap.visible_mode();
        if pause != 0 {
            heap.set_pause(pause);
        }
        if stepmul != 0 {
            heap.set_stepmul(stepmul);
        }
        if stepsize != 0 {
            heap.step_size = stepsize as u8;
        }
        change_mode(g, Mode::Incremental);
        old
    }
}

/// `collectgarbage("generational", ...)`: zero keeps a parameter. Returns the previous mode.
pub unsafe fn generational(g: *mut Global, minor: i32, major: i32) -> Mode {
    unsafe {
        let heap = &mut (*g).heap;
        let old = heap.visible_mode();
        if minor != 0 {
            heap.minor_mul = minor as u8;
        }
        if major != 0 {
            heap.major_mul = (major / 4) as u8;
        }
        change_mode(g, Mode::Generational);
        old
    }
}
