//! Random profiles for tests.

use crate::model::*;
use crate::tags::TagSet;

/// splitmix64.
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let x = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let x = (x ^ x >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ x >> 31
    }
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
    fn chance(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }
    fn tags(&mut self) -> TagSet {
        TagSet(self.below(1 << 14) as u16)
    }
    fn count(&mut self) -> u64 {
        let shift = self.below(40);
        1 + (self.next() >> 24 >> shift)
    }
}

/// Some functions with sites of all kinds, in order and within the limits.
pub(crate) fn random_profile(rng: &mut Random) -> Profile {
    let mut p = Profile {
        program: rng.next(),
        runs: rng.count(),
        funcs: Vec::new(),
    };
    for module in ["", "a.b", "z"] {
        for index in 0..rng.below(4) as u32 {
            let key = FuncKey {
                module: module.to_string(),
                index,
                hash: rng.below(2),
                line: rng.below(1000) as u32,
                name: format!("main/f{index}"),
            };
            p.funcs.push(random_function(rng, key));
        }
    }
    // Never without anything to damage.
    let key = FuncKey {
        module: "zz".to_string(),
        index: 7,
        hash: 0,
        line: 3,
        name: "main".to_string(),
    };
    p.funcs.push(random_function(rng, key));
    p
}

fn random_function(rng: &mut Random, key: FuncKey) -> FuncProfile {
    let code: Vec<u32> = (0..10 + rng.below(20)).map(|_| rng.next() as u32).collect();
    // By the key, as in real profiles: the same bytecode has as many.
    let mut f = FuncProfile::new(key, 2, code);
    f.calls = rng.count();
    f.params = vec![rng.tags(), rng.tags()];
    for pc in 0..10 {
        if rng.chance(2) {
            f.sites.insert(pc, random_site(rng));
        }
    }
    f
}

pub(crate) fn random_site(rng: &mut Random) -> Site {
    let mut s = Site {
        count: rng.count(),
        ..Site::default()
    };
    if rng.chance(2) {
        s.taken = rng.count();
        s.result = rng.tags();
        s.operands = [rng.tags(), rng.tags()];
    }
    if rng.chance(2) {
        s.second = rng.tags();
        s.kinds = rng.next() as u8;
        let (a, b) = (rng.next() as i64, rng.next() as i64);
        s.range = Some((a.min(b), a.max(b)));
    }
    if rng.chance(2) {
        s.callee.other = rng.below(3);
        for _ in 0..rng.below(4) {
            let target = match rng.below(4) {
                0 => Target::Unknown,
                1 => Target::Native("math.floor".to_string()),
                n => Target::Lua(FuncRef {
                    module: "a.b".to_string(),
                    index: n as u32,
                    hash: n << 40,
                }),
            };
            let count = rng.count();
            s.callee.add(target, count);
        }
    }
    if rng.chance(2) {
        s.other_shapes = rng.below(3);
        for _ in 0..rng.below(4) {
            let keys = ["x", "y", "\u{fc}"].iter().take(rng.below(4) as usize);
            let seen = ShapeSeen {
                kind: [ShapeKind::Shared, ShapeKind::Private, ShapeKind::Dictionary]
                    [rng.below(3) as usize],
                keys: keys.map(|k| k.as_bytes().into()).collect(),
                metatable: rng.chance(2),
                place: [
                    Place::Own,
                    Place::Chain,
                    Place::Absent,
                    Place::Added,
                    Place::Diverted,
                ][rng.below(5) as usize],
                slot: rng.chance(2).then(|| rng.below(9) as u32),
                count: rng.count(),
            };
            s.add_shape(seen);
        }
    }
    s.cut();
    s
}
