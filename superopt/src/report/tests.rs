//! The JSON form against its published schema, determinism, and the text form.

use super::search::Minimality;
use super::*;
use crate::run::files::TestDir;
use serde_json::Value;

/// Checks a value against a schema that uses the words below only; a schema with another word is an error of its own, so
/// that nothing in the published file goes unchecked.
fn validate(schema: &Value, root: &Value, value: &Value, at: &str) -> Result<(), String> {
    let Some(words) = schema.as_object() else {
        return Err(format!("{at}: a schema that is no object"));
    };
    let fail = |what: String| Err(format!("{at}: {what}"));
    for (word, arg) in words {
        match word.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" => {}
            "$ref" => {
                let name = arg
                    .as_str()
                    .and_then(|r| r.strip_prefix("#/$defs/"))
                    .ok_or("reference")?;
                let target = root["$defs"]
                    .get(name)
                    .ok_or(format!("{at}: no definition {name}"))?;
                validate(target, root, value, at)?;
            }
            "type" => {
                let ok = match arg.as_str() {
                    Some("object") => value.is_object(),
                    Some("array") => value.is_array(),
                    Some("string") => value.is_string(),
                    Some("boolean") => value.is_boolean(),
                    Some("number") => value.is_number(),
                    Some("integer") => value.is_u64() || value.is_i64(),
                    _ => return fail(format!("type {arg}")),
                };
                if !ok {
                    return fail(format!("{value} is not of type {arg}"));
                }
            }
            "const" if value != arg => return fail(format!("{value} is not {arg}")),
            "const" => {}
            "enum" if !arg.as_array().is_some_and(|a| a.contains(value)) => {
                return fail(format!("{value} is none of {arg}"));
            }
            "enum" => {}
            "minimum" if value.as_f64() < arg.as_f64() => {
                return fail(format!("{value} is below {arg}"));
            }
            "minimum" => {}
            "pattern" => {
                // The only pattern in use: hexadecimal digits, as many as a SHA-256 has.
                assert_eq!(arg, "^[0-9a-f]{64}$");
                let hex = value.as_str().is_some_and(|s| {
                    s.len() == 64 && s.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
                });
                if !hex {
                    return fail(format!("{value} is no SHA-256"));
                }
            }
            "required" => {
                for name in arg
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                {
                    if value.get(name).is_none() {
                        return fail(format!("{name} is missing"));
                    }
                }
            }
            "properties" => {
                for (name, schema) in arg.as_object().into_iter().flatten() {
                    if let Some(v) = value.get(name) {
                        validate(schema, root, v, &format!("{at}.{name}"))?;
                    }
                }
            }
            "additionalProperties" => {
                assert_eq!(*arg, false);
                let known = &schema["properties"];
                for name in value.as_object().into_iter().flatten().map(|(k, _)| k) {
                    if known.get(name).is_none() {
                        return fail(format!("{name} is not in the schema"));
                    }
                }
            }
            "items" => {
                for (i, v) in value.as_array().into_iter().flatten().enumerate() {
                    validate(arg, root, v, &format!("{at}[{i}]"))?;
                }
            }
            "oneOf" => {
                let results = arg
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|s| validate(s, root, value, at));
                let results: Vec<_> = results.collect();
                if results.iter().filter(|r| r.is_ok()).count() != 1 {
                    return fail(format!("fits not exactly one form: {results:?}"));
                }
            }
            word => return fail(format!("the schema's word {word} is not checked")),
        }
    }
    Ok(())
}

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/report.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_kind_of_report_fits_the_published_schema() {
    let schema = schema();
    for d in samples::all() {
        for d in [d.clone(), d.without_clocks()] {
            let json: Value = serde_json::from_str(&d.to_json()).unwrap();
            validate(&schema, &schema, &json, "report").unwrap_or_else(|e| panic!("{e}"));
        }
    }
}

/// Every field that a report has is in the schema's list of its object, and every object of the schema is closed; what
/// is required is there in the plainest report.
#[test]
fn the_schema_is_closed_and_notices_changes() {
    let schema = schema();
    let good: Value = serde_json::from_str(&Document::from(samples::refuted()).to_json()).unwrap();
    let check = |v: &Value| validate(&schema, &schema, v, "report");
    check(&good).unwrap();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut v = good.clone();
        change(&mut v);
        check(&v)
    };
    assert!(changed(&|v| v["new_field"] = 1.into()).is_err());
    assert!(changed(&|v| v["verdict"]["kind"] = "equal".into()).is_err());
    assert!(changed(&|v| v["left"]["lines"][0]["address"] = (-1).into()).is_err());
    assert!(changed(&|v| v["counterexample"]["outputs"][0]["left"]["model"] = 5.into()).is_err());
    assert!(changed(&|v| drop(v["interface"].as_object_mut().unwrap().remove("march"))).is_err());
    assert!(changed(&|v| v["left"]["sha256"] = "abc".into()).is_err());
    assert!(changed(&|v| v["format"] = 2.into()).is_err());
    for (name, def) in schema["$defs"].as_object().unwrap() {
        let open = def["type"] == "object" && def["additionalProperties"] != false;
        assert!(!open, "{name} is not closed");
    }
}

#[test]
fn documents_are_written_whole_and_read_back() {
    let dir = TestDir::new("report");
    for (i, d) in samples::all().into_iter().enumerate() {
        let path = dir.0.join(format!("{i}.json"));
        d.write_json(&path).unwrap();
        assert!(Document::load(&path).unwrap() == d, "{}", d.to_json());
        d.write_html(&dir.0.join("report.html")).unwrap();
    }
    std::fs::write(dir.0.join("run.json"), samples::all()[0].to_json()).unwrap();
    assert_eq!(
        Document::load(&dir.0).unwrap(),
        samples::all()[0],
        "a directory stands for its run.json"
    );
    let read = |text: &str| {
        std::fs::write(dir.0.join("x.json"), text).unwrap();
        Document::load(&dir.0.join("x.json")).unwrap_err()
    };
    assert!(matches!(
        read("{\"format\": 99}"),
        ReportError::Format(_, 99)
    ));
    assert!(matches!(read("{}"), ReportError::Malformed(..)));
    assert!(matches!(read("no json"), ReportError::Malformed(..)));
    assert!(matches!(
        Document::load(&dir.0.join("absent.json")),
        Err(ReportError::Io(..))
    ));
}

#[test]
fn a_report_that_contradicts_itself_is_not_written() {
    let dir = TestDir::new("unsound");
    let broken = |change: &dyn Fn(&mut Equivalence), fault: &str| {
        let mut r = samples::refuted();
        change(&mut r);
        let path = dir.0.join("x.json");
        match Document::from(r).write_json(&path) {
            Err(ReportError::Unsound(faults)) => {
                assert!(faults.iter().any(|f| f.contains(fault)), "{faults:?}")
            }
            other => panic!("{fault}: {other:?}"),
        }
        assert!(!path.exists());
    };
    broken(
        &|r| r.counterexample = None,
        "refuted without a counterexample",
    );
    broken(
        &|r| r.verdict = Verdict::Proven,
        "a counterexample, but not refuted",
    );
    broken(
        &|r| r.counterexample.as_mut().unwrap().outputs[0].differs = false,
        "on which no output differs",
    );
    broken(
        &|r| {
            r.counterexample = None;
            r.verdict = Verdict::ProvenUnderPrecondition;
        },
        "has no witness",
    );
    broken(
        &|r| {
            *r = samples::proven();
            r.queries.clear();
        },
        "proven without a step of proof",
    );
    broken(
        &|r| {
            *r = samples::proven();
            r.queries[0].second.as_mut().unwrap().verdict = VerdictKind::Refuted;
        },
        "a second solver refutes",
    );
    let mut s = samples::search();
    s.targets[0].result = None;
    assert!(
        s.faults()
            .iter()
            .any(|f| f.contains("a find that is not proven"))
    );
}

#[test]
fn contradictions_between_model_and_processor_are_told() {
    let mut r = samples::refuted();
    let c = r.counterexample.as_mut().unwrap();
    c.right[1].changes[1].value.processor = Some("0".into());
    assert_eq!(c.contradictions(), ["zf after shr eax"]);
    let d = Document::from(r);
    assert!(
        d.to_text()
            .contains("model and processor contradict each other: zf after shr eax")
    );
    assert!(html::page(&d).contains("This is a fault of the model"));
}

/// What came from clocks and gauges is gone, and nothing else.
#[test]
fn deterministic_reports_hold_no_clock() {
    fn keys(v: &Value, out: &mut Vec<String>) {
        match v {
            Value::Object(o) => o.iter().for_each(|(k, v)| {
                out.push(k.clone());
                keys(v, out);
            }),
            Value::Array(a) => a.iter().for_each(|v| keys(v, out)),
            _ => {}
        }
    }
    for d in samples::all() {
        let d = d.without_clocks();
        let mut names = Vec::new();
        keys(&serde_json::from_str(&d.to_json()).unwrap(), &mut names);
        for clock in ["seconds", "memory_bytes", "measured", "date", "time"] {
            assert!(!names.iter().any(|n| n == clock), "{clock}");
        }
    }
    // The same run twice with other times: the same bytes.
    let mut other = samples::search();
    other.seconds = Some(1.0);
    other.targets[0].curves[0].points[2].seconds = Some(55.0);
    other.targets[0].result.as_mut().unwrap().queries[0].seconds = Some(9.0);
    other.targets[0].engines[0].seconds = None;
    let bytes = |s: Search| {
        let d = Document::from(s).without_clocks();
        (d.to_json(), html::page(&d), d.to_text())
    };
    assert_eq!(bytes(other), bytes(samples::search()));
}

#[test]
fn text_says_what_matters() {
    let even = |text: &str| {
        text.split(' ')
            .filter(|w| !w.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let text = even(&Document::from(samples::refuted()).to_text());
    for expected in [
        "p14: average <without> the carry: refuted\n",
        "counterexample: edi = 0x80000000, esi = 0x80000000\n",
        "eax 0x80000000 0x80000000 0x00000000 0x00000000 differs\n",
        "-> lea eax, [rdi+rsi] rax 0x0000000000000000 0x0000000000000000 first divergent step: the carry out of bit 31 is lost",
        "again: trinityc equiv p14.s wrong.s --function p14\n",
        "trusted, not proved:\n",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    let text = Document::from(samples::search()).to_text();
    for expected in [
        "p14",
        "improved",
        "5 -> 4",
        "accepted path",
        "2 counterexamples met",
        "No program of fewer than 4 instructions does this",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    let text = Document::from(samples::batch()).to_text();
    assert!(
        text.contains("Rules <shipped>: 2 of 4 proven")
            && text.contains("add-zero: timeout -> proven"),
        "{text}"
    );
    // No line ends in blanks.
    for d in samples::all() {
        assert!(d.to_text().lines().all(|l| l == l.trim_end()));
    }
}

#[test]
fn lengths_of_which_nothing_was_shown_are_no_claim() {
    let shown = |none_up_to: u32, instructions: Option<u32>| {
        let m = Minimality {
            instructions,
            cheapest: false,
            none_up_to,
            instruction_set: vec!["mov r32, r32".into()],
            registers: vec!["rax".into()],
            constants: "none".into(),
            states: 0,
            method: "beam search".into(),
            cut_off: instructions.is_none(),
        };
        m.statement()
    };
    assert_eq!(
        shown(0, None),
        "No claim: of shorter programs nothing was shown"
    );
    assert!(shown(2, None).starts_with("No program of 2 instructions or fewer"));
    assert!(shown(2, Some(3)).starts_with("No program of fewer than 3"));
}
