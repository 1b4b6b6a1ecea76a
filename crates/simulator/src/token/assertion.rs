//! Client assertions: a JWT that the application signed with the key of a registered certificate ("certificate
//! credentials"), or one of a trusted issuer ("workload identity federation").
//!
//! Invariant: an assertion signed with a certificate is good once, for this endpoint and this application only.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::Value;
use webpki::EndEntityCert;
use webpki::aws_lc_rs::RSA_PSS_2048_8192_SHA256_LEGACY_KEY;

use crate::clock::real_now;
use crate::graph::RegisteredSecret;
use crate::world::World;

/// No assertion may be good for longer.
const LONGEST_LIFE: i64 = 24 * 3600;
/// By how much the clocks of client and service may differ.
const SKEW: i64 = 300;

/// A certificate did not do.
const BAD_CERTIFICATE: u64 = 700_027;
/// No federated credential fits.
const NO_FEDERATION: u64 = 700_213;

/// What an application can prove itself with, besides its secret.
#[derive(Clone, Debug, Default)]
pub(crate) struct Credentials {
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    /// The client secrets that Graph tells of.
    pub(crate) secrets: Vec<RegisteredSecret>,
    /// Tokens of another issuer, as they are.
    pub(crate) federation: Vec<String>,
    /// `jti` of the assertions that were accepted, until they end by real time.
    spent: HashMap<String, i64>,
}

/// The certificates in a text, at least one.
pub(crate) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("pem: {error}"))?;
    for certificate in &found {
        EndEntityCert::try_from(certificate).map_err(|error| format!("pem: {error}"))?;
    }
    match found.is_empty() {
        true => Err("pem holds no certificate".to_owned()),
        false => Ok(found),
    }
}

/// The parts of a JWT.
struct Jwt<'t> {
    header: Value,
    claims: Value,
    signed: &'t str,
    signature: Vec<u8>,
}

impl<'t> Jwt<'t> {
    fn read(text: &'t str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let json = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
            serde_json::from_slice::<Value>(&bytes).ok()
        };
        Some(Self {
            header: json(header)?,
            claims: json(claims)?,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    fn claim(&self, name: &str) -> &str {
        self.claims[name].as_str().unwrap_or_default()
    }
}

/// Whether an assertion proves that its bearer is the application; else a code and why not.
pub(super) fn check(
    world: &mut World,
    assertion: &str,
    audience: &str,
) -> Result<(), (u64, String)> {
    let known = &world.credentials.federation;
    if known.iter().any(|known| known == assertion) {
        return Ok(());
    }
    let client = world.options.client_id.to_string();
    let jwt = Jwt::read(assertion);
    // What the application signed itself names it as the issuer, or a certificate of it.
    match jwt.filter(|jwt| jwt.claim("iss") == client || jwt.header.get("x5t#S256").is_some()) {
        Some(jwt) => signed(world, &jwt, &client, audience).map_err(|why| {
            let text = format!("Client assertion failed signature validation. [Reason - {why}]");
            (BAD_CERTIFICATE, text)
        }),
        None => {
            let text = "No matching federated identity record found for presented assertion.";
            Err((NO_FEDERATION, text.to_owned()))
        }
    }
}

fn signed(
    world: &mut World,
    jwt: &Jwt<'_>,
    client: &str,
    audience: &str,
) -> Result<(), &'static str> {
    if jwt.header["alg"] != "PS256" {
        return Err("The algorithm is not PS256.");
    }
    let thumbprint = jwt.header["x5t#S256"].as_str().unwrap_or_default();
    let thumbprint = URL_SAFE_NO_PAD
        .decode(thumbprint)
        .or_else(|_| STANDARD.decode(thumbprint))
        .map_err(|_| "The thumbprint is not base64.")?;
    let certificate = world
        .credentials
        .certificates
        .iter()
        .find(|certificate| digest(&SHA256, certificate).as_ref() == thumbprint)
        .ok_or("The key was not found.")?;
    let certificate = EndEntityCert::try_from(certificate).map_err(|_| "The key is of no use.")?;
    certificate
        .verify_signature(
            RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
            jwt.signed.as_bytes(),
            &jwt.signature,
        )
        .map_err(|_| "The key was found, but use of the key to verify the signature failed.")?;
    if jwt.claim("iss") != client || jwt.claim("sub") != client {
        return Err("Issuer and subject are not the application.");
    }
    if jwt.claim("aud") != audience {
        return Err("The audience is not this endpoint.");
    }
    let real = real_now().timestamp();
    let expires = jwt.claims["exp"].as_i64().unwrap_or_default();
    let begins = jwt.claims["nbf"].as_i64();
    // Clients sign by their own clock, which may be the real one or that of the tenant.
    let is_good_at = |now: i64| {
        now < expires
            && expires <= now + LONGEST_LIFE + SKEW
            && begins.is_none_or(|begins| begins <= now + SKEW)
    };
    if !is_good_at(real) && !is_good_at(world.clock.now().timestamp()) {
        return Err("The assertion is not within its valid time range.");
    }
    let spent = &mut world.credentials.spent;
    spent.retain(|_, until| real <= *until);
    match jwt.claim("jti") {
        "" => Err("The assertion has no jti."),
        jti if spent.contains_key(jti) => Err("The assertion was used before."),
        jti => {
            // Longer than by either clock.
            let until = real.max(expires) + LONGEST_LIFE;
            spent.insert(jti.to_owned(), until);
            Ok(())
        }
    }
}
