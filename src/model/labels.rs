//! Every label key that confidexmon writes on the engine. Nothing else writes or reads label keys.

/// The stack's name. A resource without this label is never touched.
pub const STACK: &str = "io.confidexmon.stack";
/// The service of a container or volume: `prometheus`, `grafana`, `alertmanager`, `redis`.
pub const SERVICE: &str = "io.confidexmon.service";
/// What the resource is for: `service`, `data`, `config`, `validator`, `drill`.
pub const ROLE: &str = "io.confidexmon.role";
/// `v1:<sha256>` of the canonical container spec; the prefix is the schema's version.
pub const SPEC_HASH: &str = "io.confidexmon.spec-hash";
/// The canonical container spec as JSON (it holds no secret), so that drift can name the field.
pub const SPEC: &str = "io.confidexmon.spec";
