//! Integer division, remainder and shifts as Lua defines them, from the processor's.

use trinity_codegen::ir::{Block, Cond, FunctionBuilder, IntCc, Value};
use trinity_frontend::bytecode::Op;

/// Division rounding to minus infinity, or its remainder (`Mod`); `d` is neither 0 nor -1.
pub(crate) fn floor_division(b: &mut FunctionBuilder, op: Op, x: Value, d: Value) -> Value {
    let zero = b.iconst(0);
    if op == Op::Mod {
        // r has the sign of x; move it to the sign of d.
        let r = b.srem(x, d);
        let fixed = b.iadd(r, d);
        let wrong = b.xor(r, d);
        let adjusted = b.select(Cond::icmp(IntCc::Slt, wrong, 0), fixed, r);
        b.select(Cond::icmp(IntCc::Eq, r, 0), zero, adjusted)
    } else {
        let q = b.sdiv(x, d);
        let product = b.imul(q, d);
        let r = b.isub(x, product);
        let less = b.isub(q, 1);
        let wrong = b.xor(r, d);
        let adjusted = b.select(Cond::icmp(IntCc::Slt, wrong, 0), less, q);
        b.select(Cond::icmp(IntCc::Eq, r, 0), q, adjusted)
    }
}

/// [`floor_division`] by a constant `d > 0`. A power of two is a shift or a mask.
pub(crate) fn by_constant(b: &mut FunctionBuilder, op: Op, x: Value, d: i64) -> Value {
    if (d as u64).is_power_of_two() {
        if op == Op::Mod {
            let mask = b.iconst(d - 1);
            return b.and(x, mask);
        }
        return if d == 1 {
            x
        } else {
            b.sar(x, d.trailing_zeros() as i32)
        };
    }
    let divisor = b.iconst(d);
    match op {
        Op::Mod => b.smod(x, divisor),
        _ => b.sfloor(x, divisor),
    }
}

/// //, %, << and >> on registers: divisors 0 and -1 and counts outside 0..=63 go to `slow`.
pub(crate) fn checked(b: &mut FunctionBuilder, op: Op, x: Value, y: Value, slow: Block) -> Value {
    if matches!(op, Op::Mod | Op::IDiv) {
        // 0 raises, -1 overflows in the processor: both are y + 1 <= 1.
        let y1 = b.iadd(y, 1);
        b.exit_if(Cond::icmp(IntCc::Ule, y1, 1), slow, &[]);
        return floor_division(b, op, x, y);
    }
    b.exit_if(Cond::icmp(IntCc::Ugt, y, 63), slow, &[]);
    if op == Op::Shl {
        b.shl(x, y)
    } else {
        b.shr(x, y)
    }
}
