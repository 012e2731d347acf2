//! The file formats of a monitoring project, one folder or file a format: each is read with the place of
//! everything in it, and checked by nobody here.

pub mod alertmanager;
pub mod anchored_regex;
pub mod dashboard;
pub mod exposition;
pub mod go_glob;
mod go_string;
pub mod go_template;
pub mod label_map;
pub mod parallel;
pub mod promql;
pub mod rule_file;
pub mod rule_test;
pub mod scrape_config;
pub mod yaml;
