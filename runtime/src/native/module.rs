//! Start of a compiled executable: registers its modules' code, offers the bundled ones to `require`, runs the main one.

use super::entry;
use crate::error::LResult;
use crate::object::{LuaClosure, Table};
use crate::proto::RtProto;
use crate::thread::Lua;
use crate::value::Value;
use trinity_abi::unit::{FuncDesc, ModuleDesc};

/// A module of the running executable.
pub struct Module {
    /// Name as `require` takes it; empty for the main program.
    pub name: &'static str,
    /// File it was compiled from.
    pub file: &'static str,
    chunk: &'static [u8],
    funcs: &'static [FuncDesc],
}

impl Module {
    /// Reads a descriptor.
    ///
    /// # Safety
    /// `d` is one the compiler wrote into this executable.
    pub unsafe fn from_desc(d: &ModuleDesc) -> Module {
        unsafe fn bytes(p: *const u8, n: u64) -> &'static [u8] {
            if n == 0 { &[] } else { unsafe { std::slice::from_raw_parts(p, n as usize) } }
        }
        unsafe {
            Module {
                name: std::str::from_utf8_unchecked(bytes(d.name, d.name_len)),
                file: std::str::from_utf8_unchecked(bytes(d.file, d.file_len)),
                chunk: bytes(d.chunk, d.chunk_len),
                funcs: if d.num_funcs == 0 {
                    &[]
                } else {
                    std::slice::from_raw_parts(d.funcs, d.num_funcs as usize)
                },
            }
        }
    }

    /// Loads the module's function on top of the stack, with its machine code attached.
    pub fn load(&self, l: Lua) -> LResult<()> {
        let name = [b"@", self.file.as_bytes()].concat();
        match l.load(self.chunk, &name, "b") {
            crate::error::Status::Ok => {}
            _ => {
                let v = l.pop_value();
                return Err(l.throw(v));
            }
        }
        // SAFETY: `load` left a Lua closure on top; the protos live as long as the state because the registry anchors it.
        unsafe {
            let closure = l.arg(-1).as_lua_fn();
            let mut protos = Vec::with_capacity(self.funcs.len());
            collect((*closure).proto, &mut protos);
            if protos.len() == self.funcs.len() {
                for (p, f) in protos.iter().zip(self.funcs) {
                    (**p).native_code = f.entry;
                }
                attach(closure);
                l.raw_set(l.subtable(l.registry(), "_TRINITY_CODE")?, l.arg(-1), Value::TRUE)?;
                (*(*l.0.as_ptr()).global).units.add(self.funcs, protos);
            }
        }
        Ok(())
    }
}

/// Prototypes in preorder, as the compiler numbers them.
unsafe fn collect(p: *mut RtProto, out: &mut Vec<*mut RtProto>) {
    unsafe {
        out.push(p);
        for i in 0..(&(*p).children).len() {
            collect((&(*p).children)[i], out);
        }
    }
}

/// Sets the code pointer of a closure made before its prototype had machine code.
unsafe fn attach(c: *mut LuaClosure) {
    unsafe {
        let code = (*(*c).proto).native_code;
        (*c).code = if code.is_null() { entry::stub_interp() } else { code };
    }
}

fn bundled_loader(l: Lua) -> LResult<u32> {
    // Upvalue 1: pointer to the module, as light userdata. Called as a loader: (name, file).
    // SAFETY: made by `offer` from a leaked module.
    let m = unsafe { &*(l.upvalue(1).p as *const Module) };
    m.load(l)?;
    let (name, file) = (l.arg(1), l.arg(2));
    l.push(name);
    l.push(file);
    l.call(2, 1)?;
    Ok(1)
}

/// Makes a bundled module available to `require` before the file searchers.
pub fn offer(l: Lua, m: &'static Module, bundled: *mut Table) -> LResult<()> {
    let f = l.new_native(bundled_loader, &[Value::light(std::ptr::from_ref(m) as *mut u8)])?;
    l.raw_set_str(bundled, m.name, f)
}
