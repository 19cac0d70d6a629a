//! The rows of vector instructions; see [`rows`](super::rows) for how to read one.

use iced_x86::Mnemonic::{self, *};

use super::rows::{Row, all, c, two};
use super::{Variant, Width};

/// Integer arithmetic, comparison, bitwise operations and shifts in vector lanes, and moves of vectors.
pub fn integer_lanes(mnemonic: Mnemonic, width: Width, variant: Variant) -> Option<Row> {
    use Variant::{Counted, Cross};
    Some(match mnemonic {
        Movaps | Movapd | Movdqa | Movups | Movupd | Movdqu | Vmovaps | Vmovapd | Vmovdqa
        | Vmovups | Vmovupd | Vmovdqu | Lddqu | Vlddqu => [
            c(0, 17, 1),
            c(0, 17, 1),
            c(0, 25, 1),
            c(0, 25, 1),
            c(0, 25, 1),
        ],
        Movntdq | Movntps | Movntpd | Movnti | Vmovntdq | Vmovntps | Vmovntpd | Movntdqa
        | Vmovntdqa => all(0, 100, 1),
        Movd | Movq | Vmovd | Vmovq if variant == Cross => two(c(3, 100, 1), c(2, 100, 1)),
        Movd | Movq | Vmovd | Vmovq => two(c(1, 25, 1), c(1, 33, 1)),
        Paddb | Paddw | Paddd | Paddq | Psubb | Psubw | Psubd | Psubq | Vpaddb | Vpaddw
        | Vpaddd | Vpaddq | Vpsubb | Vpsubw | Vpsubd | Vpsubq | Pcmpeqb | Pcmpeqw | Pcmpeqd
        | Pcmpeqq | Vpcmpeqb | Vpcmpeqw | Vpcmpeqd | Vpcmpeqq | Pcmpgtb | Pcmpgtw | Pcmpgtd
        | Vpcmpgtb | Vpcmpgtw | Vpcmpgtd | Pminub | Pminuw | Pminud | Pminsb | Pminsw | Pminsd
        | Pmaxub | Pmaxuw | Pmaxud | Pmaxsb | Pmaxsw | Pmaxsd | Vpminub | Vpminuw | Vpminud
        | Vpminsb | Vpminsw | Vpminsd | Vpmaxub | Vpmaxuw | Vpmaxud | Vpmaxsb | Vpmaxsw
        | Vpmaxsd | Pabsb | Pabsw | Pabsd | Vpabsb | Vpabsw | Vpabsd => [
            c(1, 25, 1),
            c(1, 33, 1),
            c(1, 33, 1),
            c(1, 33, 1),
            c(1, 50, 1),
        ],
        Paddsb | Paddsw | Paddusb | Paddusw | Psubsb | Psubsw | Psubusb | Psubusw | Vpaddsb
        | Vpaddsw | Vpaddusb | Vpaddusw | Vpsubsb | Vpsubsw | Vpsubusb | Vpsubusw | Pavgb
        | Pavgw | Vpavgb | Vpavgw | Psignb | Psignw | Psignd | Vpsignb | Vpsignw | Vpsignd => {
            all(1, 50, 1)
        }
        Pcmpgtq | Vpcmpgtq => two(c(1, 50, 1), c(3, 100, 1)),
        Pand | Pandn | Por | Pxor | Vpand | Vpandn | Vpor | Vpxor | Andps | Andpd | Andnps
        | Andnpd | Orps | Orpd | Xorps | Xorpd | Vandps | Vandpd | Vandnps | Vandnpd | Vorps
        | Vorpd | Vxorps | Vxorpd => [
            c(1, 25, 1),
            c(1, 25, 1),
            c(1, 33, 1),
            c(1, 33, 1),
            c(1, 33, 1),
        ],
        Psllw | Pslld | Psllq | Psrlw | Psrld | Psrlq | Psraw | Psrad | Vpsllw | Vpslld
        | Vpsllq | Vpsrlw | Vpsrld | Vpsrlq | Vpsraw | Vpsrad => match variant {
            Counted => [
                c(2, 50, 1),
                c(2, 50, 1),
                c(2, 100, 2),
                c(2, 100, 2),
                c(2, 100, 2),
            ],
            _ => [
                c(2, 50, 1),
                c(1, 50, 1),
                c(1, 50, 1),
                c(1, 50, 1),
                c(1, 100, 1),
            ],
        },
        Vpsllvd | Vpsllvq | Vpsrlvd | Vpsrlvq | Vpsravd => [
            c(2, 50, 1),
            c(3, 100, 1),
            c(1, 50, 1),
            c(1, 50, 1),
            c(2, 200, 3),
        ],
        Pmullw | Pmulhw | Pmulhuw | Pmulhrsw | Pmuludq | Pmuldq | Pmaddwd | Pmaddubsw | Vpmullw
        | Vpmulhw | Vpmulhuw | Vpmulhrsw | Vpmuludq | Vpmuldq | Vpmaddwd | Vpmaddubsw => [
            c(3, 50, 1),
            c(3, 50, 1),
            c(5, 50, 1),
            c(5, 50, 1),
            c(5, 100, 1),
        ],
        Pmulld | Vpmulld => [
            c(3, 50, 1),
            c(3, 50, 1),
            c(10, 100, 2),
            c(10, 100, 2),
            c(10, 200, 2),
        ],
        Psadbw | Vpsadbw => [
            c(3, 50, 1),
            c(3, 50, 1),
            c(3, 100, 1),
            c(3, 100, 1),
            c(5, 100, 1),
        ],
        Mpsadbw | Vmpsadbw => two(c(4, 200, 4), c(4, 200, 2)),
        Phminposuw | Vphminposuw => two(c(3, 100, 1), c(4, 100, 1)),
        Phaddw | Phaddd | Phsubw | Phsubd | Phaddsw | Phsubsw | Vphaddw | Vphaddd | Vphsubw
        | Vphsubd | Vphaddsw | Vphsubsw => two(c(2, 200, 3), c(3, 200, 3)),
        Ptest | Vptest | Vtestps | Vtestpd => two(c(1, 100, 2), c(3, 100, 2)),
        Pmovmskb | Vpmovmskb | Movmskps | Movmskpd | Vmovmskps | Vmovmskpd => two(
            c(5, 100, if matches!(width, Width::Y) { 2 } else { 1 }),
            c(3, 100, 1),
        ),
        Vzeroupper | Vzeroall => two(c(0, 100, 1), c(0, 100, 4)),
        _ => return None,
    })
}

/// Rearrangement of lanes: shuffles, unpacks, packs, blends, inserts, extracts, broadcasts, extensions.
pub fn shuffles(mnemonic: Mnemonic, width: Width, _: Variant) -> Option<Row> {
    let wide = width == Width::Y;
    Some(match mnemonic {
        Pshufb | Vpshufb | Pshufd | Vpshufd | Pshufhw | Vpshufhw | Pshuflw | Vpshuflw
        | Punpcklbw | Punpcklwd | Punpckldq | Punpcklqdq | Punpckhbw | Punpckhwd | Punpckhdq
        | Punpckhqdq | Vpunpcklbw | Vpunpcklwd | Vpunpckldq | Vpunpcklqdq | Vpunpckhbw
        | Vpunpckhwd | Vpunpckhdq | Vpunpckhqdq | Packsswb | Packssdw | Packuswb | Packusdw
        | Vpacksswb | Vpackssdw | Vpackuswb | Vpackusdw | Palignr | Vpalignr | Pslldq | Psrldq
        | Vpslldq | Vpsrldq | Shufps | Shufpd | Vshufps | Vshufpd | Unpcklps | Unpcklpd
        | Unpckhps | Unpckhpd | Vunpcklps | Vunpcklpd | Vunpckhps | Vunpckhpd | Movhlps
        | Movlhps | Vmovhlps | Vmovlhps | Movddup | Movshdup | Movsldup | Vmovddup | Vmovshdup
        | Vmovsldup | Vpermilps | Vpermilpd | Insertps | Vinsertps => [
            c(1, 50, 1),
            c(1, 50, 1),
            c(1, 50, 1),
            c(1, 100, 1),
            c(1, 100, 1),
        ],
        Movhps | Movhpd | Movlps | Movlpd | Vmovhps | Vmovhpd | Vmovlps | Vmovlpd => [
            c(1, 50, 1),
            c(1, 50, 1),
            c(1, 50, 1),
            c(1, 100, 1),
            c(1, 100, 1),
        ],
        Movss | Movsd | Vmovss | Vmovsd => [
            c(1, 25, 1),
            c(1, 25, 1),
            c(1, 33, 1),
            c(1, 33, 1),
            c(1, 100, 1),
        ],
        Pblendw | Vpblendw => [
            c(1, 50, 1),
            c(1, 33, 1),
            c(1, 100, 1),
            c(1, 100, 1),
            c(1, 100, 1),
        ],
        Vpblendd | Blendps | Blendpd | Vblendps | Vblendpd => [
            c(1, 25, 1),
            c(1, 25, 1),
            c(1, 33, 1),
            c(1, 33, 1),
            c(1, 33, 1),
        ],
        Pblendvb | Blendvps | Blendvpd => [
            c(1, 50, 1),
            c(1, 50, 1),
            c(1, 33, 1),
            c(1, 33, 1),
            c(2, 200, 2),
        ],
        Vpblendvb | Vblendvps | Vblendvpd => [
            c(1, 50, 1),
            c(1, 50, 1),
            c(2, 100, 2),
            c(2, 67, 2),
            c(2, 200, 2),
        ],
        Vperm2i128 | Vperm2f128 => two(c(3, 100, 1), c(3, 100, 1)),
        Vpermq | Vpermpd => two(c(4, 100, 2), c(3, 100, 1)),
        Vpermd | Vpermps => two(c(4, 100, 2), c(3, 100, 1)),
        Vinserti128 | Vinsertf128 => two(c(2, 50, 1), c(3, 100, 1)),
        Vextracti128 | Vextractf128 => two(c(4, 100, 1), c(3, 100, 1)),
        Vbroadcasti128 | Vbroadcastf128 => all(0, 50, 1),
        Vpbroadcastb | Vpbroadcastw | Vpbroadcastd | Vpbroadcastq | Vbroadcastss | Vbroadcastsd
            if wide =>
        {
            two(c(2, 50, 1), c(3, 100, 1))
        }
        Vpbroadcastb | Vpbroadcastw | Vpbroadcastd | Vpbroadcastq | Vbroadcastss | Vbroadcastsd => {
            two(c(1, 50, 1), c(1, 100, 1))
        }
        Pmovzxbw | Pmovzxbd | Pmovzxbq | Pmovzxwd | Pmovzxwq | Pmovzxdq | Pmovsxbw | Pmovsxbd
        | Pmovsxbq | Pmovsxwd | Pmovsxwq | Pmovsxdq => [
            c(1, 50, 1),
            c(1, 50, 1),
            c(1, 50, 1),
            c(1, 100, 1),
            c(1, 100, 1),
        ],
        Vpmovzxbw | Vpmovzxbd | Vpmovzxbq | Vpmovzxwd | Vpmovzxwq | Vpmovzxdq | Vpmovsxbw
        | Vpmovsxbd | Vpmovsxbq | Vpmovsxwd | Vpmovsxwq | Vpmovsxdq => {
            if wide {
                two(c(4, 100, 2), c(3, 100, 1))
            } else {
                [
                    c(1, 50, 1),
                    c(1, 50, 1),
                    c(1, 50, 1),
                    c(1, 100, 1),
                    c(1, 100, 1),
                ]
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
        | Vaddsubpd => [
            c(3, 50, 1),
            c(3, 50, 1),
            c(4, 50, 1),
            c(4, 50, 1),
            c(3, 100, 1),
        ],
        Mulss | Mulsd | Mulps | Mulpd | Vmulss | Vmulsd | Vmulps | Vmulpd => [
            c(3, 50, 1),
            c(3, 50, 1),
            c(4, 50, 1),
            c(4, 50, 1),
            c(5, 50, 1),
        ],
        Divss | Divps | Vdivss | Vdivps if wide => [
            c(11, 500, 1),
            c(10, 350, 1),
            c(11, 500, 1),
            c(11, 500, 1),
            c(21, 1300, 3),
        ],
        Divss | Divps | Vdivss | Vdivps => [
            c(11, 300, 1),
            c(10, 300, 1),
            c(11, 300, 1),
            c(11, 300, 1),
            c(13, 700, 1),
        ],
        Divsd | Divpd | Vdivsd | Vdivpd if wide => [
            c(13, 900, 1),
            c(13, 500, 1),
            c(14, 800, 1),
            c(14, 800, 1),
            c(35, 2500, 3),
        ],
        Divsd | Divpd | Vdivsd | Vdivpd => [
            c(13, 500, 1),
            c(13, 450, 1),
            c(14, 400, 1),
            c(14, 400, 1),
            c(20, 1300, 1),
        ],
        Sqrtss | Sqrtps | Vsqrtss | Vsqrtps if wide => [
            c(15, 800, 1),
            c(14, 500, 1),
            c(12, 600, 1),
            c(12, 600, 1),
            c(21, 1300, 3),
        ],
        Sqrtss | Sqrtps | Vsqrtss | Vsqrtps => [
            c(15, 500, 1),
            c(14, 500, 1),
            c(12, 300, 1),
            c(12, 300, 1),
            c(11, 700, 1),
        ],
        Sqrtsd | Sqrtpd | Vsqrtsd | Vsqrtpd if wide => [
            c(21, 1500, 1),
            c(20, 900, 1),
            c(18, 1200, 1),
            c(18, 1200, 1),
            c(35, 2500, 3),
        ],
        Sqrtsd | Sqrtpd | Vsqrtsd | Vsqrtpd => [
            c(21, 900, 1),
            c(20, 900, 1),
            c(18, 600, 1),
            c(18, 600, 1),
            c(20, 1300, 1),
        ],
        Minss | Minsd | Minps | Minpd | Maxss | Maxsd | Maxps | Maxpd | Vminss | Vminsd
        | Vminps | Vminpd | Vmaxss | Vmaxsd | Vmaxps | Vmaxpd | Cmpss | Cmpsd | Cmpps | Cmppd
        | Vcmpss | Vcmpsd | Vcmpps | Vcmppd => [
            c(1, 50, 1),
            c(1, 50, 1),
            c(4, 50, 1),
            c(4, 50, 1),
            c(3, 100, 1),
        ],
        Comiss | Comisd | Ucomiss | Ucomisd | Vcomiss | Vcomisd | Vucomiss | Vucomisd => {
            two(c(1, 100, 2), c(3, 100, 1))
        }
        Roundss | Roundsd | Roundps | Roundpd | Vroundss | Vroundsd | Vroundps | Vroundpd => [
            c(3, 50, 1),
            c(3, 100, 1),
            c(8, 100, 2),
            c(8, 100, 2),
            c(6, 200, 2),
        ],
        Haddps | Haddpd | Hsubps | Hsubpd | Vhaddps | Vhaddpd | Vhsubps | Vhsubpd => [
            c(4, 200, 3),
            c(6, 200, 4),
            c(6, 200, 3),
            c(6, 200, 3),
            c(5, 200, 3),
        ],
        Dpps | Vdpps => [
            c(11, 300, 8),
            c(15, 400, 8),
            c(14, 150, 4),
            c(13, 150, 4),
            c(14, 200, 4),
        ],
        Dppd | Vdppd => [
            c(7, 200, 3),
            c(9, 300, 3),
            c(9, 100, 3),
            c(9, 100, 3),
            c(9, 100, 3),
        ],
        _ if fused(mnemonic) => [
            c(4, 50, 1),
            c(4, 50, 1),
            c(4, 50, 1),
            c(4, 50, 1),
            c(5, 50, 1),
        ],
        Cvtps2dq | Cvttps2dq | Cvtdq2ps | Vcvtps2dq | Vcvttps2dq | Vcvtdq2ps => [
            c(3, 50, 1),
            c(3, 50, 1),
            c(4, 50, 1),
            c(4, 50, 1),
            c(3, 100, 1),
        ],
        Cvtpd2dq | Cvttpd2dq | Cvtdq2pd | Cvtps2pd | Cvtpd2ps | Vcvtpd2dq | Vcvttpd2dq
        | Vcvtdq2pd | Vcvtps2pd | Vcvtpd2ps => {
            if wide {
                [
                    c(5, 100, 2),
                    c(6, 200, 2),
                    c(7, 100, 2),
                    c(7, 100, 2),
                    c(6, 100, 2),
                ]
            } else {
                [
                    c(3, 100, 1),
                    c(4, 100, 1),
                    c(5, 100, 2),
                    c(5, 100, 2),
                    c(4, 100, 2),
                ]
            }
        }
        Cvtss2sd | Cvtsd2ss | Vcvtss2sd | Vcvtsd2ss => [
            c(3, 50, 1),
            c(3, 100, 1),
            c(5, 100, 2),
            c(5, 100, 2),
            c(4, 100, 2),
        ],
        Cvtsi2ss | Cvtsi2sd | Vcvtsi2ss | Vcvtsi2sd if variant == Variant::Cross => [
            c(7, 100, 2),
            c(7, 100, 2),
            c(7, 100, 2),
            c(6, 100, 2),
            c(6, 100, 2),
        ],
        Cvtsi2ss | Cvtsi2sd | Vcvtsi2ss | Vcvtsi2sd => [
            c(3, 100, 1),
            c(3, 100, 1),
            c(4, 100, 1),
            c(4, 100, 1),
            c(4, 100, 1),
        ],
        Cvtss2si | Cvtsd2si | Cvttss2si | Cvttsd2si | Vcvtss2si | Vcvtsd2si | Vcvttss2si
        | Vcvttsd2si => [
            c(7, 100, 2),
            c(7, 100, 2),
            c(6, 100, 2),
            c(6, 100, 2),
            c(5, 100, 2),
        ],
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
