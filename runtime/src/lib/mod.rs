//! The standard library: one table of libraries, opened in order.
//!
//! Each module has `open`, which builds the library's table; functions are listed there in one table each.

pub mod base;
pub mod buffer;
pub mod coroutine;
pub mod debug;
pub mod io;
pub mod library;
pub mod loadfile;
pub mod math;
pub mod os;
pub mod package;
pub mod string;
pub mod table;
pub mod utf8;

use crate::error::LResult;
use crate::object::Table;
use crate::thread::Lua;

/// Builds a library's table.
pub type Opener = fn(Lua) -> LResult<*mut Table>;

/// All libraries by their names in `package.loaded`, in the order in which they are opened (linit.c).
pub const LIBRARIES: &[(&str, Opener)] = &[
    ("_G", base::open),
    ("package", package::open),
    ("coroutine", coroutine::open),
    ("table", table::open),
    ("io", io::open),
    ("os", os::open),
    ("string", string::open),
    ("math", math::open),
    ("utf8", utf8::open),
    ("debug", debug::open),
];

/// luaL_openlibs: opens all libraries, as globals too.
pub fn open_libs(l: Lua) -> LResult<()> {
    for &(name, open) in LIBRARIES {
        l.require_lib(name, open, true)?;
    }
    number_intrinsics(l);
    Ok(())
}

/// Gives the functions that machine code knows their numbers (`trinity_abi::intrinsic`).
fn number_intrinsics(l: Lua) {
    for (at, name) in trinity_abi::intrinsic::NAMES.split(',').enumerate() {
        let (library, function) = name.split_once('.').unwrap_or(("_G", name));
        let t = l.raw_get_str(l.globals(), library);
        if t.t != crate::value::tag::TABLE {
            continue;
        }
        // SAFETY: tags say what the values are; the libraries' functions live as long as their tables, which the registry holds.
        unsafe {
            let f = l.raw_get_str(t.as_table(), function);
            if f.t == crate::value::tag::NATIVE_FN {
                (*f.as_native_fn()).h.aux8 = at as u8 + 1;
            }
        }
    }
}
