//! From an ARM body to a live resource in manifest terms.

use executor::provider::{CloudError, Outcome};
use jiff::Timestamp;
use model::body::{computed_from_arm, from_arm};
use model::compare::get;
use model::{ArmId, Attributes, Json, Kind, Observed, Placement, Provisioning, Under};
use serde_json::json;

use crate::judge::no_reply;
use crate::operation::{State, failure, state};
use crate::redact::Redactor;

/// Where the time of creation stands, by service.
const CREATED: [&str; 5] = [
    "properties.createdOn",
    "systemData.createdAt",
    "properties.creationTime",
    "properties.creationDate",
    "properties.CreationDate",
];

/// The live resource that a body shows. The id is the body's, with the casing that Azure answered.
pub(crate) fn observe(kind: &Kind, body: &Json, redactor: &Redactor) -> Result<Observed, CloudError> {
    let text = get(body, "id").and_then(Json::as_str).unwrap_or_default();
    let arm_id = ArmId::parse(text).ok_or_else(|| unreadable(kind, text))?;
    let mut attributes = from_arm(kind, body);
    placed(kind, &arm_id, body, &mut attributes);
    Ok(Observed {
        attributes,
        computed: computed_from_arm(kind, body),
        provisioning: provisioning(body, redactor),
        created: CREATED.iter().find_map(|path| seconds(get(body, path)?)),
        arm_id,
    })
}

/// Attributes that a resource's place says, not its body.
fn placed(kind: &Kind, id: &ArmId, body: &Json, attributes: &mut Attributes) {
    let place = match kind.placement {
        Placement::Local => None,
        Placement::Group { .. } => Some(id.subscription().to_owned()),
        Placement::InGroup { .. } => id.resource_group().map(str::to_owned),
        Placement::InParent { .. } => id.parent().map(|p| p.name().to_owned()),
        Placement::Typed { under: Under::Group, .. } => id.resource_group().map(str::to_owned),
        Placement::OnScope { .. } | Placement::Typed { .. } => {
            id.above().map(|above| above.as_str().to_owned())
        }
    };
    if let Some(name) = place
        && let Some(attribute) = kind.placed_by().and_then(|path| kind.attribute(path))
    {
        attributes.insert(attribute.path, json!(name));
    }
    if let Placement::Typed { resource_type, .. } = kind.placement {
        attributes.insert("type", json!(resource_type));
    }
    // A compute's own region is absent in some replies (machine-learning facts §8.2).
    if let Some(attribute) = kind.attribute("location")
        && let Some(location) = get(body, "location")
    {
        attributes.entry(attribute.path).or_insert_with(|| location.clone());
    }
}

fn provisioning(body: &Json, redactor: &Redactor) -> Provisioning {
    match state(body) {
        State::Succeeded => Provisioning::Succeeded,
        State::Failed(_) => Provisioning::Failed(redactor.scrub(failure(body).message)),
        State::Running => {
            let word = get(body, "properties.provisioningState").and_then(Json::as_str);
            Provisioning::InProgress(word.unwrap_or_default().to_owned())
        }
    }
}

fn seconds(value: &Json) -> Option<i64> {
    value.as_str()?.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

fn unreadable(kind: &Kind, text: &str) -> CloudError {
    no_reply(Outcome::Unknown, format!("Azure answered a {} with the id `{text}`, which is none", kind.name))
}
