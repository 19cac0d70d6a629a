//! Snapshots of listings and trees: what the compiler makes of small functions.
//!
//! `INSTA_UPDATE=always cargo test -p trinity-frontend --test listings` writes them anew.

use trinity_frontend::bytecode::listing::list;
use trinity_frontend::bytecode::{Liveness, Proto, verify};
use trinity_frontend::{ast, compile, parse};

fn compiled(source: &str) -> Proto {
    let proto = compile(source.as_bytes(), b"=snapshot").unwrap();
    verify(&proto).unwrap();
    proto
}

fn with_liveness(proto: &Proto) -> String {
    let live = Liveness::new(proto);
    let show =
        |set: &trinity_frontend::bytecode::RegSet| format!("{:?}", set.iter().collect::<Vec<_>>());
    let mut out = String::new();
    for (pc, line) in list(proto)
        .lines()
        .filter(|l| l.trim_start().starts_with(|c: char| c.is_ascii_digit()))
        .enumerate()
    {
        if pc < proto.code.len() {
            let (at, across) = (show(live.live_at(pc)), show(live.live_across(pc)));
            let open = live
                .open_from(pc)
                .map_or(String::new(), |r| format!(" open r{r}.."));
            out.push_str(&format!("{line:<60} live {at} across {across}{open}\n"));
        }
    }
    out
}

macro_rules! snapshots {
    ($( $name:ident $source:literal; )*) => {
        $( #[test] fn $name() { insta::assert_snapshot!(list(&compiled($source))); } )*
    };
}

snapshots! {
    arithmetic "local a, b = ...\nreturn a + 1, 1 + a, a - 1, a - 100000, 2 * a, a // b, 2 ^ a, a & 7, 7 | a, a << 1, 1 << a, -a, ~b, #a, 1.5 + a";
    folding "local n <const> = 2 ^ 10\nreturn n + 1, 7 // 0, 0.0 - 0.0, 3 | 4.0, -(1 << 63), not nil, 'a' and n, 1 == 1";
    comparisons "local a, b = ...\nif a < b and a > 5 and 3 >= b or a ~= 'x' then return a == b end\nreturn a <= 1.5, not (a == 1.0), b ~= nil";
    logic "local a, b, c = ...\nlocal x = a and b or c\nx = not (a and b)\nx = a == 1 and b\nreturn (a or b) and c";
    assignments "local a, b = 1, 2\na, b = b, a\nt.x, t[a], t[b.c] = a, f()\na, t[a] = t[a], a\na.b.c = a.b['d'][1][a]";
    cells "local a, b = 1, 2\nlocal function f(x) a = x + a return function() return f(b) end end\na = b\nlocal c = a + f(a)\nreturn a.x, a[b], f";
    loops "for i = 1, 10 do t[i] = function() return i end end\nfor i = 10, 1, -1 do if i == 5 then break end end\nfor k, v in pairs(t) do print(k, v) end\nwhile x do x = f(x) if y then goto out end end\nrepeat local z = f() until z\n::out::";
    closing "do local a <close> = f()\n  while a do local b <close> = g() if b then break end if c then return b end end\nend\nrepeat local r <close> = f() until r\nfor i in f do return g(i) end";
    tables "local a = {}\nlocal b = {1, 2, x = 3, [a] = 4, ['y'] = 5, f()}\nlocal c = {f(), ...}\nreturn {{}, {1}, n = {}}";
    calls "f()\ng(1, f())\nlocal a, b = h(...)\no:m(a, ...)\nlocal c, d, e = ...\nreturn o.p:q'x'{y}";
    strings "local a = ...\nreturn 'x' .. a .. 1 .. ('y' .. a) .. 'z', a .. (a .. a) .. a";
    functions "local function rec(n) return n > 0 and rec(n - 1) end\nfunction a.b.c:m(x, ...) self.x = x return ... end\nlocal f = function(...) local x, y = ... return select('#', ...) end";
    environment "local _ENV = {f = f}\nx = f\nlocal function g() y = x end\ndo local _ENV <const> = nil; z = 1 end";
}

#[test]
fn liveness() {
    let source = "local a, b = f()\nlocal s = 0\nfor i = 1, 10 do s = s + a[i] .. b .. g(i, b) end\nlocal t <close> = h(s)\nreturn { a, f(b, ...) }";
    let proto = compiled(source);
    insta::assert_snapshot!(with_liveness(&proto));
    let mut bare = proto.clone();
    bare.loc_vars.clear();
    bare.lines.clear();
    insta::assert_snapshot!("liveness_stripped", with_liveness(&bare));
}

#[test]
fn tree() {
    let source = "local x <const>, y = 1, { a = 1, [2] = f'z', ... }\nlocal function g(a, ...) y = x + a return a.b[c]:d(y) end\n\
        for i = 1, 2 do if i == x then break elseif y then goto out else y.z = -y.w ^ 2 end end\n::out::\n\
        repeat local q <close> = nil until q or not g\nwhile x do for k, v in pairs(y) do print((k)) end end";
    insta::assert_snapshot!(ast::print(&parse(source.as_bytes(), b"=tree").unwrap()));
}
