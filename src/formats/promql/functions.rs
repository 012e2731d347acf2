//! The functions of `PromQL` and what they take, as of Prometheus 3.14 (its `promql/parser/functions.go`).

/// What an expression results in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Scalar,
    /// An instant vector.
    Vector,
    /// A range vector.
    Matrix,
    Text,
}

use Type::{Matrix, Scalar, Text, Vector};

impl Type {
    /// As Prometheus's own messages call it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Scalar => "scalar",
            Vector => "instant vector",
            Matrix => "range vector",
            Text => "string",
        }
    }
}

#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: &'static str,
    /// The last one is also the type of further arguments.
    pub(super) args: &'static [Type],
    /// How many arguments may stand in the last one's place, none included; `None`: exactly `args`.
    pub(super) last: Option<usize>,
    pub(super) returns: Type,
}

/// As many as one likes.
const ANY: usize = usize::MAX;

const fn plain(name: &'static str, args: &'static [Type]) -> Function {
    Function { name, args, last: None, returns: Vector }
}

const fn variadic(name: &'static str, args: &'static [Type], most: usize) -> Function {
    Function { name, args, last: Some(most), returns: Vector }
}

const fn scalar(name: &'static str, args: &'static [Type]) -> Function {
    Function { name, args, last: None, returns: Scalar }
}

pub(super) fn function(name: &str) -> Option<&'static Function> {
    let index = FUNCTIONS.binary_search_by(|function| function.name.cmp(name)).ok()?;
    FUNCTIONS.get(index)
}

pub(super) fn returns_scalar(name: &str) -> bool {
    function(name).is_some_and(|function| function.returns == Scalar)
}

/// Sorted by name.
static FUNCTIONS: [Function; 91] = [
    plain("abs", &[Vector]),
    plain("absent", &[Vector]),
    plain("absent_over_time", &[Matrix]),
    plain("acos", &[Vector]),
    plain("acosh", &[Vector]),
    plain("asin", &[Vector]),
    plain("asinh", &[Vector]),
    plain("atan", &[Vector]),
    plain("atanh", &[Vector]),
    plain("avg_over_time", &[Matrix]),
    plain("ceil", &[Vector]),
    plain("changes", &[Matrix]),
    plain("clamp", &[Vector, Scalar, Scalar]),
    plain("clamp_max", &[Vector, Scalar]),
    plain("clamp_min", &[Vector, Scalar]),
    plain("cos", &[Vector]),
    plain("cosh", &[Vector]),
    plain("count_over_time", &[Matrix]),
    variadic("day_of_month", &[Vector], 1),
    variadic("day_of_week", &[Vector], 1),
    variadic("day_of_year", &[Vector], 1),
    variadic("days_in_month", &[Vector], 1),
    plain("deg", &[Vector]),
    plain("delta", &[Matrix]),
    plain("deriv", &[Matrix]),
    plain("double_exponential_smoothing", &[Matrix, Scalar, Scalar]),
    scalar("end", &[]),
    plain("exp", &[Vector]),
    plain("first_over_time", &[Matrix]),
    plain("floor", &[Vector]),
    plain("histogram_avg", &[Vector]),
    plain("histogram_count", &[Vector]),
    plain("histogram_fraction", &[Scalar, Scalar, Vector]),
    plain("histogram_quantile", &[Scalar, Vector]),
    variadic("histogram_quantiles", &[Vector, Text, Scalar, Scalar], 9),
    plain("histogram_stddev", &[Vector]),
    plain("histogram_stdvar", &[Vector]),
    plain("histogram_sum", &[Vector]),
    // Renamed to `double_exponential_smoothing` in 3.0.
    plain("holt_winters", &[Matrix, Scalar, Scalar]),
    variadic("hour", &[Vector], 1),
    plain("idelta", &[Matrix]),
    plain("increase", &[Matrix]),
    variadic("info", &[Vector, Vector], 1),
    plain("irate", &[Matrix]),
    variadic("label_join", &[Vector, Text, Text, Text], ANY),
    plain("label_replace", &[Vector, Text, Text, Text, Text]),
    plain("last_over_time", &[Matrix]),
    plain("ln", &[Vector]),
    plain("log10", &[Vector]),
    plain("log2", &[Vector]),
    plain("mad_over_time", &[Matrix]),
    scalar("max_of", &[Scalar, Scalar]),
    plain("max_over_time", &[Matrix]),
    scalar("min_of", &[Scalar, Scalar]),
    plain("min_over_time", &[Matrix]),
    variadic("minute", &[Vector], 1),
    variadic("month", &[Vector], 1),
    scalar("pi", &[]),
    plain("predict_linear", &[Matrix, Scalar]),
    plain("present_over_time", &[Matrix]),
    plain("quantile_over_time", &[Scalar, Matrix]),
    plain("rad", &[Vector]),
    scalar("range", &[]),
    plain("rate", &[Matrix]),
    plain("resets", &[Matrix]),
    variadic("round", &[Vector, Scalar], 1),
    scalar("scalar", &[Vector]),
    plain("sgn", &[Vector]),
    plain("sin", &[Vector]),
    plain("sinh", &[Vector]),
    plain("sort", &[Vector]),
    variadic("sort_by_label", &[Vector, Text], ANY),
    variadic("sort_by_label_desc", &[Vector, Text], ANY),
    plain("sort_desc", &[Vector]),
    plain("sqrt", &[Vector]),
    scalar("start", &[]),
    plain("start_timestamp", &[Vector]),
    plain("stddev_over_time", &[Matrix]),
    plain("stdvar_over_time", &[Matrix]),
    scalar("step", &[]),
    plain("sum_over_time", &[Matrix]),
    plain("tan", &[Vector]),
    plain("tanh", &[Vector]),
    scalar("time", &[]),
    plain("timestamp", &[Vector]),
    plain("ts_of_first_over_time", &[Matrix]),
    plain("ts_of_last_over_time", &[Matrix]),
    plain("ts_of_max_over_time", &[Matrix]),
    plain("ts_of_min_over_time", &[Matrix]),
    plain("vector", &[Scalar]),
    variadic("year", &[Vector], 1),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_sorted_so_that_each_is_found() {
        for one in &FUNCTIONS {
            assert!(function(one.name).is_some_and(|found| std::ptr::eq(found, one)), "{}", one.name);
        }
        assert!(function("").is_none() && function("zzz").is_none());
    }
}
