//! Library functions that machine code knows: their closures carry a number by which a call site recognises them.
//!
//! The number is in the header's `aux8` of the native closure, put there when the libraries are opened; 0 is any other function.

macro_rules! intrinsics {
    ($( $name:ident = $text:literal, )*) => {
        /// A library function that machine code can do itself.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Intrinsic {
            /// Number 0 is no intrinsic.
            None,
            $( #[doc = concat!("`", $text, "`")] $name, )*
        }
        /// All of them, with their qualified names.
        pub const ALL: &[(Intrinsic, &str)] = &[$( (Intrinsic::$name, $text), )*];
    };
}

intrinsics! {
    Assert = "assert",
    MathAbs = "math.abs",
    MathCeil = "math.ceil",
    MathFloor = "math.floor",
    MathMax = "math.max",
    MathMin = "math.min",
    MathSqrt = "math.sqrt",
    StringByte = "string.byte",
    StringLen = "string.len",
}

impl Intrinsic {
    /// By its qualified name.
    pub fn by_name(name: &str) -> Option<Intrinsic> {
        ALL.iter().find(|(_, n)| *n == name).map(|(i, _)| *i)
    }
}
