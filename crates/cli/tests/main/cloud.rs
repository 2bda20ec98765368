//! An emulator in the test's own process, so that requests can be looked at and the cloud be changed.

use emulator::{DEFAULT_TOKEN, Emulator, Method, Options, Request, Running};
use serde_json::Value;
use tokio::runtime::Runtime;

/// A pretend Azure that a test owns.
pub struct Cloud {
    running: Option<Running>,
    runtime: Runtime,
    seen: usize,
}

/// Time goes so much faster in tests: an instance is there in a tenth of a second.
const SPEED: f64 = 2000.0;

impl Cloud {
    pub fn start(options: Options) -> Self {
        // A day takes 43 seconds: no schedule or idle time is to come between two commands.
        Self::as_asked(Options { speed: SPEED, background: false, ..options })
    }

    /// The same as it is asked for.
    pub fn as_asked(options: Options) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let running = runtime.block_on(Emulator::start(options)).expect("the emulator starts");
        Self { running: Some(running), runtime, seen: 0 }
    }

    pub fn endpoint(&self) -> String {
        self.running().endpoint()
    }

    /// Where it speaks HTTPS, for a cloud started with a port for it.
    pub fn secure_endpoint(&self) -> String {
        format!("https://{}", self.running().secure.as_ref().expect("an HTTPS port").address)
    }

    /// The certificate to trust there.
    pub fn authority_pem(&self) -> &str {
        &self.running().secure.as_ref().expect("an HTTPS port").authority_pem
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("it runs until it is dropped")
    }

    /// A control request; its answer.
    pub fn control(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let mut request = Request::new(method, &format!("/_emulator/{path}"))
            .header("host", "127.0.0.1")
            .header("x-emulator-token", &self.running().control_token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = self.running().emulator.handle(&request);
        assert!(response.status < 300, "{path}: {}", String::from_utf8_lossy(&response.body));
        serde_json::from_slice(&response.body).unwrap_or(Value::Null)
    }

    /// What stands at a path, read as Azure's clients do.
    pub fn read(&self, path: &str) -> Value {
        let request = Request::new(Method::Get, &format!("{path}?api-version=2025-06-01"))
            .header("host", "127.0.0.1")
            .header("authorization", &format!("Bearer {}", self.running().token));
        serde_json::from_slice(&self.running().emulator.handle(&request).body).unwrap_or(Value::Null)
    }

    /// Somebody else's PUT, which must be taken.
    pub fn put(&self, id: &str, version: &str, body: &Value) {
        let request = Request::new(Method::Put, &format!("{id}?api-version={version}"))
            .header("host", "127.0.0.1")
            .header("authorization", &format!("Bearer {DEFAULT_TOKEN}"))
            .json(body);
        let response = self.running().emulator.handle(&request);
        assert!(response.status < 300, "{id}: {}", String::from_utf8_lossy(&response.body));
    }

    /// Somebody else's POST, which must be taken; its answer.
    pub fn post(&self, path: &str, version: &str, body: &Value) -> Value {
        let request = Request::new(Method::Post, &format!("{path}?api-version={version}"))
            .header("host", "127.0.0.1")
            .header("authorization", &format!("Bearer {DEFAULT_TOKEN}"))
            .json(body);
        let response = self.running().emulator.handle(&request);
        assert!(response.status < 300, "{path}: {}", String::from_utf8_lossy(&response.body));
        serde_json::from_slice(&response.body).unwrap_or(Value::Null)
    }

    /// Somebody else's doing on the file share of a workspace: a file with this text, or none. Its folder must be there.
    pub fn share(&self, workspace: &str, path: &str, text: Option<&str>) {
        let store = self.read(&format!("{workspace}/datastores/workspaceworkingdirectory"));
        let name = |key: &str| store["properties"][key].as_str().expect("a datastore has names").to_owned();
        let url = format!("/_files/{}/{}/{path}", name("accountName"), name("fileShareName"));
        let send = |method, query: &str, headers: &[(&str, &str)], body: &str| {
            let mut request = Request::new(method, &format!("{url}{query}"))
                .header("host", "127.0.0.1")
                .header("x-ms-version", "2024-05-04")
                .header("x-ms-file-request-intent", "backup")
                .header("authorization", &format!("Bearer {DEFAULT_TOKEN}"));
            for (name, value) in headers {
                request = request.header(name, value);
            }
            request.body = body.as_bytes().to_vec();
            let response = self.running().emulator.handle(&request);
            assert!(response.status < 300, "{path}: {}", String::from_utf8_lossy(&response.body));
        };
        let Some(text) = text else { return send(Method::Delete, "", &[], "") };
        let (length, range) = (text.len().to_string(), format!("bytes=0-{}", text.len() - 1));
        send(Method::Put, "", &[("x-ms-type", "file"), ("x-ms-content-length", &length)], "");
        send(Method::Put, "?comp=range", &[("x-ms-write", "update"), ("x-ms-range", &range)], text);
    }

    /// Requests since the last call.
    pub fn new_requests(&mut self) -> Vec<Value> {
        let all = self.control(Method::Get, "requests", None);
        let all = all["value"].as_array().cloned().unwrap_or_default();
        let new = all[self.seen.min(all.len())..].to_vec();
        self.seen = all.len();
        new
    }
}

/// Whether a request changes something: a question about a name is a POST and does not.
pub fn is_write(request: &Value) -> bool {
    let path = request["path"].as_str().unwrap_or_default();
    !["GET", "HEAD"].iter().any(|method| request["method"] == *method)
        && !path.ends_with("/checkNameAvailability")
}

impl Drop for Cloud {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            // The test is over; how the server ends does not matter to it.
            _ = self.runtime.block_on(running.stop());
        }
    }
}
