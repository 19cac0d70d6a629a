//! The binary form of functions (`string.dump`, compiled modules).
//!
//! ```text
//! PUC-Rio's header: "\x1bLua" 0x54 0x00 "\x19\x93\r\n\x1a\n" 4 8 8 integer 0x5678, float 370.5
//! "TRIN", format (2 bytes), length of the payload (8 bytes)
//! payload: one function
//! FNV-1a hash of all bytes before it (8 bytes)
//! ```
//! The header is the reference's so that tools (and its own tests) recognise a Lua 5.4 chunk; the magic behind it keeps the two
//! from running each other's code. Numbers are little-endian; counts and lines are LEB128. In the payload a function is
//!
//! ```text
//! flags (1 vararg, 2 has a source, 4 has lines, 8 source is the enclosing function's), line_defined, last_line_defined,
//! num_params, max_stack, num_caches, [source], code, constants, upvalues, [lines], variables, functions
//! ```
//! The length comes first so that a chunk cut anywhere is recognised as cut, not as corrupt.

use super::proto::{Const, Proto};

/// What a binary chunk starts with; its first byte tells it from source text.
pub const SIGNATURE: &[u8] = b"\x1bLua";
/// Bytes that text conversions would damage.
pub(super) const DATA: &[u8] = b"\x19\x93\r\n\x1a\n";
/// Version and format of PUC-Rio's chunks.
pub(super) const VERSION: u8 = 0x54;
pub(super) const FORMAT: u8 = 0;
pub(super) const CHECK_INT: i64 = 0x5678;
pub(super) const CHECK_NUM: f64 = 370.5;
/// Our magic.
pub(super) const MAGIC: &[u8] = b"TRIN";
/// Version of our format: to be raised with every change to opcodes, operands or this layout.
pub(super) const OUR_FORMAT: u16 = 2;

pub(super) const FLAG_VARARG: u8 = 1;
pub(super) const FLAG_SOURCE: u8 = 2;
pub(super) const FLAG_LINES: u8 = 4;
pub(super) const FLAG_SAME_SOURCE: u8 = 8;

pub(super) const CONST_NIL: u8 = 0;
pub(super) const CONST_FALSE: u8 = 1;
pub(super) const CONST_TRUE: u8 = 2;
pub(super) const CONST_INT: u8 = 3;
pub(super) const CONST_FLOAT: u8 = 4;
pub(super) const CONST_STR: u8 = 5;

/// FNV-1a, 64 bits.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, &b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The binary form of a function and those inside it. `strip` leaves out names, lines and the source.
pub fn dump(proto: &Proto, strip: bool) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(SIGNATURE);
    out.extend_from_slice(&[VERSION, FORMAT]);
    out.extend_from_slice(DATA);
    out.extend_from_slice(&[4, 8, 8]);
    out.extend_from_slice(&CHECK_INT.to_le_bytes());
    out.extend_from_slice(&CHECK_NUM.to_le_bytes());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&OUR_FORMAT.to_le_bytes());
    let length_at = out.len();
    out.extend_from_slice(&[0; 8]);
    function(&mut out, proto, strip, None);
    let length = (out.len() - length_at - 8) as u64;
    out[length_at..length_at + 8].copy_from_slice(&length.to_le_bytes());
    let sum = checksum(&out);
    out.extend_from_slice(&sum.to_le_bytes());
    out
}

fn number(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn count(out: &mut Vec<u8>, n: usize) {
    number(out, n as u64);
}

fn bytes(out: &mut Vec<u8>, s: &[u8]) {
    count(out, s.len());
    out.extend_from_slice(s);
}

/// An optional string: length plus one, or zero.
fn name(out: &mut Vec<u8>, s: Option<&[u8]>) {
    count(out, s.map_or(0, |s| s.len() + 1));
    out.extend_from_slice(s.unwrap_or_default());
}

fn function(out: &mut Vec<u8>, p: &Proto, strip: bool, outer_source: Option<&[u8]>) {
    let source = p.source.as_deref().filter(|_| !strip);
    let same = source.is_some() && source == outer_source;
    let lines = !strip && !p.lines.is_empty();
    let flags = [
        (p.is_vararg, FLAG_VARARG),
        (source.is_some(), FLAG_SOURCE),
        (lines, FLAG_LINES),
        (same, FLAG_SAME_SOURCE),
    ];
    out.push(flags.iter().filter(|f| f.0).map(|f| f.1).sum());
    number(out, u64::from(p.line_defined));
    number(out, u64::from(p.last_line_defined));
    out.extend_from_slice(&[p.num_params, p.max_stack]);
    number(out, u64::from(p.num_caches));
    if let Some(source) = source.filter(|_| !same) {
        bytes(out, source);
    }
    count(out, p.code.len());
    for i in &p.code {
        out.extend_from_slice(&i.0.to_le_bytes());
    }
    count(out, p.consts.len());
    for k in &p.consts {
        match k {
            Const::Nil => out.push(CONST_NIL),
            Const::Bool(false) => out.push(CONST_FALSE),
            Const::Bool(true) => out.push(CONST_TRUE),
            Const::Int(i) => {
                out.push(CONST_INT);
                out.extend_from_slice(&i.to_le_bytes());
            }
            Const::Float(f) => {
                out.push(CONST_FLOAT);
                out.extend_from_slice(&f.to_bits().to_le_bytes());
            }
            Const::Str(s) => {
                out.push(CONST_STR);
                bytes(out, s);
            }
        }
    }
    count(out, p.upvals.len());
    for u in &p.upvals {
        out.extend_from_slice(&[u8::from(u.in_stack), u.index, u.kind as u8]);
        name(out, u.name.as_deref().filter(|_| !strip));
    }
    if lines {
        let mut last = p.line_defined;
        for &line in &p.lines {
            // Small differences of either sign become small numbers.
            let d = i64::from(line) - i64::from(last);
            number(out, (d << 1 ^ d >> 63) as u64);
            last = line;
        }
    }
    let vars = if strip { &[] } else { p.loc_vars.as_slice() };
    count(out, vars.len());
    for v in vars {
        bytes(out, &v.name);
        number(out, u64::from(v.start_pc));
        number(out, u64::from(v.end_pc));
        out.push(v.reg);
    }
    count(out, p.protos.len());
    for inner in &p.protos {
        function(out, inner, strip, source);
    }
}
