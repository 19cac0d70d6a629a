//! Refuses to run on a processor that lacks what the executable was compiled for, before an instruction that it does not know kills it.

use trinity_abi::cpu::{EXIT, FEATURES, MarchDesc};

/// Ends the process unless the processor, and the system, have all features that the executable needs.
///
/// # Safety
/// The description of this executable.
#[unsafe(no_mangle)]
unsafe extern "C" fn trinity_march_check(desc: &MarchDesc) {
    let missing = desc.features & !present();
    if missing == 0 {
        return;
    }
    // SAFETY: constant data of this executable, with the stated length.
    let name = unsafe { std::slice::from_raw_parts(desc.name, desc.name_len as usize) };
    let mut text = b"this executable was compiled with -march=".to_vec();
    text.extend_from_slice(name);
    text.extend_from_slice(b"; this processor lacks");
    let mut names = FEATURES.iter().map(|f| f.0).enumerate();
    for (_, name) in names.by_ref().filter(|(n, _)| missing >> n & 1 == 1) {
        text.push(b' ');
        text.extend_from_slice(name.as_bytes());
    }
    if missing >> FEATURES.len() != 0 {
        text.extend_from_slice(b" something unknown");
    }
    text.push(b'\n');
    // SAFETY: bytes of a vector. When nothing can be written there is nobody to tell.
    unsafe {
        libc::write(2, text.as_ptr().cast(), text.len());
        libc::_exit(EXIT);
    }
}

/// The features there are.
fn present() -> u64 {
    macro_rules! detect {
        ($($name:tt $level:tt)*) => {
            [$(std::arch::is_x86_feature_detected!($name)),*]
        };
    }
    let has = trinity_abi::cpu_features!(detect);
    let bits = (0..).zip(has).filter(|(_, has)| *has);
    bits.fold(0, |s, (n, _)| s | 1 << n)
}
