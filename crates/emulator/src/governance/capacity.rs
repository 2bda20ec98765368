//! Sizes of machines that a region has run out of.
//!
//! | Control request | What it does |
//! |---|---|
//! | `POST capacity {"size", "location", "code"}` | a size is not to be had, everywhere or in one location; `SkuNotAvailable`, `ZonalAllocationFailed`, or `AllocationFailed` as without a code |
//! | `GET capacity`, `DELETE capacity`, `DELETE capacity?id=` | lists them with how many requests each refused; there is enough again |

use serde::{Deserialize, Serialize};

use crate::error::{ArmError, bad_content};
use crate::json;
use crate::route::location;
use crate::route::router::place;
use crate::wire::Method;
use crate::world::{Call, World};

/// A size that is not to be had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shortage {
    size: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    location: String,
    #[serde(default = "allocation_failed")]
    code: String,
}

fn allocation_failed() -> String {
    "AllocationFailed".to_owned()
}

/// Codes and texts; `{size}`, `{location}`, `{id}` and `{subscription}` are filled in.
const TEXTS: [(&str, &str); 3] = [
    (
        "SkuNotAvailable",
        "The requested VM size {size} is currently not available in location '{location}' for subscription '{subscription}'. \
         Please try another size or deploy to a different location. See https://aka.ms/azureskunotavailable for details.",
    ),
    (
        "AllocationFailed",
        "Allocation failed. We do not have sufficient capacity for the requested VM size in this region. Read more about \
         improving likelihood of allocation success at http://aka.ms/allocation-guidance",
    ),
    (
        "ZonalAllocationFailed",
        "Allocation failed. We do not have sufficient capacity for the requested VM size in this zone. Read more about \
         improving likelihood of allocation success at http://aka.ms/allocation-guidance",
    ),
];

/// Where bodies name the size of a machine.
const SIZES: [&str; 4] =
    ["/properties/properties/vmSize", "/properties/hardwareProfile/vmSize", "/targetVMSize", "/sku/name"];

impl Shortage {
    /// Refuses a code that nobody knows.
    pub(crate) fn check(&self) -> Result<(), ArmError> {
        let codes = TEXTS.map(|(code, _)| code);
        if codes.contains(&self.code.as_str()) {
            return Ok(());
        }
        Err(bad_content(format!("The code '{}' is none of: {}.", self.code, codes.join(", "))).about("code"))
    }

    fn concerns(&self, size: &str, location: &str) -> bool {
        self.size.eq_ignore_ascii_case(size)
            && (self.location.is_empty() || place(&self.location) == location)
    }
}

/// Refuses requests that need a machine of a size that is not to be had: new resources, other sizes, and starts.
pub(crate) fn check(world: &mut World, call: &Call) -> Result<(), ArmError> {
    if world.governance.shortages.is_empty() {
        return Ok(());
    }
    let (Some(size), location) = (wanted(world, call), location::of(world, call)) else { return Ok(()) };
    let shortages = &mut world.governance.shortages;
    let Some(shortage) = shortages.iter_mut().find(|shortage| shortage.rule.concerns(&size, &location))
    else {
        return Ok(());
    };
    shortage.refused += 1;
    let code = shortage.rule.code.as_str();
    let text = TEXTS.iter().find(|(known, _)| *known == code).map_or("", |(_, text)| text);
    let message = text
        .replace("{size}", &size)
        .replace("{location}", &location)
        .replace("{subscription}", &call.subject.subscription);
    Err(ArmError::service(409, code, message))
}

/// The size of the machine that a request needs and that does not stand already.
fn wanted(world: &World, call: &Call) -> Option<String> {
    let stored = world.store.get(&call.subject.key()).map(|resource| &resource.body);
    let sent = call.any().ok()?;
    let size = |body: &serde_json::Value| {
        let found = SIZES.iter().map(|pointer| json::text(body, pointer)).find(|size| !size.is_empty());
        found.map(str::to_owned)
    };
    let stands = stored.and_then(size);
    match call.request.method {
        Method::Put | Method::Patch => {
            size(&sent).filter(|size| !stands.is_some_and(|stands| stands.eq_ignore_ascii_case(size)))
        }
        Method::Post if call.subject.action.to_ascii_lowercase().ends_with("/start/action") => stands,
        Method::Post => size(&sent),
        Method::Get | Method::Head | Method::Delete => None,
    }
}
