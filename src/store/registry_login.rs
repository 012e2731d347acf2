//! Who the user is at a registry: docker's own configuration, with its credential helpers.

use docker_credential::{CredentialRetrievalError, DockerCredential};

use crate::model::Secret;

/// The key under which docker's tools keep the credentials of Docker Hub.
const HUB: &str = "https://index.docker.io/v1/";

/// How the user signs in.
#[derive(Clone, Debug)]
pub enum Login {
    Password {
        username: String,
        password: Secret,
    },
    /// A refresh token, from a registry that gave one at `docker login`.
    IdentityToken(Secret),
}

/// The name under which credentials for this image are kept.
pub fn registry_key(image: &str) -> String {
    match image.split_once('/') {
        Some(("docker.io" | "index.docker.io", _)) | None => HUB.to_owned(),
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first.to_owned(),
        Some(_) => HUB.to_owned(),
    }
}

/// The user's credentials for the registry; a helper program may have to run. Without any, or when they
/// cannot be had, the user is nobody there.
pub async fn find(registry: String) -> Option<Login> {
    let server = registry.clone();
    let found = tokio::task::spawn_blocking(move || docker_credential::get_credential(&server)).await.ok()?;
    match found {
        Ok(DockerCredential::UsernamePassword(username, password)) => {
            Some(Login::Password { username, password: Secret::new(password) })
        }
        Ok(DockerCredential::IdentityToken(token)) => Some(Login::IdentityToken(Secret::new(token))),
        // `ConfigReadError` is also what a missing file gives when nobody ever logged in.
        Err(
            CredentialRetrievalError::NoCredentialConfigured
            | CredentialRetrievalError::ConfigNotFound
            | CredentialRetrievalError::ConfigReadError,
        ) => None,
        Err(error) => {
            // The text of a failed helper may quote what it read; only its kind is told.
            let reason = match error {
                CredentialRetrievalError::HelperFailure { helper, .. } => {
                    format!("the helper `{helper}` failed")
                }
                CredentialRetrievalError::HelperCommunicationError => {
                    "the credential helper cannot be run".to_owned()
                }
                CredentialRetrievalError::MalformedHelperResponse => {
                    "the credential helper's answer cannot be read".to_owned()
                }
                _ => "the stored credentials cannot be read".to_owned(),
            };
            tracing::warn!("talking anonymously to {registry}: {reason}");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_kept_by_registry() {
        for (image, key) in [
            ("prom/prometheus:v3", HUB),
            ("redis", HUB),
            ("docker.io/grafana/grafana", HUB),
            ("ghcr.io/a/b:1", "ghcr.io"),
            ("localhost/a", "localhost"),
            ("localhost:5000/a", "localhost:5000"),
        ] {
            assert_eq!(registry_key(image), key, "{image}");
        }
    }
}
