//! `[answers]`: how those who are written to can answer.

use std::net::SocketAddr;
use std::path::Path;

use chrono::TimeDelta;
use innkeeper_engine::link::Links;

use super::findings::Findings;
use super::path::KeyPath;
use super::raw::RawAnswers;
use super::{address, credential};

/// Days that a link is good for, unless the file says otherwise.
const VALID: u32 = 30;

/// A link that is good for longer is more likely to lie around than to be of use.
const LONGEST: u32 = 90;

/// `[answers]`
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    /// Where the pages are served; nothing else is.
    pub(crate) listen: SocketAddr,
    pub(crate) links: Links,
}

pub(super) fn check(
    raw: Option<RawAnswers>,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<Answers> {
    let RawAnswers {
        public_url,
        listen,
        key_file,
        valid_days,
    } = raw?;
    let key = KeyPath::of("answers.public_url");
    let public_url = findings.required(&key, public_url);
    let public_url = public_url.and_then(|text| findings.check(&key, address::web(&text)));
    let key = KeyPath::of("answers.listen");
    let listen = findings.required(&key, listen);
    let listen = listen.and_then(|text| {
        let address = text.parse::<SocketAddr>().map_err(|_| {
            format!("`{text}` is not an address with a port, such as 127.0.0.1:8081 or [::]:8081")
        });
        findings.check(&key, address)
    });
    let key = KeyPath::of("answers.key_file");
    let key_file = findings.required(&key, key_file);
    let key_file = key_file.and_then(|file| {
        let file = match file.as_str() {
            "" => Err("is empty"),
            file => Ok(folder.join(file)),
        };
        findings.check(&key, file)
    });
    if let Some(file) = &key_file
        && credential::is_open_to_everybody(file)
    {
        findings.warn(
            &key,
            "every user of this machine can read it, and make links with it that answer in anybody's name",
        );
    }
    let days = valid_days.unwrap_or(VALID);
    if !(1..=LONGEST).contains(&days) {
        findings.wrong(
            &KeyPath::of("answers.valid_days"),
            format!("must be between 1 and {LONGEST} days"),
        );
    }
    let mut public_url = public_url?;
    if !public_url.path().ends_with('/') {
        public_url.set_path(&format!("{}/", public_url.path()));
    }
    Some(Answers {
        listen: listen?,
        links: Links {
            public_url,
            key_file: key_file?,
            valid: TimeDelta::days(i64::from(days)),
        },
    })
}
