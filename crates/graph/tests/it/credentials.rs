//! Every way to prove who one is: what is sent, what is read anew, and what a refusal is turned into.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use innkeeper_graph::{Application, Credential, Graph, IdentitySource, Settings};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};
use tempfile::TempDir;
use wiremock::matchers::{header, header_exists, method, path, query_param};
use wiremock::{Mock, Request, ResponseTemplate};

use crate::tenant::{Tenant, ok, shown, token};

/// A certificate with its key, both in PEM.
struct Pair {
    certificate: String,
    key: String,
    public: String,
}

/// Made once: RSA keys take their time.
fn pair() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(self_signed)
}

fn self_signed() -> Pair {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a key");
    let certificate = CertificateParams::default()
        .self_signed(&key)
        .expect("a certificate");
    Pair {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
        public: key.public_key_pem(),
    }
}

fn with(tenant: &Tenant, application: Application) -> Graph {
    let client_id = "innkeeper".to_owned();
    connected(
        tenant,
        Credential::Application {
            client_id,
            application,
        },
    )
}

fn connected(tenant: &Tenant, credential: Credential) -> Graph {
    let settings = Settings {
        credential,
        ..tenant.settings()
    };
    Graph::connect(settings).expect("a connection")
}

/// What a form holds under a name.
fn field(request: &Request, name: &str) -> Option<String> {
    url::form_urlencoded::parse(&request.body)
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn file(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("a file");
    path
}

async fn counted(tenant: &Tenant) {
    let answer = ResponseTemplate::new(200).set_body_raw("3", "text/plain");
    tenant.answers("GET", "/users/$count", [answer]).await;
}

#[tokio::test]
async fn a_certificate_signs_an_assertion_that_names_it() {
    let tenant = Tenant::start().await;
    counted(&tenant).await;
    let folder = TempDir::new().expect("a folder");
    let Pair {
        certificate,
        key,
        public,
    } = pair();
    // In either order.
    let path = file(&folder, "innkeeper.pem", &format!("{key}{certificate}"));
    let graph = with(&tenant, Application::Certificate(path));
    graph.reader().guest_count().await.expect("a count");

    let [asked] = tenant.asked_for_tokens().await.try_into().expect("one");
    assert_eq!(field(&asked, "client_id").as_deref(), Some("innkeeper"));
    assert_eq!(field(&asked, "client_secret"), None);
    let assertion = field(&asked, "client_assertion").expect("an assertion");
    let head = decode_header(&assertion).expect("a header");
    assert_eq!(head.alg, Algorithm::PS256);
    let thumbprint = head.x5t_s256.expect("a thumbprint");
    assert_eq!(thumbprint.len(), 43, "SHA-256 in base64url without padding");
    let mut validation = Validation::new(Algorithm::PS256);
    validation.set_audience(&[format!("{}{}", tenant.server.uri(), asked.url.path())]);
    validation.set_issuer(&["innkeeper"]);
    validation.validate_nbf = true;
    let key = DecodingKey::from_rsa_pem(public.as_bytes()).expect("a key");
    let claims: Value = decode(&assertion, &key, &validation)
        .expect("a valid signature")
        .claims;
    assert_eq!(claims["sub"], "innkeeper");
    assert_eq!(
        claims["exp"].as_u64(),
        claims["nbf"].as_u64().map(|at| at + 600)
    );
}

#[tokio::test]
async fn a_certificate_that_is_renewed_on_disk_is_used_for_the_next_token() {
    let tenant = Tenant::locked().await;
    counted(&tenant).await;
    let short = ok(&json!({ "token_type": "Bearer", "expires_in": 0, "access_token": "first" }));
    tenant.issues([short, token("second")]).await;
    let folder = TempDir::new().expect("a folder");
    let path = file(
        &folder,
        "innkeeper.pem",
        &format!("{}{}", pair().certificate, pair().key),
    );
    let reader = with(&tenant, Application::Certificate(path)).reader();
    reader.guest_count().await.expect("a count");
    let renewed = self_signed();
    file(
        &folder,
        "innkeeper.pem",
        &format!("{}{}", renewed.certificate, renewed.key),
    );
    reader.guest_count().await.expect("a count");
    let thumbprints: Vec<_> = tenant
        .asked_for_tokens()
        .await
        .iter()
        .map(|asked| decode_header(field(asked, "client_assertion").expect("one")))
        .map(|header| header.expect("a header").x5t_s256)
        .collect();
    assert_eq!(thumbprints.len(), 2);
    assert_ne!(thumbprints[0], thumbprints[1]);
}

#[tokio::test]
async fn what_is_wrong_with_a_certificates_file_is_said() {
    let tenant = Tenant::start().await;
    let folder = TempDir::new().expect("a folder");
    let cases = [
        ("nothing here", "holds no RSA private key"),
        (pair().key.as_str(), "holds no certificate"),
        (pair().certificate.as_str(), "holds no RSA private key"),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "take its password away",
        ),
    ];
    for (text, said) in cases {
        let path = file(&folder, "innkeeper.pem", text);
        let graph = with(&tenant, Application::Certificate(path));
        let error = graph.reader().guest_count().await.expect_err(said);
        let shown = shown(&error);
        assert!(shown.contains(said), "{shown}");
        assert!(shown.contains("innkeeper.pem"), "{shown}");
        // The first line of what the key is made of.
        let of_key = pair().key.lines().nth(1).expect("a line");
        assert!(!shown.contains(of_key), "{shown}");
    }
    let missing = with(
        &tenant,
        Application::Certificate(folder.path().join("none")),
    );
    let error = missing.reader().guest_count().await.expect_err("no file");
    assert!(shown(&error).contains("cannot be read"), "{error}");
}

#[tokio::test]
async fn a_federated_token_is_read_anew_for_each_token() {
    let tenant = Tenant::locked().await;
    counted(&tenant).await;
    let short = ok(&json!({ "token_type": "Bearer", "expires_in": 0, "access_token": "first" }));
    tenant.issues([short, token("second")]).await;
    let folder = TempDir::new().expect("a folder");
    let path = file(&folder, "token", "outer-one\n");
    let reader = with(&tenant, Application::FederatedToken(path)).reader();
    reader.guest_count().await.expect("a count");
    file(&folder, "token", "outer-two");
    reader.guest_count().await.expect("a count");
    let assertions: Vec<_> = tenant
        .asked_for_tokens()
        .await
        .iter()
        .map(|asked| field(asked, "client_assertion").expect("an assertion"))
        .collect();
    assert_eq!(assertions, ["outer-one", "outer-two"]);
}

fn identity(tenant: &Tenant, at: &str) -> url::Url {
    format!("{}{at}", tenant.server.uri())
        .parse()
        .expect("an address")
}

/// What the platforms answer: numbers as texts.
fn handed_out() -> ResponseTemplate {
    ok(
        &json!({ "access_token": "handed-out", "expires_in": "3599", "expires_on": "4102444800", "token_type": "Bearer" }),
    )
}

#[tokio::test]
async fn a_virtual_machines_identity_is_asked_for_without_a_secret() {
    let tenant = Tenant::locked().await;
    counted(&tenant).await;
    // The service is being renewed: it answers 410 for a while.
    Mock::given(path("/metadata/identity/oauth2/token"))
        .respond_with(ResponseTemplate::new(410))
        .up_to_n_times(1)
        .mount(&tenant.server)
        .await;
    Mock::given(method("GET"))
        .and(path("/metadata/identity/oauth2/token"))
        .and(header("metadata", "true"))
        .and(query_param("api-version", "2018-02-01"))
        .and(query_param("client_id", "user-assigned"))
        .and(query_param("resource", tenant.server.uri()))
        .respond_with(handed_out())
        .expect(1)
        .mount(&tenant.server)
        .await;
    let source = IdentitySource::Vm {
        endpoint: identity(&tenant, "/metadata/identity/oauth2/token"),
    };
    let credential = Credential::ManagedIdentity {
        client_id: Some("user-assigned".to_owned()),
        source,
    };
    let graph = connected(&tenant, credential);
    graph.reader().guest_count().await.expect("a count");
    let [asked] = tenant.asked().await.try_into().expect("one request");
    assert_eq!(asked.headers["authorization"], "Bearer handed-out");
}

#[tokio::test]
async fn app_service_is_shown_the_header_that_it_wants_and_need_not_say_expires_in() {
    let tenant = Tenant::locked().await;
    counted(&tenant).await;
    Mock::given(path("/msi/token"))
        .and(header("x-identity-header", "the-header"))
        .and(query_param("api-version", "2019-08-01"))
        .respond_with(ok(
            &json!({ "access_token": "handed-out", "expires_on": "4102444800", "token_type": "Bearer" }),
        ))
        .expect(1)
        .mount(&tenant.server)
        .await;
    let source = IdentitySource::AppService {
        endpoint: identity(&tenant, "/msi/token"),
        header: "the-header".into(),
    };
    let credential = Credential::ManagedIdentity {
        client_id: None,
        source,
    };
    assert!(!format!("{credential:?}").contains("the-header"));
    let reader = connected(&tenant, credential).reader();
    reader.guest_count().await.expect("a count");
    reader.guest_count().await.expect("by the same token");
}

#[tokio::test]
async fn azure_arc_is_shown_its_key_but_no_other_file() {
    let tenant = Tenant::locked().await;
    counted(&tenant).await;
    let folder = TempDir::new().expect("a folder");
    let key = file(&folder, "agent.key", "the-key");
    let secret = file(&folder, "secret.txt", "another secret");
    let outside = folder.path().join("..").join("x.key");
    for (named, works) in [(&key, true), (&secret, false), (&outside, false)] {
        tenant.server.reset().await;
        counted(&tenant).await;
        Mock::given(path("/arc"))
            .and(header("authorization", "Basic the-key"))
            .respond_with(handed_out())
            .mount(&tenant.server)
            .await;
        let realm = format!("Basic realm={}", named.display());
        Mock::given(path("/arc"))
            .and(header_exists("metadata"))
            .respond_with(ResponseTemplate::new(401).insert_header("www-authenticate", realm))
            .mount(&tenant.server)
            .await;
        let source = IdentitySource::Arc {
            endpoint: identity(&tenant, "/arc"),
            keys: folder.path().to_owned(),
        };
        let credential = Credential::ManagedIdentity {
            client_id: None,
            source,
        };
        let counted = connected(&tenant, credential).reader().guest_count().await;
        assert_eq!(counted.is_ok(), works, "{}: {counted:?}", named.display());
    }
}

#[tokio::test]
async fn a_machine_without_an_identity_is_told_so() {
    let tenant = Tenant::locked().await;
    Mock::given(path("/metadata"))
        .respond_with(ResponseTemplate::new(400).set_body_json(
            json!({ "error": "invalid_request", "error_description": "Identity not found" }),
        ))
        .mount(&tenant.server)
        .await;
    let source = IdentitySource::Vm {
        endpoint: identity(&tenant, "/metadata"),
    };
    let credential = Credential::ManagedIdentity {
        client_id: None,
        source,
    };
    let error = connected(&tenant, credential)
        .reader()
        .guest_count()
        .await
        .expect_err("no identity");
    let shown = shown(&error);
    assert!(
        shown.contains("assign an identity to the machine"),
        "{shown}"
    );
}

#[tokio::test]
async fn the_claims_that_graph_asks_for_are_asked_of_entra() {
    let tenant = Tenant::start().await;
    // {"access_token":{"nbf":{"essential":true}}}
    let challenge = "Bearer realm=\"\", error=\"insufficient_claims\", claims=\"eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ==\"";
    tenant
        .answers(
            "GET",
            "/users/$count",
            [
                ResponseTemplate::new(401).insert_header("www-authenticate", challenge),
                ResponseTemplate::new(200).set_body_raw("3", "text/plain"),
            ],
        )
        .await;
    tenant.reader().guest_count().await.expect("a count");
    let asked = tenant.asked_for_tokens().await;
    assert_eq!(asked.len(), 2);
    assert_eq!(field(&asked[0], "claims"), None);
    assert_eq!(
        field(&asked[1], "claims").as_deref(),
        Some("{\"access_token\":{\"nbf\":{\"essential\":true}}}")
    );
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_yet_serves_until_it_ends() {
    let tenant = Tenant::locked().await;
    counted(&tenant).await;
    // Half of its life is over at once for a life of a second or two: it is to be renewed, but still good.
    let brief = ok(&json!({ "token_type": "Bearer", "expires_in": 2, "access_token": "brief" }));
    tenant.issues([brief, ResponseTemplate::new(503)]).await;
    let reader = tenant.reader();
    reader.guest_count().await.expect("a count");
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(1_100)).await;
    tokio::time::resume();
    reader.guest_count().await.expect("still by the same token");
    assert_eq!(tenant.asked_for_tokens().await.len(), 2);
}
