//! Fused multiplication and addition.
//!
//! The digits of the name say which operands are multiplied and which is added. The processor looks for NaNs in the
//! order factor, factor, addend, and a NaN passes without change of sign even where the name negates (Intel's manual,
//! volume 1, table 14-17).

use super::Unsupported;
use super::lanes::{flip_sign, join, read, read_low, split, with_low};
use crate::isa::domain::{Domain, FpOp};
use crate::isa::machine::Machine;
use iced_x86::{Instruction, Mnemonic};

/// Which terms are subtracted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Add,
    Sub,
    NegAdd,
    NegSub,
    /// Subtracts in even lanes, adds in odd ones.
    AddSub,
    /// Adds in even lanes, subtracts in odd ones.
    SubAdd,
}

/// Operand numbers of the factors and the addend.
type Order = (usize, usize, usize);
const O132: Order = (0, 2, 1);
const O213: Order = (1, 0, 2);
const O231: Order = (1, 2, 0);

/// The kind, the order, the width of elements, and whether it is scalar.
fn form(m: Mnemonic) -> Option<(Kind, Order, u32, bool)> {
    use Mnemonic::*;
    macro_rules! table {
        (all { $($kind:ident: $($o:ident $ss:ident $sd:ident $ps:ident $pd:ident),*;)* }
         packed { $($pk:ident: $($po:ident $pps:ident $ppd:ident),*;)* }) => {
            match m {
                $($($ss => (Kind::$kind, $o, 32, true),
                    $sd => (Kind::$kind, $o, 64, true),
                    $ps => (Kind::$kind, $o, 32, false),
                    $pd => (Kind::$kind, $o, 64, false),)*)*
                $($($pps => (Kind::$pk, $po, 32, false),
                    $ppd => (Kind::$pk, $po, 64, false),)*)*
                _ => return None,
            }
        };
    }
    Some(table! {
        all {
            Add: O132 Vfmadd132ss Vfmadd132sd Vfmadd132ps Vfmadd132pd,
                O213 Vfmadd213ss Vfmadd213sd Vfmadd213ps Vfmadd213pd,
                O231 Vfmadd231ss Vfmadd231sd Vfmadd231ps Vfmadd231pd;
            Sub: O132 Vfmsub132ss Vfmsub132sd Vfmsub132ps Vfmsub132pd,
                O213 Vfmsub213ss Vfmsub213sd Vfmsub213ps Vfmsub213pd,
                O231 Vfmsub231ss Vfmsub231sd Vfmsub231ps Vfmsub231pd;
            NegAdd: O132 Vfnmadd132ss Vfnmadd132sd Vfnmadd132ps Vfnmadd132pd,
                O213 Vfnmadd213ss Vfnmadd213sd Vfnmadd213ps Vfnmadd213pd,
                O231 Vfnmadd231ss Vfnmadd231sd Vfnmadd231ps Vfnmadd231pd;
            NegSub: O132 Vfnmsub132ss Vfnmsub132sd Vfnmsub132ps Vfnmsub132pd,
                O213 Vfnmsub213ss Vfnmsub213sd Vfnmsub213ps Vfnmsub213pd,
                O231 Vfnmsub231ss Vfnmsub231sd Vfnmsub231ps Vfnmsub231pd;
        }
        packed {
            AddSub: O132 Vfmaddsub132ps Vfmaddsub132pd,
                O213 Vfmaddsub213ps Vfmaddsub213pd,
                O231 Vfmaddsub231ps Vfmaddsub231pd;
            SubAdd: O132 Vfmsubadd132ps Vfmsubadd132pd,
                O213 Vfmsubadd213ps Vfmsubadd213pd,
                O231 Vfmsubadd231ps Vfmsubadd231pd;
        }
    })
}

/// `-a`, or `a` itself when it is NaN.
fn negate_number<D: Domain>(d: &mut D, a: &D::W) -> D::W {
    let nan = d.fp(FpOp::Unord, &[a.clone(), a.clone()]);
    let n = flip_sign(d, a);
    d.ite(&nan, a, &n)
}

fn fused<D: Domain>(d: &mut D, kind: Kind, lane: usize, a: &D::W, b: &D::W, c: &D::W) -> D::W {
    let odd = lane % 2 == 1;
    let (product, addend) = match kind {
        Kind::Add => (false, false),
        Kind::Sub => (false, true),
        Kind::NegAdd => (true, false),
        Kind::NegSub => (true, true),
        Kind::AddSub => (false, !odd),
        Kind::SubAdd => (false, odd),
    };
    let a = if product {
        negate_number(d, a)
    } else {
        a.clone()
    };
    let c = if addend {
        negate_number(d, c)
    } else {
        c.clone()
    };
    d.fp(FpOp::Fma, &[a, b.clone(), c])
}

/// Executes the instruction if it belongs here; says whether it did.
pub fn execute<D: Domain>(
    d: &mut D,
    m: &mut Machine<D>,
    i: &Instruction,
) -> Result<bool, Unsupported> {
    let Some((kind, (x, y, z), w, scalar)) = form(i.mnemonic()) else {
        return Ok(false);
    };
    let r = if scalar {
        let mut ops = Vec::new();
        for k in 0..3 {
            ops.push(read_low(d, m, i, k, w)?);
        }
        let low = fused(d, kind, 0, &ops[x], &ops[y], &ops[z]);
        let mut v = m.read_vec(d, i, 0)?;
        v[0] = with_low(d, &v[0], &low);
        v
    } else {
        let mut ops = Vec::new();
        for k in 0..3 {
            let v = read(d, m, i, k)?;
            ops.push(split(d, &v, w));
        }
        let lanes: Vec<D::W> = (0..ops[0].len())
            .map(|k| fused(d, kind, k, &ops[x][k], &ops[y][k], &ops[z][k]))
            .collect();
        join(d, &lanes)
    };
    m.write_vec(d, i, 0, &r)?;
    Ok(true)
}
