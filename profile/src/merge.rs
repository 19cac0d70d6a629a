//! Sums of profiles: counts are added, sets united, lists merged and cut to their most frequent entries.
//!
//! Merging commutes; it is associative as long as no list is cut, and counts in total are always kept. Counts saturate.

use crate::model::{
    Callee, FuncProfile, MAX_SHAPES, MAX_TARGETS, Profile, ShapeSeen, Site, Target,
};

impl Profile {
    /// Adds what another profile saw. Functions are the same when module, number and bytecode are.
    pub fn merge(&mut self, other: &Profile) {
        let empty = |p: &Profile| p.funcs.is_empty() && p.runs == 0;
        self.program = match () {
            () if empty(self) => other.program,
            () if empty(other) || self.program == other.program => self.program,
            () => 0,
        };
        self.runs = self.runs.saturating_add(other.runs);
        let mut theirs = other.funcs.iter().peekable();
        let mut out = Vec::with_capacity(self.funcs.len().max(other.funcs.len()));
        let key = |f: &FuncProfile| (f.key.module.clone(), f.key.index, f.key.hash);
        for mut f in self.funcs.drain(..) {
            let k = key(&f);
            while let Some(o) = theirs.next_if(|o| key(o) < k) {
                out.push(o.clone());
            }
            if let Some(o) = theirs.next_if(|o| key(o) == k) {
                f.merge(o);
            }
            out.push(f);
        }
        out.extend(theirs.cloned());
        self.funcs = out;
    }
}

impl FuncProfile {
    /// Adds what another profile of the same bytecode saw. Where names or lines differ, the smaller ones stay, so that merging commutes.
    pub(crate) fn merge(&mut self, other: &FuncProfile) {
        if other.key < self.key {
            self.key = other.key.clone();
        }
        self.calls = self.calls.saturating_add(other.calls);
        for (mine, theirs) in self.params.iter_mut().zip(&other.params) {
            *mine |= *theirs;
        }
        for (pc, site) in &other.sites {
            self.sites.entry(*pc).or_default().merge(site);
        }
    }
}

impl Site {
    /// Adds what another observation of the same instruction saw.
    pub fn merge(&mut self, other: &Site) {
        self.count = self.count.saturating_add(other.count);
        self.taken = self.taken.saturating_add(other.taken);
        self.result |= other.result;
        self.second |= other.second;
        self.operands[0] |= other.operands[0];
        self.operands[1] |= other.operands[1];
        self.kinds |= other.kinds;
        self.range = match (self.range, other.range) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (r, None) | (None, r) => r,
        };
        self.callee.merge(&other.callee);
        self.other_shapes = self.other_shapes.saturating_add(other.other_shapes);
        for s in &other.shapes {
            self.add_shape(s.clone());
        }
        self.cut();
    }

    /// Counts accesses to tables of a shape; [`Site::cut`] must follow.
    pub fn add_shape(&mut self, seen: ShapeSeen) {
        match self.shapes.iter_mut().find(|s| s.same_case(&seen)) {
            Some(s) => s.count = s.count.saturating_add(seen.count),
            None => self.shapes.push(seen),
        }
    }

    /// Restores the order and the limits of the lists.
    pub fn cut(&mut self) {
        self.callee.cut();
        self.shapes.sort_by(|x, y| {
            let rest = |s: &ShapeSeen| (s.kind, s.metatable, s.place, s.slot);
            (y.count.cmp(&x.count))
                .then_with(|| rest(x).cmp(&rest(y)))
                .then_with(|| x.keys.cmp(&y.keys))
        });
        for s in self.shapes.drain(MAX_SHAPES.min(self.shapes.len())..) {
            self.other_shapes = self.other_shapes.saturating_add(s.count);
        }
    }
}

impl Callee {
    /// Counts calls of a target; [`Site::cut`] must follow.
    pub fn add(&mut self, target: Target, count: u64) {
        match self.targets.iter_mut().find(|t| t.0 == target) {
            Some(t) => t.1 = t.1.saturating_add(count),
            None => self.targets.push((target, count)),
        }
    }

    fn merge(&mut self, other: &Callee) {
        self.other = self.other.saturating_add(other.other);
        for (t, n) in &other.targets {
            self.add(t.clone(), *n);
        }
    }

    fn cut(&mut self) {
        self.targets
            .sort_by(|x, y| y.1.cmp(&x.1).then_with(|| x.0.cmp(&y.0)));
        for t in self.targets.drain(MAX_TARGETS.min(self.targets.len())..) {
            self.other = self.other.saturating_add(t.1);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{FuncKey, FuncRef, Profile, Target};
    use crate::testing::{Random, random_profile, random_site};

    fn sum(a: &Profile, b: &Profile) -> Profile {
        let mut out = a.clone();
        out.merge(b);
        out
    }

    /// Profiles of one bytecode have one code and number of parameters.
    fn same_code(p: &mut Profile) {
        for f in &mut p.funcs {
            f.code = vec![f.key.hash as u32; 10];
            f.key = FuncKey {
                line: f.key.index,
                ..f.key.clone()
            };
        }
    }

    #[test]
    fn merging_commutes_and_keeps_counts() {
        let seed = 0x5EED_0006;
        let mut rng = Random(seed);
        for _ in 0..100 {
            let (mut a, mut b) = (random_profile(&mut rng), random_profile(&mut rng));
            same_code(&mut a);
            same_code(&mut b);
            let ab = sum(&a, &b);
            assert_eq!(ab, sum(&b, &a), "seed {seed:#x}");
            assert!(ab.funcs.is_sorted_by(|x, y| x.key < y.key));
            let total = |p: &Profile| -> [u64; 4] {
                let sites = || p.funcs.iter().flat_map(|f| f.sites.values());
                [
                    p.runs + p.funcs.iter().map(|f| f.calls).sum::<u64>(),
                    sites().map(|s| s.count).sum(),
                    sites().map(|s| s.callee.count()).sum(),
                    sites()
                        .map(|s| s.other_shapes + s.shapes.iter().map(|x| x.count).sum::<u64>())
                        .sum(),
                ]
            };
            let (x, y, xy) = (total(&a), total(&b), total(&ab));
            for n in 0..4 {
                assert_eq!(xy[n], x[n] + y[n], "seed {seed:#x}, total {n}");
            }
            assert_eq!(sum(&a, &Profile::default()), a);
            assert_eq!(sum(&Profile::default(), &a), a);
        }
    }

    #[test]
    fn merging_is_associative_where_no_list_is_cut() {
        let seed = 0x5EED_0007;
        let mut rng = Random(seed);
        for _ in 0..200 {
            let mut sites: Vec<_> = (0..3).map(|_| random_site(&mut rng)).collect();
            for s in &mut sites {
                s.callee.targets.truncate(1);
                s.shapes.truncate(1);
            }
            let [a, b, c] = &sites[..] else {
                unreachable!("three were made")
            };
            let (mut left, mut right) = (a.clone(), b.clone());
            left.merge(b);
            left.merge(c);
            right.merge(c);
            right.merge(a);
            assert_eq!(left, right, "seed {seed:#x}");
        }
    }

    #[test]
    fn the_most_frequent_callees_stay() {
        let mut s = crate::model::Site::default();
        for index in 0..10 {
            let f = FuncRef {
                module: String::new(),
                index,
                hash: 5,
            };
            s.callee.add(Target::Lua(f), u64::from(index + 1));
        }
        s.cut();
        let counts: Vec<u64> = s.callee.targets.iter().map(|t| t.1).collect();
        assert_eq!(counts, [10, 9, 8, 7]);
        assert_eq!((s.callee.other, s.callee.count()), (21, 55));
        assert_eq!(s.callee.sole(), None);
    }
}
