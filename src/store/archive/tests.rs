#![allow(clippy::unwrap_used, clippy::expect_used)]
use std::io::Write;
use std::path::{Path, PathBuf};

use tar::EntryType;

use super::*;
use crate::backup::manifest::{FORMAT, MANIFEST_NAME};
use crate::backup::{BackupManifest, Counts, FileEntry, Layout};
use crate::model::manifest::{sha256, sha256_hex};
use crate::store::meter::Meter;

const DATABASE: &[u8] = b"what stands for a database";

fn manifest_of(files: &[(&str, &[u8])]) -> BackupManifest {
    let entry = |(path, bytes): &(&str, &[u8])| FileEntry {
        path: (*path).to_owned(),
        size: bytes.len() as u64,
        sha256: sha256_hex(bytes),
    };
    BackupManifest {
        format: FORMAT,
        written_by: "0.1.0".to_owned(),
        stack: "confidex".to_owned(),
        created_at: "2026-11-27T08:45:00Z".to_owned(),
        grafana_version: Some("13.2.0".to_owned()),
        image: "docker.io/grafana/grafana:13.2.0".to_owned(),
        image_id: "sha256:1".to_owned(),
        image_digest: None,
        newest_migration: None,
        migrations: 1,
        layout: Layout::Dashboard,
        counts: Counts::default(),
        stood_still_ms: 0,
        files: files.iter().map(entry).collect(),
    }
}

/// One entry of a tar as an attacker would write it: name, kind, content, and the size it claims.
struct Raw<'a> {
    name: &'a str,
    kind: EntryType,
    content: &'a [u8],
}

fn file<'a>(name: &'a str, content: &'a [u8]) -> Raw<'a> {
    Raw { name, kind: EntryType::Regular, content }
}

/// A tar whose names are written as they are, whatever they hold.
fn raw_tar(entries: &[Raw<'_>]) -> Vec<u8> {
    let mut tar = Vec::new();
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(entry.content.len() as u64);
        header.set_mode(0o600);
        header.set_entry_type(entry.kind);
        if matches!(entry.kind, EntryType::Symlink | EntryType::Link) {
            header.set_link_name("/etc/passwd").unwrap();
        }
        let name = entry.name.as_bytes();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_cksum();
        tar.extend_from_slice(header.as_bytes());
        tar.extend_from_slice(entry.content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let digest = sha256(&bytes);
    bytes.extend_from_slice(&SEAL_HEAD);
    bytes.extend_from_slice(&digest);
    bytes
}

/// An archive with this manifest and these entries behind it.
fn archive(manifest: &BackupManifest, entries: &[Raw<'_>]) -> Vec<u8> {
    let text = serde_json::to_vec(manifest).unwrap();
    let mut all = vec![file(MANIFEST_NAME, &text)];
    all.extend(entries.iter().map(|raw| Raw { name: raw.name, kind: raw.kind, content: raw.content }));
    sealed(compressed(&raw_tar(&all)))
}

fn sound() -> Vec<u8> {
    archive(&manifest_of(&[("data/grafana.db", DATABASE)]), &[file("data/grafana.db", DATABASE)])
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(bytes: &[u8]) -> (Self, PathBuf) {
        let folder = Self::new();
        let path = folder.0.path().join("grafana-confidex-20261127T084500Z.tar.zst");
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }
}

/// Packs and writes what lies below `staged`.
fn written(manifest: &BackupManifest, staged: &Path, path: &Path) {
    let unfinished = path.with_extension("unfinished");
    let draft = Draft::new(unfinished.clone(), &manifest.files[1..]).unwrap();
    let entry = draft.pack_database(&staged.join("data/grafana.db"), &Meter::default()).unwrap();
    assert_eq!(entry, manifest.files[0]);
    let size = draft.finish(manifest, staged, path, &Meter::default()).unwrap();
    assert_eq!(size, std::fs::metadata(path).unwrap().len());
    assert!(!unfinished.exists());
}

fn reason(bytes: &[u8]) -> String {
    let (folder, path) = Folder::with(bytes);
    let error = verify(&path).expect_err("it was taken for sound");
    let inside = folder.0.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    assert!(unpack(&path, &inside, &Meter::default()).is_err());
    // Nothing outside of the folder that was named.
    let beside: Vec<_> = std::fs::read_dir(folder.0.path()).unwrap().flatten().collect();
    assert_eq!(beside.len(), 2, "{beside:?}");
    error.to_string()
}

#[test]
fn what_was_written_is_read_back_and_only_by_its_owner() {
    let folder = Folder::new();
    let staged = folder.0.path().join("staged");
    std::fs::create_dir_all(staged.join("data/plugins")).unwrap();
    std::fs::write(staged.join("data/grafana.db"), DATABASE).unwrap();
    std::fs::write(staged.join("data/plugins/a.js"), b"x").unwrap();
    let manifest = manifest_of(&[("data/grafana.db", DATABASE), ("data/plugins/a.js", b"x")]);
    let path = folder.0.path().join("x.tar.zst");
    written(&manifest, &staged, &path);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(super::manifest(&path).unwrap().manifest, manifest);
    assert_eq!(verify(&path).unwrap().manifest, manifest);
    let out = folder.0.path().join("out");
    unpack(&path, &out, &Meter::default()).unwrap();
    assert_eq!(std::fs::read(out.join("data/grafana.db")).unwrap(), DATABASE);
    // Common tools read it, too.
    let listed = std::process::Command::new("sh")
        .args([
            "-c",
            &format!("command -v zstd >/dev/null || exit 77; zstd -dcq '{}' | tar t", path.display()),
        ])
        .output()
        .unwrap();
    if listed.status.code() != Some(77) {
        assert_eq!(
            String::from_utf8_lossy(&listed.stdout),
            "manifest.json\ndata/grafana.db\ndata/plugins/a.js\n"
        );
    }
}

/// An archive as this program writes it: more than one frame, and files beside the database.
fn really_written() -> Vec<u8> {
    let folder = Folder::new();
    let staged = folder.0.path().join("staged");
    std::fs::create_dir_all(staged.join("data/plugins")).unwrap();
    std::fs::write(staged.join("data/grafana.db"), DATABASE).unwrap();
    std::fs::write(staged.join("data/plugins/a.js"), b"x").unwrap();
    let path = folder.0.path().join("x.tar.zst");
    written(&manifest_of(&[("data/grafana.db", DATABASE), ("data/plugins/a.js", b"x")]), &staged, &path);
    std::fs::read(path).unwrap()
}

/// Every place of an archive, but of the zeros between the manifest and the database, which are all alike, only
/// some.
fn telling(archive: &[u8]) -> impl Iterator<Item = usize> {
    let zeros = (1..archive.len()).filter(|at| archive[at - 1..(at + 2).min(archive.len())] == [0; 3]);
    let zeros: std::collections::BTreeSet<usize> = zeros.collect();
    assert!(zeros.len() > 1000, "{} zeros", zeros.len());
    (0..archive.len()).filter(move |at| !zeros.contains(at) || at % 97 == 0)
}

#[test]
fn each_flipped_byte_of_an_archive_is_noticed() {
    let whole = really_written();
    let (_folder, path) = Folder::with(&whole);
    verify(&path).unwrap();
    for at in telling(&whole) {
        for flip in [0x01_u8, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] ^= flip;
            std::fs::write(&path, &damaged).unwrap();
            assert!(verify(&path).is_err(), "byte {at} of {} changed by {flip:#x}", whole.len());
        }
    }
}

#[test]
fn an_archive_that_was_cut_short_anywhere_is_noticed() {
    let whole = really_written();
    for length in telling(&whole) {
        let (_folder, path) = Folder::with(&whole[..length]);
        assert!(verify(&path).is_err(), "{length} of {} bytes", whole.len());
    }
}

fn with_path(path: &str) -> Vec<u8> {
    let files: [(&str, &[u8]); 2] = [("data/grafana.db", DATABASE), (path, b"x")];
    archive(&manifest_of(&files), &[file("data/grafana.db", DATABASE), file(path, b"x")])
}

fn with_kind(kind: EntryType) -> Vec<u8> {
    let files: [(&str, &[u8]); 2] = [("data/grafana.db", DATABASE), ("data/x", b"")];
    let odd = Raw { name: "data/x", kind, content: b"" };
    archive(&manifest_of(&files), &[file("data/grafana.db", DATABASE), odd])
}

fn changed(change: impl FnOnce(&mut BackupManifest)) -> Vec<u8> {
    let mut manifest = manifest_of(&[("data/grafana.db", DATABASE)]);
    change(&mut manifest);
    archive(&manifest, &[file("data/grafana.db", DATABASE)])
}

/// A manifest that claims little, and a database of zeros that is much larger.
fn bomb() -> Vec<u8> {
    let zeros = vec![0; 300 * 1024 * 1024];
    let manifest = manifest_of(&[("data/grafana.db", b"")]);
    let text = serde_json::to_vec(&manifest).unwrap();
    sealed(compressed(&raw_tar(&[file(MANIFEST_NAME, &text), file("data/grafana.db", &zeros)])))
}

#[test]
#[expect(clippy::too_many_lines, reason = "one flat table")]
fn hostile_and_damaged_archives_are_refused_with_their_reason() {
    let whole = sound();
    let two: [(&str, &[u8]); 2] = [("data/grafana.db", DATABASE), ("data/x", b"x")];
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("no bytes", Vec::new(), "shorter than any backup"),
        ("a few bytes", b"hello".to_vec(), "shorter than any backup"),
        ("text", vec![b'x'; 4096], "damaged or cut short"),
        ("random frame", sealed(compressed(&[7; 5000])), "damaged or cut short"),
        ("an empty tar", sealed(compressed(&[0; 1024])), "it is empty"),
        (
            "a tar that is not compressed",
            sealed(raw_tar(&[file("data/grafana.db", DATABASE)])),
            "damaged or cut short",
        ),
        (
            "another tar",
            sealed(compressed(&raw_tar(&[file("data/grafana.db", DATABASE)]))),
            "does not begin with a manifest",
        ),
        (
            "a manifest that is a link",
            sealed(compressed(&raw_tar(&[Raw {
                name: MANIFEST_NAME,
                kind: EntryType::Symlink,
                content: b"",
            }]))),
            "does not begin with a manifest",
        ),
        (
            "a manifest that is no JSON",
            sealed(compressed(&raw_tar(&[file(MANIFEST_NAME, b"{")]))),
            "manifest cannot be read",
        ),
        (
            "a manifest of another program",
            sealed(compressed(&raw_tar(&[file(MANIFEST_NAME, b"{\"version\":1}")]))),
            "manifest cannot be read",
        ),
        ("a newer form", changed(|manifest| manifest.format = FORMAT + 1), "reads form 1"),
        ("cut in the middle", whole[..whole.len() / 2].to_vec(), "damaged or cut short"),
        ("without its seal", whole[..whole.len() - 40].to_vec(), "sound backup"),
        ("bytes behind it", [whole.as_slice(), b"more"].concat(), "sound backup"),
        ("two archives in one", [whole.as_slice(), whole.as_slice()].concat(), "sound backup"),
        ("a path upwards", with_path("data/../../escaped"), "leads out of the folder"),
        ("a path upwards at once", with_path("../escaped"), "leads out of the folder"),
        ("an absolute path", with_path("/tmp/escaped"), "leads out of the folder"),
        ("a path with a dot", with_path("data/./x"), "leads out of the folder"),
        ("a path with an empty part", with_path("data//x"), "leads out of the folder"),
        ("another folder", with_path("etc/passwd"), "no folder that a backup has"),
        ("a second manifest", with_path("manifest.json"), "no folder that a backup has"),
        ("a backslash", with_path("data/..\\x"), "character that no file"),
        ("a line break", with_path("data/a\nb"), "character that no file"),
        ("a symbolic link", with_kind(EntryType::Symlink), "no plain file"),
        ("a hard link", with_kind(EntryType::Link), "no plain file"),
        ("a character device", with_kind(EntryType::Char), "no plain file"),
        ("a block device", with_kind(EntryType::Block), "no plain file"),
        ("a pipe", with_kind(EntryType::Fifo), "no plain file"),
        ("a folder", with_kind(EntryType::Directory), "no plain file"),
        ("a contiguous file", with_kind(EntryType::Continuous), "no plain file"),
        (
            "a file twice in the manifest",
            archive(
                &manifest_of(&[("data/grafana.db", DATABASE), ("data/grafana.db", DATABASE)]),
                &[file("data/grafana.db", DATABASE), file("data/grafana.db", DATABASE)],
            ),
            "twice",
        ),
        (
            "a file twice in the tar",
            archive(
                &manifest_of(&[("data/grafana.db", DATABASE)]),
                &[file("data/grafana.db", DATABASE), file("data/grafana.db", DATABASE)],
            ),
            "more than its manifest lists",
        ),
        (
            "a file that is a folder, too",
            archive(
                &manifest_of(&[("data/grafana.db", DATABASE), ("data/x", b"x"), ("data/x/y", b"y")]),
                &[],
            ),
            "a file and a folder",
        ),
        (
            "a file that is missing",
            archive(&manifest_of(&two), &[file("data/grafana.db", DATABASE)]),
            "missing from it",
        ),
        (
            "files in another order",
            archive(&manifest_of(&two), &[file("data/x", b"x"), file("data/grafana.db", DATABASE)]),
            "where `data/grafana.db` should be",
        ),
        ("no database", archive(&manifest_of(&[("data/x", b"x")]), &[file("data/x", b"x")]), "no database"),
        ("another size", changed(|manifest| manifest.files[0].size += 1), "bytes in it"),
        (
            "another checksum",
            changed(|manifest| manifest.files[0].sha256 = sha256_hex(b"other")),
            "another checksum",
        ),
        (
            "no checksum",
            changed(|manifest| manifest.files[0].sha256 = "0".to_owned()),
            "checksum of `data/grafana.db` is none",
        ),
        (
            "a size that no disk has",
            changed(|manifest| manifest.files[0].size = u64::MAX),
            "claims to unpack",
        ),
        ("a bomb", bomb(), "bytes in it"),
    ];
    assert!(cases.len() >= 30);
    for (name, bytes, why) in cases {
        let text = reason(&bytes);
        assert!(text.contains(why), "{name}: {text}");
    }
}

#[test]
fn a_long_path_is_written_and_read_back() {
    let folder = Folder::new();
    let long = format!("data/plugins/{}/module.js", "deep/".repeat(60).trim_end_matches('/'));
    let staged = folder.0.path().join("staged");
    for (path, content) in [("data/grafana.db", DATABASE), (long.as_str(), b"x".as_slice())] {
        let path = staged.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let manifest = manifest_of(&[("data/grafana.db", DATABASE), (&long, b"x")]);
    let path = folder.0.path().join("x.tar.zst");
    written(&manifest, &staged, &path);
    let out = folder.0.path().join("out");
    unpack(&path, &out, &Meter::default()).unwrap();
    assert_eq!(std::fs::read(out.join(long)).unwrap(), b"x");
}

/// Zeros cost nothing to compress, and time to read.
#[test]
fn endless_zeros_behind_the_files_are_refused() {
    let text = serde_json::to_vec(&manifest_of(&[("data/grafana.db", DATABASE)])).unwrap();
    let mut tar = raw_tar(&[file(MANIFEST_NAME, &text), file("data/grafana.db", DATABASE)]);
    tar.resize(tar.len() + 1024 * 1024, 0);
    assert!(reason(&sealed(compressed(&tar))).contains("something follows"));
}

/// A sparse entry claims more bytes than it brings.
#[test]
fn a_sparse_entry_is_refused() {
    let bytes = with_kind(EntryType::GNUSparse);
    assert!(!reason(&bytes).is_empty());
}

#[test]
fn what_is_no_file_is_told_as_what_it_is() {
    let folder = Folder::new();
    assert!(verify(folder.0.path()).unwrap_err().to_string().contains("no file"));
    assert!(verify(Path::new("/nonexistent/x.tar.zst")).unwrap_err().to_string().starts_with("cannot read"));
}

#[test]
fn unpacking_replaces_nothing_that_lies_there() {
    let (folder, path) = Folder::with(&sound());
    let inside = folder.0.path().join("inside/data");
    std::fs::create_dir_all(&inside).unwrap();
    let mut victim = std::fs::File::create(folder.0.path().join("victim")).unwrap();
    victim.write_all(b"precious").unwrap();
    std::os::unix::fs::symlink(folder.0.path().join("victim"), inside.join("grafana.db")).unwrap();
    let error = unpack(&path, &folder.0.path().join("inside"), &Meter::default()).unwrap_err();
    assert!(matches!(error, ArchiveError::Store(_)), "{error}");
    assert_eq!(std::fs::read(folder.0.path().join("victim")).unwrap(), b"precious");
}
