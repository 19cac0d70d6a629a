//! Array storage: split tags against 16-byte slots (docs/decisions/0003-array-storage.md).
//!
//! The same loops, with the tag checks an interpreter or baseline code makes on every access, over four layouts:
//! 16-byte slots; split tags (8-byte payloads, tag bytes apart); split tags where booleans leave the payload alone; one kind for
//! the whole array (no tags). Run with `cargo bench --bench array_storage`.

use std::hint::black_box;
use std::time::Instant;

const NIL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INT: u8 = 3;
const FLOAT: u8 = 4;

#[derive(Clone, Copy)]
struct Value {
    p: u64,
    t: u8,
}

trait Array {
    const NAME: &'static str;
    const BYTES: f64;
    fn new(n: usize) -> Self;
    fn get(&self, i: usize) -> Value;
    fn set(&mut self, i: usize, v: Value);
}

struct Slots(Vec<Value>);
impl Array for Slots {
    const NAME: &'static str = "16-byte slots";
    const BYTES: f64 = 16.0;
    fn new(n: usize) -> Self {
        Slots(vec![Value { p: 0, t: NIL }; n])
    }
    #[inline(always)]
    fn get(&self, i: usize) -> Value {
        unsafe { *self.0.get_unchecked(i) }
    }
    #[inline(always)]
    fn set(&mut self, i: usize, v: Value) {
        unsafe { *self.0.get_unchecked_mut(i) = v }
    }
}

/// Split tags; `LAZY`: values below INT have no payload.
struct Split<const LAZY: bool> {
    mem: Vec<u64>,
    at: usize,
}
impl<const LAZY: bool> Split<LAZY> {
    #[inline(always)]
    fn tag(&self, i: usize) -> *mut u8 {
        unsafe {
            self.mem
                .as_ptr()
                .add(self.at)
                .cast::<u8>()
                .sub(1 + i)
                .cast_mut()
        }
    }
}
impl<const LAZY: bool> Array for Split<LAZY> {
    const NAME: &'static str = if LAZY {
        "split, lazy payload"
    } else {
        "split tags"
    };
    const BYTES: f64 = 9.0;
    fn new(n: usize) -> Self {
        let at = n.div_ceil(8);
        Split {
            mem: vec![0; at + n],
            at,
        }
    }
    #[inline(always)]
    fn get(&self, i: usize) -> Value {
        unsafe {
            let t = *self.tag(i);
            let p = if !LAZY || t >= INT {
                *self.mem.as_ptr().add(self.at + i)
            } else {
                0
            };
            Value { p, t }
        }
    }
    #[inline(always)]
    fn set(&mut self, i: usize, v: Value) {
        unsafe {
            *self.tag(i) = v.t;
            if !LAZY || v.t >= INT {
                *self.mem.as_mut_ptr().add(self.at + i) = v.p;
            }
        }
    }
}

/// One kind for all elements; a store of another kind would convert the array.
struct Packed {
    mem: Vec<u64>,
    kind: u8,
}
impl Array for Packed {
    const NAME: &'static str = "packed kind";
    const BYTES: f64 = 8.0;
    fn new(n: usize) -> Self {
        Packed {
            mem: vec![0; n],
            kind: NIL,
        }
    }
    #[inline(always)]
    fn get(&self, i: usize) -> Value {
        Value {
            p: unsafe { *self.mem.get_unchecked(i) },
            t: self.kind,
        }
    }
    #[inline(always)]
    fn set(&mut self, i: usize, v: Value) {
        if self.kind != v.t {
            assert!(self.kind == NIL);
            self.kind = v.t;
        }
        unsafe { *self.mem.get_unchecked_mut(i) = v.p }
    }
}

fn bool_value(b: bool) -> Value {
    Value {
        p: 0,
        t: if b { TRUE } else { FALSE },
    }
}

fn sieve<A: Array>(n: usize) -> u64 {
    let mut a = A::new(n + 1);
    for i in 2..=n {
        a.set(i, bool_value(true));
    }
    let mut count = 0;
    for i in 2..=n {
        if a.get(i).t >= TRUE {
            count += 1;
            let mut k = i * i;
            while k <= n {
                a.set(k, bool_value(false));
                k += i;
            }
        }
    }
    count
}

fn int_sum<A: Array>(n: usize) -> u64 {
    let mut a = A::new(n);
    for i in 0..n {
        a.set(
            i,
            Value {
                p: i as u64,
                t: INT,
            },
        );
    }
    let mut sum = 0u64;
    for _ in 0..8 {
        for i in 0..n {
            let v = a.get(i);
            if v.t == INT {
                sum = sum.wrapping_add(v.p);
            } else {
                black_box(v.t);
            }
        }
    }
    sum
}

fn matmul<A: Array>(n: usize) -> u64 {
    let make = |f: f64| {
        let mut a = A::new(n * n);
        for i in 0..n * n {
            a.set(
                i,
                Value {
                    p: (i as f64 * f).to_bits(),
                    t: FLOAT,
                },
            );
        }
        a
    };
    let (a, b, mut c) = (make(0.5), make(0.25), make(0.0));
    for i in 0..n {
        for j in 0..n {
            let mut s = 0.0;
            for k in 0..n {
                let (x, y) = (a.get(i * n + k), b.get(k * n + j));
                if x.t == FLOAT && y.t == FLOAT {
                    s += f64::from_bits(x.p) * f64::from_bits(y.p);
                } else {
                    black_box(x.t);
                }
            }
            c.set(
                i * n + j,
                Value {
                    p: f64::to_bits(s),
                    t: FLOAT,
                },
            );
        }
    }
    c.get(n * n - 1).p
}

fn mixed<A: Array>(n: usize) -> u64 {
    let mut a = A::new(n);
    let mut x = 88172645463325252u64;
    for i in 0..n {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        let t = [INT, FLOAT, TRUE, 6][(x >> 60) as usize % 4];
        a.set(i, Value { p: x, t });
    }
    let mut sum = 0u64;
    for r in 0..4 {
        let mut i = r;
        for _ in 0..n {
            let v = a.get(i);
            sum = sum.wrapping_add(if v.t == INT { v.p } else { v.t as u64 });
            a.set(i, v);
            i += 7919;
            if i >= n {
                i -= n;
            }
        }
    }
    sum
}

fn time(ops: f64, f: impl Fn() -> u64) -> (f64, u64) {
    let mut best = f64::MAX;
    let mut answer = 0;
    for _ in 0..5 {
        let start = Instant::now();
        answer = black_box(f());
        best = best.min(start.elapsed().as_secs_f64());
    }
    (best * 1e9 / ops, answer)
}

fn row<A: Array>() {
    let sieve_n = 5_000_000;
    let sums_n = 4_000_000;
    let mat_n = 300;
    let (s, s2, m) = (
        time(sieve_n as f64, || sieve::<A>(sieve_n)),
        time(8.0 * sums_n as f64, || int_sum::<A>(sums_n)),
        time((mat_n * mat_n * mat_n) as f64, || matmul::<A>(mat_n)),
    );
    let (x, check) = time(4.0 * 1e6, || mixed::<A>(1_000_000));
    println!(
        "{:<20} {:>7.1} {:>10.2} {:>10.2} {:>10.2} {:>10.2}   {:x}",
        A::NAME,
        A::BYTES,
        s.0,
        s2.0,
        m.0,
        x,
        s.1 ^ s2.1 ^ m.1 ^ check
    );
}

fn main() {
    println!(
        "{:<20} {:>7} {:>10} {:>10} {:>10} {:>10}",
        "ns per operation", "bytes", "sieve", "int sum", "matmul", "mixed"
    );
    row::<Slots>();
    row::<Split<false>>();
    row::<Split<true>>();
    // the sieve's booleans have two tags; this layout could not hold them
    println!("packed kind (int sum and matmul only):");
    let (s2, m) = (
        time(32e6, || int_sum::<Packed>(4_000_000)),
        time(27e6, || matmul::<Packed>(300)),
    );
    println!(
        "{:<20} {:>7.1} {:>10} {:>10.2} {:>10.2}",
        Packed::NAME,
        Packed::BYTES,
        "",
        s2.0,
        m.0
    );
}
