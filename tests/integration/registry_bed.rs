//! A real registry (Debian's `docker-registry`) on loopback, and a proxy before it that does harm.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::lab::{eventually, free_port, runtime};

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// User and password of a registry that wants one.
pub(crate) const USER: (&str, &str) = ("operator", "registry-secret");

pub(crate) struct Registry {
    pub(crate) port: u16,
    child: Child,
    _folder: tempfile::TempDir,
    auth: bool,
}

impl Registry {
    /// `None` when the registry is not installed and the run may skip what needs it.
    pub(crate) fn start() -> Option<Self> {
        Self::launch(false)
    }

    pub(crate) fn with_password() -> Option<Self> {
        Self::launch(true)
    }

    fn launch(auth: bool) -> Option<Self> {
        let Some(program) = program() else {
            crate::lab::skip("docker-registry is not installed");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {}}}\n  delete: {{enabled: true}}\nhttp: {{addr: 127.0.0.1:{port}}}\n",
            folder.path().join("data").display()
        );
        if auth {
            let hash = bcrypt::hash(USER.1, 4).unwrap();
            std::fs::write(folder.path().join("htpasswd"), format!("{}:{hash}\n", USER.0)).unwrap();
            let path = folder.path().join("htpasswd");
            config.push_str(&format!("auth:\n  htpasswd: {{realm: bed, path: {}}}\n", path.display()));
        }
        let path = folder.path().join("config.yml");
        std::fs::write(&path, config).unwrap();
        let mut command = Command::new(program);
        command.arg("serve").arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let registry = Self { port, child, _folder: folder, auth };
        eventually("the registry answers", Duration::from_secs(20), || {
            matches!(registry.send("GET", "/v2/", "", Vec::new()).0, 200)
        });
        Some(registry)
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: Vec<u8>,
    ) -> (u16, HashMap<String, String>, Vec<u8>) {
        confidexmon::net::http::install_crypto();
        let url =
            if path.starts_with("http") { path.to_owned() } else { format!("http://{}{path}", self.host()) };
        runtime().block_on(async {
            let request = reqwest::Client::new().request(method.parse().unwrap(), url);
            let request = if self.auth { request.basic_auth(USER.0, Some(USER.1)) } else { request };
            let request = if kind.is_empty() { request } else { request.header("content-type", kind) };
            let request = request.header("accept", format!("{MANIFEST}, {INDEX}"));
            match request.body(body).send().await {
                Ok(answer) => {
                    let status = answer.status().as_u16();
                    let headers = answer.headers().iter();
                    let headers = headers
                        .map(|(name, value)| {
                            (name.to_string(), value.to_str().unwrap_or_default().to_owned())
                        })
                        .collect();
                    (status, headers, answer.bytes().await.unwrap_or_default().to_vec())
                }
                Err(_) => (0, HashMap::new(), Vec::new()),
            }
        })
    }

    /// Uploads a blob; its digest.
    fn blob(&self, repository: &str, bytes: &[u8]) -> String {
        let digest = digest_of(bytes);
        let (status, headers, _) =
            self.send("POST", &format!("/v2/{repository}/blobs/uploads/"), "", Vec::new());
        assert_eq!(status, 202);
        let place = &headers["location"];
        let separator = if place.contains('?') { '&' } else { '?' };
        let url = format!("{place}{separator}digest={digest}");
        let (status, _, body) = self.send("PUT", &url, "application/octet-stream", bytes.to_vec());
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
        digest
    }

    /// Puts a manifest under a tag (or digest); its digest.
    fn put(&self, repository: &str, tag: &str, kind: &str, manifest: &Value) -> String {
        let bytes = manifest.to_string().into_bytes();
        let digest = digest_of(&bytes);
        let tag = if tag.is_empty() { digest.as_str() } else { tag };
        let path = format!("/v2/{repository}/manifests/{tag}");
        let (status, _, body) = self.send("PUT", &path, kind, bytes);
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
        digest
    }

    /// A tag with hardly any content; `mark` tells two apart. Its digest.
    pub(crate) fn push_tiny(&self, repository: &str, tag: &str, mark: &str) -> String {
        let config = json!({"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": []},
            "config": {"Labels": {"mark": mark}}});
        let manifest = self.manifest(repository, &config, &json!([]));
        self.put(repository, tag, MANIFEST, &manifest)
    }

    fn manifest(&self, repository: &str, config: &Value, layers: &Value) -> Value {
        let bytes = config.to_string().into_bytes();
        let digest = self.blob(repository, &bytes);
        json!({"schemaVersion": 2, "mediaType": MANIFEST, "layers": layers, "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json", "size": bytes.len(), "digest": digest}})
    }

    /// An index under `tag`: for each platform a manifest with hardly any content. Its digest.
    pub(crate) fn push_index(&self, repository: &str, tag: &str, platforms: &[(&str, &str)]) -> String {
        let entries: Vec<Value> = platforms.iter().map(|(os, architecture)| {
            let config = json!({"os": os, "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": []}});
            let manifest = self.manifest(repository, &config, &json!([]));
            let size = manifest.to_string().len();
            let digest = self.put(repository, "", MANIFEST, &manifest);
            json!({"mediaType": MANIFEST, "size": size, "digest": digest, "platform": {"os": os, "architecture": architecture}})
        }).collect();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
        self.put(repository, tag, INDEX, &index)
    }

    /// Puts `to` as a variation of the tag `from`: `change` edits the image's configuration. Layers are
    /// shared. Its digest.
    pub(crate) fn derive(
        &self,
        repository: &str,
        from: &str,
        to: &str,
        change: impl FnOnce(&mut Value),
    ) -> String {
        let get = |path: &str| {
            let (status, _, body) = self.send("GET", path, "", Vec::new());
            assert_eq!(status, 200, "{path}");
            serde_json::from_slice::<Value>(&body).unwrap()
        };
        let manifest = get(&format!("/v2/{repository}/manifests/{from}"));
        let digest = manifest["config"]["digest"].as_str().unwrap();
        let mut config = get(&format!("/v2/{repository}/blobs/{digest}"));
        change(&mut config);
        let manifest = self.manifest(repository, &config, &manifest["layers"]);
        self.put(repository, to, MANIFEST, &manifest)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> Option<PathBuf> {
    ["/usr/bin/docker-registry", "/usr/local/bin/docker-registry"]
        .iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
}

fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", confidexmon::model::manifest::sha256_hex(bytes))
}

/// What a registry's front does to a request.
pub(crate) enum Trouble {
    None,
    Refuse(u16),
    /// 429, and after how many seconds to come again.
    Limit(Option<u64>),
    /// No answer, ever.
    Stall,
    /// Half of the answer, then the end of the connection.
    Cut,
}

type Choice = Box<dyn FnMut(&str) -> Trouble + Send>;

/// A front before a registry; it hands on what it does not harm, and shows tags in pages of two.
pub(crate) struct Front {
    pub(crate) port: u16,
    _runtime: tokio::runtime::Runtime,
}

struct Shared {
    registry: String,
    choice: Mutex<Choice>,
    client: reqwest::Client,
}

impl Front {
    pub(crate) fn before(registry: &Registry, choice: Choice) -> Self {
        confidexmon::net::http::install_crypto();
        let shared = Arc::new(Shared {
            registry: registry.host(),
            choice: Mutex::new(choice),
            client: reqwest::Client::new(),
        });
        let runtime = runtime();
        let port = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let router = Router::new().fallback(forward).with_state(shared);
            tokio::spawn(axum::serve(listener, router).into_future());
            port
        });
        Self { port, _runtime: runtime }
    }
}

async fn forward(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let trouble = (shared.choice.lock().unwrap())(&path);
    let path = path.replace("n=1000", "n=2");
    match trouble {
        Trouble::Refuse(status) => return axum::http::StatusCode::from_u16(status).unwrap().into_response(),
        Trouble::Limit(after) => {
            let mut response = axum::http::StatusCode::TOO_MANY_REQUESTS.into_response();
            if let Some(seconds) = after {
                response.headers_mut().insert("retry-after", seconds.into());
            }
            return response;
        }
        Trouble::Stall => std::future::pending().await,
        Trouble::None | Trouble::Cut => {}
    }
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let mut forwarded =
        shared.client.request(parts.method, format!("http://{}{path}", shared.registry)).body(body);
    for (name, value) in &parts.headers {
        if name != "host" && name != "content-length" {
            forwarded = forwarded.header(name, value);
        }
    }
    let answer = forwarded.send().await.unwrap();
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if name != "transfer-encoding" && name != "connection" {
            response = response.header(name, value);
        }
    }
    let bytes = answer.bytes().await.unwrap();
    if matches!(trouble, Trouble::Cut) {
        // The length that was promised stays; the rest never comes.
        let half = bytes.slice(..bytes.len() / 2);
        let cut = futures_util::stream::iter([Ok(half), Err(std::io::Error::other("cut"))]);
        return response.body(Body::from_stream(cut)).unwrap();
    }
    response.body(Body::from(bytes)).unwrap()
}
