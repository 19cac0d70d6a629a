//! Lists the bytecode of a Lua file: `cargo run -p trinity-frontend --example list -- FILE`.

fn main() {
    let Some(path) = std::env::args().nth(1) else {
        return eprintln!("usage: list FILE");
    };
    let source = match std::fs::read(&path) {
        Ok(source) => source,
        Err(e) => return eprintln!("{path}: {e}"),
    };
    match trinity_frontend::compile(
        trinity_frontend::skip_shebang(&source),
        format!("@{path}").as_bytes(),
    ) {
        Ok(proto) => print!("{}", trinity_frontend::bytecode::listing::list(&proto)),
        Err(e) => eprintln!("{e}"),
    }
}
