//! Alignment of two versions of a function's code.

use crate::fingerprint::token_op;

/// Largest table of partial results: versions whose different middles are larger are aligned at their ends only.
const MAX_CELLS: usize = 1 << 24;
/// Worth of a pair of instructions with the same constants, and with other constants.
const SAME: u32 = 3;
const SAME_OP: u32 = 1;

/// Pairs of positions that hold the same instruction, ascending in both: the common ends, and between them the pairs of greatest worth.
pub fn align(old: &[u32], new: &[u32]) -> Vec<(u32, u32)> {
    let same = |(a, b): &(&u32, &u32)| a == b;
    let head = old.iter().zip(new).take_while(same).count();
    let (a, b) = (&old[head..], &new[head..]);
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(same).count();
    let (a, b) = (&a[..a.len() - tail], &b[..b.len() - tail]);
    let mut pairs: Vec<(u32, u32)> = (0..head as u32).map(|n| (n, n)).collect();
    let middle = between(a, b).into_iter();
    pairs.extend(middle.map(|(x, y)| ((head + x) as u32, (head + y) as u32)));
    let (old_tail, new_tail) = (old.len() - tail, new.len() - tail);
    pairs.extend((0..tail).map(|n| ((old_tail + n) as u32, (new_tail + n) as u32)));
    pairs
}

fn worth(a: u32, b: u32) -> u32 {
    if a == b {
        SAME
    } else if token_op(a) == token_op(b) {
        SAME_OP
    } else {
        0
    }
}

/// The step that leads to the best result for the rests from a cell on.
#[derive(Clone, Copy)]
enum Step {
    Pair,
    SkipOld,
    SkipNew,
}

fn between(a: &[u32], b: &[u32]) -> Vec<(usize, usize)> {
    if a.is_empty() || b.is_empty() || a.len().saturating_mul(b.len()) > MAX_CELLS {
        return Vec::new();
    }
    let mut steps = vec![Step::SkipNew; a.len() * b.len()];
    // Best worth of the rests from (x + 1, y) on, for all y.
    let mut below = vec![0u32; b.len() + 1];
    for x in (0..a.len()).rev() {
        let mut row = vec![0u32; b.len() + 1];
        for y in (0..b.len()).rev() {
            let w = worth(a[x], b[y]);
            let choices = [
                (w + below[y + 1], Step::Pair, w > 0),
                (below[y], Step::SkipOld, true),
                (row[y + 1], Step::SkipNew, true),
            ];
            let mut best = (0, Step::SkipNew);
            for (value, step, allowed) in choices {
                if allowed && value > best.0 {
                    best = (value, step);
                }
            }
            row[y] = best.0;
            steps[x * b.len() + y] = best.1;
        }
        below = row;
    }
    let mut pairs = Vec::new();
    let (mut x, mut y) = (0, 0);
    while x < a.len() && y < b.len() {
        match steps[x * b.len() + y] {
            Step::Pair => {
                pairs.push((x, y));
                x += 1;
                y += 1;
            }
            Step::SkipOld => x += 1,
            Step::SkipNew => y += 1,
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    #[test]
    fn inserted_and_removed_instructions_are_skipped() {
        assert_eq!(align(&[1, 2, 3], &[1, 2, 3]), [(0, 0), (1, 1), (2, 2)]);
        assert_eq!(align(&[1, 2, 3], &[1, 9, 2, 3]), [(0, 0), (1, 2), (2, 3)]);
        assert_eq!(align(&[1, 9, 2, 3], &[1, 2, 3]), [(0, 0), (2, 1), (3, 2)]);
        assert_eq!(align(&[], &[1]), []);
        assert_eq!(align(&[7, 1, 2], &[8, 1, 2, 9]), [(1, 1), (2, 2)]);
        // The same opcode with another constant is better than nothing, the same constant better than that.
        let (k1, k2) = (0x105, 0x205);
        assert_eq!(align(&[6, k1, 7], &[8, k2, 9]), [(1, 1)]);
        assert_eq!(align(&[6, k1, 7], &[8, k2, k1, 9]), [(1, 2)]);
    }

    /// What is left of a sequence after removals is found in it again.
    #[test]
    fn subsequences_are_found() {
        let seed = 0x5EED_0008;
        let mut rng = Random(seed);
        for _ in 0..200 {
            let all: Vec<u32> = (0..60).map(|_| rng.below(1 << 20) as u32).collect();
            let kept: Vec<u32> = all.iter().copied().filter(|_| rng.below(3) > 0).collect();
            let pairs = align(&all, &kept);
            assert_eq!(pairs.len(), kept.len(), "seed {seed:#x}");
            for (x, y) in &pairs {
                assert_eq!(all[*x as usize], kept[*y as usize]);
            }
            assert!(pairs.is_sorted_by(|p, q| p.0 < q.0 && p.1 < q.1));
        }
    }

    #[test]
    fn huge_functions_are_aligned_at_their_ends() {
        let old: Vec<u32> = (0..10_000).collect();
        let mut new = old.clone();
        new[10] = 77;
        new[9_000] = 78;
        let pairs = align(&old, &new);
        assert_eq!(pairs.len(), 10 + 999);
    }
}
