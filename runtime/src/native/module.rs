//! Start of a compiled executable: registers its modules' code, offers the bundled ones to `require`, runs the main one.

use super::units::inlined_frame;
use crate::cli;
use crate::error::{LResult, Status};
use crate::proto::RtProto;
use crate::thread::Lua;
use crate::value::Value;
use trinity_abi::unit::{FuncDesc, ModuleDesc, ProfileDesc, TextDesc, flag};

/// A module of the running executable.
pub struct Module {
    /// Name as `require` takes it; empty for the main program.
    pub name: String,
    /// File it was compiled from.
    pub file: String,
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
            if n == 0 {
                &[]
            } else {
                unsafe { std::slice::from_raw_parts(p, n as usize) }
            }
        }
        unsafe {
            Module {
                name: String::from_utf8_lossy(bytes(d.name, d.name_len)).into_owned(),
                file: String::from_utf8_lossy(bytes(d.file, d.file_len)).into_owned(),
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
        match crate::load::load_own(l, self.chunk, &name) {
            crate::error::Status::Ok => {}
            _ => {
                let v = l.pop_value();
                return Err(l.throw(v));
            }
        }
        // SAFETY: `load` left a Lua closure on top; the protos live as long as the state because the registry anchors it.
        unsafe {
            attach(l, &self.name, self.funcs)?;
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

/// Gives the main function of `module` on top of the stack, and all within it, their machine code; what does not belong to it is ignored. The registry
/// keeps the function.
///
/// # Safety
/// It was loaded just now and has not run; `funcs` and all they refer to live for ever.
pub unsafe fn attach(l: Lua, module: &str, funcs: &'static [FuncDesc]) -> LResult<()> {
    unsafe {
        let closure = l.arg(-1).as_lua_fn();
        let mut protos = Vec::new();
        collect((*closure).proto, &mut protos);
        // Versions come behind the functions.
        let own = (0..).zip(funcs).take_while(|(n, f)| f.of == *n).count();
        if protos.len() != own {
            return Ok(());
        }
        for (n, f) in funcs.iter().enumerate() {
            let p = protos[f.of as usize];
            if f.flags & flag::INTERPRETED == 0 {
                if n < own {
                    (*p).native_code = f.entry;
                    (*p).desc = f;
                }
                for k in 1..=f.num_inlines as usize {
                    if let Some(i) = inlined_frame(f, k) {
                        let inner = protos[i.func as usize];
                        let end = u32::from(i.delta) + u32::from((*inner).max_stack);
                        (*p).code_slots = (*p).code_slots.max(end);
                    }
                }
            }
        }
        // It was made before its prototype had machine code.
        if !(*(*closure).proto).native_code.is_null() {
            (*closure).code = (*(*closure).proto).native_code;
        }
        if let Some(o) = (*l.global()).observer {
            o.module_loaded(module, &protos);
        }
        l.raw_set(
            l.subtable(l.registry(), "_TRINITY_CODE")?,
            l.arg(-1),
            Value::TRUE,
        )?;
        (*(*l.0.as_ptr()).global).units.add(funcs, protos);
        Ok(())
    }
}

/// What `run` needs, reached through a light userdata.
struct Program {
    modules: Vec<Module>,
    args: Vec<Vec<u8>>,
}

/// Loader of a bundled module: pushes its main function when it is first required.
fn bundled_loader(l: Lua) -> LResult<u32> {
    // SAFETY: made by `run` from a module of the leaked program.
    let m = unsafe { &*(l.upvalue(1).p as *const Module) };
    m.load(l)?;
    Ok(1)
}

/// The whole executable as a function; its result tells whether all went well.
fn run(l: Lua) -> LResult<u32> {
    // SAFETY: made by `run_executable` from a leaked program.
    let program = unsafe { &*(l.upvalue(1).p as *const Program) };
    crate::lib::open_libs(l)?;
    // SAFETY: the state is live.
    if let Some(o) = unsafe { (*l.global()).observer } {
        o.libraries_open(l)?;
    }
    // An executable is its own script: arg[0] is its name.
    cli::create_arg_table(l, &program.args, 0)?;
    // SAFETY: zeros keep the parameters; nothing is collected here.
    unsafe { crate::heap::generational(l.global(), 0, 0) };
    for m in program.modules.iter().filter(|m| !m.name.is_empty()) {
        let f = l.new_native(
            bundled_loader,
            &[Value::light(std::ptr::from_ref(m) as *mut u8)],
        )?;
        l.push(f);
        crate::lib::package::add_bundled(l, &m.name, &m.file, f)?;
        l.pop(1);
    }
    let name = program.args.first().map_or(&b"?"[..], |a| a);
    let mut ok = true;
    for m in program.modules.iter().filter(|m| m.name.is_empty()) {
        m.load(l)?;
        let n = cli::push_args(l)?;
        let status = cli::call(l, n, 0)?;
        ok = cli::report(l, status, Some(name));
    }
    l.push(Value::bool(ok));
    Ok(1)
}

/// Runs a compiled executable with its modules (the main program is the one without a name). Returns the exit code.
///
/// # Safety
/// `modules`, `profile` and `text` were written by the compiler into this executable.
pub unsafe fn run_executable(
    modules: &[ModuleDesc],
    profile: &ProfileDesc,
    text: &TextDesc,
    args: Vec<Vec<u8>>,
) -> i32 {
    // SAFETY: no other thread runs yet. A closed pipe ends a Lua program silently, as it does other Unix programs.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    cli::keep_freed_memory();
    let name = args.first().cloned().unwrap_or_default();
    // SAFETY: by contract. The program lives as long as the process.
    let modules = unsafe { modules.iter().map(|d| Module::from_desc(d)).collect() };
    let program: &'static Program = Box::leak(Box::new(Program { modules, args }));
    let Some(l) = crate::state::closed_state() else {
        cli::message(Some(&name), b"cannot create state: not enough memory");
        return 1;
    };
    // SAFETY: the state was made now and nothing runs in it.
    unsafe {
        (*l.global()).heap.stress = crate::heap::Stress::from_environment();
        if super::units::stress_wanted() {
            (*l.global()).units.stress = Some(Default::default());
        }
        if let Some(start) = text.start {
            start(l.global().cast());
        }
        if let Some(start) = profile.start
            && !start(l.global().cast(), profile)
        {
            return 1;
        }
    }
    let done = super::stack::run_main(l, || {
        let (status, done) =
            match l.new_native(run, &[Value::light(std::ptr::from_ref(program) as *mut u8)]) {
                Ok(f) => {
                    l.push(f);
                    // As deep as lua.c's, to the slot.
                    l.push(Value::NIL);
                    l.push(Value::NIL);
                    let status = l.pcall(2, 1, 0);
                    (status, status == Status::Ok && l.arg(-1).truthy())
                }
                Err(_) => (Status::Memory, false),
            };
        cli::report(l, status, Some(&name));
        crate::state::close(l);
        done
    });
    crate::lib::io::stdio::flush_stdout();
    i32::from(!done)
}
