//! What follows from the files: which values an expression can have, which route an alert takes, what
//! the backend's metrics are.

pub mod conditions;
pub mod contract;
pub mod contract_match;
pub mod facts;
pub mod labels;
pub mod messages;
pub mod one_sided_match;
pub mod quantiles;
pub mod routing;
pub mod units;
pub mod value_analysis;
pub mod view;
