//! Function prototypes: what the compiler produces, the binary form stores, and the runtime loads.

use super::instr::Instr;

/// A constant. Strings are byte strings, as Lua's are.
#[derive(Clone, Debug)]
pub enum Const {
    /// `nil`, as an operand of tests and stores.
    Nil,
    /// A boolean.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A double; compared by bits when constants are pooled.
    Float(f64),
    /// A string.
    Str(Box<[u8]>),
}

/// How a closure captures one upvalue when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpvalDesc {
    /// Variable name; `None` in stripped code.
    pub name: Option<Box<[u8]>>,
    /// True: the cell in register `index` of the enclosing function. False: upvalue `index` of the enclosing function.
    pub in_stack: bool,
    /// Register or upvalue index.
    pub index: u8,
    /// Declared `<const>`, `<close>` or plain.
    pub kind: VarKind,
}

/// Attribute of a local variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum VarKind {
    /// A regular variable.
    Regular = 0,
    /// `<const>`.
    Const = 1,
    /// `<close>`.
    Close = 2,
}

/// Debug information of one local variable: active for `start_pc <= pc < end_pc`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocVar {
    /// Name; internal ones are in parentheses, e.g. `(for state)`.
    pub name: Box<[u8]>,
    /// First instruction where the variable is active.
    pub start_pc: u32,
    /// First instruction where it is no longer active.
    pub end_pc: u32,
    /// Its register (it holds a cell when the variable is captured).
    pub reg: u8,
}

/// A function prototype.
#[derive(Clone, Debug)]
pub struct Proto {
    /// Chunk name as given to `load` (with its `@` or `=`); `None` in stripped code ("=?").
    pub source: Option<std::sync::Arc<[u8]>>,
    /// Line of `function`; 0 for a main chunk.
    pub line_defined: u32,
    /// Line of its `end`; 0 for a main chunk.
    pub last_line_defined: u32,
    /// Fixed parameters.
    pub num_params: u8,
    /// Takes `...`.
    pub is_vararg: bool,
    /// Registers needed (at least 2).
    pub max_stack: u8,
    /// Instructions.
    pub code: Vec<Instr>,
    /// Constants.
    pub consts: Vec<Const>,
    /// Nested prototypes.
    pub protos: Vec<Proto>,
    /// Upvalue descriptors; a main chunk has exactly one, `_ENV`.
    pub upvals: Vec<UpvalDesc>,
    /// Source line of each instruction; empty in stripped code.
    pub lines: Vec<u32>,
    /// Local variables ordered by `start_pc` (ties in declaration order); empty in stripped code.
    pub loc_vars: Vec<LocVar>,
    /// Number of inline-cache slots used by the instructions' `Ic` operands.
    pub num_caches: u32,
}
