//! Links by which people answer a notice: what one says, sealed so that nobody else can make or alter it.
//!
//! Invariant: a link is good for one tenant, guest, case and recipient, and until a day. The seal is an HMAC-SHA256 by a
//! key in a file that is read anew for each use, so that exchanging the file calls back every link.

use std::fmt;
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::ids::{CaseId, GuestId, TenantId};
use sha2::{Digest, Sha256};
use url::Url;
use uuid::Uuid;

/// What is sealed besides, so that the key's seals of anything else are no links.
const PURPOSE: &[u8] = b"innkeeper: link to answer a notice\0";

/// The first byte of what is said, to tell this form from later ones.
const FORM: u8 = 1;

/// Form, tenant, guest, case, recipient and end.
const SAID: usize = 1 + 4 * 16 + 8;

/// The seal.
const SEAL: usize = 32;

/// A key has at least so many characters: what `openssl rand -base64 32` writes is longer.
const SHORTEST: usize = 32;

/// The key in use, and the one before it while links by that are still under way.
const MOST_KEYS: usize = 2;

/// How links are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    /// Where the pages are found by those who are written to; ends with a slash.
    pub public_url: Url,
    /// The file with the keys.
    pub key_file: PathBuf,
    /// How long a link is good for.
    pub valid: TimeDelta,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It holds something else than keys.
    #[error("{} {reason}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What is wrong, without showing any of it.
        reason: String,
    },
}

/// The keys: the first one seals, each of them opens.
pub struct Keys(Vec<hmac::Key>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({} of them)", self.0.len())
    }
}

impl Keys {
    /// Reads a file of keys: one a line, the newest first; empty lines and those that begin with `#` say nothing.
    ///
    /// # Errors
    /// When it cannot be read, or does not hold one or two keys of at least 32 characters.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = std::fs::read_to_string(path).map_err(|source| KeyError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text).map_err(|reason| KeyError::Unfit {
            path: path.to_owned(),
            reason,
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let lines = text.lines().map(str::trim);
        let keys: Vec<&str> = lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect();
        if keys.is_empty() {
            return Err("holds no key".to_owned());
        }
        if keys.len() > MOST_KEYS {
            return Err(format!(
                "holds {} keys; only the newest and the one before it may be there",
                keys.len()
            ));
        }
        if keys.iter().any(|key| key.len() < SHORTEST) {
            return Err(format!(
                "holds a key of less than {SHORTEST} characters, which can be guessed"
            ));
        }
        let key = |key: &&str| hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        Ok(Self(keys.iter().map(key).collect()))
    }
}

/// What a link says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The tenant.
    pub tenant: TenantId,
    /// The guest.
    pub guest: GuestId,
    /// The case that the notice was about.
    pub case: CaseId,
    /// To whom it was sent: not the address itself, which does not belong into the logs that links end up in.
    pub recipient: Recipient,
    /// From when on it is no longer good; whole seconds.
    pub expires: DateTime<Utc>,
}

/// Whom a link was sent to, told by a hash of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient([u8; 16]);

impl Recipient {
    /// Whoever has this address; case does not matter.
    #[must_use]
    pub fn of(address: &str) -> Self {
        let hash = Sha256::digest(address.to_lowercase());
        let mut recipient = [0; 16];
        recipient.copy_from_slice(&hash[..16]);
        Self(recipient)
    }
}

/// Why a link is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It was not made with any of the keys, or was altered.
    #[error("the link is not one of ours")]
    NotOurs,
    /// Its time is over.
    #[error("the link's time is over")]
    Expired,
}

impl Claim {
    /// The text of the link.
    #[must_use]
    pub fn seal(&self, keys: &Keys) -> String {
        let said = self.said();
        let key = keys
            .0
            .first()
            .expect("there is one, else there are no keys");
        let mut bytes = said.to_vec();
        bytes.extend_from_slice(hmac::sign(key, &[PURPOSE, &said].concat()).as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What the text of a link says, if it is good at this instant.
    ///
    /// # Errors
    /// Why it is not. Of a link that was altered nothing is told but that.
    pub fn open(text: &str, keys: &Keys, now: DateTime<Utc>) -> Result<Self, Refused> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::NotOurs)?;
        if bytes.len() != SAID + SEAL {
            return Err(Refused::NotOurs);
        }
        let (said, seal) = bytes.split_at(SAID);
        let sealed = [PURPOSE, said].concat();
        // Compared in constant time.
        let is_ours = keys
            .0
            .iter()
            .any(|key| hmac::verify(key, &sealed, seal).is_ok());
        if !is_ours {
            return Err(Refused::NotOurs);
        }
        let claim = Self::of_said(said).ok_or(Refused::NotOurs)?;
        if now >= claim.expires {
            return Err(Refused::Expired);
        }
        Ok(claim)
    }

    fn said(&self) -> [u8; SAID] {
        let Self {
            tenant,
            guest,
            case,
            recipient,
            expires,
        } = self;
        let mut said = [0; SAID];
        said[0] = FORM;
        let ids = [
            tenant.0.as_bytes(),
            guest.0.as_bytes(),
            case.0.as_bytes(),
            &recipient.0,
        ];
        for (place, id) in ids.into_iter().enumerate() {
            said[1 + place * 16..][..16].copy_from_slice(id);
        }
        said[SAID - 8..].copy_from_slice(&expires.timestamp().to_be_bytes());
        said
    }

    fn of_said(said: &[u8]) -> Option<Self> {
        let (form, rest) = said.split_first()?;
        if *form != FORM {
            return None;
        }
        let id = |place: usize| -> Option<[u8; 16]> {
            rest.get(place * 16..place * 16 + 16)?.try_into().ok()
        };
        let expires = i64::from_be_bytes(rest.get(64..72)?.try_into().ok()?);
        Some(Self {
            tenant: TenantId(Uuid::from_bytes(id(0)?)),
            guest: GuestId(Uuid::from_bytes(id(1)?)),
            case: CaseId(Uuid::from_bytes(id(2)?)),
            recipient: Recipient(id(3)?),
            expires: DateTime::from_timestamp(expires, 0)?,
        })
    }
}

impl Links {
    /// The path below the public address under which links lie.
    pub const PATH: &'static str = "answer";

    /// The keys as they are now.
    ///
    /// # Errors
    /// As [`Keys::read`].
    pub fn keys(&self) -> Result<Keys, KeyError> {
        Keys::read(&self.key_file)
    }

    /// The address that somebody is sent.
    #[must_use]
    pub fn url(&self, token: &str) -> String {
        format!("{}{}/{token}", self.public_url, Self::PATH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "rP0mZkq2Jt6Yv8cX1nB4sD7gH3kL5wQ9eR2tU6iO0pA=";
    const NEXT: &str = "Zz1Xx2Cc3Vv4Bb5Nn6Mm7Aa8Ss9Dd0Ff1Gg2Hh3Jj4K=";

    fn keys(lines: &[&str]) -> Keys {
        Keys::parse(&lines.join("\n")).expect("keys")
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).expect("a time")
    }

    fn claim() -> Claim {
        Claim {
            tenant: TenantId::derived(&[b"contoso"]),
            guest: GuestId::derived(&[b"ann"]),
            case: CaseId::derived(&[b"inactive"]),
            recipient: Recipient::of("Sara@contoso.example"),
            expires: at(1_800_000_000),
        }
    }

    #[test]
    fn a_link_says_what_was_sealed_until_its_time_is_over() {
        let keys = keys(&[KEY]);
        let token = claim().seal(&keys);
        assert_eq!(Claim::open(&token, &keys, at(1_799_999_999)), Ok(claim()));
        assert_eq!(
            Claim::open(&token, &keys, at(1_800_000_000)),
            Err(Refused::Expired)
        );
        assert_eq!(claim().recipient, Recipient::of("sara@contoso.example"));
        assert!(token.len() < 150, "{token}");
    }

    #[test]
    fn no_bit_of_a_link_can_be_altered() {
        let keys = keys(&[KEY]);
        let bytes = URL_SAFE_NO_PAD.decode(claim().seal(&keys)).expect("base64");
        for bit in 0..bytes.len() * 8 {
            let mut altered = bytes.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            let token = URL_SAFE_NO_PAD.encode(altered);
            assert_eq!(Claim::open(&token, &keys, at(0)), Err(Refused::NotOurs));
        }
        for text in ["", "x", "====", &"A".repeat(140), &"A".repeat(10_000)] {
            assert_eq!(Claim::open(text, &keys, at(0)), Err(Refused::NotOurs));
        }
    }

    #[test]
    fn a_link_to_another_guest_or_tenant_cannot_be_put_together_from_two() {
        let keys = keys(&[KEY]);
        let other = Claim {
            tenant: TenantId::derived(&[b"fabrikam"]),
            guest: GuestId::derived(&[b"ben"]),
            ..claim()
        };
        let [one, two] = [claim(), other]
            .map(|claim| URL_SAFE_NO_PAD.decode(claim.seal(&keys)).expect("base64"));
        for split in 1..=SAID {
            let mixed = [&one[..split], &two[split..]].concat();
            if mixed != one && mixed != two {
                let token = URL_SAFE_NO_PAD.encode(&mixed);
                assert_eq!(Claim::open(&token, &keys, at(0)), Err(Refused::NotOurs));
            }
        }
    }

    #[test]
    fn a_key_opens_its_links_as_long_as_it_is_in_the_file() {
        let token = claim().seal(&keys(&[KEY]));
        let rotated = keys(&["# the new one", NEXT, "", KEY]);
        assert_eq!(Claim::open(&token, &rotated, at(0)), Ok(claim()));
        assert_ne!(claim().seal(&rotated), token);
        assert_eq!(
            Claim::open(&token, &keys(&[NEXT]), at(0)),
            Err(Refused::NotOurs)
        );
    }

    #[test]
    fn a_file_without_a_good_key_is_refused_without_showing_it() {
        for text in ["", "# none\n", "short", &[KEY, NEXT, KEY].join("\n")] {
            let reason = Keys::parse(text).expect_err("no keys");
            assert!(
                !reason.contains("short") && !reason.contains(KEY),
                "{reason}"
            );
        }
    }
}
