//! Floats with a fixed number of decimals: their size is known before they are written, so that they are written where they belong.

use super::{MAX_DECIMALS, POWERS, decimal_len, decimal_point, parts, scaled, write_decimal};

/// A float as C's `"%.{precision}f"` writes it.
#[derive(Clone, Copy)]
pub struct Fixed {
    negative: bool,
    whole: u64,
    decimals: u64,
    precision: usize,
}

impl Fixed {
    /// Of numbers below 1e18 and precisions up to [`MAX_DECIMALS`]; `None`: out of these bounds.
    pub fn new(f: f64, precision: usize) -> Option<Fixed> {
        let magnitude = f.abs();
        let (m, shift) = parts(magnitude)?;
        if magnitude >= 1e18 || precision > MAX_DECIMALS {
            return None;
        }
        let unit = POWERS[precision];
        let (mut whole, mut decimals) = match shift {
            0..=63 => (m >> shift, scaled(m & ((1 << shift) - 1), shift, unit)),
            _ => (0, scaled(m, shift, unit)),
        };
        if decimals == unit {
            whole += 1;
            decimals = 0;
        }
        // Without decimals the tie was rounded to the even of 0 and 1, but the even of `whole` and the next is meant.
        if precision == 0 && (1..=63).contains(&shift) {
            whole = scaled(m, shift, 1) as u64;
        }
        Some(Fixed {
            negative: f.is_sign_negative(),
            whole,
            decimals: decimals as u64,
            precision,
        })
    }
    /// Characters of the sign.
    pub fn sign(self) -> usize {
        usize::from(self.negative)
    }
    /// Number of characters; at most 37.
    pub fn width(self) -> usize {
        let point = usize::from(self.precision > 0);
        self.sign() + decimal_len(self.whole) + point + self.precision
    }
    /// Writes the characters, without the sign.
    ///
    /// # Safety
    /// There is room for them.
    pub unsafe fn write(self, to: *mut u8) {
        // SAFETY: by contract.
        unsafe {
            let n = decimal_len(self.whole);
            write_decimal(self.whole, to, n);
            if self.precision > 0 {
                *to.add(n) = decimal_point();
                write_decimal(self.decimals, to.add(n + 1), self.precision);
            }
        }
    }
}
