//! What the links in notices need: an address that those who are written to can open, and keys that nobody else has.

use innkeeper_engine::link::{KeyError, Links};
use url::Host;

use super::finding::{Check, Finding};
use crate::config::{Answers, Config};

const KEYS_MATTER: &str =
    "without a key notices go out without links, and the links that are under way open nothing";
const MAKE_KEYS: &str = "write a key by `openssl rand -base64 32` into answers.key_file, readable by the daemon's user only; \
                         when exchanging it, leave the one before it on a second line for as long as a link is good";

/// Nothing where notices carry no links.
pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let Some(Answers { listen, links }) = &config.answers else {
        return Vec::new();
    };
    let mut found = vec![keys(links)];
    if can_be_read_by_others(links) {
        found.push(Finding::wrong(
            Check::Answers,
            format!(
                "{} can be read by others than its owner",
                links.key_file.display()
            ),
            "whoever reads it can make links that answer in any sponsor's name",
            "chmod 600 it, and exchange the key",
        ));
    }
    let url = &links.public_url;
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    found.push(if is_here {
        Finding::warning(
            Check::Answers,
            format!("links lead to {url}, which is this machine"),
            "nobody else can open them",
            "name the address of a reverse proxy in answers.public_url",
        )
    } else {
        Finding::ok(
            Check::Answers,
            format!("links lead to {url}; that a proxy passes them on to {listen} was not tried"),
        )
    });
    found
}

fn keys(links: &Links) -> Finding {
    match links.keys() {
        Ok(_) => Finding::ok(
            Check::Answers,
            format!("{} holds keys", links.key_file.display()),
        ),
        Err(error @ (KeyError::Unreadable { .. } | KeyError::Unfit { .. })) => {
            Finding::failed(Check::Answers, &error, KEYS_MATTER, MAKE_KEYS)
        }
    }
}

#[cfg(unix)]
fn can_be_read_by_others(links: &Links) -> bool {
    use std::os::unix::fs::PermissionsExt;
    // Not readable at all is said elsewhere.
    std::fs::metadata(&links.key_file)
        .is_ok_and(|metadata| metadata.permissions().mode() & 0o044 != 0)
}

#[cfg(not(unix))]
fn can_be_read_by_others(_links: &Links) -> bool {
    false
}
