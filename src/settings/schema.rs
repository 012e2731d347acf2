//! The settings file's JSON schema, from the same table that the reader follows.

use serde_json::{Map, Value, json};

use crate::settings::fields::{BASIC_AUTH_FIELDS, FIELDS, Field, Kind, TARGET_FIELDS};

/// Draft 2020-12.
pub fn schema() -> Value {
    let mut root = object(FIELDS);
    if let Value::Object(map) = &mut root {
        map.shift_insert(0, "$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        map.shift_insert(1, "title".to_owned(), json!("confidexmon settings"));
    }
    root
}

/// The schema of a mapping; dotted paths become nested mappings.
fn object(fields: &[Field]) -> Value {
    let mut properties = Map::new();
    for field in fields {
        let mut at = &mut properties;
        let mut parts = field.path.split('.').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                at.insert(part.to_owned(), described(field));
                break;
            }
            let inner = at.entry(part).or_insert_with(|| closed(&Map::new()));
            let Some(Value::Object(next)) = inner.get_mut("properties") else { break };
            at = next;
        }
    }
    closed(&properties)
}

fn closed(properties: &Map<String, Value>) -> Value {
    json!({"type": ["object", "null"], "additionalProperties": false, "properties": properties})
}

fn described(field: &Field) -> Value {
    let mut value = shape(field.kind);
    if let Value::Object(map) = &mut value {
        map.shift_insert(0, "description".to_owned(), json!(field.doc));
    }
    value
}

fn shape(kind: Kind) -> Value {
    match kind {
        Kind::Port => json!({"type": "integer", "minimum": 0, "maximum": 65535}),
        Kind::Count => json!({"type": "integer", "minimum": 1}),
        Kind::Bool => json!({"type": "boolean"}),
        Kind::AutoBool => json!({"enum": ["auto", true, false]}),
        Kind::Cpus => json!({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"const": "none"}]}),
        Kind::Choice(words) => json!({"enum": words}),
        Kind::Labels => json!({
            "type": "object",
            "propertyNames": {"pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$"},
            "additionalProperties": {"type": ["string", "number", "boolean"]},
        }),
        Kind::BasicAuth => {
            let mut value = object(BASIC_AUTH_FIELDS);
            value["required"] = json!(["username", "password_env"]);
            value
        }
        Kind::Targets => {
            let mut item = object(TARGET_FIELDS);
            item["required"] = json!(["job", "url"]);
            json!({"type": "array", "minItems": 1, "items": item})
        }
        Kind::DashboardUid => json!({"type": "string", "pattern": "^[A-Za-z0-9_-]{1,40}$"}),
        Kind::StackName => json!({"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"}),
        Kind::Duration => json!({"type": "string", "pattern": "^([0-9]+(y|w|d|h|m|s|ms))+$"}),
        Kind::VariableName => json!({"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}),
        Kind::Url => json!({"type": "string", "pattern": "^https?://"}),
        Kind::HostPort => json!({"type": "string", "pattern": "^[^/]+:[0-9]+$"}),
        Kind::ChatId => json!({"type": ["integer", "string"]}),
        Kind::Text | Kind::Address | Kind::Image | Kind::PrometheusSize | Kind::RedisSize | Kind::Memory => {
            json!({"type": "string"})
        }
    }
}
