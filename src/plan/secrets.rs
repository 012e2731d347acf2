//! Which secrets a change of files replaces.

use crate::model::FileChanges;
use crate::render::context::secret_path::stem;

/// Paths of the secrets that have another content, without what follows the content in their names: a
/// secret's file is replaced by one of another name.
pub fn changed(changes: &FileChanges) -> Vec<&str> {
    let gone: Vec<&str> = changes.removed.iter().filter_map(|path| stem(path)).collect();
    let replaced = changes.added.iter().filter_map(|path| stem(path)).filter(|path| gone.contains(path));
    let in_place = changes.changed.iter().map(String::as_str).filter(|path| is_secret(path));
    replaced.chain(in_place).collect()
}

/// `web.yml` holds nothing but who may come in.
fn is_secret(path: &str) -> bool {
    path.contains("/secrets/") || path.ends_with("/web.yml")
}

/// The changes without the pairs of files that are one changed secret.
pub fn others(changes: &FileChanges) -> FileChanges {
    let secrets = changed(changes);
    let kept = |paths: &[String]| -> Vec<String> {
        let is_other = |path: &&String| !secrets.contains(&stem(path).unwrap_or(path));
        paths.iter().filter(is_other).cloned().collect()
    };
    FileChanges {
        added: kept(&changes.added),
        changed: kept(&changes.changed),
        removed: kept(&changes.removed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;
    use crate::render::context::secret_path::named;

    #[test]
    fn a_replaced_file_is_a_changed_secret_and_a_new_one_is_new() {
        let file = |base: &str, value: &str| named(base, &Secret::new(value.to_owned()));
        let (target, slack) =
            ("/etc/prometheus/secrets/target_a", "/etc/alertmanager/secrets/slack_webhook_url");
        let changes = FileChanges {
            added: vec![file(target, "new"), file(slack, "first")],
            changed: vec!["/etc/prometheus/prometheus.yml".to_owned()],
            removed: vec![file(target, "old")],
        };
        assert_eq!(changed(&changes), [target]);
        let others = others(&changes);
        assert_eq!(
            (others.added, others.changed.len(), others.removed.len()),
            (vec![file(slack, "first")], 1, 0)
        );
        assert_eq!(file(target, "a"), file(target, "a"));
        assert!(!file(target, "hush").contains("hush"));
    }
}
