//! Sets of value tags: what the typed lowering knows of a register.

use std::fmt;
use trinity_abi::tag;
use trinity_frontend::bytecode::Const;

/// A set of tags (docs/abi.md section 1); bit `t` stands for tag `t`. Empty: no value reaches here.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Tags(pub u16);

impl Tags {
    /// No value at all.
    pub const NONE: Tags = Tags(0);
    /// Any value a register can hold, cells included.
    pub const ALL: Tags = Tags((1 << (tag::CELL + 1)) - 1);
    /// `nil`.
    pub const NIL: Tags = Tags::of(tag::NIL);
    /// `true` and `false`.
    pub const BOOL: Tags = Tags(1 << tag::FALSE | 1 << tag::TRUE);
    /// Integers.
    pub const INT: Tags = Tags::of(tag::INT);
    /// Floats.
    pub const FLOAT: Tags = Tags::of(tag::FLOAT);
    /// Integers and floats.
    pub const NUM: Tags = Tags(1 << tag::INT | 1 << tag::FLOAT);
    /// Strings of both kinds.
    pub const STR: Tags = Tags(1 << tag::SHORT_STR | 1 << tag::LONG_STR);
    /// Tables.
    pub const TABLE: Tags = Tags::of(tag::TABLE);
    /// Functions of both kinds.
    pub const FUNCTION: Tags = Tags(1 << tag::LUA_FN | 1 << tag::NATIVE_FN);
    /// Cells of captured variables.
    pub const CELL: Tags = Tags::of(tag::CELL);

    /// The set of one tag.
    pub const fn of(t: u8) -> Tags {
        Tags(1 << t)
    }
    /// The only member.
    pub fn single(self) -> Option<u8> {
        (self.0.count_ones() == 1).then(|| self.0.trailing_zeros() as u8)
    }
    /// True when every member is in `o`.
    pub fn within(self, o: Tags) -> bool {
        self.0 & !o.0 == 0
    }
    /// True when a value can be in both.
    pub fn meets(self, o: Tags) -> bool {
        self.0 & o.0 != 0
    }
    /// True when no value has it.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }
    /// Union.
    #[must_use]
    pub fn or(self, o: Tags) -> Tags {
        Tags(self.0 | o.0)
    }
    /// Intersection.
    #[must_use]
    pub fn and(self, o: Tags) -> Tags {
        Tags(self.0 & o.0)
    }
    /// Members that are not in `o`.
    #[must_use]
    pub fn minus(self, o: Tags) -> Tags {
        Tags(self.0 & !o.0)
    }
    /// True when a payload belongs to some member: all but nil and the booleans have one.
    pub fn has_payload(self) -> bool {
        !self.within(Tags::NIL.or(Tags::BOOL))
    }
    /// True when a member is an object of the heap.
    pub fn may_be_collectable(self) -> bool {
        self.0 >> tag::FIRST_COLLECTABLE != 0
    }
    /// Tags of a constant.
    pub fn of_const(c: &Const) -> Tags {
        match c {
            Const::Nil => Tags::NIL,
            Const::Bool(false) => Tags::of(tag::FALSE),
            Const::Bool(true) => Tags::of(tag::TRUE),
            Const::Int(_) => Tags::INT,
            Const::Float(_) => Tags::FLOAT,
            Const::Str(s) if s.len() <= trinity_abi::string::MAX_SHORT => Tags::of(tag::SHORT_STR),
            Const::Str(_) => Tags::of(tag::LONG_STR),
        }
    }
}

impl fmt::Debug for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [&str; 14] = [
            "nil", "false", "true", "int", "float", "light", "short", "long", "table", "function",
            "native", "userdata", "thread", "cell",
        ];
        if *self == Tags::ALL {
            return f.write_str("any");
        }
        let names: Vec<&str> = NAMES
            .iter()
            .enumerate()
            .filter(|(t, _)| self.meets(Tags::of(*t as u8)))
            .map(|(_, n)| *n)
            .collect();
        f.write_str(&names.join("|"))
    }
}
