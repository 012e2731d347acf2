//! The way of an alert: rules, Alertmanager, receivers.

pub(super) mod delivery;
pub(super) mod evaluation;
pub(super) mod heartbeat;
pub(super) mod hidden;
pub(super) mod notifications;
pub(super) mod receivers;
pub(super) mod rules_loaded;
pub(super) mod watchdog;
mod young;
