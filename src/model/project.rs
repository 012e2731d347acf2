//! Whose stack it is: the project that started it.

use std::collections::BTreeMap;

use crate::model::labels;

/// A project, told apart from every other one by its id, or by where it lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Project {
    /// From the project's own file; empty for a folder that holds no project.
    pub id: String,
    /// Absolute path of its folder.
    pub path: String,
    /// Name of the machine that the path is on; empty when it is not known.
    pub host: String,
}

impl Project {
    /// The labels of everything that this project starts.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let pairs = [
            (labels::PROJECT, &self.id),
            (labels::PROJECT_PATH, &self.path),
            (labels::PROJECT_HOST, &self.host),
        ];
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value.clone())).collect()
    }

    /// The project in a resource's labels; `None` for what an older version made.
    pub fn of_labels(labels: &BTreeMap<String, String>) -> Option<Self> {
        let value = |key: &str| labels.get(key).cloned().unwrap_or_default();
        labels.contains_key(labels::PROJECT).then(|| Self {
            id: value(labels::PROJECT),
            path: value(labels::PROJECT_PATH),
            host: value(labels::PROJECT_HOST),
        })
    }

    /// The same project: a moved or cloned folder keeps its id, a folder may have got its id later.
    pub fn is(&self, other: &Self) -> bool {
        let same_id = !self.id.is_empty() && self.id == other.id;
        same_id || (self.path == other.path && self.host == other.host)
    }

    /// Where it lies, as seen from a machine: `/srv/monitoring`, or `/srv/monitoring on web1`.
    pub fn place(&self, here: &str) -> String {
        if self.host == here || self.host.is_empty() {
            return self.path.clone();
        }
        format!("{} on {}", self.path, self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(id: &str, path: &str, host: &str) -> Project {
        Project { id: id.to_owned(), path: path.to_owned(), host: host.to_owned() }
    }

    #[test]
    fn a_project_is_known_by_its_id_or_its_place() {
        let one = project("a", "/srv/one", "web1");
        assert!(one.is(&project("a", "/home/clone", "laptop")), "a clone elsewhere");
        assert!(one.is(&project("", "/srv/one", "web1")), "started before it had an id");
        assert!(!one.is(&project("b", "/srv/two", "web1")));
        assert!(!one.is(&project("", "/srv/one", "web2")), "another machine");
        assert!(!project("", "/a", "h").is(&project("", "/b", "h")), "two folders without an id");
    }

    #[test]
    fn labels_are_read_back_as_they_were_written() {
        let one = project("a", "/srv/one", "web1");
        assert_eq!(Project::of_labels(&one.labels()), Some(one.clone()));
        assert_eq!(Project::of_labels(&BTreeMap::new()), None);
        assert_eq!((one.place("web1").as_str(), one.place("x").as_str()), ("/srv/one", "/srv/one on web1"));
    }
}
