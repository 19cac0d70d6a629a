//! Loading: source text or binary chunk to a function value.
//!
//! The front end's prototype becomes an [`RtProto`]: constants as values, caches beside the code. Nothing collects meanwhile, so the
//! parts need no roots until the closure is pushed. Equal long strings of one chunk are one object, as the reference's scanner makes them
//! (`%p` tells).

use crate::closure;
use crate::error::{LResult, Raise, Status};
use crate::heap;
use crate::native::{entry, stack as native_stack};
use crate::object::{LuaClosure, Str};
use crate::proto::{Cache, RtProto};
use crate::raise::{self, OrRaise};
use crate::state::Global;
use crate::thread::Lua;
use crate::value::{Value, tag};
use std::cell::OnceCell;
use trinity_abi::string::MAX_SHORT;
use trinity_frontend::bytecode::{Const, LoadError, Proto, undump, undump_own};
use trinity_frontend::hash::WordMap;
use trinity_frontend::{CompileOptions, compile_with};

/// Source text, chunk name and the levels of C calls in use to a prototype, or a message and whether it nests too deep.
pub type ReadText = fn(&[u8], &[u8], u32) -> Result<Proto, (Vec<u8>, bool)>;

/// The front end.
pub(crate) fn compile_text(
    text: &[u8],
    chunkname: &[u8],
    levels: u32,
) -> Result<Proto, (Vec<u8>, bool)> {
    compile_with(text, chunkname, CompileOptions { levels }).map_err(|e| {
        let overflow = e.is_overflow();
        (e.message, overflow)
    })
}

/// Gives a state the front end. An executable refers to this if it can load code (`trinity_abi::unit::TextDesc`).
///
/// # Safety
/// `state` is a live `Global`.
#[unsafe(no_mangle)]
unsafe extern "C" fn trinity_text_start(state: *mut ()) {
    // SAFETY: by contract.
    unsafe { (*state.cast::<Global>()).read_text = Some(compile_text) };
}

/// Raises an error if the program is closed: `what` would break what its code was compiled for.
pub(crate) fn unless_closed(l: Lua, what: &str) -> LResult<()> {
    // SAFETY: live handle.
    match unsafe { (*l.global()).read_text } {
        Some(_) => Ok(()),
        None => Err(l.error(&format!(
            "{what} is not available: the program was compiled with --closed"
        ))),
    }
}

/// Native stack that parsing needs at its deepest nesting.
const PARSER_STACK: usize = 1 << 20;
/// First byte of binary chunks.
const SIGNATURE: u8 = 0x1b;

/// lua_load: pushes the function, with its first upvalue set to the globals, or the message.
pub fn load(l: Lua, chunk: &[u8], chunkname: &[u8], mode: &str) -> Status {
    push_function(l, front_end(l, chunk, chunkname, mode))
}

/// The same for a binary chunk of the program itself, whose machine code is in the executable.
pub(crate) fn load_own(l: Lua, chunk: &[u8], chunkname: &[u8]) -> Status {
    push_function(l, binary(l, chunk, chunkname, undump_own))
}

fn push_function(l: Lua, loaded: Result<Proto, Refusal>) -> Status {
    let r = match loaded {
        Ok(p) => main_closure(l, p).map(|f| (f, Status::Ok)),
        // Nesting too deep is a runtime error: a message handler sees it.
        Err(Refusal {
            message,
            overflow: true,
        }) => Err(raise::run_error(l, &message)),
        Err(Refusal { message, .. }) => l.new_str(&message).map(|s| {
            // SAFETY: made just now.
            (unsafe { Value::str(s) }, Status::Syntax)
        }),
    };
    let (v, status) = match r {
        Ok(r) => r,
        // SAFETY: live handle.
        Err(Raise(())) => unsafe { ((*l.thread()).error, (*l.thread()).error_status) },
    };
    l.push(v);
    status
}

/// Why a chunk was not loaded.
struct Refusal {
    message: Vec<u8>,
    /// It nests too deep.
    overflow: bool,
}

impl From<Vec<u8>> for Refusal {
    fn from(message: Vec<u8>) -> Refusal {
        Refusal {
            message,
            overflow: false,
        }
    }
}

/// Text or binary, as the first byte says and the mode allows.
fn front_end(l: Lua, chunk: &[u8], chunkname: &[u8], mode: &str) -> Result<Proto, Refusal> {
    let is_binary = chunk.first() == Some(&SIGNATURE);
    let kind = if is_binary { "binary" } else { "text" };
    if !mode.contains(&kind[..1]) {
        return Err(format!("attempt to load a {kind} chunk (mode is '{mode}')")
            .into_bytes()
            .into());
    }
    // SAFETY: live handle.
    let Some(read_text) = (unsafe { (*l.global()).read_text }) else {
        let text =
            format!("attempt to load a {kind} chunk (the program was compiled with --closed)");
        return Err(text.into_bytes().into());
    };
    if is_binary {
        return binary(l, chunk, chunkname, undump);
    }
    // SAFETY: live handle.
    let levels = unsafe { (*l.thread()).nccalls };
    on_stack(l, || read_text(chunk, chunkname, levels))
        .map_err(|(message, overflow)| Refusal { message, overflow })
}

fn binary(
    l: Lua,
    chunk: &[u8],
    chunkname: &[u8],
    reader: fn(&[u8]) -> Result<Proto, LoadError>,
) -> Result<Proto, Refusal> {
    on_stack(l, || reader(chunk).map_err(|e| e.message(chunkname).into()))
}

/// Runs `f`, which never re-enters Lua, with enough native stack.
fn on_stack<R>(l: Lua, f: impl FnOnce() -> R) -> R {
    // SAFETY: live handle.
    let limit = unsafe { (*l.thread()).native_limit };
    if limit != 0 && native_stack::stack_pointer() < limit.saturating_add(PARSER_STACK) {
        native_stack::on_big_stack(f)
    } else {
        f()
    }
}

/// A closure of a main function, its first upvalue set to the globals.
fn main_closure(l: Lua, p: Proto) -> LResult<Value> {
    // SAFETY: live handle; nothing collects before the closure is reachable.
    unsafe {
        let g = l.global();
        let p = instantiate(l, p, &mut LongStrings::default())?;
        let n = (&(*p).src.upvals).len();
        let c = closure::new_lua(g, p, entry::stub_interp(), n as u32).or_raise(l)?;
        for i in 0..n {
            let v = if i == 0 {
                Value::table((*g).globals)
            } else {
                Value::NIL
            };
            *LuaClosure::upval(c, i) = closure::new_cell(g, v).or_raise(l)?;
        }
        Ok(Value {
            p: c as u64,
            t: tag::LUA_FN,
        })
    }
}

/// Long strings made for a chunk so far, by content. Nothing collects while a chunk is loaded, so the bytes stay.
#[derive(Default)]
struct LongStrings(WordMap<&'static [u8], *mut Str>);

impl LongStrings {
    /// The string constant with these bytes; `None` without memory.
    unsafe fn get(&mut self, g: *mut Global, bytes: &[u8]) -> Option<*mut Str> {
        unsafe {
            if bytes.len() <= MAX_SHORT {
                return crate::string::new(g, bytes).ok();
            }
            if let Some(&s) = self.0.get(bytes) {
                return Some(s);
            }
            let s = crate::string::new(g, bytes).ok()?;
            self.0.insert(Str::bytes(s), s);
            Some(s)
        }
    }
}

/// Makes the runtime's form of a prototype and its children.
fn instantiate(l: Lua, mut p: Proto, strings: &mut LongStrings) -> LResult<*mut RtProto> {
    // SAFETY: live handle; nothing collects here.
    unsafe {
        let g = l.global();
        let mut children = Vec::with_capacity(p.protos.len());
        let mut stubs = Vec::with_capacity(p.protos.len());
        for child in std::mem::take(&mut p.protos) {
            stubs.push(captures_only(&child));
            children.push(instantiate(l, child, strings)?);
        }
        p.protos = stubs;
        let mut upval_names = Vec::with_capacity(p.upvals.len());
        for u in &p.upvals {
            upval_names.push(match &u.name {
                Some(n) => crate::string::new(g, n).or_raise(l)?,
                None => std::ptr::null_mut(),
            });
        }
        let num_consts = p.consts.len();
        let consts: *mut Value = if num_consts == 0 {
            std::ptr::null_mut()
        } else {
            (*g).heap
                .raw_alloc(num_consts * size_of::<Value>())
                .or_raise(l)?
                .cast()
        };
        for (i, c) in p.consts.iter().enumerate() {
            *consts.add(i) = match c {
                Const::Nil => Value::NIL,
                Const::Bool(b) => Value::bool(*b),
                Const::Int(n) => Value::int(*n),
                Const::Float(f) => Value::float(*f),
                Const::Str(s) => match strings.get(g, s) {
                    Some(s) => Value::str(s),
                    None => {
                        (*g).heap
                            .raw_free(consts.cast(), num_consts * size_of::<Value>());
                        return Err(raise::memory_error(l));
                    }
                },
            };
        }
        let num_caches = p.num_caches;
        let caches: *mut Cache = match (*g).heap.raw_alloc(Cache::bytes(num_caches)) {
            Ok(p) => p.cast(),
            Err(_) => {
                if num_consts > 0 {
                    (*g).heap
                        .raw_free(consts.cast(), num_consts * size_of::<Value>());
                }
                return Err(raise::memory_error(l));
            }
        };
        for i in 0..=num_caches as usize {
            *caches.add(i) = Cache::EMPTY;
        }
        // The cells behind them.
        let cells = caches.add(num_caches as usize + 1);
        let bytes = Cache::bytes(num_caches) - (num_caches as usize + 1) * size_of::<Cache>();
        cells.cast::<u8>().write_bytes(0xff, bytes);
        let src = Box::new(p);
        let rt = RtProto {
            h: crate::object::Header {
                kind: trinity_abi::tag::PROTO,
                mark: 0,
                flags: 0,
                aux8: 0,
                aux32: 0,
            },
            consts,
            caches,
            child_list: children.as_ptr(),
            code: src.code.as_ptr(),
            num_consts: num_consts as u32,
            num_caches,
            code_len: src.code.len() as u32,
            num_params: src.num_params,
            max_stack: src.max_stack,
            is_vararg: src.is_vararg,
            broken: false,
            native_code: std::ptr::null(),
            desc: std::ptr::null(),
            code_slots: src.max_stack.into(),
            guard_failures: 0,
            calls: 0,
            back_edges: 0,
            observed: 0,
            children,
            upval_names,
            src,
            liveness: OnceCell::new(),
        };
        heap::alloc_proto(g, rt).or_raise(l)
    }
}

/// What remains of a child in its parent's prototype: which cells CLOSURE captures (liveness asks).
fn captures_only(p: &Proto) -> Proto {
    Proto {
        source: None,
        line_defined: 0,
        last_line_defined: 0,
        num_params: 0,
        is_vararg: false,
        max_stack: 0,
        code: Vec::new(),
        consts: Vec::new(),
        protos: Vec::new(),
        upvals: p.upvals.clone(),
        lines: Vec::new(),
        loc_vars: Vec::new(),
        num_caches: 0,
    }
}
