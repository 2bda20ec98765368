//! A deployment at work: at each turn it looks at what is under way, begins what is ready, and says when to look again.
//!
//! Each resource goes through the same PUT that a client would send. A step whose resource is busy afterwards is done
//! when the resource is. What does not depend on a failed step goes on; the deployment fails when nothing more can run.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::run::{Run, State, Step, Verb};
use super::surroundings::{Cloud, values};
use super::view;
use crate::error::ArmError;
use crate::json;
use crate::kinds::generic::is_extension;
use crate::store::resource::Resource;
use crate::template::plan::Planned;
use crate::template::{Evaluator, Failure};
use crate::wire::Method;
use crate::world::{Errand, World};

/// Something that ends at a moment is looked at the moment after.
const MOMENT: SignedDuration = SignedDuration::from_millis(1);

/// What became of a request that was answered well.
enum Progress {
    /// Still under way, and to be looked at again then.
    Until(Timestamp),
    Done(Option<Value>),
}

/// Goes on with a deployment.
pub(super) fn turn(world: &mut World, mut resource: Resource) {
    let Some(mut run) = Run::of(&resource) else { return };
    let now = world.time();
    let key = resource.key();
    loop {
        run.wake = None;
        for index in run.running() {
            match progress(world, &run.steps[index], now) {
                Progress::Done(error) => run.steps[index].end(now, error),
                Progress::Until(at) => run.wake = Some(run.wake.map_or(at, |wake| wake.min(at))),
            }
        }
        if let Some(index) = run.ready() {
            begin(world, &key, &resource, &mut run, index, now);
        } else if run.running().is_empty() && !plan_deletions(world, &mut run) {
            return finish(world, resource, run, now);
        } else if run.wake.is_some() {
            break;
        }
    }
    view::refresh(&mut resource, &run, "Running", now);
    run.keep_in(&mut resource);
    world.put(resource);
}

/// Sends the request of a step.
fn begin(world: &mut World, key: &str, resource: &Resource, run: &mut Run, index: usize, now: Timestamp) {
    let planned = run.steps[index].planned.clone();
    run.steps[index].began = Some(now);
    let body = match run.steps[index].verb {
        Verb::Create => body(world, key, resource, run, &planned, now),
        Verb::Delete => Ok(Value::Null),
    };
    let body = match body {
        Ok(body) => body,
        Err(error) => {
            run.steps[index].status = Some(400);
            return run.steps[index].end(now, Some(error));
        }
    };
    let (method, path) = match run.steps[index].verb {
        Verb::Create => (Method::Put, planned.id.clone()),
        Verb::Delete => (Method::Delete, planned.id.clone()),
    };
    let errand = Errand { method, path: &path, api_version: &planned.api_version, body: &body };
    let response = world.run_errand(&errand, &run.sender, now);
    let step = &mut run.steps[index];
    step.status = Some(response.status);
    step.state = State::Running;
    if response.status >= 400 {
        step.end(now, Some(response.value()["error"].clone()));
    }
}

/// What the template says about a resource, now that everything it depends on stands.
fn body(
    world: &mut World,
    key: &str,
    resource: &Resource,
    run: &Run,
    planned: &Planned,
    now: Timestamp,
) -> Result<Value, Value> {
    let parameters = values(world, key, run)?;
    let deployment = view::of_itself(resource, &run.template);
    let cloud = Cloud { world: world.into(), scope: &run.scope, now, deployment, run: Some(run) };
    let evaluator = Evaluator::new(&run.template, &parameters, &cloud);
    planned.body(&run.template, &evaluator).map_err(error_of)
}

/// The error that a failed evaluation leaves.
pub(super) fn error_of(failure: Failure) -> Value {
    match failure {
        Failure::Refused(error) => error,
        Failure::Invalid(problem) => json!({ "code": "InvalidTemplate", "message": problem }),
        Failure::Later => {
            let message = "The template refers to a resource that does not stand yet.";
            json!({ "code": "InvalidTemplate", "message": message })
        }
    }
}

fn progress(world: &World, step: &Step, now: Timestamp) -> Progress {
    let resource = world.store.get(&step.planned.id.to_ascii_lowercase());
    match (step.verb, resource) {
        (_, None) => Progress::Done(None),
        (Verb::Delete, Some(resource)) => {
            let gone_at = resource.gone_at.unwrap_or(now);
            Progress::Until(gone_at.max(now).saturating_add(MOMENT).unwrap_or(Timestamp::MAX))
        }
        (Verb::Create, Some(resource)) => created(world, resource, now),
    }
}

fn created(world: &World, resource: &Resource, now: Timestamp) -> Progress {
    // A nested deployment is not busy; it takes its own turns.
    let nested =
        Run::of(resource).filter(|_| resource.kind == super::KIND.resource_type).and_then(|run| run.wake);
    let until = nested.or(resource.busy_until.filter(|until| now < *until));
    if let Some(until) = until {
        return Progress::Until(until.max(now).saturating_add(MOMENT).unwrap_or(Timestamp::MAX));
    }
    let shown = resource.view(now);
    let state = json::text(&shown, "/properties/provisioningState");
    if !["Failed", "Canceled"].iter().any(|failed| failed.eq_ignore_ascii_case(state)) {
        return Progress::Done(None);
    }
    let operation = resource.operation.as_ref().and_then(|id| world.operations.get(id));
    let inner = operation.and_then(|operation| operation.failure.clone());
    let inner = inner
        .or_else(|| resource.body.pointer("/properties/provisioningErrors/0/error").cloned())
        .or_else(|| resource.body.pointer("/properties/error").cloned());
    let message = format!(
        "The resource write operation failed to complete successfully, because it reached terminal provisioning state '{state}'."
    );
    let mut error = json!({ "code": "ResourceDeploymentFailure", "target": resource.id, "message": message });
    if let Some(inner) = inner {
        error["details"] = json!([inner]);
    }
    Progress::Done(Some(error))
}

/// After everything was created, a complete deployment deletes what its template does not have.
fn plan_deletions(world: &mut World, run: &mut Run) -> bool {
    let is_planned = run.steps.iter().any(|step| step.verb == Verb::Delete);
    if !run.is_complete || is_planned || !run.failures().is_empty() {
        return false;
    }
    let group = run.scope.id().to_ascii_lowercase();
    // A child in the template keeps its parent, and so does what extends it.
    let is_kept = |key: &str| {
        run.steps.iter().any(|step| {
            let id = step.planned.id.to_ascii_lowercase();
            step.state != State::Disabled && (id == key || id.starts_with(&format!("{key}/")))
        })
    };
    let extra: Vec<(String, String)> = world
        .store
        .top_level(&group)
        .filter(|resource| {
            !is_extension(&resource.kind) && !resource.is_leaving() && !is_kept(&resource.key())
        })
        .map(|resource| (resource.id.clone(), resource.kind.clone()))
        .collect();
    for (id, resource_type) in &extra {
        let planned = Planned::found(id, resource_type, "2025-06-01");
        run.steps.push(Step::new(planned, Verb::Delete, view::operation_id(world)));
    }
    !extra.is_empty()
}

/// Computes the outputs, and says how it went.
fn finish(world: &mut World, mut resource: Resource, run: Run, now: Timestamp) {
    let key = resource.key();
    let mut failures = run.failures();
    let mut outputs = json!({});
    if failures.is_empty() {
        match view::outputs(world, &key, &resource, &run, now) {
            Ok(computed) => outputs = computed,
            Err(error) => {
                let message = "The template output evaluation failed.";
                failures.push(json!({ "code": "DeploymentOutputEvaluationFailed", "message": message, "details": [error] }));
            }
        }
    }
    let state = if failures.is_empty() { "Succeeded" } else { "Failed" };
    resource.body["properties"]["outputs"] = outputs;
    let error = (!failures.is_empty()).then(|| {
        let message = "At least one resource deployment operation failed. Please list deployment operations for details. \
                       Please see https://aka.ms/arm-deployment-operations for usage details.";
        let mut error = ArmError::gateway(409, "DeploymentFailed", message).about(&resource.id).body();
        error["details"] = json!(failures);
        error
    });
    end(world, resource, run, state, error, now);
}

/// Ends a deployment: its resource, its operation, and what was kept for it.
pub(super) fn end(
    world: &mut World,
    mut resource: Resource,
    mut run: Run,
    state: &str,
    error: Option<Value>,
    now: Timestamp,
) {
    run.wake = None;
    view::refresh(&mut resource, &run, state, now);
    if let Some(error) = &error {
        json::set(&mut resource.body, "/properties/error", error.clone());
    }
    if let Some(mut operation) = world.operations.get(&run.operation).cloned() {
        operation.ends_at = now;
        operation.is_canceled = state == "Canceled";
        operation.failure = operation.failure.or(error);
        world.remember(operation);
    }
    world.secrets.remove(&resource.key());
    run.keep_in(&mut resource);
    world.put(resource);
}
