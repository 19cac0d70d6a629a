//! The syntax tree, with every name already resolved.
//!
//! Expressions live in one arena and refer to each other by index: chains such as `a.b.c...` or `1 + 1 + ...` nest to the left
//! without bound, and an arena is dropped without recursion. Code that walks them must follow the left spine in a loop; all
//! other nesting is limited to [`crate::parse::MAX_LEVELS`].
//!
//! Nodes carry the lines the emitter needs. "Line after X" means the line of the last token consumed once X was read, which
//! is what the reference attributes instructions to.

mod print;

pub use print::print;

use crate::bytecode::proto::VarKind;
use crate::intern::{Interner, Sym};
use crate::number::Num;

/// Index of an expression in [`Ast::exprs`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct ExprId(pub u32);

/// Index of a function in [`Ast::funcs`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct FuncId(pub u32);

/// Index of a local variable in its function's [`Function::locals`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub struct LocalId(pub u32);

/// Index of a label in its function's [`Function::labels`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct LabelId(pub u32);

/// A slice of [`Ast::items`] or [`Ast::fields`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// First index.
    pub start: u32,
    /// Number of elements.
    pub len: u32,
}

impl Span {
    /// As a range of indices.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..(self.start + self.len) as usize
    }
}

/// A whole chunk.
#[derive(Clone, Debug)]
pub struct Ast {
    /// Texts of all symbols.
    pub names: Interner,
    /// The name `_ENV`.
    pub env: Sym,
    /// All expressions.
    pub exprs: Vec<Expr>,
    /// Elements of expression lists.
    pub items: Vec<Item>,
    /// Fields of table constructors.
    pub fields: Vec<Field>,
    /// All functions; the first is the main chunk.
    pub funcs: Vec<Function>,
}

/// An expression.
#[derive(Clone, Copy, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Line after its last token.
    pub line: u32,
}

/// A value known at compile time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ConstValue {
    /// `nil`
    Nil,
    /// `false`, `true`
    Bool(bool),
    /// A number.
    Num(Num),
    /// A string.
    Str(Sym),
}

/// Where a name leads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum VarRef {
    /// A local variable of the function at hand.
    Local(LocalId),
    /// An upvalue of the function at hand.
    Upval(u8),
    /// A `<const>` variable with a compile-time value.
    Const(ConstValue),
}

/// Kinds of expressions.
#[derive(Clone, Copy, Debug)]
pub enum ExprKind {
    /// A literal.
    Const(ConstValue),
    /// An operation whose value is known; `of` keeps what was written.
    Folded {
        /// The value.
        value: ConstValue,
        /// The operation.
        of: ExprId,
    },
    /// `...`; `prev_line` is the line of the token before it.
    Vararg {
        /// See above.
        prev_line: u32,
    },
    /// `function ... end`
    Function(FuncId),
    /// A local, an upvalue or a constant.
    Var {
        /// As written.
        name: Sym,
        /// Where it is.
        place: VarRef,
    },
    /// `_ENV.name`, written `name`.
    Global {
        /// As written.
        name: Sym,
        /// Where `_ENV` is.
        env: VarRef,
    },
    /// `(e)`
    Paren(ExprId),
    /// `obj.name`
    Field {
        /// The table.
        obj: ExprId,
        /// The key.
        name: Sym,
    },
    /// `obj[key]`
    Index {
        /// The table.
        obj: ExprId,
        /// The key.
        key: ExprId,
    },
    /// `func(args)`, `func{...}`, `func"..."`
    Call {
        /// The function.
        func: ExprId,
        /// Its arguments.
        args: Span,
        /// Line the call is attributed to.
        line: u32,
    },
    /// `obj:name(args)`
    Method {
        /// The object; a [`ExprKind::MethodName`] node wraps it.
        obj: ExprId,
        /// Its arguments.
        args: Span,
        /// Line the call is attributed to.
        line: u32,
    },
    /// `obj:name`, only directly below a [`ExprKind::Method`].
    MethodName {
        /// The object.
        obj: ExprId,
        /// The method's name.
        name: Sym,
    },
    /// `op e`
    Unary {
        /// The operator.
        op: UnOp,
        /// Its line.
        line: u32,
        /// The operand.
        operand: ExprId,
    },
    /// `left op right`
    Binary {
        /// The operator.
        op: BinOp,
        /// Its line.
        line: u32,
        /// First operand.
        left: ExprId,
        /// Second operand.
        right: ExprId,
    },
    /// `{ ... }`; `prev_line` is the line of the token before it.
    Table {
        /// The fields.
        fields: Span,
        /// See above.
        prev_line: u32,
    },
}

/// An element of an expression list.
#[derive(Clone, Copy, Debug)]
pub struct Item {
    /// The element.
    pub expr: ExprId,
    /// Line of the comma behind it; 0 for the last element. In a numeric loop: line after the element itself.
    pub sep_line: u32,
    /// Offset of the token behind that comma, or behind the list (for messages about too many registers).
    pub next_pos: u32,
}

/// A field of a table constructor.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The key.
    pub key: FieldKey,
    /// The value.
    pub value: ExprId,
    /// Line of the separator behind it; 0 when there is none.
    pub sep_line: u32,
    /// Offset of the token behind the separator, or behind the field.
    pub next_pos: u32,
}

/// Key of a table field.
#[derive(Clone, Copy, Debug)]
pub enum FieldKey {
    /// Next array element.
    Next,
    /// `name = value`
    Name(Sym),
    /// `[key] = value`
    Expr {
        /// The key.
        key: ExprId,
        /// Line of the `=`.
        eq_line: u32,
    },
}

/// Unary operators.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnOp {
    /// `-`
    Neg,
    /// `~`
    BNot,
    /// `not`
    Not,
    /// `#`
    Len,
}

impl UnOp {
    /// As written.
    pub const fn symbol(self) -> &'static str {
        match self {
            UnOp::Neg => "-",
            UnOp::BNot => "~",
            UnOp::Not => "not",
            UnOp::Len => "#",
        }
    }
}

macro_rules! binops {
    ($( $name:ident $text:literal $left:literal $right:literal; )*) => {
        /// Binary operators.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum BinOp { $( #[doc = concat!("`", $text, "`")] $name, )* }
        impl BinOp {
            /// As written.
            pub const fn symbol(self) -> &'static str {
                match self { $( BinOp::$name => $text, )* }
            }
            /// Binding strength to the left and to the right; they differ for right-associative operators.
            pub const fn priority(self) -> (u8, u8) {
                match self { $( BinOp::$name => ($left, $right), )* }
            }
        }
    };
}

binops! {
    Add "+" 10 10; Sub "-" 10 10; Mul "*" 11 11; Mod "%" 11 11; Pow "^" 14 13; Div "/" 11 11; IDiv "//" 11 11;
    BAnd "&" 6 6; BOr "|" 4 4; BXor "~" 5 5; Shl "<<" 7 7; Shr ">>" 7 7; Concat ".." 9 8;
    Eq "==" 3 3; Lt "<" 3 3; Le "<=" 3 3; Ne "~=" 3 3; Gt ">" 3 3; Ge ">=" 3 3; And "and" 2 2; Or "or" 1 1;
}

/// A function, the main chunk included.
#[derive(Clone, Debug, Default)]
pub struct Function {
    /// Line of `function`; 0 for the main chunk.
    pub line: u32,
    /// Line of its `end`; 0 for the main chunk.
    pub last_line: u32,
    /// Number of parameters; they are the first locals.
    pub num_params: u32,
    /// Line after `...`, when it takes any.
    pub vararg_line: Option<u32>,
    /// All local variables, in order of declaration.
    pub locals: Vec<Local>,
    /// Upvalues, in order of first use.
    pub upvals: Vec<Upval>,
    /// Labels.
    pub labels: Vec<Label>,
    /// Target of each `goto`.
    pub gotos: Vec<LabelId>,
    /// The statements.
    pub body: Block,
}

/// A local variable.
#[derive(Clone, Debug)]
pub struct Local {
    /// Its name.
    pub name: Sym,
    /// Its attribute.
    pub kind: VarKind,
    /// An inner function uses it, so it lives in a cell.
    pub captured: bool,
    /// Its value when it is a compile-time constant; then it has no register.
    pub value: Option<ConstValue>,
}

/// An upvalue.
#[derive(Clone, Debug)]
pub struct Upval {
    /// Its name.
    pub name: Sym,
    /// Where the enclosing function finds it.
    pub from: UpvalFrom,
    /// Attribute of the variable.
    pub kind: VarKind,
}

/// Source of an upvalue in the enclosing function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpvalFrom {
    /// A local variable.
    Local(LocalId),
    /// An upvalue.
    Upval(u8),
    /// Given by whoever loads the chunk (`_ENV` of the main chunk).
    Host,
}

/// A label.
#[derive(Clone, Debug)]
pub struct Label {
    /// Its name.
    pub name: Sym,
    /// Number of local variables in scope where it stands.
    pub level: u32,
    /// Only empty statements follow in its block, so that the block's locals count as out of scope.
    pub at_end: bool,
}

/// Statements in a scope of their own.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// The statements; empty ones are left out.
    pub stmts: Vec<Stmt>,
    /// Line after the last token of the block.
    pub end_line: u32,
}

/// A statement.
#[derive(Clone, Debug)]
pub enum Stmt {
    /// A call.
    Call(ExprId),
    /// `targets = values`
    Assign {
        /// Left side.
        targets: Box<[ExprId]>,
        /// Right side.
        values: Span,
    },
    /// `local names = values`
    Local {
        /// First variable; the others follow it.
        first: LocalId,
        /// Number of variables.
        count: u32,
        /// Initial values.
        values: Span,
        /// Line after the names and attributes.
        line: u32,
    },
    /// `local function name ... end`
    LocalFunction {
        /// The variable.
        local: LocalId,
        /// The function.
        func: ExprId,
        /// Its own body uses it.
        recursive: bool,
    },
    /// `function target ... end`
    Function {
        /// A variable or field.
        target: ExprId,
        /// The function.
        func: ExprId,
        /// Line of `function`.
        line: u32,
    },
    /// `do ... end`
    Do(Block),
    /// `while cond do ... end`
    While {
        /// The condition.
        cond: ExprId,
        /// Line of `do`.
        do_line: u32,
        /// The body.
        body: Block,
        /// Line of `end`.
        end_line: u32,
    },
    /// `repeat ... until cond`
    Repeat {
        /// The body; its locals are in scope in the condition.
        body: Block,
        /// The condition.
        cond: ExprId,
    },
    /// `if ... then ... elseif ... else ... end`
    If {
        /// Conditions with their blocks.
        clauses: Vec<Clause>,
        /// The `else` block.
        otherwise: Option<Block>,
    },
    /// `for var = start, limit, step do ... end`
    NumericFor(Box<NumericFor>),
    /// `for vars in values do ... end`
    GenericFor(Box<GenericFor>),
    /// `return values`
    Return {
        /// The values.
        values: Span,
        /// Line of `return`.
        line: u32,
    },
    /// `break`
    Break {
        /// Its line.
        line: u32,
    },
    /// `goto label`; the index leads to [`Function::gotos`].
    Goto {
        /// See above.
        index: u32,
        /// Line after it.
        line: u32,
    },
    /// `::label::`
    Label(LabelId),
}

/// A condition of an `if` with its block.
#[derive(Clone, Debug)]
pub struct Clause {
    /// The condition.
    pub cond: ExprId,
    /// Line of `then`.
    pub then_line: u32,
    /// The block.
    pub body: Block,
}

/// A numeric loop.
#[derive(Clone, Debug)]
pub struct NumericFor {
    /// First of three hidden control variables; the loop variable follows them.
    pub first: LocalId,
    /// Initial value, limit and, when given, step.
    pub values: Span,
    /// Line of `for`.
    pub line: u32,
    /// Line of `do`.
    pub do_line: u32,
    /// Line of `end`.
    pub end_line: u32,
    /// The body.
    pub body: Block,
}

/// A generic loop.
#[derive(Clone, Debug)]
pub struct GenericFor {
    /// First of four hidden control variables; the loop variables follow them.
    pub first: LocalId,
    /// Number of loop variables.
    pub count: u32,
    /// Iterator function, state, initial value, closing value.
    pub values: Span,
    /// Line of the token after `in`.
    pub line: u32,
    /// Line of `do`.
    pub do_line: u32,
    /// Line of `end`.
    pub end_line: u32,
    /// The body.
    pub body: Block,
}

impl Ast {
    /// The expression `id`.
    #[inline]
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }

    /// The elements of a list.
    #[inline]
    pub fn list(&self, span: Span) -> &[Item] {
        &self.items[span.range()]
    }

    /// The text of a symbol.
    pub fn name(&self, sym: Sym) -> &[u8] {
        self.names.get(sym)
    }
}
