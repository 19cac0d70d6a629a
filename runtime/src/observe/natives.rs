//! Names of the library's functions, as `debug.traceback` gives them: `print`, `math.floor`.
//!
//! They are collected when the libraries are open and no program has changed them yet, from `package.loaded`. The functions are kept
//! alive by the registry, so that an address means one function for ever. Functions that the library makes later (iterators) are known by
//! their code.

use crate::error::LResult;
use crate::object::{NativeClosure, NativeFn, Str};
use crate::thread::Lua;
use crate::value::{Value, tag};
use trinity_abi::intrinsic::Intrinsic;
use trinity_frontend::hash::WordMap;

/// Functions that the library makes when it is called, and their code.
const MADE_LATER: [(Intrinsic, NativeFn); 2] = [
    (Intrinsic::IpairsIterator, crate::lib::base::ipairs_step),
    (
        Intrinsic::GmatchIterator,
        crate::lib::string::search::next_match,
    ),
];

/// See the module.
#[derive(Default)]
pub struct Natives {
    names: Vec<String>,
    closures: WordMap<usize, u32>,
    code: WordMap<usize, u32>,
}

impl Natives {
    /// Names all functions in the tables of `package.loaded`.
    pub fn of_libraries(l: Lua) -> LResult<Natives> {
        let mut out = Natives::default();
        let loaded = l.subtable(l.registry(), "_LOADED")?;
        let kept = l.subtable(l.registry(), "_TRINITY_OBSERVED")?;
        let mut libraries = vec![(String::new(), l.globals())];
        let mut key = Value::NIL;
        while let Some((k, v)) = l.raw_next(loaded, key)? {
            key = k;
            if k.is_string() && v.is_table() && v.as_table() != l.globals() {
                libraries.push((text(k) + ".", v.as_table()));
            }
        }
        for (prefix, table) in libraries {
            let mut key = Value::NIL;
            while let Some((k, v)) = l.raw_next(table, key)? {
                key = k;
                if k.is_string() && v.t == tag::NATIVE_FN {
                    l.raw_set(kept, v, Value::TRUE)?;
                    out.add(v, format!("{prefix}{}", text(k)));
                }
            }
        }
        for (which, code) in MADE_LATER {
            let number = out.names.len() as u32;
            out.names.push(which.name().to_string());
            out.code.insert(code as usize, number);
        }
        Ok(out)
    }

    fn add(&mut self, f: Value, name: String) {
        let number = self.names.len() as u32;
        self.names.push(name);
        self.closures
            .entry(f.as_native_fn() as usize)
            .or_insert(number);
        // SAFETY: the tag says it is a native function, alive in its library.
        let code = unsafe { (*f.as_native_fn()).func } as usize;
        self.code.entry(code).or_insert(number);
    }

    /// The number of a function.
    ///
    /// # Safety
    /// It is live.
    pub unsafe fn number(&self, f: *const NativeClosure) -> Option<u32> {
        let by_closure = self.closures.get(&(f as usize));
        // SAFETY: by contract.
        let code = unsafe { (*f).func } as usize;
        by_closure.or_else(|| self.code.get(&code)).copied()
    }

    /// The name of a number.
    pub fn name(&self, number: u32) -> &str {
        &self.names[number as usize]
    }
}

fn text(k: Value) -> String {
    // SAFETY: the caller saw that it is a string; it is alive as a key.
    String::from_utf8_lossy(unsafe { Str::bytes(k.as_str()) }).into_owned()
}
