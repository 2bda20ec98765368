//! A world with a clock in the hand, and the requests that tests send to it.

use emulator::{DEFAULT_TOKEN, FaultReport, Method, Options, Request, Response, World};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg";
pub const LOCATION: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/providers/\
                            Microsoft.MachineLearningServices/locations/westeurope";

/// A world and its time.
pub struct Cloud {
    pub world: World,
    pub now: Timestamp,
}

impl Cloud {
    /// An empty cloud.
    pub fn new(options: Options) -> Cloud {
        Cloud { world: World::new(options), now: "2026-11-21T08:00:00Z".parse().unwrap() }
    }

    /// A cloud with a resource group `rg` and a workspace `research` in westeurope.
    pub fn with_workspace(options: Options) -> Cloud {
        let mut cloud = Cloud::new(options);
        assert_eq!(cloud.put(GROUP, &json!({ "location": "westeurope" })).status, 201);
        assert_eq!(cloud.put(&workspace(), &workspace_body()).status, 202);
        cloud.pass(60);
        cloud
    }

    /// Lets time pass.
    pub fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    /// Adds a fault; its number.
    pub fn inject(&mut self, fault: &Value) -> u64 {
        let fault = serde_json::from_value(fault.clone()).unwrap();
        self.world.inject(fault, self.now).unwrap()
    }

    /// What became of a fault.
    pub fn fault(&self, id: u64) -> FaultReport {
        self.world.faults(self.now).into_iter().find(|report| report.id == id).unwrap()
    }

    /// A token from the token endpoint, asked for with further fields.
    pub fn token(&mut self, further: &str) -> String {
        let mut request = raw(Method::Post, "/t/oauth2/v2.0/token");
        let form = "grant_type=client_credentials&client_id=a&client_secret=s&scope=x";
        request.body = format!("{form}{further}").into_bytes();
        self.send(&request).value()["access_token"].as_str().unwrap().to_owned()
    }

    pub fn send(&mut self, request: &Request) -> Response {
        self.world.handle(request, self.now)
    }

    pub fn call(&mut self, method: Method, target: &str, body: Option<&Value>) -> Response {
        let mut request = request(method, target);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.send(&request)
    }

    pub fn get(&mut self, target: &str) -> Response {
        self.call(Method::Get, target, None)
    }

    pub fn put(&mut self, target: &str, body: &Value) -> Response {
        self.call(Method::Put, target, Some(body))
    }

    pub fn patch(&mut self, target: &str, body: &Value) -> Response {
        self.call(Method::Patch, target, Some(body))
    }

    pub fn post(&mut self, target: &str, body: Option<&Value>) -> Response {
        self.call(Method::Post, target, body)
    }

    pub fn delete(&mut self, target: &str) -> Response {
        self.call(Method::Delete, target, None)
    }

    /// A control request (`/_emulator/…`).
    pub fn control(&mut self, method: Method, what: &str, body: &Value) -> Response {
        let request = Request::new(method, &format!("/_emulator/{what}")).json(body);
        self.world.control(&request, self.now)
    }

    /// The status of the operation that a reply announced.
    pub fn status(&mut self, reply: &Response) -> Value {
        let url = reply.header("azure-asyncoperation").expect("an operation URL");
        let answer = self.follow(url);
        assert_eq!(answer.status, 200);
        answer.value()
    }

    /// What an absolute URL of a reply answers.
    pub fn follow(&mut self, url: &str) -> Response {
        let path = url.strip_prefix("http://127.0.0.1:1").expect("an absolute URL of ours");
        self.send(&raw(Method::Get, path))
    }
}

/// A request with everything the gate asks for; the api-version is added if it is missing.
pub fn request(method: Method, target: &str) -> Request {
    if target.contains("api-version=") {
        return raw(method, target);
    }
    let join = if target.contains('?') { '&' } else { '?' };
    raw(method, &format!("{target}{join}api-version=2026-05-01"))
}

/// The same with the target as it is.
pub fn raw(method: Method, target: &str) -> Request {
    Request::new(method, target)
        .header("host", "127.0.0.1:1")
        .header("authorization", &format!("Bearer {DEFAULT_TOKEN}"))
}

pub fn workspace() -> String {
    format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/research")
}

pub fn compute(name: &str) -> String {
    format!("{}/computes/{name}", workspace())
}

pub fn workspace_body() -> Value {
    let id = |kind: &str, name: &str| format!("{GROUP}/providers/{kind}/{name}");
    json!({
        "location": "West Europe",
        "identity": { "type": "systemAssigned" },
        "properties": {
            "storageAccount": id("Microsoft.Storage/storageAccounts", "sa"),
            "keyVault": id("Microsoft.KeyVault/vaults", "kv"),
            "applicationInsights": id("Microsoft.Insights/components", "ai"),
        },
    })
}

pub fn cluster_body() -> Value {
    json!({
        "location": "westeurope",
        "properties": {
            "computeType": "AmlCompute",
            "properties": { "vmSize": "Standard_DS3_v2", "scaleSettings": { "maxNodeCount": 4 } },
        },
    })
}

pub fn instance_body() -> Value {
    json!({
        "location": "westeurope",
        "properties": { "computeType": "ComputeInstance", "properties": { "vmSize": "Standard_DS3_v2" } },
    })
}

/// The code in an error reply.
pub fn code(reply: &Response) -> String {
    reply.value()["error"]["code"].as_str().unwrap_or("").to_owned()
}

/// The message in an error reply.
pub fn message(reply: &Response) -> String {
    reply.value()["error"]["message"].as_str().unwrap_or("").to_owned()
}
