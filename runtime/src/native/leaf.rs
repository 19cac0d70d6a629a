//! Leaf functions that keep every register but rax, so that asking them costs the machine code around nothing
//! (`Clobbers::Keeps`). What is asked often is answered here, in assembly that touches few registers; the rest goes to
//! the Rust functions by a thunk that saves all.
//!
//! None of them calls back, raises or collects: they are no safe points and need no unwinding.

use crate::closure::{new_cell, new_lua};
use crate::heap;
use crate::interp::lookup::{Entry, leaf_find, leaf_function, leaf_get, leaf_method, leaf_shape};
use crate::object::{Header, LuaClosure, Table};
use crate::poll;
use crate::proto::{Cache, RtProto};
use crate::state::Global;
use crate::table;
use crate::table::hash::{HashPart, Node};
use crate::thread::Thread;
use crate::value::Value;
use std::arch::global_asm;
use std::mem::{offset_of, size_of};
use trinity_abi::helpers::leaf::{MAKE_CELL, MAKE_CLOSURE, MAKE_INDEX, MAKE_META};
use trinity_abi::{VALUE_TAG, cache, closure, header, lookup, proto, shape, tag, thread};
use trinity_frontend::bytecode::Event;

/// Field of an entry's cache.
const fn entry(field: i32) -> usize {
    offset_of!(Entry, cache) + field as usize
}
const ENTRIES: usize = offset_of!(Global, lookup_entries);
const _: () = assert!(size_of::<Entry>() == lookup::SIZE as usize && lookup::SIZE == 40);
const _: () = assert!(offset_of!(Entry, key) == lookup::KEY as usize);
const _: () = assert!(offset_of!(Entry, cache) == lookup::CACHE as usize);
const _: () = assert!(size_of::<Node>() == 24 && size_of::<Cache>() == cache::SIZE as usize);

// Each has a section, so that what nobody calls is not linked.

// rax = a function of the C convention, its arguments in place but the seventh, the global: everything but rax survives it.
global_asm!(
    ".pushsection .text.trinity_leaf_saving,\"ax\",@progbits",
    ".p2align 4",
    "trinity_leaf_saving:",
    "push rbp; mov rbp, rsp; sub rsp, 208; and rsp, -16",
    "mov [rsp + 16], rcx; mov [rsp + 24], rdx; mov [rsp + 32], rsi; mov [rsp + 40], rdi; mov [rsp + 48], r8; mov [rsp + 56], r9; mov [rsp + 64], r10; mov [rsp + 72], r11",
    "movsd [rsp + 80], xmm0; movsd [rsp + 88], xmm1; movsd [rsp + 96], xmm2; movsd [rsp + 104], xmm3; movsd [rsp + 112], xmm4; movsd [rsp + 120], xmm5; movsd [rsp + 128], xmm6; movsd [rsp + 136], xmm7",
    "movsd [rsp + 144], xmm8; movsd [rsp + 152], xmm9; movsd [rsp + 160], xmm10; movsd [rsp + 168], xmm11; movsd [rsp + 176], xmm12; movsd [rsp + 184], xmm13; movsd [rsp + 192], xmm14; movsd [rsp + 200], xmm15",
    "push rax; mov rax, [r14 + {GLOBAL}]; mov [rsp + 8], rax; pop rax; call rax",
    "mov rcx, [rsp + 16]; mov rdx, [rsp + 24]; mov rsi, [rsp + 32]; mov rdi, [rsp + 40]; mov r8, [rsp + 48]; mov r9, [rsp + 56]; mov r10, [rsp + 64]; mov r11, [rsp + 72]",
    "movsd xmm0, [rsp + 80]; movsd xmm1, [rsp + 88]; movsd xmm2, [rsp + 96]; movsd xmm3, [rsp + 104]; movsd xmm4, [rsp + 112]; movsd xmm5, [rsp + 120]; movsd xmm6, [rsp + 128]; movsd xmm7, [rsp + 136]",
    "movsd xmm8, [rsp + 144]; movsd xmm9, [rsp + 152]; movsd xmm10, [rsp + 160]; movsd xmm11, [rsp + 168]; movsd xmm12, [rsp + 176]; movsd xmm13, [rsp + 184]; movsd xmm14, [rsp + 192]; movsd xmm15, [rsp + 200]",
    "mov rsp, rbp; pop rbp",
    "ret",
    ".popsection",
    GLOBAL = const thread::GLOBAL,
);

// The entry of the second level for shape eax and the key in rdx (for stores: plus 1): its address in r8; r9 is lost. As `lookup::entry`.
macro_rules! find_entry {
    ($other:literal) => {
        concat!(
            "imul r8d, edx, {FACTOR}; shr r8d, {SHIFT}; add r8d, eax; and r8d, {MASK}\n",
            "mov r9, [rdi + {ENTRIES}]; lea r8, [r8 + 4*r8]; lea r8, [r9 + 8*r8]\n",
            "cmp [r8 + {KEY}], rdx; jne ",
            $other,
            "\n",
            "cmp [r8 + {ID}], eax; jne ",
            $other,
            "\n",
        )
    };
}

// `leaf::GET`: rdi = global, rsi = table, rdx = key, rcx = the site's cache.
global_asm!(
    ".pushsection .text.trinity_l_get,\"ax\",@progbits",
    ".p2align 4",
    ".globl trinity_l_get",
    "trinity_l_get:",
    "push r8; push r9",
    "mov eax, [rsi + {SHAPE_ID}]",
    "cmp [rcx + {SITE_ID}], eax; je 4f",
    "test eax, eax; jz 6f",
    find_entry!("3f"),
    "cmp byte ptr [r8 + {KIND}], {OWN}; jne 2f",
    "mov eax, [r8 + {SLOT}]; add rax, [rsi + {SLOTS}]; cmp byte ptr [rax + {VALUE_TAG}], 0; je 3f",
    "pop r9; pop r8; ret",
    "2: cmp byte ptr [r8 + {KIND}], {CONST}; jne 3f",
    "mov r9, [r14 + {EPOCH_PTR}]; mov r9d, [r9]; cmp [r8 + {EPOCH}], r9d; jne 3f",
    "lea rax, [r8 + {VALUE}]; pop r9; pop r8; ret",
    "4: cmp byte ptr [rcx + {SITE_KIND}], {CONST}; jne 5f",
    "mov r9, [r14 + {EPOCH_PTR}]; mov r9d, [r9]; cmp [rcx + {SITE_EPOCH}], r9d; jne 3f",
    "lea rax, [rcx + {SITE_VALUE}]; pop r9; pop r8; ret",
    "5: cmp byte ptr [rcx + {SITE_KIND}], {OWN}; jne 3f",
    "mov eax, [rcx + {SITE_SLOT}]; add rax, [rsi + {SLOTS}]; cmp byte ptr [rax + {VALUE_TAG}], 0; je 3f",
    "pop r9; pop r8; ret",
    "3: pop r9; pop r8; lea rax, [rip + {rust}]; jmp trinity_leaf_saving",
    // Dictionary mode, as `hash::find_short`.
    "6: cmp byte ptr [rdx + {HEADER_KIND}], {SHORT}; jne 3b",
    "mov rax, [rsi + {HASH}]; test rax, rax; jz 3b",
    "mov r9d, [rax + {LOG2}]; xor r8d, r8d; bts r8, r9; dec r8d; and r8d, [rdx + {AUX32}]",
    "lea r8, [r8 + 2*r8]; lea rax, [rax + 8*r8 + {NODES}]",
    "7: cmp [rax + {NODE_KEY}], rdx; jne 8f",
    "cmp byte ptr [rax + {KEY_TAG}], {SHORT}; jne 8f",
    "movzx r8d, byte ptr [rax + {NODE_TAG}]; cmp r8d, {NIL}; je 3b",
    "mov r9, [rax]; lea rax, [rdi + {FOUND}]; mov [rax], r9; mov [rax + {VALUE_TAG}], r8b",
    "pop r9; pop r8; ret",
    "8: movsxd r9, dword ptr [rax + {NEXT}]; lea r8, [r9 + 2*r9]; lea rax, [rax + 8*r8]; test r9, r9; jnz 7b",
    "jmp 3b",
    ".popsection",
    HEADER_KIND = const header::KIND,
    SHORT = const tag::SHORT_STR,
    NIL = const tag::NIL,
    HASH = const trinity_abi::table::HASH,
    LOG2 = const offset_of!(HashPart, log2),
    NODES = const size_of::<HashPart>(),
    NODE_KEY = const Node::KEY,
    KEY_TAG = const Node::KEY_TAG,
    NODE_TAG = const trinity_abi::table::ENTRY_TAG,
    NEXT = const Node::NEXT,
    AUX32 = const header::AUX32,
    FOUND = const offset_of!(Global, lookups.found),
    SITE_ID = const cache::SHAPE_ID,
    SITE_KIND = const cache::KIND,
    SITE_SLOT = const cache::SLOT,
    SITE_EPOCH = const cache::EPOCH,
    SITE_VALUE = const cache::VALUE,
    FACTOR = const lookup::FACTOR,
    SHIFT = const lookup::SHIFT,
    MASK = const lookup::ENTRIES - 1,
    ENTRIES = const ENTRIES,
    KEY = const offset_of!(Entry, key),
    ID = const entry(cache::SHAPE_ID),
    KIND = const entry(cache::KIND),
    SLOT = const entry(cache::SLOT),
    EPOCH = const entry(cache::EPOCH),
    VALUE = const entry(cache::VALUE),
    OWN = const cache::KIND_OWN,
    CONST = const cache::KIND_CONST,
    SHAPE_ID = const trinity_abi::table::SHAPE_ID,
    SLOTS = const trinity_abi::table::SLOTS,
    VALUE_TAG = const VALUE_TAG,
    EPOCH_PTR = const thread::EPOCH_PTR,
    rust = sym leaf_get,
);

// `leaf::PUT`: as GET, in the entries for stores; the place of a field that has a value, or null.
global_asm!(
    ".pushsection .text.trinity_l_put,\"ax\",@progbits",
    ".p2align 4",
    ".globl trinity_l_put",
    "trinity_l_put:",
    "push r8; push r9; inc rdx",
    "mov eax, [rsi + {SHAPE_ID}]",
    find_entry!("3f"),
    "cmp byte ptr [r8 + {KIND}], {OWN}; jne 3f",
    "mov eax, [r8 + {SLOT}]; add rax, [rsi + {SLOTS}]; cmp byte ptr [rax + {VALUE_TAG}], 0; je 3f",
    "dec rdx; pop r9; pop r8; ret",
    "3: xor eax, eax; dec rdx; pop r9; pop r8; ret",
    ".popsection",
    FACTOR = const lookup::FACTOR,
    SHIFT = const lookup::SHIFT,
    MASK = const lookup::ENTRIES - 1,
    ENTRIES = const ENTRIES,
    KEY = const offset_of!(Entry, key),
    ID = const entry(cache::SHAPE_ID),
    KIND = const entry(cache::KIND),
    SLOT = const entry(cache::SLOT),
    OWN = const cache::KIND_OWN,
    SHAPE_ID = const trinity_abi::table::SHAPE_ID,
    SLOTS = const trinity_abi::table::SLOTS,
    VALUE_TAG = const VALUE_TAG,
);

// Of the running function: rdx = the constant, rcx = the cache that edx names (`leaf::site`); rdi = global. Three registers are on the stack.
macro_rules! site {
    () => {
        concat!(
            "push rdi; push rdx; push rcx\n",
            "mov rax, [rbx - 16]; mov rax, [rax + {PROTO}]\n",
            "movzx ecx, dx; shl ecx, 5; add rcx, [rax + {CACHES}]\n",
            "shr edx, 16; shl edx, 4; add rdx, [rax + {CONSTS}]; mov rdx, [rdx]\n",
            "mov rdi, [r14 + {GLOBAL}]\n",
        )
    };
}

// `leaf::GET_AT`: rsi = table, edx = site.
global_asm!(
    ".pushsection .text.trinity_l_get_at,\"ax\",@progbits",
    ".p2align 4",
    ".globl trinity_l_get_at",
    "trinity_l_get_at:",
    site!(),
    "call trinity_l_get",
    "pop rcx; pop rdx; pop rdi",
    "ret",
    ".popsection",
    PROTO = const closure::PROTO,
    CACHES = const proto::CACHES,
    CONSTS = const proto::CONSTS,
    GLOBAL = const thread::GLOBAL,
);

// `leaf::PUT_AT`: rsi = table, edx = site.
global_asm!(
    ".pushsection .text.trinity_l_put_at,\"ax\",@progbits",
    ".p2align 4",
    ".globl trinity_l_put_at",
    "trinity_l_put_at:",
    site!(),
    "mov eax, [rsi + {SHAPE_ID}]; cmp [rcx + {ID}], eax; je 2f",
    "call trinity_l_put",
    "5: pop rcx; pop rdx; pop rdi",
    "ret",
    "2: cmp byte ptr [rcx + {KIND}], {OWN}; jne 3f",
    "mov eax, [rcx + {SLOT}]; add rax, [rsi + {SLOTS}]; cmp byte ptr [rax + {VALUE_TAG}], 0; jne 5b",
    // Nil: a metatable could have __newindex, if its shape does not say otherwise.
    "mov rdi, [rsi + {METATABLE}]; test rdi, rdi; je 5b",
    "mov rdi, [rdi + {SHAPE}]; test rdi, rdi; je 4f; test dword ptr [rdi + {ABSENT}], {NEW_INDEX}; jne 5b",
    "4: xor eax, eax; jmp 5b",
    // One field more: the shape may be white, so the table must not be black.
    "3: cmp byte ptr [rcx + {KIND}], {ADD}; jne 4b",
    "mov rdx, [r14 + {EPOCH_PTR}]; mov edx, [rdx]; cmp [rcx + {EPOCH}], edx; jne 4b",
    "mov edx, [rcx + {SLOT}]; mov eax, [rsi + {SLOT_CAP}]; shl rax, 4; cmp rdx, rax; jae 4b",
    "test byte ptr [rsi + {MARK}], {BLACK}; jne 4b",
    "mov rdi, [rcx + {VALUE}]; mov eax, [rdi + {AUX32}]; mov [rsi + {SHAPE}], rdi; mov [rsi + {SHAPE_ID}], eax",
    "mov rax, [rsi + {SLOTS}]; add rax, rdx; jmp 5b",
    ".popsection",
    PROTO = const closure::PROTO,
    CACHES = const proto::CACHES,
    CONSTS = const proto::CONSTS,
    GLOBAL = const thread::GLOBAL,
    EPOCH_PTR = const thread::EPOCH_PTR,
    ID = const cache::SHAPE_ID,
    KIND = const cache::KIND,
    SLOT = const cache::SLOT,
    EPOCH = const cache::EPOCH,
    VALUE = const cache::VALUE,
    OWN = const cache::KIND_OWN,
    ADD = const cache::KIND_ADD,
    SHAPE_ID = const trinity_abi::table::SHAPE_ID,
    SHAPE = const trinity_abi::table::SHAPE,
    SLOTS = const trinity_abi::table::SLOTS,
    SLOT_CAP = const trinity_abi::table::SLOT_CAP,
    METATABLE = const trinity_abi::table::METATABLE,
    ABSENT = const shape::ABSENT,
    NEW_INDEX = const 1u32 << Event::NewIndex as u32,
    VALUE_TAG = const VALUE_TAG,
    MARK = const header::MARK,
    BLACK = const header::BLACK,
    AUX32 = const header::AUX32,
);

// `leaf::SHAPE`: rdi = table, rsi = constants, rdx = the cell, whose first id was compared, rcx, r8, r9 = fields. Beyond four, shapes are
// remembered as other lookups are, with the cell as the key.
global_asm!(
    ".pushsection .text.trinity_l_shape,\"ax\",@progbits",
    ".p2align 4",
    ".globl trinity_l_shape",
    "trinity_l_shape:",
    "mov eax, [rdi + {SHAPE_ID}]",
    "cmp [rdx + 4], eax; je 2f",
    "cmp [rdx + 8], eax; je 2f",
    "cmp [rdx + 12], eax; je 2f",
    "push rdi; push r8; push r9",
    "mov rdi, [r14 + {GLOBAL}]",
    find_entry!("3f"),
    "pop r9; pop r8; pop rdi",
    "2: mov eax, 1; ret",
    "3: pop r9; pop r8; pop rdi",
    "lea rax, [rip + {rust}]; jmp trinity_leaf_saving",
    ".popsection",
    GLOBAL = const thread::GLOBAL,
    FACTOR = const lookup::FACTOR,
    SHIFT = const lookup::SHIFT,
    MASK = const lookup::ENTRIES - 1,
    ENTRIES = const ENTRIES,
    KEY = const offset_of!(Entry, key),
    ID = const entry(cache::SHAPE_ID),
    SHAPE_ID = const trinity_abi::table::SHAPE_ID,
    rust = sym leaf_shape,
);

// `leaf::INT`: rdi = table, rsi = key. As `hash::find_int`.
global_asm!(
    ".pushsection .text.trinity_l_int,\"ax\",@progbits",
    ".p2align 4",
    ".globl trinity_l_int",
    "trinity_l_int:",
    "mov rax, [rdi + {HASH}]; test rax, rax; jz 4f",
    "push rcx; push rdx; push r8",
    "mov ecx, [rax + {LOG2}]",
    "mov rdx, rsi; shr rdx, cl; mov r8, rdx; shr r8, cl; add rdx, r8; add rdx, rsi",
    "mov r8d, 1; shl r8d, cl; dec r8d; and edx, r8d",
    "lea rdx, [rdx + 2*rdx]; lea rax, [rax + 8*rdx + {NODES}]",
    "2: cmp [rax + {NODE_KEY}], rsi; jne 3f",
    "cmp byte ptr [rax + {KEY_TAG}], {INT}; jne 3f",
    "cmp byte ptr [rax + {NODE_TAG}], {NIL}; jne 5f",
    "xor eax, eax; jmp 5f",
    "3: movsxd rdx, dword ptr [rax + {NEXT}]; lea rcx, [rdx + 2*rdx]; lea rax, [rax + 8*rcx]; test rdx, rdx; jnz 2b",
    "xor eax, eax",
    "5: pop r8; pop rdx; pop rcx",
    "4: ret",
    ".popsection",
    HASH = const trinity_abi::table::HASH,
    LOG2 = const offset_of!(HashPart, log2),
    NODES = const size_of::<HashPart>(),
    NODE_KEY = const Node::KEY,
    KEY_TAG = const Node::KEY_TAG,
    NODE_TAG = const trinity_abi::table::ENTRY_TAG,
    NEXT = const Node::NEXT,
    INT = const tag::INT,
    NIL = const tag::NIL,
);

// `leaf::FUNCTION`: rdi = table, rsi = cache, rdx = cell, rcx = code, r8 = key.
global_asm!(
    ".pushsection .text.trinity_l_function,\"ax\",@progbits",
    ".p2align 4",
    ".globl trinity_l_function",
    "trinity_l_function:",
    "lea rax, [rip + {rust}]; jmp trinity_leaf_saving",
    ".popsection",
    rust = sym leaf_function,
);

// `leaf::METHOD`: rdi = metatable, rsi = key, rdx = cell, rcx = code.
global_asm!(
    ".pushsection .text.trinity_l_method,\"ax\",@progbits",
    ".p2align 4",
    ".globl trinity_l_method",
    "trinity_l_method:",
    "lea rax, [rip + {rust}]; jmp trinity_leaf_saving",
    ".popsection",
    rust = sym leaf_method,
);

// `leaf::ABSENT`: rdi = metatable, rsi = event.
global_asm!(
    ".pushsection .text.trinity_l_absent,\"ax\",@progbits",
    ".p2align 4",
    ".globl trinity_l_absent",
    "trinity_l_absent:",
    "lea rax, [rip + {rust}]; jmp trinity_leaf_saving",
    ".popsection",
    rust = sym absent,
);

/// `leaf::ABSENT`.
unsafe extern "C" fn absent(
    mt: *mut Table,
    event: Event,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
    g: *mut Global,
) -> u64 {
    // SAFETY: machine code passes a live table and the number of an event that tables can have; the thunk adds the global.
    unsafe { table::metamethod(g, mt, event).is_nil().into() }
}

/// `leaf::BARRIER`.
unsafe extern "C" fn barrier(
    t: *mut Header,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
    g: *mut Global,
) {
    // SAFETY: machine code passes a live table; the thunk adds the global.
    unsafe { heap::barrier_back(g, t) }
}

/// `leaf::MAKE`. There is memory for what the program would have allocated before.
unsafe extern "C" fn make(
    f: *mut LuaClosure,
    count: usize,
    th: *mut Thread,
    _: u64,
    _: u64,
    _: u64,
    g: *mut Global,
) -> *mut Header {
    // SAFETY: machine code has filled the fields, its own closure is `f`; nothing collects meanwhile.
    unsafe {
        let made = || -> Option<*mut Header> {
            let field = |n: usize| (*g).heap.made[n];
            match field(0).key {
                MAKE_CELL if count > 0 => {
                    let v = Value {
                        p: field(0).payload,
                        t: field(0).tag,
                    };
                    return Some(new_cell(g, v).ok()?.cast());
                }
                MAKE_CLOSURE if count > 0 => {
                    let p = field(0).payload as *mut RtProto;
                    let code = match (*p).native_code.is_null() {
                        true => super::entry::stub_interp(),
                        false => (*p).native_code,
                    };
                    let c = new_lua(g, p, code, count as u32 - 1).ok()?;
                    for n in 1..count {
                        *LuaClosure::upval(c, n - 1) = field(n).payload as *mut _;
                    }
                    return Some(c.cast());
                }
                _ => {}
            }
            let t = table::new(g, 0, count).ok()?;
            for n in 0..count {
                let m = field(n);
                let value = Value {
                    p: m.payload,
                    t: m.tag,
                };
                if m.key == MAKE_META {
                    table::set_metatable(g, t, value.as_table()).ok()?;
                } else if m.key >= MAKE_INDEX {
                    table::set_int(g, t, i64::from(m.key - MAKE_INDEX), value).ok()?;
                } else {
                    let desc = (*(*f).proto).desc;
                    let p = (*g).units.proto_of(desc, (m.key >> 16) as usize)?;
                    let name = *(*p).consts.add((m.key & 0xFFFF) as usize);
                    table::set(g, t, name, value).ok()?;
                }
            }
            Some(t.cast())
        };
        if (*g).heap.debt > 0 {
            poll::request(th, poll::reason::COLLECT);
        }
        (*g).heap.reserve.take();
        made()
            .or_else(|| (*g).heap.reserve.give_up().then(made).flatten())
            .unwrap_or_else(|| {
                // Registers are where no collector and no error handler would find them.
                crate::lib::io::stdio::flush_stdout();
                crate::cli::message(None, b"not enough memory");
                std::process::exit(1)
            })
    }
}

// `leaf::FIND`: as GET.
global_asm!(
    ".pushsection .text.trinity_l_find,\"ax\",@progbits",
    ".p2align 4",
    ".globl trinity_l_find",
    "trinity_l_find:",
    "lea rax, [rip + {rust}]; jmp trinity_leaf_saving",
    ".popsection",
    rust = sym leaf_find,
);

// `leaf::MAKE`: rdi = closure, rsi = count, rdx = thread.
global_asm!(
    ".pushsection .text.trinity_l_make,\"ax\",@progbits",
    ".p2align 4",
    ".globl trinity_l_make",
    "trinity_l_make:",
    "lea rax, [rip + {rust}]; jmp trinity_leaf_saving",
    ".popsection",
    rust = sym make,
);

// `leaf::BARRIER`: rdi = table.
global_asm!(
    ".pushsection .text.trinity_l_barrier,\"ax\",@progbits",
    ".p2align 4",
    ".globl trinity_l_barrier",
    "trinity_l_barrier:",
    "lea rax, [rip + {rust}]; jmp trinity_leaf_saving",
    ".popsection",
    rust = sym barrier,
);
