//! Hash part.
/// Header of a hash part.
#[repr(C)]
pub struct HashPart {
    pub log2: u32,
}
