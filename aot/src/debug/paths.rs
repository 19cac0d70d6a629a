//! Names of directories in debug information, as the user wants them to be (`--remap-path-prefix`): without it an executable with `-g` says where it was made,
//! and one made elsewhere is another.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Prefixes of paths and what stands for them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PathMap(Vec<(Vec<u8>, Vec<u8>)>);

impl PathMap {
    /// Adds `FROM=TO`; false if it is no such thing. The last `=` divides: a directory with one in its name can be replaced, too.
    pub fn add(&mut self, text: &[u8]) -> bool {
        match text.iter().rposition(|&c| c == b'=') {
            Some(eq) if eq > 0 => {
                self.0.push((text[..eq].to_vec(), text[eq + 1..].to_vec()));
                true
            }
            _ => false,
        }
    }

    /// A path with the last prefix given that it has replaced. Prefixes are whole names of directories.
    pub fn apply(&self, path: &Path) -> Vec<u8> {
        let path = path.as_os_str().as_bytes();
        for (from, to) in self.0.iter().rev() {
            if let Some(rest) = path.strip_prefix(&from[..])
                && (rest.is_empty() || rest[0] == b'/' || from.ends_with(b"/"))
            {
                return [&to[..], rest].concat();
            }
        }
        path.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_whole_names_and_the_last_one_wins() {
        let mut map = PathMap::default();
        assert!(map.add(b"/home/me=/src") && map.add(b"/home/me/a=b=.") && map.add(b"/x/="));
        assert!(!map.add(b"/home/me") && !map.add(b"=/src"));
        let mapped = |p: &str| String::from_utf8(map.apply(Path::new(p))).unwrap();
        assert_eq!(mapped("/home/me/x.lua"), "/src/x.lua");
        assert_eq!(mapped("/home/me"), "/src");
        assert_eq!(mapped("/home/mean/x.lua"), "/home/mean/x.lua");
        assert_eq!(mapped("/home/me/a=b/x.lua"), "./x.lua");
        assert_eq!(mapped("/x/y.lua"), "y.lua");
        assert_eq!(mapped("x.lua"), "x.lua");
    }
}
