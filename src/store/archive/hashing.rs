//! The checksum of what passes by, made on a thread of its own: hashing takes as long as compressing or
//! unpacking, so side by side they take half the time.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use ring::digest::{Context, SHA256};

use crate::store::copying;

/// Bytes that travel together.
const PIECE: usize = 256 * 1024;
/// Pieces on their way: what hashing may lag behind.
const PIECES: usize = 4;
/// Below this size a thread costs more than it saves.
const LARGE: u64 = 4 * 1024 * 1024;

/// A reader that remembers the SHA-256 of everything that was read through it.
pub(super) struct HashingReader<R> {
    inner: R,
    hash: Hash,
}

enum Hash {
    Here(Context),
    Beside(HashThread),
}

impl<R: Read> HashingReader<R> {
    /// `size` is how much will be read, about.
    pub(super) fn new(inner: R, size: u64) -> Self {
        let hash = if size >= LARGE { HashThread::start() } else { None };
        Self { inner, hash: hash.map_or_else(|| Hash::Here(Context::new(&SHA256)), Hash::Beside) }
    }

    /// Reads the rest, whatever it is; the digest of everything and the inner reader.
    pub(super) fn finish(mut self) -> io::Result<([u8; 32], R)> {
        copying::copy(&mut self, &mut io::sink())?;
        let digest = match self.hash {
            Hash::Here(hash) => bytes_of(hash),
            Hash::Beside(thread) => thread.finish()?,
        };
        Ok((digest, self.inner))
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match &mut self.hash {
            Hash::Here(hash) => hash.update(&buffer[..read]),
            Hash::Beside(thread) => thread.update(&buffer[..read])?,
        }
        Ok(read)
    }
}

/// Hashes the pieces that are sent to it, and sends each back to be filled again.
struct HashThread {
    thread: JoinHandle<[u8; 32]>,
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    filling: Vec<u8>,
}

impl HashThread {
    /// `None` when this machine gives no thread.
    fn start() -> Option<Self> {
        let (full, pieces) = sync_channel::<Vec<u8>>(PIECES);
        let (done, empty) = sync_channel::<Vec<u8>>(PIECES);
        for _ in 1..PIECES {
            done.send(Vec::with_capacity(PIECE)).ok()?;
        }
        let hash = move || {
            let mut hash = Context::new(&SHA256);
            for mut piece in pieces {
                hash.update(&piece);
                piece.clear();
                // Nobody fills it any more: the last pieces are hashed all the same.
                let _ = done.try_send(piece);
            }
            bytes_of(hash)
        };
        let thread = std::thread::Builder::new().name("checksum".to_owned()).spawn(hash).ok()?;
        Some(Self { thread, full, empty, filling: Vec::with_capacity(PIECE) })
    }

    fn update(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = (PIECE - self.filling.len()).min(bytes.len());
            self.filling.extend_from_slice(&bytes[..room]);
            bytes = &bytes[room..];
            if self.filling.len() == PIECE {
                let next = self.empty.recv().map_err(io::Error::other)?;
                let full = std::mem::replace(&mut self.filling, next);
                self.full.send(full).map_err(io::Error::other)?;
            }
        }
        Ok(())
    }

    fn finish(self) -> io::Result<[u8; 32]> {
        self.full.send(self.filling).map_err(io::Error::other)?;
        drop(self.full);
        self.thread.join().map_err(|_| io::Error::other("the thread that makes checksums failed"))
    }
}

fn bytes_of(hash: Context) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(hash.finish().as_ref());
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::manifest::sha256;

    /// Larger than all pieces together, and cut at odd places.
    #[test]
    fn a_thread_beside_makes_the_same_checksum() {
        let bytes: Vec<u8> =
            (0..PIECE * PIECES + PIECE + 77).map(|at| u8::try_from(at % 251).unwrap()).collect();
        for size in [0, LARGE] {
            let mut reader = HashingReader::new(bytes.as_slice(), size);
            assert_eq!(matches!(reader.hash, Hash::Beside(_)), size == LARGE);
            let mut buffer = vec![0; 100_003];
            while reader.read(&mut buffer).unwrap() > 0 {}
            assert_eq!(reader.finish().unwrap().0, sha256(&bytes));
        }
    }
}
