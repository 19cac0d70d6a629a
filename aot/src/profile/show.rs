//! Profiles for people and for programs.

use serde_json::{Value, json};
use std::fmt::Write;
use trinity_frontend::bytecode::op::Op;
use trinity_profile::fingerprint::token_op;
use trinity_profile::{
    Callee, FuncProfile, Place, Profile, ShapeKind, ShapeSeen, Site, TagSet, Target, kind,
};

const KINDS: [(u8, &str); 8] = [
    (kind::EMPTY, "empty"),
    (kind::INT, "integers"),
    (kind::FLOAT, "floats"),
    (kind::GENERAL, "general"),
    (kind::MISS, "miss"),
    (kind::APPEND, "append"),
    (kind::METATABLE, "metatable"),
    (kind::OTHER_KEY, "other key"),
];

fn kinds(bits: u8) -> Vec<&'static str> {
    let set = KINDS.iter().filter(|k| bits & k.0 != 0);
    set.map(|k| k.1).collect()
}

fn op_name(token: u32) -> &'static str {
    Op::from_byte(token_op(token)).map_or("?", |op| op.info().name)
}

fn is_jump(token: u32) -> bool {
    Op::from_byte(token_op(token)).is_some_and(Op::is_jump)
}

fn module(name: &str) -> &str {
    if name.is_empty() {
        "main program"
    } else {
        name
    }
}

fn place(p: Place) -> &'static str {
    match p {
        Place::Own => "own",
        Place::Chain => "through metatable",
        Place::Absent => "absent",
        Place::Added => "added",
        Place::Diverted => "__newindex",
    }
}

fn shape_kind(k: ShapeKind) -> &'static str {
    match k {
        ShapeKind::Shared => "shared",
        ShapeKind::Private => "private",
        ShapeKind::Dictionary => "dictionary",
    }
}

fn keys(s: &ShapeSeen) -> Vec<String> {
    let lossy = |k: &[u8]| String::from_utf8_lossy(k).into_owned();
    s.keys.iter().map(|k| lossy(k)).collect()
}

/// A callee; functions by their name, where the profile has it.
fn target(p: &Profile, t: &Target) -> String {
    match t {
        Target::Unknown => "unknown".to_string(),
        Target::Native(name) => name.clone(),
        Target::Lua(f) => {
            let name = match p.get(f) {
                Some(g) => g.key.name.clone(),
                None => format!("function {}", f.index),
            };
            if f.module.is_empty() {
                name
            } else {
                format!("{}:{name}", f.module)
            }
        }
    }
}

/// As text; functions that were never called are only counted.
pub fn text(p: &Profile) -> String {
    let executed = p.funcs.iter().filter(|f| !f.sites.is_empty()).count();
    let mut out = format!(
        "{} runs, {} functions, {executed} of them executed\n",
        p.runs,
        p.funcs.len()
    );
    for f in p.funcs.iter().filter(|f| !f.sites.is_empty()) {
        function(p, f, &mut out);
    }
    out
}

/// Formatting into a `String` does not fail.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => { { let _ = write!($out, $($arg)*); } };
}

fn function(p: &Profile, f: &FuncProfile, out: &mut String) {
    let k = &f.key;
    put!(
        out,
        "\n{} of {}, line {}, number {}: {} calls",
        k.name,
        module(&k.module),
        k.line,
        k.index,
        f.calls
    );
    if !f.params.is_empty() {
        let params: Vec<String> = f.params.iter().map(TagSet::to_string).collect();
        put!(out, " ({})", params.join(", "));
    }
    out.push('\n');
    for (pc, s) in &f.sites {
        let token = f.code.get(*pc as usize).copied().unwrap_or(u32::MAX);
        put!(out, "  {pc:4} {:10} {:>12}", op_name(token), s.count);
        site(p, s, is_jump(token), out);
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
}

fn site(p: &Profile, s: &Site, jump: bool, out: &mut String) {
    if jump {
        put!(out, "  jumped {}", s.taken);
    }
    if s.operands != [TagSet::EMPTY; 2] {
        put!(out, "  {}", s.operands[0]);
        if !s.operands[1].is_empty() {
            put!(out, ", {}", s.operands[1]);
        }
    }
    if !s.result.is_empty() {
        put!(out, "  -> {}", s.result);
    }
    if !s.second.is_empty() {
        put!(out, "; {}", s.second);
    }
    if let Some((low, high)) = s.range {
        put!(out, "  {low}..{high}");
    }
    if s.kinds != 0 {
        put!(out, "  [{}]", kinds(s.kinds).join(", "));
    }
    if s.callee != Callee::default() {
        let mut targets: Vec<String> = s
            .callee
            .targets
            .iter()
            .map(|(t, n)| format!("{} {n}", target(p, t)))
            .collect();
        if s.callee.other > 0 {
            targets.push(format!("others {}", s.callee.other));
        }
        put!(out, "  calls {}", targets.join(", "));
    }
    for seen in &s.shapes {
        put!(out, "\n{:34}{} x ", "", seen.count);
        match seen.kind {
            ShapeKind::Shared => put!(out, "{{{}}}", keys(seen).join(",")),
            other => put!(out, "{}", shape_kind(other)),
        }
        if seen.metatable {
            out.push_str(" with metatable");
        }
        put!(out, ": {}", place(seen.place));
        if let Some(slot) = seen.slot {
            put!(out, " slot {slot}");
        }
    }
    if s.other_shapes > 0 {
        put!(out, "\n{:34}{} x others", "", s.other_shapes);
    }
}

fn tags(t: TagSet) -> Value {
    if t.is_empty() {
        return json!([]);
    }
    json!(t.to_string().split('|').collect::<Vec<_>>())
}

/// As JSON, all of it. Numbers above 2^53 are written in full.
pub fn json(p: &Profile) -> Value {
    let funcs: Vec<Value> = p
        .funcs
        .iter()
        .map(|f| {
            let sites = f.sites.iter();
            json!({
                "module": f.key.module,
                "index": f.key.index,
                "line": f.key.line,
                "name": f.key.name,
                "hash": format!("{:016x}", f.key.hash),
                "instructions": f.code.len(),
                "calls": f.calls,
                "params": f.params.iter().map(|t| tags(*t)).collect::<Vec<_>>(),
                "sites": sites.map(|(pc, s)| site_json(p, f, *pc, s)).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "program": format!("{:016x}", p.program),
        "runs": p.runs,
        "functions": funcs,
    })
}

fn site_json(p: &Profile, f: &FuncProfile, pc: u32, s: &Site) -> Value {
    let token = f.code.get(pc as usize).copied().unwrap_or(u32::MAX);
    let mut out = json!({ "pc": pc, "op": op_name(token), "count": s.count });
    let mut put = |key: &str, value: Value, there: bool| {
        if there {
            out[key] = value;
        }
    };
    put("taken", json!(s.taken), is_jump(token));
    let operands = s.operands.map(tags);
    put(
        "operands",
        json!(operands),
        s.operands != [TagSet::EMPTY; 2],
    );
    put("result", tags(s.result), !s.result.is_empty());
    put("second", tags(s.second), !s.second.is_empty());
    put("range", json!(s.range), s.range.is_some());
    put("kinds", json!(kinds(s.kinds)), s.kinds != 0);
    let callees = s.callee.targets.iter().map(|(t, n)| {
        let mut callee = json!({ "name": target(p, t), "count": n });
        match t {
            Target::Lua(g) => {
                callee["module"] = json!(g.module);
                callee["index"] = json!(g.index);
            }
            Target::Native(_) => callee["native"] = json!(true),
            Target::Unknown => callee["unknown"] = json!(true),
        }
        callee
    });
    let callees: Vec<Value> = callees.collect();
    put("callees", json!(callees), !callees.is_empty());
    put("other_callees", json!(s.callee.other), s.callee.other > 0);
    let shapes = s.shapes.iter().map(|seen| {
        json!({
            "kind": shape_kind(seen.kind),
            "keys": keys(seen),
            "metatable": seen.metatable,
            "place": place(seen.place),
            "slot": seen.slot,
            "count": seen.count,
        })
    });
    let shapes: Vec<Value> = shapes.collect();
    put("shapes", json!(shapes), !shapes.is_empty());
    put("other_shapes", json!(s.other_shapes), s.other_shapes > 0);
    out
}
