//! One file per command.

pub mod alerts;
pub mod backup_grafana;
pub mod backups;
pub mod check;
pub mod completions;
pub mod demo_backend;
pub mod doctor;
mod doctor_fix;
pub mod down;
pub mod drill;
pub mod images;
pub mod init;
pub mod logs;
pub mod ls;
pub mod open;
pub mod reload;
pub mod render;
pub mod restart;
pub mod restore_beside;
pub mod restore_grafana;
pub mod rollback;
pub mod status;
pub mod test_rules;
pub mod up;
pub mod update;
