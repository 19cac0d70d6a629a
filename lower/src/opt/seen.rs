//! From the profile of a function to what the typed lowering asks ([`super::spec`]).

use super::spec::{Seen, SeenSite};
use super::tags::Tags;
use trinity_frontend::bytecode::{Op, Proto};
use trinity_profile::{FuncProfile, Place, ShapeKind, Site, Target};

/// What a profile says of a function of the module `module`; positions are those of `p`.
pub fn seen(f: &FuncProfile, p: &Proto, module: &str) -> Seen {
    let mut sites: Vec<Option<SeenSite>> = vec![None; p.code.len()];
    for (&pc, s) in &f.sites {
        if let Some(site) = sites.get_mut(pc as usize) {
            *site = Some(SeenSite {
                count: s.count,
                result: Tags(s.result.0),
                second: Tags(s.second.0),
                operands: s.operands.map(|t| Tags(t.0)),
                kinds: s.kinds,
                grows: true,
                range: s.range,
                callee: s
                    .callee
                    .sole_lua()
                    .filter(|f| f.module == module)
                    .map(|f| f.index),
                targets: match s.callee.sole() {
                    None => targets(s, module),
                    Some(_) => Vec::new(),
                },
                slot: own_slot(s),
                shapes: own_slot(s).map_or_else(Vec::new, |_| {
                    let mut shapes: Vec<_> = s.shapes.iter().map(|x| x.keys.clone()).collect();
                    shapes.sort();
                    shapes.dedup();
                    shapes
                }),
                own: s
                    .shapes
                    .iter()
                    .any(|x| x.kind == ShapeKind::Shared && x.place == Place::Own),
                many: s.shapes.len() > 1 || s.other_shapes > 0,
                dictionary: s.shapes.iter().any(|x| x.kind == ShapeKind::Dictionary),
                callees: s.callee.targets.len() as u32 + u32::from(s.callee.other > 0),
                native: s.callee.sole_native().map(str::to_owned),
                one_result: p.code[pc as usize].op() == Op::Call
                    && p.code[pc as usize].c() == 0
                    && s.range == Some((1, 1)),
            });
        }
    }
    Seen {
        calls: f.calls,
        params: f.params.iter().map(|t| Tags(t.0)).collect(),
        sites,
    }
}

/// Functions of the module that were called.
fn targets(s: &Site, module: &str) -> Vec<(u32, u64)> {
    let of_module = |(t, n): &(Target, u64)| match t {
        Target::Lua(f) if f.module == module => Some((f.index, *n)),
        _ => None,
    };
    s.callee.targets.iter().filter_map(of_module).collect()
}

/// The slot in which all tables that were seen had the field themselves.
fn own_slot(s: &Site) -> Option<u32> {
    let slot = s.shapes.first()?.slot?;
    let all = s.other_shapes == 0
        && s.shapes
            .iter()
            .all(|x| x.kind == ShapeKind::Shared && x.place == Place::Own && x.slot == Some(slot));
    all.then_some(slot)
}
