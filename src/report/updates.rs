//! What there is to update, and what was updated, as text and JSON.

use serde_json::{Value, json};

use crate::apply::update::prepare::Prepared;
use crate::report::output::BOLD;
use crate::report::table::Table;
use crate::report::{Format, Output};
use crate::services::Desired;
use crate::update::availability::{Availability, News};
use crate::update::version::change_kind;

/// `newer`, `up to date`, or `unknown`.
fn status(one: &Availability) -> &'static str {
    match &one.news {
        News::Unknown(_) => "unknown",
        News::Known { .. } if one.newer().is_empty() => "up_to_date",
        News::Known { .. } => "newer",
    }
}

/// One service of `update --check`.
pub fn availability_json(one: &Availability) -> Value {
    let newer: Vec<Value> = one.newer().iter().map(|(kind, tag)| json!({"kind": kind, "tag": tag})).collect();
    let reason = match &one.news {
        News::Unknown(reason) => Some(reason),
        News::Known { .. } => None,
    };
    json!({
        "name": one.service.name(),
        "image": one.image.as_str(),
        "status": status(one),
        "newer": newer,
        "changelog": one.service.defaults().changelog,
        "reason": reason,
    })
}

/// One row per service.
pub fn availability_table(output: Output, news: &[Availability]) -> String {
    let columns = [("SERVICE", 0), ("IMAGE", 1), ("NEWER", 0), ("CHANGES", 2)];
    let mut table = Table::new(&columns).wrapping("NEWER");
    for one in news {
        let newer: Vec<String> =
            one.newer().iter().map(|(kind, tag)| format!("{tag} ({})", kind.text())).collect();
        let newer = match &one.news {
            News::Unknown(reason) => format!("unknown: {reason}"),
            News::Known { .. } if newer.is_empty() => "up to date".to_owned(),
            News::Known { .. } => newer.join(", "),
        };
        table.row(
            [one.service.name(), one.image.as_str(), &newer, one.service.defaults().changelog]
                .map(str::to_owned),
        );
    }
    table.text(output.data_width(), |row, _, cell| match row {
        0 => output.styled_data(cell, BOLD),
        _ => cell.to_owned(),
    })
}

/// The last cause says what happened; the chain before it is for `--format json`.
fn short(reason: &str) -> &str {
    reason.rsplit(": ").next().unwrap_or(reason)
}

/// What `update --dry-run` would do.
pub fn print_targets(output: Output, news: &[Availability], targets: &[String]) {
    let steps = news.iter().zip(targets);
    if output.format == Format::Json {
        let steps = steps.map(|(one, target)| {
            json!({"service": one.service.name(), "from": one.tag(), "to": target, "kind": change_kind(one.tag(), target), "status": status(one)})
        });
        return output.json(&json!({"updates": steps.collect::<Vec<_>>()}));
    }
    for (one, target) in steps {
        output.data(&format!("{:<14} {}\n", one.service.name(), what_is_done(one, target)));
    }
}

/// Nothing follows from a registry's silence, least of all that a tag has moved.
fn what_is_done(one: &Availability, target: &str) -> String {
    match (one.tag() == target, &one.news) {
        (true, News::Unknown(reason)) => {
            format!("{target} (unknown whether there is a newer one: {})", short(reason))
        }
        (true, News::Known { .. }) if status(one) == "up_to_date" => format!("{target} (up to date)"),
        _ => one.step(target),
    }
}

/// What an update or a rollback did.
pub fn print_done(output: Output, before: &Desired, prepared: &[Prepared]) {
    let tag = |one: &Prepared| before.services[&one.service].spec.image.tag().unwrap_or("latest").to_owned();
    if output.format == Format::Json {
        let updated = prepared.iter().map(|one| {
            let digest = one.local.digest_in(&one.image);
            json!({"service": one.service.name(), "from": tag(one), "to": one.image.tag(), "digest": digest, "image_id": one.local.id})
        });
        return output.json(&json!({"updated": updated.collect::<Vec<_>>()}));
    }
    if prepared.is_empty() {
        output.info("nothing to do: every image is the newest that was asked for");
    }
    for one in prepared {
        let to = one.image.tag().unwrap_or("latest");
        output.data(&format!("{:<14} {} → {to}\n", one.service.name(), tag(one)));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::{ImageRef, ServiceKind};

    #[test]
    fn a_registrys_silence_is_no_new_digest() {
        let image = ImageRef::new("docker.io/prom/prometheus:v3.13.3").unwrap();
        let of = |news| Availability { service: ServiceKind::Prometheus, image: image.clone(), news };
        let silent = of(News::Unknown("no answer: connect: Connection refused".to_owned()));
        let text = what_is_done(&silent, "v3.13.3");
        assert_eq!(text, "v3.13.3 (unknown whether there is a newer one: Connection refused)");
        assert_eq!(status(&silent), "unknown");
        let known = |moved| of(News::Known { tags: vec!["v3.13.3".to_owned()], digest: None, moved });
        assert_eq!(what_is_done(&known(false), "v3.13.3"), "v3.13.3 (up to date)");
        assert_eq!(what_is_done(&known(true), "v3.13.3"), "v3.13.3 (same tag, new digest)");
    }
}
