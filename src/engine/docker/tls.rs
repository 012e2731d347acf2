//! TLS towards an engine: rustls with the ring provider, and the PEM files docker's tools use.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::engine::{EngineError, ErrorKind};

/// The directory with `ca.pem`, `cert.pem` and `key.pem`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TlsFiles {
    pub(super) dir: PathBuf,
}

/// Reads the files. The engine's certificate is always verified against `ca.pem`; a client
/// certificate is sent when there is one.
pub(super) async fn client_config(files: &TlsFiles) -> Result<ClientConfig, EngineError> {
    let ca = read(&files.dir.join("ca.pem")).await?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&ca, &files.dir.join("ca.pem"))? {
        roots.add(certificate).map_err(|error| bad(&files.dir.join("ca.pem"), &error))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(&files.dir, &error))?
        .with_root_certificates(roots);
    let cert_path = files.dir.join("cert.pem");
    if !tokio::fs::try_exists(&cert_path).await.unwrap_or(false) {
        return Ok(builder.with_no_client_auth());
    }
    let chain = certificates(&read(&cert_path).await?, &cert_path)?;
    let key_path = files.dir.join("key.pem");
    let key =
        PrivateKeyDer::from_pem_slice(&read(&key_path).await?).map_err(|error| bad(&key_path, &error))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| bad(&cert_path, &error))
}

async fn read(path: &Path) -> Result<Vec<u8>, EngineError> {
    tokio::fs::read(path).await.map_err(|error| bad(path, &error))
}

fn certificates(pem: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, EngineError> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| bad(path, &error))
}

fn bad(path: &Path, error: &dyn std::fmt::Display) -> EngineError {
    let action = format!("use the engine's TLS file `{}`", path.display());
    EngineError::new(action, ErrorKind::Unreachable, error.to_string())
}
