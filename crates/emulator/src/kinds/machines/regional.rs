//! What `Microsoft.Compute` says of a subscription and its regions: sizes, their capabilities, usages, images.

use serde_json::{Value, json};

use super::images;
use crate::arm::filter::{Fields, Filter};
use crate::arm::subscriptions::REGIONS;
use crate::error::{Reply, method_not_allowed, no_such_route};
use crate::regions::vm_sizes::{FAMILIES, SIZES, VmSize, family_title};
use crate::wire::{Method, Response};
use crate::world::{Call, World};

/// Answers `/providers/Microsoft.Compute/locations/{location}/…`.
pub(crate) fn handle(
    world: &World,
    call: &Call,
    subscription: &str,
    location: &str,
    rest: &[String],
) -> Reply {
    if call.request.method != Method::Get {
        return Err(method_not_allowed(call.request.method.name()));
    }
    let word = rest.first().map(|word| word.to_ascii_lowercase()).unwrap_or_default();
    match (word.as_str(), rest.len()) {
        ("usages", 1) => Ok(usages(world, subscription, location)),
        ("vmsizes", 1) => Ok(Response::json(
            200,
            &json!({ "value": SIZES.iter().map(VmSize::plain_row).collect::<Vec<_>>() }),
        )),
        _ => images::list(call, subscription, location, rest)
            .unwrap_or_else(|| Err(no_such_route(&call.request.path))),
    }
}

/// Counts of the region; limits are those of the options, for machine learning counts apart.
fn usages(world: &World, subscription: &str, location: &str) -> Response {
    let used = world.usage.of(subscription, location).machines;
    let row = |name: &str, title: &str, value: i64, limit: i64| {
        json!({
            "limit": limit,
            "unit": "Count",
            "currentValue": value,
            "name": { "value": name, "localizedValue": title },
        })
    };
    let mut rows = vec![
        row("cores", "Total Regional vCPUs", used.cores.values().sum(), world.core_limit()),
        row("virtualMachines", "Virtual Machines", used.count, 25_000),
        row("virtualMachineScaleSets", "Virtual Machine Scale Sets", used.sets, 2_500),
        row("lowPriorityCores", "Total Regional Spot vCPUs", used.spot_cores, world.core_limit()),
    ];
    for (family, _) in FAMILIES {
        let title = format!("{} vCPUs", family_title(family));
        let value = used.cores.get(family).copied().unwrap_or(0);
        rows.push(row(family, &title, value, world.cores_allowed(family)));
    }
    Response::json(200, &json!({ "value": rows }))
}

const LOCATION: Fields = &[("location", "/locations/0")];

/// `GET …/Microsoft.Compute/skus`: one row for each size and region. A family without quota is restricted.
pub(crate) fn skus(world: &World, call: &Call) -> Reply {
    if call.request.method != Method::Get {
        return Err(method_not_allowed(call.request.method.name()));
    }
    let filter = Filter::of(call, LOCATION)?;
    let regions = REGIONS.iter().map(|(name, _)| *name);
    let rows: Vec<Value> = regions
        .flat_map(|region| SIZES.iter().map(move |size| sku(world, size, region)))
        .filter(|row| filter.takes(row))
        .collect();
    Ok(Response::json(200, &json!({ "value": rows })))
}

fn sku(world: &World, size: &VmSize, region: &str) -> Value {
    let zones: &[&str] = if size.has_zones() { &["1", "2", "3"] } else { &[] };
    let restriction = json!({
        "type": "Location",
        "values": [region],
        "restrictionInfo": { "locations": [region] },
        "reasonCode": "NotAvailableForSubscription",
    });
    let is_restricted = world.cores_allowed(size.family) == 0;
    let capabilities: Vec<Value> = size
        .capabilities()
        .into_iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    json!({
        "resourceType": "virtualMachines",
        "name": size.name,
        "tier": "Standard",
        "size": size.name.trim_start_matches("Standard_"),
        "family": size.family,
        "locations": [region],
        "locationInfo": [{ "location": region, "zones": zones, "zoneDetails": [] }],
        "capabilities": capabilities,
        "restrictions": if is_restricted { vec![restriction] } else { vec![] },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn a_family_without_quota_is_restricted() {
        let mut options = crate::Options::default();
        options.core_limits.insert("standardNCFamily".to_owned(), 0);
        let world = World::new(options);
        let row = |name: &str| sku(&world, crate::regions::vm_sizes::find(name).unwrap(), "westeurope");
        assert_eq!(row("Standard_NC6")["restrictions"][0]["reasonCode"], "NotAvailableForSubscription");
        assert_eq!(row("Standard_D2s_v3")["restrictions"], json!([]));
        assert_eq!(json::text(&row("Standard_NC6"), "/locationInfo/0/location"), "westeurope");
    }
}
