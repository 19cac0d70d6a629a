//! One text under lua5.4, under `trinity`, and compiled.

use crate::run::{Outcome, bin_dir, run};
use crate::suite::normalise;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How ours runs a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Under `trinity`.
    Interpreted,
    /// By `trinityc`.
    Compiled,
}

impl Way {
    /// Both.
    pub const ALL: [Way; 2] = [Way::Interpreted, Way::Compiled];
    /// For messages.
    pub fn name(self) -> &'static str {
        match self {
            Way::Interpreted => "trinity",
            Way::Compiled => "compiled",
        }
    }
}

/// Runs texts in a folder of its own.
#[derive(Clone, Debug)]
pub struct Judge {
    /// Scratch folder; must exist.
    pub dir: PathBuf,
    /// Environment for ours (stress modes).
    pub env: Vec<(String, String)>,
    /// Options for `trinityc`, such as `-O2`.
    pub flags: Vec<String>,
    /// Compile with a profile from a run of the program itself.
    pub own_profile: bool,
    /// Time for one run.
    pub limit: Duration,
}

impl Judge {
    fn command(&self, program: &Path) -> Command {
        let mut c = Command::new(program);
        c.current_dir(&self.dir)
            .env_remove("LUA_INIT")
            .env_remove("LUA_PATH")
            .env_remove("LUA_CPATH");
        c
    }

    /// The text as file `name`.lua under lua5.4.
    pub fn reference(&self, name: &str, text: &[u8]) -> std::io::Result<Outcome> {
        let file = format!("{name}.lua");
        std::fs::write(self.dir.join(&file), text)?;
        let mut c = self.command(Path::new("lua5.4"));
        c.arg(&file);
        let mut o = run(c, self.limit)?;
        normalise(&mut o, "lua5.4");
        Ok(o)
    }

    /// The file that [`Judge::reference`] left, our way. When it does not compile, the compiler's outcome.
    pub fn ours(&self, name: &str, way: Way) -> std::io::Result<Outcome> {
        let file = format!("{name}.lua");
        let (program, script) = match way {
            Way::Interpreted => (bin_dir().join("trinity"), true),
            Way::Compiled => {
                let exe = self.dir.join(format!("{name}.exe"));
                let compiler = bin_dir().join("trinityc");
                let profile = self.dir.join(format!("{name}.tprof"));
                if self.own_profile {
                    let mut c = self.command(&compiler);
                    c.arg("--profile-gen").arg(&file).arg("-o").arg(&exe);
                    if run(c, self.limit)?.code == Some(0) {
                        let mut c = self.command(&exe);
                        c.env("TRINITY_PROFILE", &profile);
                        run(c, self.limit)?;
                    }
                }
                let mut c = self.command(&compiler);
                c.args(&self.flags).arg(&file).arg("-o").arg(&exe);
                if profile.is_file() {
                    c.arg("--profile-use").arg(&profile);
                }
                let mut built = run(c, self.limit)?;
                if profile.is_file() {
                    std::fs::remove_file(&profile)?;
                }
                if built.code != Some(0) {
                    normalise(&mut built, &compiler.to_string_lossy());
                    return Ok(built);
                }
                (exe, false)
            }
        };
        let mut c = self.command(&program);
        c.envs(self.env.iter().map(|(k, v)| (k, v)));
        if script {
            c.arg(&file);
        }
        let mut o = run(c, self.limit)?;
        normalise(&mut o, &program.to_string_lossy());
        if !script {
            std::fs::remove_file(&program)?;
        }
        Ok(o)
    }

    /// Removes what [`Judge::reference`] wrote.
    pub fn forget(&self, name: &str) -> std::io::Result<()> {
        std::fs::remove_file(self.dir.join(format!("{name}.lua")))
    }
}

/// The first difference, in a few lines of text.
pub fn describe(want: &Outcome, got: &Outcome) -> String {
    let mut s = String::new();
    for (what, a, b) in [
        ("stdout", &want.stdout, &got.stdout),
        ("stderr", &want.stderr, &got.stderr),
    ] {
        let (mut x, mut y) = (a.split(|&c| c == b'\n'), b.split(|&c| c == b'\n'));
        let mut n = 1;
        loop {
            match (x.next(), y.next()) {
                (None, None) => break,
                (p, q) if p == q => n += 1,
                (p, q) => {
                    let text = |t: Option<&[u8]>| {
                        t.map_or("<end>".into(), |t| {
                            String::from_utf8_lossy(&t[..t.len().min(300)]).into_owned()
                        })
                    };
                    s += &format!(
                        "  {what} line {n}\n    lua5.4: {}\n    ours:   {}\n",
                        text(p),
                        text(q)
                    );
                    break;
                }
            }
        }
    }
    if (want.code, want.timed_out) != (got.code, got.timed_out) {
        let show = |o: &Outcome| match (o.timed_out, o.code) {
            (true, _) => "time-out".into(),
            (_, Some(c)) => format!("exit {c}"),
            (_, None) => "killed by a signal".to_string(),
        };
        s += &format!("  lua5.4: {}, ours: {}\n", show(want), show(got));
    }
    s
}
