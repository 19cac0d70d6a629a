//! Shared by the integration tests: scratch directories, hand-made units, and a C program that stands in for the runtime library.
#![allow(dead_code)] // each test binary uses its own part

pub mod profile;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use trinity_abi::unit::{InlineFrame, SafePoint, kind};
use trinity_aot::image::RelocKind;
use trinity_aot::names::FuncName;
use trinity_aot::unit::{CodeReloc, CodeTarget, Func, Unit};

/// A directory that is deleted in the end.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Scratch {
        let dir = std::env::temp_dir().join(format!("trinityc-test-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        Scratch(dir)
    }
    pub fn path(&self) -> &Path {
        &self.0
    }
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }
    /// A file that can be run. Another process writes it: a child that another test starts meanwhile would hold what this one has open
    /// for writing until it has become its program, and until then the file cannot be run ("Text file busy").
    pub fn executable(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name);
        let text = self.write(&format!("{name}.text"), bytes);
        run(Command::new("install")
            .args(["-m", "755"])
            .args([&text, &path]));
        std::fs::remove_file(text).unwrap();
        path
    }
    /// All file names in it, hidden ones too.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut v: Vec<String> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        v.sort();
        v
    }
}

impl Scratch {
    /// Runs a command of `trinityc` in it, which must end with this code and say this; all that it printed.
    pub fn ends(&self, command: &str, args: &[&str], code: i32, says: &str) -> String {
        let out = trinityc(self.path()).arg(command).args(args).output();
        let out = out.expect("trinityc runs");
        let printed = format!("{}{}", text(&out.stdout), text(&out.stderr));
        assert_eq!(out.status.code(), Some(code), "{args:?}\n{printed}");
        assert!(
            printed.contains(says),
            "{args:?}: {says:?} is not in\n{printed}"
        );
        printed
    }

    /// A JSON file in it.
    pub fn json(&self, name: &str) -> serde_json::Value {
        let bytes = std::fs::read(self.file(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a command that must succeed; returns what it prints.
pub fn run(cmd: &mut Command) -> String {
    let out = cmd.output().unwrap_or_else(|e| panic!("{cmd:?}: {e}"));
    assert!(
        out.status.success(),
        "{cmd:?}: {}\n{}{}",
        out.status,
        text(&out.stdout),
        text(&out.stderr)
    );
    text(&out.stdout)
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The compiler, in the given directory, without the caller's Lua settings.
pub fn trinityc(dir: &Path) -> Command {
    let mut cmd = Command::new(env!("CARGO_BIN_EXE_trinityc"));
    cmd.current_dir(dir)
        .env_remove("LUA_PATH")
        .env_remove("LUA_PATH_5_4")
        .env_remove("CC");
    cmd
}

/// The runtime library: from `./x test`'s build, else beside this build's trinityc.
pub fn runtime() -> PathBuf {
    let beside = Path::new(env!("CARGO_BIN_EXE_trinityc"))
        .parent()
        .unwrap()
        .to_path_buf();
    let dirs = std::env::var_os("TRINITY_BIN_DIR")
        .map(PathBuf::from)
        .into_iter()
        .chain([beside]);
    let mut places = dirs.flat_map(|d| trinity_aot::link::RUNTIME.map(|name| d.join(name)));
    places
        .find(|p| p.is_file())
        .expect("the runtime library is missing: cargo build -p trinity-start (./x test does it)")
}

/// Exit code and stderr.
pub fn failure(out: &Output) -> (i32, String) {
    (out.status.code().unwrap_or(-1), text(&out.stderr))
}

/// A function that calls `trinity_h_step` with its number and returns what that returns plus `add`.
pub fn step_function(short: &str, line: u32, number: u32, add: u8) -> Func {
    let mut code = vec![0x48, 0x83, 0xEC, 0x18]; // sub rsp, 24
    code.push(0xBE); // mov esi, number
    code.extend_from_slice(&number.to_le_bytes());
    code.push(0xE8); // call trinity_h_step
    let at = code.len() as u32;
    code.extend_from_slice(&[0; 4]);
    let ret = code.len() as u32;
    code.extend_from_slice(&[0x48, 0x83, 0xC0, add]); // add rax, add
    let last = code.len() as u32;
    code.extend_from_slice(&[0x48, 0x83, 0xC4, 0x18, 0xC3]); // add rsp, 24; ret
    Func {
        name: FuncName {
            short: short.into(),
            symbol: format!("lua.main.{short}:{line}"),
            line,
        },
        of: 0,
        text_len: code.len() as u32,
        code,
        relocs: vec![CodeReloc {
            offset: at,
            kind: RelocKind::Plt32,
            target: CodeTarget::Runtime("trinity_h_step"),
            addend: -4,
        }],
        safepoints: vec![SafePoint {
            ret_offset: ret,
            pc: number,
            delta: 0,
            kind: kind::NEXT,
            inlined: 0,
            live: 0,
        }],
        srclocs: vec![(0, line), (4, line + 1), (last, line + 2)],
        frame_size: 24,
        body_offset: 0,
        kept: Vec::new(),
        inlines: Vec::new(),
        live: Vec::new(),
        flags: 0,
    }
}

/// A function with a body that returns `value`; its generic entry does nothing but go there, by way of the linker.
pub fn two_entries(short: &str, line: u32, number: u32, value: u32) -> Func {
    let mut code = vec![0xE9, 0, 0, 0, 0]; // jmp body
    code.resize(16, 0xCC);
    code.push(0xB8); // mov eax, value
    code.extend_from_slice(&value.to_le_bytes());
    code.push(0xC3); // ret
    Func {
        name: FuncName {
            short: short.into(),
            symbol: format!("lua.main.{short}:{line}"),
            line,
        },
        of: 0,
        text_len: code.len() as u32,
        code,
        relocs: vec![CodeReloc {
            offset: 1,
            kind: RelocKind::Plt32,
            target: CodeTarget::Body(number),
            addend: -4,
        }],
        safepoints: Vec::new(),
        srclocs: vec![(0, line), (16, line + 1)],
        frame_size: 0,
        body_offset: 16,
        kept: Vec::new(),
        inlines: vec![InlineFrame {
            func: 1,
            parent: 0,
            delta: 3,
            call_pc: line,
        }],
        live: Vec::new(),
        flags: 0,
    }
}

/// Functions with their places for numbers.
fn numbered(mut funcs: Vec<Func>) -> Vec<Func> {
    for (n, f) in (0..).zip(&mut funcs) {
        f.of = n;
    }
    funcs
}

/// Two modules of hand-made code.
pub fn sample_units(dir: &Path) -> Vec<Unit> {
    let unit = |name: &str, file: &str, funcs| Unit {
        name: name.into(),
        shown: format!("./{file}").into_bytes(),
        path: dir.join(file),
        chunk: format!("chunk of {file}").into_bytes(),
        funcs: numbered(funcs),
        remarks: Vec::new(),
    };
    let mut other = step_function("start", 1, 30, 3);
    other.name.symbol = "lua.other.startup:1".into();
    vec![
        unit(
            "",
            "main.lua",
            vec![
                step_function("main", 1, 10, 1),
                step_function("fib", 5, 20, 2),
                two_entries("sum", 9, 2, 4711),
            ],
        ),
        unit("other", "other.lua", vec![other]),
    ]
}

/// Prints the tables and calls every function.
pub const STAND_IN: &str = r#"
#include <stdint.h>
#include <stdio.h>
typedef struct { uint32_t ret, pc; uint16_t delta; uint8_t kind, inlined; uint32_t live; } SafePoint;
typedef struct { uint32_t func; uint16_t parent, delta; uint32_t call_pc; } Inline;
typedef struct { int64_t (*entry)(void); const SafePoint *points; uint32_t num_points, code_size, frame_size, flags; const Inline *inlines; uint32_t num_inlines, of; const uint8_t *live; } Func;
typedef struct { const char *name; uint64_t name_len; const char *chunk; uint64_t chunk_len; const Func *funcs; uint64_t num_funcs;
                 const char *file; uint64_t file_len; } Module;
extern const Module trinity_modules[];
extern const uint64_t trinity_modules_len;
void stop_here(void) {}
int64_t step(int64_t rdi, int pc) { (void)rdi; stop_here(); return pc * 100; }
__asm__(".globl trinity_h_step\ntrinity_h_step: jmp step\n");
int main(void) {
    uint64_t last = 0;
    for (uint64_t m = 0; m < trinity_modules_len; m++) {
        const Module *mod = &trinity_modules[m];
        printf("module '%.*s' from %.*s: %.*s\n", (int)mod->name_len, mod->name, (int)mod->file_len, mod->file, (int)mod->chunk_len, mod->chunk);
        for (uint64_t i = 0; i < mod->num_funcs; i++) {
            const Func *f = &mod->funcs[i];
            printf("  size %u frame %u align %u ordered %d ->", f->code_size, f->frame_size, (unsigned)((uint64_t)f->entry % 16), (uint64_t)f->entry > last);
            last = (uint64_t)f->entry;
            for (uint32_t p = 0; p < f->num_points; p++) printf(" (%u %u %u)", f->points[p].ret, f->points[p].pc, f->points[p].kind);
            for (uint32_t p = 0; p < f->num_inlines; p++)
                printf(" [%u %u %u %u]", f->inlines[p].func, f->inlines[p].parent, f->inlines[p].delta, f->inlines[p].call_pc);
            printf(" %lld\n", (long long)f->entry());
        }
    }
    return 0;
}
"#;

/// Compiles the stand-in to an archive.
pub fn stand_in_library(dir: &Scratch) -> PathBuf {
    let c = dir.write("standin.c", STAND_IN);
    let (o, a) = (dir.file("standin.o"), dir.file("libstandin.a"));
    run(Command::new("cc")
        .args(["-g", "-O0", "-fPIC", "-c", "-o"])
        .arg(&o)
        .arg(&c));
    run(Command::new("ar").arg("rcs").arg(&a).arg(&o));
    a
}
