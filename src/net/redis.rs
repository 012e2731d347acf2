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
    match ask(host, port, password, &[b"PING"]).await.as_deref() {
        Ok("+PONG") => Ping::Pong,
        Ok(other) => Ping::Refused(other.trim_start_matches('-').to_owned()),
        Err(reason) => Ping::Unreachable(reason.clone()),
    }
}

/// How many keys there are.
pub async fn key_count(host: &str, port: u16, password: Option<&Secret>) -> Result<u64, String> {
    let answer = ask(host, port, password, &[b"DBSIZE"]).await?;
    let number = answer.strip_prefix(':').and_then(|number| number.parse().ok());
    number.ok_or_else(|| answer.trim_start_matches('-').to_owned())
}

/// Sets the password of a running Redis; `old` is the one in force. Connections that are signed in stay so.
///
/// # Errors
/// Redis's words when it refuses, or what is wrong with the connection.
pub async fn set_password(host: &str, port: u16, old: &Secret, new: &Secret) -> Result<(), String> {
    let words: [&[u8]; 4] = [b"CONFIG", b"SET", b"requirepass", new.reveal().as_bytes()];
    match ask(host, port, Some(old), &words).await?.as_str() {
        "+OK" => Ok(()),
        other => Err(other.trim_start_matches('-').to_owned()),
    }
}

/// Bytes that Redis uses, and how many it may; 0 for no limit.
///
/// # Errors
/// Redis's words when it refuses, or what is wrong with the connection.
pub async fn memory(host: &str, port: u16, password: Option<&Secret>) -> Result<(u64, u64), String> {
    let text = ask_bulk(host, port, password, &[b"INFO", b"memory"]).await?;
    let number = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').trim().parse::<u64>().ok()
    };
    let used = number("used_memory:").ok_or_else(|| text.lines().next().unwrap_or_default().to_owned())?;
    Ok((used, number("maxmemory:").unwrap_or_default()))
}

/// The whole of an answer that has many lines.
async fn ask_bulk(
    host: &str,
    port: u16,
    password: Option<&Secret>,
    words: &[&[u8]],
) -> Result<String, String> {
    let mut stream = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    let mut request = Vec::new();
    if let Some(password) = password {
        request.extend(command(&[b"AUTH", password.reveal().as_bytes()]));
    }
    request.extend(command(words));
    // Redis closes the connection behind its answer.
    request.extend(command(&[b"QUIT"]));
    stream.write_all(&request).await.map_err(|error| error.to_string())?;
    let mut received = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut received).await.map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&received).into_owned())
}

/// `AUTH` with a password, then one command; its answer, or what was wrong with the password.
async fn ask(host: &str, port: u16, password: Option<&Secret>, words: &[&[u8]]) -> Result<String, String> {
    let mut stream = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    let mut request = Vec::new();
    if let Some(password) = password {
        request.extend(command(&[b"AUTH", password.reveal().as_bytes()]));
    }
    request.extend(command(words));
    stream.write_all(&request).await.map_err(|error| error.to_string())?;
    let expected_lines = if password.is_some() { 2 } else { 1 };
    let text = read_lines(&mut stream, expected_lines).await?;
    // What is wrong with the password comes first; `+OK` to it is no answer to the command.
    let mut answers = text.lines().skip_while(|line| password.is_some() && *line == "+OK");
    let answer = answers.next().or_else(|| text.lines().nth(1));
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
