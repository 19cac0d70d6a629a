//! The unwinder's entry points, for executables in which nothing unwinds.
//!
//! The runtime is built with panic=abort and linked without unwind tables: a panic prints its message and aborts. Rust's standard library still refers to the
//! unwinder, for the backtrace of a panic (which it walks, then explains from the debug information: 180 KB of ELF, DWARF and inflate readers that no stripped
//! executable can use) and for a personality routine that is never called. With these definitions the walk is seen to visit no frame, so that link-time
//! optimisation drops everything behind it, and the C library finds its references answered without the unwinder of libgcc.
//!
//! All that the unwinder's object file defines and somebody refers to must be here, else it is linked too and the definitions clash.

use std::ffi::{c_int, c_void};

/// `_URC_END_OF_STACK`.
const END_OF_STACK: c_int = 5;

/// Visits no frame.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(_visit: *const c_void, _argument: *mut c_void) -> c_int {
    END_OF_STACK
}

/// Functions that only a frame being unwound could reach.
macro_rules! never_called {
    ($($name:ident)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name() -> ! {
            std::process::abort()
        }
    )*};
}

never_called! {
    _Unwind_RaiseException _Unwind_ForcedUnwind _Unwind_Resume _Unwind_Resume_or_Rethrow _Unwind_DeleteException
    _Unwind_GetGR _Unwind_SetGR _Unwind_GetIP _Unwind_GetIPInfo _Unwind_SetIP _Unwind_GetCFA
    _Unwind_GetLanguageSpecificData _Unwind_GetRegionStart _Unwind_GetTextRelBase _Unwind_GetDataRelBase _Unwind_FindEnclosingFunction
}
