//! `string.unpack` of one integer, where the format is a constant: a load from the string. Positions that are not in it, or
//! count from its end, leave.

use super::func::Lowering;
use super::graph::Kind;
use super::mem;
use super::state::Reg;
use super::tags::Tags;
use trinity_abi::intrinsic::Intrinsic;
use trinity_abi::string;
use trinity_codegen::ir::{Addr, Cond, IntCc, LoadKind, Region, Scale, UnOp, Value};
use trinity_frontend::bytecode::effects::effects;
use trinity_frontend::bytecode::{Const, Instr, Op};

/// A number of 1, 2, 4 or 8 bytes.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Layout {
    size: i32,
    signed: bool,
    /// The highest byte comes first.
    big: bool,
}

/// What a format says that has an order of bytes, perhaps, and one option for an integer.
fn layout(format: &[u8]) -> Option<Layout> {
    let (big, option) = match format {
        [b'>', rest @ ..] => (true, rest),
        [b'<' | b'=', rest @ ..] => (false, rest),
        _ => (false, format),
    };
    let (&kind, size) = option.split_first()?;
    let size = match (kind, size) {
        (b'b' | b'B', []) | (b'i' | b'I', b"1") => 1,
        (b'h' | b'H', []) | (b'i' | b'I', b"2") => 2,
        (b'i' | b'I', [] | b"4") => 4,
        (b'j' | b'J' | b'l' | b'L', []) | (b'i' | b'I', b"8") => 8,
        _ => return None,
    };
    Some(Layout {
        size,
        signed: kind.is_ascii_lowercase(),
        big: big && size > 1,
    })
}

impl Lowering<'_> {
    /// CALL of `string.unpack` with a constant format of one integer, which is all that is wanted. False: nothing was done.
    pub(crate) fn unpack(&mut self, i: Instr) -> bool {
        let (a, b, c) = (i.a(), i.b(), i.c());
        // It gives the position behind the number, too.
        if c != 2 || self.is_open_call() || !(3..=4).contains(&b) {
            return false;
        }
        let Some(l) = self.literal(a + 1).and_then(layout) else {
            return false;
        };
        let typed =
            self.tags(a + 2).meets(Tags::STR) && (b == 3 || self.tags(a + 3).meets(Tags::INT));
        if !typed {
            return false;
        }
        self.recognise(a, Intrinsic::StringUnpack);
        self.guard(a + 2, Tags::STR);
        let s = self.get(a + 2);
        let from = if b == 4 {
            self.guard(a + 3, Tags::INT);
            self.get(a + 3)
        } else {
            self.b.iconst(1)
        };
        let exit = self.exit_block();
        self.b.exit_if(Cond::icmp(IntCc::Slt, from, 1), exit, &[]);
        // What wraps is larger than every length.
        let len = self.b.load64(mem::constant(s, string::LEN));
        let last = self.b.iadd(from, l.size - 1);
        self.b.exit_if(Cond::icmp(IntCc::Ugt, last, len), exit, &[]);
        let v = self.decoded(s, from, l);
        self.clobber_from(a);
        self.set(a, Reg::known(Tags::INT, v));
        true
    }

    /// The number that begins at position `from` (1 is the first) of a string.
    fn decoded(&mut self, s: Value, from: Value, l: Layout) -> Value {
        let mut load = |kind, at: i32| {
            let at = Addr::indexed(s, from, Scale::S1, string::BYTES - 1 + at);
            self.b.load(kind, at.in_region(Region::Const))
        };
        if !l.big {
            return match (l.size, l.signed) {
                (1, false) => load(LoadKind::U8, 0),
                (1, true) => load(LoadKind::S8, 0),
                (2, false) => load(LoadKind::U16, 0),
                (2, true) => load(LoadKind::S16, 0),
                (4, false) => load(LoadKind::U32, 0),
                (4, true) => load(LoadKind::S32, 0),
                _ => load(LoadKind::I64, 0),
            };
        }
        match l.size {
            2 => {
                let kind = if l.signed { LoadKind::S8 } else { LoadKind::U8 };
                let (high, low) = (load(kind, 0), load(LoadKind::U8, 1));
                let high = self.b.shl(high, 8);
                self.b.or(high, low)
            }
            4 => {
                let v = load(LoadKind::U32, 0);
                let v = self.b.unary(UnOp::Bswap32, v);
                if l.signed {
                    self.b.unary(UnOp::Sext32, v)
                } else {
                    v
                }
            }
            _ => {
                let v = load(LoadKind::I64, 0);
                self.b.unary(UnOp::Bswap64, v)
            }
        }
    }

    /// The string constant that an instruction of this block put into a register, if it is still there.
    fn literal(&self, r: usize) -> Option<&[u8]> {
        let f = self.frame();
        let here =
            |n: &&super::graph::Node| n.kind == Kind::Block && (n.start..n.end).contains(&self.pc);
        let start = f.graph.nodes.iter().find(here)?.start;
        let writes = |pc: &usize| {
            let fx = effects(f.p, *pc);
            fx.next_writes.contains(r)
        };
        let by = (start as usize..self.pc as usize).rev().find(writes)?;
        let load = f.p.code[by];
        match (load.op(), f.p.consts.get(load.dd() as usize)) {
            (Op::LoadK, Some(Const::Str(s))) if load.a() == r => Some(s.as_ref()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts() {
        let l = |size, signed, big| Some(Layout { size, signed, big });
        assert_eq!(layout(b">I4"), l(4, false, true));
        assert_eq!(layout(b"<i2"), l(2, true, false));
        assert_eq!(layout(b"=h"), l(2, true, false));
        assert_eq!(layout(b"B"), l(1, false, false));
        assert_eq!(layout(b">b"), l(1, true, false));
        assert_eq!(layout(b">j"), l(8, true, true));
        assert_eq!(layout(b"i8"), l(8, true, false));
        for other in ["", ">", "i3", "i44", "I4I4", "d", "z", "!4i4", " i4", ">x"] {
            assert_eq!(layout(other.as_bytes()), None, "{other}");
        }
    }
}
