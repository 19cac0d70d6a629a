//! The static library that compiled executables link: the runtime and their `main`.
//!
//! It is a crate of its own so that the runtime's other users (the `trinity` binary, tests) do not get a second `main`.

mod libc;
mod march;
mod unwind;

use std::ffi::{c_char, c_int};
use trinity_abi::cpu::MarchDesc;
use trinity_abi::unit::{ModuleDesc, ProfileDesc, TextDesc};

unsafe extern "C" {
    /// Table of the executable's modules, the main program first; written by the compiler.
    static trinity_modules: ModuleDesc;
    /// Number of entries of `trinity_modules`.
    static trinity_modules_len: u64;
    /// What the processor must have.
    static trinity_march: MarchDesc;
    /// What is to be observed.
    static trinity_profile: ProfileDesc;
    /// Whether code can be loaded.
    static trinity_text: TextDesc;
}

/// Entry of a compiled executable.
///
/// # Safety
/// Called by the C runtime.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    // SAFETY: constant data of this executable.
    unsafe {
        if let Some(check) = trinity_march.check {
            check(&trinity_march);
        }
    }
    // SAFETY: the tables are constant data of this executable, with the stated length; argv is the C runtime's.
    unsafe {
        let modules =
            std::slice::from_raw_parts(&raw const trinity_modules, trinity_modules_len as usize);
        let args = (0..argc as usize)
            .map(|i| std::ffi::CStr::from_ptr(*argv.add(i)).to_bytes().to_vec())
            .collect::<Vec<_>>();
        trinity_runtime::native::module::run_executable(
            modules,
            &trinity_profile,
            &trinity_text,
            args,
        )
    }
}
