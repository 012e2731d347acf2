//! Copies of large content. The standard library's copy goes in steps of 8 KiB, which for gigabytes is a
//! call of the system for every one of them.

use std::io::{self, ErrorKind, Read, Write};

/// Copied at a time.
const STEP: usize = 256 * 1024;

/// Copies everything that is left in `from`; its size in bytes.
///
/// # Errors
/// When one of both fails.
pub(super) fn copy(from: &mut (impl Read + ?Sized), to: &mut (impl Write + ?Sized)) -> io::Result<u64> {
    let mut buffer = vec![0; STEP];
    let mut copied = 0;
    loop {
        let filled = fill(from, &mut buffer)?;
        if filled == 0 {
            return Ok(copied);
        }
        to.write_all(&buffer[..filled])?;
        copied += filled as u64;
    }
}

/// Fills the buffer as far as there is something: a source that gives little at a time is gathered.
fn fill(from: &mut (impl Read + ?Sized), buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Gives three bytes at a time.
    struct Drops<'a>(&'a [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let few = buffer.len().min(3);
            self.0.read(&mut buffer[..few])
        }
    }

    #[test]
    fn everything_arrives_in_order() {
        let bytes: Vec<u8> = (0..STEP + 1000).map(|at| u8::try_from(at % 253).unwrap()).collect();
        let mut copied = Vec::new();
        assert_eq!(copy(&mut Drops(&bytes), &mut copied).unwrap(), bytes.len() as u64);
        assert_eq!(copied, bytes);
    }
}
