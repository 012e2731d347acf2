//! One file per lint, in a folder by subject. Adding one means adding its file and a line to [`ALL`].

mod dashboards;
mod project;
mod routing;
mod rules;

use crate::analysis::messages::{Messages, Where};
use crate::check::finding::Finding;
use crate::check::lint::Lint;
use crate::formats::rule_file::RuleFile;

/// Every lint, in the order of the documentation.
pub const ALL: &[&Lint] = &[
    &rules::unreadable_rules::LINT,
    &rules::not_linted::LINT,
    &rules::ratio_without_sum::LINT,
    &rules::percent_of_ratio::LINT,
    &rules::unknown_metric::LINT,
    &rules::never_updated::LINT,
    &rules::unknown_label::LINT,
    &rules::unknown_label_value::LINT,
    &rules::quantile_without_le::LINT,
    &rules::quantile_per_series::LINT,
    &rules::threshold_beyond_buckets::LINT,
    &rules::silent_when_gone::LINT,
    &rules::range_too_short::LINT,
    &rules::zero_for::LINT,
    &rules::raw_counter::LINT,
    &rules::rate_of_gauge::LINT,
    &rules::counter_born_at_one::LINT,
    &rules::parameter_out_of_range::LINT,
    &rules::changing_alert_set::LINT,
    &rules::no_comparison::LINT,
    &rules::impossible_condition::LINT,
    &rules::always_true_condition::LINT,
    &rules::many_to_many::LINT,
    &rules::unless_without_effect::LINT,
    &rules::hold_beyond_condition::LINT,
    &rules::hasty_ratio::LINT,
    &rules::merged_alerts::LINT,
    &rules::colliding_alerts::LINT,
    &rules::dropped_label::LINT,
    &rules::value_in_labels::LINT,
    &rules::template_error::LINT,
    &rules::duplicate_rule::LINT,
    &rules::missing_annotation::LINT,
    &rules::indistinct_text::LINT,
    &rules::dead_runbook::LINT,
    &rules::placeholder_text::LINT,
    &rules::no_rules::LINT,
    &rules::unread_rule_file::LINT,
    &project::unwatched_stack::LINT,
    &rules::test_without_alert::LINT,
    &rules::unknown_job::LINT,
    &rules::unit_mismatch::LINT,
    &routing::unreadable_routing::LINT,
    &routing::shadowed_route::LINT,
    &routing::near_miss_matcher::LINT,
    &routing::route_timing::LINT,
    &routing::unrouted_severity::LINT,
    &routing::unused_receiver::LINT,
    &routing::empty_receiver::LINT,
    &routing::missing_receiver::LINT,
    &routing::inhibit_missing_label::LINT,
    &routing::inhibit_without_alert::LINT,
    &routing::inhibit_too_wide::LINT,
    &routing::literal_env::LINT,
    &routing::container_loopback::LINT,
    &routing::secret_in_clear::LINT,
    &routing::missing_secret_file::LINT,
    &routing::undefined_template::LINT,
    &routing::message_error::LINT,
    &routing::blank_message::LINT,
    &routing::unknown_message_label::LINT,
    &routing::empty_template_glob::LINT,
    &routing::deprecated_match::LINT,
    &dashboards::unreadable_dashboard::LINT,
    &dashboards::panel_metric::LINT,
    &dashboards::panel_label::LINT,
    &dashboards::panel_query::LINT,
    &dashboards::panel_datasource::LINT,
    &dashboards::dead_panel::LINT,
    &dashboards::panel_unit::LINT,
    &dashboards::panel_range::LINT,
    &dashboards::panel_threshold::LINT,
    &dashboards::panel_layout::LINT,
    &dashboards::unknown_repeat::LINT,
    &dashboards::variable_query::LINT,
    &rules::dead_alert_link::LINT,
    &dashboards::dead_dashboard_link::LINT,
    &dashboards::duplicate_uid::LINT,
    &project::unwatched_job::LINT,
    &project::bad_ignore::LINT,
];

/// A finding without words, at the place of a text of a message.
pub(in crate::check) fn message_place(messages: &Messages<'_>, at: Where<'_>) -> Finding {
    messages.finding(&routing::message_error::LINT, at, 0, "")
}

/// What is said of a file of rules that is not loaded.
pub(in crate::check) fn unread_rule_file(file: &RuleFile) -> Finding {
    rules::unread_rule_file::finding(file)
}
