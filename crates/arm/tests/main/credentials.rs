//! What every credential sends, to whom, and what it makes of the answer.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use arm::{Credential, CredentialError, Token, TokenError, TokenSource as _};
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use model::Json;
use rcgen::{CertificateParams, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, SignatureAlgorithm};
use tempfile::TempDir;

use crate::issuer::{Asked, Issuer, entra, instead};

/// Variables of an environment.
type Set<'a> = &'a [(&'a str, &'a str)];

const SCOPE: &str = "https://management.azure.com/.default";
const TENANT: (&str, &str) = ("AZURE_TENANT_ID", "the-tenant");
const CLIENT: (&str, &str) = ("AZURE_CLIENT_ID", "the-client");
const TOKEN_REQUEST: &str = "POST login.microsoftonline.com/the-tenant/oauth2/v2.0/token";

async fn token(credential: &Credential) -> Result<Token, TokenError> {
    credential.token(SCOPE, None).await
}

async fn refused(credential: &Credential) -> TokenError {
    token(credential).await.err().unwrap()
}

fn written(folder: &TempDir, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A key and its certificate, in PEM, and the certificate in DER.
fn certified(algorithm: &'static SignatureAlgorithm) -> (String, String, Vec<u8>) {
    let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
    let certificate = CertificateParams::new(vec!["app".to_owned()]).unwrap().self_signed(&key).unwrap();
    (key.serialize_pem(), certificate.pem(), certificate.der().to_vec())
}

#[tokio::test]
async fn a_secret_is_sent_as_entra_wants_it() {
    let issuer = Issuer::start().await;
    let set = [TENANT, CLIENT, ("AZURE_CLIENT_SECRET", "p&ss w=rd")];
    let credential = issuer.open("client-secret", "azure", &set).unwrap();
    let token = token(&credential).await.unwrap();
    assert_eq!(token.secret.expose(), "token-1");
    let life = token.expires.unwrap().duration_since(SystemTime::now()).unwrap().as_secs();
    assert!((3590..=3600).contains(&life));
    let asked = issuer.asked();
    assert_eq!(asked[0].line, TOKEN_REQUEST);
    assert_eq!(asked[0].header("content-type"), "application/x-www-form-urlencoded");
    let form: Vec<_> = asked[0].form.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let expected = [
        ("client_id", "the-client"),
        ("client_secret", "p&ss w=rd"),
        ("grant_type", "client_credentials"),
        ("scope", SCOPE),
    ];
    assert_eq!(form, expected);
}

#[tokio::test]
async fn terraforms_names_work_too() {
    let issuer = Issuer::start().await;
    let folder = TempDir::new().unwrap();
    let file = written(&folder, "token", "from-file");
    let rows: [(&str, Set<'_>); 5] = [
        ("client-secret", &[("ARM_CLIENT_SECRET", "shh-1234")]),
        ("workload-identity", &[("ARM_OIDC_TOKEN", "jwt-1234")]),
        ("workload-identity", &[("ARM_OIDC_TOKEN_FILE_PATH", &file)]),
        (
            "workload-identity",
            &[("ARM_OIDC_REQUEST_URL", "https://ci/x"), ("ARM_OIDC_REQUEST_TOKEN", "job-1234")],
        ),
        (
            "pipelines",
            &[
                ("SYSTEM_OIDCREQUESTURI", "https://ci/x"),
                ("SYSTEM_ACCESSTOKEN", "job-1234"),
                ("ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID", "c"),
            ],
        ),
    ];
    for (name, more) in rows {
        let mut set = vec![("ARM_TENANT_ID", "the-tenant"), ("ARM_CLIENT_ID", "the-client")];
        set.extend(more);
        let credential = issuer.open(name, "azure", &set).unwrap();
        assert!(token(&credential).await.is_ok(), "{more:?}");
        assert_eq!(issuer.asked().last().unwrap().line, TOKEN_REQUEST, "{more:?}");
    }
}

#[tokio::test]
async fn every_credential_asks_the_authority_of_its_cloud() {
    let folder = TempDir::new().unwrap();
    let (key, certificate, _) = certified(&PKCS_RSA_SHA256);
    let pem = written(&folder, "app.pem", key + &certificate);
    let file = written(&folder, "token", "from-file");
    let ways: [(&str, Set<'_>); 5] = [
        ("client-secret", &[("AZURE_CLIENT_SECRET", "shh-1234")]),
        ("client-certificate", &[("AZURE_CLIENT_CERTIFICATE_PATH", &pem)]),
        ("workload-identity", &[("AZURE_FEDERATED_TOKEN_FILE", &file)]),
        (
            "workload-identity",
            &[
                ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://ci/x"),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "job-1234"),
            ],
        ),
        (
            "pipelines",
            &[
                ("SYSTEM_OIDCREQUESTURI", "https://ci/x"),
                ("SYSTEM_ACCESSTOKEN", "job-1234"),
                ("AZURE_SERVICE_CONNECTION_ID", "c"),
            ],
        ),
    ];
    let clouds = [
        ("azure", "login.microsoftonline.com", "management.azure.com"),
        ("azure-usgov", "login.microsoftonline.us", "management.usgovcloudapi.net"),
        ("azure-china", "login.chinacloudapi.cn", "management.chinacloudapi.cn"),
    ];
    let issuer = Issuer::start().await;
    for (cloud, authority, manager) in clouds {
        for (name, more) in ways {
            // It belongs to another cloud, as the environment of a pod may have it: the project's counts.
            let mut set = vec![TENANT, CLIENT, ("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.de")];
            set.extend(more);
            let scope = format!("https://{manager}/.default");
            issuer.open(name, cloud, &set).unwrap().token(&scope, None).await.unwrap();
            let asked = issuer.asked().pop().unwrap();
            assert_eq!(asked.line, format!("POST {authority}/the-tenant/oauth2/v2.0/token"), "{name}");
            assert_eq!(asked.form["scope"], scope);
            if name == "client-certificate" {
                let claims = claims(&asked.form["client_assertion"]);
                assert_eq!(claims["aud"], format!("https://{authority}/the-tenant/oauth2/v2.0/token"));
            }
        }
    }
}

fn part(jwt: &str, at: usize) -> Json {
    let bytes = URL_SAFE_NO_PAD.decode(jwt.split('.').nth(at).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn claims(jwt: &str) -> Json {
    part(jwt, 1)
}

#[tokio::test]
async fn a_certificates_statement_is_what_entra_checks() {
    let folder = TempDir::new().unwrap();
    let (key, own, der) = certified(&PKCS_RSA_SHA256);
    let (_, issuing, issuing_der) = certified(&PKCS_RSA_SHA256);
    // In any order, with what tools write between.
    let pem = written(&folder, "app.pem", format!("{issuing}\nBag Attributes\n{own}{key}"));
    let issuer = Issuer::start().await;
    let mut set = vec![TENANT, CLIENT, ("AZURE_CLIENT_CERTIFICATE_PATH", pem.as_str())];
    let credential = issuer.open("client-certificate", "azure", &set).unwrap();
    token(&credential).await.unwrap();
    token(&credential).await.unwrap();
    let asked = issuer.asked();
    let assertions: Vec<&str> = asked.iter().map(|a| a.form["client_assertion"].as_str()).collect();
    for assertion in &assertions {
        check_statement(assertion, &key, &der);
    }
    assert_ne!(claims(assertions[0])["jti"], claims(assertions[1])["jti"], "each request has its own");
    assert_eq!(
        asked[0].form["client_assertion_type"],
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );
    assert!(part(assertions[0], 0).get("x5c").is_none());

    set.push(("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "true"));
    token(&issuer.open("client-certificate", "azure", &set).unwrap()).await.unwrap();
    let sent = part(&issuer.asked()[0].form["client_assertion"], 0)["x5c"].clone();
    assert_eq!(sent, serde_json::json!([STANDARD.encode(&der), STANDARD.encode(&issuing_der)]));
}

fn check_statement(jwt: &str, key: &str, der: &[u8]) {
    let header = part(jwt, 0);
    assert_eq!((&header["alg"], &header["typ"]), (&"PS256".into(), &"JWT".into()));
    let thumbprint = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
    assert_eq!(header["x5t#S256"], URL_SAFE_NO_PAD.encode(thumbprint));
    let said = claims(jwt);
    assert_eq!((&said["iss"], &said["sub"]), (&"the-client".into(), &"the-client".into()));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let begin = said["nbf"].as_u64().unwrap();
    assert!(begin.abs_diff(now) < 10);
    assert_eq!(said["exp"].as_u64().unwrap() - begin, 600);
    let (signed, signature) = jwt.rsplit_once('.').unwrap();
    let key = rcgen::KeyPair::from_pem(key).unwrap();
    let pair = aws_lc_rs::rsa::KeyPair::from_pkcs8(&key.serialize_der()).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, pair.public_key().as_ref());
    public.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_certificate_is_refused_with_what_to_do() {
    let folder = TempDir::new().unwrap();
    let (key, own, der) = certified(&PKCS_RSA_SHA256);
    let (other_key, ..) = certified(&PKCS_RSA_SHA256);
    let (curve_key, curve, _) = certified(&PKCS_ECDSA_P256_SHA256);
    let encrypted = key.replace(" PRIVATE", " ENCRYPTED PRIVATE");
    let rows = [
        (der, "openssl pkcs12 -in"),
        (format!("{encrypted}{own}").into_bytes(), "openssl pkey -in"),
        (own.clone().into_bytes(), "has no private key"),
        (key.into_bytes(), "has no certificate"),
        (format!("{other_key}{own}").into_bytes(), "no certificate of its private key"),
        (format!("{curve_key}{curve}").into_bytes(), "Entra takes RSA"),
    ];
    let issuer = Issuer::start().await;
    for (content, words) in rows {
        let path = written(&folder, "app.pem", content);
        let set = [TENANT, CLIENT, ("AZURE_CLIENT_CERTIFICATE_PATH", path.as_str())];
        let error = issuer.open("client-certificate", "azure", &set).err().unwrap().to_string();
        assert!(error.contains(words) && error.contains("AZURE_CLIENT_CERTIFICATE_PATH"), "{error}");
    }
    let set = [TENANT, CLIENT, ("AZURE_CLIENT_CERTIFICATE_PATH", "/nowhere/app.pem")];
    let error = issuer.open("client-certificate", "azure", &set).err().unwrap().to_string();
    assert!(error.contains("No such file"), "{error}");
}

fn assertions(asked: &[Asked]) -> Vec<&str> {
    asked.iter().filter_map(|a| a.form.get("client_assertion")).map(String::as_str).collect()
}

#[tokio::test]
async fn github_is_asked_for_a_new_token_each_time() {
    let issuer = Issuer::start().await;
    let set = [
        TENANT,
        CLIENT,
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://run.actions.example/idtoken?api-version=2.0"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "job-token"),
    ];
    let credential = issuer.open("workload-identity", "azure", &set).unwrap();
    token(&credential).await.unwrap();
    token(&credential).await.unwrap();
    let asked = issuer.asked();
    let lines: Vec<_> = asked.iter().map(|a| a.line.as_str()).collect();
    let question = "GET run.actions.example/idtoken";
    assert_eq!(lines, [question, TOKEN_REQUEST, question, TOKEN_REQUEST]);
    assert_eq!(asked[0].header("authorization"), "Bearer job-token");
    assert_eq!(
        (&asked[0].query["api-version"][..], &asked[0].query["audience"][..]),
        ("2.0", "api://AzureADTokenExchange")
    );
    assert_eq!(assertions(&asked), ["federated-1", "federated-3"]);
}

#[tokio::test]
async fn the_audience_of_githubs_token_is_the_clouds_or_the_users() {
    let issuer = Issuer::start().await;
    let mut set = vec![
        TENANT,
        CLIENT,
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://ci/x"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "job-1234"),
    ];
    token(&issuer.open("workload-identity", "azure-usgov", &set).unwrap()).await.unwrap();
    set.push(("AZURE_OIDC_AUDIENCE", "api://mine"));
    token(&issuer.open("workload-identity", "azure-usgov", &set).unwrap()).await.unwrap();
    let asked = issuer.asked();
    let audiences: Vec<_> = asked.iter().filter_map(|a| a.query.get("audience")).collect();
    assert_eq!(audiences, ["api://AzureADTokenExchangeUSGov", "api://mine"]);
}

#[tokio::test]
async fn azure_pipelines_is_asked_for_a_new_token_each_time() {
    let issuer = Issuer::start().await;
    let set = [
        ("AZURESUBSCRIPTION_TENANT_ID", "the-tenant"),
        ("AZURESUBSCRIPTION_CLIENT_ID", "the-client"),
        ("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "the-connection"),
        ("SYSTEM_OIDCREQUESTURI", "https://dev.azure.example/org/oidctoken"),
        ("SYSTEM_ACCESSTOKEN", "job-token"),
    ];
    let credential = issuer.open("pipelines", "azure", &set).unwrap();
    token(&credential).await.unwrap();
    token(&credential).await.unwrap();
    let asked = issuer.asked();
    assert_eq!(asked[0].line, "POST dev.azure.example/org/oidctoken");
    assert_eq!(asked[0].header("authorization"), "Bearer job-token");
    assert_eq!(asked[0].header("x-tfs-fedauthredirect"), "Suppress");
    assert_eq!(
        (&asked[0].query["api-version"][..], &asked[0].query["serviceConnectionId"][..]),
        ("7.1", "the-connection")
    );
    assert_eq!(assertions(&asked), ["federated-1", "federated-3"]);
}

#[tokio::test]
async fn a_federated_token_is_read_anew_each_time() {
    let issuer = Issuer::start().await;
    let folder = TempDir::new().unwrap();
    let file = written(&folder, "token", "first\n");
    let set = [TENANT, CLIENT, ("AZURE_FEDERATED_TOKEN_FILE", file.as_str())];
    let credential = issuer.open("workload-identity", "azure", &set).unwrap();
    token(&credential).await.unwrap();
    fs::write(&file, "second").unwrap();
    token(&credential).await.unwrap();
    assert_eq!(assertions(&issuer.asked()), ["first", "second"]);
    fs::remove_file(&file).unwrap();
    let error = refused(&credential).await;
    assert!(error.message.contains(&format!("reading {file}")), "{error}");
}

#[tokio::test]
async fn a_token_of_the_environment_is_sent_as_it_is() {
    let issuer = Issuer::start().await;
    let set = [TENANT, CLIENT, ("ARM_OIDC_TOKEN", "as-it-is")];
    token(&issuer.open("workload-identity", "azure", &set).unwrap()).await.unwrap();
    assert_eq!(assertions(&issuer.asked()), ["as-it-is"]);
}

#[tokio::test]
async fn what_a_ci_refuses_is_said() {
    let issuer = Issuer::start().await;
    let set = [
        TENANT,
        CLIENT,
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://ci/x"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "job-token"),
    ];
    let credential = issuer.open("workload-identity", "azure", &set).unwrap();
    issuer.answer(instead("ci/x", 403, serde_json::json!({ "message": "no id-token permission" })));
    let error = refused(&credential).await;
    assert_eq!(error.message, "workload-identity: ci answered 403: no id-token permission");
    assert!(!error.transient);
    issuer.answer(instead("ci/x", 200, serde_json::json!({})));
    let error = refused(&credential).await;
    assert!(error.message.contains("there is no `value` in its reply"), "{error}");
}

#[tokio::test]
async fn a_job_token_travels_encrypted_or_not_at_all() {
    let issuer = Issuer::start().await;
    let set = [
        TENANT,
        CLIENT,
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "http://ci/x"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "job-1234"),
    ];
    let error = issuer.open("workload-identity", "azure", &set).err().unwrap().to_string();
    assert_eq!(error, "workload-identity: ACTIONS_ID_TOKEN_REQUEST_URL is not an https address");
}

#[test]
fn what_is_missing_is_named_with_how_to_get_it() {
    let rows: [(&str, Set<'_>, &str); 6] = [
        (
            "client-secret",
            &[TENANT, CLIENT],
            "client-secret: there is no environment variable AZURE_CLIENT_SECRET (or ARM_CLIENT_SECRET)",
        ),
        (
            "client-secret",
            &[CLIENT, ("AZURE_CLIENT_SECRET", "shh-1234")],
            "AZURE_TENANT_ID (or ARM_TENANT_ID",
        ),
        ("client-certificate", &[TENANT, CLIENT], "AZURE_CLIENT_CERTIFICATE_PATH"),
        ("workload-identity", &[TENANT, CLIENT, ("GITHUB_ACTIONS", "true")], "id-token: write"),
        ("workload-identity", &[TENANT, CLIENT], "AZURE_FEDERATED_TOKEN_FILE (or ARM_OIDC_TOKEN"),
        (
            "pipelines",
            &[TENANT, CLIENT, ("SYSTEM_OIDCREQUESTURI", "https://ci"), ("AZURE_SERVICE_CONNECTION_ID", "c")],
            "$(System.AccessToken)",
        ),
    ];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let issuer = runtime.block_on(Issuer::start());
    for (name, set, words) in rows {
        let error = issuer.open(name, "azure", set).err().unwrap();
        assert!(matches!(error, CredentialError::Missing { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let unknown = issuer.open("magic", "azure", &[]).err().unwrap().to_string();
    assert!(
        unknown.contains(
            "auto, client-secret, client-certificate, pipelines, workload-identity, managed-identity or cli"
        ),
        "{unknown}"
    );
}

/// An `az` that writes down its arguments, prints this and ends with this code.
fn fake_az(folder: &TempDir, prints: &str, code: u8) -> String {
    let home = folder.path().display();
    let stream = if code == 0 { "" } else { " >&2" };
    let script = format!("#!/bin/sh\necho \"$@\" >> {home}/calls\ncat {home}/prints{stream}\nexit {code}\n");
    written(folder, "prints", prints);
    let path = written(folder, "az", script);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    format!("{home}:/usr/bin:/bin")
}

fn calls(folder: &TempDir) -> String {
    fs::read_to_string(folder.path().join("calls")).unwrap_or_default()
}

const AZ_TOKEN: &str = r#"{"accessToken":"from-az","expiresOn":"2099-01-01 00:00:00.000000","expires_on":4070908800,"tokenType":"Bearer"}"#;

#[tokio::test]
async fn az_is_asked_for_a_token() {
    let issuer = Issuer::start().await;
    let folder = TempDir::new().unwrap();
    let path = fake_az(&folder, AZ_TOKEN, 0);
    let mut set = vec![("PATH", path.as_str())];
    let got = token(&issuer.open("cli", "azure", &set).unwrap()).await.unwrap();
    assert_eq!(got.secret.expose(), "from-az");
    assert_eq!(got.expires.unwrap().duration_since(UNIX_EPOCH).unwrap().as_secs(), 4_070_908_800);
    set.push(TENANT);
    token(&issuer.open("cli", "azure", &set).unwrap()).await.unwrap();
    let line = format!("account get-access-token -o json --scope {SCOPE}");
    assert_eq!(calls(&folder), format!("{line}\n{line} --tenant the-tenant\n"));
    assert!(issuer.asked().is_empty());
}

#[tokio::test]
async fn what_az_says_is_passed_on() {
    let issuer = Issuer::start().await;
    let folder = TempDir::new().unwrap();
    let path = fake_az(&folder, "ERROR: Please run 'az login' to setup account.\n", 1);
    let error = refused(&issuer.open("cli", "azure", &[("PATH", &path)]).unwrap()).await;
    assert_eq!(error.message, "cli: Please run 'az login' to setup account.");
    assert!(error.advice.unwrap().contains("az login"));

    let expired = "ERROR: AADSTS70043: The refresh token has expired.\nTrace ID: 1111\nCorrelation ID: 2222\nTimestamp: 2026-11-21 06:00:00Z\nInteractive authentication is needed. Please run:\naz login\n";
    let path = fake_az(&folder, expired, 1);
    let error = refused(&issuer.open("cli", "azure", &[("PATH", &path)]).unwrap()).await;
    assert_eq!(error.message, "cli: AADSTS70043: The refresh token has expired.");
    assert_eq!(error.ids[0], ("Entra trace id".to_owned(), "1111".to_owned()));

    let command = "az login --tenant t --scope s --claims-challenge eyJ";
    let path = fake_az(&folder, &format!("ERROR: AADSTS50076: MFA.\nRun the command below:\n{command}\n"), 1);
    let error = refused(&issuer.open("cli", "azure", &[("PATH", &path)]).unwrap()).await;
    assert_eq!(error.advice.unwrap(), format!("Sign in again: `{command}`"));

    let nowhere = TempDir::new().unwrap();
    let path = nowhere.path().to_str().unwrap();
    let error = refused(&issuer.open("cli", "azure", &[("PATH", path)]).unwrap()).await;
    assert!(error.message.contains("az not found on PATH"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn az_is_not_waited_for_without_end() {
    let folder = TempDir::new().unwrap();
    let az = written(&folder, "az", "#!/bin/sh\nexec sleep 5\n");
    fs::set_permissions(&az, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let issuer = Issuer::start().await;
    let error = refused(&issuer.open("cli", "azure", &[("PATH", &path)]).unwrap()).await;
    assert!(error.message.contains("az took more than 60s"), "{error}");
}

#[tokio::test]
async fn a_machine_without_an_identity_is_told_at_once() {
    let test = "credentials::a_machine_without_an_identity_is_told_at_once";
    if std::env::var_os(ALONE).is_some() {
        let error = refused(&of_this_machine()).await;
        assert!(error.message.starts_with("managed-identity: 127.0.0.1"), "{error}");
        assert!(!error.transient && error.advice.unwrap().contains("identity"));
        return;
    }
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    alone(test, &[("IDENTITY_ENDPOINT", &format!("http://{free}/x")), ("IDENTITY_HEADER", "h")]).await;

    let issuer = Issuer::start().await;
    let refusal =
        serde_json::json!({ "error": "invalid_request", "error_description": "Identity not found" });
    issuer.answer(instead("msi", 400, refusal));
    let address = format!("http://{}/msi", issuer.address);
    alone(test, &[("IDENTITY_ENDPOINT", &address), ("IDENTITY_HEADER", "h")]).await;
}

/// Runs a test of this binary by itself, in an environment: `azure_identity` reads some variables
/// itself, and a process cannot safely change its own.
async fn alone(test: &str, environment: Set<'_>) {
    let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(ALONE, "1");
    let output = command.envs(environment.iter().copied()).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The managed identity of this process's own environment, over the network.
fn of_this_machine() -> Credential {
    let endpoint = arm::Endpoint::named("azure").unwrap();
    let transport = arm::HttpTransport::loopback(None).unwrap();
    let wires = arm::Wires::beside(&endpoint, &transport).unwrap();
    Credential::open("managed-identity", &endpoint, wires, &|name| std::env::var(name).ok()).unwrap()
}

const ALONE: &str = "PLUMB_TEST_ALONE";

#[tokio::test]
async fn a_managed_identity_is_asked_at_the_machines_endpoint() {
    if std::env::var_os(ALONE).is_some() {
        let credential = of_this_machine();
        token(&credential).await.unwrap();
        token(&credential).await.unwrap();
        return;
    }
    let issuer = Issuer::start().await;
    let address = format!("http://{}/msi/token", issuer.address);
    let test = "credentials::a_managed_identity_is_asked_at_the_machines_endpoint";
    let mut set = vec![
        ("IDENTITY_ENDPOINT", address.as_str()),
        ("IDENTITY_HEADER", "machine-secret"),
        // Nothing here goes by a proxy.
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("NO_PROXY", ""),
    ];
    alone(test, &set).await;
    let asked = issuer.asked();
    assert_eq!(asked.len(), 2, "a second request is one, too: azure_identity's own cache is not asked");
    assert_eq!(asked[0].line, "GET /msi/token");
    assert_eq!(
        (asked[0].header("metadata"), asked[0].header("x-identity-header")),
        ("true", "machine-secret")
    );
    let query: Vec<_> = asked[0].query.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(query, [("api-version", "2019-08-01"), ("resource", "https://management.azure.com")]);

    for (name, sent) in [("AZURE_CLIENT_ID", "client_id"), ("AZURE_IDENTITY_OBJECT_ID", "object_id")] {
        set.push((name, "mine"));
        alone(test, &set).await;
        set.pop();
        assert_eq!(issuer.asked()[0].query[sent], "mine");
    }
}

#[tokio::test]
async fn an_identity_has_one_name() {
    let issuer = Issuer::start().await;
    let set = [CLIENT, ("AZURE_IDENTITY_RESOURCE_ID", "/subscriptions/s/x")];
    let error = issuer.open("managed-identity", "azure", &set).err().unwrap().to_string();
    assert!(error.contains("set one of"), "{error}");
}

#[tokio::test]
async fn entras_refusals_are_told_with_advice_and_ids() {
    let issuer = Issuer::start().await;
    let set = [TENANT, CLIENT, ("AZURE_CLIENT_SECRET", "shh-1234")];
    let credential = issuer.open("client-secret", "azure", &set).unwrap();
    issuer.answer(instead("token", 401, entra(7_000_215, "Invalid client secret provided.")));
    let error = refused(&credential).await;
    assert_eq!(
        error.message,
        "client-secret: login.microsoftonline.com answered 401: AADSTS7000215: Invalid client secret provided."
    );
    assert!(error.advice.as_ref().unwrap().contains("not its id"));
    assert!(!error.transient);
    let ids: Vec<_> = error.ids.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(ids[..2], [("Entra trace id", "1111"), ("Entra correlation id", "2222")]);

    for (status, code, transient) in
        [(400, 90_055, true), (400, 50_196, true), (503, 1, true), (429, 1, true), (400, 700_016, false)]
    {
        issuer.answer(instead("token", status, entra(code, "x")));
        let error = refused(&credential).await;
        assert_eq!(error.transient, transient, "{status} {code}");
        assert!(error.advice.is_some(), "{error}");
    }
    assert_eq!(issuer.asked().len(), 6, "azure_core sends nothing again by itself");
}

#[tokio::test]
async fn a_wrong_clock_is_found_when_a_statement_is_refused() {
    let issuer = Issuer::start().await;
    let set = [TENANT, CLIENT, ("ARM_OIDC_TOKEN", "jwt-1234")];
    let credential = issuer.open("workload-identity", "azure", &set).unwrap();
    let mut refusal =
        instead("token", 401, entra(700_024, "Client assertion is not within its valid time range."));
    issuer.answer(refusal.clone());
    assert!(refused(&credential).await.advice.unwrap().contains("ARM_OIDC_TOKEN"));
    refusal.headers.push(("date", "Wed, 21 Oct 2015 07:28:00 GMT".to_owned()));
    issuer.answer(refusal);
    assert!(refused(&credential).await.advice.unwrap().contains("clock"));
}

#[tokio::test]
async fn no_secret_is_in_any_error() {
    let folder = TempDir::new().unwrap();
    let (key, certificate, _) = certified(&PKCS_RSA_SHA256);
    let pem = written(&folder, "app.pem", format!("{key}{certificate}"));
    let file = written(&folder, "token", "c4nary-file");
    let set = [
        TENANT,
        CLIENT,
        ("AZURE_CLIENT_SECRET", "c4nary &secret"),
        ("AZURE_CLIENT_CERTIFICATE_PATH", &pem),
        ("AZURE_FEDERATED_TOKEN_FILE", &file),
        ("SYSTEM_OIDCREQUESTURI", "https://ci/x"),
        ("SYSTEM_ACCESSTOKEN", "c4nary-job"),
        ("AZURE_SERVICE_CONNECTION_ID", "c"),
    ];
    let github = [
        TENANT,
        CLIENT,
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://ci/x"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "c4nary-github"),
    ];
    let variable = [TENANT, CLIENT, ("ARM_OIDC_TOKEN", "c4nary-variable")];
    let rows: [(&str, Set<'_>); 6] = [
        ("client-secret", &set),
        ("client-certificate", &set),
        ("pipelines", &set),
        ("workload-identity", &set),
        ("workload-identity", &github),
        ("workload-identity", &variable),
    ];
    let issuer = Issuer::start().await;
    issuer.echo();
    for (name, set) in rows {
        for path in ["token", "ci/x"] {
            let credential = issuer.open(name, "azure", set).unwrap();
            issuer.answer(instead(path, 400, entra(50_034, "c4nary? no")));
            let Err(error) = token(&credential).await else { continue };
            let said = format!("{error} {error:?}");
            let clean = said.replace("c4nary? no", "");
            assert!(said.contains("(sensitive value)"), "the echo did not reach the error: {said}");
            assert!(!clean.contains("c4nary") && !clean.contains("federated-"), "{name}: {said}");
            assert!(!clean.contains("eyJ"), "{name} shows a token: {said}");
        }
    }
    let wrong =
        [TENANT, CLIENT, ("AZURE_CLIENT_SECRET", "c4nary"), ("ARM_OIDC_TOKEN", "c4nary"), ("CI", "true")];
    for (name, set) in
        [("auto", &wrong[..]), ("client-certificate", &wrong[..]), ("client-secret", &wrong[2..])]
    {
        let error = issuer.open(name, "azure", set).err().unwrap();
        assert!(!format!("{error} {error:?}").contains("c4nary"), "{error:?}");
    }
    let broken = written(&folder, "broken.pem", key.replace("PRIVATE KEY", "OTHER PRIVATE KEY"));
    let error = issuer
        .open("client-certificate", "azure", &[TENANT, CLIENT, ("AZURE_CLIENT_CERTIFICATE_PATH", &broken)])
        .err()
        .unwrap();
    let line = key.lines().nth(1).unwrap();
    assert!(!format!("{error} {error:?}").contains(line));
    assert!(Path::new(&broken).exists() && PathBuf::from(&pem).exists());
}
