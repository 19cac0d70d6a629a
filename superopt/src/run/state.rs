//! The saved state of a run: whole or not there, checked when it is read, and of this configuration and version only.
//!
//! Layout: magic, format (u32), configuration digest (32 bytes), payload length (u64), SHA-256 of everything before it and
//! of the payload (32 bytes), payload. Little-endian. What the payload means is the engines' business; they write it as
//! JSON of their own structures.

use crate::store::sha256::{Digest, Sha256};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const MAGIC: &[u8; 8] = b"TRNSTATE";
/// Version of the layout and of the payloads in it.
pub const FORMAT: u32 = 1;
const HEADER: usize = 8 + 4 + 32 + 8;
/// Time between two saves: with time for the write itself, well below the five seconds that a kill may cost.
pub const PERIOD: Duration = Duration::from_secs(2);

/// Why a saved state cannot be used.
#[derive(Debug)]
pub enum StateError {
    /// The file system refused, or there is no saved state.
    Io(PathBuf, io::Error),
    /// Not a state, or damaged.
    Damaged(PathBuf, &'static str),
    /// Written by another version.
    Version(PathBuf, u32),
    /// Written for another configuration.
    OtherConfig(PathBuf),
    /// The payload is not what the engines write.
    Payload(PathBuf, serde_json::Error),
}

impl StateError {
    /// Exit code of commands that end in this.
    pub const EXIT: u8 = crate::report::verdict::exit::RESUME;
}

impl std::fmt::Display for StateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StateError::Io(p, e) => write!(f, "{}: {e}", p.display()),
            StateError::Damaged(p, what) => {
                write!(f, "{}: the saved state is damaged ({what})", p.display())
            }
            StateError::Version(p, v) => write!(
                f,
                "{}: a saved state of format {v}; this version reads format {FORMAT}",
                p.display()
            ),
            StateError::OtherConfig(p) => write!(
                f,
                "{}: the state was saved for another configuration; resume with the one beside it, or start anew",
                p.display()
            ),
            StateError::Payload(p, e) => {
                write!(f, "{}: not a state of this version: {e}", p.display())
            }
        }
    }
}

impl std::error::Error for StateError {}

fn checksum(header: &[u8], payload: &[u8]) -> Digest {
    let mut h = Sha256::default();
    h.update(header).update(payload);
    h.finish()
}

/// Writes a state, whole or not at all.
pub fn save<T: Serialize>(path: &Path, config: &Digest, state: &T) -> Result<(), StateError> {
    let payload = serde_json::to_vec(state).map_err(|e| StateError::Payload(path.into(), e))?;
    let mut file = Vec::with_capacity(HEADER + 32 + payload.len());
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&FORMAT.to_le_bytes());
    file.extend_from_slice(&config.0);
    file.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    let sum = checksum(&file, &payload);
    file.extend_from_slice(&sum.0);
    file.extend_from_slice(&payload);
    super::files::write_atomically(path, &file).map_err(|e| StateError::Io(path.into(), e))
}

/// Reads a state that was saved for this configuration.
pub fn load<T: DeserializeOwned>(path: &Path, config: &Digest) -> Result<T, StateError> {
    let file = std::fs::read(path).map_err(|e| StateError::Io(path.into(), e))?;
    let damaged = |what| StateError::Damaged(path.into(), what);
    if file.len() < HEADER + 32 || !file.starts_with(MAGIC) {
        return Err(damaged("no header"));
    }
    let (header, rest) = file.split_at(HEADER);
    let (sum, payload) = rest.split_at(32);
    // The slices below have the lengths of their types by the layout of the header.
    let format = u32::from_le_bytes(header[8..12].try_into().expect("four bytes"));
    if format != FORMAT {
        return Err(StateError::Version(path.into(), format));
    }
    let length = u64::from_le_bytes(header[44..52].try_into().expect("eight bytes"));
    if length != payload.len() as u64 {
        return Err(damaged("cut off"));
    }
    if checksum(header, payload).0 != sum {
        return Err(damaged("wrong checksum"));
    }
    if header[12..44] != config.0 {
        return Err(StateError::OtherConfig(path.into()));
    }
    serde_json::from_slice(payload).map_err(|e| StateError::Payload(path.into(), e))
}

/// Saves from time to time.
#[derive(Debug)]
pub struct Saver {
    path: PathBuf,
    config: Digest,
    period: Duration,
    last: Instant,
}

impl Saver {
    /// Saves to a file every [`PERIOD`].
    pub fn new(path: PathBuf, config: Digest) -> Saver {
        Saver {
            path,
            config,
            period: PERIOD,
            last: Instant::now(),
        }
    }

    /// Whether it is time to save. Cheap enough to ask a thousand times a second.
    pub fn due(&self) -> bool {
        self.last.elapsed() >= self.period
    }

    /// Saves now.
    pub fn save<T: Serialize>(&mut self, state: &T) -> Result<(), StateError> {
        save(&self.path, &self.config, state)?;
        self.last = Instant::now();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::files::TestDir;
    use super::*;
    use crate::store::sha256::sha256;

    #[test]
    fn round_trip_and_every_kind_of_damage() {
        let dir = TestDir::new("state");
        let path = dir.0.join("state.bin");
        let config = sha256(b"config");
        let state = vec![
            ("chain".to_string(), 12u64),
            ("quasar".to_string(), u64::MAX),
        ];
        assert!(matches!(
            load::<Vec<(String, u64)>>(&path, &config),
            Err(StateError::Io(..))
        ));
        save(&path, &config, &state).unwrap();
        assert_eq!(load::<Vec<(String, u64)>>(&path, &config).unwrap(), state);
        assert!(matches!(
            load::<Vec<(String, u64)>>(&path, &sha256(b"other")),
            Err(StateError::OtherConfig(_))
        ));
        assert!(matches!(
            load::<u64>(&path, &config),
            Err(StateError::Payload(..))
        ));
        let good = std::fs::read(&path).unwrap();
        // Every single bit flipped, every length cut: never accepted.
        for i in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[i / 8] ^= 1 << (i % 8);
            std::fs::write(&path, &bad).unwrap();
            let e = load::<Vec<(String, u64)>>(&path, &config).unwrap_err();
            let version = (64..96).contains(&i);
            assert_eq!(
                matches!(e, StateError::Version(..)),
                version,
                "bit {i}: {e}"
            );
        }
        for n in 0..good.len() {
            std::fs::write(&path, &good[..n]).unwrap();
            assert!(
                load::<Vec<(String, u64)>>(&path, &config).is_err(),
                "{n} bytes"
            );
        }
    }

    #[test]
    fn a_saver_is_due_after_its_period() {
        let dir = TestDir::new("saver");
        let mut s = Saver::new(dir.0.join("state.bin"), sha256(b""));
        s.period = Duration::ZERO;
        assert!(s.due());
        s.save(&1u8).unwrap();
        s.period = Duration::from_secs(3600);
        assert!(!s.due());
        assert_eq!(load::<u8>(&s.path, &s.config).unwrap(), 1);
    }
}
