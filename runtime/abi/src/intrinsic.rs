//! Library functions that machine code knows: their closures carry a number by which a call site recognises them.
//!
//! The number is in the header's `aux8` of the native closure, put there when the libraries are opened; 0 is any other function.
//! Some are a few instructions; others have a [`Direct`] form: a leaf function (`helpers::leaf`) that takes its arguments where the CALL has
//! them and does what the library function does, or says that the library function must be called after all.

/// What a direct form may write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Nothing that machine code can see.
    None,
    /// Tables.
    Tables,
}

/// The leaf function of a library function: `(thread, arguments, number of arguments, wanted results) -> (payload, tag)`, the tag in all of
/// rdx. It never raises, runs Lua or collects; where the library function could, and for all that is unusual, it answers [`ASK`](crate::helpers::ASK) and has
/// done nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Direct {
    /// Its symbol.
    pub symbol: &'static str,
    /// Arguments, at least.
    pub least: usize,
    /// Arguments, at most.
    pub most: usize,
    /// What it writes.
    pub effect: Effect,
    /// Results are written from the function's slot on, as many as are wanted, and the answer is nil. Else there is one, the answer.
    pub many: bool,
}

macro_rules! intrinsics {
    ($( $name:ident = $text:literal $( : $symbol:literal, $least:literal..=$most:literal, $effect:ident, $many:literal )?; )*) => {
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
        /// The qualified names in the order of their numbers from 1 on, each with a comma behind it.
        pub const NAMES: &str = concat!($( $text, "," ),*);
        impl Intrinsic {
            /// Its direct form, if it has one.
            pub fn direct(self) -> Option<Direct> {
                match self {
                    $($(
                        Intrinsic::$name => Some(Direct {
                            symbol: $symbol, least: $least, most: $most, effect: Effect::$effect, many: $many,
                        }),
                    )?)*
                    _ => None,
                }
            }
        }
    };
}

intrinsics! {
    Assert = "assert";
    CoroutineStatus = "coroutine.status": "trinity_d_coroutine_status", 1..=1, None, false;
    Getmetatable = "getmetatable": "trinity_d_getmetatable", 1..=1, None, false;
    GmatchIterator = "gmatch iterator";
    Ipairs = "ipairs": "trinity_d_ipairs", 1..=1, None, true;
    IpairsIterator = "ipairs iterator";
    MathAbs = "math.abs";
    MathCeil = "math.ceil";
    MathFloor = "math.floor";
    MathMax = "math.max";
    MathMin = "math.min";
    MathSqrt = "math.sqrt";
    MathType = "math.type": "trinity_d_math_type", 1..=1, None, false;
    Next = "next": "trinity_d_next", 1..=2, None, true;
    Pairs = "pairs": "trinity_d_pairs", 1..=1, None, true;
    Rawequal = "rawequal": "trinity_d_rawequal", 2..=2, None, false;
    Rawget = "rawget": "trinity_d_rawget", 2..=2, None, false;
    Rawlen = "rawlen": "trinity_d_rawlen", 1..=1, None, false;
    Rawset = "rawset": "trinity_d_rawset", 3..=3, Tables, false;
    Setmetatable = "setmetatable": "trinity_d_setmetatable", 2..=2, Tables, false;
    StringByte = "string.byte": "trinity_d_string_byte", 1..=3, None, true;
    StringChar = "string.char": "trinity_d_string_char", 0..=40, None, false;
    StringFind = "string.find": "trinity_d_string_find", 2..=4, None, true;
    StringFormat = "string.format": "trinity_d_string_format", 1..=40, None, false;
    StringLen = "string.len": "trinity_d_string_len", 1..=1, None, false;
    StringLower = "string.lower": "trinity_d_string_lower", 1..=1, None, false;
    StringRep = "string.rep": "trinity_d_string_rep", 2..=2, None, false;
    StringReverse = "string.reverse": "trinity_d_string_reverse", 1..=1, None, false;
    StringSub = "string.sub": "trinity_d_string_sub", 2..=3, None, false;
    StringUnpack = "string.unpack": "trinity_d_string_unpack", 2..=3, None, true;
    StringUpper = "string.upper": "trinity_d_string_upper", 1..=1, None, false;
    TableInsert = "table.insert": "trinity_d_table_insert", 2..=2, Tables, true;
    TableRemove = "table.remove": "trinity_d_table_remove", 1..=1, Tables, false;
    TableUnpack = "table.unpack": "trinity_d_table_unpack", 1..=3, None, true;
    Tonumber = "tonumber": "trinity_d_tonumber", 1..=1, None, false;
    Tostring = "tostring": "trinity_d_tostring", 1..=1, None, false;
    Type = "type": "trinity_d_type", 1..=1, None, false;
}

impl Intrinsic {
    /// By its qualified name.
    pub fn by_name(name: &str) -> Option<Intrinsic> {
        ALL.iter().find(|(_, n)| *n == name).map(|(i, _)| *i)
    }
    /// Its qualified name.
    pub fn name(self) -> &'static str {
        ALL.iter().find(|(i, _)| *i == self).map_or("", |(_, n)| *n)
    }
}
