//! Floating-point operations in the solver's theory, exactly as the processor computes them.
//!
//! SMT-LIB has one NaN; a processor has many. So a result is pinned by its bits: where an operand is NaN, the first
//! such one made quiet; where the operation itself gives NaN, the default one; elsewhere the pattern whose value the
//! theory's operation gives, which is one pattern (the theory tells the zeros apart).

use std::fmt::Write;
use trinity_codegen::isa::FpOp;

/// The logic of queries with these definitions.
pub const FLOAT_LOGIC: &str = "QF_FPBV";

/// Exponent and significand bits (hidden bit included) of a format, and its fraction bits.
fn format(width: u32) -> (u32, u32) {
    if width == 64 { (11, 53) } else { (8, 24) }
}

fn float(width: u32, bits: &str) -> String {
    let (e, s) = format(width);
    format!("((_ to_fp {e} {s}) {bits})")
}

fn literal(width: u32, v: u64) -> String {
    format!("#x{v:0n$x}", n = width as usize / 4)
}

/// The bit that makes a NaN quiet, and the processor's default NaN.
fn nan_bits(width: u32) -> (String, String) {
    let (quiet, default) = if width == 64 {
        (1 << 51, 0xfff8 << 48)
    } else {
        (1 << 22, 0xffc0_0000)
    };
    (literal(width, quiet), literal(width, default))
}

fn rounding(mode: u8) -> &'static str {
    match mode {
        0 => "RNE",
        1 => "RTN",
        2 => "RTP",
        _ => "RTZ",
    }
}

/// The bits of `±2^n`.
fn power(width: u32, n: u32, negative: bool) -> String {
    let (e, s) = format(width);
    let bias = (1u64 << (e - 1)) - 1;
    let bits = (bias + u64::from(n)) << (s - 1) | u64::from(negative) << (width - 1);
    float(width, &literal(width, bits))
}

/// An assertion that `result` (a bit-vector) is the operation on `args` (bit-vectors of `width` bits), given by name.
/// Absent for comparisons, minima and maxima, which are bit operations elsewhere.
pub fn definition(op: FpOp, width: u32, args: &[String], result: &str) -> Option<String> {
    let x: Vec<String> = args.iter().map(|a| float(width, a)).collect();
    let all = x.join(" ");
    let value = match op {
        FpOp::Add => format!("(fp.add RNE {all})"),
        FpOp::Sub => format!("(fp.sub RNE {all})"),
        FpOp::Mul => format!("(fp.mul RNE {all})"),
        FpOp::Div => format!("(fp.div RNE {all})"),
        FpOp::Fma => format!("(fp.fma RNE {all})"),
        FpOp::Sqrt => format!("(fp.sqrt RNE {all})"),
        FpOp::Round(mode) => format!("(fp.roundToIntegral {} {all})", rounding(mode)),
        FpOp::FromInt(to) => {
            let (e, s) = format(to.into());
            let value = format!("((_ to_fp {e} {s}) RNE {})", args[0]);
            return Some(format!(
                "(assert (= {} {value}))\n",
                float(to.into(), result)
            ));
        }
        FpOp::ToInt(to) => return Some(to_integer("RNE", width, to.into(), &x[0], result)),
        FpOp::ToIntTrunc(to) => return Some(to_integer("RTZ", width, to.into(), &x[0], result)),
        FpOp::Convert(to) => return Some(convert(to.into(), &args[0], &x[0], result)),
        FpOp::Min | FpOp::Max | FpOp::Eq | FpOp::Lt | FpOp::Le | FpOp::Unord => return None,
    };
    let (quiet, default) = nan_bits(width);
    let mut out = format!("(assert (let ((?v {value})) ");
    for (a, x) in args.iter().zip(&x) {
        let _ = write!(out, "(ite (fp.isNaN {x}) (= {result} (bvor {a} {quiet})) ");
    }
    let _ = write!(
        out,
        "(ite (fp.isNaN ?v) (= {result} {default}) (= {} ?v))",
        float(width, result)
    );
    out.push_str(&")".repeat(args.len() + 2));
    out.push('\n');
    Some(out)
}

/// To a signed integer: the most negative one for NaN and what does not fit.
fn to_integer(mode: &str, width: u32, to: u32, x: &str, result: &str) -> String {
    let (low, high) = (power(width, to - 1, true), power(width, to - 1, false));
    let least = literal(to, 1 << (to - 1));
    format!(
        "(assert (let ((?v (fp.roundToIntegral {mode} {x}))) (ite (and (fp.leq {low} ?v) (fp.lt ?v {high})) \
         (= {result} ((_ fp.to_sbv {to}) {mode} ?v)) (= {result} {least}))))\n"
    )
}

/// To the other format: a NaN keeps its sign and the upper bits of its payload, and becomes quiet.
fn convert(to: u32, a: &str, x: &str, result: &str) -> String {
    let (e, s) = format(to);
    let nan = if to == 64 {
        format!(
            "(concat ((_ extract 31 31) {a}) #b111111111111 ((_ extract 21 0) {a}) #b{:029b})",
            0
        )
    } else {
        format!("(concat ((_ extract 63 63) {a}) #b111111111 ((_ extract 50 29) {a}))")
    };
    format!(
        "(assert (ite (fp.isNaN {x}) (= {result} {nan}) (= {} ((_ to_fp {e} {s}) RNE {x}))))\n",
        float(to, result)
    )
}
