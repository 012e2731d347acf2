//! An alert before it is written down: its rule, its tests, its page and its panel say the same.

/// An alert with everything that is written about it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AlertDraft {
    /// Its name, unique in the project.
    pub(super) name: String,
    pub(super) expr: String,
    /// How long the condition must hold, in Prometheus's notation; `None` for none.
    pub(super) hold: Option<&'static str>,
    pub(super) severity: &'static str,
    pub(super) component: &'static str,
    pub(super) summary: String,
    /// A template; `{VALUE}` stands for the value as `value_template` shows it.
    pub(super) description: String,
    /// How a template prints the value, for example `{{ $value | humanizePercentage }}`.
    pub(super) value_template: &'static str,
    /// What that prints for `fires`.
    pub(super) value_shown: String,
    /// Input under which it fires at `fires_at`.
    pub(super) fires: Vec<Series>,
    pub(super) fires_at: &'static str,
    /// Input under which it stays quiet.
    pub(super) quiet: Vec<Series>,
    /// What the runbook page says: the meaning, then what to do.
    pub(super) meaning: String,
    pub(super) steps: Vec<&'static str>,
    pub(super) panel: Panel,
}

/// One input series of a unit test, in promtool's notation, without `job` and `instance`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Series {
    pub(super) metric: String,
    /// Further labels, as written between the braces; empty for none.
    pub(super) labels: String,
    pub(super) values: String,
}

/// How the dashboard shows what the alert looks at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Panel {
    pub(super) title: String,
    /// With `{FILTER}` where the label matchers of the dashboard's instances go.
    pub(super) expr: String,
    /// Grafana's name of the unit.
    pub(super) unit: &'static str,
    /// Where the panel turns red, on the side that `direction` names.
    pub(super) threshold: f64,
    pub(super) direction: Direction,
}

/// On which side of its threshold a value is bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    BadAbove,
    BadBelow,
}

impl Series {
    pub(super) fn new(metric: &str, labels: &str, values: &str) -> Self {
        Self { metric: metric.to_owned(), labels: labels.to_owned(), values: values.to_owned() }
    }
}
