//! Values that wait on the native stack: what a safe point says of registers whose home slots do not hold them.
//!
//! A list in a function's table of lists ([`crate::unit::FuncDesc::live`]), written by the compiler, read by who walks the frames. Bytes: the
//! number of entries, then each entry: the distance of its home slot from the entry before (the first: from the base of the function whose code it
//! is), a byte with tag (low half, [`TAG_PLACE`]: at a place) and [`Payload`] kind (high half), then the places these need. Numbers are LEB128.
//! A place is twice the number of a word of the native frame (from the stack pointer, outside the call), or 1 and 8 bytes of a constant.

/// Tag in the byte of an entry: the tag is at a place.
pub const TAG_PLACE: u8 = 15;

/// Where a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Word of the native frame.
    Word(u32),
    /// It is this.
    Const(u64),
}

/// What the payload of a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Nothing but its tag counts.
    None,
    /// A word.
    Word(Place),
    /// The iterations left of an integer loop: from `index` to `last` in steps of `step`, not 0; `unsigned`: the distance is an unsigned number, as
    /// its step is one's size.
    Count {
        /// The index of this iteration.
        index: Place,
        /// The index of the last one.
        last: Place,
        /// The step.
        step: Place,
        /// The step is a constant.
        unsigned: bool,
    },
}

/// Where a tag is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// It is this.
    Const(u8),
    /// In the low byte of a word.
    Word(Place),
}

/// A register's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Home slot, from the base of the function whose code it is.
    pub slot: u32,
    /// Its tag.
    pub tag: Tag,
    /// Its payload.
    pub payload: Payload,
}

fn put_number(out: &mut Vec<u8>, mut n: u32) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn put_place(out: &mut Vec<u8>, p: Place) {
    match p {
        Place::Word(n) => put_number(out, n << 1),
        Place::Const(n) => {
            out.push(1);
            out.extend_from_slice(&n.to_le_bytes());
        }
    }
}

/// The bytes of a list; slots ascend.
pub fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    put_number(&mut out, entries.len() as u32);
    let mut at = 0;
    for e in entries {
        put_number(&mut out, e.slot - at);
        at = e.slot;
        let tag = match e.tag {
            Tag::Const(t) => t,
            Tag::Word(_) => TAG_PLACE,
        };
        let kind = match e.payload {
            Payload::None => 0,
            Payload::Word(_) => 1,
            Payload::Count { unsigned, .. } => 2 + u8::from(unsigned),
        };
        out.push(tag | kind << 4);
        if let Tag::Word(p) = e.tag {
            put_place(&mut out, p);
        }
        match e.payload {
            Payload::None => {}
            Payload::Word(p) => put_place(&mut out, p),
            Payload::Count {
                index, last, step, ..
            } => [index, last, step]
                .into_iter()
                .for_each(|p| put_place(&mut out, p)),
        }
    }
    out
}

/// Reads a list.
pub struct Reader {
    at: *const u8,
    slot: u32,
    left: u32,
}

impl Reader {
    /// Starts at the list at `at`.
    ///
    /// # Safety
    /// `encode` wrote it, and it stays there.
    pub unsafe fn new(at: *const u8) -> Reader {
        let mut r = Reader {
            at,
            slot: 0,
            left: 0,
        };
        r.left = r.number();
        r
    }
    fn byte(&mut self) -> u8 {
        // SAFETY: within the list, by `new`'s contract and the number of entries.
        unsafe {
            let b = *self.at;
            self.at = self.at.add(1);
            b
        }
    }
    fn number(&mut self) -> u32 {
        let (mut n, mut shift) = (0, 0);
        loop {
            let b = self.byte();
            n |= u32::from(b & 0x7f) << shift;
            if b < 0x80 {
                return n;
            }
            shift += 7;
        }
    }
    fn place(&mut self) -> Place {
        match self.number() {
            n if n & 1 == 0 => Place::Word(n >> 1),
            _ => {
                let mut word = 0;
                for k in 0..8 {
                    word |= u64::from(self.byte()) << (8 * k);
                }
                Place::Const(word)
            }
        }
    }
}

impl Iterator for Reader {
    type Item = Entry;
    fn next(&mut self) -> Option<Entry> {
        self.left = self.left.checked_sub(1)?;
        self.slot += self.number();
        let kinds = self.byte();
        let tag = match kinds & 15 {
            TAG_PLACE => Tag::Word(self.place()),
            t => Tag::Const(t),
        };
        let payload = match kinds >> 4 {
            0 => Payload::None,
            1 => Payload::Word(self.place()),
            k => Payload::Count {
                index: self.place(),
                last: self.place(),
                step: self.place(),
                unsigned: k == 3,
            },
        };
        Some(Entry {
            slot: self.slot,
            tag,
            payload,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_back() {
        let word = |slot, n| Entry {
            slot,
            tag: Tag::Const(3),
            payload: Payload::Word(Place::Word(n)),
        };
        let list = vec![
            word(0, 0),
            word(1, 200_000),
            Entry {
                slot: 400,
                tag: Tag::Word(Place::Word(7)),
                payload: Payload::Word(Place::Const(u64::MAX - 5)),
            },
            Entry {
                slot: 401,
                tag: Tag::Const(0),
                payload: Payload::None,
            },
            Entry {
                slot: 70_000,
                tag: Tag::Const(3),
                payload: Payload::Count {
                    index: Place::Word(1),
                    last: Place::Const(10),
                    step: Place::Word(2),
                    unsigned: false,
                },
            },
        ];
        let bytes = encode(&list);
        // SAFETY: `encode` wrote it.
        let read: Vec<Entry> = unsafe { Reader::new(bytes.as_ptr()) }.collect();
        assert_eq!(read, list);
        // SAFETY: the same.
        assert_eq!(unsafe { Reader::new(encode(&[]).as_ptr()) }.next(), None);
    }
}
