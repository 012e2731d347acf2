//! Where Grafana's `secret_key` lies: in the data volume, beside the database whose passwords it seals. So a
//! database never meets another key: not after `down` and `up`, not from another machine, not in a backup.

/// Its file below the data folder.
pub const SECRET_KEY_FILE: &str = ".confidexmon-secret-key";

/// What Grafana seals with where nobody gave it a key; it stands in its documentation. A database that was
/// written without a key of its own goes on with it.
pub const PUBLIC_SECRET_KEY: &str = "SW2YcwTIb9zpOOhoPsMm";

/// Only Grafana reads it.
pub const SECRET_KEY_MODE: u32 = 0o400;
