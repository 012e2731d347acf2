//! A small server with one fault, for targets that cannot be scraped.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What it answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// As a backend should.
    Metrics,
    /// Status, headers, body.
    Raw(&'static str, &'static str, String),
    /// Accepts, and says nothing for so long.
    Slow(Duration),
    /// Hangs up.
    Close,
    /// Status and body, for a receiver of notifications too.
    Refuse(&'static str, &'static str),
}

pub(crate) struct Faulty {
    port: u16,
    stopped: Arc<AtomicBool>,
    answer: Arc<Mutex<Answer>>,
}

impl Faulty {
    /// Listens on every address.
    pub(crate) fn start(port: u16, answer: Answer) -> Self {
        let listener = TcpListener::bind(("0.0.0.0", port)).unwrap();
        let (stopped, answer) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(answer)));
        let (ends, says) = (stopped.clone(), answer.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                let answer = says.lock().unwrap().clone();
                std::thread::spawn(move || stream.map(|stream| serve(stream, &answer)));
            }
        });
        Self { port, stopped, answer }
    }

    /// Refuses everything, notifications included.
    pub(crate) fn refusing(port: u16, status: &'static str, body: &'static str) -> Self {
        Self::start(port, Answer::Refuse(status, body))
    }

    pub(crate) fn now(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(mut stream: TcpStream, answer: &Answer) {
    let mut buffer = [0; 16 * 1024];
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let length = stream.read(&mut buffer).unwrap_or(0);
    let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
    let plain = "Content-Type: text/plain; version=0.0.4\r\n";
    let (status, headers, body) = match answer {
        Answer::Metrics => ("200 OK", plain, metrics()),
        Answer::Raw(status, headers, body) => (*status, *headers, body.clone()),
        Answer::Slow(delay) => {
            std::thread::sleep(*delay);
            ("200 OK", plain, metrics())
        }
        Answer::Close => return,
        Answer::Refuse(status, body) => (*status, plain, (*body).to_owned()),
    };
    if request.starts_with("GET /login") {
        let page = "<html>Sign in</html>";
        let text = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
            page.len()
        );
        let _ = stream.write_all(text.as_bytes());
        return;
    }
    // The receiver of notifications lives at the same port.
    let takes_it = request.starts_with("POST ") && !matches!(answer, Answer::Refuse(..));
    let (status, headers, body) =
        if takes_it { ("200 OK", plain, String::new()) } else { (status, headers, body) };
    let text = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(text.as_bytes());
}

/// The contract of the shipped rules.
fn metrics() -> String {
    std::fs::read_to_string(crate::lab::repository().join("config/backend.prom")).unwrap()
}
