//! `trinityc isa`: what the model of x86-64 knows.

use super::{Failed, INTERNAL, UNSUPPORTED, USAGE, print};
use clap::{Arg, ArgAction, Command};
use iced_x86::{Decoder, DecoderOptions, Formatter, GasFormatter, Instruction, IntelFormatter};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fmt::Write;
use std::path::Path;
use trinity_codegen::isa::March;
use trinity_codegen::isa::cost::{self, Uarch};
use trinity_codegen::isa::forms::{self, Flags, Info, Level};
use trinity_codegen::isa::show;
use trinity_superopt::input::InputProblem;
use trinity_superopt::input::assemble::{Syntax, machine_code};

fn command() -> Command {
    Command::new("trinityc isa")
        .about("What the model of x86-64 knows.")
        .subcommand_required(true)
        .subcommand(
            Command::new("list")
                .about("Lists all forms of 64-bit mode (legacy and VEX) and whether the model has them.")
                .arg(Arg::new("json").long("json").help("as JSON").action(ArgAction::SetTrue))
                .arg(
                    Arg::new("march")
                        .long("march")
                        .short('m')
                        .value_name("CPU")
                        .help("only what this level of x86-64 or processor has: x86-64-v3, znver4, x86-64+adx")
                        .value_parser(march),
                ),
        )
        .subcommand(
            Command::new("explain")
                .about("Explains one instruction: form, encoding, operands, flags, features, cost, meaning.")
                .arg(
                    Arg::new("instruction")
                        .value_name("INSTR")
                        .help("AT&T or Intel notation, as the system's assembler reads it")
                        .required(true),
                ),
        )
}

/// Runs the command.
pub fn run(args: &[OsString]) -> Result<u8, Failed> {
    match command().try_get_matches_from(args) {
        Err(e) => Failed::from_clap("isa", &e),
        Ok(m) => match m.subcommand() {
            Some(("list", m)) => {
                let march = m.get_one::<March>("march");
                let rows = forms::table();
                let rows: Vec<&Info> = rows
                    .iter()
                    .filter(|r| march.is_none_or(|m| m.has(r.form.code)))
                    .collect();
                print(&if m.get_flag("json") {
                    list_json(&rows)
                } else {
                    list(&rows)
                })
            }
            Some((_, m)) => {
                let text = m
                    .get_one::<String>("instruction")
                    .map_or("", String::as_str);
                explain(text)
            }
            None => Err(Failed::new(USAGE, "no command; see trinityc isa --help")),
        },
    }
}

fn march(name: &str) -> Result<March, String> {
    March::parse(name).ok_or_else(|| format!("it may be {}", March::names().join(", ")))
}

/// The least processor that has a form, by name.
fn needs(r: &Info) -> String {
    March::of(r.form.code).map_or_else(|| r.level.to_string(), March::name)
}

fn operands(r: &Info) -> String {
    let all: Vec<String> = r.operands.iter().map(|k| format!("{k:?}")).collect();
    all.join(", ")
}

fn features(r: &Info) -> Vec<String> {
    r.features.iter().map(|f| format!("{f:?}")).collect()
}

fn list(rows: &[&Info]) -> String {
    let mut out = String::new();
    let has = rows.iter().filter(|r| r.support.is_ok()).count();
    for r in rows {
        let name = format!("{:?}", r.mnemonic).to_lowercase();
        let _ = write!(
            out,
            "{name:<16} {:<40} {:<10}",
            r.form.to_string(),
            needs(r)
        );
        let _ = match &r.support {
            Ok(()) => writeln!(
                out,
                " yes  reads {}; writes {}; undefined {}",
                r.read, r.written, r.undefined
            ),
            Err(why) => writeln!(out, " no   {why}"),
        };
    }
    let _ = writeln!(
        out,
        "{has} of {} forms are in the model; semantics {}",
        rows.len(),
        forms::semantics_version()
    );
    out
}

fn flag_names(f: Flags) -> Vec<String> {
    let text = f.to_string();
    text.split(' ')
        .filter(|s| *s != "-")
        .map(str::to_owned)
        .collect()
}

fn list_json(rows: &[&Info]) -> String {
    let forms: Vec<Value> = rows
        .iter()
        .map(|r| {
            json!({
                "form": format!("{:?}", r.form.code),
                "memory": r.form.memory,
                "mnemonic": format!("{:?}", r.mnemonic).to_lowercase(),
                "operands": r.operands.iter().map(|k| format!("{k:?}")).collect::<Vec<_>>(),
                "flags": {
                    "read": flag_names(r.read),
                    "written": flag_names(r.written),
                    "undefined": flag_names(r.undefined),
                },
                "features": features(r),
                "level": r.level.name(),
                "march": March::of(r.form.code).map(March::name),
                "supported": r.support.is_ok(),
                "reason": r.support.as_ref().err().map(ToString::to_string),
            })
        })
        .collect();
    let all = json!({ "format": 1, "semantics": forms::semantics_version(), "forms": forms });
    format!("{all:#}\n")
}

/// What the assembler makes of one line in one notation: the bytes, or its complaint.
fn assemble(notation: Syntax, text: &str) -> Result<Vec<u8>, Failed> {
    machine_code(Path::new("isa"), notation, text).map_err(|e| match &e.problem {
        InputProblem::Assembler(why) => Failed::new(USAGE, format!("{text}: {why}")),
        _ => Failed::new(INTERNAL, e.to_string()),
    })
}

fn explain(text: &str) -> Result<u8, Failed> {
    if text.contains(['\n', ';']) || text.trim().is_empty() {
        return Err(Failed::new(USAGE, "one instruction, please"));
    }
    // AT&T first: registers with % are not Intel's.
    let bytes = match assemble(Syntax::Att, text) {
        Err(att) if att.code == USAGE => assemble(Syntax::Intel, text).map_err(|intel| {
            if text.contains(['%', '$']) {
                att
            } else {
                intel
            }
        })?,
        done => done?,
    };
    let mut decoder = Decoder::with_ip(64, &bytes, 0, DecoderOptions::NONE);
    let i = decoder.decode();
    if i.is_invalid() || i.len() != bytes.len() {
        return Err(Failed::new(USAGE, format!("{text} is not one instruction")));
    }
    let (mut out, supported) = describe(&i, &bytes);
    out.push('\n');
    print(&out)?;
    Ok(if supported { 0 } else { UNSUPPORTED })
}

fn formatted(f: &mut dyn Formatter, i: &Instruction) -> String {
    let mut s = String::new();
    f.format(i, &mut s);
    s
}

/// The explanation, and whether the model has the instruction.
fn describe(i: &Instruction, bytes: &[u8]) -> (String, bool) {
    let memory = i.op_kinds().any(|k| k == iced_x86::OpKind::Memory);
    let row = forms::info(forms::Form {
        code: i.code(),
        memory,
    });
    let hex: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
    let mut out = String::new();
    let mut line = |name: &str, text: &str| {
        let _ = writeln!(out, "{name:<10} {text}");
    };
    line("AT&T", &formatted(&mut GasFormatter::new(), i));
    line("Intel", &formatted(&mut IntelFormatter::new(), i));
    line("form", &row.form.to_string());
    line(
        "encoding",
        &format!(
            "{} ({})",
            hex.join(" "),
            i.code().op_code().op_code_string()
        ),
    );
    line("operands", &operands(&row));
    let flags = |bits: u32| Flags::from_iced(bits).to_string();
    let written = i.rflags_written() | i.rflags_cleared() | i.rflags_set();
    line(
        "flags",
        &format!(
            "reads {}; writes {}; undefined {}",
            flags(i.rflags_read()),
            flags(written),
            flags(i.rflags_undefined())
        ),
    );
    let mut who = match March::of(i.code()) {
        Some(m) => format!("-march={m}"),
        None => "in no processor known here".into(),
    };
    if row.level == Level::Extra {
        // No level says who has it.
        let _ = write!(who, ": {}", March::processors_with(i.code()).join(", "));
    }
    line("features", &format!("{} ({who})", features(&row).join(" ")));
    let (supported, text) = match show::meaning(i) {
        Ok(m) => (true, m.to_string()),
        Err(why) => (false, format!("not in the model: {why}")),
    };
    if supported {
        for u in Uarch::ALL {
            let c = cost::cost(i, u);
            let hundredths = c.rthroughput_x100;
            let text = format!(
                "{u}: latency {}, reciprocal throughput {}.{:02}, micro-ops {}{}",
                c.latency,
                hundredths / 100,
                hundredths % 100,
                c.uops,
                if u.measured() { "" } else { " (model only)" }
            );
            line("cost", &text);
        }
    }
    for (n, l) in text.lines().enumerate() {
        line(if n == 0 { "meaning" } else { "" }, l);
    }
    out.truncate(out.trim_end().len());
    (out, supported)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(text: &str) -> (String, bool) {
        let notation = if text.contains('%') {
            Syntax::Att
        } else {
            Syntax::Intel
        };
        let bytes = assemble(notation, text).unwrap();
        let i = Decoder::with_ip(64, &bytes, 0, DecoderOptions::NONE).decode();
        describe(&i, &bytes)
    }

    #[test]
    fn definition_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn explanation_of_an_addition() {
        let (text, supported) = explained("add %ecx, %eax");
        assert!(supported);
        // The cost is measured anew now and then.
        let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with("cost")).collect();
        assert_eq!(
            lines.join("\n"),
            "\
AT&T       add %ecx,%eax
Intel      add eax,ecx
form       Add_rm32_r32
encoding   01 c8 (o32 01 /r)
operands   r32_or_mem, r32_reg
flags      reads -; writes CF PF AF ZF SF OF; undefined -
features   INTEL386 (-march=x86-64)
meaning    t1:32 = rax[31:0]
           t2:32 = t1 + rcx[31:0]
           t3:1 = t2[31]
           rax' = zext64(t2)
           cf' = t2 <u t1
           pf' = ~popcnt(rax[7:0] + rcx[7:0])[0]
           af' = t2[4] ^ (rax[4] ^ rcx[4])
           zf' = t2 == 0
           sf' = t3
           of' = (rax[31] ^ t3) & (t3 ^ rcx[31])"
        );
    }

    #[test]
    fn extensions_beside_the_levels_name_their_processors() {
        let (text, supported) = explained("adcx rax, rbx");
        assert!(supported);
        assert!(
            text.contains("ADX (-march=x86-64+adx: broadwell, skylake,") && text.contains("znver4"),
            "{text}"
        );
    }

    #[test]
    fn what_is_missing_is_explained() {
        let (text, supported) = explained("rsqrtss xmm0, xmm1");
        assert!(!supported);
        assert!(text.contains("not in the model"), "{text}");
        let e = run(&["isa".into(), "explain".into(), "frobnicate %eax".into()]).unwrap_err();
        assert_eq!(e.code, USAGE);
        assert!(e.message.contains("no such instruction"), "{}", e.message);
        let e = run(&["isa".into(), "list".into(), "--march=i8086".into()]).unwrap_err();
        assert_eq!(e.code, USAGE);
    }
}
