//! Values that wait on the native stack are written to their home slots before anybody looks at a frame.
//!
//! Optimised code does not store what waits in a call: a list at the safe point says where each register is (`trinity_abi::live`). A walk calls
//! [`complete`] for every place that it finds, so that whoever walks sees all live registers in their home slots, and so does the
//! interpreter, to which only walked frames are left. Nothing else looks at slots of waiting frames. Writing is idempotent: as long as the frame
//! waits its native slots do not change, and its home slots belong to nobody else. A frame that is to be left lazily was completed by the walk that
//! said so, and is not completed again: `debug.setlocal` may have changed its slots since.

use super::units::Site;
use crate::thread::Thread;
use crate::value::Value;
use trinity_abi::live::{Payload, Place, Reader, Tag};

/// Writes the registers that wait at `site`, whose return address is at `ret_slot`; `base`: of the outermost frame of that code.
///
/// # Safety
/// The thread is stopped, and a frame of the site's function waits there.
pub unsafe fn complete(th: *mut Thread, site: &Site, ret_slot: *mut usize, base: *mut Value) {
    let Some(at) = site.point.live.checked_sub(1) else {
        return;
    };
    let word = |p: Place| match p {
        // SAFETY: the compiler's places are within the frame, which starts above its return address.
        Place::Word(n) => unsafe {
            *(*th)
                .native
                .at(ret_slot.wrapping_add(1 + n as usize) as usize) as u64
        },
        Place::Const(n) => n,
    };
    // SAFETY: lists are constant data of the executable; slots are below the frame's end.
    unsafe {
        for e in Reader::new(site.func.live.add(at as usize)) {
            let slot = base.add(e.slot as usize);
            match e.payload {
                Payload::None => {}
                Payload::Word(p) => (*slot).p = word(p),
                Payload::Count {
                    index,
                    last,
                    step,
                    unsigned,
                } => {
                    let distance = word(last).wrapping_sub(word(index));
                    let step = word(step) as i64;
                    (*slot).p = match unsigned {
                        true if step > 0 => distance / step as u64,
                        true => distance.wrapping_neg() / step.unsigned_abs().max(1),
                        false => (distance as i64).checked_div(step).unwrap_or(0) as u64,
                    };
                }
            }
            let tag = match e.tag {
                Tag::Const(t) => t,
                Tag::Word(p) => word(p) as u8,
            };
            // With the tag the mark of function slots: such a function was called, not tail-called.
            slot.byte_add(trinity_abi::VALUE_TAG as usize)
                .cast::<u16>()
                .write(u16::from(tag));
        }
    }
}
