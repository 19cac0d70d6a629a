//! Which objects a function need not make: those that nothing but its own code ever has (escape analysis).
//!
//! The lowering itself is the analysis. It takes every object that its code makes for *virtual*: its fields are values in the lowering's state
//! ([`super::objects`]), and only cold code that leaves or calls a helper makes it. Where the main path needs the object itself, the attempt is
//! given up, the [`Plan`] remembers which object that was and why, and the function is lowered again. The same goes for what has to be known
//! where control flow meets before all the ways there are: fields that differ between them, and registers that hold one virtual object or
//! another.

use super::objects::Key;
use super::tags::Tags;
use std::collections::{BTreeMap, HashMap, HashSet};

/// An object is made on the way on which it is needed, not before, if so many times as many never need it.
const SELDOM: f64 = 4.0;
/// An object whose uses in line run so many times as often as it begins is made as late as may be.
const USED: f64 = 8.0;
/// Attempts after which all objects are made.
const MAX_ATTEMPTS: usize = 24;

/// Where an object begins.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Origin {
    /// The instruction that makes it, in a copy of its function.
    Made { path: u32, pc: u32 },
    /// A join at which a register holds one object or another; each is known by its fields only.
    Joined(Join, usize),
}

/// A place where ways meet, in a copy of a function.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Join {
    pub path: u32,
    /// The node of the graph; all ones: behind the call whose code this is.
    pub node: u32,
}

impl Join {
    /// Where inlined code returns to.
    pub fn behind(path: u32) -> Join {
        Join {
            path,
            node: u32::MAX,
        }
    }
}

/// What every object that arrives at a join has.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub keys: Vec<Key>,
    pub tags: Vec<Tags>,
}

/// Why an object is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reason {
    /// The line where the object itself is needed.
    pub line: u32,
    pub what: &'static str,
}

/// A place where an object can be made: in front of an instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The copy of a function.
    pub path: u32,
    /// The instruction.
    pub pc: u32,
    /// How often that runs.
    pub weight: f64,
}

/// What earlier attempts to lower a function found out.
#[derive(Default)]
pub(crate) struct Plan {
    /// Nothing is virtual.
    off: bool,
    /// The present attempt came to nothing.
    again: bool,
    /// There are objects that are not made: calls of the function are charged to the collector.
    charged: bool,
    attempts: usize,
    ids: HashMap<Origin, u32>,
    paths: HashMap<(u32, u32, u32), u32>,
    made: HashMap<u32, Reason>,
    /// How often objects begin.
    weights: HashMap<u32, f64>,
    /// Objects made in front of an instruction, by path and position.
    sunk: HashSet<(u32, u32, u32)>,
    /// Those of them that the present attempt found.
    fresh: HashSet<(u32, u32, u32)>,
    /// How often code in line used objects, as far as the present attempt has come.
    uses: HashMap<u32, f64>,
    layouts: HashMap<u32, Layout>,
    fields: HashMap<Join, BTreeMap<(u32, usize), Tags>>,
}

impl Plan {
    pub fn new(on: bool) -> Plan {
        Plan {
            off: !on,
            ..Plan::default()
        }
    }
    /// Whether the function has to be lowered again.
    pub fn failed(&self) -> bool {
        self.again
    }
    /// For the next attempt.
    pub fn next(mut self) -> Plan {
        self.again = false;
        self.fresh.clear();
        self.uses.clear();
        self.attempts += 1;
        self.off |= self.attempts >= MAX_ATTEMPTS;
        self
    }
    /// Calls are charged to the collector.
    pub fn is_charged(&self) -> bool {
        self.charged
    }
    /// For another attempt that differs in nothing but that they are.
    pub fn charged(mut self) -> Plan {
        self.charged = true;
        self
    }
    /// The copy of function `func` that is the code of a call.
    pub fn path(&mut self, caller: u32, call_pc: u32, func: u32) -> u32 {
        let next = self.paths.len() as u32 + 1;
        *self.paths.entry((caller, call_pc, func)).or_insert(next)
    }
    fn id(&mut self, origin: Origin) -> u32 {
        let next = self.ids.len() as u32;
        *self.ids.entry(origin).or_insert(next)
    }
    /// The object that an instruction makes: its number if it may be virtual, else why it may not.
    pub fn candidate(&mut self, path: u32, pc: u32) -> Result<u32, Option<Reason>> {
        if self.off {
            return Err(None);
        }
        let id = self.id(Origin::Made { path, pc });
        match self.made.get(&id) {
            Some(&why) => Err(Some(why)),
            None => Ok(id),
        }
    }
    /// How often an object begins.
    pub fn weigh(&mut self, id: u32, weight: f64) {
        let all = self.weights.entry(id).or_insert(weight);
        *all = all.max(weight);
    }
    /// Code in line uses an object so often.
    pub fn count_use(&mut self, id: u32, weight: f64) {
        *self.uses.entry(id).or_insert(0.0) += weight;
    }
    /// How often code in line used an object.
    pub fn uses(&self, id: u32) -> f64 {
        self.uses.get(&id).copied().unwrap_or(0.0)
    }
    /// An object is needed at the first of the places; the others are ways into loops around that, the innermost first. It is made where it is
    /// needed if that is seldom; at the first place that runs no more often than the object begins, if it was used much before; or
    /// where it begins. Whether it is that.
    pub fn need(&mut self, id: u32, places: &[Place], uses: f64, why: Reason) -> bool {
        let begins = self.weights.get(&id).copied().unwrap_or(0.0);
        let mut places = places.iter();
        let place = match places.clone().next() {
            Some(p) if p.weight * SELDOM <= begins => Some(p),
            _ if uses >= begins * USED => places.find(|p| p.weight <= begins * 1.01),
            _ => None,
        };
        self.again = true;
        let place = place.map(|p| (p.path, p.pc, id));
        let place = place.filter(|p| self.fresh.contains(p) || self.sunk.insert(*p));
        match place {
            Some(p) => {
                self.fresh.insert(p);
            }
            None => self.make(id, why),
        }
        place.is_none()
    }
    /// Objects to be made in front of an instruction.
    pub fn sunk(&self, path: u32, pc: u32, id: u32) -> bool {
        self.sunk.contains(&(path, pc, id))
    }
    /// An object must be made where it begins.
    pub fn make(&mut self, id: u32, why: Reason) {
        self.made.entry(id).or_insert(why);
        self.again = true;
    }

    // ---- registers that hold one object or another

    /// The object that register `r` holds behind a join, if all that arrive there are virtual.
    pub fn joined(&self, at: Join, r: usize) -> Option<(u32, &Layout)> {
        let id = *self.ids.get(&Origin::Joined(at, r))?;
        if self.off || self.made.contains_key(&id) {
            return None;
        }
        Some((id, self.layouts.get(&id)?))
    }
    /// A virtual object arrives in a register for which nothing is planned. False: it must be made.
    pub fn join(
        &mut self,
        at: Join,
        r: usize,
        layout: Layout,
        weight: f64,
        same: impl Fn(Key, Key) -> bool,
    ) -> bool {
        let id = self.id(Origin::Joined(at, r));
        self.weigh(id, weight);
        if self.off || self.made.contains_key(&id) {
            return false;
        }
        self.again = true;
        match self.layouts.get_mut(&id) {
            None => {
                self.layouts.insert(id, layout);
            }
            Some(l) if l.keys.len() == layout.keys.len() => {
                for (k, tags) in layout.keys.iter().zip(&layout.tags) {
                    match l.keys.iter().position(|&own| same(own, *k)) {
                        Some(n) => l.tags[n] = l.tags[n].or(*tags),
                        None => return false,
                    }
                }
            }
            Some(_) => return false,
        }
        true
    }
    /// What arrives in a register is no virtual object of the planned layout.
    pub fn part(&mut self, at: Join, r: usize, why: Reason) {
        let id = self.id(Origin::Joined(at, r));
        self.make(id, why);
    }
    /// A field of a joined object has other kinds, too.
    pub fn widen(&mut self, id: u32, field: usize, tags: Tags) {
        self.again = true;
        if let Some(l) = self.layouts.get_mut(&id) {
            l.tags[field] = l.tags[field].or(tags);
        }
    }

    // ---- fields that differ where ways meet

    /// Fields that are parameters of a join.
    pub fn fields(&self, at: Join) -> Vec<(u32, usize, Tags)> {
        let all = self.fields.get(&at).into_iter().flatten();
        all.filter(|((id, _), _)| !self.off && !self.made.contains_key(id))
            .map(|(&(id, n), &tags)| (id, n, tags))
            .collect()
    }
    /// A field of an object must be one.
    pub fn vary(&mut self, at: Join, id: u32, field: usize, tags: Tags) {
        self.again = true;
        let all = self.fields.entry(at).or_default();
        let t = all.entry((id, field)).or_insert(tags);
        *t = t.or(tags);
    }
}
