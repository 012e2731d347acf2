//! Times of a route that do not do what they say.

use crate::analysis::routing::matrix::hits;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::alertmanager::{AlertmanagerFile, Route};
use crate::formats::yaml::node::Node;
use crate::formats::yaml::scalar::Scalar;
use crate::model::{PromDuration, closest_name};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "route-timing",
    severity: Severity::Warning,
    doc: "A route's intervals contradict each other, or a time interval is never, or in a time zone that nobody knows.",
    run: Run::All(check),
};

/// Among more alerts than this the shortest `for` says nothing.
const MOST_ALERTS: usize = 2000;

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(file) = view.alertmanager else { return };
    for route in file.routes() {
        out.extend(repeat(file, route));
        out.extend(wait(view, file, route));
    }
    for key in ["time_intervals", "mute_time_intervals"] {
        for interval in file.tree.list_at(key) {
            for range in interval.list_at("time_intervals") {
                midnight(file, range, out);
                zone(file, range, out);
            }
        }
    }
}

fn length(text: &str) -> Option<std::time::Duration> {
    PromDuration::parse(text).map(|duration| duration.length())
}

/// `repeat_interval` below `group_interval`: groups are looked at only every `group_interval`.
fn repeat(file: &AlertmanagerFile, route: &Route) -> Option<Finding> {
    let timing = &route.timing;
    let (repeat, group) = (length(&timing.repeat_interval)?, length(&timing.group_interval)?);
    // Told where it is written, not at every route that inherits it.
    let at = own(file, route, "repeat_interval").or_else(|| own(file, route, "group_interval"))?;
    (repeat < group).then(|| {
        let message = format!(
            "`repeat_interval` {} is below `group_interval` {}: a group is looked at only every {}, so it is repeated no sooner",
            timing.repeat_interval, timing.group_interval, timing.group_interval
        );
        file.finding(&LINT, at, message).fix("make `group_interval` the shorter one")
    })
}

/// `group_wait` beyond the shortest `for` of what comes here: the alert is older before anybody is told than
/// its rule says it may be.
fn wait(view: &View<'_>, file: &AlertmanagerFile, route: &Route) -> Option<Finding> {
    let at = own(file, route, "group_wait")?;
    let wait = length(&route.timing.group_wait)?;
    let root = file.root.as_ref().filter(|_| view.alerts.len() < MOST_ALERTS)?;
    let mut shortest: Option<(std::time::Duration, &str)> = None;
    for alert in &view.alerts {
        let hold =
            alert.rule.hold.as_ref().and_then(|hold| length(&hold.value)).filter(|hold| !hold.is_zero());
        let Some(hold) = hold.filter(|hold| shortest.is_none_or(|(known, _)| *hold < known)) else {
            continue;
        };
        let waits =
            |hit: &Route| hit.timing.group_wait == route.timing.group_wait && !route.path_to(hit).is_empty();
        if hits(root, alert).iter().any(|(hit, _)| waits(hit)) {
            shortest = Some((hold, alert.name()));
        }
    }
    let (hold, name) = shortest.filter(|(hold, _)| *hold < wait)?;
    let message = format!(
        "`group_wait` {} is longer than the `for` of `{name}` ({} s): the waiting for others takes longer than making sure",
        route.timing.group_wait,
        hold.as_secs()
    );
    Some(file.finding(&LINT, at, message).fix("wait less: 30 s is usual, 10 s for what is urgent"))
}

/// The offset of a key that is written in this route itself.
fn own(file: &AlertmanagerFile, route: &Route, key: &str) -> Option<usize> {
    let mut found = None;
    find(file.tree.get("route")?, &mut |node| {
        if node.first().map(Scalar::start) == Some(route.at) {
            found = node.key(key).map(Scalar::start);
        }
    });
    found
}

fn find(node: &Node, visit: &mut dyn FnMut(&Node)) {
    visit(node);
    node.list_at("routes").iter().for_each(|child| find(child, visit));
}

/// `22:00` to `06:00` is refused: a day ends at 24:00.
fn midnight(file: &AlertmanagerFile, range: &Node, out: &mut Vec<Finding>) {
    for times in range.list_at("times") {
        let (Some(start), Some(end)) = (times.scalar_at("start_time"), times.scalar_at("end_time")) else {
            continue;
        };
        let (Some(from), Some(to)) = (minutes(&start.value), minutes(&end.value)) else { continue };
        if from >= to {
            let message = format!(
                "a time range does not reach over midnight: `{}` to `{}` is refused",
                start.value, end.value
            );
            out.push(file.finding(&LINT, start.start(), message).severity(Severity::Bug).fix(format!(
                "write two ranges: `{}` to `24:00`, and `00:00` to `{}`",
                start.value, end.value
            )));
        }
    }
}

fn minutes(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    Some(hours.parse::<u32>().ok()? * 60 + minutes.parse::<u32>().ok()?)
}

fn zone(file: &AlertmanagerFile, range: &Node, out: &mut Vec<Finding>) {
    let Some(zone) = range.scalar_at("location").filter(|zone| !is_zone(&zone.value)) else { return };
    let message = format!("there is no time zone `{}`: Alertmanager does not load the file", zone.value);
    let finding = file.finding(&LINT, zone.start(), message).severity(Severity::Bug);
    let area = zone.value.split('/').next().unwrap_or_default();
    out.push(match closest_name(area.trim(), AREAS) {
        Some(near) if near != area => {
            finding.fix(format!("did you mean `{}`?", zone.value.trim().replacen(area.trim(), &near, 1)))
        }
        _ => finding.fix("write a name such as `Europe/Berlin` or `UTC`"),
    });
}

/// What names of time zones begin with.
const AREAS: [&str; 12] = [
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Etc",
    "Europe",
    "Indian",
    "Pacific",
    "US",
];

/// By its form: whether a city is known is for the image to say.
fn is_zone(name: &str) -> bool {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+'));
    match name.split_once('/') {
        Some((area, city)) => {
            plain
                && !city.is_empty()
                && AREAS.iter().chain(&["Canada", "Brazil", "Chile", "Mexico"]).any(|known| *known == area)
        }
        // Old names without an area, such as `UTC`, `CET` and `Japan`.
        None => plain && (name.is_empty() || name.starts_with(|c: char| c.is_ascii_uppercase())),
    }
}
