//! Whether a service's data and this program can live with another version or variant of its image. What holds
//! for one service stands in its own file, in `services`.

use crate::update::version::TagVersion;

/// Why an image must not replace the present one, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incompatibility {
    pub reason: String,
    pub hint: String,
}

impl Incompatibility {
    /// With what to do instead.
    pub fn new(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: hint.into() }
    }
}

/// True when the tag names a variant of that word: `13.3.0-slim`.
pub fn is_variant(tag: &str, word: &str) -> bool {
    let variant = TagVersion::parse(tag).and_then(|version| version.variant);
    variant.is_some_and(|variant| variant.split('-').any(|part| part == word))
}

/// What no service can run with.
pub fn unusable_variant(to: &str) -> Option<Incompatibility> {
    is_variant(to, "distroless").then(|| {
        Incompatibility::new(
            format!(
                "the variant `{to}` runs as another user and has no shell: it could neither read the present data nor its secrets"
            ),
            "choose the same version without `-distroless`",
        )
    })
}
