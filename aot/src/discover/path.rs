//! `package.path` at compile time: where a module name leads.
//!
//! The search is the one of package.searchpath: `.` becomes `/`, each `;`-separated template's `?` is replaced, the first readable
//! file wins and its name is the one `lua` would show. After the path, the main file's own directory is searched; what is found
//! there gets the name it has for a program started in that directory (`./x.lua`), since that is how it is found when run by `lua`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The path of an unconfigured `lua5.4` (Debian's, which adds /usr/share to the reference's).
pub const DEFAULT_PATH: &str = "/usr/local/share/lua/5.4/?.lua;/usr/local/share/lua/5.4/?/init.lua;/usr/local/lib/lua/5.4/?.lua;\
/usr/local/lib/lua/5.4/?/init.lua;/usr/share/lua/5.4/?.lua;/usr/share/lua/5.4/?/init.lua;./?.lua;./?/init.lua";

/// A module file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Where it is.
    pub file: PathBuf,
    /// The name that messages use.
    pub shown: Vec<u8>,
}

/// A list of templates.
#[derive(Clone, Debug)]
pub struct SearchPath {
    /// (template to open, template to show)
    templates: Vec<(Vec<u8>, Vec<u8>)>,
}

impl SearchPath {
    /// The path from the environment (LUA_PATH_5_4, else LUA_PATH, where `;;` stands for the default), then the directory of `main`.
    pub fn from_env(main: &Path) -> SearchPath {
        let set = std::env::var_os("LUA_PATH_5_4").or_else(|| std::env::var_os("LUA_PATH"));
        SearchPath::new(set.as_deref(), main)
    }

    /// The same with the variable's value given.
    pub fn new(lua_path: Option<&OsStr>, main: &Path) -> SearchPath {
        let path = match lua_path {
            None => DEFAULT_PATH.as_bytes().to_vec(),
            Some(p) => expand_default(p.as_bytes()),
        };
        let mut templates: Vec<(Vec<u8>, Vec<u8>)> = path
            .split(|&c| c == b';')
            .filter(|t| !t.is_empty())
            .map(|t| (t.to_vec(), t.to_vec()))
            .collect();
        let dir = main
            .parent()
            .filter(|d| !d.as_os_str().is_empty() && *d != Path::new("."));
        if let Some(dir) = dir.filter(|_| main != Path::new("-")) {
            for tail in ["?.lua", "?/init.lua"] {
                // A `?` in the directory's own name would be taken for the template's mark; such directories are not searched.
                if !dir.as_os_str().as_bytes().contains(&b'?') {
                    let open = dir.join(tail).into_os_string().into_vec();
                    templates.push((open, format!("./{tail}").into_bytes()));
                }
            }
        }
        SearchPath { templates }
    }

    /// Finds a module, or returns all files that were tried.
    pub fn find(&self, module: &[u8]) -> Result<Found, Vec<Vec<u8>>> {
        let name: Vec<u8> = module
            .iter()
            .map(|&c| if c == b'.' { b'/' } else { c })
            .collect();
        let mut tried = Vec::new();
        for (open, shown) in &self.templates {
            let file = fill(open, &name);
            let path = PathBuf::from(OsString::from_vec(file.clone()));
            // As the reference's `readable`: it can be opened (a directory can, and then fails to load; it is passed over here).
            if path.is_file() && std::fs::File::open(&path).is_ok() {
                return Ok(Found {
                    file: path,
                    shown: fill(shown, &name),
                });
            }
            if !tried.contains(&file) {
                tried.push(file);
            }
        }
        Err(tried)
    }
}

/// Replaces each `?`.
fn fill(template: &[u8], name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(template.len() + name.len());
    for &c in template {
        if c == b'?' {
            out.extend_from_slice(name)
        } else {
            out.push(c)
        }
    }
    out
}

/// The first `;;` becomes the default path, with separators only where there is something on that side (setpath in loadlib.c).
fn expand_default(path: &[u8]) -> Vec<u8> {
    let Some(at) = path.windows(2).position(|w| w == b";;") else {
        return path.to_vec();
    };
    let mut out = path[..at].to_vec();
    if at > 0 {
        out.push(b';');
    }
    out.extend_from_slice(DEFAULT_PATH.as_bytes());
    if at + 2 < path.len() {
        out.push(b';');
        out.extend_from_slice(&path[at + 2..]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(p: &SearchPath) -> Vec<String> {
        p.templates
            .iter()
            .map(|t| String::from_utf8(t.1.clone()).unwrap())
            .collect()
    }

    #[test]
    fn environment() {
        let main = Path::new("main.lua");
        assert_eq!(shown(&SearchPath::new(None, main)).join(";"), DEFAULT_PATH);
        assert_eq!(
            shown(&SearchPath::new(Some(OsStr::new("a/?.lua")), main)),
            ["a/?.lua"]
        );
        let both = shown(&SearchPath::new(Some(OsStr::new("a/?.lua;;b/?.lua")), main));
        assert_eq!(
            (both[0].as_str(), both.last().unwrap().as_str(), both.len()),
            ("a/?.lua", "b/?.lua", 10)
        );
        assert_eq!(
            shown(&SearchPath::new(Some(OsStr::new(";;")), main)).join(";"),
            DEFAULT_PATH
        );
    }

    #[test]
    fn the_default_is_luas() {
        let out = std::process::Command::new("lua5.4")
            .args(["-e", "io.write(package.path)"])
            .env_remove("LUA_PATH")
            .env_remove("LUA_PATH_5_4")
            .output()
            .expect("lua5.4 is needed by the tests");
        assert_eq!(String::from_utf8(out.stdout).unwrap(), DEFAULT_PATH);
    }

    #[test]
    fn main_directory_is_searched_last() {
        let p = SearchPath::new(Some(OsStr::new("x/?.lua")), Path::new("src/app/main.lua"));
        assert_eq!(
            p.templates[1],
            (b"src/app/?.lua".to_vec(), b"./?.lua".to_vec())
        );
        let tried = p.find(b"no.such").unwrap_err();
        assert_eq!(tried[0], b"x/no/such.lua");
        assert_eq!(tried[2], b"src/app/no/such/init.lua");
    }
}
