//! Compilation by the typed lowering: which functions, and from lowered IR to machine code.

use crate::opt::module::Module;
use crate::opt::versions::Version;
use crate::opt::{self, seen};
use crate::passes::Pass;
use crate::remark::{Kind, Remark};
use crate::{
    CompiledFunc, LowerError, Options, SafePoint, compile_function, forward, func_name, join,
    preorder,
};
use std::collections::HashMap;
use trinity_codegen::ir::SrcLoc;
use trinity_codegen::isa::March;
use trinity_codegen::{Algorithm, CompileError, Compiler};
use trinity_frontend::bytecode::Proto;

/// Instructions from which on a function is left to the baseline: the typed lowering's time grows with blocks times registers.
const TYPED_MAX: usize = 6000;
/// Values of IR from which on a function is left to the baseline: about a gigabyte of memory while it is compiled.
const MAX_VALUES: usize = 400_000;

/// Describes a module for [`compile_typed`]: what was seen of its functions, and which of them the typed lowering takes. `skip` tells functions
/// that are not compiled at all.
pub fn module<'a>(main: &'a Proto, opts: &Options, skip: &dyn Fn(&Proto) -> bool) -> Module<'a> {
    let seen = preorder(main)
        .into_iter()
        .enumerate()
        .map(|(n, p)| {
            opts.func_profile(n as u32, p)
                .map(|f| seen::seen(f, p, &opts.module).without(opts.passes))
        })
        .collect();
    let mut passes = opts.passes;
    if opts.opt_level == 0 {
        // The baseline asks nothing.
        passes.set(Pass::Between, false);
    }
    let funcs = opts.profile.iter().flat_map(|p| &p.funcs);
    let sites = funcs.flat_map(|f| f.sites.values());
    let executed = sites.map(|s| s.count as f64).sum();
    Module::new(main, seen, executed, passes, &|p| {
        p.code.len() <= TYPED_MAX && !skip(p)
    })
}

/// Makes the numbers of guards differ between modules.
fn module_salt(name: &str) -> u64 {
    name.bytes().fold(0, |h: u64, b| {
        h.wrapping_mul(0x100_0000_01b3) ^ u64::from(b)
    }) << 40
}

/// Compiles function or version `index` of a module at the level of `opts`; by the baseline when the typed lowering's code would be too large.
pub fn compile_typed(
    module: &Module,
    index: u32,
    opts: &Options,
) -> Result<CompiledFunc, LowerError> {
    let number = index;
    let index = module.function(number);
    let p = module.protos[index as usize];
    let remarks = |why: String| match opts.explain {
        true => vec![Remark::of_function(
            index,
            p.line_defined,
            Kind::Baseline { why },
        )],
        false => Vec::new(),
    };
    if opts.opt_level == 0 || !module.typed[index as usize] {
        let mut f = compile_function(p, index, opts)?;
        let (len, max) = (p.code.len(), TYPED_MAX);
        f.remarks = remarks(format!("{len} instructions, the limit is {max}"));
        return Ok(f);
    }
    let too_large = |e: &LowerError| matches!(e.error, CompileError::TooLarge(_));
    if number != index {
        return optimized(module, number, opts).or_else(|e| match too_large(&e) {
            true => forward::without_version(module, number).map_err(|error| LowerError {
                function: func_name(p),
                error,
            }),
            false => Err(e),
        });
    }
    let versions = || {
        let of = |v: &Version| {
            Remark::of_function(index, p.line_defined, Kind::Version { kinds: v.kinds() })
        };
        module.versions_of(index).map(move |(_, v)| of(v))
    };
    match optimized(module, index, opts) {
        Ok(mut f) if opts.explain => {
            f.remarks.splice(0..0, versions());
            Ok(f)
        }
        Err(LowerError {
            error: CompileError::TooLarge(why),
            ..
        }) => {
            let mut f = compile_function(p, index, opts)?;
            f.remarks = remarks(why);
            forward::add_body(&mut f, module, index).map_err(|error| LowerError {
                function: func_name(p),
                error,
            })?;
            Ok(f)
        }
        done => done,
    }
}

/// Compiles function or version `number` by the typed lowering.
fn optimized(module: &Module, number: u32, opts: &Options) -> Result<CompiledFunc, LowerError> {
    let index = module.function(number);
    let p = module.protos[index as usize];
    let name = func_name(p);
    let fail = |error| LowerError {
        function: func_name(p),
        error,
    };
    let lowered = opt::lower(
        module,
        number,
        &name,
        opt::Options {
            stress_guards: opts.stress_guards,
            explain: opts.explain,
            round: opts.passes.has(Pass::Round) && opts.march.includes(March::V2),
            unit_salt: module_salt(&opts.module),
        },
    );
    let options = trinity_codegen::Options {
        algorithm: Algorithm::Ion,
        verify: opts.verify,
        check_allocation: opts.verify,
        opt: (opts.opt_level >= 2).then(|| opts.passes.opt_options(opts.march)),
        regions: opts.regions.clone(),
        select: opts.passes.select_options(opts.march),
        explain: opts.explain,
        keep_ir: opts.keep_code,
        max_values: opts.max_values.unwrap_or(MAX_VALUES),
        windows: match opts.opt_level {
            0 | 1 => Default::default(),
            _ => opts.windows.clone(),
        },
    };
    let notes = lowered.notes;
    let mut ir = opts.keep_ir.then(|| match &notes {
        Some(notes) => notes.with_lines(&lowered.body).to_string(),
        None => lowered.body.to_string(),
    });
    let mut body = Compiler::new(options.clone())
        .compile(&lowered.body)
        .map_err(fail)?;
    let mut remarks = Vec::new();
    if let Some(mut notes) = notes {
        body.srclocs = notes.lines(&body.srclocs);
        let lines = |loc: &mut SrcLoc| {
            if let [(_, line)] = notes.lines(&[(0, *loc)])[..] {
                *loc = line;
            }
        };
        body.windows.hits.iter_mut().for_each(|h| lines(&mut h.loc));
        body.windows.runs.iter_mut().for_each(|r| lines(&mut r.loc));
        notes.stays(module, &body.stays);
        remarks = notes.remarks(module, index, &lowered.inlines);
        let (size, limit) = (body.opt_stats.insts_before, trinity_codegen::opt::FULL_SIZE);
        if size > limit {
            let (size, limit) = (size.into(), limit.into());
            let kind = Kind::TooLarge { size, limit };
            remarks.insert(0, Remark::of_function(index, p.line_defined, kind));
        }
    }
    let mut kept = crate::kept(0, &body);
    let (out, body_offset) = match &lowered.adapter {
        None => (body, 0),
        Some(adapter) => {
            if let Some(ir) = &mut ir {
                ir.insert_str(0, &format!("{adapter}\n"));
            }
            // However small the limit: the entry goes with the body.
            let adapter = Compiler::new(trinity_codegen::Options {
                max_values: trinity_codegen::Options::default().max_values,
                ..options
            })
            .compile(adapter)
            .map_err(fail)?;
            let front = crate::kept(0, &adapter);
            let (out, at) = join(adapter, body).map_err(fail)?;
            kept.iter_mut().for_each(|k| k.0 = at);
            kept.splice(0..0, front);
            (out, at)
        }
    };
    let mut lists = opt::Lists::default();
    let found: HashMap<u32, &[_]> = out.live.iter().map(|(id, p)| (*id, &p[..])).collect();
    let mut waiting = |id: u32| match lowered.waits.get(&id) {
        None => Some(0),
        Some(waits) => lists.add(waits, found.get(&id).copied().unwrap_or_default()),
    };
    let safepoints = out
        .safepoints
        .iter()
        .map(|&(ret_offset, id)| {
            let point = lowered.safepoints.get(id as usize);
            point
                .zip(waiting(id))
                .map(|(&s, live)| SafePoint {
                    ret_offset,
                    live,
                    ..s
                })
                .ok_or_else(|| fail(CompileError::Verify(format!("no safe point {id}"))))
        })
        .collect::<Result<_, _>>()?;
    Ok(CompiledFunc {
        name,
        kept,
        code: out.code,
        text_len: out.text_len,
        relocs: out.relocs,
        safepoints,
        srclocs: out.srclocs.iter().map(|&(o, l)| (o, l.0)).collect(),
        frame_size: out.frame_size,
        body_offset,
        inlines: lowered.inlines,
        live: lists.bytes,
        flags: lowered.flags,
        ir,
        remarks,
        windows: out.windows,
    })
}
