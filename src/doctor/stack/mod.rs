//! The stack's containers, against what they should be.

pub(super) mod crash_loop;
pub(super) mod image_lock;
pub(super) mod leftovers;
pub(super) mod memory_use;
pub(super) mod networks;
pub(super) mod not_answering;
pub(super) mod out_of_memory;
pub(super) mod paused;
pub(super) mod plan;
pub(super) mod port_taken;
pub(super) mod restart_policy;
pub(super) mod stopped;

use crate::doctor::check::{Outcome, Trouble};
use crate::doctor::facts::{Container, Facts};

/// Asks each container of the stack.
pub(in crate::doctor) fn each(
    facts: &Facts,
    well: &str,
    wrong: impl Fn(&Container) -> Option<Trouble>,
) -> Outcome {
    facts.containers.then(|containers| {
        if containers.is_empty() {
            return Outcome::NotApplicable;
        }
        let name = |container: &Container| container.name.clone();
        let troubles = containers.iter().filter_map(|one| {
            let trouble = wrong(one)?;
            Some(match trouble.what {
                Some(_) => trouble,
                None => trouble.about(format!("the container {}", name(one))),
            })
        });
        Outcome::of(troubles.collect(), well)
    })
}

/// The last words of a container's log, for evidence.
fn last_words(container: &Container) -> String {
    match container.last_lines.last() {
        Some(line) => format!("; its last words: {line}"),
        None => String::new(),
    }
}

/// Starts after which a container that keeps exiting is a crash loop.
const CRASHES: i64 = 2;

/// True for one that keeps exiting: between two starts now, or started often and not ready.
fn is_crash_loop(container: &Container) -> bool {
    let is_ready = container.probe.answer().is_some_and(String::is_empty);
    container.state == "restarting" || (container.restarts >= CRASHES && !is_ready)
}
