//! What nodes cost, for extraction: by the IR's operations, or by the processor's.
//!
//! Figures are tenths of a cycle of latency on Zen 4 and its like (Agner Fog's tables); constants cost a little, so that
//! fewer win. They rank alternatives; what is kept is measured or priced again by whoever asked.

use super::analysis::Graph;
use super::emit::expressible;
use super::extract::Cost;
use super::lang::{ENode, Op};
use egg::Language;
use trinity_codegen::ir::Scale;
use trinity_codegen::isa::concrete::signed;
use trinity_codegen::isa::{BinOp, FpOp, UnOp};

/// A simple operation.
const ONE: u64 = 10;

fn constant(node: &ENode, v: u128) -> u64 {
    let v = signed(node.bits(), v);
    if i32::try_from(v).is_ok() { 1 } else { ONE }
}

fn float(op: FpOp) -> u64 {
    match op {
        FpOp::Add | FpOp::Sub | FpOp::Mul => 30,
        FpOp::Fma => 40,
        FpOp::Div => 130,
        FpOp::Sqrt => 210,
        FpOp::Round(_) => 60,
        FpOp::FromInt(_) | FpOp::ToInt(_) | FpOp::ToIntTrunc(_) | FpOp::Convert(_) => 70,
        FpOp::Min | FpOp::Max => 15,
        FpOp::Eq | FpOp::Lt | FpOp::Le | FpOp::Unord => 20,
    }
}

fn bin(op: BinOp) -> u64 {
    use BinOp::*;
    match op {
        Mul => 30,
        MulHiU | MulHiS => 40,
        Sdiv | Srem => 180,
        // By constants: high product, shift, product, difference and a choice (`opt::divide`).
        Udiv | Urem => 110,
        Pext | Pdep => 30,
        _ => ONE,
    }
}

/// The operations of the IR, as instructions are selected for them.
#[derive(Clone, Copy, Debug, Default)]
pub struct IrCost;

impl Cost for IrCost {
    fn node(&self, graph: &Graph, node: &ENode) -> Option<u64> {
        let args = node.children();
        if !expressible(node, &|n| graph[args[n]].data.bits()) {
            return None;
        }
        Some(match node.op {
            Op::Const(v) => constant(node, v),
            Op::Var(_) => 0,
            // Inverts the condition that stands under it.
            Op::Un(UnOp::Not) if node.bits() == 1 => 0,
            Op::Un(_) => ONE,
            Op::Bin(op) => {
                let constant = |n: usize| graph[args[n]].data.value();
                // A first operand must be in a register, and so must one that does not fit an immediate.
                let moved = if constant(0).is_some() { 8 } else { 0 };
                let scaled = |n: usize| {
                    let factor = constant(n).and_then(|v| i64::try_from(v).ok());
                    factor.and_then(Scale::of_product).is_some()
                };
                // A sum of an address: base and scaled index are one.
                let operation = match op {
                    BinOp::Mul if node.bits() == 64 && (scaled(0) || scaled(1)) => ONE - 1,
                    op => bin(op),
                };
                operation
                    + match op {
                        BinOp::Lshr | BinOp::Ashr | BinOp::Shl | BinOp::Rotl | BinOp::Rotr => {
                            let cleaned = op != BinOp::Shl && node.bits() < 32;
                            // The count must be in rcx.
                            let counted = if constant(1).is_some() { 0 } else { ONE };
                            let exact = matches!(op, BinOp::Lshr | BinOp::Ashr);
                            moved
                                + counted
                                + if cleaned || exact && node.bits() < 64 {
                                    ONE
                                } else {
                                    0
                                }
                        }
                        // A sum may be a part of an address, and need not destroy an operand.
                        BinOp::Sub => moved + 1,
                        _ => 0,
                    }
            }
            Op::Ite => {
                let constants = args[1..].iter();
                let constants = constants.filter(|a| graph[**a].data.value().is_some());
                2 * ONE + 8 * constants.count() as u64
            }
            Op::Cmp(_) => {
                let zero = |n: usize| graph[args[n]].data.value() == Some(0);
                // Comparisons with zero are often done by the instruction before.
                if zero(1) || zero(0) { ONE - 4 } else { ONE }
            }
            Op::Extract(0) => 1,
            Op::Extract(_) | Op::Concat => ONE,
            // Most instructions on words of 32 bits clear the upper half.
            Op::Zext if graph[args[0]].data.width() == 32 => 3,
            Op::Zext if graph[args[0]].data.width() == 1 => 2 * ONE,
            // Set, extended, negated.
            Op::Sext if graph[args[0]].data.width() == 1 => 3 * ONE,
            Op::Zext | Op::Sext => ONE,
            Op::Fp(op) => float(op),
        })
    }
}

/// The operations of x86-64 with BMI.
#[derive(Clone, Copy, Debug, Default)]
pub struct TermCost;

impl Cost for TermCost {
    fn node(&self, _: &Graph, node: &ENode) -> Option<u64> {
        Some(match node.op {
            Op::Const(v) => constant(node, v),
            Op::Var(_) => 0,
            Op::Un(UnOp::Not) if node.bits() == 1 => 2,
            Op::Un(_) => ONE,
            Op::Bin(op) => bin(op) + if node.bits() > 64 { 40 } else { 0 },
            Op::Cmp(_) | Op::Ite | Op::Concat | Op::Zext | Op::Sext => ONE,
            Op::Extract(lo) => {
                if lo == 0 {
                    1
                } else {
                    ONE
                }
            }
            Op::Fp(op) => float(op),
        })
    }
}
