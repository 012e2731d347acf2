//! What a panel's `fieldConfig` and `options` say; both schemas have them.

use crate::formats::yaml::node::Node;
use crate::formats::yaml::scalar::Scalar;

/// The visual settings of a panel.
#[derive(Clone, Copy)]
pub(super) struct Visual<'a> {
    pub(super) config: Option<&'a Node>,
    pub(super) options: Option<&'a Node>,
}

impl<'a> Visual<'a> {
    /// The node that holds `fieldConfig` and `options`.
    pub(super) fn of(node: &'a Node) -> Self {
        Self { config: node.get("fieldConfig"), options: node.get("options") }
    }

    fn defaults(self) -> Option<&'a Node> {
        self.config?.get("defaults")
    }

    pub(super) fn unit(self) -> Option<Scalar> {
        let own = self.defaults().and_then(|defaults| defaults.scalar_at("unit"));
        own.or_else(|| self.unit_of_overrides()).cloned()
    }

    fn unit_of_overrides(self) -> Option<&'a Scalar> {
        let overrides = self.config?.list_at("overrides").iter();
        let properties = overrides.flat_map(|one| one.list_at("properties"));
        let mut units = properties.filter(|property| property.text_at("id") == Some("unit"));
        units.find_map(|property| property.scalar_at("value"))
    }

    pub(super) fn shows_text(self) -> bool {
        let option = |key: &str| self.options.and_then(|options| options.text_at(key));
        let reduced = self.options.and_then(|options| options.get("reduceOptions"));
        let fields =
            reduced.and_then(|reduced| reduced.text_at("fields")).is_some_and(|fields| !fields.is_empty());
        let mapped = self.defaults().is_some_and(|defaults| !defaults.list_at("mappings").is_empty());
        fields || option("textMode") == Some("name") || mapped
    }

    /// The numbers of absolute thresholds.
    pub(super) fn thresholds(self) -> Vec<Scalar> {
        let Some(thresholds) = self.defaults().and_then(|defaults| defaults.get("thresholds")) else {
            return Vec::new();
        };
        if thresholds.text_at("mode") == Some("percentage") {
            return Vec::new();
        }
        thresholds.list_at("steps").iter().filter_map(|step| step.scalar_at("value").cloned()).collect()
    }

    /// The addresses of the links on values.
    pub(super) fn links(self) -> Vec<Scalar> {
        self.defaults().map_or_else(Vec::new, links)
    }
}

/// The addresses below `links`.
pub(super) fn links(node: &Node) -> Vec<Scalar> {
    node.list_at("links").iter().filter_map(|link| link.scalar_at("url").cloned()).collect()
}
