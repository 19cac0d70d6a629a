//! Speed of the front end: `cargo run --release -p trinity-frontend --example bench [-- FILE]`.

use std::fmt::Write;
use std::time::Instant;

/// A program of about 20,000 lines with the usual mix of statements.
fn generated() -> String {
    let mut out = String::new();
    for i in 0..1000 {
        let _ = write!(
            out,
            "local function work{n}(list, limit, ...)\n\
             \tlocal sum, count = 0, #list\n\
             \tfor i = 1, count do\n\
             \t\tlocal item = list[i]\n\
             \t\tif item.value > limit and not item.skip then\n\
             \t\t\tsum = sum + item.value * 2.5 -- weighted\n\
             \t\telseif item.kind == \"special{i}\" then\n\
             \t\t\tsum = sum - math.floor(item.value / 3)\n\
             \t\tend\n\
             \tend\n\
             \tlocal result = {{ name = \"work{n}\", total = sum, count, [limit] = true, ... }}\n\
             \tfunction result:describe(prefix)\n\
             \t\treturn (prefix or \"\") .. self.name .. \": \" .. tostring(self.total)\n\
             \tend\n\
             \twhile sum > 100 do sum = sum // 2 end\n\
             \tfor k, v in pairs(result) do\n\
             \t\tresult[k] = v or nil\n\
             \tend\n\
             \treturn result, sum\n\
             end\n",
            n = i % 150,
        );
        if i % 150 == 149 {
            out.insert_str(out.len(), "do end\n");
        }
    }
    // Locals are limited to 200 in a function.
    out.replace("local function work", "function work")
}

fn main() {
    let source = match std::env::args().nth(1) {
        Some(path) => std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}")),
        None => generated().into_bytes(),
    };
    let lines = source.iter().filter(|&&c| c == b'\n').count();
    for (what, run) in [
        ("parse", parse as fn(&[u8])),
        ("parse and emit", compile),
        ("parse, emit, liveness", liveness),
        ("parse, emit, dump, undump", dump),
    ] {
        let mut best = f64::INFINITY;
        for _ in 0..10 {
            let start = Instant::now();
            run(&source);
            best = best.min(start.elapsed().as_secs_f64());
        }
        println!(
            "{what}: {:.1} ms, {:.2} million lines/s",
            best * 1e3,
            lines as f64 / best / 1e6
        );
    }
}

fn parse(source: &[u8]) {
    std::hint::black_box(trinity_frontend::parse(source, b"=bench").is_ok());
}

fn compiled(source: &[u8]) -> trinity_frontend::Proto {
    trinity_frontend::compile(source, b"=bench").unwrap_or_else(|e| panic!("{e}"))
}

fn compile(source: &[u8]) {
    std::hint::black_box(compiled(source));
}

fn liveness(source: &[u8]) {
    fn all(p: &trinity_frontend::Proto) {
        std::hint::black_box(trinity_frontend::bytecode::Liveness::new(p));
        p.protos.iter().for_each(all);
    }
    all(&compiled(source));
}

fn dump(source: &[u8]) {
    let bytes = trinity_frontend::bytecode::dump(&compiled(source), false);
    std::hint::black_box(trinity_frontend::bytecode::undump(&bytes).is_ok());
}
