//! The math library (manual section 6.7), with the functions of older versions that the reference's build keeps (LUA_COMPAT_MATHLIB).
//!
//! `random` is xoshiro256**, seeded and projected exactly as in the reference: the same seed gives the same numbers.

use super::library::{Entry, add_entries, new_library};
use crate::arith::float_to_int;
use crate::error::LResult;
use crate::object::Table;
use crate::thread::Lua;
use crate::value::{Value, tag};
use std::f64::consts::PI;

const FUNCTIONS: &[Entry] = &[
    Entry("abs", abs, "abs(x): absolute value"),
    Entry(
        "acos",
        |l| map(l, f64::acos),
        "acos(x): arc cosine, in radians",
    ),
    Entry(
        "asin",
        |l| map(l, f64::asin),
        "asin(x): arc sine, in radians",
    ),
    Entry(
        "atan",
        atan,
        "atan(y [, x]): arc tangent of y/x, in the right quadrant",
    ),
    Entry("atan2", atan, "atan2(y, x): as atan"),
    Entry("ceil", ceil, "ceil(x): smallest integer not below x"),
    Entry("cos", |l| map(l, f64::cos), "cos(x): cosine"),
    Entry("cosh", |l| map(l, f64::cosh), "cosh(x): hyperbolic cosine"),
    Entry(
        "deg",
        |l| map(l, |x| x * (180.0 / PI)),
        "deg(x): radians to degrees",
    ),
    Entry("exp", |l| map(l, f64::exp), "exp(x): e^x"),
    Entry("floor", floor, "floor(x): largest integer not above x"),
    Entry(
        "fmod",
        fmod,
        "fmod(x, y): remainder of the division rounded towards zero",
    ),
    Entry(
        "frexp",
        frexp,
        "frexp(x): m and e with x = m * 2^e, 0.5 <= |m| < 1",
    ),
    Entry("ldexp", ldexp, "ldexp(m, e): m * 2^e"),
    Entry("log", log, "log(x [, base]): logarithm, natural by default"),
    Entry(
        "log10",
        |l| map(l, f64::log10),
        "log10(x): logarithm to base 10",
    ),
    Entry("max", max, "max(x, ...): largest argument"),
    Entry("min", min, "min(x, ...): smallest argument"),
    Entry("modf", modf, "modf(x): integral and fractional part"),
    Entry("pow", pow, "pow(x, y): x^y"),
    Entry(
        "rad",
        |l| map(l, |x| x * (PI / 180.0)),
        "rad(x): degrees to radians",
    ),
    Entry("sin", |l| map(l, f64::sin), "sin(x): sine"),
    Entry("sinh", |l| map(l, f64::sinh), "sinh(x): hyperbolic sine"),
    Entry("sqrt", |l| map(l, f64::sqrt), "sqrt(x): square root"),
    Entry("tan", |l| map(l, f64::tan), "tan(x): tangent"),
    Entry("tanh", |l| map(l, f64::tanh), "tanh(x): hyperbolic tangent"),
    Entry(
        "tointeger",
        tointeger,
        "tointeger(x): x as an integer, or nil",
    ),
    Entry("type", type_, "type(x): \"integer\", \"float\" or nil"),
    Entry("ult", ult, "ult(m, n): m < n as unsigned integers"),
];

/// These share their state as an upvalue.
const RANDOM_FUNCTIONS: &[Entry] = &[
    Entry(
        "random",
        random,
        "random([m [, n]]): random float in [0,1), or integer in [m,n]",
    ),
    Entry(
        "randomseed",
        randomseed,
        "randomseed([x [, y]]): seeds random; the two parts of the seed",
    ),
];

unsafe extern "C" {
    #[link_name = "frexp"]
    fn c_frexp(x: f64, e: *mut libc::c_int) -> f64;
    #[link_name = "ldexp"]
    fn c_ldexp(x: f64, e: libc::c_int) -> f64;
}

/// Opens the library.
pub fn open(l: Lua) -> LResult<*mut Table> {
    let t = new_library(l, FUNCTIONS, RANDOM_FUNCTIONS.len() + 4)?;
    for (name, v) in [
        ("pi", Value::float(PI)),
        ("huge", Value::float(f64::INFINITY)),
        ("maxinteger", Value::int(i64::MAX)),
        ("mininteger", Value::int(i64::MIN)),
    ] {
        l.raw_set_str(t, name, v)?;
    }
    let u = l.new_userdata(size_of::<Random>(), 0)?;
    // SAFETY: the data is zeroed, aligned and large enough.
    unsafe {
        (*u).data
            .cast::<Random>()
            .write(Random::seeded(time_seed(l)))
    };
    add_entries(
        l,
        t,
        RANDOM_FUNCTIONS,
        &[Value {
            p: u as u64,
            t: tag::USERDATA,
        }],
    )?;
    l.pop(1);
    Ok(t)
}

#[inline]
fn map(l: Lua, f: impl Fn(f64) -> f64) -> LResult<u32> {
    let x = l.check_number(1)?;
    l.push(Value::float(f(x)));
    Ok(1)
}

/// A float, as an integer when it fits.
fn integral(f: f64) -> Value {
    match float_to_int(f) {
        Some(i) => Value::int(i),
        None => Value::float(f),
    }
}

fn abs(l: Lua) -> LResult<u32> {
    let v = l.arg(1);
    if v.is_int() {
        l.push(Value::int(v.as_int().wrapping_abs()));
        return Ok(1);
    }
    map(l, f64::abs)
}

fn floor(l: Lua) -> LResult<u32> {
    let v = l.arg(1);
    let r = if v.is_int() {
        v
    } else {
        integral(l.check_number(1)?.floor())
    };
    l.push(r);
    Ok(1)
}

fn ceil(l: Lua) -> LResult<u32> {
    let v = l.arg(1);
    let r = if v.is_int() {
        v
    } else {
        integral(l.check_number(1)?.ceil())
    };
    l.push(r);
    Ok(1)
}

fn atan(l: Lua) -> LResult<u32> {
    let y = l.check_number(1)?;
    let x = l.opt_number(2, 1.0)?;
    l.push(Value::float(y.atan2(x)));
    Ok(1)
}

fn pow(l: Lua) -> LResult<u32> {
    let x = l.check_number(1)?;
    let y = l.check_number(2)?;
    l.push(Value::float(x.powf(y)));
    Ok(1)
}

fn frexp(l: Lua) -> LResult<u32> {
    let x = l.check_number(1)?;
    let mut e = 0;
    // SAFETY: `e` is a valid place.
    let m = unsafe { c_frexp(x, &mut e) };
    l.push(Value::float(m));
    l.push(Value::int(i64::from(e)));
    Ok(2)
}

fn ldexp(l: Lua) -> LResult<u32> {
    let x = l.check_number(1)?;
    let e = l.check_int(2)? as libc::c_int;
    // SAFETY: no preconditions.
    l.push(Value::float(unsafe { c_ldexp(x, e) }));
    Ok(1)
}

fn fmod(l: Lua) -> LResult<u32> {
    let (a, b) = (l.arg(1), l.arg(2));
    let r = if a.is_int() && b.is_int() {
        if b.as_int() == 0 {
            return Err(l.arg_error(2, "zero"));
        }
        Value::int(a.as_int().wrapping_rem(b.as_int()))
    } else {
        // The second argument is checked first: so is the reference compiled.
        let y = l.check_number(2)?;
        Value::float(l.check_number(1)? % y)
    };
    l.push(r);
    Ok(1)
}

fn modf(l: Lua) -> LResult<u32> {
    let v = l.arg(1);
    if v.is_int() {
        l.push(v);
        l.push(Value::float(0.0));
        return Ok(2);
    }
    let x = l.check_number(1)?;
    let whole = if x < 0.0 { x.ceil() } else { x.floor() };
    l.push(integral(whole));
    // Infinities have no fraction.
    l.push(Value::float(if x == whole { 0.0 } else { x - whole }));
    Ok(2)
}

fn log(l: Lua) -> LResult<u32> {
    let x = l.check_number(1)?;
    let r = if l.is_none_or_nil(2) {
        x.ln()
    } else {
        let base = l.check_number(2)?;
        if base == 2.0 {
            x.log2()
        } else if base == 10.0 {
            x.log10()
        } else {
            x.ln() / base.ln()
        }
    };
    l.push(Value::float(r));
    Ok(1)
}

fn max(l: Lua) -> LResult<u32> {
    extreme(l, |l, best, v| l.less_than(best, v))
}

fn min(l: Lua) -> LResult<u32> {
    extreme(l, |l, best, v| l.less_than(v, best))
}

/// The argument that beats all others; any values that can be compared, as in the reference.
#[inline]
fn extreme(l: Lua, better: impl Fn(Lua, Value, Value) -> LResult<bool>) -> LResult<u32> {
    let n = l.top();
    if n < 1 {
        return Err(l.arg_error(1, "value expected"));
    }
    let mut best = 1;
    for i in 2..=n {
        if better(l, l.arg(best), l.arg(i))? {
            best = i;
        }
    }
    l.push(l.arg(best));
    Ok(1)
}

fn tointeger(l: Lua) -> LResult<u32> {
    match l.to_int(l.arg(1)) {
        Some(i) => l.push(Value::int(i)),
        None => {
            l.check_any(1)?;
            l.push(Value::NIL);
        }
    }
    Ok(1)
}

fn type_(l: Lua) -> LResult<u32> {
    match l.arg(1).t {
        tag::INT => l.push_str("integer")?,
        tag::FLOAT => l.push_str("float")?,
        _ => {
            l.check_any(1)?;
            l.push(Value::NIL);
        }
    }
    Ok(1)
}

fn ult(l: Lua) -> LResult<u32> {
    let a = l.check_int(1)?;
    let b = l.check_int(2)?;
    l.push(Value::bool((a as u64) < b as u64));
    Ok(1)
}

/// xoshiro256** by Blackman and Vigna.
#[derive(Clone, Copy)]
struct Random([u64; 4]);

impl Random {
    /// The state for a seed in two parts.
    fn seeded((n1, n2): (u64, u64)) -> Random {
        let mut r = Random([n1, 0xff, n2, 0]);
        for _ in 0..16 {
            r.next();
        }
        r
    }

    #[inline]
    fn next(&mut self) -> u64 {
        let [s0, s1, s2, s3] = self.0;
        let s2 = s2 ^ s0;
        let s3 = s3 ^ s1;
        let r = s1.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        self.0 = [s0 ^ s3, s1 ^ s2, s2 ^ (s1 << 17), s3.rotate_left(45)];
        r
    }

    /// Projects `r` into `0..=n`, drawing further numbers while it falls outside.
    #[inline]
    fn project(&mut self, mut r: u64, n: u64) -> u64 {
        if n & n.wrapping_add(1) == 0 {
            return r & n;
        }
        // The smallest 2^b - 1 not below `n`.
        let limit = u64::MAX >> n.leading_zeros();
        loop {
            r &= limit;
            if r <= n {
                return r;
            }
            r = self.next();
        }
    }
}

/// A float in [0, 1) from the high 53 bits.
#[inline]
fn unit_float(r: u64) -> f64 {
    (r >> 11) as f64 * (0.5 / (1u64 << 52) as f64)
}

/// The generator behind the running function; its upvalue holds it. `None` when the debug library put something else there.
#[inline]
fn state(l: Lua) -> Option<*mut Random> {
    let v = l.upvalue(1);
    if v.t != tag::USERDATA {
        return None;
    }
    let u = v.as_userdata();
    // SAFETY: a live userdata; any 32 bytes are a state.
    unsafe { ((*u).len == size_of::<Random>()).then(|| (*u).data.cast()) }
}

/// A seed from the time and an address, which the system randomises.
fn time_seed(l: Lua) -> (u64, u64) {
    // SAFETY: a null argument is allowed.
    (
        unsafe { libc::time(std::ptr::null_mut()) } as u64,
        l.thread() as u64,
    )
}

fn random(l: Lua) -> LResult<u32> {
    let Some(state) = state(l) else {
        return Err(l.error("random generator lost"));
    };
    // SAFETY: the userdata lives as long as the running function; no reference to it is kept.
    let r = unsafe { (*state).next() };
    let (low, up) = match l.top() {
        0 => {
            l.push(Value::float(unit_float(r)));
            return Ok(1);
        }
        1 => {
            let up = l.check_int(1)?;
            if up == 0 {
                l.push(Value::int(r as i64));
                return Ok(1);
            }
            (1, up)
        }
        2 => (l.check_int(1)?, l.check_int(2)?),
        _ => return Err(l.error("wrong number of arguments")),
    };
    if low > up {
        return Err(l.arg_error(1, "interval is empty"));
    }
    // SAFETY: as above.
    let p = unsafe { (*state).project(r, (up as u64).wrapping_sub(low as u64)) };
    l.push(Value::int(p.wrapping_add(low as u64) as i64));
    Ok(1)
}

fn randomseed(l: Lua) -> LResult<u32> {
    let Some(state) = state(l) else {
        return Err(l.error("random generator lost"));
    };
    let seed = if l.is_none(1) {
        time_seed(l)
    } else {
        let n1 = l.check_int(1)?;
        (n1 as u64, l.opt_int(2, 0)? as u64)
    };
    // SAFETY: as in `random`.
    unsafe { *state = Random::seeded(seed) };
    l.push(Value::int(seed.0 as i64));
    l.push(Value::int(seed.1 as i64));
    Ok(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `lua5.4` gives after `math.randomseed(42)`.
    #[test]
    fn sequence_is_the_reference_s() {
        let mut r = Random::seeded((42, 0));
        assert_eq!(
            [r.next() as i64, r.next() as i64],
            [-1276290044721465627, 8333941968102511665]
        );
    }

    #[test]
    fn projection_stays_inside() {
        let mut r = Random::seeded((1, 2));
        for n in [0, 1, 2, 5, 6, 7, 99, u64::MAX - 1, u64::MAX] {
            for _ in 0..100 {
                let x = r.next();
                assert!(r.project(x, n) <= n);
            }
        }
        assert!((0.0..1.0).contains(&unit_float(u64::MAX)));
    }
}
