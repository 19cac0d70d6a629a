//! Flags from results, and conditions from flags.

use crate::isa::domain::{CmpOp, Domain, UnOp};
use crate::isa::machine::{Flag, Machine};
use iced_x86::ConditionCode;

/// Sets SF, ZF and PF by a result.
pub fn set_szp<D: Domain>(d: &mut D, m: &mut Machine<D>, r: &D::W) {
    let s = d.msb(r);
    let z = d.is_zero(r);
    let low = d.trunc(r, 8);
    let n = d.un(UnOp::Popcnt, &low);
    let odd = d.trunc(&n, 1);
    let p = d.not(&odd);
    m.set_flag(Flag::Sf, s);
    m.set_flag(Flag::Zf, z);
    m.set_flag(Flag::Pf, p);
}

/// AF: the carry into bit 4 of `a + b` or `a - b`.
pub fn set_af<D: Domain>(d: &mut D, m: &mut Machine<D>, a: &D::W, b: &D::W, r: &D::W) {
    let x = d.xor(a, b);
    let x = d.xor(&x, r);
    let af = d.extract(&x, 4, 1);
    m.set_flag(Flag::Af, af);
}

/// The flags of an addition or subtraction of `a` and `b` to `r`: CF where given, OF from the top bits of both words.
fn set_arithmetic<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    [a, b, r]: [&D::W; 3],
    cf: Option<D::W>,
    [x, y]: [&D::W; 2],
) {
    let o = d.and(x, y);
    let of = d.msb(&o);
    if let Some(cf) = cf {
        m.set_flag(Flag::Cf, cf);
    }
    m.set_flag(Flag::Of, of);
    set_af(d, m, a, b, r);
    set_szp(d, m, r);
}

/// `a + b + carry` (no carry when absent) with all flags, CF left alone when `keep_cf`.
pub fn add<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    a: &D::W,
    b: &D::W,
    carry: Option<&D::W>,
    keep_cf: bool,
) -> D::W {
    let w = d.width(a);
    let t = d.add(a, b);
    let c1 = d.cmp(CmpOp::Ult, &t, a);
    let (r, cf) = match carry {
        None => (t, c1),
        Some(c) => {
            let cw = d.zext(c, w);
            let r = d.add(&t, &cw);
            let c2 = d.cmp(CmpOp::Ult, &r, &t);
            (r, d.or(&c1, &c2))
        }
    };
    let x = d.xor(a, &r);
    let y = d.xor(b, &r);
    let cf = (!keep_cf).then_some(cf);
    set_arithmetic(d, m, [a, b, &r], cf, [&x, &y]);
    r
}

/// `a - b - borrow` with all flags, CF left alone when `keep_cf`.
pub fn sub<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    a: &D::W,
    b: &D::W,
    borrow: Option<&D::W>,
    keep_cf: bool,
) -> D::W {
    let w = d.width(a);
    let t = d.sub(a, b);
    let c1 = d.cmp(CmpOp::Ult, a, b);
    let (r, cf) = match borrow {
        None => (t, c1),
        Some(c) => {
            let cw = d.zext(c, w);
            let r = d.sub(&t, &cw);
            let c2 = d.cmp(CmpOp::Ult, &t, &cw);
            (r, d.or(&c1, &c2))
        }
    };
    let x = d.xor(a, b);
    let y = d.xor(a, &r);
    let cf = (!keep_cf).then_some(cf);
    set_arithmetic(d, m, [a, b, &r], cf, [&x, &y]);
    r
}

/// Clears flags.
pub fn clear<D: Domain>(d: &mut D, m: &mut Machine<D>, flags: &[Flag]) {
    let zero = d.bit(false);
    for &f in flags {
        m.set_flag(f, zero.clone());
    }
}

/// Flags of a bitwise operation: CF and OF clear, AF undefined.
pub fn logic<D: Domain>(d: &mut D, m: &mut Machine<D>, r: &D::W) {
    clear(d, m, &[Flag::Cf, Flag::Of]);
    m.undefine(d, &[Flag::Af]);
    set_szp(d, m, r);
}

/// The bit that says whether a condition holds; `None` for the condition that is no condition.
pub fn condition<D: Domain>(d: &mut D, m: &Machine<D>, cc: ConditionCode) -> Option<D::W> {
    use ConditionCode::*;
    let f = |x: Flag| m.flag(x);
    let positive = match cc {
        o | no => f(Flag::Of),
        b | ae => f(Flag::Cf),
        e | ne => f(Flag::Zf),
        be | a => d.or(&f(Flag::Cf), &f(Flag::Zf)),
        s | ns => f(Flag::Sf),
        p | np => f(Flag::Pf),
        l | ge => d.xor(&f(Flag::Sf), &f(Flag::Of)),
        le | g => {
            let x = d.xor(&f(Flag::Sf), &f(Flag::Of));
            d.or(&x, &f(Flag::Zf))
        }
        None => return Option::None,
    };
    Some(match cc {
        no | ae | ne | a | ns | np | ge | g => d.not(&positive),
        _ => positive,
    })
}
