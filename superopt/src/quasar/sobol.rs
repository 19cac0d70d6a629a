//! Scrambled Sobol points.
//!
//! The sequence is Sobol's with the direction numbers of S. Joe and F. Y. Kuo ("Constructing Sobol sequences with better
//! two-dimensional projections", SIAM J. Sci. Comput. 30, 2008; table new-joe-kuo-6, first 64 dimensions). Scrambling is
//! Matousek's random linear scramble (J. Complexity 14, 1998): each dimension's digits are multiplied by a random lower
//! triangular bit matrix with ones on its diagonal, then shifted by random digits. Both keep every (t, m, s)-net
//! property, so that each of the 2^k intervals of length 2^-k holds exactly one of the first 2^k points in every
//! coordinate. Dimensions past the table are Latin hypercube columns: balanced one at a time, not jointly.

use super::draw::Draw;

/// Bits of a coordinate.
const BITS: usize = 32;

/// Dimensions with direction numbers.
pub const TABLED: usize = TABLE.len();

/// Direction numbers of one dimension, as integers whose top bit is the digit of 1/2.
fn directions(dimension: usize) -> [u32; BITS] {
    let (polynomial, initial) = TABLE[dimension];
    let mut v = [0u32; BITS];
    if dimension == 0 {
        // Van der Corput: the identity matrix.
        for (k, v) in v.iter_mut().enumerate() {
            *v = 1 << (BITS - 1 - k);
        }
        return v;
    }
    // The polynomial's bits are its coefficients, the leading one included.
    let degree = polynomial.ilog2() as usize;
    for (k, m) in initial.iter().enumerate() {
        v[k] = m << (BITS - 1 - k);
    }
    // Bratley and Fox (ACM TOMS 14, 1988), equation 2, on shifted integers.
    for k in degree..BITS {
        let mut x = v[k - degree] ^ (v[k - degree] >> degree);
        for i in 1..degree {
            if polynomial >> (degree - i) & 1 == 1 {
                x ^= v[k - i];
            }
        }
        v[k] = x;
    }
    v
}

/// Multiplies a column of digits by a lower triangular bit matrix given by rows; row 0 makes the digit of 1/2.
fn multiply(rows: &[u32; BITS], column: u32) -> u32 {
    rows.iter().enumerate().fold(0, |sum, (i, row)| {
        sum | ((row & column).count_ones() & 1) << (BITS - 1 - i)
    })
}

/// A random lower triangular bit matrix with ones on its diagonal.
fn scramble(draw: &mut Draw) -> [u32; BITS] {
    std::array::from_fn(|i| {
        let diagonal = 1u32 << (BITS - 1 - i);
        // Digits above the diagonal's are the columns before it.
        let before = !(diagonal | (diagonal - 1));
        draw.bits() & before | diagonal
    })
}

/// One coordinate of the first `n` points.
fn coordinate(v: &[u32; BITS], shift: u32, n: usize) -> impl Iterator<Item = f64> {
    (0..n).map(move |i| {
        let digits = (0..usize::BITS - i.leading_zeros())
            .filter(|k| i >> k & 1 == 1)
            .fold(shift, |x, k| x ^ v[k as usize % BITS]);
        f64::from(digits) / (1u64 << BITS) as f64
    })
}

/// The first `n` points (fewer than 2^32) of the sequence without scrambling, in `dimensions` of at most [`TABLED`].
/// The first one is the origin.
pub fn plain(n: usize, dimensions: usize) -> Vec<Vec<f64>> {
    let mut points = vec![Vec::with_capacity(dimensions); n];
    for d in 0..dimensions.min(TABLED) {
        for (p, x) in points.iter_mut().zip(coordinate(&directions(d), 0, n)) {
            p.push(x);
        }
    }
    points
}

/// `n` scrambled points (fewer than 2^32) of the unit cube.
pub fn scrambled(n: usize, dimensions: usize, draw: &mut Draw) -> Vec<Vec<f64>> {
    let mut points = vec![Vec::with_capacity(dimensions); n];
    for d in 0..dimensions {
        if d < TABLED {
            let rows = scramble(draw);
            let v = directions(d).map(|column| multiply(&rows, column));
            let shift = draw.bits();
            for (p, x) in points.iter_mut().zip(coordinate(&v, shift, n)) {
                p.push(x);
            }
        } else {
            let strata = draw.permutation(n);
            for (p, s) in points.iter_mut().zip(strata) {
                p.push((s as f64 + draw.uniform()) / n as f64);
            }
        }
    }
    points
}

/// For each dimension its primitive polynomial over two elements (bits are coefficients) and the first numbers m.
#[rustfmt::skip]
const TABLE: [(u32, &[u32]); 64] = [
    (1, &[1]), (3, &[1]), (7, &[1, 3]), (11, &[1, 3, 1]), (13, &[1, 1, 1]), (19, &[1, 1, 3, 3]), (25, &[1, 3, 5, 13]),
    (37, &[1, 1, 5, 5, 17]), (41, &[1, 1, 5, 5, 5]), (47, &[1, 1, 7, 11, 19]), (55, &[1, 1, 5, 1, 1]),
    (59, &[1, 1, 1, 3, 11]), (61, &[1, 3, 5, 5, 31]), (67, &[1, 3, 3, 9, 7, 49]), (91, &[1, 1, 1, 15, 21, 21]),
    (97, &[1, 3, 1, 13, 27, 49]), (103, &[1, 1, 1, 15, 7, 5]), (109, &[1, 3, 1, 15, 13, 25]),
    (115, &[1, 1, 5, 5, 19, 61]), (131, &[1, 3, 7, 11, 23, 15, 103]), (137, &[1, 3, 7, 13, 13, 15, 69]),
    (143, &[1, 1, 3, 13, 7, 35, 63]), (145, &[1, 3, 5, 9, 1, 25, 53]), (157, &[1, 3, 1, 13, 9, 35, 107]),
    (167, &[1, 3, 1, 5, 27, 61, 31]), (171, &[1, 1, 5, 11, 19, 41, 61]), (185, &[1, 3, 5, 3, 3, 13, 69]),
    (191, &[1, 1, 7, 13, 1, 19, 1]), (193, &[1, 3, 7, 5, 13, 19, 59]), (203, &[1, 1, 3, 9, 25, 29, 41]),
    (211, &[1, 3, 5, 13, 23, 1, 55]), (213, &[1, 3, 7, 3, 13, 59, 17]), (229, &[1, 3, 1, 3, 5, 53, 69]),
    (239, &[1, 1, 5, 5, 23, 33, 13]), (241, &[1, 1, 7, 7, 1, 61, 123]), (247, &[1, 1, 7, 9, 13, 61, 49]),
    (253, &[1, 3, 3, 5, 3, 55, 33]), (285, &[1, 3, 1, 15, 31, 13, 49, 245]), (299, &[1, 3, 5, 15, 31, 59, 63, 97]),
    (301, &[1, 3, 1, 11, 11, 11, 77, 249]), (333, &[1, 3, 1, 11, 27, 43, 71, 9]), (351, &[1, 1, 7, 15, 21, 11, 81, 45]),
    (355, &[1, 3, 7, 3, 25, 31, 65, 79]), (357, &[1, 3, 1, 1, 19, 11, 3, 205]), (361, &[1, 1, 5, 9, 19, 21, 29, 157]),
    (369, &[1, 3, 7, 11, 1, 33, 89, 185]), (391, &[1, 3, 3, 3, 15, 9, 79, 71]), (397, &[1, 3, 7, 11, 15, 39, 119, 27]),
    (425, &[1, 1, 3, 1, 11, 31, 97, 225]), (451, &[1, 1, 1, 3, 23, 43, 57, 177]), (463, &[1, 3, 7, 7, 17, 17, 37, 71]),
    (487, &[1, 3, 1, 5, 27, 63, 123, 213]), (501, &[1, 1, 3, 5, 11, 43, 53, 133]),
    (529, &[1, 3, 5, 5, 29, 17, 47, 173, 479]), (539, &[1, 3, 3, 11, 3, 1, 109, 9, 69]),
    (545, &[1, 1, 1, 5, 17, 39, 23, 5, 343]), (557, &[1, 3, 1, 5, 25, 15, 31, 103, 499]),
    (563, &[1, 1, 1, 11, 11, 17, 63, 105, 183]), (601, &[1, 1, 5, 11, 9, 29, 97, 231, 363]),
    (607, &[1, 1, 5, 15, 19, 45, 41, 7, 383]), (617, &[1, 3, 7, 7, 31, 19, 83, 137, 221]),
    (623, &[1, 1, 1, 3, 23, 15, 111, 223, 83]), (631, &[1, 1, 5, 13, 31, 15, 55, 25, 161]),
    (637, &[1, 1, 3, 13, 25, 47, 39, 87, 257]),
];
