//! Lints of dashboards and their queries.

pub(super) mod dead_dashboard_link;
pub(super) mod dead_panel;
pub(super) mod duplicate_uid;
pub(super) mod panel_datasource;
pub(super) mod panel_label;
pub(super) mod panel_layout;
pub(super) mod panel_metric;
pub(super) mod panel_query;
pub(super) mod panel_range;
pub(super) mod panel_threshold;
pub(super) mod panel_unit;
pub(super) mod unknown_repeat;
pub(super) mod unreadable_dashboard;
pub(super) mod variable_query;
