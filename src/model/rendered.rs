//! Rendered configuration files on their way into a container.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::Secret;

/// One file. `path` is absolute inside the container and lies below the service's config root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedFile {
    pub path: String,
    pub content: Content,
}

/// What the file holds decides its mode: plain files are 0444, secrets are 0400.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Plain(String),
    Secret(Secret),
    /// As it was read back from a volume, byte for byte: it need not be text.
    ReadBack {
        bytes: RawBytes,
        secret: bool,
    },
}

/// Bytes that may hold a secret: debug output shows only how many they are.
#[derive(Clone, PartialEq, Eq)]
pub struct RawBytes(Vec<u8>);

impl fmt::Debug for RawBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl RenderedFile {
    /// A file that everybody may read.
    pub fn plain(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), content: Content::Plain(text.into()) }
    }

    /// A file that only the service may read.
    pub fn secret(path: impl Into<String>, value: Secret) -> Self {
        Self { path: path.into(), content: Content::Secret(value) }
    }

    /// A file that may be put back later, with the mode of a secret or of a plain file.
    pub fn read_back(path: impl Into<String>, bytes: Vec<u8>, secret: bool) -> Self {
        Self { path: path.into(), content: Content::ReadBack { bytes: RawBytes(bytes), secret } }
    }

    /// What it holds.
    pub fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Plain(text) => text.as_bytes(),
            Content::Secret(value) => value.reveal().as_bytes(),
            Content::ReadBack { bytes, .. } => &bytes.0,
        }
    }

    /// True for a file whose content must not show.
    pub const fn is_secret(&self) -> bool {
        matches!(self.content, Content::Secret(_) | Content::ReadBack { secret: true, .. })
    }

    /// Unix permission bits.
    pub const fn mode(&self) -> u32 {
        if self.is_secret() { 0o400 } else { 0o444 }
    }
}

/// The files of one service: all below `root`, owned by `uid:gid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSet {
    /// The config volume's mount point, for example `/etc/prometheus`.
    pub root: String,
    pub uid: u32,
    pub gid: u32,
    /// Keyed by absolute path; the key equals `RenderedFile::path`.
    pub files: BTreeMap<String, RenderedFile>,
}

impl FileSet {
    /// No files yet, below `root`, owned by this user and group.
    pub fn new(root: impl Into<String>, uid: u32, gid: u32) -> Self {
        Self { root: root.into(), uid, gid, files: BTreeMap::new() }
    }

    /// Adds a file, or replaces the one at its path.
    pub fn insert(&mut self, file: RenderedFile) {
        self.files.insert(file.path.clone(), file);
    }
}
