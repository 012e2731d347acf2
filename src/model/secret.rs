//! A secret string that cannot be shown by accident.

use secrecy::{ExposeSecret, SecretString};

/// A password, token or webhook URL. `Debug` redacts, `Display` does not exist, memory is wiped.
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a value that from here on shows in no output of ours.
    pub fn new(value: impl Into<String>) -> Self {
        Self(SecretString::from(value.into()))
    }

    /// The plain value. Call it only where the value leaves for its owner: a 0400 file or a request.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.reveal() == other.reveal()
    }
}
impl Eq for Secret {}
