//! The concrete domain: words are values.

use super::domain::{BinOp, CmpOp, Domain, FpOp, UnOp};
use super::fp;

/// A value of `width` bits; bits above are zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Bits {
    /// Width in bits, 1 to 128.
    pub width: u32,
    /// The value, zero-extended.
    pub value: u128,
}

/// All ones of a width.
pub fn mask(width: u32) -> u128 {
    if width >= 128 {
        u128::MAX
    } else {
        (1 << width) - 1
    }
}

/// `value`'s low `width` bits as a signed number.
pub fn signed(width: u32, value: u128) -> i128 {
    let s = 128 - width;
    ((value << s) as i128) >> s
}

impl Bits {
    /// The low `width` bits of `value`.
    pub fn new(width: u32, value: u128) -> Bits {
        Bits {
            width,
            value: value & mask(width),
        }
    }
}

/// A mapped range of bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConcreteRegion {
    /// First address.
    pub base: u64,
    /// Contents.
    pub bytes: Vec<u8>,
    /// Whether stores are allowed.
    pub writable: bool,
}

/// The memory of the concrete domain: a few mapped ranges that do not overlap; everything else faults.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ConcreteMemory {
    /// The ranges.
    pub regions: Vec<ConcreteRegion>,
}

impl ConcreteMemory {
    fn find(&self, addr: u64, write: bool) -> Option<(usize, usize)> {
        self.regions.iter().enumerate().find_map(|(i, r)| {
            let off = addr.wrapping_sub(r.base);
            (off < r.bytes.len() as u64 && (r.writable || !write)).then_some((i, off as usize))
        })
    }

    /// The byte at an address, where mapped.
    pub fn byte(&self, addr: u64) -> Option<u8> {
        self.find(addr, false)
            .map(|(i, o)| self.regions[i].bytes[o])
    }
}

/// The concrete domain. Undefined results are zero; a caller that must not depend on them masks them.
#[derive(Clone, Copy, Default, Debug)]
pub struct Concrete;

/// A one-operand operation on values.
pub fn eval_un(op: UnOp, w: u32, a: u128) -> u128 {
    let r = match op {
        UnOp::Not => !a,
        UnOp::Neg => a.wrapping_neg(),
        UnOp::Popcnt => a.count_ones().into(),
        UnOp::Clz => (a.leading_zeros() - (128 - w)).into(),
        UnOp::Ctz => a.trailing_zeros().min(w).into(),
        UnOp::Bswap => a.swap_bytes() >> (128 - w),
    };
    r & mask(w)
}

/// A two-operand operation on values.
pub fn eval_bin(op: BinOp, w: u32, a: u128, b: u128) -> u128 {
    use BinOp::*;
    let (sa, sb) = (signed(w, a), signed(w, b));
    let r = match op {
        Add => a.wrapping_add(b),
        Sub => a.wrapping_sub(b),
        Mul => a.wrapping_mul(b),
        // Products of words of up to 64 bits fit; wider high halves do not occur.
        MulHiU => a.wrapping_mul(b) >> w,
        MulHiS => (sa.wrapping_mul(sb) >> w) as u128,
        Udiv => a.checked_div(b).unwrap_or(u128::MAX),
        Urem => a.checked_rem(b).unwrap_or(a),
        Sdiv if b == 0 => {
            if sa < 0 {
                1
            } else {
                u128::MAX
            }
        }
        Sdiv => sa.wrapping_div(sb) as u128,
        Srem if b == 0 => a,
        Srem => sa.wrapping_rem(sb) as u128,
        And => a & b,
        Or => a | b,
        Xor => a ^ b,
        Shl => {
            if b >= w.into() {
                0
            } else {
                a << b
            }
        }
        Lshr => {
            if b >= w.into() {
                0
            } else {
                a >> b
            }
        }
        Ashr => (sa >> b.min((w - 1).into())) as u128,
        Rotl | Rotr => {
            let k = (b % u128::from(w)) as u32;
            let k = if op == Rotl { k } else { (w - k) % w };
            if k == 0 { a } else { (a << k) | (a >> (w - k)) }
        }
        Pext => {
            let (mut r, mut k) = (0, 0);
            for i in 0..w {
                if b >> i & 1 == 1 {
                    r |= (a >> i & 1) << k;
                    k += 1;
                }
            }
            r
        }
        Pdep => {
            let (mut r, mut k) = (0, 0);
            for i in 0..w {
                if b >> i & 1 == 1 {
                    r |= (a >> k & 1) << i;
                    k += 1;
                }
            }
            r
        }
    };
    r & mask(w)
}

/// A comparison of values.
pub fn eval_cmp(op: CmpOp, w: u32, a: u128, b: u128) -> bool {
    match op {
        CmpOp::Eq => a == b,
        CmpOp::Ult => a < b,
        CmpOp::Slt => signed(w, a) < signed(w, b),
    }
}

impl Domain for Concrete {
    type W = Bits;
    type M = ConcreteMemory;

    fn constant(&mut self, width: u32, value: u128) -> Bits {
        Bits::new(width, value)
    }
    fn width(&self, w: &Bits) -> u32 {
        w.width
    }
    fn as_constant(&self, w: &Bits) -> Option<u128> {
        Some(w.value)
    }
    fn un(&mut self, op: UnOp, a: &Bits) -> Bits {
        Bits::new(a.width, eval_un(op, a.width, a.value))
    }
    fn bin(&mut self, op: BinOp, a: &Bits, b: &Bits) -> Bits {
        debug_assert_eq!(a.width, b.width);
        Bits::new(a.width, eval_bin(op, a.width, a.value, b.value))
    }
    fn cmp(&mut self, op: CmpOp, a: &Bits, b: &Bits) -> Bits {
        debug_assert_eq!(a.width, b.width);
        Bits::new(1, eval_cmp(op, a.width, a.value, b.value).into())
    }
    fn ite(&mut self, c: &Bits, a: &Bits, b: &Bits) -> Bits {
        debug_assert_eq!((c.width, a.width), (1, b.width));
        if c.value == 1 { *a } else { *b }
    }
    fn extract(&mut self, a: &Bits, lo: u32, width: u32) -> Bits {
        debug_assert!(lo + width <= a.width);
        Bits::new(width, a.value >> lo)
    }
    fn concat(&mut self, hi: &Bits, lo: &Bits) -> Bits {
        Bits::new(hi.width + lo.width, hi.value << lo.width | lo.value)
    }
    fn zext(&mut self, a: &Bits, width: u32) -> Bits {
        debug_assert!(width >= a.width);
        Bits::new(width, a.value)
    }
    fn sext(&mut self, a: &Bits, width: u32) -> Bits {
        debug_assert!(width >= a.width);
        Bits::new(width, signed(a.width, a.value) as u128)
    }
    fn fp(&mut self, op: FpOp, args: &[Bits]) -> Bits {
        let w = args[0].width;
        let a: [u64; 3] = std::array::from_fn(|i| args.get(i).map_or(0, |b| b.value as u64));
        Bits::new(op.result_width(w), fp::eval(op, w, a).into())
    }
    fn undefined(&mut self, width: u32) -> Bits {
        Bits::new(width, 0)
    }

    fn mapped(&mut self, m: &ConcreteMemory, addr: &Bits, bytes: u32, write: bool) -> Bits {
        let ok = (0..u64::from(bytes))
            .all(|i| m.find((addr.value as u64).wrapping_add(i), write).is_some());
        Bits::new(1, ok.into())
    }
    fn load(&mut self, m: &ConcreteMemory, addr: &Bits, bytes: u32) -> Bits {
        let mut v = 0u128;
        for i in 0..u64::from(bytes) {
            let b = m.byte((addr.value as u64).wrapping_add(i)).unwrap_or(0);
            v |= u128::from(b) << (8 * i);
        }
        Bits::new(8 * bytes, v)
    }
    fn store(&mut self, m: &mut ConcreteMemory, addr: &Bits, value: &Bits) {
        let n = u64::from(value.width / 8);
        let at = |i: u64| (addr.value as u64).wrapping_add(i);
        if (0..n).all(|i| m.find(at(i), true).is_some()) {
            for i in 0..n {
                if let Some((r, o)) = m.find(at(i), true) {
                    m.regions[r].bytes[o] = (value.value >> (8 * i)) as u8;
                }
            }
        }
    }
    fn ite_memory(&mut self, c: &Bits, a: &ConcreteMemory, b: &ConcreteMemory) -> ConcreteMemory {
        if c.value == 1 { a.clone() } else { b.clone() }
    }
}
