//! table.sort.
//!
//! Which order function calls are made, in which order, and when "invalid order function" is noticed can be seen from Lua, so this is the
//! reference's quicksort (Sedgewick's, with a pivot taken from the middle, or at random once a partition of a large range was badly
//! unbalanced), step by step. It is written once over [`Sequence`]; [`InLua`] is the general case.
//!
//! Where nothing can be seen but the result, faster ways are taken: arrays of integers, of floats and of strings whose order is total and
//! whose equal elements are the same are sorted by the standard library; other arrays of numbers by the quicksort in place.

use super::elements::{self, Elements, General};
use super::{ALL, checked_len, direct, get, set};
use crate::arith;
use crate::error::{LResult, Raise};
use crate::object::Str;
use crate::thread::Lua;
use crate::value::Value;
use std::cmp::Ordering;

/// Ranges of this size and larger may use random pivots.
const RANDOM_LIMIT: u32 = 100;

/// An order that contradicts itself, or an error raised by Lua code.
enum SortError {
    Order,
    Raised(Raise),
}

impl From<Raise> for SortError {
    fn from(r: Raise) -> Self {
        SortError::Raised(r)
    }
}

/// What is sorted: elements from 1 on.
trait Sequence {
    type Element: Copy;
    fn get(&mut self, i: u32) -> Result<Self::Element, SortError>;
    fn set(&mut self, i: u32, v: Self::Element) -> Result<(), SortError>;
    fn less(&mut self, a: Self::Element, b: Self::Element) -> Result<bool, SortError>;
    /// Keeps an element alive (one per place) while Lua code may run.
    fn hold(&mut self, place: Place, v: Self::Element);

    /// Exchange of two elements that were read already.
    #[inline]
    fn set2(
        &mut self,
        i: u32,
        v: Self::Element,
        j: u32,
        w: Self::Element,
    ) -> Result<(), SortError> {
        self.set(i, v)?;
        self.set(j, w)
    }
}

/// Stack slots that keep the elements in hand alive.
#[derive(Clone, Copy)]
enum Place {
    Pivot = 3,
    Left = 4,
    Right = 5,
}

/// table.sort
pub fn sort(l: Lua) -> LResult<u32> {
    let n = checked_len(l, 1, ALL)?;
    if n <= 1 {
        return Ok(0);
    }
    if n >= i64::from(i32::MAX) {
        return Err(l.arg_error(1, "array too big"));
    }
    let compare = !l.is_none_or_nil(2);
    if compare {
        l.check_type(2, "function")?;
    }
    l.set_top(2);
    l.set_top(Place::Right as i32);
    let o = l.arg(1);
    let done = match direct(l, o) {
        Some(t) if !compare => {
            // SAFETY: nothing else is done with the array part while its elements are sorted.
            match unsafe { elements::first(t, n as usize) } {
                Some(all) => sort_directly(all),
                None => None,
            }
        }
        _ => None,
    };
    let result = match done {
        Some(r) => r,
        None => quicksort(
            &mut InLua {
                l,
                table: o,
                compare,
            },
            1,
            n as u32,
            0,
        ),
    };
    match result {
        Ok(()) => Ok(0),
        Err(SortError::Order) => Err(l.error("invalid order function for sorting")),
        Err(SortError::Raised(r)) => Err(r),
    }
}

/// Sorts without running Lua code, where that gives the reference's result. `None`: it does not, or memory is short.
fn sort_directly(all: Elements) -> Option<Result<(), SortError>> {
    match all {
        Elements::Ints(s) => {
            s.sort_unstable();
            Some(Ok(()))
        }
        Elements::Floats(s) => {
            // NaN has no place in the order, and zeros of different sign are equal but not the same.
            if s.iter()
                .all(|f| !f.is_nan() && (*f != 0.0 || f.is_sign_positive()))
            {
                s.sort_unstable_by(f64::total_cmp);
                Some(Ok(()))
            } else {
                let n = s.len() as u32;
                Some(quicksort(&mut Floats(s), 1, n, 0))
            }
        }
        Elements::General(mut g) => {
            if (0..g.len()).all(|i| g.get(i).is_string()) {
                return sort_strings(&mut g);
            }
            (0..g.len()).all(|i| g.get(i).is_number()).then(|| {
                let n = g.len() as u32;
                quicksort(&mut Numbers(g), 1, n, 0)
            })
        }
    }
}

/// True in the C locale, where `strcoll` compares bytes.
fn collates_by_bytes() -> bool {
    // SAFETY: asking for the name changes nothing; it is a C string.
    unsafe {
        let name = libc::setlocale(libc::LC_COLLATE, std::ptr::null());
        !name.is_null() && matches!(std::ffi::CStr::from_ptr(name).to_bytes(), b"C" | b"POSIX")
    }
}

/// A string with the start of its text as a number that orders alike.
#[derive(Clone, Copy)]
struct Keyed {
    prefix: u64,
    value: Value,
}

/// Sorts strings by their bytes: the order of the C locale only.
fn sort_strings(g: &mut General) -> Option<Result<(), SortError>> {
    if !collates_by_bytes() {
        return None;
    }
    // SAFETY: the table keeps the strings alive, and nothing runs here.
    let bytes = |v: Value| unsafe { Str::bytes(v.as_str()) };
    let mut keyed = Vec::new();
    keyed.try_reserve_exact(g.len()).ok()?;
    for i in 0..g.len() {
        let value = g.get(i);
        let text = bytes(value);
        let mut head = [0; 8];
        let n = text.len().min(8);
        head[..n].copy_from_slice(&text[..n]);
        keyed.push(Keyed {
            prefix: u64::from_be_bytes(head),
            value,
        });
    }
    // Equal prefixes decide nothing: zero bytes may be text or filling.
    keyed.sort_unstable_by(|a, b| match a.prefix.cmp(&b.prefix) {
        Ordering::Equal if a.value.p == b.value.p => Ordering::Equal,
        Ordering::Equal => bytes(a.value).cmp(bytes(b.value)),
        order => order,
    });
    for (i, k) in keyed.iter().enumerate() {
        g.set(i, k.value);
    }
    Some(Ok(()))
}

/// Floats in place.
struct Floats<'a>(&'a mut [f64]);

impl Sequence for Floats<'_> {
    type Element = f64;
    fn get(&mut self, i: u32) -> Result<f64, SortError> {
        self.0
            .get((i as usize).wrapping_sub(1))
            .copied()
            .ok_or(SortError::Order)
    }
    fn set(&mut self, i: u32, v: f64) -> Result<(), SortError> {
        match self.0.get_mut((i as usize).wrapping_sub(1)) {
            Some(to) => {
                *to = v;
                Ok(())
            }
            None => Err(SortError::Order),
        }
    }
    fn less(&mut self, a: f64, b: f64) -> Result<bool, SortError> {
        Ok(a < b)
    }
    fn hold(&mut self, _: Place, _: f64) {}
}

/// Integers and floats mixed, in place.
struct Numbers(General);

impl Sequence for Numbers {
    type Element = Value;
    fn get(&mut self, i: u32) -> Result<Value, SortError> {
        match (i as usize).wrapping_sub(1) {
            i if i < self.0.len() => Ok(self.0.get(i)),
            _ => Err(SortError::Order),
        }
    }
    fn set(&mut self, i: u32, v: Value) -> Result<(), SortError> {
        let i = (i as usize).wrapping_sub(1);
        if i < self.0.len() {
            self.0.set(i, v);
        }
        Ok(())
    }
    fn less(&mut self, a: Value, b: Value) -> Result<bool, SortError> {
        Ok(arith::less_than(a, b))
    }
    fn hold(&mut self, _: Place, _: Value) {}
}

/// Any table, with metamethods and an order function or `<`.
struct InLua {
    l: Lua,
    table: Value,
    compare: bool,
}

impl Sequence for InLua {
    type Element = Value;
    #[inline]
    fn get(&mut self, i: u32) -> Result<Value, SortError> {
        Ok(get(self.l, self.table, i64::from(i))?)
    }
    #[inline]
    fn set(&mut self, i: u32, v: Value) -> Result<(), SortError> {
        Ok(set(self.l, self.table, i64::from(i), v)?)
    }
    #[inline]
    fn less(&mut self, a: Value, b: Value) -> Result<bool, SortError> {
        let l = self.l;
        if !self.compare {
            return Ok(l.less_than(a, b)?);
        }
        l.push(l.arg(2));
        l.push(a);
        l.push(b);
        Ok(l.call_back(2)?.truthy())
    }
    #[inline]
    fn hold(&mut self, place: Place, v: Value) {
        self.l.set_arg(place as i32, v);
    }
}

/// Reads an element and keeps it alive.
#[inline]
fn fetch<S: Sequence>(s: &mut S, place: Place, i: u32) -> Result<S::Element, SortError> {
    let v = s.get(i)?;
    s.hold(place, v);
    Ok(v)
}

/// Sorts elements `lo..=up`. The larger part is done by the loop, the smaller one by recursion, so that the depth is logarithmic.
fn quicksort<S: Sequence>(
    s: &mut S,
    mut lo: u32,
    mut up: u32,
    mut random: u32,
) -> Result<(), SortError> {
    while lo < up {
        // Order the first, a middle and the last element.
        let first = fetch(s, Place::Left, lo)?;
        let last = fetch(s, Place::Right, up)?;
        if s.less(last, first)? {
            s.set2(lo, last, up, first)?;
        }
        if up - lo == 1 {
            break;
        }
        let p = if up - lo < RANDOM_LIMIT || random == 0 {
            (lo + up) / 2
        } else {
            choose_pivot(lo, up, random)
        };
        let middle = fetch(s, Place::Left, p)?;
        let first = fetch(s, Place::Right, lo)?;
        if s.less(middle, first)? {
            s.set2(p, first, lo, middle)?;
        } else {
            let last = fetch(s, Place::Right, up)?;
            if s.less(last, middle)? {
                s.set2(p, last, up, middle)?;
            }
        }
        if up - lo == 2 {
            break;
        }
        // The pivot waits at `up - 1` during the partition.
        let pivot = fetch(s, Place::Pivot, p)?;
        let other = fetch(s, Place::Right, up - 1)?;
        s.set2(p, other, up - 1, pivot)?;
        let p = partition(s, lo, up, pivot)?;
        let smaller;
        if p - lo < up - p {
            quicksort(s, lo, p - 1, random)?;
            smaller = p - lo;
            lo = p + 1;
        } else {
            quicksort(s, p + 1, up, random)?;
            smaller = up - p;
            up = p - 1;
        }
        if up.wrapping_sub(lo) / 128 > smaller {
            random = random_seed();
        }
    }
    Ok(())
}

/// Partitions `lo..=up` where `a[lo] <= pivot == a[up - 1] <= a[up]`; gives the pivot's place.
fn partition<S: Sequence>(
    s: &mut S,
    lo: u32,
    up: u32,
    pivot: S::Element,
) -> Result<u32, SortError> {
    let (mut i, mut j) = (lo, up - 1);
    loop {
        // Invariant: a[lo..=i] <= pivot <= a[j..=up].
        let left = loop {
            i += 1;
            let v = fetch(s, Place::Left, i)?;
            if !s.less(v, pivot)? {
                break v;
            }
            if i == up - 1 {
                return Err(SortError::Order);
            }
        };
        let right = loop {
            j -= 1;
            let v = fetch(s, Place::Right, j)?;
            if !s.less(pivot, v)? {
                break v;
            }
            if j < i {
                return Err(SortError::Order);
            }
        };
        if j < i {
            s.set2(up - 1, left, i, pivot)?;
            return Ok(i);
        }
        s.set2(i, right, j, left)?;
    }
}

/// An element of the middle half.
fn choose_pivot(lo: u32, up: u32, random: u32) -> u32 {
    let quarter = (up - lo) / 4;
    random % (quarter * 2) + lo + quarter
}

unsafe extern "C" {
    safe fn clock() -> libc::c_long;
}

/// l_randomizePivot: processor time and wall clock.
fn random_seed() -> u32 {
    // SAFETY: a null argument is allowed.
    let (clock, time) = unsafe { (clock() as u64, libc::time(std::ptr::null_mut()) as u64) };
    let halves = [
        clock as u32,
        (clock >> 32) as u32,
        time as u32,
        (time >> 32) as u32,
    ];
    halves.iter().fold(0, |a, b| a.wrapping_add(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sequence with its own order that counts comparisons.
    struct Counted<'a> {
        v: Vec<i32>,
        less: &'a dyn Fn(i32, i32) -> bool,
        calls: usize,
    }

    impl Sequence for Counted<'_> {
        type Element = i32;
        fn get(&mut self, i: u32) -> Result<i32, SortError> {
            Ok(self.v[i as usize - 1])
        }
        fn set(&mut self, i: u32, v: i32) -> Result<(), SortError> {
            self.v[i as usize - 1] = v;
            Ok(())
        }
        fn less(&mut self, a: i32, b: i32) -> Result<bool, SortError> {
            self.calls += 1;
            Ok((self.less)(a, b))
        }
        fn hold(&mut self, _: Place, _: i32) {}
    }

    fn run(v: Vec<i32>, less: &dyn Fn(i32, i32) -> bool) -> Option<(Vec<i32>, usize)> {
        let n = v.len() as u32;
        let mut s = Counted { v, less, calls: 0 };
        match quicksort(&mut s, 1, n, 0) {
            Ok(()) => Some((s.v, s.calls)),
            Err(_) => None,
        }
    }

    #[test]
    fn sorts() {
        let mut x = 12345u32;
        for n in [2usize, 3, 4, 10, 99, 100, 101, 1000, 20_000] {
            for modulus in [1, 2, 10, u32::MAX] {
                let v: Vec<i32> = (0..n)
                    .map(|_| {
                        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        (x % modulus) as i32
                    })
                    .collect();
                let mut want = v.clone();
                want.sort_unstable();
                assert_eq!(run(v, &|a, b| a < b).unwrap().0, want);
            }
        }
    }

    #[test]
    fn inconsistent_orders_are_noticed() {
        assert!(run((1..=10).collect(), &|_, _| true).is_none());
        // Too few elements to notice.
        assert!(run(vec![1, 2, 3], &|_, _| true).is_some());
    }

    #[test]
    fn unbalanced_partitions_end() {
        // A sequence that is bad for a pivot from the middle.
        let n = 3000;
        let v: Vec<i32> = (0..n).map(|i| if i % 2 == 0 { i } else { -i }).collect();
        let (sorted, calls) = run(v, &|a, b| a < b).unwrap();
        assert!(sorted.is_sorted());
        assert!(calls < 200 * n as usize);
    }
}
