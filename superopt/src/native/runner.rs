//! The parent's side: programs and regions checked, states written to shared memory, a child forked, outcomes read.

use std::io;
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering;
use std::time::Duration;

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction};

use super::child::{self, Header, Input, Output, Plan, Span};
use super::trampoline::EXIT_JUMP;
use super::{NativeError, Outcome, Region, State, cpu, state};

/// Where the first program lies: code with operands relative to the instruction pointer is encoded for this address.
/// Low enough for absolute 32-bit operands, above anything a position-independent executable maps.
pub const CODE_BASE: u64 = 0x3000_0000;
/// Programs start on cache lines.
const PROGRAM_ALIGNMENT: usize = 64;
pub(super) const PAGE: u64 = 4096;
/// End of the addresses a region may use: the top of the user half, less what the kernel maps there.
const USER_END: u64 = 0x7f00_0000_0000;
/// Most bytes of shared memory for one fork; a longer batch takes several.
const SHARED_LIMIT: usize = 64 << 20;

/// How long code may run.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// CPU time of one state; it is stopped between one and two of these, and no sooner than the kernel's timer tick.
    pub state: Duration,
    /// Wall time of one fork's share of a batch.
    pub batch: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            state: Duration::from_millis(20),
            batch: Duration::from_secs(60),
        }
    }
}

/// Programs and the memory they may touch, checked and ready to run any number of times. Each run forks.
#[derive(Debug)]
pub struct Runner {
    /// All programs, each followed by [`EXIT_JUMP`].
    image: Vec<u8>,
    programs: Vec<Span>,
    regions: Vec<Region>,
    mappings: Vec<child::Mapping>,
    /// Parts of the mapped pages that belong to no region.
    slack: Vec<Span>,
    memory: usize,
    limits: Limits,
}

impl Runner {
    /// A runner of one program, which starts at [`CODE_BASE`].
    pub fn new(code: &[u8], regions: &[Region]) -> Result<Runner, NativeError> {
        Runner::with_programs(&[code], regions)
    }

    /// A runner of several programs over the same regions, so that one fork serves them all. The first starts at
    /// [`CODE_BASE`], the others at [`Runner::program_address`].
    pub fn with_programs<C: AsRef<[u8]>>(
        programs: &[C],
        regions: &[Region],
    ) -> Result<Runner, NativeError> {
        if !cpu::has(iced_x86::CpuidFeature::AVX) {
            return Err(NativeError::MissingFeature {
                instruction: "vmovdqu".into(),
                feature: "AVX".into(),
            });
        }
        let mut image = Vec::new();
        let mut spans = Vec::with_capacity(programs.len());
        for (index, program) in programs.iter().enumerate() {
            let code = program.as_ref();
            image.resize(image.len().next_multiple_of(PROGRAM_ALIGNMENT), 0xcc);
            let start = CODE_BASE + image.len() as u64;
            check_program(index, code, start)?;
            spans.push(Span {
                start,
                bytes: code.len(),
            });
            image.extend_from_slice(code);
            image.extend_from_slice(&EXIT_JUMP);
        }
        let memory = regions.iter().map(|region| region.bytes).sum();
        let (mappings, slack) = lay_out(regions, image.len())?;
        let limits = Limits::default();
        Ok(Runner {
            image,
            programs: spans,
            regions: regions.to_vec(),
            mappings,
            slack,
            memory,
            limits,
        })
    }

    /// Other limits than the default.
    pub fn limits(mut self, limits: Limits) -> Runner {
        self.limits = limits;
        self
    }

    /// Bytes of memory in a [`State`] of this runner.
    pub fn memory_bytes(&self) -> usize {
        self.memory
    }

    /// Where program `index` starts.
    pub fn program_address(&self, index: usize) -> u64 {
        self.programs[index].start
    }

    /// Runs the first program from each state.
    pub fn run(&self, states: &[State]) -> Result<Vec<Outcome>, NativeError> {
        self.run_with(states.len(), |index| (0, &states[index]))
    }

    /// Runs for each pair the program of that index from that state.
    pub fn run_each(&self, runs: &[(usize, State)]) -> Result<Vec<Outcome>, NativeError> {
        self.run_with(runs.len(), |index| (runs[index].0, &runs[index].1))
    }

    /// Runs `count` times; run `n` is of the program and from the state `get(n)` names.
    pub fn run_with<'a>(
        &self,
        count: usize,
        get: impl Fn(usize) -> (usize, &'a State),
    ) -> Result<Vec<Outcome>, NativeError> {
        for index in 0..count {
            let (program, state) = get(index);
            if program >= self.programs.len() || state.memory.len() != self.memory {
                return Err(NativeError::BadState { state: index });
            }
        }
        let input_stride = (size_of::<Input>() + self.memory).next_multiple_of(64);
        let output_stride = (size_of::<Output>() + self.memory).next_multiple_of(64);
        let per_fork = (SHARED_LIMIT / (input_stride + output_stride)).max(1);
        let mut outcomes = Vec::with_capacity(count);
        let mut first = 0;
        while first < count {
            let share = per_fork.min(count - first);
            let shared = Shared::new(share, input_stride, output_stride)?;
            for index in 0..share {
                let (program, state) = get(first + index);
                // SAFETY: slot `index` lies in the mapping, is `input_stride` bytes long and aligned to 64.
                unsafe {
                    let slot = shared.input(index);
                    slot.cast::<Input>().write(Input {
                        gpr: state.gpr,
                        ymm: state.ymm,
                        flags: state.flags & state::ARITHMETIC_FLAGS | child::FLAGS_FIXED,
                        entry: self.programs[program].start,
                    });
                    ptr::copy_nonoverlapping(
                        state.memory.as_ptr(),
                        slot.add(size_of::<Input>()),
                        self.memory,
                    );
                }
            }
            self.fork(&shared, share, first)?;
            for index in 0..share {
                outcomes.push(self.outcome(&shared, index, get(first + index).0));
            }
            first += share;
        }
        Ok(outcomes)
    }

    /// Forks, waits, and says how the child fared; `before` states had finished in earlier forks.
    fn fork(&self, shared: &Shared, count: usize, before: usize) -> Result<(), NativeError> {
        let plan = Plan {
            image: &self.image,
            code_base: CODE_BASE,
            regions: &self.regions,
            mappings: &self.mappings,
            slack: &self.slack,
            limits: self.limits,
            parent: std::process::id() as libc::pid_t,
            count,
            header: shared.header(),
            input: shared.input(0),
            input_stride: shared.input_stride,
            output: shared.output(0),
            output_stride: shared.output_stride,
        };
        // SAFETY: the child runs `child::run` only, which makes system calls and copies memory, allocates nothing and
        // takes no lock, and ends in `_exit`.
        let pid = unsafe { libc::fork() };
        match pid {
            -1 => {
                return Err(NativeError::System {
                    call: "fork",
                    error: io::Error::last_os_error(),
                });
            }
            // SAFETY: this is the child; the plan's pointers are to the shared mapping.
            0 => unsafe { child::run(&plan) },
            _ => {}
        }
        let mut status = 0;
        loop {
            // SAFETY: `pid` is our child and `status` outlives the call.
            if unsafe { libc::waitpid(pid, &mut status, 0) } == pid {
                break;
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(NativeError::System {
                    call: "waitpid",
                    error,
                });
            }
        }
        // SAFETY: the header was initialised by `Shared::new`, and the child is gone.
        let header = unsafe { &*shared.header() };
        let finished = header.finished.load(Ordering::Acquire) as usize;
        if let Some(step) = child::Step::from_code(header.failed_step.load(Ordering::Acquire)) {
            let error = io::Error::from_raw_os_error(header.errno.load(Ordering::Acquire));
            return Err(NativeError::ChildSetup {
                step: step.text(),
                error,
            });
        }
        if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0 && finished == count {
            return Ok(());
        }
        let finished = before + finished;
        let signal = libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status));
        match signal {
            Some(libc::SIGALRM | libc::SIGXCPU) => Err(NativeError::BatchTimeout { finished }),
            _ => Err(NativeError::ChildDied { signal, finished }),
        }
    }

    fn outcome(&self, shared: &Shared, index: usize, program: usize) -> Outcome {
        // SAFETY: the child finished this slot; it lies in the mapping.
        unsafe {
            let slot = shared.output(index);
            let output = &*slot.cast::<Output>();
            if output.faulted != 0 {
                let start = self.programs[program].start;
                return Outcome::Fault(state::Fault {
                    kind: child::fault_kind(output),
                    offset: output.rip.wrapping_sub(start) as i64,
                });
            }
            let memory = slot.add(size_of::<Output>());
            Outcome::Done(Box::new(State {
                gpr: output.gpr,
                flags: output.flags & state::ARITHMETIC_FLAGS,
                ymm: output.ymm,
                memory: std::slice::from_raw_parts(memory, self.memory).to_vec(),
            }))
        }
    }
}

/// Refuses what cannot be run: bytes that are no instruction, features this processor lacks, ways out of the program.
fn check_program(program: usize, code: &[u8], start: u64) -> Result<(), NativeError> {
    let mut decoder = Decoder::with_ip(64, code, start, DecoderOptions::NONE);
    let mut instruction = Instruction::default();
    let inside = start..=start + code.len() as u64;
    while decoder.can_decode() {
        decoder.decode_out(&mut instruction);
        let offset = (instruction.ip() - start) as usize;
        if instruction.is_invalid() {
            return Err(NativeError::Undecodable { program, offset });
        }
        let stays = match instruction.flow_control() {
            FlowControl::Next | FlowControl::Exception => true,
            FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch => {
                inside.contains(&instruction.near_branch_target())
            }
            _ => false,
        };
        if !stays {
            return Err(NativeError::LeavesProgram {
                instruction: instruction.to_string(),
                offset,
            });
        }
        if let Some(feature) = cpu::missing(&instruction) {
            return Err(NativeError::MissingFeature {
                instruction: instruction.to_string(),
                feature: format!("{feature:?}"),
            });
        }
    }
    Ok(())
}

/// The page ranges to map, with their guard pages, and what of them no region covers.
fn lay_out(
    regions: &[Region],
    code_bytes: usize,
) -> Result<(Vec<child::Mapping>, Vec<Span>), NativeError> {
    let code_end = (CODE_BASE + code_bytes as u64).next_multiple_of(PAGE) + PAGE;
    let mut order: Vec<usize> = (0..regions.len()).collect();
    order.sort_by_key(|&index| regions[index].address);
    let mut mappings: Vec<child::Mapping> = Vec::new();
    let mut slack = Vec::new();
    // End of the last region, which is in the last mapping.
    let mut covered = 0;
    for &index in &order {
        let region = regions[index];
        let bad = |why| Err(NativeError::BadRegion { region: index, why });
        let Some(end) = region.address.checked_add(region.bytes as u64) else {
            return bad("it wraps around the address space");
        };
        if region.bytes == 0 {
            return bad("it is empty");
        }
        if region.address < 0x1_0000 || end > USER_END {
            return bad("it lies outside the addresses of user memory");
        }
        if region.address < code_end && end + PAGE > CODE_BASE - PAGE {
            return bad("it overlaps the code");
        }
        let first = region.address / PAGE * PAGE;
        let last = end.next_multiple_of(PAGE);
        if let Some(mapping) = mappings.last_mut()
            && first < mapping.end
        {
            if region.address < covered {
                return bad("it overlaps another region");
            }
            if region.writable != mapping.writable {
                return bad("it shares a page with a region of other access rights");
            }
            push_slack(&mut slack, covered, region.address);
            mapping.end = mapping.end.max(last);
        } else {
            if let Some(mapping) = mappings.last() {
                push_slack(&mut slack, covered, mapping.end);
            }
            push_slack(&mut slack, first, region.address);
            mappings.push(child::Mapping {
                start: first,
                end: last,
                writable: region.writable,
            });
        }
        covered = end;
    }
    if let Some(mapping) = mappings.last() {
        push_slack(&mut slack, covered, mapping.end);
    }
    Ok((mappings, slack))
}

fn push_slack(slack: &mut Vec<Span>, from: u64, to: u64) {
    if from < to {
        slack.push(Span {
            start: from,
            bytes: (to - from) as usize,
        });
    }
}

/// Memory shared with the child: a header, the input slots, the output slots.
struct Shared {
    base: NonNull<u8>,
    bytes: usize,
    count: usize,
    input_stride: usize,
    output_stride: usize,
}

impl Shared {
    const HEADER: usize = 64;

    fn new(count: usize, input_stride: usize, output_stride: usize) -> Result<Shared, NativeError> {
        let bytes = Shared::HEADER + count * (input_stride + output_stride);
        // SAFETY: a fresh anonymous mapping.
        let base = unsafe {
            libc::mmap(
                ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        let error = || NativeError::System {
            call: "mmap",
            error: io::Error::last_os_error(),
        };
        if base == libc::MAP_FAILED {
            return Err(error());
        }
        let base = NonNull::new(base.cast::<u8>()).ok_or_else(error)?;
        // SAFETY: the mapping is at least a header long and page-aligned.
        unsafe { base.cast::<Header>().write(Header::default()) };
        Ok(Shared {
            base,
            bytes,
            count,
            input_stride,
            output_stride,
        })
    }

    fn header(&self) -> *mut Header {
        self.base.as_ptr().cast()
    }

    fn input(&self, index: usize) -> *mut u8 {
        assert!(index < self.count);
        // SAFETY: inside the mapping by the assertion.
        unsafe {
            self.base
                .as_ptr()
                .add(Shared::HEADER + index * self.input_stride)
        }
    }

    fn output(&self, index: usize) -> *mut u8 {
        assert!(index < self.count);
        let inputs = Shared::HEADER + self.count * self.input_stride;
        // SAFETY: inside the mapping by the assertion.
        unsafe { self.base.as_ptr().add(inputs + index * self.output_stride) }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: this is the mapping made in `new`, and nothing borrows from it.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.bytes) };
    }
}
