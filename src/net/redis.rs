//! The few words of Redis's protocol that a readiness probe and a proof need.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::model::Secret;

/// What became of a `PING`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ping {
    Pong,
    /// Redis answered with something else: its own words, such as `LOADING …` or `WRONGPASS …`.
    Refused(String),
    /// Nothing of Redis's protocol came back.
    Unreachable(String),
}

/// Sends `AUTH` (with a password) and `PING`.
pub async fn ping(host: &str, port: u16, password: Option<&Secret>) -> Ping {
    match ask(host, port, password, b"PING").await.as_deref() {
        Ok("+PONG") => Ping::Pong,
        Ok(other) => Ping::Refused(other.trim_start_matches('-').to_owned()),
        Err(reason) => Ping::Unreachable(reason.clone()),
    }
}

/// How many keys there are.
pub async fn key_count(host: &str, port: u16, password: Option<&Secret>) -> Result<u64, String> {
    let answer = ask(host, port, password, b"DBSIZE").await?;
    let number = answer.strip_prefix(':').and_then(|number| number.parse().ok());
    number.ok_or_else(|| answer.trim_start_matches('-').to_owned())
}

/// `AUTH` with a password, then one command; its answer, or what was wrong with the password.
async fn ask(host: &str, port: u16, password: Option<&Secret>, word: &[u8]) -> Result<String, String> {
    let mut stream = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    let mut request = Vec::new();
    if let Some(password) = password {
        request.extend(command(&[b"AUTH", password.reveal().as_bytes()]));
    }
    request.extend(command(&[word]));
    stream.write_all(&request).await.map_err(|error| error.to_string())?;
    let expected_lines = if password.is_some() { 2 } else { 1 };
    let text = read_lines(&mut stream, expected_lines).await?;
    let answer = text.lines().find(|line| *line != "+OK");
    answer.map(str::to_owned).ok_or_else(|| "the connection was closed without an answer".to_owned())
}

/// One command in RESP: binary-safe, so any password goes through.
fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n", word.len()).bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

async fn read_lines(stream: &mut TcpStream, lines: usize) -> Result<String, String> {
    let mut received = Vec::new();
    let mut chunk = [0_u8; 256];
    while received.split(|byte| *byte == b'\n').count() <= lines && received.len() < 4096 {
        match stream.read(&mut chunk).await {
            Ok(0) => break,
            Ok(count) => received.extend_from_slice(&chunk[..count]),
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(String::from_utf8_lossy(&received).into_owned())
}
