//! The opcode table. Everything that must know all opcodes is derived from this file.
//!
//! Notation: `R[x]` a register (home slot), `K[x]` a constant, `U[x]` an upvalue cell, `RK(x)` register `x` or constant
//! `x - 256`, `D`/`sD` the 32-bit operand, `pc += sD` a jump counted from the following instruction, `ic d` the instruction's
//! inline cache. "captured" locals live in heap cells from their declaration on, so registers are never aliased.

/// How an operand is used; drives listing, verifier and liveness.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Not used; must be zero.
    No,
    /// Register read.
    R,
    /// Register written (read first by nobody).
    W,
    /// Register read, then written.
    RW,
    /// Register or constant, read.
    RK,
    /// Constant of any kind.
    K,
    /// String constant.
    KS,
    /// Number constant.
    KN,
    /// Upvalue index.
    U,
    /// Unsigned count or flag; the opcode's comment says which registers follow from it.
    N,
    /// Signed immediate.
    I,
    /// Inline cache or feedback index, or `NO_CACHE`.
    Ic,
    /// Takes the whole 32 bits of `c` and `d`: jump distance.
    Jump,
    /// 32-bit signed immediate.
    Imm32,
    /// 32-bit constant index.
    K32,
    /// 32-bit child prototype index.
    P32,
    /// 32-bit count.
    N32,
}

/// Table row of one opcode.
#[derive(Clone, Copy, Debug)]
pub struct OpInfo {
    /// Name as listed.
    pub name: &'static str,
    /// Modes of `a`, `b`, `c`, `d`; when `c` is a 32-bit mode, `d` is `No`.
    pub modes: [Mode; 4],
    /// Registers read or written beyond the plain operands.
    pub extra: Extra,
    /// What it does, in register notation.
    pub doc: &'static str,
}

/// Register effects that the operand modes alone do not say (see `bytecode::liveness`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extra {
    /// Nothing more.
    None,
    /// Writes `R[a]..=R[a+b]`.
    NilRange,
    /// Writes `R[a]` and `R[a+1]`.
    SelfPair,
    /// Reads `R[a]..R[a+b]` (b values, from a itself), writes `R[a]`.
    ConcatRange,
    /// Reads the table `R[a]` and `R[a+1]..=R[a+b]` (`b = 0`: up to top).
    SetList,
    /// Reads `R[a]..R[a+b]` (function and b-1 arguments; `b = 0`: up to top), writes `R[a]..R[a+c-1]` (`c = 0`: open).
    Call,
    /// Reads `R[a]..R[a+b]` (`b = 0`: up to top) and leaves.
    TailCall,
    /// Reads `R[a]..R[a+b-1]` (`b = 0`: up to top) and leaves.
    Return,
    /// Reads `R[a]..=R[a+2]`, writes `R[a]..=R[a+3]`; may skip the loop.
    ForPrep,
    /// Reads `R[a]..=R[a+2]`, writes `R[a]`, `R[a+3]`.
    ForLoop,
    /// Reads `R[a]..=R[a+3]` (the closing value becomes to-be-closed).
    TForPrep,
    /// Reads `R[a]..=R[a+2]` (and `R[a+3]` stays live), writes `R[a+4]..R[a+4+c]`.
    TForCall,
    /// Reads `R[a+4]`; on a jump writes `R[a+2]`.
    TForLoop,
    /// Writes `R[a]..R[a+c-1]` (`c = 0`: open).
    VarArg,
    /// Prologue of a vararg function; moves the fixed parameters.
    VarArgPrep,
    /// Reads the registers named by the child's upvalue descriptors (cells of this frame), writes `R[a]`.
    Closure,
    /// All registers from `a` up may be to-be-closed variables.
    Close,
}

macro_rules! opcodes {
    ($( $name:ident $text:literal [$a:ident $b:ident $c:ident $d:ident] $extra:ident $doc:literal; )*) => {
        /// An opcode.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Op { $( #[doc = concat!("`", $doc, "`")] $name, )* }
        /// Number of opcodes.
        pub const OP_COUNT: usize = [$( Op::$name ),*].len();
        /// All opcodes in numeric order.
        pub const ALL_OPS: [Op; OP_COUNT] = [$( Op::$name ),*];
        /// The table itself, indexed by opcode number.
        pub const OP_INFO: [OpInfo; OP_COUNT] = [$( OpInfo {
            name: $text, modes: [Mode::$a, Mode::$b, Mode::$c, Mode::$d], extra: Extra::$extra, doc: $doc,
        } ),*];
    };
}

opcodes! {
    // --- moves and loads
    Move       "MOVE"       [W R No No]     None       "R[a] := R[b]";
    LoadI      "LOADI"      [W No Imm32 No] None       "R[a] := integer sD";
    LoadF      "LOADF"      [W No Imm32 No] None       "R[a] := float sD";
    LoadK      "LOADK"      [W No K32 No]   None       "R[a] := K[D]";
    LoadNil    "LOADNIL"    [W N No No]     NilRange   "R[a], ..., R[a+b] := nil";
    LoadFalse  "LOADFALSE"  [W No No No]    None       "R[a] := false";
    LoadTrue   "LOADTRUE"   [W No No No]    None       "R[a] := true";
    LFalseSkip "LFALSESKIP" [W No No No]    None       "R[a] := false; pc += 1";
    // --- captured locals and upvalues
    NewCell    "NEWCELL"    [RW No No No]   None       "R[a] := cell(R[a])";
    GetCell    "GETCELL"    [W R No No]     None       "R[a] := R[b].cell";
    SetCell    "SETCELL"    [R No RK No]    None       "R[a].cell := RK(c)";
    GetUpval   "GETUPVAL"   [W U No No]     None       "R[a] := U[b]";
    SetUpval   "SETUPVAL"   [No U RK No]    None       "U[b] := RK(c)";
    // --- tables
    GetTabUp   "GETTABUP"   [W U KS Ic]     None       "R[a] := U[b][K[c]], ic d";
    SetTabUp   "SETTABUP"   [U KS RK Ic]    None       "U[a][K[b]] := RK(c), ic d";
    GetTable   "GETTABLE"   [W R R Ic]      None       "R[a] := R[b][R[c]], feedback d";
    GetI       "GETI"       [W R N Ic]      None       "R[a] := R[b][c]";
    GetField   "GETFIELD"   [W R KS Ic]     None       "R[a] := R[b][K[c]], ic d";
    SetTable   "SETTABLE"   [R R RK Ic]     None       "R[a][R[b]] := RK(c), feedback d";
    SetI       "SETI"       [R N RK Ic]     None       "R[a][b] := RK(c)";
    SetField   "SETFIELD"   [R KS RK Ic]    None       "R[a][K[b]] := RK(c), ic d";
    NewTable   "NEWTABLE"   [W N N Ic]      None       "R[a] := {} (b: stores with keys in the constructor; c: expected array elements), ic d";
    SelfGet    "SELF"       [W R KS Ic]     SelfPair   "R[a+1] := R[b]; R[a] := R[b][K[c]], ic d";
    SetList    "SETLIST"    [R N N32 No]    SetList    "R[a][D+i] := R[a+i], 1 <= i <= b (b = 0: up to top)";
    // --- arithmetic and bitwise operations on registers
    Add        "ADD"        [W R R Ic]      None       "R[a] := R[b] + R[c]";
    Sub        "SUB"        [W R R Ic]      None       "R[a] := R[b] - R[c]";
    Mul        "MUL"        [W R R Ic]      None       "R[a] := R[b] * R[c]";
    Mod        "MOD"        [W R R Ic]      None       "R[a] := R[b] % R[c]";
    Pow        "POW"        [W R R Ic]      None       "R[a] := R[b] ^ R[c]";
    Div        "DIV"        [W R R Ic]      None       "R[a] := R[b] / R[c]";
    IDiv       "IDIV"       [W R R Ic]      None       "R[a] := R[b] // R[c]";
    BAnd       "BAND"       [W R R Ic]      None       "R[a] := R[b] & R[c]";
    BOr        "BOR"        [W R R Ic]      None       "R[a] := R[b] | R[c]";
    BXor       "BXOR"       [W R R Ic]      None       "R[a] := R[b] ~ R[c]";
    Shl        "SHL"        [W R R Ic]      None       "R[a] := R[b] << R[c]";
    Shr        "SHR"        [W R R Ic]      None       "R[a] := R[b] >> R[c]";
    // --- the same with a number constant; d bit 0: the constant is the left operand (commutative operations only)
    AddK       "ADDK"       [W R KN N]      None       "R[a] := R[b] + K[c] (d & 1: K[c] + R[b])";
    SubK       "SUBK"       [W R KN N]      None       "R[a] := R[b] - K[c]";
    MulK       "MULK"       [W R KN N]      None       "R[a] := R[b] * K[c] (d & 1: K[c] * R[b])";
    ModK       "MODK"       [W R KN N]      None       "R[a] := R[b] % K[c]";
    PowK       "POWK"       [W R KN N]      None       "R[a] := R[b] ^ K[c]";
    DivK       "DIVK"       [W R KN N]      None       "R[a] := R[b] / K[c]";
    IDivK      "IDIVK"      [W R KN N]      None       "R[a] := R[b] // K[c]";
    BAndK      "BANDK"      [W R KN N]      None       "R[a] := R[b] & K[c] (d & 1: K[c] & R[b])";
    BOrK       "BORK"       [W R KN N]      None       "R[a] := R[b] | K[c] (d & 1: K[c] | R[b])";
    BXorK      "BXORK"      [W R KN N]      None       "R[a] := R[b] ~ K[c] (d & 1: K[c] ~ R[b])";
    ShlK       "SHLK"       [W R KN N]      None       "R[a] := R[b] << K[c]";
    ShrK       "SHRK"       [W R KN N]      None       "R[a] := R[b] >> K[c]";
    AddI       "ADDI"       [W R I N]       None       "R[a] := R[b] + sc (d & 1: sc + R[b]; d & 2: written R[b] - (-sc), metamethod __sub)";
    Unm        "UNM"        [W R No No]     None       "R[a] := -R[b]";
    BNot       "BNOT"       [W R No No]     None       "R[a] := ~R[b]";
    Not        "NOT"        [W R No No]     None       "R[a] := not R[b]";
    Len        "LEN"        [W R No No]     None       "R[a] := #R[b]";
    Concat     "CONCAT"     [RW N No No]    ConcatRange "R[a] := R[a] .. ... .. R[a+b-1]";
    // --- control
    Jmp        "JMP"        [No No Jump No] None       "pc += sD";
    Close      "CLOSE"      [N No No No]    Close      "close to-be-closed variables >= R[a]";
    Tbc        "TBC"        [R No No No]    None       "mark R[a] to-be-closed";
    JmpT       "JMPT"       [R No Jump No]  None       "if R[a] then pc += sD";
    JmpF       "JMPF"       [R No Jump No]  None       "if not R[a] then pc += sD";
    JmpTSet    "JMPTSET"    [W R Jump No]   None       "if R[b] then R[a] := R[b]; pc += sD";
    JmpFSet    "JMPFSET"    [W R Jump No]   None       "if not R[b] then R[a] := R[b]; pc += sD";
    JmpEq      "JMPEQ"      [R R Jump No]   None       "if R[a] == R[b] then pc += sD";
    JmpNe      "JMPNE"      [R R Jump No]   None       "if not (R[a] == R[b]) then pc += sD";
    JmpLt      "JMPLT"      [R R Jump No]   None       "if R[a] < R[b] then pc += sD";
    JmpNlt     "JMPNLT"     [R R Jump No]   None       "if not (R[a] < R[b]) then pc += sD";
    JmpLe      "JMPLE"      [R R Jump No]   None       "if R[a] <= R[b] then pc += sD";
    JmpNle     "JMPNLE"     [R R Jump No]   None       "if not (R[a] <= R[b]) then pc += sD";
    JmpEqK     "JMPEQK"     [R K Jump No]   None       "if R[a] == K[b] then pc += sD (no metamethod)";
    JmpNeK     "JMPNEK"     [R K Jump No]   None       "if not (R[a] == K[b]) then pc += sD (no metamethod)";
    JmpEqI     "JMPEQI"     [R I Jump No]   None       "if R[a] == sb then pc += sD";
    JmpNeI     "JMPNEI"     [R I Jump No]   None       "if not (R[a] == sb) then pc += sD";
    JmpLtI     "JMPLTI"     [R I Jump No]   None       "if R[a] < sb then pc += sD";
    JmpNltI    "JMPNLTI"    [R I Jump No]   None       "if not (R[a] < sb) then pc += sD";
    JmpLeI     "JMPLEI"     [R I Jump No]   None       "if R[a] <= sb then pc += sD";
    JmpNleI    "JMPNLEI"    [R I Jump No]   None       "if not (R[a] <= sb) then pc += sD";
    JmpGtI     "JMPGTI"     [R I Jump No]   None       "if R[a] > sb then pc += sD (metamethod: sb < R[a])";
    JmpNgtI    "JMPNGTI"    [R I Jump No]   None       "if not (R[a] > sb) then pc += sD";
    JmpGeI     "JMPGEI"     [R I Jump No]   None       "if R[a] >= sb then pc += sD (metamethod: sb <= R[a])";
    JmpNgeI    "JMPNGEI"    [R I Jump No]   None       "if not (R[a] >= sb) then pc += sD";
    // --- calls and loops
    Call       "CALL"       [R N N Ic]      Call       "R[a], ..., R[a+c-2] := R[a](R[a+1], ..., R[a+b-1]), feedback d";
    TailCall   "TAILCALL"   [R N N Ic]      TailCall   "return R[a](R[a+1], ..., R[a+b-1]) (c = 1: function has to-be-closed variables)";
    Return     "RETURN"     [R N N No]      Return     "return R[a], ..., R[a+b-2] (b = 0: up to top; c = 1: close variables first)";
    Return0    "RETURN0"    [No No No No]   None       "return";
    Return1    "RETURN1"    [R No No No]    None       "return R[a]";
    ForPrep    "FORPREP"    [RW No Jump No] ForPrep    "check and prepare the numeric loop at R[a]; if it runs no iteration pc += sD + 1 (sD: to its FORLOOP)";
    ForLoop    "FORLOOP"    [RW No Jump No] ForLoop    "update counters; if the loop continues pc += sD (backwards, to the body)";
    TForPrep   "TFORPREP"   [R No Jump No]  TForPrep   "R[a+3] becomes to-be-closed; pc += sD (to TFORCALL)";
    TForCall   "TFORCALL"   [R No N Ic]     TForCall   "R[a+4], ..., R[a+3+c] := R[a](R[a+1], R[a+2]), feedback d";
    TForLoop   "TFORLOOP"   [R No Jump No]  TForLoop   "if R[a+4] ~= nil then R[a+2] := R[a+4]; pc += sD (backwards)";
    VarArg     "VARARG"     [W No N No]     VarArg     "R[a], ..., R[a+c-2] := ... (c = 0: all, sets top)";
    VarArgPrep "VARARGPREP" [N No No No]    VarArgPrep "adjust the frame of a vararg function with a fixed parameters";
    Closure    "CLOSURE"    [W No P32 No]   Closure    "R[a] := closure(P[D])";
}

impl Op {
    /// Decodes an opcode byte.
    #[inline]
    pub const fn from_byte(b: u8) -> Option<Op> {
        if (b as usize) < OP_COUNT {
            Some(ALL_OPS[b as usize])
        } else {
            None
        }
    }
    /// The table row.
    #[inline]
    pub const fn info(self) -> &'static OpInfo {
        &OP_INFO[self as usize]
    }
    /// The metamethod event of an arithmetic, bitwise, unary, concat or length opcode. `AddI` with `d & 2` is [`Event::Sub`].
    pub const fn event(self) -> Option<Event> {
        Some(match self {
            Op::Add | Op::AddK | Op::AddI => Event::Add,
            Op::Sub | Op::SubK => Event::Sub,
            Op::Mul | Op::MulK => Event::Mul,
            Op::Mod | Op::ModK => Event::Mod,
            Op::Pow | Op::PowK => Event::Pow,
            Op::Div | Op::DivK => Event::Div,
            Op::IDiv | Op::IDivK => Event::IDiv,
            Op::BAnd | Op::BAndK => Event::BAnd,
            Op::BOr | Op::BOrK => Event::BOr,
            Op::BXor | Op::BXorK => Event::BXor,
            Op::Shl | Op::ShlK => Event::Shl,
            Op::Shr | Op::ShrK => Event::Shr,
            Op::Unm => Event::Unm,
            Op::BNot => Event::BNot,
            Op::Len => Event::Len,
            Op::Concat => Event::Concat,
            _ => return None,
        })
    }
    /// True for instructions whose `D` is a jump distance.
    pub const fn is_jump(self) -> bool {
        matches!(self.info().modes[2], Mode::Jump)
    }
}

macro_rules! events {
    ($( $name:ident $text:literal; )*) => {
        /// Metamethod events, in the reference's order.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Event { $( #[doc = $text] $name, )* }
        /// Metamethod names (`"__index"`, ...), indexed by event.
        pub const EVENT_NAMES: [&str; [$( Event::$name ),*].len()] = [$( $text ),*];
        /// All events in order.
        pub const ALL_EVENTS: [Event; EVENT_NAMES.len()] = [$( Event::$name ),*];
    };
}

events! {
    Index "__index"; NewIndex "__newindex"; Gc "__gc"; Mode "__mode"; Len "__len"; Eq "__eq";
    Add "__add"; Sub "__sub"; Mul "__mul"; Mod "__mod"; Pow "__pow"; Div "__div"; IDiv "__idiv";
    BAnd "__band"; BOr "__bor"; BXor "__bxor"; Shl "__shl"; Shr "__shr"; Unm "__unm"; BNot "__bnot";
    Lt "__lt"; Le "__le"; Concat "__concat"; Call "__call"; Close "__close";
    Metatable "__metatable"; Name "__name"; ToString "__tostring"; Pairs "__pairs";
}

const _: () = assert!(
    OP_COUNT <= 128,
    "the upper half is reserved for quickened superinstructions"
);
