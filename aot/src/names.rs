//! Names of compiled functions for symbol tables and debuggers.
//!
//! What is not known by the name it is assigned to (`trinity_frontend::bytecode::names`) is `anon`. Names are `MODULE.FUNCTION:LINE`,
//! the module's main chunk is `MODULE.main`; repeated names get `#2`, `#3`, ...

use std::collections::HashMap;
use trinity_frontend::bytecode::Proto;
use trinity_frontend::bytecode::names::{self, tidy};

/// A function of a module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FuncName {
    /// Name as in the source (`M.f`, `fib`, `anon`, `main`), for debuggers.
    pub short: String,
    /// Unique symbol name, `lua.MODULE.SHORT:LINE`.
    pub symbol: String,
    /// Line of `function`; 0 for the main chunk.
    pub line: u32,
}

/// Makes names that are unique over all modules of a program.
#[derive(Default, Debug)]
pub struct Namer {
    used: HashMap<String, u32>,
}

impl Namer {
    /// Names of all functions of a module in preorder. `module` is empty for the main program.
    pub fn module(&mut self, module: &[u8], main: &Proto) -> Vec<FuncName> {
        let label = if module.is_empty() {
            "main".to_string()
        } else {
            tidy(module)
        };
        let mut out = Vec::new();
        self.walk(&label, main, "main".to_string(), &mut out);
        out
    }

    fn walk(&mut self, label: &str, p: &Proto, short: String, out: &mut Vec<FuncName>) {
        let mut symbol = format!("lua.{label}.{short}");
        if p.line_defined > 0 {
            symbol.push_str(&format!(":{}", p.line_defined));
        }
        let count = self.used.entry(symbol.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            symbol.push_str(&format!("#{count}"));
        }
        out.push(FuncName {
            short,
            symbol,
            line: p.line_defined,
        });
        for (child, name) in p.protos.iter().zip(names::children(p)) {
            self.walk(
                label,
                child,
                name.unwrap_or_else(|| "anon".to_string()),
                out,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_source() {
        let source = b"local M, x = {}, {}\n\
            function M.f() end\n\
            function M:g() return x end\n\
            local function rec() return rec() end\n\
            x.y = {}\n\
            x.y.z = function() end\n\
            local t = { field = function() end, function() end }\n\
            glob = function() end\n\
            rec = function() M = function() end end\n\
            return function() end, function() end";
        let p = trinity_frontend::compile(source, b"=test").unwrap();
        let symbols = |n: &[FuncName]| n.iter().map(|f| f.symbol.clone()).collect::<Vec<_>>();
        let names = Namer::default().module(b"a.b c", &p);
        assert_eq!(
            symbols(&names),
            [
                "lua.a.b_c.main",
                "lua.a.b_c.M.f:2",
                "lua.a.b_c.M.g:3",
                "lua.a.b_c.rec:4",
                "lua.a.b_c.y.z:6",
                "lua.a.b_c.field:7",
                "lua.a.b_c.anon:7",
                "lua.a.b_c.glob:8",
                "lua.a.b_c.rec:9",
                "lua.a.b_c.M:9",
                "lua.a.b_c.anon:10",
                "lua.a.b_c.anon:10#2",
            ]
        );
        assert_eq!(names[1].short, "M.f");
    }
}
