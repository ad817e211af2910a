// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A report for programs: the schema `zpci-decode/1`, which the book describes.

use serde_json::{json, Map, Value};

use crate::report::{Report, Row, Section};

/// The report as JSON.
pub fn report(report: &Report) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    put("schema", json!("zpci-decode/1"));
    put("kind", json!(report.kind));
    put("text", json!(report.headline));
    put("ok", json!(report.is_good()));
    if let Some(code) = report.response_code {
        put("response_code", json!(format!("{code:#06x}")));
    }
    let mut lists: Vec<(&str, Vec<Value>)> = Vec::new();
    for section in &report.sections {
        match section.list {
            None => _ = put(&section.name, fields(section)),
            Some(list) => match lists.iter_mut().find(|(name, _)| *name == list) {
                Some((_, values)) => values.push(fields(section)),
                None => lists.push((list, vec![fields(section)])),
            },
        }
    }
    for (name, values) in lists {
        put(name, Value::Array(values));
    }
    put("notes", json!(report.notes));
    let problems = report.problems.iter().map(|problem| {
        json!({
            "offset": problem.offset,
            "length": problem.length,
            "field": problem.field,
            "rule": problem.rule,
            "text": problem.text,
        })
    });
    put("problems", problems.collect());
    Value::Object(object)
}

fn fields(section: &Section) -> Value {
    let rows: Vec<Value> = section.rows.iter().map(field).collect();
    match section.list {
        None => json!({ "fields": rows }),
        Some(_) => json!({ "name": section.name, "text": section.summary.replace('\n', "; "), "fields": rows }),
    }
}

fn field(row: &Row) -> Value {
    let bytes: String = row.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut value = json!({
        "offset": row.offset,
        "length": row.bytes.len(),
        "name": row.name,
        "bytes": bytes,
        "value": row.value,
        "text": row.text,
    });
    if let Some(object) = value.as_object_mut().filter(|_| row.is_reserved) {
        object.insert("reserved".to_owned(), json!(true));
    }
    value
}
