//! Bodies of functions that were not compiled as their callers think.
//!
//! Which functions take arguments in registers is decided before any of them is lowered, and their callers refer to
//! [`Symbol::Body`]. When the typed lowering's code for one turns out too large, the function is the baseline's, or the interpreter's, which take
//! arguments from home slots: a *forwarder* is its body, which writes the arguments there and goes to the generic entry.
//!
//! Layout of the code: a jump to what the entry does, the forwarder, and what the entry does. All in one symbol with one frame size, so the forwarder
//! has no frame and no safe points.

use crate::opt::forwarder;
use crate::opt::module::Module;
use crate::{CompiledFunc, Symbol, func_name};
use trinity_abi::helpers::stub;
use trinity_abi::unit::flag;
use trinity_codegen::{CompileError, CompiledFunction, Compiler, Options, Reloc, RelocKind};

/// Functions, and what is in one, start at a multiple of this.
const ALIGN: usize = 16;
/// Fills gaps: an instruction that traps.
const PADDING: u8 = 0xCC;
/// `jmp rel32`.
const JUMP: u8 = 0xE9;
const JUMP_LEN: usize = 5;

/// Puts a body in front of a function's code, if callers count on one.
pub(crate) fn add_body(
    f: &mut CompiledFunc,
    module: &Module,
    index: u32,
) -> Result<(), CompileError> {
    if !module.has_body(index) {
        return Ok(());
    }
    let body = forward(module, index, &f.name)?;
    let at = JUMP_LEN.next_multiple_of(ALIGN);
    let rest = (at + body.code.len()).next_multiple_of(ALIGN);
    let (shift, distance) = u32::try_from(rest + f.code.len())
        .ok()
        .and(i32::try_from(rest - JUMP_LEN).ok())
        .map(|d| (rest as u32, d))
        .ok_or_else(|| CompileError::TooLarge("code of 4 GB".into()))?;
    let mut code = Vec::with_capacity(rest + f.code.len());
    code.push(JUMP);
    code.extend(distance.to_le_bytes());
    code.resize(at, PADDING);
    code.extend(&body.code);
    code.resize(rest, PADDING);
    code.append(&mut f.code);
    f.code = code;
    f.text_len += shift;
    f.body_offset = at as u32;
    for r in &mut f.relocs {
        r.offset += shift;
    }
    let forwards = body.relocs.into_iter().map(|r| Reloc {
        offset: r.offset + at as u32,
        ..r
    });
    f.relocs.splice(0..0, forwards);
    for s in &mut f.safepoints {
        s.ret_offset += shift;
    }
    f.kept.iter_mut().for_each(|k| k.0 += shift);
    for (offset, _) in &mut f.srclocs {
        *offset += shift;
    }
    if let Some(&(_, line)) = f.srclocs.first() {
        f.srclocs.insert(0, (0, line));
    }
    Ok(())
}

/// The code of a forwarder.
fn forward(module: &Module, number: u32, name: &str) -> Result<CompiledFunction, CompileError> {
    let body = Compiler::new(Options::default()).compile(&forwarder(module, number, name))?;
    if body.frame_size != 0
        || !body.safepoints.is_empty()
        || body.code.len() != body.text_len as usize
    {
        return Err(CompileError::Verify(format!(
            "{name}: a forwarder is more than stores and a jump"
        )));
    }
    Ok(body)
}

/// A version whose code would be too large: it forwards to the function's general body.
pub(crate) fn without_version(module: &Module, number: u32) -> Result<CompiledFunc, CompileError> {
    let name = func_name(module.protos[module.function(number) as usize]);
    let body = forward(module, number, &name)?;
    Ok(CompiledFunc {
        name,
        text_len: body.text_len,
        code: body.code,
        relocs: body.relocs,
        safepoints: Vec::new(),
        srclocs: body.srclocs.iter().map(|&(o, l)| (o, l.0)).collect(),
        frame_size: 0,
        body_offset: 0,
        inlines: Vec::new(),
        live: Vec::new(),
        flags: 0,
        ir: None,
        kept: Vec::new(),
        remarks: Vec::new(),
        windows: Default::default(),
    })
}

/// A function that is interpreted: its code is a jump to the stub that does it.
pub fn without_code(module: &Module, index: u32) -> Result<CompiledFunc, CompileError> {
    let mut f = CompiledFunc {
        name: func_name(module.protos[index as usize]),
        code: vec![JUMP, 0, 0, 0, 0],
        text_len: JUMP_LEN as u32,
        relocs: vec![Reloc {
            offset: 1,
            kind: RelocKind::Plt32,
            symbol: Symbol::Stub(stub::INTERP).to_ref(),
            addend: -4,
        }],
        safepoints: Vec::new(),
        srclocs: Vec::new(),
        frame_size: 0,
        body_offset: 0,
        inlines: Vec::new(),
        live: Vec::new(),
        flags: flag::INTERPRETED,
        ir: None,
        kept: Vec::new(),
        remarks: Vec::new(),
        windows: Default::default(),
    };
    add_body(&mut f, module, index)?;
    Ok(f)
}
