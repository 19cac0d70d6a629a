//! Windows of compiled programs (`trinity_codegen::window`): what a compilation hands to a search, and what a search hands
//! back.
//!
//! [`harvest`] is the file of runs that a compilation wrote; [`search`] makes windows of them; [`peephole`] and the engines
//! propose, [`prove`] decides, [`kept`] is how results lie in the store and in the file that is shipped.

pub mod cost;
pub mod harvest;
pub mod kept;
pub mod measured;
pub mod peephole;
pub mod prove;
pub mod scratch;
pub mod search;
pub mod used;

/// Bytes as text.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Bytes of text.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let byte = |i: usize| u8::from_str_radix(text.get(i..i + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(byte).collect()
}
