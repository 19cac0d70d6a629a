//! Formats of string.format, read once: their literal parts and specifications. A state keeps what it read of the formats it used last; that
//! they are the same is decided by their text, so that nothing has to be told when a string is freed.

use super::super::buffer::Buffer;
use super::spec::{self, Spec};
use crate::error::LResult;
use std::ops::Range;

/// Formats that a state keeps.
const KEPT: usize = 32;
/// Longest format that is kept.
const LONGEST: usize = 256;

/// A conversion, and what stands before it.
pub struct Item {
    /// The literal text before it.
    literal: Range<usize>,
    /// The form: the specification without its `%`. `None`: it is too long.
    form: Option<Range<usize>>,
    /// The form's last character; 0 if there is none.
    pub conversion: u8,
    /// It is `%%`, and belongs to the literal.
    escape: bool,
    /// What the form says, if it is valid.
    pub spec: Option<Spec>,
}

/// A format.
pub struct Format {
    text: Box<[u8]>,
    items: Vec<Item>,
    /// Where the literal behind the last item starts.
    tail: usize,
}

impl Format {
    /// Reads a format. `None`: no memory.
    fn read(text: &[u8]) -> Option<Format> {
        let mut items = Vec::new();
        let mut at = 0;
        while let Some(n) = text[at..].iter().position(|&c| c == b'%') {
            let start = at + n + 1;
            let rest = &text[start..];
            let escape = rest.first() == Some(&b'%');
            let literal = at..start - usize::from(!escape);
            let form = spec::form(rest).map(|f| start..start + f.len());
            let shown = form.clone().map_or(&[][..], |f| &text[f]);
            at = start + shown.len();
            items.try_reserve(1).ok()?;
            items.push(Item {
                literal,
                conversion: shown.last().copied().unwrap_or(0),
                spec: spec::of(shown),
                escape,
                form,
            });
        }
        let mut copy = Vec::new();
        copy.try_reserve_exact(text.len()).ok()?;
        copy.extend_from_slice(text);
        Some(Format {
            text: copy.into(),
            items,
            tail: at,
        })
    }
    /// An item's form; `None`: it is too long.
    pub fn form(&self, item: &Item) -> Option<&[u8]> {
        item.form.clone().map(|f| &self.text[f])
    }
    /// Adds the text, and for the conversions what `add` adds. False: `add` answered so.
    #[inline]
    pub fn each(
        &self,
        out: &mut Buffer,
        mut add: impl FnMut(&mut Buffer, &Item) -> LResult<bool>,
    ) -> LResult<bool> {
        for item in &self.items {
            out.add(&self.text[item.literal.clone()])?;
            if !item.escape && !add(out, item)? {
                return Ok(false);
            }
        }
        out.add(&self.text[self.tail..])?;
        Ok(true)
    }
}

/// The formats that a state used last, by the address of their strings.
#[derive(Default)]
pub struct Formats([Option<Format>; KEPT]);

impl Formats {
    #[inline]
    fn place(&mut self, text: &[u8]) -> &mut Option<Format> {
        &mut self.0[(text.as_ptr() as usize >> 4) % KEPT]
    }
    /// A format with this text, which should not be long. `None`: no memory.
    #[inline]
    pub fn get(&mut self, text: &[u8]) -> Option<&Format> {
        let place = self.place(text);
        if place.as_ref().is_none_or(|f| *f.text != *text) {
            *place = Some(Format::read(text)?);
        }
        place.as_ref()
    }
    /// The same, out of the state's hands: while it is used, other formats may be.
    pub fn take(&mut self, text: &[u8]) -> Option<Format> {
        self.get(text)?;
        self.place(text).take()
    }
    /// Gives back what was taken.
    pub fn keep(&mut self, text: &[u8], format: Format) {
        if text.len() <= LONGEST {
            *self.place(text) = Some(format);
        }
    }
}
