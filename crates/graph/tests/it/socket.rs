//! A server below HTTP: it says exactly these bytes, and closes a connection where a script ends an answer so.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use innkeeper_graph::{Graph, Settings};

use crate::tenant::{ATTEMPTS, TOKEN, plain_settings};

/// One answer, and whether the connection is closed after it.
pub(crate) struct Bytes {
    pub(crate) text: String,
    pub(crate) then_close: bool,
}

/// A request that came: on which connection, and its first line.
pub(crate) type Came = (usize, String);

pub(crate) struct Socket {
    came: Arc<Mutex<Vec<Came>>>,
    url: url::Url,
}

/// An answer with its length.
pub(crate) fn whole(status: &str, headers: &str, body: &str) -> Bytes {
    let length = body.len();
    let text = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}");
    Bytes {
        text,
        then_close: false,
    }
}

/// An answer that breaks off after this, though it promised more.
pub(crate) fn broken(status: &str, headers: &str, body: &str) -> Bytes {
    let text = format!("HTTP/1.1 {status}\r\n{headers}content-length: 1000\r\n\r\n{body}");
    Bytes {
        text,
        then_close: true,
    }
}

/// No answer at all.
pub(crate) fn silence() -> Bytes {
    Bytes {
        text: String::new(),
        then_close: true,
    }
}

impl Socket {
    /// A server that issues a token and then says these, in turn and on whatever connection.
    pub(crate) fn start(answers: impl IntoIterator<Item = Bytes>) -> Self {
        Self::scripted(|_| answers.into_iter().collect())
    }

    /// The same, for answers that name the server's address.
    pub(crate) fn scripted(answers: impl FnOnce(&url::Url) -> Vec<Bytes>) -> Self {
        let token =
            format!(r#"{{"token_type": "Bearer", "expires_in": 3599, "access_token": "{TOKEN}"}}"#);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let url: url::Url = format!("http://{address}").parse().expect("an address");
        let mut script = vec![whole("200 OK", "", &token)];
        script.extend(answers(&url));
        let came: Arc<Mutex<Vec<Came>>> = Arc::default();
        let record = came.clone();
        std::thread::spawn(move || {
            let mut script = script.into_iter();
            // One connection after the other: a client of one task uses one at a time.
            for (number, stream) in listener.incoming().enumerate() {
                let Ok(stream) = stream else { return };
                let mut note = |line| {
                    let mut came = record.lock().unwrap_or_else(PoisonError::into_inner);
                    came.push((number, line));
                };
                serve(stream, &mut script, &mut note);
                if script.len() == 0 {
                    return;
                }
            }
        });
        Self { came, url }
    }

    pub(crate) fn graph(&self) -> Graph {
        let settings = Settings {
            attempts: ATTEMPTS,
            backoff: Duration::from_millis(1),
            ..plain_settings(self.url.clone())
        };
        Graph::connect(settings).expect("a connection")
    }

    /// What came so far, that for the token first.
    pub(crate) fn came(&self) -> Vec<Came> {
        let came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        came.clone()
    }
}

/// Serves a connection until either side closes it.
fn serve(
    stream: TcpStream,
    script: &mut impl Iterator<Item = Bytes>,
    note: &mut impl FnMut(String),
) {
    let mut reader = BufReader::new(stream);
    while let Some(line) = request(&mut reader) {
        note(line);
        let Some(answer) = script.next() else { return };
        let sent = reader.get_mut().write_all(answer.text.as_bytes());
        if sent.is_err() || answer.then_close || answer.text.contains("connection: close") {
            return;
        }
    }
}

/// The first line of a request that was read whole; `None` when the connection was closed instead.
fn request(reader: &mut impl BufRead) -> Option<String> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let length = lines.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    lines.into_iter().next()
}
