//! One Z3 context with its solver, as the protocol sees it.
//!
//! Z3's text parser forgets declarations between calls, so each scope keeps the text of its own and every parse
//! starts with it; Z3 gives the same symbol for the same declaration.

use std::ffi::{CStr, CString};
use std::fmt::Write as _;
use std::time::Instant;

use z3_sys::*;

/// Sets Z3's own memory limit, for the whole process.
pub fn limit_memory(mb: u32) {
    let value = CString::new(mb.to_string()).expect("digits hold no NUL");
    // SAFETY: both are NUL-terminated strings that live through the call.
    unsafe { Z3_global_param_set(c"memory_max_size".as_ptr(), value.as_ptr()) };
}

/// Name and version.
pub fn version() -> String {
    // SAFETY: no arguments; the result is a static string.
    let version = unsafe { text(Z3_get_full_version()) };
    if version.starts_with("Z3") {
        version
    } else {
        format!("Z3 {version}")
    }
}

/// A copy of a string of Z3's.
///
/// # Safety
/// `s` is null or a NUL-terminated string that is valid until the call returns.
unsafe fn text(s: Z3_string) -> String {
    if s.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(s) }.to_string_lossy().into_owned()
}

/// A context, its solver, and the declarations of each open scope.
///
/// Invariant: `ctx` and `solver` are live until drop; `scopes` is never empty; nothing else holds a reference.
pub struct Session {
    ctx: Z3_context,
    solver: Z3_solver,
    scopes: Vec<String>,
}

impl Session {
    /// A fresh context; `logic` may be empty.
    pub fn new(logic: &str) -> Session {
        // SAFETY: the configuration is deleted after its only use; the solver is counted once, until drop.
        unsafe {
            let cfg = Z3_mk_config().expect("Z3 makes a configuration unless memory runs out");
            let ctx = Z3_mk_context(cfg).expect("Z3 makes a context unless memory runs out");
            Z3_del_config(cfg);
            // Errors are asked for after each call; the default handler would end the process.
            Z3_set_error_handler(ctx, None);
            let named = CString::new(logic)
                .ok()
                .filter(|l| !l.is_empty())
                .and_then(|logic| {
                    let symbol = Z3_mk_string_symbol(ctx, logic.as_ptr())?;
                    Z3_mk_solver_for_logic(ctx, symbol)
                });
            let solver = named
                .or_else(|| Z3_mk_solver(ctx))
                .expect("Z3 makes a solver unless memory runs out");
            Z3_solver_inc_ref(ctx, solver);
            Session {
                ctx,
                solver,
                scopes: vec![String::new()],
            }
        }
    }

    /// The error of the last call, if it failed.
    fn result(&self) -> Result<(), String> {
        // SAFETY: `ctx` is live; the message is copied before another call.
        unsafe {
            let code = Z3_get_error_code(self.ctx);
            if code == ErrorCode::Ok {
                return Ok(());
            }
            Err(text(Z3_get_error_msg(self.ctx, code)))
        }
    }

    /// Adds declarations and assertions.
    pub fn assert(&mut self, smt: &str) -> Result<(), String> {
        let mut all: String = self.scopes.concat();
        all.push_str(smt);
        self.with_parsed(all, |session, parsed| {
            // SAFETY: `parsed` is counted during this call; its members live in the solver afterwards.
            unsafe {
                for i in 0..Z3_ast_vector_size(session.ctx, parsed) {
                    if let Some(a) = Z3_ast_vector_get(session.ctx, parsed, i) {
                        Z3_solver_assert(session.ctx, session.solver, a);
                    }
                }
            }
            session.result()
        })?;
        let scope = self.scopes.last_mut().expect("scopes is never empty");
        for line in smt.lines().filter(|l| l.starts_with("(declare-fun ")) {
            scope.push_str(line);
            scope.push('\n');
        }
        Ok(())
    }

    /// Opens a scope.
    pub fn push(&mut self) -> Result<(), String> {
        // SAFETY: both are live.
        unsafe { Z3_solver_push(self.ctx, self.solver) };
        self.scopes.push(String::new());
        self.result()
    }

    /// Closes the innermost scope.
    pub fn pop(&mut self) -> Result<(), String> {
        if self.scopes.len() < 2 {
            return Err("pop without push".into());
        }
        self.scopes.pop();
        // SAFETY: both are live, and at least one scope is open.
        unsafe { Z3_solver_pop(self.ctx, self.solver, 1) };
        self.result()
    }

    /// Decides what is asserted. `body` is `RLIMIT TIMEOUT_MS NAME...`; the result is the reply's text.
    pub fn check(&mut self, body: &str) -> Result<String, String> {
        let mut words = body.split_ascii_whitespace();
        let mut number = || {
            words
                .next()
                .and_then(|w| w.parse::<u32>().ok())
                .ok_or("a check without limits")
        };
        let (rlimit, timeout) = (number()?, number()?);
        let names: Vec<&str> = words.collect();
        self.set_limits(rlimit, timeout)?;
        let before = self.rlimit_count();
        let start = Instant::now();
        // SAFETY: both are live.
        let answer = unsafe { Z3_solver_check(self.ctx, self.solver) };
        let time = start.elapsed().as_micros();
        let mut out = match answer {
            Z3_L_TRUE => "sat\n".to_string(),
            Z3_L_FALSE => "unsat\n".to_string(),
            _ => {
                // A failed call also answers "undefined"; its message is the reason.
                // SAFETY: both are live; the string is copied.
                let reason = match self.result() {
                    Err(e) => e,
                    Ok(()) => unsafe { text(Z3_solver_get_reason_unknown(self.ctx, self.solver)) },
                };
                format!("unknown {}\n", reason.replace('\n', " "))
            }
        };
        let used = self.rlimit_count().saturating_sub(before);
        // SAFETY: no arguments.
        let memory = unsafe { Z3_get_estimated_alloc_size() };
        let _ = write!(out, "rlimit {used}\nmemory {memory}\ntime_us {time}\n");
        if answer == Z3_L_TRUE && !names.is_empty() {
            self.values(&names, &mut out)?;
        }
        Ok(out)
    }

    fn set_limits(&mut self, rlimit: u32, timeout: u32) -> Result<(), String> {
        // SAFETY: `ctx` and `solver` are live, the parameter set is counted while in use, strings are literals.
        unsafe {
            let params = Z3_mk_params(self.ctx).ok_or("no parameter set")?;
            Z3_params_inc_ref(self.ctx, params);
            let set = |name: &CStr, value: u32| {
                if let Some(symbol) = Z3_mk_string_symbol(self.ctx, name.as_ptr()) {
                    Z3_params_set_uint(self.ctx, params, symbol, value);
                }
            };
            set(c"rlimit", rlimit);
            set(c"timeout", if timeout == 0 { u32::MAX } else { timeout });
            Z3_solver_set_params(self.ctx, self.solver, params);
            Z3_params_dec_ref(self.ctx, params);
        }
        self.result()
    }

    /// Z3's count of work done in this context.
    fn rlimit_count(&self) -> u64 {
        // SAFETY: live context and solver; the statistics are counted while in use, indices are below their size.
        unsafe {
            let Some(stats) = Z3_solver_get_statistics(self.ctx, self.solver) else {
                return 0;
            };
            Z3_stats_inc_ref(self.ctx, stats);
            let mut count = 0;
            for i in 0..Z3_stats_size(self.ctx, stats) {
                if text(Z3_stats_get_key(self.ctx, stats, i)) == "rlimit count"
                    && Z3_stats_is_uint(self.ctx, stats, i)
                {
                    count = u64::from(Z3_stats_get_uint_value(self.ctx, stats, i));
                }
            }
            Z3_stats_dec_ref(self.ctx, stats);
            count
        }
    }

    /// Appends the values of named constants in the model.
    fn values(&mut self, names: &[&str], out: &mut String) -> Result<(), String> {
        // The constants are found by parsing `(= name name)`, which needs no table of sorts here.
        let mut all = self.scopes.concat();
        for name in names {
            let _ = writeln!(all, "(assert (distinct {name} {name}))");
        }
        self.with_parsed(all, |session, parsed| {
            // SAFETY: `parsed` is counted during this call, the model while it is in use.
            unsafe {
                let model = Z3_solver_get_model(session.ctx, session.solver);
                session.result()?;
                let model = model.ok_or("no model")?;
                Z3_model_inc_ref(session.ctx, model);
                for (i, name) in names.iter().enumerate() {
                    let value = Z3_ast_vector_get(session.ctx, parsed, i as u32)
                        .and_then(|a| Z3_to_app(session.ctx, a))
                        .and_then(|app| Z3_get_app_arg(session.ctx, app, 0))
                        .and_then(|constant| {
                            let mut value: Z3_ast = constant;
                            Z3_model_eval(session.ctx, model, constant, true, &mut value)
                                .then_some(value)
                        });
                    if let Some(value) = value {
                        let value = text(Z3_ast_to_string(session.ctx, value)).replace('\n', " ");
                        let _ = writeln!(out, "value {name} {value}");
                    }
                }
                Z3_model_dec_ref(session.ctx, model);
            }
            session.result()
        })
    }

    /// Calls `f` with the assertions of a text, which live during the call.
    fn with_parsed(
        &self,
        smt: String,
        f: impl FnOnce(&Session, Z3_ast_vector) -> Result<(), String>,
    ) -> Result<(), String> {
        let smt = CString::new(smt).map_err(|_| "a NUL in the text".to_string())?;
        // SAFETY: no sorts or declarations are passed, so the null arrays are not read; the vector is counted while
        // its members are used.
        unsafe {
            let none = std::ptr::null();
            let parsed = Z3_parse_smtlib2_string(
                self.ctx,
                smt.as_ptr(),
                0,
                none,
                std::ptr::null(),
                0,
                none,
                std::ptr::null(),
            );
            self.result()?;
            let parsed = parsed.ok_or("the text does not parse")?;
            Z3_ast_vector_inc_ref(self.ctx, parsed);
            let done = f(self, parsed);
            Z3_ast_vector_dec_ref(self.ctx, parsed);
            done
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: the only references, given back once.
        unsafe {
            Z3_solver_dec_ref(self.ctx, self.solver);
            Z3_del_context(self.ctx);
        }
    }
}
