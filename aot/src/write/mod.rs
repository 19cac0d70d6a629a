//! Writing an [`Image`] as an ELF relocatable object.
//!
//! Two independent writers share nothing but the image: the `object` crate's, and `faerie`'s behind `--object-writer=faerie`.

pub mod faerie;
pub mod object;

use crate::exit::Result;
use crate::image::Image;

/// Which writer makes the object file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Writer {
    /// The `object` crate: the default.
    #[default]
    Object,
    /// The `faerie` crate: the second opinion.
    Faerie,
}

/// The bytes of the object file; `file` is recorded as its source name.
pub fn write(image: &Image, file: &str, writer: Writer) -> Result<Vec<u8>> {
    match writer {
        Writer::Object => object::write(image, file),
        Writer::Faerie => faerie::write(image, file),
    }
}
