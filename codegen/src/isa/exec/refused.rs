//! Why an instruction that could have a meaning in the model has none on purpose.

use iced_x86::Mnemonic;

/// The reason, for the instructions that are left out deliberately; none for those nobody asked for.
pub fn reason(m: Mnemonic) -> Option<&'static str> {
    use Mnemonic::*;
    Some(match m {
        Rcpss | Rcpps | Rsqrtss | Rsqrtps | Vrcpss | Vrcpps | Vrsqrtss | Vrsqrtps => {
            "an approximation, whose bits differ between processors"
        }
        Movnti | Movntps | Movntpd | Movntdq | Movntdqa | Movntq | Vmovntps | Vmovntpd
        | Vmovntdq | Vmovntdqa | Maskmovdqu | Vmaskmovdqu | Maskmovq => {
            "a non-temporal access, whose order with other accesses matters"
        }
        Vmaskmovps | Vmaskmovpd | Vpmaskmovd | Vpmaskmovq => {
            "a masked access, which faults only for the elements its mask chooses"
        }
        Pcmpestri | Pcmpestrm | Pcmpistri | Pcmpistrm | Vpcmpestri | Vpcmpestrm | Vpcmpistri
        | Vpcmpistrm | Pcmpestri64 | Pcmpestrm64 | Vpcmpestri64 | Vpcmpestrm64 => {
            "a comparison of strings"
        }
        Mpsadbw | Vmpsadbw => "sums of absolute differences at several offsets",
        Aesenc | Aesenclast | Aesdec | Aesdeclast | Aesimc | Aeskeygenassist | Vaesenc
        | Vaesenclast | Vaesdec | Vaesdeclast | Vaesimc | Vaeskeygenassist | Sha1msg1
        | Sha1msg2 | Sha1nexte | Sha1rnds4 | Sha256msg1 | Sha256msg2 | Sha256rnds2 => {
            "cryptography"
        }
        Ldmxcsr | Stmxcsr | Vldmxcsr | Vstmxcsr | Fxsave | Fxrstor | Xsave | Xrstor => {
            "the floating-point environment, which the model holds fixed"
        }
        Lfence | Mfence | Sfence => "an order among accesses, which straight-line code cannot see",
        Rdtsc | Rdtscp | Rdrand | Rdseed | Cpuid | Rdpmc => {
            "a result that is not a function of the state"
        }
        Emms => "the x87 and MMX registers, which the model does not have",
        _ => return None,
    })
}
