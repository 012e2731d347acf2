//! Lints of Alertmanager's configuration and of notification templates.

pub(super) mod blank_message;
pub(super) mod container_loopback;
pub(super) mod deprecated_match;
pub(super) mod empty_receiver;
pub(super) mod empty_template_glob;
pub(super) mod inhibit_missing_label;
pub(super) mod inhibit_too_wide;
pub(super) mod inhibit_without_alert;
pub(super) mod literal_env;
pub(super) mod message_error;
pub(super) mod missing_receiver;
pub(super) mod missing_secret_file;
pub(super) mod near_miss_matcher;
pub(super) mod route_timing;
pub(super) mod secret_in_clear;
pub(super) mod shadowed_route;
pub(super) mod undefined_template;
pub(super) mod unknown_message_label;
pub(super) mod unreadable_routing;
pub(super) mod unrouted_severity;
pub(super) mod unused_receiver;
