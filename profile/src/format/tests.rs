//! Round trips, and files that are not what was written.

use super::*;
use crate::testing::{Random, random_profile};

#[test]
fn what_was_written_is_read() {
    let seed = 0x5EED_0001;
    let mut rng = Random(seed);
    for round in 0..50 {
        let p = random_profile(&mut rng);
        let bytes = p.encode();
        assert_eq!(
            Profile::decode(&bytes),
            Ok(p),
            "seed {seed:#x}, round {round}"
        );
    }
    let nothing = Profile::default();
    assert_eq!(Profile::decode(&nothing.encode()), Ok(nothing));
}

#[test]
fn every_changed_byte_is_noticed() {
    let bytes = random_profile(&mut Random(0x5EED_0002)).encode();
    for at in 0..bytes.len() {
        for flip in [1, 0x80, 0xFF] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            assert!(Profile::decode(&damaged).is_err(), "byte {at} ^ {flip:#x}");
        }
    }
}

#[test]
fn every_length_but_the_right_one_is_noticed() {
    let mut bytes = random_profile(&mut Random(0x5EED_0003)).encode();
    for len in 1..bytes.len() {
        assert_eq!(
            Profile::decode(&bytes[..len]),
            Err(FormatError::Truncated),
            "{len} bytes"
        );
    }
    assert_eq!(Profile::decode(&[]), Err(FormatError::NotAProfile));
    bytes.push(0);
    assert_eq!(Profile::decode(&bytes), Err(FormatError::Trailing));
}

/// Behind a checksum that is right, anything is refused or decoded, without a panic or a large allocation.
#[test]
fn nothing_in_the_payload_is_trusted() {
    let seed = 0x5EED_0004;
    let mut rng = Random(seed);
    let bytes = random_profile(&mut rng).encode();
    let (mut refused, mut decoded) = (0, 0);
    for _ in 0..20_000 {
        let mut damaged = bytes.clone();
        for _ in 0..=rng.below(3) {
            let at = HEADER + rng.below((bytes.len() - HEADER - 8) as u64) as usize;
            damaged[at] = rng.next() as u8;
        }
        let body = damaged.len() - 8;
        let sum = crate::fingerprint::Fnv::START.bytes(&damaged[..body]).0;
        damaged[body..].copy_from_slice(&sum.to_le_bytes());
        match Profile::decode(&damaged) {
            Err(_) => refused += 1,
            Ok(p) => {
                decoded += 1;
                assert_eq!(Profile::decode(&p.encode()), Ok(p), "seed {seed:#x}");
            }
        }
    }
    assert!(
        refused > 1000 && decoded > 1000,
        "{refused} refused, {decoded} decoded"
    );
}

#[test]
fn other_files_and_versions_are_named() {
    assert_eq!(
        Profile::decode(b"\x7fELF..."),
        Err(FormatError::NotAProfile)
    );
    let mut bytes = Profile::default().encode();
    bytes[8] = 9;
    let e = Profile::decode(&bytes).unwrap_err();
    assert_eq!(e, FormatError::Version(9));
    assert_eq!(e.to_string(), "a profile of format 9, this version reads 1");
}

#[test]
fn files_are_replaced_in_one_step() {
    let dir = std::env::temp_dir().join(format!("trinity-profile-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("a.tprof");
    std::fs::write(&path, "old").unwrap();
    assert!(matches!(
        Profile::read(&path),
        Err(ReadError::Format(FormatError::NotAProfile))
    ));
    let p = random_profile(&mut Random(0x5EED_0005));
    p.write(&path).unwrap();
    assert_eq!(Profile::read(&path).unwrap(), p);
    let names: Vec<_> = std::fs::read_dir(&dir).unwrap().collect();
    assert_eq!(names.len(), 1, "no temporary file stays");
    let link = dir.join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    Profile::default().write(&link).unwrap();
    assert_eq!(Profile::read(&path).unwrap(), Profile::default());
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    p.write(Path::new("/dev/null")).unwrap();
    assert!(!Path::new("/dev/null").is_file());
    assert!(p.write(&dir.join("none/a.tprof")).is_err());
    assert!(matches!(
        Profile::read(&dir.join("none")),
        Err(ReadError::Io(_))
    ));
    std::fs::remove_dir_all(&dir).unwrap();
}
