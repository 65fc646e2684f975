//! The JSON Schema of a request, made from the register: what departments read.

use serde_json::{Map, Value, json};

use super::{FieldId, FieldKind, FieldRule, Procedure};

/// The schema of the fields of a procedure, as messages carry them.
pub fn request_schema(procedure: &Procedure) -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:nrwdirekt:request:{}:v1", procedure.id),
        "title": procedure.title,
        "description": "The fields of a request. Personal data. What was not given is absent.",
        "type": "object",
        "required": ids(procedure.fields.iter().filter(|field| field.required).map(|field| &field.id)),
        "properties": properties(&procedure.fields),
    });
    let ways = procedure
        .ticket_rules()
        .map_or(&[][..], |rules| &rules.reachable_by);
    if !ways.is_empty() {
        schema["anyOf"] = ways.iter().map(|way| json!({ "required": [way] })).collect();
    }
    let dependent = dependent(&procedure.fields);
    if !dependent.is_empty() {
        schema["dependentRequired"] = Value::Object(dependent);
    }
    schema
}

fn ids<'f>(ids: impl Iterator<Item = &'f FieldId>) -> Vec<&'f str> {
    ids.map(FieldId::as_str).collect()
}

fn properties(fields: &[FieldRule]) -> Map<String, Value> {
    fields
        .iter()
        .map(|field| (field.id.to_string(), property(field)))
        .collect()
}

fn property(field: &FieldRule) -> Value {
    let mut property = match &field.kind {
        FieldKind::Line(longest) | FieldKind::Text(longest) => json!({ "maxLength": longest }),
        FieldKind::Email | FieldKind::Phone | FieldKind::Iban | FieldKind::IpAddress => {
            json!({ "maxLength": field.kind.longest() })
        }
        FieldKind::PostalCode => json!({ "pattern": "^[0-9]{5}$" }),
        FieldKind::Bic => json!({ "pattern": "^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$" }),
        FieldKind::Boolean => json!({ "enum": ["true", "false"] }),
        FieldKind::Number => json!({ "pattern": "^[0-9]{1,18}$" }),
        FieldKind::Date => json!({ "format": "date" }),
        FieldKind::Timestamp => json!({ "format": "date-time" }),
        FieldKind::Choice(options) => json!({ "enum": options }),
    };
    property["description"] = json!(field.title);
    property["type"] = json!("string");
    property["minLength"] = json!(1);
    property
}

/// Which fields come only with others.
fn dependent(fields: &[FieldRule]) -> Map<String, Value> {
    let needs = |field: &FieldRule| -> Vec<FieldId> {
        field.requires.iter().chain(&field.only_with).cloned().collect()
    };
    fields
        .iter()
        .map(|field| (field.id.to_string(), needs(field)))
        .filter(|(_, needs)| !needs.is_empty())
        .map(|(id, needs)| (id, json!(needs)))
        .collect()
}
