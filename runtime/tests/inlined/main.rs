//! Inlined frames and guard exits: whatever inlined code does, and wherever it is left, Lua sees what it sees under the interpreter.
//!
//! Each program has functions that call each other and then something given from outside (an error, a yield, a hook, the debug library).
//! Its transcript under the interpreter is compared with those of machine code that has the calls inlined and is left before each
//! instruction in turn, or at none; with and without deoptimisation stress and collector stress.

mod assumptions;
mod code;
mod programs;

use code::{Code, Plan};
use programs::{Program, programs};
use std::arch::global_asm;
use std::sync::Mutex;
use std::sync::atomic::Ordering::Relaxed;
use trinity_abi::unit::{FuncDesc, flag};
use trinity_lower::Symbol;
use trinity_runtime::error::Status;
use trinity_runtime::heap::Stress;
use trinity_runtime::native::{exit, module, stack};
use trinity_runtime::object::Str;
use trinity_runtime::thread::Lua;

const AREA: usize = 1 << 16;

// Room for code, near the runtime's symbols: calls reach them by 32 bits.
global_asm!(
    ".text",
    ".p2align 12",
    ".globl trinity_test_area",
    "trinity_test_area:",
    ".skip {size}, 0xcc",
    ".p2align 12",
    size = const AREA,
);

unsafe extern "C" {
    fn trinity_test_area();
    fn trinity_h_call();
    fn trinity_h_grow_stack();
    fn trinity_h_vararg_prep();
    fn trinity_guard_exit();
}

/// The area is one for all tests.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn address(s: Symbol) -> usize {
    use trinity_abi::helpers::{Helper, stub};
    match s {
        Symbol::Helper(Helper::call) => trinity_h_call as *const () as usize,
        Symbol::Helper(Helper::grow_stack) => trinity_h_grow_stack as *const () as usize,
        Symbol::Helper(Helper::vararg_prep) => trinity_h_vararg_prep as *const () as usize,
        Symbol::Stub(stub::GUARD) => trinity_guard_exit as *const () as usize,
        other => panic!("{other:?}"),
    }
}

/// Puts the code of function `outer` into the area, and makes tables of a module of `n` functions.
fn place(code: Code, outer: usize, n: usize, flags: u32) -> &'static [FuncDesc] {
    let area = trinity_test_area as *const () as *mut u8;
    let len = code.func.code.len();
    assert!(len + 16 * n < AREA);
    // SAFETY: the area is there for this, and nothing runs in it.
    unsafe {
        let all = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
        assert_eq!(libc::mprotect(area.cast(), AREA, all), 0);
        let entry = area.add(16 * outer);
        entry.copy_from_nonoverlapping(code.func.code.as_ptr(), len);
        for r in &code.func.relocs {
            let at = entry.add(r.offset as usize);
            let to = address(Symbol::from_ref(r.symbol)) as i64 + r.addend - at as i64;
            at.cast::<i32>()
                .write_unaligned(i32::try_from(to).expect("the area is near"));
        }
        let points: &'static [_] = code.safepoints.leak();
        let inlines: &'static [_] = code.inlines.leak();
        let behind = 16 * (outer + 1) + len.next_multiple_of(16);
        let desc = |k: usize| {
            let compiled = k == outer;
            FuncDesc {
                entry: area.add(if k > outer { behind + 16 * k } else { 16 * k }),
                safepoints: points.as_ptr(),
                num_safepoints: if compiled { points.len() as u32 } else { 0 },
                code_size: if compiled { len as u32 } else { 16 },
                frame_size: if compiled { code.func.frame_size } else { 0 },
                flags: if compiled { flags } else { flag::INTERPRETED },
                inlines: inlines.as_ptr(),
                num_inlines: if compiled { inlines.len() as u32 } else { 0 },
                of: k as u32,
                live: std::ptr::null(),
            }
        };
        (0..n).map(desc).collect::<Vec<_>>().leak()
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Mode {
    lazily: bool,
    collect: bool,
}

/// What a run of the program says, and how many guards failed in the compiled function.
fn run(source: &str, machine: Option<(usize, &'static [FuncDesc])>, mode: Mode) -> (String, u32) {
    let l = trinity_runtime::state::new_state().expect("memory");
    let out = stack::run_main(l, || {
        // SAFETY: the state was made now and nothing runs in it.
        unsafe {
            if mode.lazily {
                (*l.global()).units.stress = Some(Default::default());
            }
        }
        trinity_runtime::lib::open_libs(l).expect("memory");
        assert_eq!(l.load(source.as_bytes(), b"@chunk.lua", "t"), Status::Ok);
        if let Some((_, funcs)) = machine {
            // SAFETY: just loaded; the tables are leaked.
            unsafe { module::attach(l, "", funcs).expect("memory") };
        }
        // SAFETY: as above.
        let main = unsafe { (*l.arg(-1).as_lua_fn()).proto };
        if mode.collect {
            // SAFETY: as above.
            unsafe { (*l.global()).heap.stress = Stress::Full(0) };
        }
        let status = l.pcall(0, 1, 0);
        let said = text(l);
        assert_eq!(status, Status::Ok, "{said}");
        let failures = machine.map_or(0, |(outer, _)| {
            // SAFETY: the registry keeps the module; functions are numbered from 1 in the main one, none has any inside before `outer`.
            unsafe { (*(&(*main).children)[outer - 1]).guard_failures }
        });
        (said, failures)
    });
    trinity_runtime::state::close(l);
    out
}

fn text(l: Lua) -> String {
    let v = l.arg(-1);
    assert!(v.is_string());
    // SAFETY: a string, alive on the stack.
    String::from_utf8_lossy(unsafe { Str::bytes(v.as_str()) }).into_owned()
}

fn check(program: &Program, modes: &[Mode]) {
    let _one = ONE_AT_A_TIME.lock();
    let proto = trinity_frontend::compile(program.source.as_bytes(), b"@chunk.lua").expect("valid");
    let protos = trinity_lower::preorder(&proto);
    let (expected, _) = run(&program.source, None, Mode::default());
    for &mode in modes {
        for direct in [false, true] {
            let mut exit_at = None;
            loop {
                let code = code::compile(&Plan {
                    protos: &protos,
                    outer: program.outer,
                    inline: program.inline,
                    direct,
                    exit_at,
                    assume: None,
                });
                let steps = code.steps;
                let reached = exit_at.is_none_or(|k| k <= steps);
                let funcs = place(code, program.outer, protos.len(), 0);
                let before = code::ENTERED.load(Relaxed);
                let (said, failures) = run(&program.source, Some((program.outer, funcs)), mode);
                let what = format!(
                    "{}: {mode:?} direct {direct} exit {exit_at:?}",
                    program.name
                );
                for (i, (a, b)) in said.lines().zip(expected.lines()).enumerate() {
                    assert_eq!(a, b, "{what}, line {i}");
                }
                assert_eq!(said.lines().count(), expected.lines().count(), "{what}");
                assert!(code::ENTERED.load(Relaxed) > before, "{what}");
                if exit_at.is_some_and(|k| k < steps) && !mode.lazily {
                    assert!(failures > 0, "{what}");
                }
                exit_at = match exit_at {
                    None => Some(0),
                    Some(k) if reached && k < steps => Some(k + 1),
                    Some(_) => break,
                };
            }
        }
    }
}

fn check_all(modes: &[Mode]) {
    for p in programs() {
        // A collection at every allocation with the largest of stacks takes minutes.
        if p.deep && modes.iter().any(|m| m.collect) {
            continue;
        }
        check(&p, modes);
    }
}

#[test]
fn left_by_guards() {
    check_all(&[Mode::default()]);
}

#[test]
fn left_lazily() {
    check_all(&[Mode {
        lazily: true,
        collect: false,
    }]);
}

#[test]
fn collected_meanwhile() {
    check_all(&[Mode {
        lazily: false,
        collect: true,
    }]);
}

#[test]
fn many_failures_end_in_the_interpreter() {
    let _one = ONE_AT_A_TIME.lock();
    let calls = 2 * u64::from(exit::GUARD_LIMIT);
    let source = format!(
        "local function f(x) return x end\n\
         local n = 0\n\
         for i = 1, {calls} do n = n + f(i) end\n\
         local function g() return f end\n\
         return tostring(n)"
    );
    let proto = trinity_frontend::compile(source.as_bytes(), b"@chunk.lua").expect("valid");
    let protos = trinity_lower::preorder(&proto);
    let code = code::compile(&Plan {
        protos: &protos,
        outer: 1,
        inline: &[],
        direct: false,
        exit_at: Some(0),
        assume: None,
    });
    let funcs = place(code, 1, protos.len(), 0);
    let before = code::ENTERED.load(Relaxed);
    let (said, failures) = run(&source, Some((1, funcs)), Mode::default());
    assert_eq!(said, (calls * (calls + 1) / 2).to_string());
    assert_eq!(failures, exit::GUARD_LIMIT + 1);
    assert_eq!(
        code::ENTERED.load(Relaxed) - before,
        u64::from(exit::GUARD_LIMIT) + 1
    );
}
