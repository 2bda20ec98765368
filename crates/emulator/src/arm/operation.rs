//! Long-running operations: how they are announced, and what their status URLs answer.
//!
//! An operation does nothing itself; the resource it concerns holds the phases. It only knows when it ends and how.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{ArmError, Reply, operation_not_found};
use crate::time::timing::Work;
use crate::wire::Response;
use crate::world::{Call, World};

/// A running or finished operation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) ends_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    /// The error inside one that does not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<Value>,
    /// Whether such a one is canceled rather than failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_canceled: bool,
    /// Path and query of its URLs as handed out; a client must send back exactly these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location_url: Option<String>,
    /// The body that `Location` finally answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) result: Option<Value>,
    /// The key of the resource that `Location` finally shows; none answers with `location_status` alone. An operation
    /// whose end is open ends with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shows: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) location_status: Option<u16>,
    /// The key of its resource in the words of a provider that tells it (`Style::names_resource`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_key: Option<String>,
}

/// How a provider announces its operations.
pub(crate) struct Style {
    /// The path below the subscription.
    path: &'static str,
    /// The query of `Azure-AsyncOperation`, if that header is sent.
    status: Option<&'static str>,
    /// The query of `Location`, if that header is sent.
    location: Option<&'static str>,
    /// Another path for `Location`.
    results: Option<&'static str>,
    /// Whether its URLs are signed.
    is_signed: bool,
    /// Whether its status is told in full: id, name, times, and the key of the resource.
    pub(crate) names_resource: bool,
}

const PLAIN: Style =
    Style { path: "", status: None, location: None, results: None, is_signed: true, names_resource: false };

/// Work that a request only begins, and how its provider tells when it is done.
#[derive(Clone, Copy)]
pub(crate) struct Long {
    pub(crate) style: &'static Style,
    pub(crate) work: Work,
    /// The provisioning state that a new resource shows meanwhile.
    pub(crate) creating: &'static str,
}

const SIGNATURE: &str = "&t={time}&c={certificate}&s={signature}&h={hash}";

/// Computes send `Azure-AsyncOperation` alone, signed, on every write.
pub(crate) const COMPUTE: Style = Style {
    path: "/providers/Microsoft.MachineLearningServices/locations/{location}/computeOperationsStatus/",
    status: Some("api-version={version}&service=new"),
    ..PLAIN
};

/// The preview action `resize` is documented with `Location` alone.
pub(crate) const COMPUTE_LOCATION: Style = Style {
    path: "/providers/Microsoft.MachineLearningServices/locations/{location}/computeOperationsResults/",
    location: Some("api-version={version}&service=new"),
    ..PLAIN
};

/// Workspaces send both, told apart by `type`.
pub(crate) const WORKSPACE: Style = Style {
    path: "/providers/Microsoft.MachineLearningServices/locations/{location}/workspaceOperationsStatus/",
    status: Some("api-version={version}&type=async"),
    location: Some("api-version={version}&type=location"),
    ..PLAIN
};

/// Storage accounts send `Location` alone.
pub(crate) const STORAGE: Style = Style {
    path: "/providers/Microsoft.Storage/locations/{location}/asyncoperations/",
    location: Some("monitor=true&api-version={version}"),
    ..PLAIN
};

/// Networks send `Azure-AsyncOperation` on a PUT (dsvm-pool §3).
pub(crate) const NETWORK: Style = Style {
    path: "/providers/Microsoft.Network/locations/{location}/operations/",
    status: Some("api-version={version}"),
    ..PLAIN
};

/// On a DELETE they send both, with another path for `Location`.
pub(crate) const NETWORK_DELETE: Style = Style {
    location: Some("api-version={version}"),
    results: Some("/providers/Microsoft.Network/locations/{location}/operationResults/"),
    ..NETWORK
};

/// Scale sets send `Azure-AsyncOperation` on a PUT or PATCH (dsvm-pool §3).
pub(crate) const MACHINES: Style = Style {
    path: "/providers/Microsoft.Compute/locations/{location}/operations/",
    status: Some("api-version={version}"),
    ..PLAIN
};

/// On a DELETE or an action they send both.
pub(crate) const MACHINES_ACTION: Style =
    Style { location: Some("monitor=true&api-version={version}"), ..MACHINES };

/// Batch AI sends both, with the two path segments the other way round than others (batch-ai §2).
pub(crate) const BATCH_AI: Style = Style {
    path: "/providers/Microsoft.BatchAI/locations/{location}/operationresults/",
    status: Some("api-version={version}"),
    location: Some("api-version={version}"),
    results: Some("/providers/Microsoft.BatchAI/locations/{location}/operationstatuses/"),
    is_signed: false,
    names_resource: true,
};

/// Resource groups send `Location` alone.
pub(crate) const GROUP: Style =
    Style { path: "/operationresults/", location: Some("api-version={version}"), ..PLAIN };

/// Deployments send `Azure-AsyncOperation` alone, below themselves: their location is the rest of their own id.
pub(crate) const DEPLOYMENT: Style =
    Style { path: "{location}/operationStatuses/", status: Some("api-version={version}"), ..PLAIN };

/// The path segments before an operation's id, in lower case.
pub(crate) const SEGMENTS: [&str; 7] = [
    "operationstatuses",
    "computeoperationsstatus",
    "computeoperationsresults",
    "workspaceoperationsstatus",
    "asyncoperations",
    "operationresults",
    "operations",
];

impl Operation {
    /// A new operation whose work ends at `ends_at`, with its URLs made up.
    pub(crate) fn start(
        world: &mut World,
        call: &Call,
        style: &Style,
        place: (&str, &str),
        ends_at: Timestamp,
    ) -> Operation {
        let (subscription, location) = place;
        let id = world.random.guid();
        let path =
            |path: &str| format!("/subscriptions/{subscription}{}{id}", path.replace("{location}", location));
        let signature = SIGNATURE
            .replace("{time}", &call.now.as_second().to_string())
            .replace("{certificate}", &world.random.token(64))
            .replace("{signature}", &world.random.token(86))
            .replace("{hash}", &world.random.token(43));
        let url = |path: String, query: &str| {
            let signature = if style.is_signed { signature.as_str() } else { "" };
            format!("{path}?{}{signature}", query.replace("{version}", &call.api_version))
        };
        let status_url = style.status.map(|query| url(path(style.path), query));
        let location_url = style.location.map(|query| url(path(style.results.unwrap_or(style.path)), query));
        Operation {
            id,
            ends_at,
            started_at: Some(call.now),
            failure: None,
            is_canceled: false,
            status_url,
            location_url,
            result: None,
            shows: None,
            location_status: None,
            resource_key: None,
        }
    }

    /// The response with the headers that announce this operation.
    pub(crate) fn announce(&self, world: &World, call: &Call, mut response: Response) -> Response {
        for (name, url) in [("Azure-AsyncOperation", &self.status_url), ("Location", &self.location_url)] {
            if let Some(url) = url {
                response = response.with(name, &format!("{}{url}", call.request.origin()));
            }
        }
        world.with_retry_after(response)
    }

    /// When nobody may ask any more.
    pub(crate) fn forgotten_at(&self) -> Timestamp {
        self.ends_at.saturating_add(Work::OperationMemory.time()).unwrap_or(Timestamp::MAX)
    }
}

/// The operation that a response announces.
pub(crate) fn announced<'a>(world: &'a World, response: &Response) -> Option<&'a Operation> {
    let url = response.header("Azure-AsyncOperation").or_else(|| response.header("Location"))?;
    let path = url.split('?').next().unwrap_or("");
    world.operations.get(path.rsplit('/').next().unwrap_or(""))
}

/// Answers a status URL, which must come back byte for byte as it was handed out.
pub(crate) fn status(world: &World, call: &Call, id: &str) -> Reply {
    let is_orphan = |operation: &&Operation| {
        let key = operation.shows.as_ref().filter(|_| operation.ends_at == Timestamp::MAX);
        key.is_some_and(|key| world.store.get(key).is_none())
    };
    let Some(operation) = world.operations.get(id).filter(|operation| !is_orphan(operation)) else {
        return Err(operation_not_found(id));
    };
    let asked = format!("{}?{}", call.request.path, call.request.query);
    if operation.status_url.as_ref() == Some(&asked) {
        Ok(async_status(world, call, operation))
    } else if operation.location_url.as_ref() == Some(&asked) {
        location_status(world, call, operation)
    } else {
        let message = "The operation URL is not the one that was handed out: its signature does not match.";
        Err(ArmError::service(403, "InvalidOperationSignature", message))
    }
}

fn async_status(world: &World, call: &Call, operation: &Operation) -> Response {
    if operation.resource_key.is_some() {
        return full_status(world, call, operation);
    }
    if call.now < operation.ends_at {
        return world.with_retry_after(Response::json(200, &json!({ "status": "InProgress" })));
    }
    let body = match &operation.failure {
        // Nobody recorded one of a compute; this is the form of arm-faults §4.
        Some(error) => json!({
            "name": operation.id,
            "status": if operation.is_canceled { "Canceled" } else { "Failed" },
            "startTime": operation.started_at,
            "endTime": operation.ends_at,
            "error": error,
        }),
        None => json!({ "status": "Succeeded", "percentComplete": 100.0 }),
    };
    Response::json(200, &body)
}

/// HTTP 200 whatever became of it (batch-ai §2).
fn full_status(world: &World, call: &Call, operation: &Operation) -> Response {
    let url = format!("{}{}", call.request.origin(), operation.status_url.as_deref().unwrap_or(""));
    let mut body = json!({ "id": url, "name": operation.id, "startTime": operation.started_at });
    if call.now < operation.ends_at {
        body["status"] = json!("InProgress");
        return world.with_retry_after(Response::json(200, &body));
    }
    body["endTime"] = json!(operation.ends_at);
    match &operation.failure {
        Some(error) => {
            body["status"] = json!(if operation.is_canceled { "Canceled" } else { "Failed" });
            body["error"] = error.clone();
        }
        None => {
            body["status"] = json!("Succeeded");
            body["properties"] = json!({ "resourceId": operation.resource_key });
        }
    }
    Response::json(200, &body)
}

fn location_status(world: &World, call: &Call, operation: &Operation) -> Reply {
    if call.now < operation.ends_at {
        let again = format!("{}{}", call.request.origin(), operation.location_url.as_deref().unwrap_or(""));
        return Ok(world.with_retry_after(Response::empty(202).with("Location", &again)));
    }
    if let Some(error) = &operation.failure {
        return Ok(Response::json(400, &json!({ "error": error })));
    }
    if let Some(result) = &operation.result {
        return Ok(Response::json(200, result));
    }
    let shown = operation.shows.as_ref().and_then(|key| world.store.get(key));
    Ok(match shown {
        Some(resource) => Response::json(200, &resource.view(call.now)),
        None => Response::empty(operation.location_status.unwrap_or(204)),
    })
}
