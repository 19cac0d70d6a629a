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
    Ok(())
}
