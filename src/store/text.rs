//! Reading one text file, with words for everything that can be wrong with it.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::store::StoreError;

/// Larger files are no configuration; reading them would only exhaust the memory.
const LARGEST_FILE: u64 = 8 * 1024 * 1024;

/// `None` when there is nothing at `path`. A folder, a link that leads nowhere, a device, text that is
/// not UTF-8: each is an error that says so.
pub fn read_optional(path: &Path) -> Result<Option<String>, StoreError> {
    let failed = |source| StoreError::new("read", path, source);
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => match fs::read_link(path) {
            Ok(target) => Err(failed(dangling(&target))),
            Err(_) => Ok(None),
        },
        Err(error) => Err(failed(error)),
        Ok(metadata) if metadata.is_dir() => {
            Err(failed(io::Error::new(ErrorKind::IsADirectory, "it is a folder, and a file is expected")))
        }
        Ok(metadata) if !metadata.is_file() => {
            Err(failed(io::Error::other("it is neither a file nor a folder")))
        }
        Ok(_) => read_stream(path).map(Some),
    }
}

/// Reads what may also be a pipe, as in `check <(curl …)`.
pub fn read_stream(path: &Path) -> Result<String, StoreError> {
    let failed = |source| StoreError::new("read", path, source);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(failed(io::Error::new(ErrorKind::FileTooLarge, "larger than 8 MiB")));
    }
    String::from_utf8(bytes).map_err(|error| failed(not_utf8(&error)))
}

/// A link that leads nowhere.
pub(super) fn dangling(target: &Path) -> io::Error {
    let text = format!("it is a link to `{}`, which does not exist", target.display());
    io::Error::new(ErrorKind::NotFound, text)
}

fn not_utf8(error: &std::string::FromUtf8Error) -> io::Error {
    let bytes = error.as_bytes();
    let text = if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        "it is UTF-16".to_owned()
    } else {
        let good = bytes.get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = good.split(|byte| *byte == b'\n').count();
        format!("line {line} is not UTF-8")
    };
    io::Error::new(ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn cause(path: &Path) -> String {
        read_optional(path).unwrap_err().source.to_string()
    }

    #[test]
    fn what_is_no_text_file_is_named_as_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert_eq!(read_optional(&at("absent")).unwrap(), None);
        fs::create_dir(at("folder.yml")).unwrap();
        assert_eq!(cause(&at("folder.yml")), "it is a folder, and a file is expected");
        std::os::unix::fs::symlink("gone.yml", at("link.yml")).unwrap();
        assert_eq!(cause(&at("link.yml")), "it is a link to `gone.yml`, which does not exist");
        std::os::unix::fs::symlink("loop.yml", at("loop.yml")).unwrap();
        assert!(cause(&at("loop.yml")).contains("symbolic links"));
        std::os::unix::fs::symlink("/dev/zero", at("zero.yml")).unwrap();
        assert_eq!(cause(&at("zero.yml")), "it is neither a file nor a folder");
        fs::write(at("latin.yml"), b"a: 1\nb: caf\xe9\n").unwrap();
        assert_eq!(cause(&at("latin.yml")), "line 2 is not UTF-8");
        fs::write(at("wide.yml"), b"\xff\xfea\0").unwrap();
        assert_eq!(cause(&at("wide.yml")), "it is UTF-16");
        fs::write(at("huge.yml"), vec![b'x'; 9 * 1024 * 1024]).unwrap();
        assert_eq!(cause(&at("huge.yml")), "larger than 8 MiB");
    }
}
