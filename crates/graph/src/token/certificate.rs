//! A certificate with its key, and the assertion signed with it.
//!
//! The file is read again for each token, so that a renewed certificate is in use an hour later at most. Entra wants
//! PS256 with the certificate's SHA-256 ("Microsoft identity platform application authentication certificate
//! credentials").

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use pem::Pem;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use x509_parser::parse_x509_certificate;

use crate::error::GraphError;

/// How long an assertion is good for, in seconds. Entra's documentation has 5 to 10 minutes.
const LIFE: u64 = 600;

/// A certificate and its private key.
pub(crate) struct Certificate {
    key: EncodingKey,
    thumbprint: String,
    /// When it ends.
    pub(crate) ends: DateTime<Utc>,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: Uuid,
    iat: u64,
    nbf: u64,
    exp: u64,
}

impl Certificate {
    /// Reads the file: one private key, and the certificate, in PEM and in any order. Of a chain the first counts.
    pub(crate) fn read(path: &Path) -> Result<Self, GraphError> {
        let wrong = |why: String| GraphError::CredentialFile {
            path: path.to_owned(),
            why,
        };
        let text = fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let blocks = pem::parse_many(text).map_err(|_| wrong("is not PEM".to_owned()))?;
        let find = |is: fn(&str) -> bool| blocks.iter().find(|block| is(block.tag()));
        let key = find(|tag| matches!(tag, "PRIVATE KEY" | "RSA PRIVATE KEY"));
        let key = key.ok_or_else(|| match find(|tag| tag == "ENCRYPTED PRIVATE KEY") {
            Some(_) => wrong("holds an encrypted key; take its password away with `openssl rsa -in FILE`, and let nobody else read the file".to_owned()),
            None => wrong("holds no RSA private key (a block BEGIN PRIVATE KEY)".to_owned()),
        })?;
        let certificate = find(|tag| tag == "CERTIFICATE")
            .ok_or_else(|| wrong("holds no certificate (a block BEGIN CERTIFICATE)".to_owned()))?;
        Self::of(key, certificate).map_err(|why| wrong(why.to_owned()))
    }

    fn of(key: &Pem, certificate: &Pem) -> Result<Self, &'static str> {
        let key = EncodingKey::from_rsa_pem(pem::encode(key).as_bytes())
            .map_err(|_| "holds a private key that is not one of RSA")?;
        let (_, parsed) = parse_x509_certificate(certificate.contents())
            .map_err(|_| "holds a certificate that cannot be read")?;
        let ends = DateTime::from_timestamp(parsed.validity().not_after.timestamp(), 0);
        Ok(Self {
            key,
            thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.contents())),
            ends: ends.ok_or("holds a certificate whose end cannot be read")?,
        })
    }

    /// The assertion that stands for the application at the token endpoint `audience`.
    pub(crate) fn assertion(&self, client_id: &str, audience: &str) -> Result<String, GraphError> {
        let now = get_current_timestamp();
        let header = Header {
            x5t_s256: Some(self.thumbprint.clone()),
            ..Header::new(Algorithm::PS256)
        };
        let claims = Claims {
            aud: audience,
            iss: client_id,
            sub: client_id,
            jti: Uuid::new_v4(),
            iat: now,
            nbf: now,
            exp: now + LIFE,
        };
        encode(&header, &claims, &self.key).map_err(|error| GraphError::Unsigned {
            why: error.to_string(),
        })
    }

    /// How many whole days are left.
    pub(crate) fn days_left(&self) -> i64 {
        let now = i64::try_from(get_current_timestamp()).unwrap_or(i64::MAX);
        (self.ends.timestamp() - now).div_euclid(86_400)
    }
}
