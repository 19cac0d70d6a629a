use iced_x86::{Code, Decoder, DecoderOptions, Instruction};

use super::*;

fn decode(bytes: &[u8]) -> Instruction {
    Decoder::with_ip(64, bytes, 0, DecoderOptions::NONE).decode()
}

#[test]
fn keys_name_what_changes_the_cost_and_read_back() {
    let cases: [(&[u8], &str); 12] = [
        (&[0x01, 0xd8], "add r32"),
        (&[0x48, 0x01, 0x18], "add r64"),
        (&[0xd3, 0xe0], "shl r32 counted"),
        (&[0x48, 0xd3, 0x20], "shl r64 counted"),
        (&[0xc1, 0xe0, 0x05], "shl r32"),
        (&[0x48, 0xf7, 0xeb], "imul r64 wide"),
        (&[0x48, 0x0f, 0xaf, 0xc3], "imul r64"),
        (&[0x48, 0x8d, 0x04, 0x18], "lea r64"),
        (&[0x48, 0x8d, 0x44, 0x98, 0x08], "lea r64 long"),
        (&[0xc5, 0xfd, 0xfe, 0xc1], "vpaddd y"),
        (&[0x66, 0x0f, 0x6e, 0xc0], "movd x cross"),
        (&[0x66, 0x0f, 0xf2, 0xc1], "pslld x counted"),
    ];
    for (bytes, name) in cases {
        let key = Key::of(&decode(bytes));
        assert_eq!(key.to_string(), name);
        assert_eq!(Key::parse(name), Some(key));
    }
    for wrong in ["add", "add r12", "addd r32", "add r32 twice", ""] {
        assert_eq!(Key::parse(wrong), None, "{wrong:?}");
    }
}

#[test]
fn memory_operands_add_a_load_or_a_store() {
    for uarch in Uarch::ALL {
        let register = cost(&decode(&[0x48, 0x01, 0xd8]), uarch);
        let load = cost(&decode(&[0x48, 0x03, 0x18]), uarch);
        let both = cost(&decode(&[0x48, 0x01, 0x18]), uarch);
        assert!(
            register.latency < load.latency && load.latency < both.latency,
            "{uarch}"
        );
        assert!(both.uops > load.uops, "{uarch}");
        let lea = cost(&decode(&[0x48, 0x8d, 0x04, 0x18]), uarch);
        assert_eq!((lea.latency, lea.bytes), (1, 4), "{uarch}");
    }
}

#[test]
fn lengths_are_known_before_encoding() {
    let made = Instruction::with2(Code::Add_rm64_r64, Register::RAX, Register::RBX)
        .expect("an instruction");
    assert_eq!(cost(&made, Uarch::Zen4).bytes, 3);
}

#[test]
fn measured_rows_lie_over_the_microarchitectures() {
    let add = decode(&[0x48, 0x01, 0xd8]);
    let mut table = Table::of(Uarch::Skylake);
    assert_eq!(table.cost(&add), cost(&add, Uarch::Skylake));
    table.set(
        Key::of(&add),
        RowCost {
            latency: 9,
            rthroughput_x100: 900,
            uops: 9,
        },
    );
    assert_eq!(table.cost(&add).latency, 9);
    assert_eq!(table.rows().len(), 1);
}

#[test]
fn names_of_microarchitectures_read_back() {
    for uarch in Uarch::ALL {
        assert_eq!(uarch.name().parse(), Ok(uarch));
    }
    let unknown = "z80"
        .parse::<Uarch>()
        .expect_err("no such table")
        .to_string();
    assert_eq!(
        unknown,
        r#"no cost table for "z80"; there are zen4, zen3, icelake, skylake, haswell"#
    );
}
