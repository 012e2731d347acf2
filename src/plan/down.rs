//! What `down` removes: only what carries the stack's label, volumes only when asked.

use crate::model::{Observed, StackName};
use crate::plan::reconcile::is_ours;

/// Containers to remove: (id, name, running), sorted by name.
pub fn containers_to_remove(observed: &Observed, stack: &StackName) -> Vec<(String, String, bool)> {
    let ours = observed.containers.iter().filter(|container| is_ours(container, stack.as_str()));
    let mut list: Vec<_> = ours
        .map(|container| {
            (
                container.id.clone(),
                container.name.clone(),
                container.state != "created" && container.state != "exited",
            )
        })
        .collect();
    list.sort_by(|a, b| a.1.cmp(&b.1));
    list
}
