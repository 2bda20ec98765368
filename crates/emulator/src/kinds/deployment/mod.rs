//! `Microsoft.Resources/deployments`: a template, and the resources it makes over time.
//!
//! In resource groups and subscriptions. A deployment is `Accepted` at once, `Running` from its first turn on, and then
//! `Succeeded`, `Failed` or `Canceled`; its body follows what its clients read (wire-traces §3, §8).

mod engine;
pub(crate) mod operations;
mod request;
mod run;
mod surroundings;
mod view;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::arm::listing;
use crate::arm::operation::{self, Operation};
use crate::error::{ArmError, Reply, method_not_allowed};
use crate::json;
use crate::kinds::{Kind, PLAIN, plain};
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::template::parameters::{self, Parameters};
use crate::template::plan::{self, Planned, Scope};
use crate::template::{Evaluator, Failure};
use crate::time::timing::Work;
use crate::wire::{Method, Response};
use crate::world::{Call, Sender, World};

use request::{Wanted, invalid};
use run::{Run, State, Step, Verb};
use surroundings::Cloud;

pub(crate) const KIND: Kind = Kind {
    resource_type: "Microsoft.Resources/deployments",
    id_type: "Microsoft.Resources/deployments",
    on_any_scope: true,
    tracked: false,
    get,
    list: |world, call, target| listing::collection(world, call, target),
    filters: &[("provisioningstate", "/properties/provisioningState")],
    put,
    patch: |_, _, _| Err(method_not_allowed("PATCH")),
    delete,
    actions: &[("validate", validate), ("whatif", what_if), ("cancel", cancel), ("exporttemplate", export)],
    next: |_, resource| Run::of(resource).and_then(|run| run.wake),
    turn: engine::turn,
    ..PLAIN
};

/// A template that can be deployed, with everything that is known of it beforehand.
struct Prepared {
    parameters: Parameters,
    planned: Vec<Planned>,
    /// The bodies of what is deployed, as far as they can be computed now; by place in `planned`.
    bodies: BTreeMap<usize, Value>,
}

fn get(world: &mut World, call: &Call, target: &Target) -> Reply {
    Ok(Response::json(200, &existing(world, target)?.view(call.now)))
}

/// The deployment a target names, or the 404 of its own.
fn existing<'a>(world: &'a World, target: &Target) -> Result<&'a Resource, ArmError> {
    world.store.get(&target.key()).ok_or_else(|| not_found(target.name()))
}

fn not_found(name: &str) -> ArmError {
    ArmError::gateway(404, "DeploymentNotFound", format!("Deployment '{name}' could not be found."))
}

fn put(world: &mut World, call: &Call, target: &Target) -> Reply {
    let scope = request::scope(target)?;
    let wanted = request::read(call, &scope)?;
    let existing = world.store.get(&target.key()).cloned();
    refuse_active(existing.as_ref(), target.name())?;
    let prepared = prepare(world, &scope, target, &wanted, call.now)?;
    let id = existing.as_ref().map_or_else(|| world.new_id(target), |existing| existing.id.clone());
    let place = id.split('/').skip(3).map(|part| format!("/{part}")).collect::<String>();
    let place = (target.subscription.as_str(), place.as_str());
    let mut operation = Operation::start(world, call, &operation::DEPLOYMENT, place, Timestamp::MAX);
    operation.shows = Some(target.key());
    let run = run_of(world, call, scope, &wanted, &prepared, &operation);
    let mode = if wanted.is_complete { "Complete" } else { "Incremental" };
    let mut body = view::body(&id, target.name(), &run, &prepared.parameters.shown, mode);
    for (key, value) in [("tags", &wanted.tags), ("location", &json!(wanted.location))] {
        if !value.is_null() && value != "" {
            body[key] = value.clone();
        }
    }
    let mut resource = Resource::new(KIND.resource_type, body);
    resource.operation = Some(operation.id.clone());
    run.keep_in(&mut resource);
    world.secrets.insert(resource.key(), prepared.parameters.secure);
    let response = Response::json(if existing.is_some() { 200 } else { 201 }, &resource.body);
    world.put(resource);
    let response = operation.announce(world, call, response);
    world.remember(operation);
    Ok(response)
}

fn run_of(
    world: &mut World,
    call: &Call,
    scope: Scope,
    wanted: &Wanted,
    prepared: &Prepared,
    operation: &Operation,
) -> Run {
    let planned = prepared.planned.iter().cloned();
    let steps = planned.map(|planned| Step::new(planned, Verb::Create, view::operation_id(world))).collect();
    let run = Run {
        scope,
        sender: Sender::of(call),
        template: wanted.template.clone(),
        parameters: BTreeMap::new(),
        secure: Default::default(),
        is_complete: wanted.is_complete,
        started: call.now,
        operation: operation.id.clone(),
        steps,
        wake: Some(call.after(Work::DeploymentStart)),
    };
    run.with_parameters(&prepared.parameters)
}

/// Settles parameters and plans the resources, or says why the template cannot be deployed.
fn prepare(
    world: &mut World,
    scope: &Scope,
    target: &Target,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<Prepared, ArmError> {
    let deployment = json!({
        "name": target.name(),
        "location": wanted.location,
        "properties": { "template": wanted.template, "parameters": wanted.parameters, "provisioningState": "Accepted" },
    });
    let cloud = Cloud { world: world.into(), scope, now, deployment, run: None };
    let refused = |failure: Failure| match failure {
        Failure::Invalid(problem) => invalid(&problem),
        Failure::Later => invalid("a value is asked of a resource that does not stand yet"),
        Failure::Refused(error) => invalid(json::text(&error, "/message")),
    };
    let parameters = parameters::settle(&wanted.template, &wanted.parameters, &cloud).map_err(refused)?;
    let values = parameters.values();
    let evaluator = Evaluator::new(&wanted.template, &values, &cloud);
    let planned = plan::resources(&wanted.template, &evaluator, scope).map_err(refused)?;
    for (name, declaration) in wanted.template["outputs"].as_object().into_iter().flatten() {
        parameters::type_of(&wanted.template, name, declaration).map_err(refused)?;
        let value = declaration.get("value").unwrap_or(&Value::Null);
        let condition =
            declaration.get("condition").map_or(Ok(json!(true)), |condition| evaluator.tree(condition));
        if condition != Ok(json!(false)) {
            evaluator.examine(value).map_err(refused)?;
        }
    }
    let enabled = planned.iter().enumerate().filter(|(_, planned)| planned.enabled);
    let bodies = enabled
        .filter_map(|(index, planned)| Some((index, planned.body(&wanted.template, &evaluator).ok()?)))
        .collect();
    Ok(Prepared { parameters, planned, bodies })
}

fn refuse_active(existing: Option<&Resource>, name: &str) -> Result<(), ArmError> {
    let Some(run) = existing.and_then(Run::of).filter(|run| run.wake.is_some()) else { return Ok(()) };
    let message = format!(
        "Unable to edit or replace deployment '{name}': previous deployment from '{}' is still active. \
         Please see https://aka.ms/arm-deploy for usage details.",
        run.started
    );
    Err(ArmError::gateway(409, "DeploymentActive", message))
}

/// Takes the record away, and nothing that was deployed.
fn delete(world: &mut World, call: &Call, target: &Target) -> Reply {
    let Some(mut resource) = world.store.get(&target.key()).cloned() else {
        return Ok(Response::empty(204));
    };
    refuse_active(Some(&resource), target.name())?;
    let ends_at = call.after(Work::DeploymentDelete);
    let operation = Operation::start(world, call, &operation::GROUP, (&target.subscription, ""), ends_at);
    plain::occupy(&mut resource, &operation, "Deleting");
    resource.gone_at = Some(ends_at);
    world.put(resource);
    let response = operation.announce(world, call, Response::empty(202));
    world.remember(operation);
    Ok(response)
}

fn validate(world: &mut World, call: &Call, target: &Target) -> Reply {
    only_post(call)?;
    let scope = request::scope(target)?;
    let wanted = request::read(call, &scope)?;
    let prepared = prepare(world, &scope, target, &wanted, call.now)?;
    let enabled = prepared.planned.iter().filter(|planned| planned.enabled);
    let id = world.new_id(target);
    let body = json!({
        "id": id,
        "name": target.name(),
        "type": KIND.resource_type,
        "properties": {
            "parameters": prepared.parameters.shown,
            "mode": if wanted.is_complete { "Complete" } else { "Incremental" },
            "provisioningState": "Succeeded",
            "timestamp": call.now.to_string(),
            "duration": "PT0S",
            "correlationId": crate::random::guid_of(&id),
            "validatedResources": enabled.map(|planned| json!({ "id": planned.id })).collect::<Vec<Value>>(),
        },
    });
    Ok(Response::json(200, &body))
}

/// What the deployment would change, answered at once; the specification lets it take its time.
fn what_if(world: &mut World, call: &Call, target: &Target) -> Reply {
    only_post(call)?;
    let scope = request::scope(target)?;
    let wanted = request::read(call, &scope)?;
    let prepared = prepare(world, &scope, target, &wanted, call.now)?;
    let mut changes = Vec::new();
    for (index, planned) in prepared.planned.iter().enumerate().filter(|(_, planned)| planned.enabled) {
        let stands =
            world.store.get(&planned.id.to_ascii_lowercase()).map(|resource| resource.view(call.now));
        // Values that only deployed resources can tell are left out of the prediction.
        let mut after = prepared.bodies.get(&index).cloned().unwrap_or_else(|| json!({}));
        for (key, value) in
            [("id", &planned.id), ("type", &planned.resource_type), ("apiVersion", &planned.api_version)]
        {
            after[key] = json!(value);
        }
        let stands = stands.map(|mut stands| {
            stands["apiVersion"] = json!(planned.api_version);
            stands
        });
        changes.push(view::change(&planned.id, stands.as_ref(), Some(&after), wanted.ids_only));
    }
    if wanted.is_complete {
        let group = scope.id().to_ascii_lowercase();
        let is_planned = |key: &str| {
            let ids = prepared.planned.iter().filter(|planned| planned.enabled);
            ids.map(|planned| planned.id.to_ascii_lowercase())
                .any(|id| id == key || id.starts_with(&format!("{key}/")))
        };
        let extra = world.store.top_level(&group).filter(|resource| {
            !crate::kinds::generic::is_extension(&resource.kind) && !is_planned(&resource.key())
        });
        changes.extend(extra.map(|resource| {
            view::change(&resource.id, Some(&resource.view(call.now)), None, wanted.ids_only)
        }));
    }
    let properties =
        json!({ "correlationId": crate::random::guid_of(&world.new_id(target)), "changes": changes });
    Ok(Response::json(200, &json!({ "status": "Succeeded", "properties": properties })))
}

fn cancel(world: &mut World, call: &Call, target: &Target) -> Reply {
    only_post(call)?;
    let resource = existing(world, target)?.clone();
    let Some(mut run) = Run::of(&resource).filter(|run| run.wake.is_some()) else {
        let state = json::text(&resource.body, "/properties/provisioningState");
        let message = format!(
            "The deployment '{}' cannot be canceled because its provisioning state is '{state}'.",
            target.name()
        );
        return Err(ArmError::gateway(409, "DeploymentCannotBeCancelled", message));
    };
    for step in run.steps.iter_mut().filter(|step| step.state == State::Running) {
        step.state = State::Canceled;
        step.ended = Some(call.now);
    }
    let message = format!("The deployment '{}' was canceled.", target.name());
    let error = json!({ "code": "DeploymentCanceled", "message": message });
    engine::end(world, resource, run, "Canceled", Some(error), call.now);
    Ok(Response::empty(204))
}

fn export(world: &mut World, call: &Call, target: &Target) -> Reply {
    only_post(call)?;
    let run = Run::of(existing(world, target)?).ok_or_else(|| not_found(target.name()))?;
    Ok(Response::json(200, &json!({ "template": run.template })))
}

/// The hash that a deployment of this template shows.
pub(crate) fn template_hash(call: &Call) -> Reply {
    only_post(call)?;
    let template = request::value(call)?;
    let body =
        json!({ "minifiedTemplate": template.to_string(), "templateHash": view::template_hash(&template) });
    Ok(Response::json(200, &body))
}

fn only_post(call: &Call) -> Result<(), ArmError> {
    match call.request.method {
        Method::Post => Ok(()),
        method => Err(method_not_allowed(method.name())),
    }
}
