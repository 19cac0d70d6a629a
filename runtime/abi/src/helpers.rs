//! The helpers machine code calls: one table, from which the runtime makes thunks and the compiler takes symbol names.
//!
//! Every helper is called as `mov esi, pc; call trinity_h_<name>` with rbx = base. The thunk records rsp and rbx in the current
//! call record, calls the Rust function `(thread, base, pc, edx) -> i64`, reloads rbx, and raises when the result is negative. All
//! registers but r14 and rbx are clobbered; the result is in rax. Operands are decoded from the bytecode at `pc`, results are in
//! home slots. `[rsp]` is 16-byte aligned before the call.

/// Calls the given macro with the list `name, result kind, doc`.
#[macro_export]
macro_rules! for_each_helper {
    ($m:ident) => {
        $m! {
            step, Next, "Executes the instruction at pc by the interpreter's generic path; result in its home slot. Frequent instructions have entries of their own, below, with the same contract.";
            get_tab_up, Next, "GETTABUP.";
            set_tab_up, Next, "SETTABUP.";
            get_field, Next, "GETFIELD.";
            set_field, Next, "SETFIELD.";
            self_get, Next, "SELF.";
            get_table, Next, "GETTABLE.";
            set_table, Next, "SETTABLE.";
            get_i, Next, "GETI.";
            set_i, Next, "SETI.";
            new_cell, Next, "NEWCELL.";
            new_table, Next, "NEWTABLE.";
            set_list, Next, "SETLIST.";
            concat, Next, "CONCAT.";
            closure, Next, "CLOSURE.";
            var_arg, Next, "VARARG.";
            tfor_call, Next, "TFORCALL.";
            len, Next, "LEN.";
            arith, Next, "The arithmetic and bitwise instructions.";
            test, Jump, "Executes the comparison, test or loop instruction at pc; rax = 1 when it jumps.";
            call, Next, "Executes the CALL at pc whatever `R[a]` is (__call); results are where the instruction wants them.";
            ret, Base, "Executes a RETURN that closes variables, is open, or belongs to a vararg function; rax = count, results at the entry function slot, rbx = entry base.";
            tailcall, Base, "Prepares a TAILCALL: moves function (resolving __call) and arguments to the entry function slot; rax = argument count, rbx = entry base. rax = `TAIL_NATIVE`: it is a native function, and was left at `R[a]`, arguments up to top.";
            vararg_prep, Base, "Prologue of a vararg function: edx = argument count; rbx becomes the shifted base.";
            poll, At, "Runs pending work (signals, finalizers, hooks); rax = 1: continue in the interpreter.";
            grow_stack, At, "Entry check failed (edx = argument count): grows the slots to fit base + max_stack, fills missing parameters, runs pending work; rax = 1: run the function in the interpreter.";
        }
    };
}

macro_rules! names {
    ($( $name:ident, $kind:ident, $doc:literal; )*) => {
        /// Helpers in table order.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[allow(non_camel_case_types)]
        pub enum Helper { $( #[doc = $doc] $name, )* }
        /// All helpers.
        pub const ALL_HELPERS: &[Helper] = &[$( Helper::$name ),*];
        impl Helper {
            /// Symbol of the thunk.
            pub const fn symbol(self) -> &'static str {
                match self { $( Helper::$name => concat!("trinity_h_", stringify!($name)) ),* }
            }
            /// Symbol of the thunk that saves registers: as [`Helper::symbol`], but all registers except rax survive (of vector registers
            /// the low 8 bytes).
            pub const fn saving_symbol(self) -> &'static str {
                match self { $( Helper::$name => concat!("trinity_hs_", stringify!($name)) ),* }
            }
        }
    };
}
for_each_helper!(names);

/// No tag: a leaf function declines, and the library function or the instruction's helper must be called; of [`leaf::KEY`]: a metamethod may
/// have to be asked.
pub const ASK: u8 = 0xFF;

/// Functions called by the C convention: they never raise, run Lua or collect, so they are no safe points.
/// GET, FIND, PUT, GET_AT, PUT_AT, SHAPE, FUNCTION, METHOD, ABSENT, INT, BARRIER and MAKE keep all registers but rax.
pub mod leaf {
    /// `(global, table, key, cache) -> pointer to value, or null`: a field that the site's cache does not answer for, from the caches of
    /// sites that see many shapes. Null: the instruction's helper must be called.
    pub const GET: &str = "trinity_l_get";
    /// The same, where no cache answers: found, and remembered as by the interpreter.
    pub const FIND: &str = "trinity_l_find";
    /// `(id) -> 0 or 1`: 1 when deoptimisation stress is on and this is the first call with this number in the process. Called at every guard
    /// by code that was compiled for it (`lower::Options::stress_guards`), which leaves for the interpreter at 1.
    pub const GUARD: &str = "trinity_l_guard";
    /// `(global, table, key, cache) -> pointer to value, or null`: the place of a field that has a value, for a store where the site's cache
    /// does not answer. Null: the instruction's helper must be called.
    pub const PUT: &str = "trinity_l_put";
    /// `(rsi = table, edx = site) -> pointer to value, or null`: [`GET`] with constant and cache of the running function by [`site`], rbx being its base.
    pub const GET_AT: &str = "trinity_l_get_at";
    /// The same for stores. Not only [`PUT`]: where the site's cache says so, the table gets the field; the place of a nil is given where no
    /// `__newindex` can be.
    pub const PUT_AT: &str = "trinity_l_put_at";
    /// What [`GET_AT`] and [`PUT_AT`] take: the number of the cache, and in the upper half that of the constant.
    pub const fn site(constant: usize, cache: usize) -> Option<i32> {
        if constant <= i16::MAX as usize && cache <= u16::MAX as usize {
            Some((constant as i32) << 16 | cache as i32)
        } else {
            None
        }
    }
    /// `(table, constants, cell, fields, fields, fields) -> 0 or 1`: 1 if the table's shape has all the fields in their slots and the table
    /// shares its shape with others. Fields are four to a word, two bytes each: the name's constant, the slot; all ones for none. The shape's
    /// id may then be in the cell, of which the first id is not compared.
    pub const SHAPE: &str = "trinity_l_shape";
    /// `(table, cache, cell, code, key) -> closure or 0`: the closure with this code that the key leads to from the table. If the site's cache knows it
    /// as a constant, the cell holds it then ([`FUNCTION`](crate::cache::FUNCTION)).
    pub const FUNCTION: &str = "trinity_l_function";
    /// `(metatable, key, cell, code) -> closure or 0`: the closure with this code that a table with this metatable and without the field inherits under
    /// a short string; or, where the key is the number of an event, the metatable's method for that, if numbers have none. If that is certain while the epoch lasts, the cell ([`method_cell`](crate::cache::method_cell)) holds it then.
    pub const METHOD: &str = "trinity_l_method";
    /// `(metatable, event) -> 0 or 1`: 1 if a metatable has no method for the event; its private shape knows that then.
    pub const ABSENT: &str = "trinity_l_absent";
    /// `(table, key) -> entry or 0`: the entry of the hash part with this integer key, if it has a value: payload at +0, tag at
    /// [`ENTRY_TAG`](crate::table::ENTRY_TAG).
    pub const INT: &str = "trinity_l_int";
    /// `(table)`: the write barrier of a black table, right before a store into it. It must not be black any more for the collector's sake, but
    /// code may believe that it is.
    pub const BARRIER: &str = "trinity_l_barrier";
    /// `(table, key payload, key tag) -> (payload, tag)`: what the table itself has under any key, in rax and rdx;
    /// [`ASK`](super::ASK) for the tag when there is nothing and a metatable may say more: the instruction's helper must be called.
    pub const KEY: &str = "trinity_l_key";
    /// `(thread, values, count, 0 or 1) -> (payload, tag)`: CONCAT of strings and numbers. 1: the result will be extended; where the first operand
    /// is such a result ([`GROWS`](crate::string::GROWS)), it may be extended itself. [`ASK`](super::ASK) for the tag: the helper must be called.
    pub const CONCAT: &str = "trinity_l_concat";
    /// `(thread, table, payload and tag of the key, payload and tag of the value) -> 0 or 1`: a store to a table without `__newindex`. 0: the
    /// helper must be called.
    pub const STORE: &str = "trinity_l_store";
    /// `(closure, count, thread) -> object`: a new table with the fields in the state's [`MADE`](crate::heap::MADE), in order. Keys are numbers: the
    /// function of the closure's module in the upper half, its constant in the lower; or from [`MAKE_INDEX`] on, an integer. By the first key the
    /// object may be a cell, or a closure.
    pub const MAKE: &str = "trinity_l_make";
    /// Where integer keys of [`MAKE`] begin.
    pub const MAKE_INDEX: u32 = 1 << 31;
    /// The key of the metatable.
    pub const MAKE_META: u32 = u32::MAX;
    /// The object is a cell, this its value.
    pub const MAKE_CELL: u32 = u32::MAX - 1;
    /// The object is a closure, this the address of its prototype; payloads of the other fields are its cells.
    pub const MAKE_CLOSURE: u32 = u32::MAX - 2;
    /// Functions whose constants can be named.
    pub const MAKE_FUNCTIONS: u16 = (MAKE_INDEX >> 16) as u16;
    /// `(string, string) -> -1, 0 or 1`: their order.
    pub const ORDER: &str = "trinity_l_order";
    /// `(thread, registers of the loop, wanted) -> 0 or 1`: TFORCALL with the library's `next`, or the step of `ipairs`. 0: the helper must be
    /// called.
    pub const ITERATE: &str = "trinity_l_iterate";
    /// `(registers of the loop) -> tag of the key, tag of the value`: TFORCALL with the library's `next` over a table, the results in home slots.
    /// The second is `ASK`: the instruction must be done otherwise.
    pub const NEXT: &str = "trinity_l_next";
    /// `(xmm0, xmm1) -> xmm0`: exponentiation of floats.
    pub const POW: &str = "trinity_l_pow";
}

/// Stubs that machine code jumps to (not calls), with its own frame torn down.
pub mod stub {
    /// esi = pc: continue this frame in the interpreter at pc; returns to the caller by the calling convention.
    pub const EXIT: &str = "trinity_exit";
    /// A guard failed. Low half of rsi = pc, high half = 0 or 1 + index of the inlined frame that pc is about; rbx = base of the function whose
    /// code it is (the outermost frame): continue there in the interpreter, as by [`EXIT`]. Counts: a function with many failures is
    /// interpreted from then on.
    pub const GUARD: &str = "trinity_guard_exit";
    /// rax = address of the function's entry: continue on a larger native stack segment and enter again.
    pub const MORE_STACK: &str = "trinity_more_stack";
    /// ecx = argument count, rbx = base: runs the function at base - 1 in the interpreter from its start.
    pub const INTERP: &str = "trinity_stub_interp";
}
