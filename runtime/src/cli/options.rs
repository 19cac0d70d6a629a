//! The command line of `trinity`, as lua.c reads it.
//!
//! Options are looked at twice: [`Options::collect`] checks all of them before anything runs, then [`Options::actions`] lists what `-e`, `-l`
//! and `-W` ask for, in order.

/// What the options before the script say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Index of the script in the arguments; their number when there is none.
    pub script: usize,
    /// `-i`: read-eval-print loop after the script.
    pub interactive: bool,
    /// `-v`, or implied by `-i`.
    pub version: bool,
    /// There is a `-e`.
    pub execute: bool,
    /// `-E`: ignore environment variables.
    pub no_env: bool,
}

/// One step asked for by an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// `-e stat`
    Execute(&'a [u8]),
    /// `-l mod` or `-l g=mod`
    Require(&'a [u8]),
    /// `-W`
    WarningsOn,
}

/// The options are wrong; holds the index of the bad one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadOption(pub usize);

impl Options {
    /// Checks the options in `argv` (program name first).
    pub fn collect(argv: &[Vec<u8>]) -> Result<Options, BadOption> {
        let mut o = Options::default();
        let mut i = 1;
        while let Some(arg) = argv.get(i) {
            o.script = i;
            let [b'-', rest @ ..] = arg.as_slice() else {
                return Ok(o);
            };
            match rest {
                // A script called "-" is standard input.
                [] => return Ok(o),
                [b'-'] => {
                    o.script = i + 1;
                    return Ok(o);
                }
                // Accepted for every value; there is one engine yet.
                _ if rest.starts_with(b"-jit=") => {}
                [b'E'] => o.no_env = true,
                [b'W'] => {}
                [b'v'] => o.version = true,
                [b'i'] => {
                    o.interactive = true;
                    o.version = true;
                }
                [c @ (b'e' | b'l'), text @ ..] => {
                    o.execute |= *c == b'e';
                    if text.is_empty() {
                        i += 1;
                        if argv.get(i).is_none_or(|a| a.starts_with(b"-")) {
                            return Err(BadOption(i - 1));
                        }
                    }
                }
                _ => return Err(BadOption(i)),
            }
            i += 1;
        }
        o.script = argv.len().max(1);
        Ok(o)
    }

    /// The actions asked for by checked options, in order.
    pub fn actions<'a>(&self, argv: &'a [Vec<u8>]) -> Vec<Action<'a>> {
        let mut actions = Vec::new();
        let mut args = argv.iter().take(self.script).skip(1);
        while let Some(arg) = args.next() {
            match arg.as_slice() {
                b"-W" => actions.push(Action::WarningsOn),
                [b'-', c @ (b'e' | b'l'), text @ ..] => {
                    let text = if text.is_empty() {
                        args.next().map_or(text, |a| a)
                    } else {
                        text
                    };
                    actions.push(if *c == b'e' {
                        Action::Execute(text)
                    } else {
                        Action::Require(text)
                    });
                }
                _ => {}
            }
        }
        actions
    }
}

/// The message for a bad option.
pub fn usage(program: &[u8], bad: &[u8]) -> Vec<u8> {
    const OPTIONS: &[u8] = b" [options] [script [args]]\n\
Available options are:\n\
\x20 -e stat   execute string 'stat'\n\
\x20 -i        enter interactive mode after executing 'script'\n\
\x20 -l mod    require library 'mod' into global 'mod'\n\
\x20 -l g=mod  require library 'mod' into global 'g'\n\
\x20 -v        show version information\n\
\x20 -E        ignore environment variables\n\
\x20 -W        turn warnings on\n\
\x20 --        stop handling options\n\
\x20 -         stop handling options and execute stdin\n";
    let mut text = program.to_vec();
    text.extend_from_slice(b": ");
    if matches!(bad.get(1), Some(b'e' | b'l')) {
        text.extend_from_slice(&[b"'", bad, b"' needs argument\n"].concat());
    } else {
        text.extend_from_slice(&[b"unrecognized option '", bad, b"'\n"].concat());
    }
    text.extend_from_slice(&[b"usage: ", program, OPTIONS].concat());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(list: &[&str]) -> Vec<Vec<u8>> {
        list.iter().map(|s| s.as_bytes().to_vec()).collect()
    }

    #[test]
    fn reads_joined_and_separate_arguments() {
        let argv = args(&["t", "-e", "x=1", "-lm", "-W", "-l", "g=m", "s.lua", "-e"]);
        let o = Options::collect(&argv).unwrap();
        assert_eq!(o.script, 7);
        assert!(o.execute && !o.interactive);
        let want = [
            Action::Execute(b"x=1"),
            Action::Require(b"m"),
            Action::WarningsOn,
            Action::Require(b"g=m"),
        ];
        assert_eq!(o.actions(&argv), want);
    }

    #[test]
    fn finds_the_script() {
        assert_eq!(Options::collect(&args(&["t"])).unwrap().script, 1);
        assert_eq!(Options::collect(&args(&["t", "-"])).unwrap().script, 1);
        assert_eq!(
            Options::collect(&args(&["t", "--", "-x"])).unwrap().script,
            2
        );
        assert_eq!(
            Options::collect(&args(&["t", "--jit=off", "f"]))
                .unwrap()
                .script,
            2
        );
    }

    #[test]
    fn blames_the_bad_option() {
        for (argv, bad) in [
            (&["t", "-v", "-x"][..], 2),
            (&["t", "-e"], 1),
            (&["t", "-l", "-e"], 1),
            (&["t", "--foo"], 1),
            (&["t", "-vv"], 1),
        ] {
            assert_eq!(
                Options::collect(&args(argv)),
                Err(BadOption(bad)),
                "{argv:?}"
            );
        }
    }
}
