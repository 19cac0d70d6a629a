//! Requests and refusals.

use super::*;

fn options(args: &[&str]) -> Options {
    match parse(
        std::iter::once("trinityc")
            .chain(args.iter().copied())
            .map(OsString::from),
    ) {
        Ok(Request::Compile(o)) => *o,
        other => panic!("{other:?}"),
    }
}

fn refused(args: &[&str]) -> String {
    let e = parse(
        std::iter::once("trinityc")
            .chain(args.iter().copied())
            .map(OsString::from),
    )
    .unwrap_err();
    assert_eq!(e.failure, Failure::Usage);
    e.to_string()
}

#[test]
fn definition_is_consistent() {
    command().debug_assert();
}

#[test]
fn default_outputs() {
    let out = |args: &[&str]| {
        options(args)
            .output_path()
            .into_os_string()
            .into_string()
            .unwrap()
    };
    assert_eq!(out(&["dir/app.lua"]), "app");
    assert_eq!(out(&["-c", "dir/app.lua"]), "app.o");
    assert_eq!(out(&["-S", "app.lua"]), "app.s");
    assert_eq!(out(&["script"]), "script.out");
    assert_eq!(out(&["-"]), "stdin");
    assert_eq!(out(&["--emit=ast", "app.lua"]), "-");
    assert_eq!(out(&["app.lua", "-o", "x"]), "x");
}

#[test]
fn forms() {
    let o = options(&[
        "-O3",
        "-gc",
        "--module",
        "a.b=x/y.lua",
        "--object-writer=faerie",
        "m.lua",
    ]);
    assert_eq!(
        (o.opt_level, o.debug, o.emit, o.writer),
        (3, true, Emit::Obj, Writer::Faerie)
    );
    assert_eq!(o.modules, [(b"a.b".to_vec(), PathBuf::from("x/y.lua"))]);
    assert!(!o.stress_guards && options(&["--stress-guards", "m.lua"]).stress_guards);
    let text = match parse(["trinityc".into(), "--help".into()]) {
        Ok(Request::Print(text)) => text,
        other => panic!("{other:?}"),
    };
    assert!(text.contains("70  a bug"), "{text}");
}

#[test]
fn refusals_are_one_line() {
    assert_eq!(
        refused(&[]),
        "the following required arguments were not provided: <MAIN.lua>; see trinityc --help"
    );
    assert_eq!(
        refused(&["--frob", "x.lua"]),
        "unexpected argument '--frob' found; see trinityc --help"
    );
    assert!(refused(&["-O9", "x.lua"]).contains('9'));
    assert!(refused(&["-c", "-S", "x.lua"]).contains("cannot be used with"));
    assert!(refused(&["--module", "x", "x.lua"]).contains("NAME=FILE"));
    assert!(refused(&["-o", "-", "x.lua"]).contains("standard output"));
    for args in [&["--emit=foo", "x.lua"][..], &["a.lua", "b.lua"]] {
        assert!(!refused(args).contains('\n'));
    }
}
