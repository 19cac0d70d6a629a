//! The data of a profile.
//!
//! Invariants: `Profile::funcs` is sorted by module, index and hash without repetition; a [`Site`] in a map was executed at least once;
//! lists of targets and shapes are sorted by descending count and have at most [`MAX_TARGETS`] and [`MAX_SHAPES`] entries, what
//! did not fit being counted beside them.

use crate::fingerprint;
use crate::tags::TagSet;
use std::collections::BTreeMap;
use std::sync::Arc;
use trinity_frontend::bytecode::Proto;

/// Callees kept per site.
pub const MAX_TARGETS: usize = 4;
/// Shapes kept per site.
pub const MAX_SHAPES: usize = 4;

/// What one or several training runs saw.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Profile {
    /// Fingerprint of the program it was taken from ([`fingerprint::program`]); 0: merged from several programs.
    pub program: u64,
    /// Training runs it sums up.
    pub runs: u64,
    /// All functions of the program, also those that never ran.
    pub funcs: Vec<FuncProfile>,
}

/// Which function a [`FuncProfile`] is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FuncKey {
    /// Module as `require` takes it; empty for the main program.
    pub module: String,
    /// Number in preorder of the module's functions; 0 is the main chunk.
    pub index: u32,
    /// Hash of the bytecode ([`fingerprint::bytecode`]).
    pub hash: u64,
    /// Line of `function`; 0 for a main chunk.
    pub line: u32,
    /// Path of nesting by the names functions are assigned to, nameless ones by number: `main/foo/2`.
    pub name: String,
}

/// A function of some module, as a callee.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FuncRef {
    /// Module as `require` takes it; empty for the main program.
    pub module: String,
    /// Number in preorder.
    pub index: u32,
    /// Hash of its bytecode.
    pub hash: u64,
}

/// What was seen of one function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FuncProfile {
    /// Which.
    pub key: FuncKey,
    /// Entries of the function.
    pub calls: u64,
    /// Tags of the fixed parameters at entry (missing arguments are nil).
    pub params: Vec<TagSet>,
    /// What executed instructions saw, by pc.
    pub sites: BTreeMap<u32, Site>,
    /// One token per instruction, by which code of another version of the function is aligned ([`fingerprint::tokens`]).
    pub code: Vec<u32>,
}

/// What one instruction saw.
///
/// | instruction | `operands` | `result` | `second` |
/// |---|---|---|---|
/// | arithmetic, bitwise | left, right (a constant's or immediate's tag too; bit `d & 1` does not swap them) | `R[a]` | |
/// | `MOVE`, `NOT`, `UNM`, `BNOT`, `LEN`, `JMPTSET`, `JMPFSET` | `R[b]` | `R[a]` (not of the jumps) | |
/// | `CONCAT` | all operands in the first | `R[a]` | |
/// | `GETTABLE`, `GETI`, `GETFIELD`, `GETTABUP` | container, key | the value read | |
/// | `SELF` | receiver, key | the method | |
/// | `SETTABLE`, `SETI`, `SETFIELD`, `SETTABUP` | container, key | the value stored | |
/// | `SETLIST` | container | all values stored | |
/// | `GETCELL`, `GETUPVAL`, other loads | | the value read | |
/// | `SETCELL`, `SETUPVAL` | | the value stored | |
/// | `JMPEQ`...`JMPNLE` and their K and I forms | `R[a]`, `R[b]` (or constant, immediate) | | |
/// | `JMPT`, `JMPF` | `R[a]` | | |
/// | `CALL` | callee, first argument if there is one | first result, if it is kept | second result, if it is kept |
/// | `TAILCALL` | callee, first argument | | |
/// | `RETURN`, `RETURN1` | first and second value returned | | |
/// | `FORPREP` | start, limit | | step |
/// | `FORLOOP` | | the new loop variable | |
/// | `TFORCALL` | iterator, state | first loop variable (nil at the end) | second loop variable |
/// | `TFORLOOP` | `R[a+4]` | | |
/// | `VARARG` with a fixed number | | first value | second value |
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Site {
    /// Executions begun.
    pub count: u64,
    /// Of a jump: how often it jumped (of a loop instruction: back edges; of `FORPREP`: loops without iterations).
    pub taken: u64,
    /// Tags of what was written; see the table. Executions that raised an error are not in it.
    pub result: TagSet,
    /// Tags of a second value written.
    pub second: TagSet,
    /// Tags of operands; see the table.
    pub operands: [TagSet; 2],
    /// Of accesses to tables by `GETTABLE`, `SETTABLE`, `GETI`, `SETI`, of `LEN`, and of `TFORCALL` over a table: bits of [`kind`].
    pub kinds: u8,
    /// Smallest and largest integer seen: of the key, for accesses that have [`Site::kinds`] (the length for `LEN`); of the number of
    /// iterations, for `FORPREP` with integers (at most `i64::MAX`); of the lengths that the arrays of tables made by `NEWTABLE` were later seen
    /// to have (at most 17), roughly; of the number of results, for `CALL` with open results; else of the result.
    pub range: Option<(i64, i64)>,
    /// Of `CALL`, `TAILCALL`, `TFORCALL`: what was called. Of arithmetic with a table on one side: its metamethod.
    pub callee: Callee,
    /// Of `GETFIELD`, `SETFIELD`, `SELF`, `GETTABUP`, `SETTABUP`, and `GETTABLE`, `SETTABLE` with short strings as keys: tables seen.
    pub shapes: Vec<ShapeSeen>,
    /// Accesses to tables beyond those in `shapes`.
    pub other_shapes: u64,
}

/// Bits of [`Site::kinds`].
pub mod kind {
    /// The array part was empty.
    pub const EMPTY: u8 = 1 << 0;
    /// A packed array of integers.
    pub const INT: u8 = 1 << 1;
    /// A packed array of floats.
    pub const FLOAT: u8 = 1 << 2;
    /// An array of values of any kind.
    pub const GENERAL: u8 = 1 << 3;
    /// The integer key was not in the array part, and not the one behind it in a store.
    pub const MISS: u8 = 1 << 4;
    /// A store to the element behind the last one.
    pub const APPEND: u8 = 1 << 5;
    /// The table had a metatable.
    pub const METATABLE: u8 = 1 << 6;
    /// The key was not an integer.
    pub const OTHER_KEY: u8 = 1 << 7;
}

/// What was called at a site.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Callee {
    /// Callees with their counts, the most frequent first.
    pub targets: Vec<(Target, u64)>,
    /// Calls of callees that are not in the list.
    pub other: u64,
}

/// A callee.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Target {
    /// A function of the program.
    Lua(FuncRef),
    /// A function of the standard library by its qualified name: `math.floor`, `print`.
    Native(String),
    /// Anything else: a function that was made by `load`, an unnamed native function, a value with `__call`.
    Unknown,
}

/// Keys of a shape, in slot order.
pub type ShapeKeys = Arc<[Box<[u8]>]>;

/// How a table keeps its fields.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum ShapeKind {
    /// A shape of the transition tree; its keys are listed.
    Shared = 0,
    /// A shape of the table's own (globals, metatables, classes); keys are not listed.
    Private = 1,
    /// No shape: keys are in the hash part.
    Dictionary = 2,
}

/// Where an access found its key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Place {
    /// In the table itself (a store: overwritten).
    Own = 0,
    /// A load: not in the table itself; its metatable answered (also with nil).
    Chain = 1,
    /// A load: nowhere, without a metatable that could answer.
    Absent = 2,
    /// A store: the key was added to the table.
    Added = 3,
    /// A store: not in the table itself, and its metatable has `__newindex`.
    Diverted = 4,
}

/// Tables of one shape at one site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShapeSeen {
    /// How the table keeps its fields.
    pub kind: ShapeKind,
    /// Keys in slot order before the access; empty unless `kind` is `Shared`.
    pub keys: ShapeKeys,
    /// The table had a metatable.
    pub metatable: bool,
    /// Where the key was found.
    pub place: Place,
    /// Slot of the accessed key, when the table itself has it (for `Shared` shapes).
    pub slot: Option<u32>,
    /// Accesses.
    pub count: u64,
}

impl ShapeSeen {
    /// True when both are about the same shape and outcome.
    pub fn same_case(&self, other: &ShapeSeen) -> bool {
        (self.kind, self.metatable, self.place, self.slot)
            == (other.kind, other.metatable, other.place, other.slot)
            && self.keys == other.keys
    }
}

impl Callee {
    /// All calls.
    pub fn count(&self) -> u64 {
        let listed = self.targets.iter().map(|t| t.1);
        listed.fold(self.other, u64::saturating_add)
    }
    /// The only callee ever seen.
    pub fn sole(&self) -> Option<&Target> {
        match &*self.targets {
            [(t, _)] if self.other == 0 => Some(t),
            _ => None,
        }
    }
    /// The only callee ever seen, when it is a function of the program.
    pub fn sole_lua(&self) -> Option<&FuncRef> {
        match self.sole() {
            Some(Target::Lua(f)) => Some(f),
            _ => None,
        }
    }
    /// The only callee ever seen, when it is a function of the standard library.
    pub fn sole_native(&self) -> Option<&str> {
        match self.sole() {
            Some(Target::Native(n)) => Some(n),
            _ => None,
        }
    }
}

impl FuncKey {
    /// As a callee.
    pub fn to_ref(&self) -> FuncRef {
        FuncRef {
            module: self.module.clone(),
            index: self.index,
            hash: self.hash,
        }
    }
}

impl FuncProfile {
    /// A function of which nothing was seen.
    pub fn new(key: FuncKey, num_params: usize, code: Vec<u32>) -> FuncProfile {
        FuncProfile {
            key,
            calls: 0,
            params: vec![TagSet::EMPTY; num_params],
            sites: BTreeMap::new(),
            code,
        }
    }
    /// What the instruction at `pc` saw; `None`: it was never executed.
    pub fn site(&self, pc: u32) -> Option<&Site> {
        self.sites.get(&pc)
    }
    /// Executions of the instruction at `pc`.
    pub fn count(&self, pc: u32) -> u64 {
        self.site(pc).map_or(0, |s| s.count)
    }
}

impl Profile {
    /// The function with number `index` of a module, when its bytecode is what was profiled. A function with the same bytecode elsewhere in
    /// the module answers too, if there is only one. For another version of the program,
    /// see [`Profile::adapt`].
    pub fn lookup(&self, module: &str, index: u32, proto: &Proto) -> Option<&FuncProfile> {
        let hash = fingerprint::bytecode(proto);
        let order = |f: &FuncProfile| {
            let k = &f.key;
            (k.module.as_str(), k.index, k.hash).cmp(&(module, index, hash))
        };
        if let Ok(n) = self.funcs.binary_search_by(order) {
            return Some(&self.funcs[n]);
        }
        let mut same = self.module(module).iter().filter(|f| f.key.hash == hash);
        same.next().filter(|_| same.next().is_none())
    }

    /// The functions of a module.
    pub fn module(&self, module: &str) -> &[FuncProfile] {
        let start = self.funcs.partition_point(|f| *f.key.module < *module);
        let rest = &self.funcs[start..];
        &rest[..rest.partition_point(|f| f.key.module == module)]
    }

    /// The function a call leads to.
    pub fn get(&self, f: &FuncRef) -> Option<&FuncProfile> {
        let funcs = self.module(&f.module);
        let at = funcs.binary_search_by_key(&(f.index, f.hash), |p| (p.key.index, p.key.hash));
        at.ok().map(|n| &funcs[n])
    }

    /// Puts the functions in the order that lookups need.
    pub(crate) fn sort(&mut self) {
        let key = |f: &FuncProfile| (f.key.module.clone(), f.key.index, f.key.hash);
        self.funcs.sort_by_cached_key(key);
    }
}
