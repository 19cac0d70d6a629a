//! The machine code that is timed: a loop around copies of the code under test, and the links between them.
//!
//! A link makes an input wait for outputs without taking their values: each output is ANDed with zero (which no
//! processor treats as independent of its operand) and ORed into the input's next value, loaded from a pool: two cycles
//! that the chain of links alone, timed by itself, gives back. Links that cross between general and vector registers
//! cost the transfer as well, which stays in the result.
//!
//! The loop keeps its counters in memory, so every register is the code's own. It runs twice; the second pass counts.
//!
//! Where values are to vary ([`Order::Drawn`]), each copy draws the row of its values: the square of a Weyl sequence that
//! starts at the time stamp, in two registers that the code must leave alone. No branch on such values can be learned.

use iced_x86::{
    Code, Encoder, Instruction, InstructionInfoFactory, MemoryOperand, OpAccess, Register,
};

use super::{Harness, Input, MAX_VALUES, MeasureError, Order, Quantity, Value};
use crate::native::{Region, State};

/// Counters, time stamps and input values of a loop. Below 2 GiB, for absolute addressing.
pub const REGION: Region = Region::writable(0x2e00_0000, 4096);
const PASSES: u64 = 0;
const COUNT: u64 = 8;
const START: u64 = 16;
const TICKS: u64 = 24;
const ZERO: u64 = 32;
const POOL: u64 = 128;
const SLOT: u64 = 32;
/// The Weyl sequence of drawn rows, and its step: 2^32 by the golden ratio (Knuth, TAOCP 3, 6.4).
const WEYL: Register = Register::R15;
const WEYL_STEP: u32 = 0x9e37_79b9;
/// The offset of the drawn row in an input's slots.
const ROW: Register = Register::R14;

/// The result of a loop.
pub fn ticks(state: &State) -> u64 {
    let bytes = &state.memory[TICKS as usize..TICKS as usize + 8];
    bytes
        .iter()
        .rev()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// A register by where it lives, whatever part of it is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Home {
    Integer(usize),
    Vector(usize),
}

impl Home {
    fn of(register: Register) -> Option<Home> {
        let number = register.full_register().number();
        match register {
            _ if register.is_gpr() => Some(Home::Integer(number)),
            _ if register.is_vector_register() && number < 16 => Some(Home::Vector(number)),
            _ => None,
        }
    }

    fn register(self) -> Register {
        match self {
            Home::Integer(number) => Home::integer(number),
            Home::Vector(number) => Home::ymm(number),
        }
    }

    fn integer(number: usize) -> Register {
        Register::RAX + number as u32
    }

    fn xmm(number: usize) -> Register {
        Register::XMM0 + number as u32
    }

    fn ymm(number: usize) -> Register {
        Register::YMM0 + number as u32
    }
}

struct PlannedInput {
    home: Home,
    values: Vec<Value>,
    /// Index of its first pool slot.
    slot: usize,
    waits_for: Vec<Home>,
    /// Whether each copy must give it its value again.
    reload: bool,
}

/// A piece of code with its inputs resolved, ready to be built into loops.
pub struct LoopPlan {
    /// Empty when only the links are timed.
    code: Vec<u8>,
    inputs: Vec<PlannedInput>,
    /// Outputs that inputs wait for.
    sources: Vec<Home>,
    /// VEX forms for the links, as the code has them; mixing costs on some processors.
    vex: bool,
    /// Which row of values a copy gets.
    order: Order,
}

impl LoopPlan {
    /// Checks the inputs. With `links_only` the links are kept and the code is left out, each input waiting for itself.
    pub fn new(
        harness: &Harness,
        code: &[u8],
        body: &[Instruction],
        links_only: bool,
    ) -> Result<LoopPlan, MeasureError> {
        let written = written(body);
        let linked = harness.quantity == Quantity::Latency;
        let mut slot = 0;
        let mut inputs = Vec::with_capacity(harness.inputs.len());
        for input in &harness.inputs {
            let planned = plan_input(input, slot, linked)?;
            slot += planned.values.len();
            if slot as u64 > (REGION.bytes as u64 - POOL) / SLOT {
                return Err(MeasureError::Values(input.register));
            }
            inputs.push(planned);
        }
        if links_only {
            inputs.retain(|input| !input.waits_for.is_empty());
            inputs
                .iter_mut()
                .for_each(|input| input.waits_for = vec![input.home]);
        }
        let mut sources: Vec<Home> = Vec::new();
        for &source in inputs.iter().flat_map(|input| &input.waits_for) {
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
        if linked && sources.is_empty() {
            return Err(MeasureError::NoLink);
        }
        for input in &inputs {
            let crosses = input
                .waits_for
                .iter()
                .any(|&source| !same_kind(source, input.home));
            if crosses && sources.contains(&input.home) {
                return Err(MeasureError::Register(input.home.register()));
            }
        }
        for input in &mut inputs {
            let overwritten = written.contains(&input.home) || sources.contains(&input.home);
            input.reload = overwritten && input.waits_for.is_empty();
        }
        if harness.order == Order::Drawn {
            drawn(&inputs, &written)?;
        }
        let vex = body
            .iter()
            .any(|instruction| instruction.encoding() != iced_x86::EncodingKind::Legacy);
        let code = if links_only {
            Vec::new()
        } else {
            code.to_vec()
        };
        Ok(LoopPlan {
            code,
            inputs,
            sources,
            vex,
            order: harness.order,
        })
    }

    /// Copies for the shorter loop: enough to hide the loop's own chain, few enough for the first-level caches.
    pub fn copies(&self) -> usize {
        const LOOP_BYTES: usize = 2048;
        const LEAST: usize = 8;
        const MOST: usize = 64;
        let mut assembler = Assembler::new();
        self.copy(0, &mut assembler);
        (LOOP_BYTES / assembler.bytes.len().max(1)).clamp(LEAST, MOST)
    }

    /// The state a loop starts from.
    pub fn state(&self, memory: &[u8]) -> State {
        let mut state = State::zero(REGION.bytes);
        for input in &self.inputs {
            for (index, value) in input.values.iter().enumerate() {
                let at = (POOL + SLOT * (input.slot + index) as u64) as usize;
                match value {
                    Value::Integer(value) => {
                        state.memory[at..at + 8].copy_from_slice(&value.to_le_bytes());
                    }
                    Value::Vector(bytes) => state.memory[at..at + 32].copy_from_slice(bytes),
                }
            }
            match (input.home, input.values[0]) {
                (Home::Integer(number), Value::Integer(value)) => state.gpr[number] = value,
                (Home::Vector(number), Value::Vector(value)) => state.ymm[number] = value,
                _ => unreachable!("`plan_input` refused values of the wrong kind"),
            }
        }
        state.memory.extend_from_slice(memory);
        state
    }

    /// A program that times `iterations` of `copies` copies, its loop starting `alignment` bytes into a cache line.
    pub fn build(&self, copies: usize, iterations: u32, alignment: usize) -> Vec<u8> {
        const CACHE_LINE: usize = 64;
        let mut assembler = Assembler::new();
        assembler.store_imm(PASSES, 2);
        let pass = assembler.bytes.len();
        assembler.store_imm(COUNT, iterations);
        if !self.vex {
            assembler.put(Instruction::with(Code::VEX_Vzeroupper));
        }
        assembler.time_stamp(Code::Rdtsc);
        assembler.put2(Code::Mov_rm64_r64, at(START), Register::RAX);
        if self.order == Order::Drawn {
            assembler.put2(Code::Mov_r64_rm64, WEYL, Register::RAX);
            self.draw(&mut assembler);
        }
        for input in &self.inputs {
            self.load(input, 0, &mut assembler);
        }
        while assembler.bytes.len() % CACHE_LINE != alignment % CACHE_LINE {
            assembler.bytes.push(0x90);
        }
        let start = assembler.bytes.len();
        for copy in 0..copies {
            self.copy(copy, &mut assembler);
        }
        assembler.decrement_and_loop(COUNT, start);
        assembler.time_stamp(Code::Rdtscp);
        assembler.put2(Code::Sub_r64_rm64, Register::RAX, at(START));
        assembler.put2(Code::Mov_rm64_r64, at(TICKS), Register::RAX);
        assembler.decrement_and_loop(PASSES, pass);
        assembler.bytes
    }

    /// The code once, and the links from it to the next.
    fn copy(&self, copy: usize, assembler: &mut Assembler) {
        assembler.bytes.extend_from_slice(&self.code);
        if self.order == Order::Drawn {
            self.draw(assembler);
        }
        for &source in &self.sources {
            self.and_zero(source, assembler);
        }
        // Inputs that are nobody's source first; the sources keep their zeros until all have been read.
        let (sources, others): (Vec<&PlannedInput>, Vec<&PlannedInput>) = self
            .inputs
            .iter()
            .filter(|input| !input.waits_for.is_empty())
            .partition(|input| self.sources.contains(&input.home));
        for input in others {
            let mut waits_for = input.waits_for.iter().copied();
            let crossing = waits_for
                .clone()
                .find(|source| !same_kind(*source, input.home));
            if let Some(source) = crossing {
                self.transfer(input.home, source, assembler);
                self.and_zero(input.home, assembler);
                self.or_pool(input, copy, assembler);
            } else {
                self.load(input, copy + 1, assembler);
            }
            waits_for
                .by_ref()
                .filter(|source| same_kind(*source, input.home))
                .for_each(|source| self.or(input.home, source, assembler));
        }
        for input in &sources {
            let waits_for = input.waits_for.iter().copied();
            waits_for
                .filter(|&source| source != input.home && same_kind(source, input.home))
                .for_each(|source| self.or(input.home, source, assembler));
        }
        for input in &sources {
            self.or_pool(input, copy, assembler);
        }
        for input in self.inputs.iter().filter(|input| input.reload) {
            self.load(input, copy + 1, assembler);
        }
    }

    fn slot(&self, input: &PlannedInput, copy: usize) -> MemoryOperand {
        match self.order {
            Order::InTurn => at(POOL + SLOT * (input.slot + copy % input.values.len()) as u64),
            Order::Drawn => {
                let first = REGION.address + POOL + SLOT * input.slot as u64;
                MemoryOperand::with_base_displ_size(ROW, first as i64, 8)
            }
        }
    }

    /// The next row: high bits of the square of the next member of the sequence.
    fn draw(&self, assembler: &mut Assembler) {
        const ROWS: u32 = MAX_VALUES as u32;
        let (shift, mask) = (32 - ROWS.ilog2() - SLOT.ilog2(), (ROWS - 1) * SLOT as u32);
        let row = ROW.full_register32();
        let step = MemoryOperand::with_base_displ_size(WEYL, i64::from(WEYL_STEP as i32), 8);
        assembler.put2(Code::Lea_r32_m, WEYL.full_register32(), step);
        assembler.put2(Code::Mov_r32_rm32, row, WEYL.full_register32());
        assembler.put2(Code::Imul_r32_rm32, row, row);
        assembler.put(known(Instruction::with2(Code::Shr_rm32_imm8, row, shift)));
        assembler.put(known(Instruction::with2(Code::And_rm32_imm32, row, mask)));
    }

    fn load(&self, input: &PlannedInput, copy: usize, assembler: &mut Assembler) {
        let slot = self.slot(input, copy);
        match input.home {
            Home::Integer(number) => {
                assembler.put2(Code::Mov_r64_rm64, Home::integer(number), slot)
            }
            Home::Vector(number) if self.vex => {
                assembler.put2(Code::VEX_Vmovdqu_ymm_ymmm256, Home::ymm(number), slot);
            }
            Home::Vector(number) => {
                assembler.put2(Code::Movdqu_xmm_xmmm128, Home::xmm(number), slot)
            }
        }
    }

    /// Zero that waits for the register.
    fn and_zero(&self, home: Home, assembler: &mut Assembler) {
        match home {
            Home::Integer(number) => {
                assembler.put(known(Instruction::with2(
                    Code::And_rm64_imm8,
                    Home::integer(number),
                    0,
                )));
            }
            Home::Vector(number) => self.vector(Bitwise::And, number, at(ZERO), assembler),
        }
    }

    fn or_pool(&self, input: &PlannedInput, copy: usize, assembler: &mut Assembler) {
        let slot = self.slot(input, copy + 1);
        match input.home {
            Home::Integer(number) => assembler.put2(Code::Or_r64_rm64, Home::integer(number), slot),
            Home::Vector(number) => self.vector(Bitwise::Or, number, slot, assembler),
        }
    }

    fn or(&self, home: Home, source: Home, assembler: &mut Assembler) {
        match (home, source) {
            (Home::Integer(to), Home::Integer(from)) => {
                assembler.put2(Code::Or_r64_rm64, Home::integer(to), Home::integer(from));
            }
            (Home::Vector(to), Home::Vector(from)) if self.vex => {
                assembler.put(known(Instruction::with3(
                    Code::VEX_Vpor_ymm_ymm_ymmm256,
                    Home::ymm(to),
                    Home::ymm(to),
                    Home::ymm(from),
                )))
            }
            (Home::Vector(to), Home::Vector(from)) => {
                assembler.put2(Code::Por_xmm_xmmm128, Home::xmm(to), Home::xmm(from));
            }
            _ => unreachable!("the callers pass registers of one kind"),
        }
    }

    fn vector(
        &self,
        what: Bitwise,
        number: usize,
        operand: MemoryOperand,
        assembler: &mut Assembler,
    ) {
        let ymm = Home::ymm(number);
        match (what, self.vex) {
            (Bitwise::And, true) => assembler.put(known(Instruction::with3(
                Code::VEX_Vpand_ymm_ymm_ymmm256,
                ymm,
                ymm,
                operand,
            ))),
            (Bitwise::Or, true) => assembler.put(known(Instruction::with3(
                Code::VEX_Vpor_ymm_ymm_ymmm256,
                ymm,
                ymm,
                operand,
            ))),
            (Bitwise::And, false) => {
                assembler.put2(Code::Pand_xmm_xmmm128, Home::xmm(number), operand)
            }
            (Bitwise::Or, false) => {
                assembler.put2(Code::Por_xmm_xmmm128, Home::xmm(number), operand)
            }
        }
    }

    fn transfer(&self, to: Home, from: Home, assembler: &mut Assembler) {
        match (to, from) {
            (Home::Integer(to), Home::Vector(from)) => {
                let code = if self.vex {
                    Code::VEX_Vmovq_rm64_xmm
                } else {
                    Code::Movq_rm64_xmm
                };
                assembler.put2(code, Home::integer(to), Home::xmm(from));
            }
            (Home::Vector(to), Home::Integer(from)) => {
                let code = if self.vex {
                    Code::VEX_Vmovq_xmm_rm64
                } else {
                    Code::Movq_xmm_rm64
                };
                assembler.put2(code, Home::xmm(to), Home::integer(from));
            }
            _ => unreachable!("the caller passes registers of both kinds"),
        }
    }
}

#[derive(Clone, Copy)]
enum Bitwise {
    And,
    Or,
}

fn same_kind(a: Home, b: Home) -> bool {
    matches!(a, Home::Integer(_)) == matches!(b, Home::Integer(_))
}

fn plan_input(input: &Input, slot: usize, linked: bool) -> Result<PlannedInput, MeasureError> {
    let home = Home::of(input.register).ok_or(MeasureError::Register(input.register))?;
    let right_kind = |value: &Value| match value {
        Value::Integer(_) => matches!(home, Home::Integer(_)),
        Value::Vector(_) => matches!(home, Home::Vector(_)),
    };
    let right_number = (1..=MAX_VALUES).contains(&input.values.len());
    if !right_number || !input.values.iter().all(right_kind) {
        return Err(MeasureError::Values(input.register));
    }
    let sources = if linked {
        input.waits_for.as_slice()
    } else {
        &[]
    };
    let source = |&register: &Register| Home::of(register).ok_or(MeasureError::Register(register));
    let waits_for = sources
        .iter()
        .map(source)
        .collect::<Result<Vec<Home>, MeasureError>>()?;
    Ok(PlannedInput {
        home,
        values: input.values.clone(),
        slot,
        waits_for,
        reload: false,
    })
}

/// Checks that rows can be drawn: as many values as rows, and the registers for it free.
fn drawn(inputs: &[PlannedInput], written: &[Home]) -> Result<(), MeasureError> {
    for input in inputs {
        if input.values.len() != MAX_VALUES {
            return Err(MeasureError::Values(input.home.register()));
        }
    }
    for own in [WEYL, ROW] {
        let taken = |home: &Home| Home::of(own) == Some(*home);
        if written.iter().any(taken) || inputs.iter().any(|input| taken(&input.home)) {
            return Err(MeasureError::Register(own));
        }
    }
    Ok(())
}

/// The registers a piece of code may write.
fn written(body: &[Instruction]) -> Vec<Home> {
    let mut factory = InstructionInfoFactory::new();
    let mut homes = Vec::new();
    for instruction in body {
        for used in factory.info(instruction).used_registers() {
            let writes = !matches!(
                used.access(),
                OpAccess::None | OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess
            );
            if let (true, Some(home)) = (writes, Home::of(used.register())) {
                homes.push(home);
            }
        }
    }
    homes
}

/// `offset` bytes into [`REGION`].
fn at(offset: u64) -> MemoryOperand {
    MemoryOperand::with_displ(REGION.address + offset, 8)
}

/// An instruction of this module's own making, whose operands are right for its code.
fn known(instruction: Result<Instruction, iced_x86::IcedError>) -> Instruction {
    instruction.expect("this module gives its codes operands that fit")
}

/// Two operands of an instruction, so that one call serves every mix of registers and memory.
trait Operands {
    fn instruction(self, code: Code) -> Result<Instruction, iced_x86::IcedError>;
}

impl Operands for (Register, Register) {
    fn instruction(self, code: Code) -> Result<Instruction, iced_x86::IcedError> {
        Instruction::with2(code, self.0, self.1)
    }
}

impl Operands for (Register, MemoryOperand) {
    fn instruction(self, code: Code) -> Result<Instruction, iced_x86::IcedError> {
        Instruction::with2(code, self.0, self.1)
    }
}

impl Operands for (MemoryOperand, Register) {
    fn instruction(self, code: Code) -> Result<Instruction, iced_x86::IcedError> {
        Instruction::with2(code, self.0, self.1)
    }
}

/// Bytes, instruction by instruction.
struct Assembler {
    bytes: Vec<u8>,
    encoder: Encoder,
}

impl Assembler {
    fn new() -> Assembler {
        Assembler {
            bytes: Vec::new(),
            encoder: Encoder::new(64),
        }
    }

    fn put(&mut self, instruction: Instruction) {
        // Nothing here depends on its address.
        self.encoder
            .encode(&instruction, 0)
            .expect("this module makes instructions that can be encoded");
        self.bytes.extend(self.encoder.take_buffer());
    }

    fn put2<A, B>(&mut self, code: Code, first: A, second: B)
    where
        (A, B): Operands,
    {
        self.put(known((first, second).instruction(code)));
    }

    fn store_imm(&mut self, offset: u64, value: u32) {
        self.put(known(Instruction::with2(
            Code::Mov_rm32_imm32,
            at(offset),
            value,
        )));
    }

    /// The time stamp in rax, taken after everything before and before everything after.
    fn time_stamp(&mut self, how: Code) {
        self.put(Instruction::with(Code::Lfence));
        self.put(Instruction::with(how));
        self.put(Instruction::with(Code::Lfence));
        self.put(known(Instruction::with2(
            Code::Shl_rm64_imm8,
            Register::RDX,
            32,
        )));
        self.put2(Code::Or_r64_rm64, Register::RAX, Register::RDX);
    }

    fn decrement_and_loop(&mut self, counter: u64, target: usize) {
        self.put(known(Instruction::with2(
            Code::Sub_rm32_imm8,
            at(counter),
            1,
        )));
        self.bytes.extend([0x0f, 0x85]);
        let distance = target as i64 - (self.bytes.len() as i64 + 4);
        self.bytes.extend((distance as i32).to_le_bytes());
    }
}
