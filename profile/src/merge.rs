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
