//! Grafana: whether people see what they should.

pub(super) mod dashboards;
pub(super) mod database;
pub(super) mod datasource;
pub(super) mod panels;
pub(super) mod password;
