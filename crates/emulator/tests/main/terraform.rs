//! Terraform's azurerm provider (5.2 with terraform 1.11) as a client, request by request: api-versions, bodies, the
//! statuses it takes and the fields it reads without looking, as measured on the wire.
//!
//! One table is the whole life of a group, a workspace, a cluster and an instance: create, no-op read, update, destroy.
//! The provider itself is no package that a test could install, so its requests are written down here.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use emulator::{Method, Options, Request, Response};
use serde_json::{Value, json};

use crate::support::Cloud;

const HOST: &str = "127.0.0.1:8443";
const TENANT: &str = "10000000-0000-0000-0000-000000000001";
const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-000000000001";
const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-perf";
const GROUP_VERSION: &str = "api-version=2023-07-01";
const ML_VERSION: &str = "api-version=2025-06-01";

fn workspace() -> String {
    format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/ws-perf")
}

fn compute(name: &str) -> String {
    format!("{}/computes/{name}", workspace())
}

fn group_body() -> Value {
    json!({ "location": "westeurope", "tags": {} })
}

fn workspace_body(description: &str) -> Value {
    let id = |kind: &str, name: &str| format!("{GROUP}/providers/{kind}/{name}");
    json!({
        "identity": { "type": "SystemAssigned", "userAssignedIdentities": null },
        "kind": "Default",
        "location": "westeurope",
        "properties": {
            "applicationInsights": id("Microsoft.Insights/components", "ai"),
            "description": description,
            "hbiWorkspace": false,
            "keyVault": id("Microsoft.KeyVault/vaults", "kv"),
            "publicNetworkAccess": "Enabled",
            "storageAccount": id("Microsoft.Storage/storageAccounts", "sa"),
            "v1LegacyMode": false,
        },
        "sku": { "name": "Basic", "tier": "Basic" },
        "tags": {},
    })
}

fn cluster_body(max: i64, tag: &str) -> Value {
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
                "scaleSettings": { "maxNodeCount": max, "minNodeCount": 0, "nodeIdleTimeBeforeScaleDown": "PT120S" },
                "vmPriority": "Dedicated",
                "vmSize": "STANDARD_DS2_V2",
            },
        },
        "sku": { "name": "Basic", "tier": "Basic" },
        "tags": { "team": tag },
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
    })
}

/// What a reply must have at a JSON pointer.
enum Must {
    /// Something other than null.
    Be(&'static str),
    /// Exactly this.
    Equal(&'static str, Value),
    /// The value of the body that was sent last to the same path.
    Echo(&'static str),
    /// All values of that body but nulls and those below these keys; for a clean no-op.
    EchoAllBut(&'static [&'static str]),
    /// Nothing in the list.
    BeEmpty(&'static str),
}

/// One request of the provider, and what it needs of the reply.
struct Row {
    method: Method,
    target: String,
    body: Option<Value>,
    statuses: &'static [u16],
    must: Vec<Must>,
}

fn row(method: Method, target: String, statuses: &'static [u16], must: Vec<Must>) -> Row {
    Row { method, target, body: None, statuses, must }
}

fn put(target: String, body: Value, statuses: &'static [u16], must: Vec<Must>) -> Row {
    Row { method: Method::Put, target, body: Some(body), statuses, must }
}

/// A read that must find nothing, and one that must find something.
fn absent(target: &str, version: &str) -> Row {
    row(Method::Get, format!("{target}?{version}"), &[404], vec![])
}

fn there(target: &str, version: &str, must: Vec<Must>) -> Row {
    row(Method::Get, format!("{target}?{version}"), &[200], must)
}

fn group_reads() -> Vec<Must> {
    vec![
        Must::Be("/id"),
        Must::Equal("/name", json!("rg-perf")),
        Must::Echo("/location"),
        Must::Echo("/tags"),
        Must::Equal("/properties/provisioningState", json!("Succeeded")),
    ]
}

fn workspace_reads() -> Vec<Must> {
    vec![
        Must::EchoAllBut(&["/identity"]),
        Must::Be("/sku/name"),
        Must::Be("/sku/tier"),
        Must::Be("/properties/publicNetworkAccess"),
        Must::Be("/properties/keyVault"),
        Must::Equal("/identity/type", json!("SystemAssigned")),
        Must::Be("/identity/principalId"),
        Must::Be("/identity/tenantId"),
        Must::Be("/properties/workspaceId"),
        Must::Be("/properties/discoveryUrl"),
        Must::Equal("/properties/provisioningState", json!("Succeeded")),
    ]
}

fn cluster_reads() -> Vec<Must> {
    vec![
        // The provider reads no sku of a compute, and takes a missing identity for `None`.
        Must::EchoAllBut(&["/identity", "/sku"]),
        Must::Equal("/properties/computeType", json!("AmlCompute")),
        Must::Be("/properties/properties/remoteLoginPortPublicAccess"),
        Must::Equal("/properties/provisioningState", json!("Succeeded")),
        Must::Be("/properties/createdOn"),
        Must::Be("/properties/modifiedOn"),
    ]
}

fn instance_reads() -> Vec<Must> {
    vec![
        Must::EchoAllBut(&["/identity"]),
        Must::Equal("/properties/computeType", json!("ComputeInstance")),
        Must::Be("/properties/properties/sshSettings"),
        Must::Equal("/properties/provisioningState", json!("Succeeded")),
    ]
}

/// A refresh: one GET for each resource, and no list of computes.
fn refresh() -> Vec<Row> {
    vec![
        there(GROUP, GROUP_VERSION, group_reads()),
        there(&workspace(), ML_VERSION, workspace_reads()),
        there(&compute("c00001"), ML_VERSION, cluster_reads()),
        there(&compute("ci00001"), ML_VERSION, instance_reads()),
    ]
}

fn create() -> Vec<Row> {
    let cluster = format!("{}?{ML_VERSION}", compute("c00001"));
    let instance = format!("{}?{ML_VERSION}", compute("ci00001"));
    let unfinished = || vec![Must::Be("/id"), Must::Be("/properties/provisioningState")];
    vec![
        absent(GROUP, GROUP_VERSION),
        put(format!("{GROUP}?{GROUP_VERSION}"), group_body(), &[200, 201], group_reads()),
        there(GROUP, GROUP_VERSION, group_reads()),
        there(GROUP, GROUP_VERSION, group_reads()),
        there(GROUP, GROUP_VERSION, group_reads()),
        absent(&workspace(), ML_VERSION),
        put(format!("{}?{ML_VERSION}", workspace()), workspace_body("one"), &[200, 202], vec![]),
        there(&workspace(), ML_VERSION, workspace_reads()),
        there(&workspace(), ML_VERSION, workspace_reads()),
        absent(&compute("c00001"), ML_VERSION),
        put(cluster, cluster_body(4, "t0"), &[200, 201], unfinished()),
        there(&compute("c00001"), ML_VERSION, cluster_reads()),
        there(&workspace(), ML_VERSION, workspace_reads()),
        absent(&compute("ci00001"), ML_VERSION),
        put(instance, instance_body(), &[200, 201], unfinished()),
        there(&compute("ci00001"), ML_VERSION, instance_reads()),
    ]
}

fn update() -> Vec<Row> {
    let cluster = format!("{}?{ML_VERSION}", compute("c00001"));
    vec![
        there(&workspace(), ML_VERSION, workspace_reads()),
        put(format!("{}?{ML_VERSION}", workspace()), workspace_body("two"), &[200, 202], vec![]),
        there(&workspace(), ML_VERSION, workspace_reads()),
        there(&compute("c00001"), ML_VERSION, cluster_reads()),
        put(cluster, cluster_body(6, "t1"), &[200, 201], vec![]),
        there(&compute("c00001"), ML_VERSION, cluster_reads()),
    ]
}

fn destroy() -> Vec<Row> {
    let delete = |target: &str, query: &str| {
        row(Method::Delete, format!("{target}?{query}"), &[200, 202, 204], vec![])
    };
    let action = format!("{ML_VERSION}&underlyingResourceAction=Delete");
    let contents = format!("{GROUP}/resources?$expand=provisioningState&$top=10&{GROUP_VERSION}");
    vec![
        delete(&compute("c00001"), &action),
        absent(&compute("c00001"), ML_VERSION),
        delete(&compute("ci00001"), &action),
        absent(&compute("ci00001"), ML_VERSION),
        delete(&workspace(), ML_VERSION),
        absent(&workspace(), ML_VERSION),
        row(Method::Get, contents, &[200], vec![Must::BeEmpty("/value")]),
        row(Method::Delete, format!("{GROUP}?{GROUP_VERSION}"), &[200, 202], vec![]),
        absent(GROUP, GROUP_VERSION),
    ]
}

/// How long a poll may go on in the cloud's time.
const POLLS_MAX: usize = 60;

/// The provider at work: signed in, as every process of it begins. It remembers what it sent, and polls as
/// go-azure-sdk does.
struct Provider {
    cloud: Cloud,
    token: String,
    sent: BTreeMap<String, Value>,
}

impl Provider {
    fn new(options: Options) -> Provider {
        // With the rewriting on, `PT120S` comes back as `PT2M`, and a configuration has to say `PT2M`.
        let mut cloud = Cloud::new(Options { rewrite_durations: false, ..options });
        let metadata =
            cloud.send(&request(Method::Get, "//metadata/endpoints?api-version=2022-09-01")).value();
        let token = sign_in(&mut cloud, metadata["resourceManager"].as_str().unwrap());
        Provider { cloud, token, sent: BTreeMap::new() }
    }

    fn send(&mut self, method: Method, target: &str, body: Option<&Value>) -> Response {
        let request = request(method, target)
            .header("authorization", &format!("Bearer {}", self.token))
            .header("x-ms-correlation-request-id", "11111111-2222-3333-4444-555555555555")
            .header("accept-encoding", "gzip");
        self.cloud.send(&match body {
            Some(body) => request.json(body),
            None => request,
        })
    }

    fn play(&mut self, rows: Vec<Row>) {
        for row in rows {
            self.play_one(&row);
        }
    }

    fn play_one(&mut self, row: &Row) {
        let what = format!("{} {}", row.method.name(), row.target);
        let path = row.target.split('?').next().unwrap().to_owned();
        let reply = match row.statuses {
            // A delete is polled by GETs of the resource itself, whatever its headers say.
            [404] => self.until_gone(&row.target),
            _ => self.send(row.method, &row.target, row.body.as_ref()),
        };
        assert!(row.statuses.contains(&reply.status), "{what}: {} {}", reply.status, reply.value());
        if let Some(body) = &row.body {
            self.sent.insert(path.clone(), body.clone());
        }
        if !reply.body.is_empty() {
            assert!(
                reply.header("content-type").is_some_and(|kind| kind.starts_with("application/json")),
                "{what}"
            );
        }
        for must in &row.must {
            self.hold(&what, &path, &reply.value(), must);
        }
        if row.method == Method::Put {
            self.poll(&what, &reply);
        }
    }

    fn until_gone(&mut self, target: &str) -> Response {
        for _ in 0..POLLS_MAX {
            let reply = self.send(Method::Get, target, None);
            if reply.status == 404 {
                return reply;
            }
            self.cloud.pass(10);
        }
        panic!("{target} is still there");
    }

    /// `Azure-AsyncOperation`, or the resource's own state; 202 and 404 count as in progress, an empty 200 as success.
    fn poll(&mut self, what: &str, first: &Response) {
        let Some(url) = first.header("azure-asyncoperation").map(str::to_owned) else {
            let state = &first.value()["properties"]["provisioningState"];
            return assert_eq!(state, "Succeeded", "{what} has neither headers nor an end");
        };
        let origin = format!("https://{HOST}");
        let target =
            url.strip_prefix(&origin).unwrap_or_else(|| panic!("{what}: the URL is not absolute: {url}"));
        for _ in 0..POLLS_MAX {
            let reply = self.send(Method::Get, target, None);
            assert_eq!(reply.status, 200, "{what}");
            assert!(
                reply.header("content-type").is_some_and(|kind| kind.starts_with("application/json")),
                "{what}"
            );
            match reply.value()["status"].as_str() {
                Some("Succeeded") => return,
                Some("InProgress") => self.cloud.pass(10),
                other => panic!("{what}: {other:?}"),
            }
        }
        panic!("{what} does not end");
    }

    fn hold(&self, what: &str, path: &str, shown: &Value, must: &Must) {
        let at = |pointer: &str| shown.pointer(pointer).cloned().unwrap_or_default();
        match must {
            Must::Be(pointer) => assert!(!at(pointer).is_null(), "{what}: {pointer} is missing: {shown}"),
            Must::Equal(pointer, value) => assert_eq!(&at(pointer), value, "{what}: {pointer}"),
            Must::BeEmpty(pointer) => assert_eq!(at(pointer), json!([]), "{what}: {pointer}"),
            Must::Echo(pointer) => {
                comes_back(self.sent[path].pointer(pointer).unwrap(), &at(pointer), pointer, &[], what);
            }
            Must::EchoAllBut(not_read) => comes_back(&self.sent[path], shown, "", not_read, what),
        }
    }
}

/// Whether everything that was sent comes back; what was not sent may say anything.
fn comes_back(sent: &Value, shown: &Value, at: &str, not_read: &[&str], what: &str) {
    match sent {
        _ if not_read.contains(&at) => {}
        Value::Null => {}
        Value::Object(fields) => {
            for (name, value) in fields {
                comes_back(value, &shown[name], &format!("{at}/{name}"), not_read, what);
            }
        }
        // Ids come back in the casing of their provider.
        Value::String(text) if text.starts_with('/') => {
            assert!(
                shown.as_str().is_some_and(|shown| shown.eq_ignore_ascii_case(text)),
                "{what}: {at}: {shown}"
            );
        }
        other => assert_eq!(shown, other, "{what}: {at}"),
    }
}

fn request(method: Method, target: &str) -> Request {
    let mut request = Request::new(method, target).header("host", HOST);
    request.scheme = "https";
    request
}

/// A token for a resource, got by client id and secret.
fn sign_in(cloud: &mut Cloud, resource: &str) -> String {
    let scope: String =
        url::form_urlencoded::byte_serialize(format!("{resource}.default").as_bytes()).collect();
    let mut grant = request(Method::Post, &format!("/{TENANT}/oauth2/v2.0/token"));
    grant.body =
        format!("client_id=app&client_secret=any&grant_type=client_credentials&scope={scope}").into_bytes();
    let answer = cloud.send(&grant).value();
    assert_eq!(answer["token_type"], "Bearer", "{answer}");
    assert!(answer["expires_in"].as_i64().is_some_and(|seconds| seconds > 0), "{answer}");
    answer["access_token"].as_str().unwrap().to_owned()
}

#[test]
fn the_whole_life_of_a_configuration() {
    let mut provider = Provider::new(Options::default());
    provider.play(create());
    provider.play(refresh());
    provider.play(update());
    provider.play(refresh());
    provider.play(destroy());
}

#[test]
fn the_life_is_the_same_when_told_when_to_poll_and_not_to_wait() {
    let options =
        Options { retry_after: Some(Duration::ZERO), skip_polling_delay: true, ..Options::default() };
    let mut provider = Provider::new(options);
    provider.play(create());
    let cluster = format!("{}?{ML_VERSION}", compute("c00001"));
    let changed = provider.send(Method::Put, &cluster, Some(&cluster_body(9, "t2")));
    assert_eq!(changed.header("retry-after"), Some("0"), "the provider honours 0");
    provider.poll("PUT", &changed);
    let gone = provider.send(Method::Delete, &format!("{cluster}&underlyingResourceAction=Delete"), None);
    assert_eq!(gone.header("x-go-azure-sdk-skip-polling-delay"), Some("true"));
    let mut plain = Cloud::new(Options::default());
    let reply = plain.put(GROUP, &group_body());
    assert_eq!(reply.header("x-go-azure-sdk-skip-polling-delay"), None);
}

#[test]
fn where_the_cloud_is_and_who_one_is_comes_without_a_token() {
    let mut cloud = Cloud::new(Options::default());
    let metadata = cloud.send(&request(Method::Get, "//metadata/endpoints?api-version=2022-09-01")).value();
    for pointer in ["/name", "/suffixes/storage", "/suffixes/keyVaultDns"] {
        assert!(metadata.pointer(pointer).is_some_and(Value::is_string), "{pointer}");
    }
    assert_ne!(metadata["name"], "AzureStackCloud");
    let authentication = &metadata["authentication"];
    assert_eq!(
        (&authentication["tenant"], &authentication["identityProvider"]),
        (&json!("common"), &json!("AAD"))
    );
    for pointer in ["/resourceManager", "/microsoftGraphResourceId", "/authentication/loginEndpoint"] {
        let url = metadata.pointer(pointer).and_then(Value::as_str).unwrap_or("");
        assert!(url.starts_with(&format!("https://{HOST}")), "{pointer}: {url}");
    }
    for resource in ["microsoftGraphResourceId", "resourceManager"] {
        let token = sign_in(&mut cloud, metadata[resource].as_str().unwrap());
        let claims: Vec<u8> = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!((&claims["appid"], &claims["tid"]), (&json!("app"), &json!(TENANT)));
        assert!(claims["oid"].is_string(), "without it the provider asks Microsoft Graph");
        assert!(!claims["scp"].as_str().unwrap_or("").contains("openid"));
    }
}

#[test]
fn providers_are_listed_for_those_who_register_them() {
    let mut provider = Provider::new(Options::default());
    let listed =
        provider.send(Method::Get, &format!("{SUBSCRIPTION}/providers?api-version=2022-09-01"), None).value();
    let mut namespaces = listed["value"].as_array().unwrap().iter();
    let ml = namespaces.find(|one| one["namespace"] == "Microsoft.MachineLearningServices").unwrap();
    assert_eq!(ml["registrationState"], "Registered");
}
