//! Encryption to X25519 recipients in the form of the `age` tool, version 1 (its specification is C2SP's
//! `age.md`), so that either side reads what the other one wrote. The primitives are those of ring and
//! x25519-dalek; the library of that name brings ninety packages more, for kinds of recipients that are not
//! used here.

use std::fmt;
use std::io::{self, BufRead, Read, Write};

use base64::prelude::{BASE64_STANDARD_NO_PAD, Engine as _};
use bech32::primitives::decode::CheckedHrpstring;
use ring::{aead, hkdf, hmac};
use x25519_dalek::{PublicKey, StaticSecret};

/// What an encrypted file begins with.
pub const MAGIC: &str = "age-encryption.org/v1";
const X25519: &str = "X25519";
const X25519_INFO: &[u8] = b"age-encryption.org/v1/X25519";
/// Bytes that are encrypted together.
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
const FILE_KEY: usize = 16;
const PAYLOAD_NONCE: usize = 16;
/// Characters of a line of a stanza's body; a shorter one ends it.
const COLUMNS: usize = 64;
/// No honest header is larger.
const LARGEST_HEADER: u64 = 1024 * 1024;

/// Who may read: `age1…`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Recipient([u8; 32]);

impl Recipient {
    /// Why the text is no recipient, in a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        bytes_of(text, "age").map(Self).ok_or_else(|| {
            format!("`{text}` is no recipient of age: one is `age1` and 58 more letters and digits, as `age-keygen` prints it")
        })
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recipient")
    }
}

impl std::str::FromStr for Recipient {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

/// The secret side of a [`Recipient`]: `AGE-SECRET-KEY-1…`.
pub struct Identity(StaticSecret);

impl Identity {
    /// Those of a file as `age-keygen` writes it.
    pub fn all_in(text: &str) -> Vec<Self> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines
            .filter_map(|line| bytes_of(line, "age-secret-key-"))
            .map(|bytes| Self(StaticSecret::from(bytes)))
            .collect()
    }

    /// The file key of a stanza, when it is for this identity.
    fn open(&self, share: [u8; 32], sealed: &[u8]) -> Option<[u8; FILE_KEY]> {
        let shared = self.0.diffie_hellman(&PublicKey::from(share));
        let wrapping = shared.was_contributory().then(|| {
            let own = PublicKey::from(&self.0);
            derived(shared.as_bytes(), &[share, *own.as_bytes()].concat(), X25519_INFO)
        })?;
        let mut sealed = sealed.to_vec();
        let key = key(&wrapping).ok()?;
        let plain = key.open_in_place(nonce(0, false), aead::Aad::empty(), &mut sealed).ok()?;
        <[u8; FILE_KEY]>::try_from(&*plain).ok()
    }
}

fn bytes_of(text: &str, prefix: &str) -> Option<[u8; 32]> {
    let checked = CheckedHrpstring::new::<bech32::Bech32>(text).ok()?;
    if !checked.hrp().as_str().eq_ignore_ascii_case(prefix) {
        return None;
    }
    <[u8; 32]>::try_from(checked.byte_iter().collect::<Vec<u8>>()).ok()
}

fn derived(secret: &[u8], salt: &[u8], info: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    let info = [info];
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    // 32 bytes are never too many for it.
    if let Ok(okm) = extracted.expand(&info, hkdf::HKDF_SHA256) {
        let _ = okm.fill(&mut out);
    }
    out
}

fn key(bytes: &[u8; 32]) -> io::Result<aead::LessSafeKey> {
    aead::UnboundKey::new(&aead::CHACHA20_POLY1305, bytes)
        .map(aead::LessSafeKey::new)
        .map_err(|_| io::Error::other("ChaCha20 takes no key of 32 bytes"))
}

/// A counter of eleven bytes, and whether it is the last chunk.
fn nonce(counter: u64, last: bool) -> aead::Nonce {
    let mut bytes = [0; aead::NONCE_LEN];
    bytes[3..11].copy_from_slice(&counter.to_be_bytes());
    bytes[11] = u8::from(last);
    aead::Nonce::assume_unique_for_key(bytes)
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

fn mac(file_key: &[u8; FILE_KEY], header: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &derived(file_key, &[], b"header")), header)
}

/// Encrypts what is written to it. [`Encryptor::finish`] must be called: without it, the end is missing.
pub struct Encryptor<W> {
    into: W,
    key: aead::LessSafeKey,
    counter: u64,
    chunk: Vec<u8>,
    reader: PayloadReader,
}

/// Reads what an [`Encryptor`] has just written, without an identity.
pub struct PayloadReader {
    file_key: [u8; FILE_KEY],
    header: u64,
}

impl PayloadReader {
    /// Decrypts the file from its beginning.
    ///
    /// # Errors
    /// When it cannot be read or is not what was written.
    pub fn decrypt(&self, from: &mut impl BufRead, to: &mut impl Write) -> Result<(), AgeError> {
        io::copy(&mut from.by_ref().take(self.header), &mut io::sink())?;
        payload(&self.file_key, from, to)
    }
}

impl<W: Write> Encryptor<W> {
    /// Writes the header; any of `recipients` can read what follows.
    pub fn new(recipients: &[Recipient], mut into: W) -> io::Result<Self> {
        let file_key = random::<FILE_KEY>()?;
        let mut header = format!("{MAGIC}\n");
        for recipient in recipients {
            header.push_str(&stanza(&file_key, *recipient)?);
        }
        header.push_str("---");
        let tag = BASE64_STANDARD_NO_PAD.encode(mac(&file_key, header.as_bytes()));
        let salt = random::<PAYLOAD_NONCE>()?;
        let header = format!("{header} {tag}\n");
        into.write_all(header.as_bytes())?;
        into.write_all(&salt)?;
        let key = key(&derived(&file_key, &salt, b"payload"))?;
        let reader = PayloadReader { file_key, header: header.len() as u64 };
        Ok(Self { into, key, counter: 0, chunk: Vec::with_capacity(CHUNK + TAG), reader })
    }

    /// Writes the last chunk.
    pub fn finish(mut self) -> io::Result<(W, PayloadReader)> {
        self.seal(true)?;
        self.into.flush()?;
        Ok((self.into, self.reader))
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        let nonce = nonce(self.counter, last);
        let sealed = self.key.seal_in_place_append_tag(nonce, aead::Aad::empty(), &mut self.chunk);
        sealed.map_err(|_| io::Error::other("a chunk could not be encrypted"))?;
        self.into.write_all(&self.chunk)?;
        self.chunk.clear();
        self.counter += 1;
        Ok(())
    }
}

impl<W: Write> Write for Encryptor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The last chunk may be a full one, so a full one waits for what comes.
        if self.chunk.len() == CHUNK && !bytes.is_empty() {
            self.seal(false)?;
        }
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn stanza(file_key: &[u8; FILE_KEY], recipient: Recipient) -> io::Result<String> {
    let ephemeral = StaticSecret::from(random::<32>()?);
    let share = PublicKey::from(&ephemeral);
    let shared = ephemeral.diffie_hellman(&PublicKey::from(recipient.0));
    if !shared.was_contributory() {
        return Err(io::Error::other("this recipient can be read by everybody"));
    }
    let salt = [*share.as_bytes(), recipient.0].concat();
    let mut sealed = file_key.to_vec();
    key(&derived(shared.as_bytes(), &salt, X25519_INFO))?
        .seal_in_place_append_tag(nonce(0, false), aead::Aad::empty(), &mut sealed)
        .map_err(|_| io::Error::other("the key of the file could not be encrypted"))?;
    let encode = |bytes: &[u8]| BASE64_STANDARD_NO_PAD.encode(bytes);
    Ok(format!("-> {X25519} {}\n{}\n", encode(share.as_bytes()), encode(&sealed)))
}

/// Why an encrypted file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AgeError {
    #[error("it is damaged or no file of age ({0})")]
    Damaged(&'static str),
    #[error("it is encrypted for somebody else than the identities that were named")]
    NotForUs,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Decrypts everything of `from` into `to`.
///
/// # Errors
/// When it is not for any of the identities, or a byte of it was changed: what was written counts for nothing
/// then.
pub fn decrypt(
    identities: &[Identity],
    from: &mut impl BufRead,
    to: &mut impl Write,
) -> Result<(), AgeError> {
    let file_key = read_header(identities, from)?;
    payload(&file_key, from, to)
}

fn payload(file_key: &[u8; FILE_KEY], from: &mut impl BufRead, to: &mut impl Write) -> Result<(), AgeError> {
    let mut salt = [0; PAYLOAD_NONCE];
    from.read_exact(&mut salt).map_err(|_| AgeError::Damaged("it ends behind its header"))?;
    let key = key(&derived(file_key, &salt, b"payload"))?;
    let mut chunk = Vec::with_capacity(CHUNK + TAG);
    for counter in 0.. {
        chunk.clear();
        from.by_ref().take((CHUNK + TAG) as u64).read_to_end(&mut chunk)?;
        let last = from.fill_buf()?.is_empty();
        let plain = key.open_in_place(nonce(counter, last), aead::Aad::empty(), &mut chunk);
        let plain = plain.map_err(|_| AgeError::Damaged("a part of it was changed or is missing"))?;
        if plain.is_empty() && counter > 0 {
            return Err(AgeError::Damaged("its last part is empty"));
        }
        to.write_all(plain)?;
        if last {
            break;
        }
    }
    Ok(())
}

/// The file key, from the first stanza that one of the identities opens; the header's own checksum fits it.
fn read_header(identities: &[Identity], from: &mut impl BufRead) -> Result<[u8; FILE_KEY], AgeError> {
    let mut limited = from.take(LARGEST_HEADER);
    let mut signed = String::new();
    let mut next = |signed: &mut String| -> Result<String, AgeError> {
        let mut line = String::new();
        limited.read_line(&mut line).map_err(|_| AgeError::Damaged("its header is no text"))?;
        let text = line.strip_suffix('\n').ok_or(AgeError::Damaged("its header has no end"))?;
        if !text.starts_with("---") {
            signed.push_str(&line);
        }
        Ok(text.to_owned())
    };
    if next(&mut signed)? != MAGIC {
        return Err(AgeError::Damaged("it does not begin as one"));
    }
    let mut file_key = None;
    let mut line = next(&mut signed)?;
    while let Some(arguments) = line.strip_prefix("-> ") {
        let arguments = arguments.to_owned();
        let mut body = String::new();
        loop {
            let part = next(&mut signed)?;
            body.push_str(&part);
            if part.len() < COLUMNS {
                break;
            }
        }
        file_key = file_key.or_else(|| open(identities, &arguments, &body));
        line = next(&mut signed)?;
    }
    let tag = line.strip_prefix("--- ").ok_or(AgeError::Damaged("its header has no checksum"))?;
    let file_key = file_key.ok_or(AgeError::NotForUs)?;
    signed.push_str("---");
    let wanted = BASE64_STANDARD_NO_PAD.encode(mac(&file_key, signed.as_bytes()));
    if wanted == tag { Ok(file_key) } else { Err(AgeError::Damaged("its header was changed")) }
}

fn open(identities: &[Identity], arguments: &str, body: &str) -> Option<[u8; FILE_KEY]> {
    let share = arguments.strip_prefix(X25519)?.strip_prefix(' ')?;
    let share = <[u8; 32]>::try_from(BASE64_STANDARD_NO_PAD.decode(share).ok()?).ok()?;
    let sealed = BASE64_STANDARD_NO_PAD.decode(body).ok()?;
    if sealed.len() != FILE_KEY + TAG {
        return None;
    }
    identities.iter().find_map(|identity| identity.open(share, &sealed))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    // A pair that `age-keygen` made for this test.
    const SECRET: &str = "AGE-SECRET-KEY-1WPM6AXYUPMW7Q4RPU78R3532CRJYRNQJV5C2J9EZ30TP4TFJZQLQJGLSTU";
    const PUBLIC: &str = "age1fah5nph5gx3suznzqp78c36cspzguht5rpu5jrpgx9e4sads7u8qm6dtxe";
    /// What `age -r PUBLIC` made of `hello from age\n`, in base64.
    const BY_AGE: &str = "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBNVzR0Vm5zOHFabW9QRUVkZDFUdW5OQU9SdWpMSjdCZmhkdUtaS1JXYjJRCk0zM2F3SnU0aGRzdXdrNUNrbzh6eVozVHA2T2M3aGxXdnpzOVVLUWdSMGsKLS0tIExzNFhBOVBISy82TXRaQ1JVS01TWTNGOW4zUURuQ2VyMDFLQVNvYVdBMDQKqreTRyhNCzKj6rFlClgiocV4qIL8+rQcAaAuHp8L9FJ5Oh3dDfEBgMeCUiOHW1U=";

    fn encrypted(bytes: &[u8]) -> Vec<u8> {
        let mut encryptor = Encryptor::new(&[Recipient::parse(PUBLIC).unwrap()], Vec::new()).unwrap();
        encryptor.write_all(bytes).unwrap();
        let (sealed, reader) = encryptor.finish().unwrap();
        let mut plain = Vec::new();
        reader.decrypt(&mut sealed.as_slice(), &mut plain).unwrap();
        assert_eq!(plain, bytes);
        sealed
    }

    fn decrypted(bytes: &[u8]) -> Result<Vec<u8>, AgeError> {
        let mut plain = Vec::new();
        let identities = Identity::all_in(&format!("# created: today\n{SECRET}\n"));
        assert_eq!(identities.len(), 1);
        decrypt(&identities, &mut &*bytes, &mut plain)?;
        Ok(plain)
    }

    #[test]
    fn what_the_age_tool_wrote_is_read() {
        let sealed = base64::prelude::BASE64_STANDARD.decode(BY_AGE).unwrap();
        assert_eq!(decrypted(&sealed).unwrap(), b"hello from age\n");
    }

    #[test]
    fn every_length_comes_back_as_it_was() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7] {
            let bytes: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            assert_eq!(decrypted(&encrypted(&bytes)).unwrap(), bytes, "{length}");
        }
    }

    #[test]
    fn each_changed_byte_and_each_missing_end_is_noticed() {
        let whole = encrypted(b"a short secret");
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert!(decrypted(&changed).is_err(), "byte {at}");
            assert!(decrypted(&whole[..at]).is_err(), "{at} bytes");
        }
        // A whole chunk that is missing at the end.
        let long = encrypted(&vec![7; 2 * CHUNK]);
        assert!(decrypted(&long[..long.len() - CHUNK - TAG]).is_err());
    }

    #[test]
    fn another_identity_reads_nothing() {
        let other = Identity(StaticSecret::from([9; 32]));
        let error = decrypt(&[other], &mut &*encrypted(b"x"), &mut Vec::new()).unwrap_err();
        assert!(matches!(error, AgeError::NotForUs), "{error}");
        assert!(Recipient::parse("age1nonsense").is_err() && Recipient::parse(SECRET).is_err());
    }
}
