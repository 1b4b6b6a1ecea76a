//! Ways to a token without a secret: certificates, federation, managed identities.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PSS_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use innkeeper_simulator::{DEFAULT_CLIENT_ID, DEFAULT_TENANT_ID, IDENTITY_HEADER};
use reqwest::Method;
use serde_json::{Value, json};

use crate::tenant::{Answer, DAY, Tenant, start, text};

const GRAPH: &str = "https%3A%2F%2Fgraph.microsoft.com";

/// A key and its certificate.
struct Identity {
    key: RsaKeyPair,
    der: Vec<u8>,
}

/// One element of DER.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("short");
    let [high, low] = length.to_be_bytes();
    let head = match length {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head, content.to_vec()].concat()
}

impl Identity {
    fn new() -> Self {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        let public: PublicKeyX509Der<'_> = key.public_key().as_der().expect("a public key");
        // sha256WithRSAEncryption; nobody looks at the signature of a registered certificate.
        let algorithm = [
            0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0,
        ];
        let time = |text: &str| element(0x18, text.as_bytes());
        let validity = [time("20200101000000Z"), time("20990101000000Z")].concat();
        let nobody = element(0x30, &[]);
        let body = [
            &[0xa0, 3, 2, 1, 2, 2, 1, 1][..],
            &algorithm,
            &nobody,
            &element(0x30, &validity),
            &nobody,
            public.as_ref(),
        ]
        .concat();
        let whole = [&element(0x30, &body)[..], &algorithm, &element(3, &[0, 1])].concat();
        let der = element(0x30, &whole);
        Self { key, der }
    }

    fn pem(&self) -> String {
        let body = STANDARD.encode(&self.der);
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    }

    fn header(&self) -> Value {
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &self.der));
        json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PSS_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .expect("a signature");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// What an assertion says that does; `jti` must differ each time.
fn claims(tenant: &Tenant, jti: &str) -> Value {
    let now = start().timestamp();
    json!({
        "aud": format!("{}/{DEFAULT_TENANT_ID}/oauth2/v2.0/token", tenant.url()),
        "iss": DEFAULT_CLIENT_ID,
        "sub": DEFAULT_CLIENT_ID,
        "jti": jti,
        "nbf": now,
        "exp": now + 600,
    })
}

async fn assert_with(tenant: &Tenant, assertion: &str) -> Answer {
    tenant
        .ask_for_token_with(&[
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", assertion),
        ])
        .await
}

fn assert_refused(answer: &Answer, code: u32, why: &str) {
    assert_eq!(answer.status, 401, "{why}: {answer:?}");
    assert_eq!(answer.body["error"], "invalid_client", "{why}");
    assert_eq!(answer.body["error_codes"], json!([code]), "{why}");
}

#[tokio::test]
async fn a_registered_certificate_is_as_good_as_the_secret() {
    let mut tenant = Tenant::still(3).await;
    let (old, new) = (Identity::new(), Identity::new());
    let pem = old.pem() + &new.pem();
    tenant
        .drive("PUT", "certificates", json!({ "pem": pem }))
        .await;
    for (identity, jti) in [(&old, "1"), (&new, "2")] {
        let assertion = identity.sign(&identity.header(), &claims(&tenant, jti));
        let answer = assert_with(&tenant, &assertion).await.ok();
        tenant.take_token(&answer);
        assert_eq!(tenant.get("/users").await.status, 200);
    }
    // MSAL for Go writes the thumbprint so.
    let padded = STANDARD.encode(digest(&SHA256, &new.der));
    let header = json!({ "alg": "PS256", "x5t#S256": padded });
    let assertion = new.sign(&header, &claims(&tenant, "3"));
    assert_with(&tenant, &assertion).await.ok();

    tenant
        .drive("PUT", "certificates", json!({ "pem": new.pem() }))
        .await;
    let assertion = old.sign(&old.header(), &claims(&tenant, "4"));
    let answer = assert_with(&tenant, &assertion).await;
    assert_refused(&answer, 700_027, "its certificate was replaced");
}

#[tokio::test]
async fn an_assertion_that_is_not_quite_right_is_refused() {
    let tenant = Tenant::still(0).await;
    let (own, other) = (Identity::new(), Identity::new());
    tenant
        .drive("PUT", "certificates", json!({ "pem": own.pem() }))
        .await;
    let good = claims(&tenant, "once");
    let assertion = own.sign(&own.header(), &good);
    assert_with(&tenant, &assertion).await.ok();
    let again = assert_with(&tenant, &assertion).await;
    assert_refused(&again, 700_027, "used twice");

    let now = start().timestamp();
    let client = DEFAULT_CLIENT_ID.to_string();
    for (claim, value) in [
        ("aud", json!("https://login.example/token")),
        ("sub", json!("somebody")),
        ("iss", json!("somebody")),
        ("exp", json!(now - 1)),
        ("exp", json!(now + 2 * DAY)),
        ("nbf", json!(now + 3600)),
        ("jti", Value::Null),
    ] {
        let mut claims = claims(&tenant, &format!("{claim} {value}"));
        claims[claim] = value;
        let answer = assert_with(&tenant, &own.sign(&own.header(), &claims)).await;
        assert_refused(&answer, 700_027, claim);
    }
    let mut claims = claims(&tenant, "forged");
    let answer = assert_with(&tenant, &other.sign(&own.header(), &claims)).await;
    assert_refused(&answer, 700_027, "another key");
    let answer = assert_with(&tenant, &other.sign(&other.header(), &claims)).await;
    assert_refused(&answer, 700_027, "an unknown certificate");
    let mut header = own.header();
    header["alg"] = json!("RS256");
    let answer = assert_with(&tenant, &own.sign(&header, &claims)).await;
    assert_refused(&answer, 700_027, "another algorithm");
    // None of that spent the identifier.
    claims["iss"] = json!(client);
    let assertion = own.sign(&own.header(), &claims);
    assert_with(&tenant, &assertion).await.ok();
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "a client that knows nothing of the tenant's clock signs by the real one"
)]
async fn an_assertion_may_go_by_the_real_clock() {
    let tenant = Tenant::still(0).await;
    let own = Identity::new();
    tenant
        .drive("PUT", "certificates", json!({ "pem": own.pem() }))
        .await;
    let now = chrono::Utc::now().timestamp();
    let mut claims = claims(&tenant, "real");
    claims["nbf"] = json!(now);
    claims["exp"] = json!(now + 600);
    let assertion = own.sign(&own.header(), &claims);
    assert_with(&tenant, &assertion).await.ok();
}

#[tokio::test]
async fn a_text_without_a_certificate_registers_nothing() {
    let tenant = Tenant::still(0).await;
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for body in [
        json!({}),
        json!({ "pem": "nothing" }),
        json!({ "pem": broken }),
    ] {
        let answer = tenant.try_drive("PUT", "certificates", body).await;
        assert_eq!(answer.status, 400, "{answer:?}");
    }
}

#[tokio::test]
async fn a_federated_token_is_accepted_as_it_was_registered() {
    let mut tenant = Tenant::still(3).await;
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let of = |subject: &str| {
        let claims = json!({ "iss": "https://cluster.example", "sub": subject });
        format!("{}.{}.c2ln", part(json!({ "alg": "RS256" })), part(claims))
    };
    let (known, unknown) = (of("innkeeper"), of("another"));
    tenant
        .drive("PUT", "federation", json!({ "tokens": [known] }))
        .await;
    for _ in 0..2 {
        let answer = assert_with(&tenant, &known).await.ok();
        tenant.take_token(&answer);
    }
    assert_eq!(tenant.get("/users").await.status, 200);
    for assertion in [unknown.as_str(), "not a JWT", ""] {
        let answer = assert_with(&tenant, assertion).await;
        assert_refused(&answer, 700_213, assertion);
    }
    let answer = tenant
        .try_drive("PUT", "federation", json!({ "tokens": [1] }))
        .await;
    assert_eq!(answer.status, 400);
}

fn imds(resource: &str) -> String {
    format!("/metadata/identity/oauth2/token?api-version=2018-02-01&resource={resource}")
}

const METADATA: (&str, &str) = ("metadata", "true");

#[tokio::test]
async fn a_virtual_machine_writes_numbers_as_texts() {
    let mut tenant = Tenant::still(3).await;
    let answer = tenant.machine(&imds(GRAPH), &[METADATA]).await.ok();
    assert_eq!(answer.body["expires_in"], "3599");
    let expires = (start().timestamp() + 3599).to_string();
    assert_eq!(answer.body["expires_on"], expires);
    tenant.take_token(&answer);
    assert_eq!(tenant.get("/users").await.status, 200);
}

#[tokio::test]
async fn a_virtual_machine_is_asked_in_its_own_way() {
    let tenant = Tenant::still(0).await;
    let refused = async |path: &str, headers: &[(&str, &str)]| {
        let answer = tenant.machine(path, headers).await;
        assert_eq!(answer.status, 400, "{path}: {answer:?}");
        text(&answer.body["error"])
    };
    assert_eq!(refused(&imds(GRAPH), &[]).await, "bad_request_102");
    let scope = imds(&format!("{GRAPH}%2F.default"));
    assert_eq!(refused(&scope, &[METADATA]).await, "invalid_resource");
    let path = format!("/metadata/identity/oauth2/token?resource={GRAPH}");
    assert_eq!(refused(&path, &[METADATA]).await, "invalid_request");
    let path = imds(GRAPH) + "&client_id=somebody";
    assert_eq!(refused(&path, &[METADATA]).await, "invalid_request");
    let own = format!("{}&client_id={DEFAULT_CLIENT_ID}", imds(GRAPH));
    tenant.machine(&own, &[METADATA]).await.ok();
}

#[tokio::test]
async fn app_service_does_not_say_how_long_a_token_lives() {
    let mut tenant = Tenant::still(3).await;
    let path = format!("/msi/token?api-version=2019-08-01&resource={GRAPH}");
    assert_eq!(
        tenant.tell("info").await["identity_header"],
        IDENTITY_HEADER
    );
    let header = ("x-identity-header", IDENTITY_HEADER);
    let answer = tenant.machine(&path, &[header]).await.ok();
    assert!(answer.body.get("expires_in").is_none());
    assert_eq!(answer.body["client_id"], json!(DEFAULT_CLIENT_ID));
    tenant.take_token(&answer);
    assert_eq!(tenant.get("/users").await.status, 200);
    let wrong = ("x-identity-header", "guess");
    assert_eq!(tenant.machine(&path, &[wrong]).await.status, 401);
}

#[tokio::test]
async fn arc_wants_the_content_of_a_file() {
    let mut tenant = Tenant::still(3).await;
    let path = format!("/arc/identity/oauth2/token?api-version=2020-06-01&resource={GRAPH}");
    assert_eq!(tenant.machine(&path, &[METADATA]).await.status, 404);
    let file = "/var/opt/azcmagent/tokens/1.key";
    tenant
        .drive("PUT", "arc", json!({ "key_file": file, "key": "open" }))
        .await;
    let challenge = tenant.machine(&path, &[METADATA]).await;
    assert_eq!(challenge.status, 401);
    let realm = format!("Basic realm={file}");
    assert_eq!(challenge.header("www-authenticate"), Some(realm.as_str()));
    let wrong = [METADATA, ("authorization", "Basic closed")];
    assert_eq!(tenant.machine(&path, &wrong).await.status, 401);
    let right = [METADATA, ("authorization", "Basic open")];
    let answer = tenant.machine(&path, &right).await.ok();
    tenant.take_token(&answer);
    assert_eq!(tenant.get("/users").await.status, 200);
}

#[tokio::test]
async fn a_machine_that_starts_has_no_tokens_yet() {
    let tenant = Tenant::still(0).await;
    for (path, status) in [
        ("/metadata", 404),
        ("/metadata", 410),
        ("/msi", 429),
        ("/arc", 503),
    ] {
        let fault = json!({ "kind": "server_error", "path": path, "status": status, "next": 1 });
        tenant.fault(fault).await;
        let elsewhere = tenant.get("/users").await;
        assert_eq!(elsewhere.status, 200);
        let whole = match path {
            "/metadata" => imds(GRAPH),
            "/msi" => "/msi/token".to_owned(),
            _ => "/arc/identity/oauth2/token".to_owned(),
        };
        let answer = tenant.machine(&whole, &[METADATA]).await;
        assert_eq!(answer.status, status, "{path}");
    }
    tenant.machine(&imds(GRAPH), &[METADATA]).await.ok();
}

#[tokio::test]
async fn a_claims_challenge_lasts_until_the_token_was_asked_for_with_claims() {
    let mut tenant = Tenant::still(3).await;
    let fault = json!({ "kind": "claims_challenge", "next": 3 });
    tenant.fault(fault).await;
    let answer = tenant.get("/users").await;
    assert_eq!(answer.refusal(), (401, "InvalidAuthenticationToken"));
    let challenge = answer.header("www-authenticate").expect("a challenge");
    assert!(challenge.starts_with("Bearer realm=\"\", authorization_uri="));
    assert!(challenge.contains("error=\"insufficient_claims\""));
    let claims = challenge.split("claims=\"").nth(1).expect("claims");
    let claims = STANDARD
        .decode(claims.trim_end_matches('"'))
        .expect("base64");
    let parsed: Value = serde_json::from_slice(&claims).expect("JSON");
    assert_eq!(parsed["access_token"]["nbf"]["essential"], true);

    tenant.renew().await;
    assert_eq!(tenant.get("/users").await.status, 401, "no claims");
    let claims = String::from_utf8(claims).expect("a text");
    let answer = tenant
        .ask_for_token_with(&[
            ("client_secret", innkeeper_simulator::DEFAULT_CLIENT_SECRET),
            ("claims", &claims),
        ])
        .await
        .ok();
    tenant.take_token(&answer);
    assert_eq!(
        tenant
            .open(Method::GET, "/users")
            .await
            .expect("an answer")
            .status(),
        200
    );
    tenant.renew().await;
    assert_eq!(tenant.get("/users").await.status, 401, "one is left");
    assert_eq!(tenant.get("/users").await.status, 200);
}
