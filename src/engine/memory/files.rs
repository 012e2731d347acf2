//! Files of a volume or of a container's own layer, written from tars and read back as tars.

use std::collections::BTreeMap;
use std::io::{self, Read};

/// A file or directory as the tar described it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryFile {
    pub directory: bool,
    /// Permission bits, for example `0o400`.
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    pub content: Vec<u8>,
}

/// Path without a leading slash → file.
pub type Files = BTreeMap<String, MemoryFile>;

/// The entries of a tar, with their paths as written but cleaned of `./`.
pub(super) fn read_tar(tar: &[u8]) -> io::Result<Vec<(String, MemoryFile)>> {
    let mut found = Vec::new();
    for entry in tar::Archive::new(tar).entries()? {
        let mut entry = entry?;
        let path = clean(&entry.path()?.to_string_lossy());
        let header = entry.header();
        let mut file = MemoryFile {
            directory: header.entry_type().is_dir(),
            mode: header.mode()? & 0o7777,
            uid: header.uid()?,
            gid: header.gid()?,
            content: Vec::new(),
        };
        entry.read_to_end(&mut file.content)?;
        if !path.is_empty() {
            found.push((path, file));
        }
    }
    Ok(found)
}

pub(super) fn write_tar(files: &[(String, MemoryFile)]) -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, file) in files {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(if file.directory {
            tar::EntryType::Directory
        } else {
            tar::EntryType::Regular
        });
        header.set_size(file.content.len() as u64);
        header.set_mode(file.mode);
        header.set_uid(file.uid);
        header.set_gid(file.gid);
        tar.append_data(&mut header, path, file.content.as_slice())?;
    }
    tar.into_inner()
}

/// `/a/./b/` → `a/b`.
pub(super) fn clean(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

/// The rest of `path` below `dir`, both clean; `Some("")` for the directory itself.
pub(super) fn below<'a>(path: &'a str, dir: &str) -> Option<&'a str> {
    if dir.is_empty() || path == dir {
        return Some(path.strip_prefix(dir).unwrap_or(path));
    }
    path.strip_prefix(dir)?.strip_prefix('/')
}
