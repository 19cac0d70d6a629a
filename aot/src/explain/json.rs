//! JSON: `{"version": 1, "modules": [{"name", "file", "remarks": [...]}]}`; a remark has the line and the function it is about, the names of its
//! kind (which does not change) and group, the sentence, the data by name, how often training came there, whether it is about the function's own code,
//! and the copies it is about: lists of calls, innermost first.

use super::{Entry, View};
use serde_json::{Map, Value, json};
use trinity_lower::remark::Field;

const VERSION: u32 = 1;

pub(super) fn render(view: &View) -> String {
    let modules = view.modules.iter().map(|m| {
        let remarks = m.lines.iter().flat_map(|(&line, entries)| {
            let one = move |e| remark(line, e);
            entries.iter().map(one)
        });
        let remarks: Vec<Value> = remarks.collect();
        json!({ "name": m.name, "file": m.file, "remarks": remarks })
    });
    let modules: Vec<Value> = modules.collect();
    let all = json!({ "version": VERSION, "modules": modules });
    format!("{all:#}\n")
}

fn remark(line: u32, e: &Entry) -> Value {
    let data = e.fields.iter().map(|(name, field)| {
        let value = match field {
            Field::Text(s) => Value::from(s.as_str()),
            Field::Number(n) => Value::from(*n),
        };
        (name.to_string(), value)
    });
    let data: Map<String, Value> = data.collect();
    let calls = |calls: &Vec<super::Call>| {
        let calls = calls.iter();
        let calls = calls.map(|(caller, line)| json!({ "function": caller, "line": line }));
        Value::from(calls.collect::<Vec<Value>>())
    };
    json!({
        "line": line,
        "function": e.function,
        "kind": e.id,
        "group": e.class.name(),
        "message": e.text,
        "data": data,
        "ran": e.ran,
        "own": e.own,
        "inlined": e.copies.iter().map(calls).collect::<Vec<Value>>(),
    })
}
