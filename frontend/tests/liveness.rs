//! Liveness against its definition: a register is live where some path reads it before it is written.

use std::path::Path;

use trinity_frontend::bytecode::effects::effects;
use trinity_frontend::bytecode::{Liveness, Op, Proto, RegSet};
use trinity_frontend::compile;

/// Walks backwards from every read of `reg` until it is written: a set of instructions, by brute force.
fn live_by_definition(proto: &Proto, reg: usize) -> Vec<bool> {
    let len = proto.code.len();
    let effects: Vec<_> = (0..len).map(|pc| effects(proto, pc)).collect();
    let mut live = vec![false; len];
    let mut work: Vec<usize> = (0..len)
        .filter(|&pc| effects[pc].reads.contains(reg))
        .collect();
    while let Some(pc) = work.pop() {
        if std::mem::replace(&mut live[pc], true) {
            continue;
        }
        for (pred, e) in effects.iter().enumerate() {
            let by_next = e.next == Some(pc) && !e.next_writes.contains(reg);
            let by_jump = e.jump == Some(pc) && !e.jump_writes.contains(reg);
            if (by_next || by_jump) && !live[pred] {
                work.push(pred);
            }
        }
    }
    live
}

fn check(proto: &Proto) {
    // Without names, and without variables to be closed, liveness is exactly the definition.
    let mut bare = proto.clone();
    bare.loc_vars.clear();
    if !bare
        .code
        .iter()
        .any(|i| matches!(i.op(), Op::Tbc | Op::TForPrep))
        && bare.code.len() < 2000
    {
        let live = Liveness::new(&bare);
        for reg in 0..usize::from(bare.max_stack) {
            for (pc, expected) in live_by_definition(&bare, reg).into_iter().enumerate() {
                assert_eq!(
                    live.live_at(pc).contains(reg),
                    expected,
                    "register {reg} at {pc}"
                );
            }
        }
    }
    // With names, every variable is live throughout its scope and nothing is live that was never set.
    let live = Liveness::new(proto);
    for v in &proto.loc_vars {
        for pc in v.start_pc..v.end_pc {
            assert!(live.live_at(pc as usize).contains(usize::from(v.reg)));
            assert!(live.live_across(pc as usize).contains(usize::from(v.reg)));
        }
    }
    assert!(
        live.live_at(0)
            .minus(RegSet::below(usize::from(proto.num_params)))
            .is_empty()
    );
    proto.protos.iter().for_each(check);
}

#[test]
fn matches_its_definition() {
    let source = "local function f(a, b, ...)\n\
        local c = a and b or a + b\n\
        while c do if c > 3 then c = c - 1 elseif c == 2 then return c else c = nil end end\n\
        for i = a, b, c do a = a .. i .. b; f(i, f(a, ...)) end\n\
        repeat local x = f(a, b) a = x until x or not a\n\
        a, b = b, a\n\
        local t = { a, b, f(a), [c] = b, n = a.b.c:d(c, ...) }\n\
        return t, ..., function() return t, a end\n\
        end\n\
        for k, v in pairs(f) do local y <close> = k if v then break end print(k, y) end\n";
    check(&compile(source.as_bytes(), b"=live").unwrap());
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches");
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        for file in std::fs::read_dir(entry.path())
            .into_iter()
            .flatten()
            .flatten()
        {
            if file.path().extension().is_some_and(|e| e == "lua") {
                let text = std::fs::read(file.path()).unwrap();
                if let Ok(proto) = compile(trinity_frontend::skip_shebang(&text), b"=bench") {
                    check(&proto);
                }
            }
        }
    }
}

#[test]
fn large_functions_take_linear_time() {
    let mut source = String::from("local a, b, c = ...\n");
    for i in 0..4000 {
        source.push_str(&format!(
            "for i = 1, {i} do if a then b = c.x(i, a) else local d = b + i c[d] = a end end\n"
        ));
    }
    let proto = compile(source.as_bytes(), b"=large").unwrap();
    assert!(proto.code.len() > 40_000);
    let start = std::time::Instant::now();
    let live = Liveness::new(&proto);
    let time = start.elapsed();
    assert!(live.distinct_sets() < 200, "{} sets", live.distinct_sets());
    // A generous bound against quadratic behaviour, not a benchmark.
    assert!(time.as_secs() < 5, "{time:?}");
}
