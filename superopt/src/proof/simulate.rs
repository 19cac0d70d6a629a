//! Terms evaluated on many inputs at once, exactly: bytes of memory and floating-point results included.

use super::ground::Meaning;
use std::collections::{BTreeMap, HashMap};
use trinity_codegen::isa::concrete::{eval_bin, eval_cmp, eval_un, mask, signed};
use trinity_codegen::isa::{BinOp, Node, TermId, TermPool, fp};

/// Inputs evaluated together.
pub const LANES: usize = 64;

/// Values of the input variables and bytes of the initial memories; what is missing is zero.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Assignment {
    /// Variables by term, in the order of terms.
    pub variables: BTreeMap<TermId, u128>,
    /// Bytes by memory number and address.
    pub memory: BTreeMap<(u32, u64), u8>,
}

/// Where a lane's memory comes from.
#[derive(Clone, Debug)]
enum Contents {
    /// Bytes made from a seed.
    Seeded(u64),
    /// Given bytes, else zero.
    Given(BTreeMap<(u32, u64), u8>),
}

/// [`LANES`] inputs.
#[derive(Clone, Debug)]
pub struct Block {
    variables: HashMap<TermId, [u128; LANES]>,
    memory: Vec<Contents>,
}

/// A number generator (SplitMix64, public domain, S. Vigna).
#[derive(Clone, Debug)]
pub struct Rng(pub u64);

impl Rng {
    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn wide(&mut self) -> u128 {
        u128::from(self.draw()) << 64 | u128::from(self.draw())
    }
    fn below(&mut self, n: u64) -> u64 {
        self.draw() % n
    }
}

/// A word of some stratum: extremes, small, single bits, runs, sparse, dense, constants of the terms, random, and
/// near or equal to `other`.
fn stratified(rng: &mut Rng, width: u32, constants: &[u128], other: Option<u128>) -> u128 {
    let w = u64::from(width);
    let value = match rng.below(16) {
        0 => 0,
        1 => u128::MAX,
        2 => u128::from(rng.below(16)),
        3 => u128::from(rng.below(16)).wrapping_neg(),
        4 => 1 << rng.below(w),
        5 => (1u128 << rng.below(w)).wrapping_neg(),
        6 | 7 => (1u128 << rng.below(w)).wrapping_sub(1 << rng.below(w)),
        8 => rng.wide() & rng.wide() & rng.wide(),
        9 => rng.wide() | rng.wide() | rng.wide(),
        10 if !constants.is_empty() => {
            let k = constants[rng.below(constants.len() as u64) as usize];
            k.wrapping_add(u128::from(rng.below(3))).wrapping_sub(1)
        }
        11 => match other {
            // Addresses meet at distances of whole words too.
            Some(o) if w == 64 && rng.below(2) == 0 => {
                let unit = [4, 8][rng.below(2) as usize];
                o.wrapping_add(unit * u128::from(rng.below(9)))
                    .wrapping_sub(4 * unit)
            }
            Some(o) => o.wrapping_add(u128::from(rng.below(5))).wrapping_sub(2),
            None => 1 << (w - 1),
        },
        12 => match other {
            Some(o) => o ^ (1 << rng.below(w)),
            None => rng.wide() >> rng.below(w),
        },
        // Few significant bits.
        13 => rng.wide() & mask(rng.below(w) as u32 + 1),
        _ => rng.wide(),
    };
    value & mask(width)
}

impl Block {
    /// Stratified random inputs. `variables` are the inputs proper.
    pub fn random(
        rng: &mut Rng,
        pool: &TermPool,
        variables: &[TermId],
        constants: &[u128],
    ) -> Block {
        let mut lanes: HashMap<TermId, [u128; LANES]> = HashMap::new();
        let mut before: [Option<u128>; LANES] = [None; LANES];
        for v in variables {
            let width = pool.term_width(*v);
            let values: [u128; LANES] =
                std::array::from_fn(|i| stratified(rng, width, constants, before[i]));
            before = values.map(Some);
            lanes.insert(*v, values);
        }
        let memory = (0..LANES).map(|_| Contents::Seeded(rng.draw())).collect();
        Block {
            variables: lanes,
            memory,
        }
    }

    /// The inputs whose bits, the first variable lowest, are the numbers from `first` on.
    pub fn counting(pool: &TermPool, inputs: &[TermId], first: u64) -> Block {
        let mut variables = HashMap::new();
        let mut at = 0;
        for t in inputs {
            let width = pool.term_width(*t);
            let value = |lane: usize| u128::from((first + lane as u64) >> at) & mask(width);
            variables.insert(*t, std::array::from_fn(value));
            at += width;
        }
        Block {
            variables,
            memory: vec![Contents::Seeded(0); LANES],
        }
    }

    /// Given inputs, at most [`LANES`]; the last one fills the rest.
    pub fn of(inputs: &[Assignment]) -> Block {
        let at = |i: usize| &inputs[i.min(inputs.len() - 1)];
        let mut variables: HashMap<TermId, [u128; LANES]> = HashMap::new();
        for (lane, input) in (0..LANES).map(|i| (i, at(i))) {
            for (v, x) in &input.variables {
                variables.entry(*v).or_insert([0; LANES])[lane] = *x;
            }
        }
        let memory = (0..LANES)
            .map(|i| Contents::Given(at(i).memory.clone()))
            .collect();
        Block { variables, memory }
    }
}

/// Floats worth trying at a width: zeros, ones, limits, infinities, NaNs with payloads.
pub fn float_constants(width: u32) -> impl Iterator<Item = u128> {
    let values = [
        0.0,
        1.0,
        1.5,
        2.0,
        0.1,
        3.0,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::INFINITY,
        f64::EPSILON,
    ];
    let bits = move |v: f64| match width {
        32 => u128::from((v as f32).to_bits()),
        _ => u128::from(v.to_bits()),
    };
    let exponent = if width == 32 {
        0xffu128 << 23
    } else {
        0x7ffu128 << 52
    };
    let quiet = if width == 32 {
        1u128 << 22
    } else {
        1u128 << 51
    };
    let nans = [1, quiet, quiet | 5, 9].map(|payload| exponent | payload);
    values
        .into_iter()
        .map(bits)
        .chain(nans)
        .flat_map(move |v| [v, v | 1 << (width - 1)])
}

/// Terms compiled to a straight line.
pub struct Tape {
    order: Vec<TermId>,
    place: HashMap<TermId, u32>,
    meanings: HashMap<TermId, Meaning>,
}

/// Results of a run: the values of every term of the tape.
pub struct Values {
    words: Vec<u128>,
}

impl Tape {
    /// Compiles what `roots` need; `meanings` says which variables are no inputs.
    pub fn new(pool: &TermPool, roots: &[TermId], meanings: &[(TermId, Meaning)]) -> Tape {
        let all: HashMap<TermId, Meaning> = meanings.iter().copied().collect();
        // Variables with a meaning need the words they are made of.
        let mut roots = roots.to_vec();
        let mut order = pool.reachable(&roots);
        loop {
            let before = order.len();
            for t in &order {
                match all.get(t) {
                    Some(Meaning::Byte { address, .. }) => roots.push(*address),
                    Some(Meaning::Fp { args, .. }) => roots.extend(args),
                    None => {}
                }
            }
            order = pool.reachable(&roots);
            if order.len() == before {
                break;
            }
        }
        let place = order
            .iter()
            .enumerate()
            .map(|(i, t)| (*t, i as u32))
            .collect();
        let meanings = order
            .iter()
            .filter_map(|t| Some((*t, *all.get(t)?)))
            .collect();
        Tape {
            order,
            place,
            meanings,
        }
    }

    /// The terms, operands first.
    pub fn order(&self) -> &[TermId] {
        &self.order
    }

    /// The inputs: variables without a meaning.
    pub fn inputs(&self, pool: &TermPool) -> Vec<TermId> {
        let input =
            |t: &&TermId| matches!(pool.node(**t), Node::Var(_)) && !self.meanings.contains_key(t);
        self.order.iter().filter(input).copied().collect()
    }

    /// Constants, for the strata; where there is floating point, its special values too.
    pub fn constants(&self, pool: &TermPool) -> Vec<u128> {
        let constant = |t: &TermId| match pool.node(*t) {
            Node::Const(v) => Some(v),
            _ => None,
        };
        let mut out: Vec<u128> = self.order.iter().filter_map(constant).take(64).collect();
        let mut widths: Vec<u32> = self
            .meanings
            .values()
            .filter_map(|m| match m {
                Meaning::Fp { args, .. } => Some(pool.term_width(args[0])),
                Meaning::Byte { .. } => None,
            })
            .collect();
        widths.sort_unstable();
        widths.dedup();
        out.extend(widths.into_iter().flat_map(float_constants));
        out
    }

    /// Evaluates a block.
    ///
    /// # Panics
    /// If a term holds a memory.
    pub fn run(&self, pool: &TermPool, block: &Block) -> Values {
        let mut words = vec![0u128; self.order.len() * LANES];
        for (i, t) in self.order.iter().enumerate() {
            let (done, rest) = words.split_at_mut(i * LANES);
            let out: &mut [u128; LANES] =
                (&mut rest[..LANES]).try_into().expect("a slice of LANES");
            let lane = |t: TermId| -> &[u128; LANES] {
                // Operands were compiled before their users.
                let at = self.place[&t] as usize * LANES;
                done[at..at + LANES].try_into().expect("a slice of LANES")
            };
            if let Some(meaning) = self.meanings.get(t) {
                self.meaning(pool, *meaning, block, &lane, out);
                continue;
            }
            evaluate(pool, *t, block, &lane, out);
        }
        Values { words }
    }

    fn meaning<'a>(
        &self,
        pool: &TermPool,
        meaning: Meaning,
        block: &Block,
        lane: &dyn Fn(TermId) -> &'a [u128; LANES],
        out: &mut [u128; LANES],
    ) {
        match meaning {
            Meaning::Byte { memory, address } => {
                for (i, a) in lane(address).iter().enumerate() {
                    out[i] = block.byte(i, memory, *a as u64).into();
                }
            }
            Meaning::Fp { op, args, .. } => {
                let w = pool.term_width(args[0]);
                let operands = args.map(lane);
                for i in 0..LANES {
                    out[i] = fp::eval(op, w, operands.map(|a| a[i] as u64)).into();
                }
            }
        }
    }

    /// A term's values.
    pub fn values<'a>(&self, values: &'a Values, t: TermId) -> &'a [u128; LANES] {
        let at = self.place[&t] as usize * LANES;
        values.words[at..at + LANES]
            .try_into()
            .expect("a slice of LANES")
    }

    /// The values of all variables, those with a meaning too, as inputs of terms that were rewritten.
    pub fn leaves(&self, pool: &TermPool, values: &Values) -> Block {
        let leaf = |t: &&TermId| matches!(pool.node(**t), Node::Var(_));
        let variables = self
            .order
            .iter()
            .filter(leaf)
            .map(|t| (*t, *self.values(values, *t)))
            .collect();
        Block {
            variables,
            memory: vec![Contents::Seeded(0); LANES],
        }
    }

    /// One lane's input: variables, and every byte of memory that was looked at.
    pub fn assignment(
        &self,
        pool: &TermPool,
        block: &Block,
        values: &Values,
        lane: usize,
    ) -> Assignment {
        let mut out = Assignment::default();
        for t in self.inputs(pool) {
            out.variables.insert(t, self.values(values, t)[lane]);
        }
        for (_, meaning) in self.meanings.iter() {
            if let Meaning::Byte { memory, address } = *meaning {
                let a = self.values(values, address)[lane] as u64;
                out.memory.insert((memory, a), block.byte(lane, memory, a));
            }
        }
        out
    }
}

impl Block {
    fn byte(&self, lane: usize, memory: u32, address: u64) -> u8 {
        match &self.memory[lane] {
            Contents::Given(bytes) => bytes.get(&(memory, address)).copied().unwrap_or(0),
            Contents::Seeded(seed) => {
                let mut rng = Rng(seed ^ address.rotate_left(17) ^ u64::from(memory) << 56);
                // Some lanes have extreme contents.
                match seed % 8 {
                    0 => 0,
                    1 => 0xff,
                    2 => (rng.draw() & 1) as u8,
                    _ => rng.draw() as u8,
                }
            }
        }
    }
}

fn evaluate<'a>(
    pool: &TermPool,
    t: TermId,
    block: &Block,
    lane: &dyn Fn(TermId) -> &'a [u128; LANES],
    out: &mut [u128; LANES],
) {
    let w = pool.term_width(t);
    let m = mask(w);
    macro_rules! each {
        ($a:ident, $e:expr) => {
            for (o, $a) in out.iter_mut().zip(lane($a).iter().copied()) {
                *o = $e;
            }
        };
        ($a:ident, $b:ident, $e:expr) => {
            for ((o, $a), $b) in out
                .iter_mut()
                .zip(lane($a).iter().copied())
                .zip(lane($b).iter().copied())
            {
                *o = $e;
            }
        };
    }
    match pool.node(t) {
        Node::Const(v) => *out = [v; LANES],
        Node::Var(_) => *out = block.variables.get(&t).copied().unwrap_or([0; LANES]),
        Node::Un(op, a) => each!(a, eval_un(op, w, a)),
        // The frequent ones without a dispatch per lane.
        Node::Bin(BinOp::Add, a, b) => each!(a, b, a.wrapping_add(b) & m),
        Node::Bin(BinOp::Sub, a, b) => each!(a, b, a.wrapping_sub(b) & m),
        Node::Bin(BinOp::And, a, b) => each!(a, b, a & b),
        Node::Bin(BinOp::Or, a, b) => each!(a, b, a | b),
        Node::Bin(BinOp::Xor, a, b) => each!(a, b, a ^ b),
        Node::Bin(op, a, b) => each!(a, b, eval_bin(op, w, a, b)),
        Node::Cmp(op, a, b) => {
            let width = pool.term_width(a);
            each!(a, b, eval_cmp(op, width, a, b).into());
        }
        Node::Ite(c, a, b) => {
            let (c, a, b) = (lane(c), lane(a), lane(b));
            for i in 0..LANES {
                out[i] = if c[i] != 0 { a[i] } else { b[i] };
            }
        }
        Node::Extract(a, lo) => each!(a, (a >> lo) & m),
        Node::Concat(a, b) => {
            let shift = pool.term_width(b);
            each!(a, b, a << shift | b);
        }
        Node::Zext(a) => each!(a, a),
        Node::Sext(a) => {
            let width = pool.term_width(a);
            each!(a, signed(width, a) as u128 & m);
        }
        node @ (Node::Fp(..) | Node::Memory(_) | Node::Load(..) | Node::Store(..)) => {
            unreachable!("ground terms hold no {node:?}")
        }
    }
}
