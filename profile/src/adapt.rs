//! A profile for another version of its program.
//!
//! Functions whose bytecode is the same keep everything, wherever in their module they are now. Of the others, those with the same path of
//! nesting are compared instruction by instruction; where enough of the code is alike, what aligned instructions saw is carried over. Callees
//! are named by their place in the new version. Functions that are both renamed and changed are lost.

use crate::align::align;
use crate::fingerprint::skeleton;
use crate::model::{Callee, FuncProfile, FuncRef, Profile, Target};
use std::collections::HashMap;
use trinity_frontend::bytecode::Proto;

/// Of the shorter version's instructions, more than this part must be found in the other with the same constants: in percent.
const ALIKE: usize = 50;

/// A profile made to fit.
#[derive(Debug)]
pub struct Adapted {
    /// For the new version: all its functions, with its hashes.
    pub profile: Profile,
    /// Executed functions whose bytecode is the same.
    pub exact: usize,
    /// Executed functions of which a part was carried over.
    pub similar: usize,
    /// Executed functions that are not in the new version.
    pub lost: usize,
}

/// What becomes of an old function.
struct Match {
    /// Number among the old functions.
    old: usize,
    /// Number among the new functions.
    new: usize,
    /// Pairs of positions; `None`: the bytecode is the same.
    pairs: Option<Vec<(u32, u32)>>,
}

impl Profile {
    /// The profile for these modules, given by name.
    pub fn adapt(&self, modules: &[(String, &Proto)]) -> Adapted {
        let mut profile = skeleton(modules);
        profile.runs = self.runs;
        let matches = find_matches(&self.funcs, &profile.funcs);
        let new_refs: Vec<FuncRef> = profile.funcs.iter().map(|f| f.key.to_ref()).collect();
        let renamed: HashMap<FuncRef, &FuncRef> = matches
            .iter()
            .map(|m| (self.funcs[m.old].key.to_ref(), &new_refs[m.new]))
            .collect();
        let executed = |f: &FuncProfile| !f.sites.is_empty();
        let mut out = Adapted {
            profile,
            exact: 0,
            similar: 0,
            lost: self.funcs.iter().filter(|f| executed(f)).count(),
        };
        for m in &matches {
            let old = &self.funcs[m.old];
            if executed(old) {
                out.lost -= 1;
                match m.pairs {
                    None => out.exact += 1,
                    Some(_) => out.similar += 1,
                }
                carry(
                    old,
                    &mut out.profile.funcs[m.new],
                    m.pairs.as_deref(),
                    &renamed,
                );
            }
        }
        out
    }
}

/// Which old function each new one is; both lists are in the order of profiles.
fn find_matches(old: &[FuncProfile], new: &[FuncProfile]) -> Vec<Match> {
    let mut taken = vec![false; old.len()];
    let mut found: Vec<Option<Match>> = new.iter().map(|_| None).collect();
    // The same bytecode: first in the same place, then under the same name, then anywhere in the module, in order.
    let mut by_hash: HashMap<(&str, u64), Vec<usize>> = HashMap::new();
    let mut by_name: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (n, f) in old.iter().enumerate() {
        let module = f.key.module.as_str();
        by_hash.entry((module, f.key.hash)).or_default().push(n);
        by_name.entry((module, &f.key.name)).or_default().push(n);
    }
    let closeness: [fn(&FuncProfile, &FuncProfile) -> bool; 3] = [
        |o, f| o.key.index == f.key.index,
        |o, f| o.key.name == f.key.name,
        |_, _| true,
    ];
    for close in closeness {
        for (new_n, f) in new.iter().enumerate() {
            let same = by_hash.get(&(f.key.module.as_str(), f.key.hash));
            let same = same.into_iter().flatten().copied();
            if found[new_n].is_none()
                && let Some(n) = same.into_iter().find(|&n| !taken[n] && close(&old[n], f))
            {
                taken[n] = true;
                found[new_n] = Some(Match {
                    old: n,
                    new: new_n,
                    pairs: None,
                });
            }
        }
    }
    // Another version under the same name: the one most alike, when the profile is of several.
    for (new_n, f) in new.iter().enumerate() {
        if found[new_n].is_some() {
            continue;
        }
        let versions = by_name.get(&(f.key.module.as_str(), f.key.name.as_str()));
        let versions = versions.into_iter().flatten().copied();
        let alike = versions
            .filter(|&n| !taken[n] && !old[n].sites.is_empty())
            .filter_map(|n| Some((n, alike(&old[n], f)?)))
            .max_by_key(|(n, pairs)| (pairs.len(), old[*n].calls));
        if let Some((n, pairs)) = alike {
            taken[n] = true;
            found[new_n] = Some(Match {
                old: n,
                new: new_n,
                pairs: Some(pairs),
            });
        }
    }
    found.into_iter().flatten().collect()
}

/// Positions of the same instruction in both, when there are enough.
fn alike(old: &FuncProfile, new: &FuncProfile) -> Option<Vec<(u32, u32)>> {
    let pairs = align(&old.code, &new.code);
    let same = |(x, y): &&(u32, u32)| old.code[*x as usize] == new.code[*y as usize];
    let same = pairs.iter().filter(same).count();
    let shorter = old.code.len().min(new.code.len());
    (same * 100 > shorter * ALIKE).then_some(pairs)
}

/// Copies what was seen.
fn carry(
    old: &FuncProfile,
    new: &mut FuncProfile,
    pairs: Option<&[(u32, u32)]>,
    renamed: &HashMap<FuncRef, &FuncRef>,
) {
    new.calls = old.calls;
    for (to, from) in new.params.iter_mut().zip(&old.params) {
        *to = *from;
    }
    new.sites = match pairs {
        None => old.sites.clone(),
        Some(pairs) => pairs
            .iter()
            .filter_map(|(from, to)| Some((*to, old.sites.get(from)?.clone())))
            .collect(),
    };
    for s in new.sites.values_mut() {
        let callee = std::mem::take(&mut s.callee);
        s.callee = Callee {
            targets: Vec::new(),
            other: callee.other,
        };
        for (target, count) in callee.targets {
            let target = match target {
                Target::Lua(f) => renamed
                    .get(&f)
                    .map_or(Target::Unknown, |f| Target::Lua((*f).clone())),
                other => other,
            };
            s.callee.add(target, count);
        }
        s.cut();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Site;
    use crate::tags::TagSet;
    use trinity_frontend::bytecode::Op;

    const OLD: &str = "local M = {}\n\
        local function area(w, h) return w * h end\n\
        function M.total(list)\n\
          local sum = 0\n\
          for i = 1, #list do\n\
            sum = sum + area(list[i].width, list[i].height)\n\
          end\n\
          return sum\n\
        end\n\
        function M.gone(a) return a.b.c.d end\n\
        return M";

    const NEW: &str = "local M = {}\n\
        local function check(x) if x < 0 then error('negative') end return x end\n\
        local function area(w, h) return w * h end\n\
        function M.total(list, scale)\n\
          local sum, n = 0, 0\n\
          for i = 1, #list do\n\
            n = n + 1\n\
            sum = sum + check(area(list[i].width, list[i].height))\n\
          end\n\
          return sum * scale\n\
        end\n\
        return M";

    fn compiled(source: &str) -> Proto {
        trinity_frontend::compile(source.as_bytes(), b"=t").expect("the test's own source")
    }

    /// A profile where each instruction saw its own position, and the only CALL of `total` called `area`.
    fn profile_of(p: &Proto) -> Profile {
        let mut out = skeleton(&[("m".to_string(), p)]);
        let area = out.funcs[1].key.to_ref();
        out.runs = 1;
        for f in &mut out.funcs {
            f.calls = 10 + u64::from(f.key.index);
            f.params.fill(TagSet::INT);
            for (pc, token) in f.code.clone().into_iter().enumerate() {
                let mut s = Site {
                    count: 1000 + pc as u64,
                    ..Site::default()
                };
                if crate::fingerprint::token_op(token) == Op::Call as u8 && f.key.index == 2 {
                    s.callee.add(Target::Lua(area.clone()), s.count);
                }
                f.sites.insert(pc as u32, s);
            }
        }
        out
    }

    fn of(op: Op, f: &FuncProfile) -> Vec<u32> {
        let tokens = f.code.iter().enumerate();
        let same = tokens.filter(|(_, t)| crate::fingerprint::token_op(**t) == op as u8);
        same.map(|(pc, _)| pc as u32).collect()
    }

    #[test]
    fn the_same_program_keeps_everything() {
        let p = compiled(OLD);
        let profile = profile_of(&p);
        let a = profile.adapt(&[("m".to_string(), &p)]);
        assert_eq!((a.exact, a.similar, a.lost), (4, 0, 0));
        assert_eq!(a.profile, profile);
    }

    #[test]
    fn an_older_source_still_helps() {
        let (old, new) = (compiled(OLD), compiled(NEW));
        let profile = profile_of(&old);
        let a = profile.adapt(&[("m".to_string(), &new)]);
        // `area` is as it was, the main chunk and `total` have changed, `gone` is gone.
        assert_eq!((a.exact, a.similar, a.lost), (1, 2, 1));
        let find = |name: &str| {
            let same = |f: &&FuncProfile| f.key.name == name;
            a.profile.funcs.iter().find(same).expect("it is there")
        };
        let area = find("main/area");
        assert_eq!((area.key.index, area.calls), (2, 11));
        assert_eq!(area.sites, profile.funcs[1].sites);
        assert!(find("main/check").sites.is_empty());
        let (before, total) = (&profile.funcs[2], find("main/M.total"));
        assert_eq!(total.key.index, 3);
        assert_eq!(total.params, [TagSet::INT, TagSet::EMPTY]);
        // The fields and the loop are found where they are now.
        for op in [Op::GetField, Op::ForPrep, Op::ForLoop, Op::Len] {
            let (was, is) = (of(op, before), of(op, total));
            assert_eq!(was.len(), is.len());
            for (was, is) in was.iter().zip(&is) {
                assert_eq!(total.count(*is), before.count(*was), "{op:?} at {is}");
            }
        }
        // One of the two calls is the old one, of `area`, where it is now.
        let calls = of(Op::Call, total);
        let targets: Vec<_> = calls
            .iter()
            .filter_map(|pc| total.site(*pc)?.callee.sole_lua())
            .collect();
        assert_eq!(targets, [&area.key.to_ref()]);
        assert_eq!(a.profile.get(targets[0]), Some(area));
        // Lookups find it by the new bytecode.
        let found = a.profile.lookup("m", 3, &new.protos[2]);
        assert_eq!(found.map(|f| &f.key), Some(&total.key));
    }

    #[test]
    fn other_programs_and_modules_get_nothing() {
        let p = compiled(OLD);
        let profile = profile_of(&p);
        let a = profile.adapt(&[("n".to_string(), &p)]);
        assert_eq!((a.exact, a.similar, a.lost), (0, 0, 4));
        let other = compiled("for i = 1, 10 do print(i .. 'x') end repeat until #arg > 3");
        let a = profile.adapt(&[("m".to_string(), &other)]);
        assert_eq!((a.exact, a.similar, a.lost), (0, 0, 4));
    }

    #[test]
    fn of_several_versions_the_right_one_is_taken() {
        let (old, new) = (compiled(OLD), compiled(NEW));
        let mut both = profile_of(&old);
        let later = profile_of(&new);
        both.merge(&later);
        assert_eq!((both.program, both.runs), (0, 2));
        for (source, own) in [(&old, &profile_of(&old)), (&new, &later)] {
            let a = both.adapt(&[("m".to_string(), source)]);
            let own: Vec<_> = own.funcs.iter().map(|f| (&f.key, f.sites.len())).collect();
            let seen = a.profile.funcs.iter();
            assert_eq!(
                seen.map(|f| (&f.key, f.sites.len())).collect::<Vec<_>>(),
                own
            );
        }
    }
}
