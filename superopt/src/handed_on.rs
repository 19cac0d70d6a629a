//! Domains that do most operations as another one does.

/// Methods of a [`Domain`](trinity_codegen::isa::Domain) that hand their arguments on:
/// `handed_on!(self => self.pool, TermId: un cmp ite);` in its implementation.
macro_rules! handed_on {
    ($self:ident => $to:expr, $w:ty: $($method:ident)*) => {
        $($crate::handed_on::handed_on!(@$method $self, $to, $w);)*
    };
    (@constant $self:ident, $to:expr, $w:ty) => {
        fn constant(&mut $self, width: u32, value: u128) -> $w {
            $to.constant(width, value)
        }
    };
    (@width $self:ident, $to:expr, $w:ty) => {
        fn width(&$self, w: &$w) -> u32 {
            $to.width(w)
        }
    };
    (@as_constant $self:ident, $to:expr, $w:ty) => {
        fn as_constant(&$self, w: &$w) -> Option<u128> {
            $to.as_constant(w)
        }
    };
    (@un $self:ident, $to:expr, $w:ty) => {
        fn un(&mut $self, op: trinity_codegen::isa::UnOp, a: &$w) -> $w {
            $to.un(op, a)
        }
    };
    (@bin $self:ident, $to:expr, $w:ty) => {
        fn bin(&mut $self, op: trinity_codegen::isa::BinOp, a: &$w, b: &$w) -> $w {
            $to.bin(op, a, b)
        }
    };
    (@cmp $self:ident, $to:expr, $w:ty) => {
        fn cmp(&mut $self, op: trinity_codegen::isa::CmpOp, a: &$w, b: &$w) -> $w {
            $to.cmp(op, a, b)
        }
    };
    (@ite $self:ident, $to:expr, $w:ty) => {
        fn ite(&mut $self, c: &$w, a: &$w, b: &$w) -> $w {
            $to.ite(c, a, b)
        }
    };
    (@extract $self:ident, $to:expr, $w:ty) => {
        fn extract(&mut $self, a: &$w, low: u32, width: u32) -> $w {
            $to.extract(a, low, width)
        }
    };
    (@concat $self:ident, $to:expr, $w:ty) => {
        fn concat(&mut $self, high: &$w, low: &$w) -> $w {
            $to.concat(high, low)
        }
    };
    (@zext $self:ident, $to:expr, $w:ty) => {
        fn zext(&mut $self, a: &$w, width: u32) -> $w {
            $to.zext(a, width)
        }
    };
    (@sext $self:ident, $to:expr, $w:ty) => {
        fn sext(&mut $self, a: &$w, width: u32) -> $w {
            $to.sext(a, width)
        }
    };
    (@fp $self:ident, $to:expr, $w:ty) => {
        fn fp(&mut $self, op: trinity_codegen::isa::FpOp, args: &[$w]) -> $w {
            $to.fp(op, args)
        }
    };
    (@undefined $self:ident, $to:expr, $w:ty) => {
        fn undefined(&mut $self, width: u32) -> $w {
            $to.undefined(width)
        }
    };
}
pub(crate) use handed_on;
