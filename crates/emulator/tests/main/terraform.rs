//! What Terraform's azurerm provider sends and needs back (terraform-azurerm facts), from its first request to its last.
//!
//! The provider itself is no package that a test could install, so its requests are written down here.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use emulator::{Method, Options, Request, Response};
use serde_json::{Value, json};

use crate::support::{Cloud, GROUP, code, compute, workspace};

const VERSION: &str = "api-version=2025-06-01";

/// A provider process: signed in, as every one begins.
struct Provider {
    cloud: Cloud,
    token: String,
}

impl Provider {
    fn sign_in() -> Provider {
        let mut provider = Provider { cloud: Cloud::new(Options::default()), token: String::new() };
        let metadata =
            provider.send(Method::Get, "//metadata/endpoints?api-version=2022-09-01", None).value();
        let login = metadata["authentication"]["loginEndpoint"].as_str().unwrap();
        assert_eq!(login, "https://127.0.0.1:8443");
        let tenant = "20000000-0000-0000-0000-000000000002";
        let form = "client_id=app&client_secret=any&grant_type=client_credentials&scope=https%3A%2F%2F127.0.0.1%3A8443%2F.default";
        let mut request = provider.request(Method::Post, &format!("/{tenant}/oauth2/v2.0/token"));
        request.body = form.as_bytes().to_vec();
        let answer = provider.cloud.send(&request).value();
        assert_eq!(answer["token_type"], "Bearer");
        provider.token = answer["access_token"].as_str().unwrap().to_owned();
        let payload = URL_SAFE_NO_PAD.decode(provider.token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&payload).unwrap();
        // Without the object id the provider would ask Microsoft Graph.
        assert!(claims["oid"].is_string() && claims["appid"] == "app" && claims["tid"] == tenant);
        assert!(claims.get("scp").is_none());
        provider
    }

    fn request(&self, method: Method, target: &str) -> Request {
        let mut request = Request::new(method, target).header("host", "127.0.0.1:8443");
        request.scheme = "https";
        request.header("authorization", &format!("Bearer {}", self.token))
    }

    fn send(&mut self, method: Method, target: &str, body: Option<&Value>) -> Response {
        let mut request = self.request(method, target);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.cloud.send(&request)
    }

    /// Looks for it, makes it, follows the operation to its end, and reads it.
    fn create(&mut self, target: &str, statuses: &[u16], body: &Value) -> Value {
        let missing = self.send(Method::Get, target, None);
        assert_eq!(missing.status, 404, "{}", missing.value());
        let made = self.send(Method::Put, target, Some(body));
        assert!(statuses.contains(&made.status), "{} {}", made.status, made.value());
        if let Some(url) = made.header("azure-asyncoperation") {
            let path = url.strip_prefix("https://127.0.0.1:8443").expect("an absolute URL").to_owned();
            let running = self.send(Method::Get, &path, None);
            assert_eq!((running.status, &running.value()["status"]), (200, &json!("InProgress")));
            assert!(running.header("content-type").unwrap().starts_with("application/json"));
            self.cloud.pass(600);
            assert_eq!(self.send(Method::Get, &path, None).value()["status"], "Succeeded");
        }
        let read = self.send(Method::Get, target, None);
        assert_eq!(read.status, 200);
        read.value()
    }

    /// Deletes it, and reads until it is not there; the headers of the operation are ignored.
    fn delete(&mut self, target: &str) {
        let gone = self.send(Method::Delete, target, None);
        assert!([200, 202, 204].contains(&gone.status), "{} {}", gone.status, gone.value());
        self.cloud.pass(600);
        assert_eq!(self.send(Method::Get, target, None).status, 404);
    }
}

fn group() -> String {
    format!("{GROUP}?api-version=2023-07-01")
}

fn workspace_body() -> Value {
    let id = |kind: &str, name: &str| format!("{GROUP}/providers/{kind}/{name}");
    json!({
        "identity": { "type": "SystemAssigned", "userAssignedIdentities": null },
        "kind": "Default",
        "location": "westeurope",
        "properties": {
            "applicationInsights": id("Microsoft.Insights/components", "ai"),
            "keyVault": id("Microsoft.KeyVault/vaults", "kv"),
            "publicNetworkAccess": "Enabled",
            "storageAccount": id("Microsoft.Storage/storageAccounts", "sa"),
            "v1LegacyMode": false,
        },
        "sku": { "name": "Basic", "tier": "Basic" },
    })
}

fn cluster_body() -> Value {
    json!({
        "identity": { "type": "None", "userAssignedIdentities": null },
        "location": "westeurope",
        "properties": {
            "computeLocation": "westeurope",
            "computeType": "AmlCompute",
            "description": "",
            "disableLocalAuth": false,
            "properties": {
                "enableNodePublicIp": true,
                "remoteLoginPortPublicAccess": "Disabled",
                "scaleSettings": { "maxNodeCount": 4, "minNodeCount": 0, "nodeIdleTimeBeforeScaleDown": "PT2M" },
                "vmPriority": "Dedicated",
                "vmSize": "STANDARD_DS2_V2",
            },
        },
        "sku": { "name": "Basic", "tier": "Basic" },
        "tags": { "team": "t0" },
    })
}

fn instance_body() -> Value {
    json!({
        "identity": { "type": "None", "userAssignedIdentities": null },
        "location": "westeurope",
        "properties": {
            "computeLocation": "westeurope",
            "computeType": "ComputeInstance",
            "description": "",
            "disableLocalAuth": false,
            "properties": {
                "enableNodePublicIp": true,
                "sshSettings": { "sshPublicAccess": "Disabled" },
                "vmSize": "STANDARD_DS2_V2",
            },
        },
        "tags": {},
    })
}

/// Whether everything that was sent comes back; what is not sent may say anything. An identity of the type None may
/// be left out, and a compute's sku, which the provider does not read back.
fn comes_back(sent: &Value, read: &Value, path: &str) {
    match sent {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = format!("{path}.{name}");
                if !matches!(path.as_str(), ".identity" | ".sku") {
                    comes_back(value, &read[name], &path);
                }
            }
        }
        // Ids come back in the casing of their provider.
        Value::String(text) if text.starts_with('/') => {
            assert!(read.as_str().unwrap().eq_ignore_ascii_case(text), "{path}: {read}");
        }
        Value::Null => {}
        other => assert_eq!(read, other, "{path}"),
    }
}

#[test]
fn a_life_of_terraforms_resources() {
    let mut provider = Provider::sign_in();
    let made = provider.create(&group(), &[200, 201], &json!({ "location": "westeurope", "tags": {} }));
    assert_eq!(made["properties"]["provisioningState"], "Succeeded");
    assert_eq!(
        code(&provider.send(Method::Get, &format!("{}?{VERSION}", workspace()), None)),
        "ResourceNotFound"
    );

    let target = format!("{}?{VERSION}", workspace());
    let read = provider.create(&target, &[200, 202], &workspace_body());
    comes_back(&workspace_body(), &read, "");
    assert_eq!((&read["sku"]["name"], &read["sku"]["tier"]), (&json!("Basic"), &json!("Basic")));
    assert_eq!(read["identity"]["type"], "SystemAssigned");
    assert!(read["identity"]["principalId"].is_string() && read["identity"]["tenantId"].is_string());
    assert!(read["properties"]["workspaceId"].is_string() && read["properties"]["discoveryUrl"].is_string());

    let cluster = format!("{}?{VERSION}", compute("c00001"));
    let read = provider.create(&cluster, &[200, 201], &cluster_body());
    comes_back(&cluster_body(), &read, "");
    let instance = format!("{}?{VERSION}", compute("ci00001"));
    let read = provider.create(&instance, &[200, 201], &instance_body());
    comes_back(&instance_body(), &read, "");

    let mut changed = cluster_body();
    changed["properties"]["properties"]["scaleSettings"]["maxNodeCount"] = json!(6);
    let reply = provider.send(Method::Put, &cluster, Some(&changed));
    assert!([200, 201].contains(&reply.status), "{} {}", reply.status, reply.value());
    provider.cloud.pass(60);
    comes_back(&changed, &provider.send(Method::Get, &cluster, None).value(), "");

    for compute in [&instance, &cluster] {
        provider.delete(&format!("{compute}&underlyingResourceAction=Delete"));
    }
    provider.delete(&target);
    let left = format!("{GROUP}/resources?$expand=provisioningState&$top=10&api-version=2023-07-01");
    assert_eq!(provider.send(Method::Get, &left, None).value()["value"], json!([]));
    provider.delete(&group());
}
