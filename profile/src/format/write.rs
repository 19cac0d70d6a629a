//! The encoder. Numbers of strings and lists of keys are given in order of first use, so equal profiles give equal bytes.

use super::{FORMAT, HEADER, MAGIC, TARGET_LUA, TARGET_NATIVE, TARGET_UNKNOWN, part};
use crate::fingerprint::Fnv;
use crate::model::{Callee, FuncProfile, Profile, ShapeKeys, ShapeSeen, Site, Target};
use crate::tags::TagSet;
use std::collections::HashMap;

/// Things that are written once, numbered by first use.
struct Pool<T> {
    numbers: HashMap<T, u64>,
    items: Vec<T>,
}

impl<T: Clone + Eq + std::hash::Hash> Pool<T> {
    fn new() -> Self {
        Pool {
            numbers: HashMap::new(),
            items: Vec::new(),
        }
    }
    fn number(&mut self, item: &T) -> u64 {
        if let Some(n) = self.numbers.get(item) {
            return *n;
        }
        let n = self.items.len() as u64;
        self.items.push(item.clone());
        self.numbers.insert(item.clone(), n);
        n
    }
}

struct Writer {
    out: Vec<u8>,
    strings: Pool<Vec<u8>>,
    keys: Pool<ShapeKeys>,
}

pub(super) fn encode(p: &Profile) -> Vec<u8> {
    let mut w = Writer {
        out: Vec::new(),
        strings: Pool::new(),
        keys: Pool::new(),
    };
    w.out.extend_from_slice(&p.program.to_le_bytes());
    w.number(p.runs);
    w.number(p.funcs.len() as u64);
    for f in &p.funcs {
        w.function(f);
    }
    w.finish()
}

fn number(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Small magnitudes of both signs are short.
fn zigzag(n: i64) -> u64 {
    (n << 1 ^ n >> 63) as u64
}

impl Writer {
    fn number(&mut self, n: u64) {
        number(&mut self.out, n);
    }
    fn tags(&mut self, t: TagSet) {
        self.number(u64::from(t.0));
    }
    fn string(&mut self, s: &str) {
        let n = self.strings.number(&s.as_bytes().to_vec());
        self.number(n);
    }

    fn function(&mut self, f: &FuncProfile) {
        self.string(&f.key.module);
        self.number(u64::from(f.key.index));
        self.out.extend_from_slice(&f.key.hash.to_le_bytes());
        self.number(u64::from(f.key.line));
        self.string(&f.key.name);
        self.number(f.code.len() as u64);
        for token in &f.code {
            self.out.extend_from_slice(&token.to_le_bytes());
        }
        self.number(f.calls);
        self.number(f.params.len() as u64);
        for t in &f.params {
            self.tags(*t);
        }
        self.number(f.sites.len() as u64);
        // Distances from the instruction behind the last one.
        let mut next = 0;
        for (pc, s) in &f.sites {
            self.number(u64::from(*pc) - next);
            next = u64::from(*pc) + 1;
            self.site(s);
        }
    }

    fn site(&mut self, s: &Site) {
        let parts = [
            (part::TAKEN, s.taken != 0),
            (part::RESULT, !s.result.is_empty()),
            (part::SECOND, !s.second.is_empty()),
            (part::OPERANDS, s.operands != [TagSet::EMPTY; 2]),
            (part::KINDS, s.kinds != 0),
            (part::RANGE, s.range.is_some()),
            (part::CALLEE, s.callee != Callee::default()),
            (part::SHAPES, !s.shapes.is_empty() || s.other_shapes != 0),
        ];
        let has = |p: u8| parts.iter().any(|(bit, there)| *bit == p && *there);
        self.out
            .push(parts.iter().filter(|p| p.1).map(|p| p.0).sum());
        self.number(s.count);
        if has(part::TAKEN) {
            self.number(s.taken);
        }
        if has(part::RESULT) {
            self.tags(s.result);
        }
        if has(part::SECOND) {
            self.tags(s.second);
        }
        if has(part::OPERANDS) {
            self.tags(s.operands[0]);
            self.tags(s.operands[1]);
        }
        if has(part::KINDS) {
            self.out.push(s.kinds);
        }
        if let Some((low, high)) = s.range {
            self.number(zigzag(low));
            self.number(zigzag(high));
        }
        if has(part::CALLEE) {
            self.callee(&s.callee);
        }
        if has(part::SHAPES) {
            self.number(s.shapes.len() as u64);
            for seen in &s.shapes {
                self.shape(seen);
            }
            self.number(s.other_shapes);
        }
    }

    fn callee(&mut self, c: &Callee) {
        self.number(c.targets.len() as u64);
        for (target, count) in &c.targets {
            match target {
                Target::Unknown => self.number(TARGET_UNKNOWN),
                Target::Native(name) => {
                    self.number(TARGET_NATIVE);
                    self.string(name);
                }
                Target::Lua(f) => {
                    self.number(TARGET_LUA);
                    self.string(&f.module);
                    self.number(u64::from(f.index));
                    self.out.extend_from_slice(&f.hash.to_le_bytes());
                }
            }
            self.number(*count);
        }
        self.number(c.other);
    }

    fn shape(&mut self, s: &ShapeSeen) {
        let keys = self.keys.number(&s.keys);
        self.out
            .push(s.kind as u8 | (s.place as u8) << 2 | u8::from(s.metatable) << 5);
        self.number(keys);
        self.number(s.slot.map_or(0, |n| u64::from(n) + 1));
        self.number(s.count);
    }

    /// Puts what was written behind the pools it refers to, between header and checksum.
    fn finish(mut self) -> Vec<u8> {
        let mut lists = Vec::new();
        number(&mut lists, self.keys.items.len() as u64);
        for keys in &self.keys.items {
            number(&mut lists, keys.len() as u64);
            for k in keys.iter() {
                number(&mut lists, self.strings.number(&k.to_vec()));
            }
        }
        let mut strings = Vec::new();
        number(&mut strings, self.strings.items.len() as u64);
        for s in &self.strings.items {
            number(&mut strings, s.len() as u64);
            strings.extend_from_slice(s);
        }
        let length = strings.len() + lists.len() + self.out.len();
        let mut file = Vec::with_capacity(HEADER + length + 8);
        file.extend_from_slice(MAGIC);
        file.extend_from_slice(&FORMAT.to_le_bytes());
        file.extend_from_slice(&(length as u64).to_le_bytes());
        file.extend_from_slice(&strings);
        file.extend_from_slice(&lists);
        file.extend_from_slice(&self.out);
        let sum = Fnv::START.bytes(&file).0;
        file.extend_from_slice(&sum.to_le_bytes());
        file
    }
}
