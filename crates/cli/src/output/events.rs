//! The events of an apply as Terraform's `-json` stream: one object a line.

use executor::{Applied, Event, Failure};
use jiff::Timestamp;
use model::Json;
use planner::entry::stored_output;
use planner::render::change_json;
use planner::{Action, Counts, Plan, Shown, Verb};
use serde_json::json;

/// A line of the stream.
fn line(level: &str, kind: &str, message: &str, more: Json) -> String {
    let mut value = json!({
        "@level": level,
        "@message": message,
        "@module": "plumb.ui",
        "@timestamp": Timestamp::now().to_string(),
        "type": kind,
    });
    if let (Some(object), Json::Object(more)) = (value.as_object_mut(), more) {
        object.extend(more);
    }
    format!("{value}\n")
}

/// The first line.
pub fn version() -> String {
    let version = env!("CARGO_PKG_VERSION");
    line("info", "version", &format!("plumb {version}"), json!({ "plumb": version, "ui": "1.2" }))
}

/// The plan: a line for each change, then the summary.
pub fn planned(plan: &Plan) -> String {
    let changes = plan.changes.iter().filter(|c| c.action != Action::NoOp);
    let mut out: String = changes
        .map(|change| {
            let value = change_json(change);
            let hook = json!({
                "change": {
                    "resource": resource(change.address.as_str(), change.kind.name),
                    "action": action_word(change.action),
                    "actions": value["change"]["actions"],
                },
            });
            line(
                "info",
                "planned_change",
                &format!("{}: plan to {}", change.address, action_word(change.action)),
                hook,
            )
        })
        .collect();
    let counts = plan.counts();
    out.push_str(&summary(counts, "plan", &format!("Plan: {}.", counts.planned())));
    out
}

/// A diagnostic of the manifests or of the plan.
pub fn diagnostic(value: &Json) -> String {
    let level = if value["severity"] == "error" { "error" } else { "warn" };
    let summary = value["summary"].as_str().unwrap_or_default();
    line(level, "diagnostic", summary, json!({ "diagnostic": value }))
}

fn summary(counts: Counts, operation: &str, words: &str) -> String {
    let changes = json!({
        "changes": {
            "add": counts.add, "change": counts.change, "import": counts.import, "remove": counts.destroy,
            "forget": counts.forget,
            "operation": operation,
        },
    });
    line("info", "change_summary", words, changes)
}

/// One event; none for those that the stream has no line for.
pub fn event(event: &Event, elapsed: u64) -> Option<String> {
    let hook = |address: &model::Address, verb: &Verb| json!({ "hook": { "resource": resource(address.as_str(), address.kind()), "action": verb.word(), "elapsed_seconds": elapsed } });
    Some(match event {
        Event::RefreshStart(count) => {
            line("info", "refresh_start", &format!("reading {count} resources"), json!({}))
        }
        Event::RefreshComplete => line("info", "refresh_complete", "read", json!({})),
        Event::SignedIn { words, credential } => {
            line("info", "log", words, json!({ "plumb": { "signed_in": credential } }))
        }
        Event::LooksAgain { count, after } => {
            let words = format!("{count} steps of a killed run do not show in the cloud; looking again");
            let more = json!({ "steps": count, "after_seconds": after.as_secs() });
            line("info", "log", &words, json!({ "plumb": { "looks_again": more } }))
        }
        Event::Recovered { address, words } => {
            line("warn", "log", &format!("{address} {words}"), json!({ "plumb": { "recovered": address } }))
        }
        Event::StepStart { address, verb } => {
            line("info", "apply_start", &format!("{address}: {}...", verb.word()), hook(address, verb))
        }
        Event::StepDone { address, verb, arm_id } => {
            let mut more = hook(address, verb);
            more["hook"]["id_key"] = json!("id");
            more["hook"]["id_value"] = json!(arm_id);
            line(
                "info",
                "apply_complete",
                &format!("{address}: {} complete after {elapsed}s", verb.word()),
                more,
            )
        }
        Event::StepFailed { address, verb, source, failure } => {
            let mut more = hook(address, verb);
            more["diagnostic"] = failed(address, source, failure);
            let words = format!("{address}: {} failed: {}", verb.word(), failure.words);
            line("error", "apply_errored", &words, more)
        }
        Event::Skipped { address, verb, because } => line(
            "warn",
            "log",
            &format!("{address}: {} skipped: {because}", verb.word()),
            hook(address, verb),
        ),
        Event::Stopping(count) => {
            line("warn", "log", &format!("stopping; {count} steps are in flight"), json!({}))
        }
    })
}

/// A failure in the shape of Terraform's diagnostics; what a program wants to read goes under `plumb`.
fn failed(address: &model::Address, source: &str, failure: &Failure) -> Json {
    let facts: serde_json::Map<String, Json> =
        failure.facts.iter().map(|(label, value)| ((*label).to_owned(), json!(value))).collect();
    let ids: serde_json::Map<String, Json> =
        failure.request_ids.iter().map(|(name, id)| (name.clone(), json!(id))).collect();
    json!({
        "severity": "error",
        "summary": failure.words,
        "detail": failure.advice.as_deref().unwrap_or_default(),
        "address": address,
        "plumb": {
            "source": source, "status": failure.status, "code": failure.code, "facts": facts, "request_ids": ids,
            "log": failure.log.as_ref().map(|log| json!({ "path": log.path, "lines": log.lines })),
        },
    })
}

/// What a run that was asked to stop waits for.
pub fn waiting(words: &str) -> String {
    line("warn", "log", words, json!({}))
}

/// A heartbeat for a step in flight.
pub fn progress(address: &model::Address, verb: Verb, elapsed: u64) -> String {
    let hook = json!({ "hook": { "resource": resource(address.as_str(), address.kind()), "action": verb.word(), "elapsed_seconds": elapsed } });
    line(
        "info",
        "apply_progress",
        &format!("{address}: still at it ({})... [{elapsed}s elapsed]", verb.word()),
        hook,
    )
}

/// The last lines: what is done, and the outputs.
pub fn applied(plan: &Plan, applied: &Applied, destroy: bool) -> String {
    let undone = applied.undone();
    let counts = plan.counts_of(|change| !undone.contains(&change.address));
    let end = if applied.is_complete() { "complete!" } else { "incomplete:" };
    let (operation, words) = match destroy {
        true => ("destroy", format!("Destroy {end} Resources: {}.", counts.gone())),
        false => ("apply", format!("Apply {end} Resources: {}.", counts.done())),
    };
    let outputs: serde_json::Map<String, Json> =
        applied.snapshot.outputs.iter().map(|(name, value)| (name.clone(), output(value))).collect();
    let outputs =
        line("info", "outputs", &format!("Outputs: {}", outputs.len()), json!({ "outputs": outputs }));
    format!("{}{outputs}", summary(counts, operation, &words))
}

fn output(value: &Json) -> Json {
    match stored_output(value) {
        Shown::Known(value) => json!({ "sensitive": false, "value": value }),
        _ => json!({ "sensitive": true }),
    }
}

fn resource(address: &str, kind: &str) -> Json {
    let parsed = model::Address::parse(address);
    json!({
        "addr": address,
        "module": parsed.as_ref().map_or("", |a| a.uses().trim_end_matches('/')),
        "resource": address,
        "implied_provider": "plumb",
        "resource_type": kind,
        "resource_name": parsed.as_ref().map(model::Address::id),
        "resource_key": parsed.as_ref().and_then(model::Address::key),
    })
}

fn action_word(action: Action) -> &'static str {
    match action {
        Action::NoOp => "noop",
        Action::Create => "create",
        Action::Update | Action::Start | Action::Stop | Action::Restart => "update",
        Action::Replace { .. } => "replace",
        Action::Delete => "delete",
        Action::Adopt => "import",
        Action::Forget => "forget",
        Action::Move => "move",
    }
}
