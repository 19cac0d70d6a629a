fn main() {
    let f = std::env::args().nth(1).unwrap();
    let src = std::fs::read(&f).unwrap();
    let p = trinity_frontend::compile(&src, b"@t.lua").unwrap();
    for (i, q) in trinity_lower::preorder(&p).into_iter().enumerate() {
        let l = trinity_lower::func::lower(q, &trinity_lower::func_name(q), i as u32);
        println!("{}", l.func);
        match trinity_lower::compile_function(q, i as u32, &trinity_lower::Options { keep_ir: false, verify: true }) {
            Ok(c) => println!("ok {} bytes", c.text_len),
            Err(e) => println!("ERR {e}"),
        }
    }
}
