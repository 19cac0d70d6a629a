//! Storage of a function in SSA form: flat vectors under typed indices.
//!
//! Blocks are laid out in the order they were created, hot ones first. Values, blocks and instructions are only ever
//! added; the results of one instruction have consecutive numbers.

use super::inst::{Inst, Opnd, Term};
use super::types::{Block, InstId, PReg, SrcLoc, StackSlot, Type, Value};

/// Where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValueDef {
    /// The n-th result of an instruction.
    Inst(InstId, u16),
    /// The n-th parameter of a block.
    Param(Block, u16),
}

/// A value's type and definition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ValueData {
    /// Type.
    pub ty: Type,
    /// Definition.
    pub def: ValueDef,
}

/// An instruction with its results and location.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InstNode {
    /// What it does.
    pub inst: Inst,
    /// The first result (meaningless without results).
    pub first_result: Value,
    /// How many results.
    pub num_results: u16,
    /// Source location.
    pub loc: SrcLoc,
}

impl InstNode {
    /// The results.
    pub fn results(&self) -> impl Iterator<Item = Value> + use<> {
        let first = self.first_result.0;
        (first..first + self.num_results as u32).map(Value)
    }
}

/// A basic block.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BlockData {
    /// Parameters. Those of the entry block are the function's.
    pub params: Vec<Value>,
    /// Instructions, without the terminator.
    pub insts: Vec<InstId>,
    /// How it ends; `None` only while the function is being built.
    pub term: Option<Term>,
    /// Location of the terminator.
    pub term_loc: SrcLoc,
    /// Laid out after all hot blocks.
    pub cold: bool,
    /// Runs so often that code for it may be large.
    pub often: bool,
}

/// A function in SSA form. Block 0 is the entry; nothing may jump to it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Function {
    /// Name, for people.
    pub name: String,
    /// The registers in which the entry block's parameters arrive.
    pub param_regs: Vec<PReg>,
    /// Blocks.
    pub blocks: Vec<BlockData>,
    /// Instructions.
    pub insts: Vec<InstNode>,
    /// Values.
    pub values: Vec<ValueData>,
    /// Sizes of the frame slots in bytes.
    pub stack_slots: Vec<u32>,
}

impl Function {
    /// An empty function with an entry block and its parameters.
    pub fn new(name: impl Into<String>, params: &[(Type, PReg)]) -> Function {
        let mut func = Function {
            name: name.into(),
            ..Function::default()
        };
        let entry = func.add_block();
        for &(ty, preg) in params {
            func.add_param(entry, ty);
            func.param_regs.push(preg);
        }
        func
    }

    /// The entry block.
    pub fn entry(&self) -> Block {
        Block(0)
    }

    /// Adds an empty block.
    pub fn add_block(&mut self) -> Block {
        self.blocks.push(BlockData::default());
        Block(self.blocks.len() as u32 - 1)
    }

    /// Adds a parameter to a block.
    pub fn add_param(&mut self, block: Block, ty: Type) -> Value {
        let n = self.blocks[block.index()].params.len() as u16;
        let v = self.add_value(ty, ValueDef::Param(block, n));
        self.blocks[block.index()].params.push(v);
        v
    }

    /// Adds a slot of the native frame.
    pub fn add_stack_slot(&mut self, bytes: u32) -> StackSlot {
        self.stack_slots.push(bytes);
        StackSlot(self.stack_slots.len() as u32 - 1)
    }

    /// Appends an instruction to a block; its results have the given types.
    pub fn add_inst(&mut self, block: Block, inst: Inst, tys: &[Type], loc: SrcLoc) -> InstId {
        let id = self.new_inst(inst, tys, loc);
        self.blocks[block.index()].insts.push(id);
        id
    }

    /// Makes an instruction that stands in no block yet; its results have the given types.
    pub fn new_inst(&mut self, inst: Inst, tys: &[Type], loc: SrcLoc) -> InstId {
        let id = InstId(self.insts.len() as u32);
        let first_result = Value(self.values.len() as u32);
        for (n, &ty) in tys.iter().enumerate() {
            self.add_value(ty, ValueDef::Inst(id, n as u16));
        }
        self.insts.push(InstNode {
            inst,
            first_result,
            num_results: tys.len() as u16,
            loc,
        });
        id
    }

    /// Makes a value; the caller puts it where its definition says.
    pub(crate) fn add_value(&mut self, ty: Type, def: ValueDef) -> Value {
        self.values.push(ValueData { ty, def });
        Value(self.values.len() as u32 - 1)
    }

    /// A value's type.
    #[inline]
    pub fn ty(&self, v: Value) -> Type {
        self.values[v.index()].ty
    }

    /// The instruction that defines a value, if one does.
    #[inline]
    pub fn def_inst(&self, v: Value) -> Option<&Inst> {
        match self.values[v.index()].def {
            ValueDef::Inst(id, _) => Some(&self.insts[id.index()].inst),
            ValueDef::Param(..) => None,
        }
    }

    /// The integer constant behind a value.
    pub fn as_iconst(&self, v: Value) -> Option<i64> {
        match self.def_inst(v) {
            Some(&Inst::Iconst(n)) => Some(n),
            _ => None,
        }
    }

    /// The integer an operand stands for, if it is constant.
    pub fn opnd_const(&self, o: Opnd) -> Option<i64> {
        match o {
            Opnd::Imm(n) => Some(n as i64),
            Opnd::Value(v) => self.as_iconst(v),
        }
    }

    /// The constant behind a double.
    pub fn as_fconst(&self, v: Value) -> Option<f64> {
        match self.def_inst(v) {
            Some(&Inst::Fconst(bits)) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }
}
