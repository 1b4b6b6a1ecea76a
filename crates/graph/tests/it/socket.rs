//! A server below HTTP: it says exactly these bytes, and closes a connection where a script ends an answer so.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
        Self::saying(|url| {
            let token = format!(
                r#"{{"token_type": "Bearer", "expires_in": 3599, "access_token": "{TOKEN}"}}"#
            );
            let mut script = vec![whole("200 OK", "", &token)];
            script.extend(answers(url));
            script
        })
    }

    /// A server that issues no token.
    pub(crate) fn proxy(answers: impl IntoIterator<Item = Bytes>) -> Self {
        Self::saying(|_| answers.into_iter().collect())
    }

    fn saying(answers: impl FnOnce(&url::Url) -> Vec<Bytes>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let url: url::Url = format!("http://{address}").parse().expect("an address");
        let script = answers(&url);
        let came: Arc<Mutex<Vec<Came>>> = Arc::default();
        let (script, record) = (Arc::new(Mutex::new(script.into_iter())), came.clone());
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let Ok(stream) = stream else { return };
                let (script, record) = (script.clone(), record.clone());
                std::thread::spawn(move || serve(number, stream, &script, &record));
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

    pub(crate) fn url(&self) -> &url::Url {
        &self.url
    }

    /// What came so far, that for the token first.
    pub(crate) fn came(&self) -> Vec<Came> {
        lock(&self.came).clone()
    }
}

/// Serves a connection until either side closes it.
fn serve(
    number: usize,
    stream: TcpStream,
    script: &Mutex<std::vec::IntoIter<Bytes>>,
    came: &Mutex<Vec<Came>>,
) {
    let mut reader = BufReader::new(stream);
    while let Some(line) = request(&mut reader) {
        lock(came).push((number, line));
        let Some(answer) = lock(script).next() else {
            return;
        };
        let sent = reader.get_mut().write_all(answer.text.as_bytes());
        if sent.is_err() || answer.then_close {
            return;
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
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
