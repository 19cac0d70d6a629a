//! Unit tables: what a compiled module tells the runtime about its functions (docs/abi.md section 6).
//! The ahead-of-time compiler writes these as constant data with relocations; the runtime reads them in place.

/// One compiled module, as listed in `trinity_modules`.
#[repr(C)]
pub struct ModuleDesc {
    /// Module name as `require` takes it; the main program is `""`.
    pub name: *const u8,
    pub name_len: u64,
    /// Binary chunk (bytecode of all functions).
    pub chunk: *const u8,
    pub chunk_len: u64,
    /// Functions in preorder of the prototype tree, then versions of them: the order of their code.
    pub funcs: *const FuncDesc,
    pub num_funcs: u64,
    /// File name the module was compiled from, for `require`'s second result.
    pub file: *const u8,
    pub file_len: u64,
}

/// One compiled function.
#[repr(C)]
pub struct FuncDesc {
    /// Generic entry; also the start of its code.
    pub entry: *const u8,
    pub safepoints: *const SafePoint,
    pub num_safepoints: u32,
    pub code_size: u32,
    /// Bytes between rsp in the body and the return address.
    pub frame_size: u32,
    /// See [`flag`].
    pub flags: u32,
    /// Functions whose code is part of this one's.
    pub inlines: *const InlineFrame,
    pub num_inlines: u32,
    /// Its number among the module's functions. A version of a function (a further body, for certain kinds of arguments) has that function's; versions come behind
    /// all functions, and nothing but machine code refers to them.
    pub of: u32,
    /// Lists of values that wait on the native stack ([`crate::live`]).
    pub live: *const u8,
}

/// An inlined call: the callee's frame, in the chain that ends at the function whose code it is part of (docs/abi.md section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct InlineFrame {
    /// The inlined function: its number (preorder) in the module. Never a vararg function.
    pub func: u32,
    /// The frame that called it: 0 the outermost function, else 1 + index in the same table, smaller than its own.
    pub parent: u16,
    /// Slots from the outermost frame's base to this frame's base.
    pub delta: u16,
    /// The CALL instruction, in the parent, that was inlined.
    pub call_pc: u32,
}

/// Where in the number of an exit's place (docs/abi.md section 6) it says how far behind the function's entry in the table that of the version is that leaves. Below: the
/// inlined frame, and from bit 0 the pc.
pub const VERSION_SHIFT: u32 = 40;

/// What an executable made for training runs (`trinityc --profile-gen`) is to observe: the symbol `trinity_profile`.
#[repr(C)]
pub struct ProfileDesc {
    /// [`PROFILE_START`] with the state (`Global`) and this table; null: nothing is observed, and the runtime is linked without that code.
    /// False: it cannot be done, and why was said.
    pub start: Option<unsafe extern "C" fn(state: *mut (), desc: &ProfileDesc) -> bool>,
    /// A profile in its file format, of all functions, that has seen nothing.
    pub skeleton: *const u8,
    pub skeleton_len: u64,
}

/// Symbol of the runtime's function that [`ProfileDesc::start`] points to.
pub const PROFILE_START: &str = "trinity_profile_start";

/// Whether the executable loads code that is not part of it: the symbol `trinity_text`.
#[repr(C)]
pub struct TextDesc {
    /// [`TEXT_START`] with the state (`Global`); null: the program is closed (`trinityc --closed`), and the runtime is linked without the front end.
    pub start: Option<unsafe extern "C" fn(state: *mut ())>,
}

/// Symbol of the runtime's function that [`TextDesc::start`] points to.
pub const TEXT_START: &str = "trinity_text_start";

/// Bits of [`FuncDesc::flags`].
pub mod flag {
    /// There is no machine code for the function: its entry only leads to the interpreter.
    pub const INTERPRETED: u32 = 1;
    /// The code relies on upvalues that the program assigns once, of its own function or of inlined ones, without looking at them.
    pub const ASSUMES_UPVALUES: u32 = 2;
    /// The code may have only pictures of its own objects in home slots: who gets one there must make it leave.
    pub const VIRTUAL: u32 = 4;
}

/// A place where the frame can be inspected or left; sorted by `ret_offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct SafePoint {
    /// Return address minus function start.
    pub ret_offset: u32,
    /// Bytecode index of the instruction that is being executed.
    pub pc: u32,
    /// Slots between this frame's base and the base that rbx holds during the call.
    pub delta: u16,
    /// One of [`kind`].
    pub kind: u8,
    /// 0, or 1 + index of the inlined frame that `pc` and `delta` are about.
    pub inlined: u8,
    /// 0: all live registers are in their home slots. Else 1 + offset of a list in the function's [`FuncDesc::live`]: those that are not, also of the
    /// frames around an inlined one, and their function slots.
    pub live: u32,
}

/// What happens when a frame that waits at a safe point continues in the interpreter.
pub mod kind {
    /// The result, if any, is in its home slot: continue at pc + 1.
    pub const NEXT: u8 = 0;
    /// Execute pc (again, or for the first time: polls).
    pub const AT: u8 = 1;
    /// eax tells whether the instruction at pc jumps.
    pub const JUMP: u8 = 2;
    /// Results arrive by the calling convention for the CALL at pc.
    pub const CALL: u8 = 3;
    /// Results of a tail call: return them.
    pub const TAIL: u8 = 4;
    /// The frame cannot be left here: the helper runs no Lua code and only moves the frame's values.
    pub const NEVER: u8 = 5;
}

/// Binary layout of the tables, for the object writer: `(size, offsets)` are asserted here so that both sides agree.
pub mod layout {
    use super::*;
    use std::mem::offset_of;
    const _: () = {
        assert!(size_of::<ModuleDesc>() == 64);
        assert!(size_of::<FuncDesc>() == 56);
        assert!(size_of::<InlineFrame>() == 12);
        assert!(size_of::<ProfileDesc>() == 24);
        assert!(size_of::<TextDesc>() == 8);
        assert!(size_of::<SafePoint>() == 16);
        assert!(offset_of!(FuncDesc, safepoints) == 8);
        assert!(offset_of!(FuncDesc, num_safepoints) == 16);
        assert!(offset_of!(FuncDesc, code_size) == 20);
        assert!(offset_of!(FuncDesc, frame_size) == 24);
        assert!(offset_of!(FuncDesc, inlines) == 32);
        assert!(offset_of!(FuncDesc, of) == 44);
        assert!(offset_of!(FuncDesc, live) == 48);
        assert!(offset_of!(SafePoint, live) == 12);
        assert!(offset_of!(InlineFrame, parent) == 4);
        assert!(offset_of!(InlineFrame, delta) == 6);
        assert!(offset_of!(InlineFrame, call_pc) == 8);
    };
}
