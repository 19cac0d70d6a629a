//! SHA-256 (FIPS 180-4): names programs, queries and files, so that `sha256sum` can check them; and tells damage.

use std::fmt;

/// A digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A digest in the making.
#[derive(Clone)]
pub struct Sha256 {
    state: [u32; 8],
    block: [u8; 64],
    length: u64,
}

impl Default for Sha256 {
    fn default() -> Sha256 {
        Sha256 {
            // Fractional parts of the square roots of the first primes.
            state: [
                0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
                0x5be0cd19,
            ],
            block: [0; 64],
            length: 0,
        }
    }
}

impl Sha256 {
    /// Takes in more bytes.
    pub fn update(&mut self, mut bytes: &[u8]) -> &mut Sha256 {
        while !bytes.is_empty() {
            let at = (self.length % 64) as usize;
            let n = bytes.len().min(64 - at);
            self.block[at..at + n].copy_from_slice(&bytes[..n]);
            self.length += n as u64;
            bytes = &bytes[n..];
            if at + n == 64 {
                compress(&mut self.state, &self.block);
            }
        }
        self
    }

    /// Takes in a field so that neighbouring fields cannot be mistaken for each other: its length, then its bytes.
    pub fn field(&mut self, bytes: &[u8]) -> &mut Sha256 {
        self.update(&(bytes.len() as u64).to_le_bytes())
            .update(bytes)
    }

    /// The digest of what was taken in.
    pub fn finish(mut self) -> Digest {
        let bits = self.length.wrapping_mul(8);
        self.update(&[0x80]);
        while self.length % 64 != 56 {
            self.update(&[0]);
        }
        self.update(&bits.to_be_bytes());
        let mut out = [0; 32];
        for (chunk, word) in out.chunks_exact_mut(4).zip(self.state) {
            chunk.copy_from_slice(&word.to_be_bytes());
        }
        Digest(out)
    }
}

/// The digest of some bytes.
pub fn sha256(bytes: &[u8]) -> Digest {
    let mut h = Sha256::default();
    h.update(bytes);
    h.finish()
}

fn compress(state: &mut [u32; 8], block: &[u8; 64]) {
    let mut w = [0u32; 64];
    for (word, bytes) in w.iter_mut().zip(block.chunks_exact(4)) {
        *word = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    for i in 16..64 {
        let (a, b) = (w[i - 15], w[i - 2]);
        let s0 = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
        let s1 = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
        w[i] = w[i - 16]
            .wrapping_add(s0)
            .wrapping_add(w[i - 7])
            .wrapping_add(s1);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for i in 0..64 {
        let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choice = (e & f) ^ (!e & g);
        let t1 = h
            .wrapping_add(s1)
            .wrapping_add(choice)
            .wrapping_add(K[i])
            .wrapping_add(w[i]);
        let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let majority = (a & b) ^ (a & c) ^ (b & c);
        let t2 = s0.wrapping_add(majority);
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
    }
    for (s, v) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *s = s.wrapping_add(v);
    }
}

/// Fractional parts of the cube roots of the first 64 primes.
const K: [u32; 64] = cube_root_fractions();

/// Computes [`K`] instead of typing it: floor(2^32 * frac(cbrt(p))) by integer search.
const fn cube_root_fractions() -> [u32; 64] {
    let mut out = [0; 64];
    let (mut n, mut p) = (0, 2u128);
    while n < 64 {
        let (mut d, mut prime) = (2, true);
        while d * d <= p {
            if p % d == 0 {
                prime = false;
            }
            d += 1;
        }
        if prime {
            // The greatest r with r^3 <= p * 2^96; r < 2^35, so that r^3 < 2^105.
            let (mut low, mut high) = (0u128, 1u128 << 35);
            while high - low > 1 {
                let mid = (low + high) / 2;
                if mid * mid * mid <= p << 96 {
                    low = mid;
                } else {
                    high = mid;
                }
            }
            out[n] = low as u32;
            n += 1;
        }
        p += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_vectors() {
        let hex = |b: &[u8]| sha256(b).to_string();
        assert_eq!(
            hex(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            hex(b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        );
        assert_eq!(
            hex(&[b'a'; 1_000_000]),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        );
    }

    #[test]
    fn pieces_make_the_same_digest_and_fields_do_not_run_together() {
        let text: Vec<u8> = (0..1000u32).map(|i| i as u8).collect();
        for piece in [1, 7, 63, 64, 65, 500] {
            let mut h = Sha256::default();
            text.chunks(piece).for_each(|c| {
                h.update(c);
            });
            assert_eq!(h.finish(), sha256(&text), "{piece}");
        }
        let two = |a: &[u8], b: &[u8]| {
            let mut h = Sha256::default();
            h.field(a).field(b);
            h.finish()
        };
        assert_ne!(two(b"ab", b"c"), two(b"a", b"bc"));
    }
}
