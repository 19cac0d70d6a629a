//! Small vocabulary of the IR: typed indices, types, widths, condition codes, physical registers.
//!
//! Every enum that has a text form keeps it in one table (`names!`), which the printer and the parser share.

use std::fmt;

/// Declares an enum together with its text forms: `as_str`, `from_str` and `ALL` come from the one list.
macro_rules! names {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $var:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        $vis enum $name { $($(#[$vmeta])* $var,)* }
        impl $name {
            /// Every variant, in declaration order.
            pub const ALL: &'static [$name] = &[$($name::$var,)*];
            /// The text form.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$var => $text,)* }
            }
            /// The variant with this text form.
            pub fn from_name(text: &str) -> Option<$name> {
                match text { $($text => Some($name::$var),)* _ => None }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use names;

macro_rules! index {
    ($(#[$meta:meta])* $name:ident, $prefix:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u32);
        impl $name {
            /// As a vector index.
            #[inline]
            pub fn index(self) -> usize { self.0 as usize }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }
    };
}

index!(
    /// An SSA value: the result of an instruction or a block parameter.
    Value, "v"
);
index!(
    /// A basic block.
    Block, "b"
);
index!(
    /// An instruction of one function.
    InstId, "i"
);
index!(
    /// A symbol; the number means whatever the caller wants, code generation only passes it on to relocations.
    SymbolRef, "@"
);
index!(
    /// A source location; the number means whatever the caller wants. 0 is "none".
    SrcLoc, "!"
);
index!(
    /// A piece of the native stack frame, 8-byte aligned.
    StackSlot, "ss"
);

names! {
    /// The type of a value. Narrow integers exist only in memory and in comparison widths.
    pub enum Type {
        /// 64-bit integer or address.
        I64 = "i64",
        /// IEEE double.
        F64 = "f64",
        /// Two integers or two doubles: instructions on vectors alone know it.
        V128 = "v128",
        /// Four of them; needs AVX2.
        V256 = "v256",
    }
}

impl Type {
    /// How many integers or doubles a value is.
    pub fn lanes(self) -> u32 {
        match self {
            Type::I64 | Type::F64 => 1,
            Type::V128 => 2,
            Type::V256 => 4,
        }
    }
}

names! {
    /// The width of a memory access or of an integer comparison.
    pub enum Width {
        /// 8 bits.
        W8 = "8",
        /// 16 bits.
        W16 = "16",
        /// 32 bits.
        W32 = "32",
        /// 64 bits.
        W64 = "64",
    }
}

impl Width {
    /// Size in bytes.
    pub fn bytes(self) -> u32 {
        match self {
            Width::W8 => 1,
            Width::W16 => 2,
            Width::W32 => 4,
            Width::W64 => 8,
        }
    }
}

names! {
    /// What a load reads and how it is extended to its result type.
    pub enum LoadKind {
        /// 8 bits, zero-extended.
        U8 = "u8",
        /// 8 bits, sign-extended.
        S8 = "s8",
        /// 16 bits, zero-extended.
        U16 = "u16",
        /// 16 bits, sign-extended.
        S16 = "s16",
        /// 32 bits, zero-extended.
        U32 = "u32",
        /// 32 bits, sign-extended.
        S32 = "s32",
        /// 64 bits.
        I64 = "i64",
        /// A double.
        F64 = "f64",
    }
}

impl LoadKind {
    /// The type of the loaded value.
    pub fn ty(self) -> Type {
        if self == LoadKind::F64 {
            Type::F64
        } else {
            Type::I64
        }
    }
}

names! {
    /// Integer comparison. `Of` and `NoOf` ask whether `a - b` overflows as a signed subtraction; `Neg` and
    /// `NonNeg` ask for the sign of the (wrapped) difference, or of the conjunction in a test.
    pub enum IntCc {
        /// Equal.
        Eq = "eq",
        /// Not equal.
        Ne = "ne",
        /// Signed less.
        Slt = "slt",
        /// Signed less or equal.
        Sle = "sle",
        /// Signed greater.
        Sgt = "sgt",
        /// Signed greater or equal.
        Sge = "sge",
        /// Unsigned less.
        Ult = "ult",
        /// Unsigned less or equal.
        Ule = "ule",
        /// Unsigned greater.
        Ugt = "ugt",
        /// Unsigned greater or equal.
        Uge = "uge",
        /// Signed overflow of the subtraction.
        Of = "of",
        /// No signed overflow of the subtraction.
        NoOf = "nof",
        /// The result's sign bit is set.
        Neg = "neg",
        /// The result's sign bit is clear.
        NonNeg = "nonneg",
    }
}

names! {
    /// Floating-point comparison. All but `Ne` are false when an operand is NaN; `Ne` is true.
    pub enum FloatCc {
        /// Ordered and equal.
        Eq = "eq",
        /// Unordered or not equal.
        Ne = "ne",
        /// Ordered and less.
        Lt = "lt",
        /// Ordered and less or equal.
        Le = "le",
        /// Ordered and greater.
        Gt = "gt",
        /// Ordered and greater or equal.
        Ge = "ge",
    }
}

names! {
    /// Registers that are never allocated: usable as address bases, read and written by explicit instructions.
    pub enum Pinned {
        /// r14.
        Thread = "thread",
        /// rbx.
        Base = "base",
    }
}

names! {
    /// The factor of an address index.
    pub enum Scale {
        /// Times 1.
        S1 = "1",
        /// Times 2.
        S2 = "2",
        /// Times 4.
        S4 = "4",
        /// Times 8.
        S8 = "8",
    }
}

names! {
    /// What part of memory an address belongs to. Two different regions other than `Any` never overlap; the front end
    /// promises it. What a call does to a region is said at [`Region::written_by`].
    pub enum Region {
        /// Unknown: may overlap everything but `Const`.
        Any = "any",
        /// Home slots of registers. A function's own closure, below them, is `Const`.
        Home = "home",
        /// The thread record. Volatile: others write to it, so every access happens where it stands.
        Thread = "thread",
        /// A table's shape: its id and pointer, metatable, slots pointer and capacity of slots.
        Shape = "shape",
        /// A table's array and hash part: pointers, length, capacity, kind of elements.
        Array = "array",
        /// Payloads and tags of array elements.
        Element = "element",
        /// Entries of hash parts: keys, values and their tags.
        Entry = "entry",
        /// Fields in slots.
        Slot = "slot",
        /// Cells of captured variables.
        Cell = "cell",
        /// Inline caches.
        Cache = "cache",
        /// Cells that remember numbers for which something was found to hold for good. A comparison for equality that
        /// succeeded, or was assumed ([`Inst::Assume`](super::Inst::Assume)), holds wherever the same number is compared with
        /// the same cell afterwards, whatever is stored there. Not to be loaded otherwise.
        Memo = "memo",
        /// What never changes once it can be seen: length and bytes of strings, prototype pointers,
        /// constants; relative to the pinned base, what stays the same while the function runs. Never stored to.
        Const = "const",
        /// Code pointers and cells of closures, fields of prototypes, the number of nested native calls: what seldom changes, and only in calls.
        Proto = "proto",
        /// Mark bytes of objects.
        Header = "header",
        /// Slots of the native frame whose address does not escape.
        Native = "native",
        /// Fields of an object by the code that makes it, before any other access to the object: no knowledge of other regions is about it.
        Fresh = "fresh",
    }
}

impl Region {
    /// Whether stores to one region can change what the other holds. `Any` does not hold what never changes.
    #[inline]
    pub fn may_alias(self, other: Region) -> bool {
        let any = self == Region::Any || other == Region::Any;
        self == other || any && self != Region::Const && other != Region::Const
    }

    /// Whether a call that destroys these registers may write to the region.
    #[inline]
    pub fn written_by(self, call: Clobbers) -> bool {
        match call {
            Clobbers::Pure | Clobbers::Looks => false,
            Clobbers::Reads | Clobbers::Keeps => {
                matches!(self, Region::Any | Region::Cache | Region::Memo)
            }
            Clobbers::Homes => {
                matches!(
                    self,
                    Region::Any | Region::Cache | Region::Memo | Region::Home
                )
            }
            Clobbers::Finds => {
                matches!(
                    self,
                    Region::Any | Region::Cache | Region::Memo | Region::Shape
                )
            }
            Clobbers::Elements => !matches!(
                self,
                Region::Const
                    | Region::Native
                    | Region::Shape
                    | Region::Slot
                    | Region::Cell
                    | Region::Proto
                    | Region::Home
            ),
            _ => !matches!(self, Region::Const | Region::Native),
        }
    }
}

impl Scale {
    /// Log2 of the factor.
    pub fn log2(self) -> u8 {
        self as u8
    }

    /// The scale with this log2.
    pub fn from_log2(n: u32) -> Option<Scale> {
        Scale::ALL.get(n as usize).copied()
    }

    /// The scale of an address that makes a product by this: base and scaled index are the same register.
    pub fn of_product(factor: i64) -> Option<Scale> {
        match factor {
            3 => Some(Scale::S2),
            5 => Some(Scale::S4),
            9 => Some(Scale::S8),
            _ => None,
        }
    }
}

names! {
    /// Which registers a call destroys (its results aside).
    pub enum Clobbers {
        /// Everything allocatable: calls between machine functions.
        All = "all",
        /// A C function: rbp, r12, r13 and r15 survive (and the pinned registers).
        SysV = "sysv",
        /// A C function that writes nothing but inline caches.
        Reads = "reads",
        /// A C function of its arguments alone: it neither reads nor writes memory, and gives the same each time.
        Pure = "pure",
        /// Nothing but its results: a function that saves what it uses, and writes nothing but inline caches.
        Keeps = "keeps",
        /// As `Keeps`, and tables may get shapes of their own.
        Finds = "finds",
        /// As `Keeps`, and it writes nothing at all.
        Looks = "looks",
        /// A C function that writes nothing but inline caches and home slots.
        Homes = "homes",
        /// A C function that stores elements: shapes and slots of tables, cells, closures and home slots stay as they are.
        Elements = "elements",
        /// Nothing: a function that saves what it uses. For slow paths, which then cost the fast ones no registers. Memory and the base are
        /// as after `All`.
        Saves = "saves",
    }
}

impl Clobbers {
    /// The pinned base may point elsewhere afterwards.
    pub fn moves_base(self) -> bool {
        matches!(self, Clobbers::All | Clobbers::Saves)
    }
}

names! {
    /// A physical register, integer or vector.
    #[derive(PartialOrd, Ord)]
    #[repr(u8)]
    pub enum PReg {
        /// rax
        Rax = "rax",
        /// rcx
        Rcx = "rcx",
        /// rdx
        Rdx = "rdx",
        /// rbx: pinned, the base.
        Rbx = "rbx",
        /// rsp: the native stack.
        Rsp = "rsp",
        /// rbp
        Rbp = "rbp",
        /// rsi
        Rsi = "rsi",
        /// rdi
        Rdi = "rdi",
        /// r8
        R8 = "r8",
        /// r9
        R9 = "r9",
        /// r10
        R10 = "r10",
        /// r11
        R11 = "r11",
        /// r12
        R12 = "r12",
        /// r13
        R13 = "r13",
        /// r14: pinned, the thread.
        R14 = "r14",
        /// r15
        R15 = "r15",
        /// xmm0
        Xmm0 = "xmm0",
        /// xmm1
        Xmm1 = "xmm1",
        /// xmm2
        Xmm2 = "xmm2",
        /// xmm3
        Xmm3 = "xmm3",
        /// xmm4
        Xmm4 = "xmm4",
        /// xmm5
        Xmm5 = "xmm5",
        /// xmm6
        Xmm6 = "xmm6",
        /// xmm7
        Xmm7 = "xmm7",
        /// xmm8
        Xmm8 = "xmm8",
        /// xmm9
        Xmm9 = "xmm9",
        /// xmm10
        Xmm10 = "xmm10",
        /// xmm11
        Xmm11 = "xmm11",
        /// xmm12
        Xmm12 = "xmm12",
        /// xmm13
        Xmm13 = "xmm13",
        /// xmm14
        Xmm14 = "xmm14",
        /// xmm15
        Xmm15 = "xmm15",
    }
}

impl PReg {
    /// The register's number in its class, as encoded.
    #[inline]
    pub fn hw(self) -> u8 {
        self as u8 & 15
    }

    /// Whether this is a vector register.
    #[inline]
    pub fn is_xmm(self) -> bool {
        self as u8 >= 16
    }

    /// The integer register with this number.
    #[inline]
    pub fn gpr(hw: u8) -> PReg {
        PReg::ALL[(hw & 15) as usize]
    }

    /// The vector register with this number.
    #[inline]
    pub fn xmm(hw: u8) -> PReg {
        PReg::ALL[16 + (hw & 15) as usize]
    }

    /// The type of value this register holds.
    pub fn ty(self) -> Type {
        if self.is_xmm() { Type::F64 } else { Type::I64 }
    }

    /// Whether values can be allocated to it: everything but rsp, rbx and r14.
    pub fn is_allocatable(self) -> bool {
        !matches!(self, PReg::Rsp | PReg::Rbx | PReg::R14)
    }
}

impl Pinned {
    /// The register behind the name.
    pub fn preg(self) -> PReg {
        match self {
            Pinned::Thread => PReg::R14,
            Pinned::Base => PReg::Rbx,
        }
    }
}
