//! What a request about a deployment says: the template, its parameters, and what to do with the rest of the group.

use serde_json::{Value, json};

use crate::error::{ArmError, bad_content};
use crate::json;
use crate::route::router::{Target, place};
use crate::template::lenient;
use crate::template::plan::Scope;
use crate::world::Call;

/// A request to deploy, to validate or to predict.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) template: Value,
    pub(super) parameters: Value,
    /// Whether what is not in the template goes from the group.
    pub(super) is_complete: bool,
    pub(super) tags: Value,
    /// Of a deployment to a subscription: where its record lies.
    pub(super) location: String,
    /// Whether a prediction is asked for with ids alone.
    pub(super) ids_only: bool,
}

/// Properties that would change what a deployment does, and that the emulator does not have.
const ABSENT: [(&str, &str); 4] = [
    ("/properties/templateLink", "fetches no templates"),
    ("/properties/parametersLink", "fetches no parameters"),
    ("/properties/onErrorDeployment", "does not go back to an earlier deployment"),
    ("/properties/extensionConfigs", "has no extensions"),
];

/// Where a deployment puts its resources: the group or the subscription that it lies in.
pub(super) fn scope(target: &Target) -> Result<Scope, ArmError> {
    let scope = Scope {
        subscription: target.subscription.clone(),
        group: (!target.group.is_empty()).then(|| target.group.clone()),
    };
    if !target.subscription.is_empty() && scope.id().eq_ignore_ascii_case(&target.scope) {
        return Ok(scope);
    }
    let message =
        format!("The emulator deploys to resource groups and subscriptions, not to '{}'.", target.scope);
    Err(ArmError::gateway(400, "InvalidDeploymentScope", message))
}

/// The body of a request, which need not be strict JSON.
pub(super) fn value(call: &Call) -> Result<Value, ArmError> {
    let text = str::from_utf8(&call.request.body)
        .map_err(|_| bad_content("The request content was invalid: it is not UTF-8."))?;
    lenient::parse(text).map_err(|problem| {
        bad_content(format!("The request content was invalid and could not be deserialized: '{problem}'."))
    })
}

/// Reads a request. Bodies of deployments are not always strict JSON.
pub(super) fn read(call: &Call, scope: &Scope) -> Result<Wanted, ArmError> {
    let mut body = value(call)?;
    for (pointer, why) in ABSENT {
        if !json::at(&body, pointer).is_null() {
            let field = pointer.rsplit('/').next().unwrap_or("");
            let message = format!("The deployment has a '{field}', and the emulator {why}.");
            return Err(ArmError::gateway(400, "InvalidDeployment", message).about(field));
        }
    }
    let is_complete = match json::text(&body, "/properties/mode").to_ascii_lowercase().as_str() {
        // ARM wants a mode; what it means to leave it out is not in doubt.
        "incremental" | "" => false,
        "complete" if scope.group.is_some() => true,
        mode => {
            let message = format!("The deployment mode '{mode}' is not valid here.");
            return Err(ArmError::gateway(400, "InvalidDeployment", message).about("mode"));
        }
    };
    let template = json::remove(&mut body, "/properties/template").unwrap_or_default();
    if !template.is_object() {
        return Err(invalid("The deployment has no template."));
    }
    let location = place(json::text(&body, "/location"));
    if scope.group.is_none() && location.is_empty() {
        let message = "The 'location' property is required for a deployment to a subscription.";
        return Err(ArmError::gateway(400, "LocationRequired", message));
    }
    let format = json::text(&body, "/properties/whatIfSettings/resultFormat");
    let ids_only = format.eq_ignore_ascii_case("ResourceIdOnly");
    let parameters = json::remove(&mut body, "/properties/parameters").unwrap_or_default();
    Ok(Wanted {
        template,
        parameters: given(parameters),
        is_complete,
        tags: body["tags"].clone(),
        location,
        ids_only,
    })
}

/// The values themselves, also where a whole parameter file was sent.
fn given(parameters: Value) -> Value {
    let is_file = parameters.get("$schema").is_some() && parameters["parameters"].is_object();
    match (is_file, parameters) {
        (true, file) => file["parameters"].clone(),
        (false, Value::Null) => json!({}),
        (false, parameters) => parameters,
    }
}

/// 400 for a template that cannot be deployed.
pub(super) fn invalid(problem: &str) -> ArmError {
    ArmError::gateway(400, "InvalidTemplate", format!("Deployment template validation failed: '{problem}'."))
}
