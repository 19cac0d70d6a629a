//! What this processor can run.
//!
//! A form is gated by the CPUID features iced names for it, so that `lzcnt` is never run where it would decode as `bsr`.

use iced_x86::{CpuidFeature, Instruction};

/// Whether this processor has `feature`. A feature that user code under test has no business with (virtualisation,
/// debugging, other vendors' extensions) counts as missing.
pub fn has(feature: CpuidFeature) -> bool {
    match feature {
        CpuidFeature::INTEL8086
        | CpuidFeature::INTEL186
        | CpuidFeature::INTEL286
        | CpuidFeature::INTEL386
        | CpuidFeature::INTEL486
        | CpuidFeature::X64
        | CpuidFeature::CMOV
        | CpuidFeature::CX8
        | CpuidFeature::TSC
        | CpuidFeature::MULTIBYTENOP
        | CpuidFeature::PAUSE
        | CpuidFeature::SSE
        | CpuidFeature::SSE2 => true,
        CpuidFeature::SSE3 => is_x86_feature_detected!("sse3"),
        CpuidFeature::SSSE3 => is_x86_feature_detected!("ssse3"),
        CpuidFeature::SSE4_1 => is_x86_feature_detected!("sse4.1"),
        CpuidFeature::SSE4_2 => is_x86_feature_detected!("sse4.2"),
        CpuidFeature::POPCNT => is_x86_feature_detected!("popcnt"),
        CpuidFeature::LZCNT => is_x86_feature_detected!("lzcnt"),
        CpuidFeature::BMI1 => is_x86_feature_detected!("bmi1"),
        CpuidFeature::BMI2 => is_x86_feature_detected!("bmi2"),
        CpuidFeature::ADX => is_x86_feature_detected!("adx"),
        CpuidFeature::MOVBE => is_x86_feature_detected!("movbe"),
        CpuidFeature::AVX => is_x86_feature_detected!("avx"),
        CpuidFeature::AVX2 => is_x86_feature_detected!("avx2"),
        CpuidFeature::FMA => is_x86_feature_detected!("fma"),
        CpuidFeature::F16C => is_x86_feature_detected!("f16c"),
        CpuidFeature::AES => is_x86_feature_detected!("aes"),
        CpuidFeature::PCLMULQDQ => is_x86_feature_detected!("pclmulqdq"),
        CpuidFeature::CMPXCHG16B => is_x86_feature_detected!("cmpxchg16b"),
        // The extended leaf 0x8000_0001 exists on every 64-bit processor.
        CpuidFeature::RDTSCP => core::arch::x86_64::__cpuid(0x8000_0001).edx & (1 << 27) != 0,
        _ => false,
    }
}

/// The first feature `instruction` needs that this processor lacks.
pub fn missing(instruction: &Instruction) -> Option<CpuidFeature> {
    instruction
        .cpuid_features()
        .iter()
        .copied()
        .find(|&feature| !has(feature))
}
