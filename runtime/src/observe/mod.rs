//! Observation of a running program, for `trinityc --profile-gen` (docs/profiles.md).
//!
//! Every function of such an executable is interpreted by a third instance of the loop (`interp::run_observed`), which tells the
//! [`Observer`] of each instruction before it executes; what an instruction did is seen when the next one of the same frame comes. Only
//! functions that the executable was compiled with are observed, not those made by `load`, and nothing while a debug hook is set.
//!
//! Nothing but the compiler's table of such an executable refers to this module: other executables are linked without it.
//!
//! `site` what one instruction sees; `origins` where tables were made; `shapes` the tables it accesses; `natives` names of library functions; `report` the file.

mod natives;
mod origins;
mod report;
mod shapes;
mod site;

use crate::error::LResult;
use crate::interp::{self, Exit, Last, Watch};
use crate::proto::RtProto;
use crate::state::Global;
use crate::thread::{CallInfo, Lua};
use crate::value::Value;
use natives::Natives;
use origins::Origins;
use shapes::KeyLists;
use site::{SiteRecord, View};
use std::cell::UnsafeCell;
use std::path::PathBuf;
use trinity_abi::unit::ProfileDesc;
use trinity_frontend::bytecode::{Instr, Op};
use trinity_profile::{Profile, TagSet};

/// Counters of a function.
#[derive(Default)]
struct FuncRecord {
    calls: u64,
    params: Vec<TagSet>,
    /// By pc; empty until the function first runs.
    sites: Vec<SiteRecord>,
}

/// Everything seen so far.
struct Data {
    /// The program's functions, of which nothing was seen; where they are in it is their number.
    skeleton: Profile,
    funcs: Vec<FuncRecord>,
    natives: Natives,
    keys: KeyLists,
    origins: Origins,
    /// Where the profile goes.
    path: PathBuf,
}

/// See the module. One per process; it lives until the process ends.
pub struct Observer {
    /// Borrowed while an instruction is looked at, which runs no Lua code.
    data: UnsafeCell<Data>,
}

/// Called by the start of an executable that observes itself, before any Lua code runs.
///
/// # Safety
/// `state` is a live `Global`; `desc` was written by the compiler into this executable.
#[unsafe(no_mangle)]
unsafe extern "C" fn trinity_profile_start(state: *mut (), desc: &ProfileDesc) -> bool {
    // SAFETY: by contract.
    let bytes = unsafe { std::slice::from_raw_parts(desc.skeleton, desc.skeleton_len as usize) };
    let skeleton = match Profile::decode(bytes) {
        Ok(p) => p,
        Err(e) => {
            report::say(&format!("the table of functions in this executable: {e}"));
            return false;
        }
    };
    let funcs = skeleton.funcs.iter().map(|_| FuncRecord::default());
    let observer = Box::leak(Box::new(Observer {
        data: UnsafeCell::new(Data {
            funcs: funcs.collect(),
            skeleton,
            natives: Natives::default(),
            keys: KeyLists::default(),
            origins: Origins::default(),
            path: report::path(),
        }),
    }));
    report::at_exit(observer);
    // SAFETY: by contract; nothing runs yet.
    unsafe { (*state.cast::<Global>()).observer = Some(observer) };
    true
}

impl Watch for Observer {
    unsafe fn run(&self, l: Lua, ci: *mut CallInfo, start: bool) -> Exit {
        // SAFETY: as for the caller.
        unsafe { interp::run_observed(l, ci, start) }
    }

    fn libraries_open(&self, l: Lua) -> LResult<()> {
        let natives = Natives::of_libraries(l)?;
        // SAFETY: not borrowed, since no instruction is being looked at.
        unsafe { (*self.data.get()).natives = natives };
        Ok(())
    }

    unsafe fn module_loaded(&self, module: &str, protos: &[*mut RtProto]) {
        // SAFETY: as for `libraries_open`; the prototypes are live.
        unsafe {
            let data = &*self.data.get();
            let start = data
                .skeleton
                .funcs
                .partition_point(|f| *f.key.module < *module);
            for (n, (p, f)) in protos.iter().zip(data.skeleton.module(module)).enumerate() {
                if f.code.len() == (**p).code_len as usize {
                    (**p).observed = (start + n + 1) as u32;
                }
            }
        }
    }

    unsafe fn before(
        &self,
        l: Lua,
        ci: *mut CallInfo,
        base: *mut Value,
        pc: *const Instr,
        last: &mut Last,
    ) {
        // SAFETY: the loop is at a verified instruction of the frame; the borrow ends before it goes on.
        unsafe {
            let p = interp::ops::proto_at(base);
            let before = std::mem::replace(
                last,
                Last {
                    ci,
                    proto: p,
                    pc,
                    start: false,
                },
            );
            let data = &mut *self.data.get();
            let Some(number) = ((*p).observed as usize).checked_sub(1) else {
                return;
            };
            let f = &mut data.funcs[number];
            if f.sites.is_empty() {
                let len = (*p).code_len as usize;
                f.sites.resize_with(len, SiteRecord::default);
                f.params = vec![TagSet::EMPTY; (*p).num_params as usize];
            }
            let at = pc.offset_from((*p).code) as usize;
            let mut view = View {
                l,
                base,
                proto: p,
                natives: &data.natives,
                keys: &mut data.keys,
                origins: &mut data.origins,
                number: number as u32,
            };
            match came_from(&before, ci, p, at) {
                Came::Entered => {
                    f.calls += 1;
                    for (n, seen) in f.params.iter_mut().enumerate() {
                        seen.insert((*base.add(n)).t);
                    }
                }
                Came::After(previous) => f.sites[previous].after(&mut view, previous, at),
                Came::Unknown => {}
            }
            f.sites[at].before(&mut view, *pc);
            if let Some(((number, at), len)) = data.origins.seen.take() {
                let site = data.funcs[number as usize].sites.get_mut(at as usize);
                site.into_iter().for_each(|s| s.array_of(len));
            }
        }
    }
}

/// How the loop got to an instruction.
enum Came {
    /// By a call.
    Entered,
    /// Behind the instruction at this index, which is complete.
    After(usize),
    /// In the middle of the function, from another loop.
    Unknown,
}

/// From what this loop saw last. A frame that another one returned to is behind its call.
unsafe fn came_from(last: &Last, ci: *mut CallInfo, p: *mut RtProto, at: usize) -> Came {
    unsafe {
        if last.ci == ci && last.proto == p && (*last.pc).op() != Op::TailCall {
            return Came::After(last.pc.offset_from((*p).code) as usize);
        }
        if at == 0 {
            return if last.start || !last.ci.is_null() {
                Came::Entered
            } else {
                Came::Unknown
            };
        }
        let call = matches!((*(*p).code.add(at - 1)).op(), Op::Call | Op::TForCall);
        if call && !last.ci.is_null() {
            Came::After(at - 1)
        } else {
            Came::Unknown
        }
    }
}
