//! A container spec as canonical JSON and as a hash, for the labels by which drift is measured.

use serde_json::{Value, json};

use crate::model::manifest::sha256_hex;
use crate::model::{ContainerSpec, labels};

/// Bumped when the meaning of a field changes, so that a new version of the program recreates only
/// when it must: a hash with another prefix is compared field by field.
const SCHEMA: &str = "v1";

/// The spec as JSON with a fixed key order. It holds no secret: secrets are files.
pub fn canonical(spec: &ContainerSpec) -> Value {
    json!({
        "image": spec.image.as_str(),
        "entrypoint": spec.entrypoint,
        "command": spec.command,
        "env": spec.env,
        "user": spec.user,
        "mounts": spec.mounts,
        "tmpfs": spec.tmpfs,
        "ports": spec.ports,
        "network": spec.network,
        "aliases": spec.aliases,
        "extra_hosts": spec.extra_hosts,
        "cap_add": spec.cap_add,
        "read_only_root": spec.read_only_root,
        "memory": spec.memory,
        "nano_cpus": spec.nano_cpus,
        "pids_limit": spec.pids_limit,
        "stop_timeout": spec.stop_timeout,
        "restart": spec.restart,
    })
}

/// `v1:<sha256>` of the canonical form.
pub fn hash(spec: &ContainerSpec) -> String {
    format!("{SCHEMA}:{}", sha256_hex(canonical(spec).to_string().as_bytes()))
}

/// The spec with the labels that let a later run measure drift.
#[must_use]
pub fn labelled(spec: &ContainerSpec) -> ContainerSpec {
    let mut spec = spec.clone();
    let (hash, canonical) = (hash(&spec), canonical(&spec).to_string());
    spec.labels.insert(labels::SPEC_HASH.to_owned(), hash);
    spec.labels.insert(labels::SPEC.to_owned(), canonical);
    spec
}

/// The fields in which a recorded spec differs from the wanted one, as text: ``image: `a` → `b` ``.
pub fn differences(recorded: Option<&str>, spec: &ContainerSpec) -> Vec<String> {
    let Some(Value::Object(old)) = recorded.and_then(|text| serde_json::from_str(text).ok()) else {
        return vec!["its recorded spec cannot be read".to_owned()];
    };
    let Value::Object(new) = canonical(spec) else { return Vec::new() };
    let changed = new.iter().filter(|(field, value)| old.get(*field) != Some(*value));
    changed.map(|(field, value)| difference(field, old.get(field), value)).collect()
}

fn difference(field: &str, old: Option<&Value>, new: &Value) -> String {
    match (old, new) {
        (Some(Value::Object(before)), Value::Object(after)) => {
            let mut keys: Vec<&String> = after
                .iter()
                .filter(|(key, value)| before.get(*key) != Some(*value))
                .map(|(key, _)| key)
                .collect();
            keys.extend(before.keys().filter(|key| !after.contains_key(*key)));
            format!("{field}: {}", keys.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(", "))
        }
        (Some(Value::Array(before)), Value::Array(after)) => {
            let gone =
                before.iter().filter(|item| !after.contains(item)).map(|item| format!("-{}", plain(item)));
            let come =
                after.iter().filter(|item| !before.contains(item)).map(|item| format!("+{}", plain(item)));
            format!("{field}: {}", gone.chain(come).collect::<Vec<_>>().join(" "))
        }
        (Some(old), new) => format!("{field}: {} → {}", plain(old), plain(new)),
        (None, new) => format!("{field}: now {}", plain(new)),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
