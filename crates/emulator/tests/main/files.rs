//! The data plane of file shares: who is let in, what can be done, and what instances run and write there.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use emulator::{DEFAULT_TOKEN, Emulator, Method, Options, Request, Response};
use serde_json::{Value, json};

use crate::support::{Cloud, GROUP, compute, instance_body, request, workspace, workspace_body};

fn account() -> String {
    format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/sa1")
}

/// A workspace with a storage account that is there, the path of its share, and a key.
struct Share {
    cloud: Cloud,
    url: String,
    key: String,
}

impl Share {
    fn new(options: Options) -> Share {
        let mut cloud = Cloud::new(options);
        cloud.put(GROUP, &json!({ "location": "westeurope" }));
        cloud.put(
            &account(),
            &json!({ "location": "westeurope", "kind": "StorageV2", "sku": { "name": "Standard_LRS" } }),
        );
        cloud.pass(60);
        let mut body = workspace_body();
        body["properties"]["storageAccount"] = json!(account());
        cloud.put(&workspace(), &body);
        cloud.pass(60);
        let store = cloud.get(&format!("{}/datastores/workspaceworkingdirectory", workspace())).value();
        let store = &store["properties"];
        assert_eq!((&store["datastoreType"], &store["accountName"]), (&json!("AzureFile"), &json!("sa1")));
        let url = format!("/_files/sa1/{}", store["fileShareName"].as_str().unwrap());
        let key = cloud.post(&format!("{}/listKeys", account()), None).value()["keys"][0]["value"].clone();
        Share { cloud, url, key: key.as_str().unwrap().to_owned() }
    }

    /// A request as an owner of the key sends it.
    fn asked(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Request {
        let mut request = plain(&self.cloud, method, &format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.body = body.to_vec();
        if !body.is_empty() {
            request = request.header("content-length", &body.len().to_string());
        }
        let authorization = signed(&request, "sa1", &self.key);
        request.header("authorization", &authorization)
    }

    fn send(&mut self, method: Method, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let request = self.asked(method, path, headers, body);
        self.cloud.send(&request)
    }

    fn upload(&mut self, path: &str, text: &str) {
        let (length, range) = (text.len().to_string(), format!("bytes=0-{}", text.len() - 1));
        let made =
            self.send(Method::Put, path, &[("x-ms-type", "file"), ("x-ms-content-length", &length)], b"");
        assert_eq!((made.status, code(&made)), (201, ""));
        let headers = [("x-ms-write", "update"), ("x-ms-range", range.as_str())];
        assert_eq!(
            self.send(Method::Put, &format!("{path}?comp=range"), &headers, text.as_bytes()).status,
            201
        );
    }

    fn make_folder(&mut self, path: &str) -> u16 {
        self.send(Method::Put, &format!("{path}?restype=directory"), &[], b"").status
    }

    fn names(&mut self, path: &str) -> Vec<String> {
        let reply = self.send(Method::Get, &format!("{path}?restype=directory&comp=list"), &[], b"");
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        let text = String::from_utf8(reply.body).unwrap();
        text.split("<Name>").skip(1).map(|rest| rest.split("</Name>").next().unwrap().to_owned()).collect()
    }
}

fn plain(cloud: &Cloud, method: Method, target: &str) -> Request {
    Request::new(method, target)
        .header("host", "127.0.0.1")
        .header("x-ms-version", "2024-05-04")
        .header("x-ms-date", &cloud.now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

/// The reference's own recipe, once more: nothing of it is the emulator's.
fn signed(request: &Request, account: &str, key: &str) -> String {
    let value = |name: &str| request.header_value(name).unwrap_or_default();
    let mut text = format!("{}\n\n\n{}\n", request.method.name(), value("content-length"));
    text.push_str("\n\n\n\n\n\n\n");
    text.push_str(&format!("{}\n", value("range")));
    for (name, value) in request.headers.iter().filter(|(name, _)| name.starts_with("x-ms-")) {
        text.push_str(&format!("{name}:{value}\n"));
    }
    text.push_str(&format!("/{account}{}", request.path));
    let mut query: Vec<&str> = request.query.split('&').filter(|part| !part.is_empty()).collect();
    query.sort_unstable();
    query.iter().for_each(|part| text.push_str(&format!("\n{}", part.replacen('=', ":", 1))));
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(key).unwrap());
    format!("SharedKey {account}:{}", STANDARD.encode(hmac::sign(&key, text.as_bytes())))
}

fn code(response: &Response) -> &str {
    response.header("x-ms-error-code").unwrap_or_default()
}

#[test]
fn only_who_signs_with_the_key_of_the_account_is_let_in() {
    let mut share = Share::new(Options::default());
    assert_eq!(share.names(""), Vec::<String>::new());
    let good = share.asked(Method::Get, "?restype=directory&comp=list", &[], b"");
    let renamed = good.clone().header("x-ms-date", "Sat, 21 Nov 2026 08:02:01 GMT");
    let elsewhere = Request { query: "restype=directory&comp=list&prefix=a".to_owned(), ..good.clone() };
    let other_key =
        good.clone().header("authorization", &signed(&good, "sa1", &STANDARD.encode("another key")));
    let nobody = plain(&share.cloud, Method::Get, &format!("{}?restype=directory&comp=list", share.url));
    for (request, status, expected) in [
        (&good, 200, ""),
        (&renamed, 403, "AuthenticationFailed"),
        (&elsewhere, 403, "AuthenticationFailed"),
        (&other_key, 403, "AuthenticationFailed"),
        (&nobody, 401, "NoAuthenticationInformation"),
    ] {
        let reply = share.cloud.send(request);
        assert_eq!((reply.status, code(&reply)), (status, expected));
    }
    share.cloud.pass(16 * 60);
    let reply = share.cloud.send(&good);
    assert_eq!((reply.status, code(&reply)), (403, "AuthenticationFailed"), "it is too old");
    assert_eq!(share.names("").len(), 0);
    let renewed = json!({ "keyName": "key1" });
    share.cloud.post(&format!("{}/regenerateKey", account()), Some(&renewed));
    let reply = share.send(Method::Get, "?restype=directory&comp=list", &[], b"");
    assert_eq!((reply.status, code(&reply)), (403, "AuthenticationFailed"), "the key is another now");
}

#[test]
fn an_account_without_keys_takes_tokens_of_those_who_may() {
    let mut share = Share::new(Options::default());
    share.cloud.patch(&account(), &json!({ "properties": { "allowSharedKeyAccess": false } }));
    let reply = share.send(Method::Get, "?restype=directory&comp=list", &[], b"");
    assert_eq!((reply.status, code(&reply)), (403, "KeyBasedAuthenticationNotPermitted"));
    let url = format!("{}?restype=directory&comp=list", share.url);
    let token =
        plain(&share.cloud, Method::Get, &url).header("authorization", &format!("Bearer {DEFAULT_TOKEN}"));
    let reply = share.cloud.send(&token);
    assert_eq!((reply.status, code(&reply)), (400, "MissingRequiredHeader"));
    let backup = token.header("x-ms-file-request-intent", "backup");
    assert_eq!(share.cloud.send(&backup).status, 200);
    let bad = backup.clone().header("authorization", "Bearer no-token-of-ours");
    assert_eq!(share.cloud.send(&bad).status, 401);
    let denial = json!({ "action": "*/readFileBackupSemantics/action" });
    share.cloud.control(Method::Post, "denials", &denial);
    let reply = share.cloud.send(&backup);
    assert_eq!((reply.status, code(&reply)), (403, "AuthorizationPermissionMismatch"));
}

#[test]
fn files_lie_in_folders_that_are_there_and_are_written_range_by_range() {
    let mut share = Share::new(Options::default());
    let file = [("x-ms-type", "file"), ("x-ms-content-length", "6")];
    let early = share.send(Method::Put, "/plumb/a.sh", &file, b"");
    assert_eq!((early.status, code(&early)), (404, "ParentNotFound"));
    assert_eq!(share.make_folder("/plumb/deep"), 404);
    assert_eq!(
        (share.make_folder("/plumb"), share.make_folder("/Plumb"), share.make_folder("/plumb/deep")),
        (201, 409, 201)
    );
    assert_eq!(share.send(Method::Put, "/plumb/a.sh", &file, b"").status, 201);
    let range = |range| [("x-ms-write", "update"), ("x-ms-range", range)];
    let target = "/plumb/a.sh?comp=range";
    assert_eq!(share.send(Method::Put, target, &range("bytes=0-2"), b"abc").status, 201);
    assert_eq!(share.send(Method::Get, "/PLUMB/A.SH", &[], b"").body, b"abc\0\0\0");
    assert_eq!(share.send(Method::Put, target, &range("bytes=3-5"), b"def").status, 201);
    let beyond = share.send(Method::Put, target, &range("bytes=4-6"), b"xyz");
    assert_eq!((beyond.status, code(&beyond)), (416, "InvalidRange"));
    assert_eq!(share.send(Method::Put, target, &range("bytes=0-1"), b"xyz").status, 400);
    let part = share.send(Method::Get, "/plumb/a.sh", &[("x-ms-range", "bytes=4-100")], b"");
    assert_eq!(
        (part.status, part.header("content-range"), &part.body[..]),
        (206, Some("bytes 4-5/6"), &b"ef"[..])
    );
    let head = share.send(Method::Head, "/plumb/a.sh", &[], b"");
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("6"), 0));
    assert_eq!(share.names("/plumb"), ["a.sh", "deep"]);
    let full = share.send(Method::Delete, "/plumb?restype=directory", &[], b"");
    assert_eq!((full.status, code(&full)), (409, "DirectoryNotEmpty"));
    assert_eq!(share.send(Method::Delete, "/plumb/a.sh", &[], b"").status, 202);
    let gone = share.send(Method::Get, "/plumb/a.sh", &[], b"");
    assert_eq!((gone.status, code(&gone)), (404, "ResourceNotFound"));
    assert!(String::from_utf8(gone.body).unwrap().contains("<Code>ResourceNotFound</Code>"));
    share.url.push('x');
    let other = share.send(Method::Get, "/plumb", &[], b"");
    assert_eq!((other.status, code(&other)), (404, "ShareNotFound"));
}

#[test]
fn more_than_four_mebibytes_are_no_range() {
    let mut share = Share::new(Options::default());
    let length = ((4 << 20) + 1).to_string();
    share.send(Method::Put, "/big", &[("x-ms-type", "file"), ("x-ms-content-length", &length)], b"");
    let headers = [("x-ms-write", "update"), ("x-ms-range", "bytes=0-4194304")];
    let reply = share.send(Method::Put, "/big?comp=range", &headers, &vec![b'x'; (4 << 20) + 1]);
    assert_eq!((reply.status, code(&reply)), (413, "RequestBodyTooLarge"));
}

#[test]
fn an_instance_runs_what_is_on_the_share_and_writes_its_log_there() {
    let mut share = Share::new(Options::default());
    share.make_folder("/plumb");
    share.upload("/plumb/good.sh", "echo hello\n");
    let script =
        |path: &str| json!({ "creationScript": { "scriptSource": "workspaceStorage", "scriptData": path } });
    for (name, path, state) in
        [("ci-a", "plumb/good.sh", "Running"), ("ci-b", "plumb/missing.sh", "UserSetupFailed")]
    {
        let mut body: Value = instance_body();
        body["properties"]["properties"]["setupScripts"] = json!({ "scripts": script(path) });
        assert_eq!(share.cloud.put(&compute(name), &body).status, 201);
        share.cloud.pass(600);
        assert_eq!(
            share.cloud.get(&compute(name)).value()["properties"]["properties"]["state"],
            state,
            "{path}"
        );
    }
    assert_eq!(share.names("/Logs"), ["ci-a", "ci-b"]);
    let logs = share.names("/Logs/ci-a");
    let log = share.send(Method::Get, &format!("/Logs/ci-a/{}", logs[0]), &[], b"");
    assert_eq!((logs.len(), &log.body[..]), (1, &b"hello\n"[..]));
}

#[test]
fn what_is_on_a_share_is_there_when_the_cloud_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        Options { cloud_file: Some(folder.path().join("cloud.json")), speed: 0.0, ..Options::default() };
    let emulator = Emulator::open(options.clone()).unwrap();
    let put = |target: &str, body: &Value| emulator.handle(&request(Method::Put, target).json(body)).status;
    put(GROUP, &json!({ "location": "westeurope" }));
    put(
        &account(),
        &json!({ "location": "westeurope", "kind": "StorageV2", "sku": { "name": "Standard_LRS" } }),
    );
    let share = format!("{}/fileServices/default/shares/kept", account());
    assert_eq!(put(&share, &json!({ "properties": {} })), 201);
    let ask = |emulator: &Emulator, method, target: &str, headers: &[(&str, &str)], body: &[u8]| {
        let mut request = Request::new(method, &format!("/_files/sa1/kept/{target}"))
            .header("host", "127.0.0.1")
            .header("x-ms-version", "2024-05-04")
            .header("x-ms-file-request-intent", "backup")
            .header("authorization", &format!("Bearer {DEFAULT_TOKEN}"));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.body = body.to_vec();
        emulator.handle(&request)
    };
    for name in ["a.sh", "b.sh"] {
        let file = [("x-ms-type", "file"), ("x-ms-content-length", "3")];
        assert_eq!(ask(&emulator, Method::Put, name, &file, b"").status, 201);
    }
    let range = [("x-ms-write", "update"), ("x-ms-range", "bytes=0-2")];
    assert_eq!(ask(&emulator, Method::Put, "a.sh?comp=range", &range, b"abc").status, 201);
    assert_eq!(ask(&emulator, Method::Delete, "b.sh", &[], b"").status, 202);
    drop(emulator);
    let emulator = Emulator::open(options).unwrap();
    assert_eq!(ask(&emulator, Method::Get, "a.sh", &[], b"").body, b"abc");
    assert_eq!(ask(&emulator, Method::Get, "b.sh", &[], b"").status, 404);
}
