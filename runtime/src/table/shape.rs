//! Shapes.
use crate::object::Header;
/// A shape.
#[repr(C)]
pub struct Shape {
    pub h: Header,
}
/// All shapes of a state.
pub struct Shapes {
    pub next_id: u32,
}
