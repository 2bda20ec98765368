//! Which way to sign in is taken, what is said about it, and what when none is there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};

use arm::{CredentialError, Endpoint, SignedIn, TokenSource as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use tempfile::TempDir;

use crate::issuer::{Issuer, entra, instead};

/// Variables of an environment.
type Set<'a> = &'a [(&'a str, &'a str)];

const SCOPE: &str = "https://management.azure.com/.default";
const TENANT: (&str, &str) = ("AZURE_TENANT_ID", "the-tenant");
const CLIENT: (&str, &str) = ("AZURE_CLIENT_ID", "the-client");
const SECRET: (&str, &str) = ("AZURE_CLIENT_SECRET", "shh-1234");
const FEDERATED: (&str, &str) = ("ARM_OIDC_TOKEN", "jwt-1234");

#[tokio::test]
async fn auto_takes_what_the_environment_announces() {
    let rows: [(Set<'_>, &[&str]); 11] = [
        (&[], &["cli", "managed-identity"]),
        (&[TENANT, CLIENT], &["cli", "managed-identity"]),
        (&[("ARM_CLIENT_SECRET", "shh-1234")], &["client-secret"]),
        (&[("AZURE_CLIENT_SECRET", "")], &["cli", "managed-identity"]),
        (&[("ARM_CLIENT_CERTIFICATE_PATH", "/x")], &["client-certificate"]),
        (&[("SYSTEM_OIDCREQUESTURI", "https://ci")], &["pipelines"]),
        (&[("AZURE_FEDERATED_TOKEN_FILE", "/x")], &["workload-identity"]),
        (&[("ACTIONS_ID_TOKEN_REQUEST_URL", "https://ci")], &["workload-identity"]),
        (&[FEDERATED], &["workload-identity"]),
        (&[("IDENTITY_ENDPOINT", "http://127.0.0.1:1")], &["managed-identity"]),
        (
            &[
                FEDERATED,
                ("IDENTITY_ENDPOINT", "http://x"),
                ("SYSTEM_OIDCREQUESTURI", "https://ci"),
                ("AZURE_CLIENT_CERTIFICATE_PATH", "/x"),
                SECRET,
            ],
            &["client-secret", "client-certificate", "pipelines", "workload-identity", "managed-identity"],
        ),
    ];
    let issuer = Issuer::start().await;
    for (set, expected) in rows {
        assert_eq!(issuer.open("auto", "azure", set).unwrap().candidates(), expected, "{set:?}");
    }
}

#[tokio::test]
async fn auto_is_refused_in_ci_with_what_to_write() {
    let issuer = Issuer::start().await;
    let rows: [(Set<'_>, &str); 5] = [
        (
            &[("CI", "true"), ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://ci")],
            "put `credential = \"workload-identity\"` below [cloud] in plumb.toml, or set PLUMB_CREDENTIAL=workload-identity: ACTIONS_ID_TOKEN_REQUEST_URL is set",
        ),
        (&[("CI", "1"), SECRET], "put `credential = \"client-secret\"` below"),
        (
            &[("TF_BUILD", "True"), ("SYSTEM_OIDCREQUESTURI", "https://ci")],
            "put `credential = \"pipelines\"` below",
        ),
        (&[("CI", "woodpecker")], "`[cloud] credential = …`: client-secret, "),
        (&[("CI", "TRUE"), FEDERATED, SECRET], "credential = \"client-secret\""),
    ];
    for (set, words) in rows {
        let error = issuer.open("auto", "azure", set).err().unwrap();
        assert!(matches!(error, CredentialError::AutoInCi { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    for no in ["", "0", "false", "False", " "] {
        assert!(issuer.open("auto", "azure", &[("CI", no)]).is_ok(), "{no:?}");
    }
    let named = [TENANT, CLIENT, SECRET, ("CI", "true")];
    assert!(issuer.open("client-secret", "azure", &named).is_ok());
}

#[tokio::test]
async fn the_first_that_answers_is_kept_and_told_once() {
    let issuer = Issuer::start().await;
    let told: Arc<Mutex<Vec<SignedIn>>> = Arc::default();
    let book = told.clone();
    let set = [TENANT, CLIENT, SECRET, FEDERATED];
    let credential =
        issuer.open("auto", "azure", &set).unwrap().telling(move |who| book.lock().unwrap().push(who));
    issuer.answer(instead("token", 401, entra(7_000_222, "expired")));
    let claims = URL_SAFE_NO_PAD.encode(json!({ "appid": "the-client", "tid": "the-tenant" }).to_string());
    issuer.answer(instead(
        "token",
        200,
        json!({ "token_type": "Bearer", "expires_in": 60, "access_token": format!("h.{claims}.s") }),
    ));
    credential.token(SCOPE, None).await.unwrap();
    credential.token(SCOPE, None).await.unwrap();
    let asked = issuer.asked();
    let ways: Vec<bool> = asked.iter().map(|a| a.form.contains_key("client_assertion")).collect();
    assert_eq!(ways, [false, true, true]);
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0].to_string(),
        "Signed in by workload-identity, which auto chose: application the-client of tenant the-tenant"
    );
}

#[tokio::test]
async fn a_hiccup_is_no_reason_to_become_somebody_else() {
    let issuer = Issuer::start().await;
    let credential = issuer.open("auto", "azure", &[TENANT, CLIENT, SECRET, FEDERATED]).unwrap();
    issuer.answer(instead("token", 503, json!({})));
    let error = credential.token(SCOPE, None).await.err().unwrap();
    assert!(error.transient && error.message.starts_with("client-secret: "), "{error}");
    assert_eq!(issuer.asked().len(), 1);
    credential.token(SCOPE, None).await.unwrap();
    assert!(issuer.asked()[0].form.contains_key("client_secret"));
}

#[tokio::test]
async fn where_nothing_answers_each_has_a_line() {
    let issuer = Issuer::start().await;
    let set = [TENANT, CLIENT, SECRET, FEDERATED, ("AZURE_CLIENT_CERTIFICATE_PATH", "/nowhere.pem")];
    let credential = issuer.open("auto", "azure", &set).unwrap();
    issuer.answer(instead("token", 401, entra(7_000_222, "The provided client secret keys are expired.")));
    issuer.answer(instead("token", 401, entra(700_213, "No matching federated identity record found.")));
    let error = credential.token(SCOPE, None).await.err().unwrap();
    assert_eq!(
        error.message,
        "nothing that could sign in did\n\
         - client-secret: login.microsoftonline.com answered 401: AADSTS7000222: The provided client secret keys are expired.\n\
         - client-certificate: AZURE_CLIENT_CERTIFICATE_PATH names /nowhere.pem, which cannot be read: No such file or directory (os error 2)\n\
         - workload-identity: login.microsoftonline.com answered 401: AADSTS700213: No matching federated identity record found."
    );
    assert!(error.advice.unwrap().contains("az login"));
    assert_eq!(error.ids.len(), 6, "both refusals can be given to support");
}

#[tokio::test]
async fn a_loopback_endpoint_gets_tokens_of_this_machines_authority_only() {
    let issuer = Issuer::start().await;
    let endpoint = Endpoint::loopback("https://localhost:4443").unwrap();
    let open = |name: &str, set: Set<'_>| {
        let find = |key: &str| set.iter().find(|(k, _)| *k == key).map(|(_, v)| (*v).to_owned());
        issuer.open_with(name, &endpoint, &find)
    };
    let here = ("AZURE_AUTHORITY_HOST", "https://localhost:4444/");
    for authority in [
        "https://login.microsoftonline.com",
        "http://localhost:4444",
        "https://localhost.example.com",
        "https://u@localhost:4444",
        "",
    ] {
        let set = [TENANT, CLIENT, SECRET, ("AZURE_AUTHORITY_HOST", authority)];
        assert!(matches!(open("client-secret", &set), Err(CredentialError::Loopback)), "{authority}");
    }
    assert!(matches!(open("cli", &[here]), Err(CredentialError::Loopback)));
    for (identity, allowed) in [("http://169.254.169.254/x", false), ("http://127.0.0.1:1/msi", true)] {
        assert_eq!(open("managed-identity", &[here, ("IDENTITY_ENDPOINT", identity)]).is_ok(), allowed);
    }
    assert!(open("auto", &[here]).unwrap().candidates().is_empty());

    let credential = open("client-secret", &[TENANT, CLIENT, SECRET, here]).unwrap();
    credential.token(&endpoint.scope(), None).await.unwrap();
    let asked = issuer.asked();
    assert_eq!(asked[0].line, "POST localhost/the-tenant/oauth2/v2.0/token");
    assert_eq!(asked[0].form["scope"], "https://localhost:4443/.default");
}

#[tokio::test]
async fn az_is_tried_when_nothing_is_announced() {
    let issuer = Issuer::start().await;
    let folder = TempDir::new().unwrap();
    let az = folder.path().join("az");
    fs::write(&az, "#!/bin/sh\necho '{\"accessToken\":\"from-az\",\"expires_on\":4070908800,\"tokenType\":\"Bearer\"}'\n").unwrap();
    fs::set_permissions(&az, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let credential = issuer.open("auto", "azure", &[("PATH", &path)]).unwrap();
    assert_eq!(credential.token(SCOPE, None).await.unwrap().secret.expose(), "from-az");
}
