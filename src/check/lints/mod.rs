//! One file a lint. Adding one means adding its file and a line to [`ALL`].

mod always_true_condition;
mod bad_ignore;
mod counter_born_at_one;
mod dead_alert_link;
mod dead_panel;
mod dead_runbook;
mod deprecated_match;
mod dropped_label;
mod duplicate_rule;
mod duplicate_uid;
mod empty_receiver;
mod empty_template_glob;
mod impossible_condition;
mod inhibit_missing_label;
mod inhibit_too_wide;
mod inhibit_without_alert;
mod literal_env;
mod missing_annotation;
mod missing_receiver;
mod missing_secret_file;
mod never_updated;
mod no_comparison;
mod no_rules;
mod not_linted;
mod panel_datasource;
mod panel_label;
mod panel_metric;
mod panel_query;
mod panel_range;
mod panel_threshold;
mod panel_unit;
mod percent_of_ratio;
mod placeholder_text;
mod quantile_per_series;
mod quantile_without_le;
mod range_too_short;
mod rate_of_gauge;
mod ratio_without_sum;
mod raw_counter;
mod secret_in_clear;
mod shadowed_route;
mod silent_when_gone;
mod template_error;
mod test_without_alert;
mod threshold_beyond_buckets;
mod undefined_template;
mod unit_mismatch;
mod unknown_job;
mod unknown_label;
mod unknown_label_value;
mod unknown_metric;
mod unreadable_dashboard;
mod unreadable_routing;
mod unreadable_rules;
mod unrouted_severity;
mod unused_receiver;
mod unwatched_job;
mod unwatched_stack;
mod value_in_labels;
mod zero_for;

use super::lint::Lint;

/// Every lint, in the order of the documentation.
pub const ALL: &[&Lint] = &[
    &unreadable_rules::LINT,
    &not_linted::LINT,
    &ratio_without_sum::LINT,
    &percent_of_ratio::LINT,
    &unknown_metric::LINT,
    &never_updated::LINT,
    &unknown_label::LINT,
    &unknown_label_value::LINT,
    &quantile_without_le::LINT,
    &quantile_per_series::LINT,
    &threshold_beyond_buckets::LINT,
    &silent_when_gone::LINT,
    &range_too_short::LINT,
    &zero_for::LINT,
    &raw_counter::LINT,
    &rate_of_gauge::LINT,
    &counter_born_at_one::LINT,
    &no_comparison::LINT,
    &impossible_condition::LINT,
    &always_true_condition::LINT,
    &dropped_label::LINT,
    &value_in_labels::LINT,
    &template_error::LINT,
    &duplicate_rule::LINT,
    &missing_annotation::LINT,
    &dead_runbook::LINT,
    &placeholder_text::LINT,
    &no_rules::LINT,
    &unwatched_stack::LINT,
    &test_without_alert::LINT,
    &unknown_job::LINT,
    &unit_mismatch::LINT,
    &unreadable_routing::LINT,
    &shadowed_route::LINT,
    &unrouted_severity::LINT,
    &unused_receiver::LINT,
    &empty_receiver::LINT,
    &missing_receiver::LINT,
    &inhibit_missing_label::LINT,
    &inhibit_without_alert::LINT,
    &inhibit_too_wide::LINT,
    &literal_env::LINT,
    &secret_in_clear::LINT,
    &missing_secret_file::LINT,
    &undefined_template::LINT,
    &empty_template_glob::LINT,
    &deprecated_match::LINT,
    &unreadable_dashboard::LINT,
    &panel_metric::LINT,
    &panel_label::LINT,
    &panel_query::LINT,
    &panel_datasource::LINT,
    &dead_panel::LINT,
    &panel_unit::LINT,
    &panel_range::LINT,
    &panel_threshold::LINT,
    &dead_alert_link::LINT,
    &duplicate_uid::LINT,
    &unwatched_job::LINT,
    &bad_ignore::LINT,
];
