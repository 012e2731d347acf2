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
/// The project that made the resource: its id, which may be empty. Not part of the spec's hash, so a stack
/// of an older version without it is not made again for it.
pub const PROJECT: &str = "io.confidexmon.project";
/// Absolute path of that project's folder, and the machine it is on.
pub const PROJECT_PATH: &str = "io.confidexmon.project-path";
/// The host that the project's folder lies on.
pub const PROJECT_HOST: &str = "io.confidexmon.project-host";
/// All of the project's.
pub const OF_PROJECT: [&str; 3] = [PROJECT, PROJECT_PATH, PROJECT_HOST];
