//! Tokens and their spelling in messages.

use crate::intern::Sym;

macro_rules! tokens {
    ($( $name:ident $text:literal )*) => {
        /// A token kind. Single characters stand for themselves.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Tok {
            /// Any single byte that is not part of a longer token.
            Char(u8),
            $( #[doc = concat!("`", $text, "`")] $name, )*
        }
        /// Spelling of the tokens longer than a byte, in the reference's order.
        const SPELLING: &[(Tok, &str)] = &[$( (Tok::$name, $text) ),*];
    };
}

tokens! {
    And "and" Break "break" Do "do" Else "else" ElseIf "elseif" End "end" False "false" For "for" Function "function"
    Goto "goto" If "if" In "in" Local "local" Nil "nil" Not "not" Or "or" Repeat "repeat" Return "return" Then "then"
    True "true" Until "until" While "while"
    IDiv "//" Concat ".." Dots "..." Eq "==" Ge ">=" Le "<=" Ne "~=" Shl "<<" Shr ">>" DbColon "::"
    Eos "<eof>" Flt "<number>" Int "<integer>" Name "<name>" Str "<string>"
}

/// Number of reserved words; they come first in [`Tok`]'s table and are the first symbols of every interner.
pub const RESERVED: u32 = 22;

/// The reserved word with this symbol number.
#[inline]
pub(crate) fn reserved(sym: Sym) -> Tok {
    SPELLING[sym.0 as usize].0
}

/// Spellings of the reserved words in symbol order.
pub(crate) fn reserved_words() -> impl Iterator<Item = &'static str> {
    SPELLING[..RESERVED as usize].iter().map(|&(_, text)| text)
}

impl Tok {
    /// The token as messages show it: quoted, except for classes such as `<name>` and `<eof>`.
    pub fn describe(self) -> Vec<u8> {
        match self {
            Tok::Char(c @ 32..=126) => vec![b'\'', c, b'\''],
            Tok::Char(c) => format!("'<\\{c}>'").into_bytes(),
            _ => {
                let text = SPELLING
                    .iter()
                    .find(|(tok, _)| *tok == self)
                    .map_or("?", |(_, text)| text);
                match self {
                    Tok::Eos | Tok::Flt | Tok::Int | Tok::Name | Tok::Str => {
                        text.as_bytes().to_vec()
                    }
                    _ => format!("'{text}'").into_bytes(),
                }
            }
        }
    }
}

/// A token with its value and place.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// Kind.
    pub tok: Tok,
    /// Value of names, strings and numbers.
    pub value: Value,
    /// Offset of its first byte.
    pub start: u32,
    /// Offset past its last byte.
    pub end: u32,
}

/// What a token means beyond its kind.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// Nothing.
    None,
    /// A name, or a string's contents.
    Sym(Sym),
    /// An integer numeral.
    Int(i64),
    /// A float numeral.
    Float(f64),
}
