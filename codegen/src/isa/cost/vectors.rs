//! The rows of vector instructions; see [`rows`](super::rows) for how to read one.

use iced_x86::Mnemonic::{self, *};

use super::rows::{Row, all, c, costs, two, zen4};
use super::{Variant, Width};

/// Integer arithmetic, comparison, bitwise operations and shifts in vector lanes, and moves of vectors.
pub fn integer_lanes(mnemonic: Mnemonic, width: Width, variant: Variant) -> Option<Row> {
    use Variant::{Counted, Cross};
    Some(match mnemonic {
        Movaps | Movapd | Movdqa | Movups | Movupd | Movdqu | Vmovaps | Vmovapd | Vmovdqa
        | Vmovups | Vmovupd | Vmovdqu | Lddqu | Vlddqu => {
            costs!(0 17 1, 0 17 1, 0 25 1, 0 25 1, 0 25 1)
        }
        Movntdq | Movntps | Movntpd | Movnti | Vmovntdq | Vmovntps | Vmovntpd | Movntdqa
        | Vmovntdqa => all(0, 100, 1),
        Movd | Movq | Vmovd | Vmovq if variant == Cross => two(c(3, 100, 1), c(2, 100, 1)),
        Movd | Movq | Vmovd | Vmovq => two(c(1, 25, 1), c(1, 33, 1)),
        Paddb | Paddw | Paddd | Paddq | Psubb | Psubw | Psubd | Psubq | Vpaddb | Vpaddw
        | Vpaddd | Vpaddq | Vpsubb | Vpsubw | Vpsubd | Vpsubq | Pcmpeqb | Pcmpeqw | Pcmpeqd
        | Vpcmpeqb | Vpcmpeqw | Vpcmpeqd | Pcmpgtb | Pcmpgtw | Pcmpgtd | Vpcmpgtb | Vpcmpgtw
        | Vpcmpgtd | Pminub | Pminuw | Pminud | Pminsb | Pminsw | Pminsd | Pmaxub | Pmaxuw
        | Pmaxud | Pmaxsb | Pmaxsw | Pmaxsd | Vpminub | Vpminuw | Vpminud | Vpminsb | Vpminsw
        | Vpminsd | Vpmaxub | Vpmaxuw | Vpmaxud | Vpmaxsb | Vpmaxsw | Vpmaxsd => {
            costs!(1 25 1, 1 33 1, 1 33 1, 1 33 1, 1 50 1)
        }
        Pabsb | Pabsw | Pabsd | Vpabsb | Vpabsw | Vpabsd | Pcmpeqq | Vpcmpeqq => {
            costs!(2 50 1, 1 50 1, 1 50 1, 1 50 1, 1 50 1)
        }
        Paddsb | Paddsw | Paddusb | Paddusw | Psubsb | Psubsw | Psubusb | Psubusw | Vpaddsb
        | Vpaddsw | Vpaddusb | Vpaddusw | Vpsubsb | Vpsubsw | Vpsubusb | Vpsubusw | Psignb
        | Psignw | Psignd | Vpsignb | Vpsignw | Vpsignd => zen4(c(2, 50, 1), all(1, 50, 1)),
        Pavgb | Pavgw | Vpavgb | Vpavgw => zen4(c(2, 25, 1), all(1, 50, 1)),
        Pcmpgtq | Vpcmpgtq => zen4(c(2, 50, 1), two(c(1, 50, 1), c(3, 100, 1))),
        Pand | Pandn | Por | Pxor | Vpand | Vpandn | Vpor | Vpxor | Andps | Andpd | Andnps
        | Andnpd | Orps | Orpd | Xorps | Xorpd | Vandps | Vandpd | Vandnps | Vandnpd | Vorps
        | Vorpd | Vxorps | Vxorpd => costs!(1 25 1, 1 25 1, 1 33 1, 1 33 1, 1 33 1),
        Psllw | Pslld | Psllq | Psrlw | Psrld | Psrlq | Psraw | Psrad | Vpsllw | Vpslld
        | Vpsllq | Vpsrlw | Vpsrld | Vpsrlq | Vpsraw | Vpsrad => match variant {
            Counted => costs!(2 50 1, 2 50 1, 2 100 2, 2 100 2, 2 100 2),
            _ => costs!(1 50 1, 1 50 1, 1 50 1, 1 50 1, 1 100 1),
        },
        Vpsllvd | Vpsllvq | Vpsrlvd | Vpsrlvq | Vpsravd => {
            costs!(1 50 1, 3 100 1, 1 50 1, 1 50 1, 2 200 3)
        }
        Pmullw | Pmulhw | Pmulhuw | Pmulhrsw | Pmuludq | Pmuldq | Pmaddwd | Pmaddubsw | Vpmullw
        | Vpmulhw | Vpmulhuw | Vpmulhrsw | Vpmuludq | Vpmuldq | Vpmaddwd | Vpmaddubsw => {
            costs!(3 50 1, 3 50 1, 5 50 1, 5 50 1, 5 100 1)
        }
        Pmulld | Vpmulld => costs!(3 50 1, 3 50 1, 10 100 2, 10 100 2, 10 200 2),
        Psadbw | Vpsadbw => costs!(3 50 1, 3 50 1, 3 100 1, 3 100 1, 5 100 1),
        Pclmulqdq | Vpclmulqdq => costs!(4 200 4, 4 200 4, 6 100 1, 7 100 1, 7 200 3),
        Mpsadbw | Vmpsadbw => two(c(4, 200, 4), c(4, 200, 2)),
        Phminposuw | Vphminposuw => two(c(3, 50, 1), c(4, 100, 1)),
        Phaddw | Phaddd | Phsubw | Phsubd | Vphaddw | Vphaddd | Vphsubw | Vphsubd => {
            two(c(2, 200, 3), c(3, 200, 3))
        }
        Phaddsw | Phsubsw | Vphaddsw | Vphsubsw => two(c(3, 200, 3), c(3, 200, 3)),
        Ptest | Vptest | Vtestps | Vtestpd => two(c(1, 100, 2), c(3, 100, 2)),
        Pmovmskb | Vpmovmskb | Movmskps | Movmskpd | Vmovmskps | Vmovmskpd => two(
            c(5, 100, if matches!(width, Width::Y) { 2 } else { 1 }),
            c(3, 100, 1),
        ),
        Vzeroupper => costs!(0 800 4, 0 100 1, 0 100 4, 0 100 4, 0 100 4),
        Vzeroall => costs!(0 600 10, 0 600 10, 0 1000 34, 0 1600 34, 0 1600 20),
        _ => return None,
    })
}

/// Rearrangement of lanes: shuffles, unpacks, packs, blends, inserts, extracts, broadcasts, extensions.
pub fn shuffles(mnemonic: Mnemonic, width: Width, _: Variant) -> Option<Row> {
    let wide = width == Width::Y;
    Some(match mnemonic {
        Pshufd | Vpshufd | Pshufhw | Vpshufhw | Pshuflw | Vpshuflw | Punpcklbw | Punpcklwd
        | Punpckldq | Punpcklqdq | Punpckhbw | Punpckhwd | Punpckhdq | Punpckhqdq | Vpunpcklbw
        | Vpunpcklwd | Vpunpckldq | Vpunpcklqdq | Vpunpckhbw | Vpunpckhwd | Vpunpckhdq
        | Vpunpckhqdq | Shufps | Shufpd | Vshufps | Vshufpd | Unpcklps | Unpcklpd | Unpckhps
        | Unpckhpd | Vunpcklps | Vunpcklpd | Vunpckhps | Vunpckhpd | Movhlps | Movlhps
        | Vmovhlps | Vmovlhps | Movddup | Movshdup | Movsldup | Vmovddup | Vmovshdup
        | Vmovsldup | Insertps | Vinsertps => costs!(1 33 1, 1 50 1, 1 50 1, 1 100 1, 1 100 1),
        Pshufb | Vpshufb | Packsswb | Packssdw | Packuswb | Packusdw | Vpacksswb | Vpackssdw
        | Vpackuswb | Vpackusdw | Palignr | Vpalignr | Pslldq | Psrldq | Vpslldq | Vpsrldq
        | Vpermilps | Vpermilpd => costs!(2 50 1, 1 50 1, 1 50 1, 1 100 1, 1 100 1),
        Movhps | Movhpd | Movlps | Movlpd | Vmovhps | Vmovhpd | Vmovlps | Vmovlpd => {
            costs!(1 50 1, 1 50 1, 1 50 1, 1 100 1, 1 100 1)
        }
        Movss | Movsd | Vmovss | Vmovsd => costs!(1 25 1, 1 25 1, 1 33 1, 1 33 1, 1 100 1),
        Pblendw | Vpblendw => costs!(1 25 1, 1 33 1, 1 100 1, 1 100 1, 1 100 1),
        Vpblendd | Blendps | Blendpd | Vblendps | Vblendpd => {
            costs!(1 25 1, 1 25 1, 1 33 1, 1 33 1, 1 33 1)
        }
        Pblendvb | Blendvps | Blendvpd => costs!(1 50 1, 1 50 1, 1 33 1, 1 33 1, 2 200 2),
        Vpblendvb | Vblendvps | Vblendvpd => costs!(1 50 1, 1 50 1, 2 100 2, 2 67 2, 2 200 2),
        Vperm2i128 | Vperm2f128 => zen4(c(3, 50, 1), all(3, 100, 1)),
        Vpermq | Vpermpd | Vpermd | Vpermps => zen4(c(4, 50, 1), two(c(6, 100, 2), c(3, 100, 1))),
        Vinserti128 | Vinsertf128 => zen4(c(1, 50, 1), two(c(2, 50, 1), c(3, 100, 1))),
        Vextracti128 | Vextractf128 => zen4(c(3, 50, 1), two(c(4, 100, 1), c(3, 100, 1))),
        Vbroadcasti128 | Vbroadcastf128 => all(0, 50, 1),
        Vpbroadcastb | Vpbroadcastw | Vpbroadcastd | Vpbroadcastq | Vbroadcastss | Vbroadcastsd
            if wide =>
        {
            zen4(c(1, 50, 1), two(c(2, 50, 1), c(3, 100, 1)))
        }
        Vpbroadcastb | Vpbroadcastw | Vpbroadcastd | Vpbroadcastq | Vbroadcastss | Vbroadcastsd => {
            zen4(c(1, 33, 1), two(c(1, 50, 1), c(1, 100, 1)))
        }
        Pmovzxbw | Pmovzxbd | Pmovzxbq | Pmovzxwd | Pmovzxwq | Pmovzxdq | Pmovsxbw | Pmovsxbd
        | Pmovsxbq | Pmovsxwd | Pmovsxwq | Pmovsxdq => {
            costs!(2 50 1, 1 50 1, 1 50 1, 1 100 1, 1 100 1)
        }
        Vpmovzxbw | Vpmovzxbd | Vpmovzxbq | Vpmovzxwd | Vpmovzxwq | Vpmovzxdq | Vpmovsxbw
        | Vpmovsxbd | Vpmovsxbq | Vpmovsxwd | Vpmovsxwq | Vpmovsxdq => {
            if wide {
                zen4(c(2, 50, 1), two(c(4, 100, 2), c(3, 100, 1)))
            } else {
                costs!(2 50 1, 1 50 1, 1 50 1, 1 100 1, 1 100 1)
            }
        }
        Pinsrb | Pinsrw | Pinsrd | Pinsrq | Vpinsrb | Vpinsrw | Vpinsrd | Vpinsrq => {
            two(c(4, 100, 2), c(3, 200, 2))
        }
        Pextrb | Pextrw | Pextrd | Pextrq | Vpextrb | Vpextrw | Vpextrd | Vpextrq | Extractps
        | Vextractps => two(c(4, 100, 2), c(3, 100, 2)),
        _ => return None,
    })
}

/// Floating-point arithmetic, comparisons and conversions.
pub fn floats(mnemonic: Mnemonic, width: Width, variant: Variant) -> Option<Row> {
    let wide = width == Width::Y;
    Some(match mnemonic {
        Addss | Addsd | Addps | Addpd | Subss | Subsd | Subps | Subpd | Addsubps | Addsubpd
        | Vaddss | Vaddsd | Vaddps | Vaddpd | Vsubss | Vsubsd | Vsubps | Vsubpd | Vaddsubps
        | Vaddsubpd => costs!(3 50 1, 3 50 1, 4 50 1, 4 50 1, 3 100 1),
        Mulss | Mulsd | Mulps | Mulpd | Vmulss | Vmulsd | Vmulps | Vmulpd => {
            costs!(3 50 1, 3 50 1, 4 50 1, 4 50 1, 5 50 1)
        }
        Divss | Divps | Vdivss | Vdivps if wide => {
            costs!(10 300 1, 10 350 1, 11 500 1, 11 500 1, 21 1300 3)
        }
        Divss | Divps | Vdivss | Vdivps => costs!(10 300 1, 10 300 1, 11 300 1, 11 300 1, 13 700 1),
        Divsd | Divpd | Vdivsd | Vdivpd if wide => {
            costs!(14 500 1, 13 500 1, 14 800 1, 14 800 1, 35 2500 3)
        }
        Divsd | Divpd | Vdivsd | Vdivpd => {
            costs!(14 500 1, 13 450 1, 14 400 1, 14 400 1, 20 1300 1)
        }
        Sqrtss | Sqrtps | Vsqrtss | Vsqrtps if wide => {
            costs!(15 500 1, 14 500 1, 12 600 1, 12 600 1, 21 1300 3)
        }
        Sqrtss | Sqrtps | Vsqrtss | Vsqrtps => {
            costs!(14 500 1, 14 500 1, 12 300 1, 12 300 1, 11 700 1)
        }
        Sqrtsd | Sqrtpd | Vsqrtsd | Vsqrtpd if wide => {
            costs!(21 840 1, 20 900 1, 18 1200 1, 18 1200 1, 35 2500 3)
        }
        Sqrtsd | Sqrtpd | Vsqrtsd | Vsqrtpd => {
            costs!(20 840 1, 20 900 1, 18 600 1, 18 600 1, 20 1300 1)
        }
        Minss | Minsd | Minps | Minpd | Maxss | Maxsd | Maxps | Maxpd | Vminss | Vminsd
        | Vminps | Vminpd | Vmaxss | Vmaxsd | Vmaxps | Vmaxpd | Cmpss | Cmpsd | Cmpps | Cmppd
        | Vcmpss | Vcmpsd | Vcmpps | Vcmppd => costs!(2 50 1, 1 50 1, 4 50 1, 4 50 1, 3 100 1),
        Comiss | Comisd | Ucomiss | Ucomisd | Vcomiss | Vcomisd | Vucomiss | Vucomisd => {
            two(c(1, 100, 2), c(3, 100, 1))
        }
        Roundss | Roundsd | Roundps | Roundpd | Vroundss | Vroundsd | Vroundps | Vroundpd => {
            costs!(3 50 1, 3 100 1, 8 100 2, 8 100 2, 6 200 2)
        }
        Haddps | Haddpd | Hsubps | Hsubpd | Vhaddps | Vhaddpd | Vhsubps | Vhsubpd => {
            costs!(4 200 3, 6 200 4, 6 200 3, 6 200 3, 5 200 3)
        }
        Dpps | Vdpps => costs!(11 400 8, 15 400 8, 14 150 4, 13 150 4, 14 200 4),
        Dppd | Vdppd => costs!(7 300 3, 9 300 3, 9 100 3, 9 100 3, 9 100 3),
        _ if fused(mnemonic) => costs!(4 50 1, 4 50 1, 4 50 1, 4 50 1, 5 50 1),
        Cvtps2dq | Cvttps2dq | Cvtdq2ps | Vcvtps2dq | Vcvttps2dq | Vcvtdq2ps => {
            costs!(3 50 1, 3 50 1, 4 50 1, 4 50 1, 3 100 1)
        }
        Cvtpd2dq | Cvttpd2dq | Cvtdq2pd | Cvtps2pd | Cvtpd2ps | Vcvtpd2dq | Vcvttpd2dq
        | Vcvtdq2pd | Vcvtps2pd | Vcvtpd2ps => {
            if wide {
                costs!(5 75 2, 6 200 2, 7 100 2, 7 100 2, 6 100 2)
            } else {
                costs!(3 50 1, 4 100 1, 5 100 2, 5 100 2, 4 100 2)
            }
        }
        Cvtss2sd | Cvtsd2ss | Vcvtss2sd | Vcvtsd2ss => {
            costs!(3 50 1, 3 100 1, 5 100 2, 5 100 2, 4 100 2)
        }
        Cvtsi2ss | Cvtsi2sd | Vcvtsi2ss | Vcvtsi2sd if variant == Variant::Cross => {
            costs!(7 100 2, 7 100 2, 7 100 2, 6 100 2, 6 100 2)
        }
        Cvtsi2ss | Cvtsi2sd | Vcvtsi2ss | Vcvtsi2sd => {
            costs!(3 100 1, 3 100 1, 4 100 1, 4 100 1, 4 100 1)
        }
        Cvtss2si | Cvtsd2si | Cvttss2si | Cvttsd2si | Vcvtss2si | Vcvtsd2si | Vcvttss2si
        | Vcvttsd2si => costs!(7 100 2, 7 100 2, 6 100 2, 6 100 2, 5 100 2),
        _ => return None,
    })
}

fn fused(mnemonic: Mnemonic) -> bool {
    matches!(
        mnemonic,
        Vfmadd132ps
            | Vfmadd213ps
            | Vfmadd231ps
            | Vfmadd132pd
            | Vfmadd213pd
            | Vfmadd231pd
            | Vfmadd132ss
            | Vfmadd213ss
            | Vfmadd231ss
            | Vfmadd132sd
            | Vfmadd213sd
            | Vfmadd231sd
            | Vfmsub132ps
            | Vfmsub213ps
            | Vfmsub231ps
            | Vfmsub132pd
            | Vfmsub213pd
            | Vfmsub231pd
            | Vfmsub132ss
            | Vfmsub213ss
            | Vfmsub231ss
            | Vfmsub132sd
            | Vfmsub213sd
            | Vfmsub231sd
            | Vfnmadd132ps
            | Vfnmadd213ps
            | Vfnmadd231ps
            | Vfnmadd132pd
            | Vfnmadd213pd
            | Vfnmadd231pd
            | Vfnmadd132ss
            | Vfnmadd213ss
            | Vfnmadd231ss
            | Vfnmadd132sd
            | Vfnmadd213sd
            | Vfnmadd231sd
            | Vfnmsub132ps
            | Vfnmsub213ps
            | Vfnmsub231ps
            | Vfnmsub132pd
            | Vfnmsub213pd
            | Vfnmsub231pd
            | Vfnmsub132ss
            | Vfnmsub213ss
            | Vfnmsub231ss
            | Vfnmsub132sd
            | Vfnmsub213sd
            | Vfnmsub231sd
            | Vfmaddsub132ps
            | Vfmaddsub213ps
            | Vfmaddsub231ps
            | Vfmaddsub132pd
            | Vfmaddsub213pd
            | Vfmaddsub231pd
            | Vfmsubadd132ps
            | Vfmsubadd213ps
            | Vfmsubadd231ps
            | Vfmsubadd132pd
            | Vfmsubadd213pd
            | Vfmsubadd231pd
    )
}
