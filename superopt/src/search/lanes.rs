//! Many test cases at once: a tape of primitive word operations over blocks of lanes.
//!
//! A block holds one word for each of [`LANES`] test cases, zero-extended to 64 bits. Tapes are made from the recorded
//! terms of instructions (see [`super::tape`]), so that this file knows operations, not instructions. The loops are
//! written plainly and compiled three times, for AVX-512, AVX2 and the baseline; which runs is decided once.

use trinity_codegen::isa::{FpOp, fp};

/// Test cases evaluated together.
pub const LANES: usize = 32;

/// One word of every test case.
#[repr(C, align(64))]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Block(pub [u64; LANES]);

impl Block {
    /// All zero.
    pub const ZERO: Block = Block([0; LANES]);
}

/// What a step does. `a`, `b`, `c` are blocks, `k` a constant, `m` the mask put on the result, `w` a width.
///
/// Operations named `..K` take the constant `k` in the place of `b`. Words wider than 64 bits take two neighbouring
/// blocks, low half first; only the `Wide` operations touch them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[allow(missing_docs)]
pub enum Kernel {
    Mov,
    Const,
    Add,
    AddK,
    Sub,
    Mul,
    MulK,
    And,
    AndK,
    Or,
    OrK,
    Xor,
    XorK,
    Not,
    Neg,
    Shl,
    ShlK,
    Lshr,
    LshrK,
    Ashr,
    AshrK,
    Rotl,
    Rotr,
    MulHiU,
    MulHiS,
    Udiv,
    Urem,
    Sdiv,
    Srem,
    Pext,
    Pdep,
    Popcnt,
    Clz,
    Ctz,
    Bswap,
    Eq,
    EqK,
    Ult,
    UltK,
    Slt,
    SltK,
    Ite,
    /// `(a >> k) & m`
    Extract,
    /// `(a << k | b) & m`
    Concat,
    /// Sign extension from `w` bits, then the mask.
    Sext,
    Fp(FpOp),
    /// Zero extension of `a` to a wide word.
    WideZext,
    /// Sign extension of `a` (`w` bits) to a wide word of `c` bits.
    WideSext,
    /// `a << k | b`, wide; `w` says which operands are wide: 1 for `a`, 2 for `b`.
    WideConcat,
    /// `(a >> k) & m` of a wide word.
    WideExtract,
    WideAdd,
    WideMul,
    WideUdiv,
    WideUrem,
    WideSdiv,
    WideSrem,
    WideEq,
    WideUlt,
    /// Signed comparison of wide words of `w` bits.
    WideSlt,
}

/// One primitive operation of a tape.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// The operation.
    pub op: Kernel,
    /// Width of the operands in bits, where it matters.
    pub w: u8,
    /// Where the result goes.
    pub d: u16,
    /// Operands.
    pub a: u16,
    /// Second operand.
    pub b: u16,
    /// Third operand.
    pub c: u16,
    /// Constant.
    pub k: u64,
    /// Mask of the result.
    pub m: u64,
}

#[inline(always)]
fn sext(v: u64, w: u8) -> i64 {
    let s = 64 - u32::from(w);
    ((v << s) as i64) >> s
}

#[inline(always)]
fn shl(a: u64, b: u64) -> u64 {
    if b < 64 { a << b } else { 0 }
}

#[inline(always)]
fn shr(a: u64, b: u64) -> u64 {
    if b < 64 { a >> b } else { 0 }
}

fn wide(p: &[Block], at: u16, i: usize) -> u128 {
    u128::from(p[at as usize].0[i]) | u128::from(p[at as usize + 1].0[i]) << 64
}

fn set_wide(p: &mut [Block], at: u16, i: usize, v: u128) {
    p[at as usize].0[i] = v as u64;
    p[at as usize + 1].0[i] = (v >> 64) as u64;
}

fn wide_mask(w: u8) -> u128 {
    if w >= 128 { u128::MAX } else { (1 << w) - 1 }
}

fn wide_signed(v: u128, w: u8) -> i128 {
    let s = 128 - u32::from(w);
    ((v << s) as i128) >> s
}

#[cold]
fn run_slow(s: &Step, p: &mut [Block]) {
    use Kernel::*;
    for i in 0..LANES {
        let g = |x: u16| p[x as usize].0[i];
        let r = match s.op {
            MulHiS => {
                let v = i128::from(sext(g(s.a), s.w)) * i128::from(sext(g(s.b), s.w));
                (v >> s.w) as u64
            }
            MulHiU => ((u128::from(g(s.a)) * u128::from(g(s.b))) >> s.w) as u64,
            Udiv => g(s.a).checked_div(g(s.b)).unwrap_or(u64::MAX),
            Urem => g(s.a).checked_rem(g(s.b)).unwrap_or(g(s.a)),
            Sdiv | Srem => {
                let (a, b) = (sext(g(s.a), s.w), sext(g(s.b), s.w));
                match (s.op, b) {
                    (Sdiv, 0) => {
                        if a < 0 {
                            1
                        } else {
                            u64::MAX
                        }
                    }
                    (Sdiv, _) => a.wrapping_div(b) as u64,
                    (_, 0) => a as u64,
                    _ => a.wrapping_rem(b) as u64,
                }
            }
            Pext => pext(g(s.a), g(s.b)),
            Pdep => pdep(g(s.a), g(s.b)),
            Fp(op) => fp_lane(op, s.w, [g(s.a), g(s.b), g(s.c)]),
            WideZext => {
                let v = g(s.a);
                set_wide(p, s.d, i, v.into());
                continue;
            }
            WideSext => {
                let v = i128::from(sext(g(s.a), s.w)) as u128 & wide_mask(s.c as u8);
                set_wide(p, s.d, i, v);
                continue;
            }
            WideConcat => {
                let a = if s.w & 1 != 0 {
                    wide(p, s.a, i)
                } else {
                    g(s.a).into()
                };
                let b = if s.w & 2 != 0 {
                    wide(p, s.b, i)
                } else {
                    g(s.b).into()
                };
                set_wide(p, s.d, i, a << s.k | b);
                continue;
            }
            WideExtract => (wide(p, s.a, i) >> s.k) as u64,
            WideAdd | WideMul | WideUdiv | WideUrem | WideSdiv | WideSrem => {
                let (a, b) = (wide(p, s.a, i), wide(p, s.b, i));
                let (x, y) = (wide_signed(a, s.w), wide_signed(b, s.w));
                let v = match s.op {
                    WideAdd => a.wrapping_add(b),
                    WideMul => a.wrapping_mul(b),
                    WideUdiv => a.checked_div(b).unwrap_or(u128::MAX),
                    WideUrem => a.checked_rem(b).unwrap_or(a),
                    WideSdiv if y == 0 => {
                        if x < 0 {
                            1
                        } else {
                            u128::MAX
                        }
                    }
                    WideSdiv => x.wrapping_div(y) as u128,
                    _ if y == 0 => a,
                    _ => x.wrapping_rem(y) as u128,
                };
                set_wide(p, s.d, i, v & wide_mask(s.w));
                continue;
            }
            WideEq => (wide(p, s.a, i) == wide(p, s.b, i)).into(),
            WideUlt => (wide(p, s.a, i) < wide(p, s.b, i)).into(),
            WideSlt => {
                (wide_signed(wide(p, s.a, i), s.w) < wide_signed(wide(p, s.b, i), s.w)).into()
            }
            // Everything else is in the fast loops.
            _ => 0,
        };
        p[s.d as usize].0[i] = r & s.m;
    }
}

fn fp_lane(op: FpOp, w: u8, a: [u64; 3]) -> u64 {
    fp::eval(op, w.into(), a)
}

fn pext(a: u64, mut m: u64) -> u64 {
    let (mut r, mut k) = (0, 0);
    while m != 0 {
        r |= (a >> m.trailing_zeros() & 1) << k;
        k += 1;
        m &= m - 1;
    }
    r
}

fn pdep(a: u64, mut m: u64) -> u64 {
    let (mut r, mut k) = (0, 0);
    while m != 0 {
        r |= (a >> k & 1) << m.trailing_zeros();
        k += 1;
        m &= m - 1;
    }
    r
}

#[inline(always)]
fn run_loops(steps: &[Step], p: &mut [Block]) {
    use Kernel::*;
    for s in steps {
        let (k, m, w) = (s.k, s.m, s.w);
        // The operands are copied out first, so that a result may go where an operand was.
        macro_rules! one {
            (|$a:ident| $e:expr) => {{
                let x = &p[s.a as usize].0;
                let r: [u64; LANES] = std::array::from_fn(|i| {
                    let $a = x[i];
                    $e
                });
                p[s.d as usize].0 = r;
            }};
        }
        macro_rules! two {
            (|$a:ident, $b:ident| $e:expr) => {{
                let (x, y) = (&p[s.a as usize].0, &p[s.b as usize].0);
                let r: [u64; LANES] = std::array::from_fn(|i| {
                    let ($a, $b) = (x[i], y[i]);
                    $e
                });
                p[s.d as usize].0 = r;
            }};
        }
        match s.op {
            Mov => p[s.d as usize] = p[s.a as usize],
            Const => p[s.d as usize] = Block([k; LANES]),
            Add => two!(|a, b| a.wrapping_add(b) & m),
            AddK => one!(|a| a.wrapping_add(k) & m),
            Sub => two!(|a, b| a.wrapping_sub(b) & m),
            Mul if w <= 32 => two!(|a, b| ((a & 0xffff_ffff) * (b & 0xffff_ffff)) & m),
            Mul => two!(|a, b| a.wrapping_mul(b) & m),
            MulK => one!(|a| a.wrapping_mul(k) & m),
            And => two!(|a, b| a & b & m),
            AndK => one!(|a| a & k),
            Or => two!(|a, b| (a | b) & m),
            OrK => one!(|a| (a | k) & m),
            Xor => two!(|a, b| (a ^ b) & m),
            XorK => one!(|a| (a ^ k) & m),
            Not => one!(|a| !a & m),
            Neg => one!(|a| a.wrapping_neg() & m),
            Shl => two!(|a, b| shl(a, b) & m),
            ShlK => one!(|a| (a << (k & 63)) & m),
            Lshr => two!(|a, b| shr(a, b)),
            LshrK => one!(|a| a >> (k & 63)),
            Ashr => two!(|a, b| (sext(a, w) >> b.min(63)) as u64 & m),
            AshrK => one!(|a| (sext(a, w) >> (k & 63)) as u64 & m),
            Rotl => two!(|a, b| {
                let n = b & (u64::from(w) - 1);
                (shl(a, n) | shr(a, u64::from(w) - n)) & m
            }),
            Rotr => two!(|a, b| {
                let n = b & (u64::from(w) - 1);
                (shr(a, n) | shl(a, u64::from(w) - n)) & m
            }),
            MulHiU if w <= 32 => two!(|a, b| (a * b) >> w),
            MulHiS if w <= 32 => two!(|a, b| (sext(a, w).wrapping_mul(sext(b, w)) >> w) as u64 & m),
            Popcnt => one!(|a| u64::from(a.count_ones())),
            Clz => one!(|a| u64::from(a.leading_zeros()) + u64::from(w) - 64),
            Ctz => one!(|a| u64::from(a.trailing_zeros().min(w.into()))),
            Bswap => one!(|a| a.swap_bytes() >> (64 - w)),
            Eq => two!(|a, b| (a == b) as u64),
            EqK => one!(|a| (a == k) as u64),
            Ult => two!(|a, b| (a < b) as u64),
            UltK => one!(|a| (a < k) as u64),
            Slt => two!(|a, b| (sext(a, w) < sext(b, w)) as u64),
            SltK => one!(|a| (sext(a, w) < sext(k, w)) as u64),
            Ite => {
                let (c, x, y) = (&p[s.a as usize].0, &p[s.b as usize].0, &p[s.c as usize].0);
                let r: [u64; LANES] = std::array::from_fn(|i| {
                    let n = c[i].wrapping_neg();
                    (x[i] & n) | (y[i] & !n)
                });
                p[s.d as usize].0 = r;
            }
            Extract => one!(|a| (a >> (k & 63)) & m),
            Concat => two!(|a, b| ((a << (k & 63)) | b) & m),
            Sext => one!(|a| sext(a, w) as u64 & m),
            _ => run_slow(s, p),
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx512cd,avx512vpopcntdq")]
fn run_avx512(steps: &[Step], p: &mut [Block]) {
    run_loops(steps, p);
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn run_avx2(steps: &[Step], p: &mut [Block]) {
    run_loops(steps, p);
}

fn run_base(steps: &[Step], p: &mut [Block]) {
    run_loops(steps, p);
}

#[inline(always)]
fn distance_loop(a: &Block, e: &Block, mask: u64) -> u32 {
    let mut n = 0u64;
    for i in 0..LANES {
        n += u64::from(((a.0[i] ^ e.0[i]) & mask).count_ones());
    }
    n as u32
}

#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx512cd,avx512vpopcntdq")]
fn distance_avx512(a: &Block, e: &Block, mask: u64) -> u32 {
    distance_loop(a, e, mask)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn distance_avx2(a: &Block, e: &Block, mask: u64) -> u32 {
    distance_loop(a, e, mask)
}

/// Wrong bits under `mask` over all lanes.
pub fn distance(level: Level, a: &Block, e: &Block, mask: u64) -> u32 {
    match level {
        // SAFETY: as in `run`.
        Level::Avx512 => unsafe { distance_avx512(a, e, mask) },
        // SAFETY: as in `run`.
        Level::Avx2 => unsafe { distance_avx2(a, e, mask) },
        Level::Base => distance_loop(a, e, mask),
    }
}

/// Odd multipliers of the fingerprint, one per lane.
const FINGERPRINT: [u64; LANES] = {
    let mut k = [0; LANES];
    let mut x = 0x2545_f491_4f6c_dd1du64;
    let mut i = 0;
    while i < LANES {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        k[i] = x | 1;
        i += 1;
    }
    k
};

#[inline(always)]
fn fingerprint_loop(a: &Block, mask: u64) -> u64 {
    let mut h = 0u64;
    for (i, (x, k)) in a.0.iter().zip(FINGERPRINT).enumerate() {
        let x = x & mask;
        // A product loses the high bits' influence on low ones; the second term gives it back.
        h = h
            .wrapping_add(x.wrapping_mul(k))
            .wrapping_add((x >> 29) ^ x.rotate_left(i as u32));
    }
    h ^ (h >> 31)
}

#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx512cd,avx512vpopcntdq")]
fn fingerprint_avx512(a: &Block, mask: u64) -> u64 {
    fingerprint_loop(a, mask)
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn fingerprint_avx2(a: &Block, mask: u64) -> u64 {
    fingerprint_loop(a, mask)
}

/// A hash of a block's lanes under `mask`.
pub fn fingerprint(level: Level, a: &Block, mask: u64) -> u64 {
    match level {
        // SAFETY: as in `run`.
        Level::Avx512 => unsafe { fingerprint_avx512(a, mask) },
        // SAFETY: as in `run`.
        Level::Avx2 => unsafe { fingerprint_avx2(a, mask) },
        Level::Base => fingerprint_loop(a, mask),
    }
}

/// Which compiled version of the loops this processor runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// AVX-512 with popcount and leading-zero instructions.
    Avx512,
    /// AVX2.
    Avx2,
    /// Nothing assumed.
    Base,
}

/// The best version for this processor.
pub fn level() -> Level {
    macro_rules! have {
        ($($f:tt),*) => { $(std::arch::is_x86_feature_detected!($f))&&* };
    }
    if have!(
        "avx512f",
        "avx512dq",
        "avx512vl",
        "avx512bw",
        "avx512cd",
        "avx512vpopcntdq"
    ) {
        Level::Avx512
    } else if have!("avx2", "bmi1", "bmi2", "lzcnt", "popcnt") {
        Level::Avx2
    } else {
        Level::Base
    }
}

/// Runs a tape over `blocks`.
///
/// # Panics
/// If a step names a block that is not there.
pub fn run(level: Level, steps: &[Step], blocks: &mut [Block]) {
    match level {
        // SAFETY: `level` values other than the baseline come from `level()`, which looked for the features.
        Level::Avx512 => unsafe { run_avx512(steps, blocks) },
        // SAFETY: as above.
        Level::Avx2 => unsafe { run_avx2(steps, blocks) },
        Level::Base => run_base(steps, blocks),
    }
}
