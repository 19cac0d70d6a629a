//! Functions with two entries: generic entry and body in one symbol.
//!
//! Optimised code takes its arguments in registers. The generic entry in front of it (the adapter) takes them from their home slots, checks
//! their tags and jumps to the body ([`Symbol::Body`](crate::Symbol::Body)); direct callers call the body. Both belong to one function of
//! the unit tables, which has one frame size: so the adapter has no frame and no safe points.

use trinity_codegen::{CompileError, CompiledFunction};

/// The body starts at a multiple of this, as functions do.
const ALIGN: usize = 16;
/// Fills the gap: an instruction that traps.
const PADDING: u8 = 0xCC;

/// Puts `body` behind `adapter`. Returns the two as one function, and the body's offset in it.
pub fn join(
    adapter: CompiledFunction,
    body: CompiledFunction,
) -> Result<(CompiledFunction, u32), CompileError> {
    let refuse = |what: &str| {
        let name = &adapter.name;
        Err(CompileError::Verify(format!(
            "{name}: a generic entry has {what}"
        )))
    };
    if adapter.frame_size != 0 {
        return refuse("a frame");
    }
    if !adapter.safepoints.is_empty() {
        return refuse("safe points");
    }
    // Instructions come first in a function, then its constants: those of an adapter would be in the middle.
    if adapter.code.len() != adapter.text_len as usize || !adapter.jump_tables.is_empty() {
        return refuse("constants");
    }
    let at = adapter.code.len().next_multiple_of(ALIGN);
    let shift = u32::try_from(at + body.code.len())
        .map(|_| at as u32)
        .map_err(|_| CompileError::TooLarge("code of 4 GB".into()))?;
    let mut out = adapter;
    out.name = body.name;
    out.code.resize(at, PADDING);
    out.code.extend_from_slice(&body.code);
    out.text_len = shift + body.text_len;
    out.frame_size = body.frame_size;
    out.relocs
        .extend(body.relocs.into_iter().map(|r| trinity_codegen::Reloc {
            offset: r.offset + shift,
            ..r
        }));
    out.safepoints = body
        .safepoints
        .into_iter()
        .map(|(o, id)| (o + shift, id))
        .collect();
    out.live = body.live;
    out.windows = body.windows;
    out.srclocs
        .extend(body.srclocs.into_iter().map(|(o, l)| (o + shift, l)));
    // Blocks are the body's: a profile or a listing of the IR speaks of it.
    out.block_offsets = body
        .block_offsets
        .into_iter()
        .map(|o| if o == u32::MAX { o } else { o + shift })
        .collect();
    out.jump_tables = body.jump_tables;
    for t in &mut out.jump_tables {
        t.offset += shift;
        t.targets.iter_mut().for_each(|x| *x += shift);
    }
    Ok((out, shift))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Symbol;
    use trinity_abi::helpers::Helper;
    use trinity_codegen::ir::{
        Addr, CallTarget, Clobbers, Cond, FunctionBuilder, IntCc, PReg, SrcLoc, Type,
    };
    use trinity_codegen::{Compiler, Options};

    fn compile(b: FunctionBuilder) -> CompiledFunction {
        Compiler::new(Options::default())
            .compile(&b.finish())
            .expect("valid IR")
    }

    /// Loads R[0] and jumps to the body of function 3.
    fn adapter() -> CompiledFunction {
        let mut b = FunctionBuilder::new("entry", &[(Type::I64, PReg::Rcx)]);
        b.set_loc(SrcLoc(7));
        let v = b.load64(Addr::base(0));
        b.tail_jump(
            CallTarget::Symbol(Symbol::Body(3).to_ref()),
            &[(v, PReg::Rdi)],
        );
        compile(b)
    }

    /// Calls a helper unless the argument is 1, returns a float constant's bits or the argument.
    fn body() -> CompiledFunction {
        let mut b = FunctionBuilder::new("body", &[(Type::I64, PReg::Rdi)]);
        b.set_loc(SrcLoc(8));
        let x = b.param(0);
        let (slow, done) = (b.create_block(), b.create_block());
        b.brif(Cond::icmp(IntCc::Ne, x, 1), (slow, &[]), (done, &[]));
        b.switch_to(slow);
        let helper = CallTarget::Symbol(Symbol::Helper(Helper::step).to_ref());
        b.call(helper, &[], &[], Clobbers::All, Some(5));
        b.jump(done, &[]);
        b.switch_to(done);
        let (c, f) = (b.fconst(0.1), b.loadf(Addr::base(16)));
        let sum = b.fadd(f, c);
        b.store64(Addr::base(16), sum);
        b.ret(&[(x, PReg::Rax)]);
        compile(b)
    }

    #[test]
    fn symbols_keep_their_meaning() {
        for n in [0, 1, 2, 77, 1_000_000] {
            for s in [Symbol::Func(n), Symbol::Body(n)] {
                assert_eq!(Symbol::from_ref(s.to_ref()), s);
            }
        }
    }

    #[test]
    fn everything_of_the_body_is_shifted() {
        let (a, b) = (adapter(), body());
        assert!(a.frame_size == 0 && b.frame_size > 0 && b.code.len() > b.text_len as usize);
        let (j, at) = join(a.clone(), b.clone()).expect("an adapter as it should be");
        assert_eq!(at as usize % ALIGN, 0);
        assert!(at as usize >= a.code.len() && (at as usize) < a.code.len() + ALIGN);
        assert_eq!(j.code[..a.code.len()], a.code);
        assert!(
            j.code[a.code.len()..at as usize]
                .iter()
                .all(|&c| c == PADDING)
        );
        assert_eq!(j.code[at as usize..], b.code);
        assert_eq!(j.text_len, at + b.text_len);
        assert_eq!(j.frame_size, b.frame_size);
        assert_eq!(j.safepoints, [(b.safepoints[0].0 + at, 5)]);
        assert_eq!(j.relocs.len(), a.relocs.len() + b.relocs.len());
        assert_eq!(j.relocs[0], a.relocs[0]);
        assert_eq!(Symbol::from_ref(j.relocs[0].symbol), Symbol::Body(3));
        let last = *b.relocs.last().expect("the helper's");
        assert_eq!(j.relocs.last().map(|r| r.offset), Some(last.offset + at));
        assert!(j.relocs.is_sorted_by_key(|r| r.offset));
        assert!(j.srclocs.is_sorted_by_key(|s| s.0));
        assert_eq!(j.srclocs.last().map(|s| s.1), Some(SrcLoc(8)));
    }

    #[test]
    fn entries_with_more_than_a_jump_are_refused() {
        assert!(join(body(), body()).is_err());
    }
}
