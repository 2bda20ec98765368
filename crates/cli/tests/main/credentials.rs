//! Signing in, by the program as users run it: the emulator is the authority as well.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use emulator::{Method, Options};
use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::project::{Project, Said};

const TENANT: &str = "20000000-0000-0000-0000-000000000002";
const CLIENT: &str = "30000000-0000-0000-0000-000000000003";
const CANARY: &str = "c4nary-Cl1ent-Secret";

const GROUND: &str = "kind: resource_group
name: ml
location: westeurope
---
kind: workspace
name: research
resource_group: ml
location: westeurope
";

const INSTANCE: &str = "kind: instance\nname: ci-alice\nworkspace: research\n";

/// Variables of an environment.
type Set<'a> = &'a [(&'a str, &'a str)];

/// Condition after condition must come true within this time.
const PATIENCE: Duration = Duration::from_secs(30);

struct Stage {
    cloud: Cloud,
    project: Project,
}

impl Stage {
    fn new(credential: &str) -> Self {
        let cloud = Cloud::start(Options { https_port: Some(0), ..Options::default() });
        let mut project = Project::empty();
        project.endpoint = Some(cloud.secure_endpoint());
        project.write(
            "plumb.toml",
            &format!("[project]\nname = \"c\"\n\n[cloud]\ncredential = \"{credential}\"\n"),
        );
        project.write("manifests/ground.yaml", GROUND);
        project.write("ca.pem", cloud.authority_pem());
        Self { cloud, project }
    }

    /// A command that signs in at the emulator as an application.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.project.command(args);
        command
            .env("SSL_CERT_FILE", self.project.root.join("ca.pem"))
            .env("AZURE_AUTHORITY_HOST", self.cloud.secure_endpoint())
            .env("AZURE_TENANT_ID", TENANT)
            .env("AZURE_CLIENT_ID", CLIENT)
            .env("AZURE_CLIENT_SECRET", CANARY);
        for name in ["TF_BUILD", "IDENTITY_ENDPOINT", "SYSTEM_OIDCREQUESTURI", "ACTIONS_ID_TOKEN_REQUEST_URL"]
        {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, args: &[&str]) -> Said {
        said(&mut self.command(args))
    }

    fn ok(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert_eq!(said.code, 0, "plumb {}\n{}\n{}", args.join(" "), said.stdout, said.stderr);
        said
    }

    fn set(&self, what: &str, to: Value) {
        self.cloud.control(Method::Post, what, Some(&to));
    }

    /// Requests so far whose path has this in it, and that were answered so.
    fn requests(&self, path: &str, status: u64) -> usize {
        let all = self.cloud.control(Method::Get, "requests", None);
        let meant =
            |r: &&Value| r["path"].as_str().is_some_and(|p| p.contains(path)) && r["status"] == status;
        all["value"].as_array().into_iter().flatten().filter(meant).count()
    }

    fn wait_for(&self, what: &str, is_there: impl Fn() -> bool) {
        let start = Instant::now();
        while !is_there() {
            assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn said(command: &mut Command) -> Said {
    let output = command.output().expect("plumb starts");
    Said {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

const TOKENS: &str = "/oauth2/v2.0/token";
const POLLS: &str = "computeOperationsStatus";

#[test]
fn credentials_sign_in_over_tls_and_say_so() {
    let who = format!("application {CLIENT} of tenant {TENANT}");
    let machine = "of tenant 10000000-0000-0000-0000-000000000001.";
    let stage = Stage::new("auto");
    stage.project.write("federated", "a.token.of-kubernetes");
    let file = stage.project.root.join("federated");
    let identity = format!("{}/msi/token", stage.cloud.secure_endpoint());
    let file = file.to_str().expect("UTF-8");
    let rows: [(&str, Set<'_>, String); 5] = [
        ("auto", &[], format!("Signed in by client-secret, which auto chose: {who}.")),
        ("client-secret", &[], format!("Signed in by client-secret: {who}.")),
        (
            "workload-identity",
            &[("AZURE_FEDERATED_TOKEN_FILE", file)],
            format!("Signed in by workload-identity: {who}."),
        ),
        (
            "workload-identity",
            &[("ARM_OIDC_TOKEN", "a.b.c")],
            format!("Signed in by workload-identity: {who}."),
        ),
        (
            "managed-identity",
            &[("IDENTITY_ENDPOINT", &identity), ("IDENTITY_HEADER", "x")],
            format!("Signed in by managed-identity: application {CLIENT} {machine}"),
        ),
    ];
    for (name, environment, words) in rows {
        let toml = format!("[project]\nname = \"c\"\n[cloud]\ncredential = \"{name}\"\n");
        stage.project.write("plumb.toml", &toml);
        let said = said(stage.command(&["plan"]).envs(environment.iter().copied()));
        assert_eq!(said.code, 0, "{}", said.stderr);
        assert!(said.stderr.contains(&words), "{name}: {}", said.stderr);
    }
}

#[test]
fn the_stream_of_events_tells_who_signed_in() {
    let stage = Stage::new("client-secret");
    let stream = stage.ok(&["apply", "--auto-approve", "--json"]).stdout;
    let events = stream.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let told: Vec<Value> = events.filter(|e| e["plumb"]["signed_in"] == "client-secret").collect();
    assert_eq!(told.len(), 1, "{stream}");
    assert!(told[0]["@message"].as_str().is_some_and(|m| m.contains(CLIENT)));
}

#[test]
fn no_command_shows_a_clients_secret_or_a_token() {
    let stage = Stage::new("client-secret");
    for args in [&["plan"][..], &["apply", "--auto-approve", "--json"], &["drift"]] {
        let said = said(stage.command(args).env("PLUMB_LOG", "trace"));
        assert_eq!(said.code, 0, "{}", said.stderr);
        for text in [said.stdout, said.stderr] {
            assert!(!text.contains(CANARY) && !text.contains("eyJ"), "{args:?}: {text}");
        }
    }
    stage.set("faults", json!({ "path_contains": TOKENS, "times": 9, "status": 400, "body": { "error": "invalid_request", "error_description": format!("AADSTS900144: it said {CANARY}") } }));
    let said = stage.run(&["plan"]);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("AADSTS900144") && !said.stderr.contains(CANARY), "{}", said.stderr);
}

#[test]
fn auto_is_refused_in_ci() {
    let stage = Stage::new("auto");
    stage.project.write("plumb.toml", "[project]\nname = \"c\"\n[cloud]\nendpoint = \"azure\"\nsubscription = \"00000000-0000-0000-0000-000000000001\"\n");
    let mut command = stage.command(&["plan"]);
    let said = said(command.env("CI", "true").env_remove("PLUMB_ENDPOINT"));
    assert_eq!(said.code, 1);
    assert_eq!(
        said.stderr,
        "Error: `credential = \"auto\"` is refused in CI: a run that nobody watches must not pick its own identity\n  \
         put `credential = \"client-secret\"` below [cloud] in plumb.toml, or set PLUMB_CREDENTIAL=client-secret: AZURE_CLIENT_SECRET is set\n"
    );
    assert_eq!(said.stdout, "");
}

#[test]
fn a_run_can_sign_in_otherwise_than_the_project_says() {
    let stage = Stage::new("managed-identity");
    let by_flag = stage.ok(&["plan", "--credential", "client-secret"]);
    assert!(by_flag.stderr.contains("Signed in by client-secret: "), "{}", by_flag.stderr);
    let by_variable = said(stage.command(&["plan"]).env("PLUMB_CREDENTIAL", "auto"));
    assert!(by_variable.stderr.contains("client-secret, which auto chose"), "{}", by_variable.stderr);
    let unknown = stage.run(&["plan", "--credential", "magic"]);
    assert!(
        unknown.stderr.contains("there is no credential named `magic`; say auto, client-secret,"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn a_refused_sign_in_says_what_to_do_and_what_support_asks_for() {
    let stage = Stage::new("client-secret");
    let body = json!({
        "error": "invalid_client",
        "error_description": "AADSTS7000222: The provided client secret keys are expired.",
        "error_codes": [7_000_222],
        "trace_id": "the-trace",
        "correlation_id": "the-correlation",
    });
    stage.set("faults", json!({ "path_contains": TOKENS, "times": 9, "status": 401, "body": body }));
    let said = stage.run(&["plan"]);
    assert_eq!(said.code, 1);
    for words in [
        "no token: client-secret: 127.0.0.1 answered 401: AADSTS7000222: The provided client secret keys are expired.",
        "Entra trace id: the-trace",
        "Entra correlation id: the-correlation",
        "make a new one, or federate the identity",
    ] {
        assert!(said.stderr.contains(words), "{words}: {}", said.stderr);
    }
    assert_eq!(stage.requests(TOKENS, 401), 1, "all tasks share one refusal");
}

#[test]
fn where_nothing_is_announced_on_this_machine_that_is_said() {
    let stage = Stage::new("auto");
    let said = said(stage.command(&["plan"]).env_remove("AZURE_CLIENT_SECRET"));
    assert_eq!(said.code, 1);
    assert!(
        said.stderr.contains("nothing that could sign in did") && said.stderr.contains("az login"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_challenge_is_answered_and_a_wrong_clock_is_named() {
    let stage = Stage::new("client-secret");
    stage.set("faults", json!({ "fault": "401-claims", "times": 1 }));
    stage.ok(&["plan"]);
    assert!(stage.requests("resourcegroups", 401) + stage.requests("resourceGroups", 401) >= 1);
    assert_eq!(stage.requests(TOKENS, 200), 2);
    stage.set("faults", json!({ "fault": "clock-skew", "times": 9 }));
    let said = stage.run(&["plan"]);
    assert!(said.stderr.contains("This machine's clock is"), "{}", said.stderr);
}

/// The ground is there, time stands still, and an instance is on its way.
fn under_way(stage: &Stage) -> std::process::Child {
    stage.ok(&["apply", "--auto-approve"]);
    stage.project.write("manifests/instance.yaml", INSTANCE);
    stage.set("clock", json!({ "speed": 0.0 }));
    let before = stage.requests(POLLS, 200);
    let run = stage
        .command(&["apply", "--auto-approve"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("plumb starts");
    stage.wait_for("a poll", || stage.requests(POLLS, 200) > before);
    run
}

fn ended(run: std::process::Child) -> Said {
    let output = run.wait_with_output().expect("it ends");
    Said {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn created(stage: &Stage) -> usize {
    let all = stage.cloud.control(Method::Get, "requests", None);
    let puts = |r: &&Value| {
        r["method"] == "PUT" && r["path"].as_str().is_some_and(|p| p.ends_with("/computes/ci-alice"))
    };
    all["value"].as_array().into_iter().flatten().filter(puts).count()
}

#[test]
fn a_token_that_ends_in_the_middle_of_an_operation_is_renewed() {
    let stage = Stage::new("client-secret");
    let run = under_way(&stage);
    let tokens = stage.requests(TOKENS, 200);
    // Refused at once, and from then on short of life.
    stage.set("tokens", json!({ "revoke": true, "lifetime_seconds": 2 }));
    stage.wait_for("a new token", || stage.requests(TOKENS, 200) > tokens);
    let polls = stage.requests(POLLS, 200);
    stage.wait_for("a poll with it", || stage.requests(POLLS, 200) > polls);
    stage.wait_for("an early renewal", || stage.requests(TOKENS, 200) > tokens + 1);
    stage.set("clock", json!({ "speed": 2000.0 }));
    let said = ended(run);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    assert_eq!(stage.requests(POLLS, 401), 1, "only the revoked one was refused");
    assert_eq!(created(&stage), 1);
    stage.ok(&["plan", "--detailed-exitcode"]);
}

#[test]
fn a_dead_token_leaves_the_operation_to_the_next_run() {
    let stage = Stage::new("client-secret");
    let run = under_way(&stage);
    let gone = json!({ "error_codes": [7_000_222], "error_description": "AADSTS7000222: expired" });
    stage.set("faults", json!({ "path_contains": TOKENS, "times": 1000, "status": 401, "body": gone }));
    stage.set("tokens", json!({ "revoke": true }));
    let said = ended(run);
    assert_eq!(said.code, 1, "{}{}", said.stdout, said.stderr);
    assert!(said.stderr.contains("AADSTS7000222: expired"), "{}", said.stderr);

    stage.cloud.control(Method::Delete, "faults", None);
    stage.set("clock", json!({ "speed": 2000.0 }));
    let next = stage.ok(&["apply", "--auto-approve"]);
    assert!(next.stderr.contains("Recovered: instance/research/ci-alice"), "{}", next.stderr);
    assert_eq!(created(&stage), 1, "it was not asked for again");
    stage.ok(&["plan", "--detailed-exitcode"]);
}
