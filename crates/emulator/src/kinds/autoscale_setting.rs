//! `Microsoft.Insights/autoscaleSettings`: kept with all their rules, which nothing carries out.
//!
//! Ids come back in lower case, as they were recorded (dsvm-pool §6).

use serde_json::{Value, json};

use crate::error::ArmError;
use crate::json;
use crate::kinds::{Kind, PLAIN, PutStyle};
use crate::route::router::Target;
use crate::store::resource::Resource;
use crate::world::World;

pub(super) const KIND: Kind = Kind {
    resource_type: "Microsoft.Insights/autoscaleSettings",
    id_type: "microsoft.insights/autoscalesettings",
    put_style: PutStyle::AtOnce(201),
    defaults: || json!({ "properties": { "enabled": true, "notifications": null, "targetResourceLocation": null } }),
    enums: &[
        (
            "/properties/profiles/*/rules/*/metricTrigger/statistic",
            &["Average", "Min", "Max", "Sum", "Count"],
        ),
        (
            "/properties/profiles/*/rules/*/metricTrigger/timeAggregation",
            &["Average", "Minimum", "Maximum", "Total", "Count", "Last"],
        ),
        (
            "/properties/profiles/*/rules/*/metricTrigger/operator",
            &["Equals", "NotEquals", "GreaterThan", "GreaterThanOrEqual", "LessThan", "LessThanOrEqual"],
        ),
        ("/properties/profiles/*/rules/*/scaleAction/direction", &["None", "Increase", "Decrease"]),
        (
            "/properties/profiles/*/rules/*/scaleAction/type",
            &["ChangeCount", "PercentChangeCount", "ExactCount", "ServiceAllowedNextValue"],
        ),
    ],
    patchable: &["/tags", "/properties"],
    finish,
    check,
    ..PLAIN
};

fn finish(_world: &World, target: &Target, body: &mut Value) {
    let id = json::text(body, "/id").replace("/resourceGroups/", "/resourcegroups/");
    json::set(body, "/id", json!(id));
    json::fill(body, &json!({ "properties": { "name": target.name() } }));
    json::for_each(body, "/properties/profiles/*/rules/*/metricTrigger", &mut |trigger| {
        json::fill(
            trigger,
            &json!({ "metricNamespace": "", "dimensions": null, "dividePerInstance": false }),
        );
    });
    json::for_each(body, "/properties/profiles/*/rules/*/scaleAction", &mut |action| {
        json::fill(action, &json!({ "value": "1" }));
    });
    json::for_each(body, "/properties/notifications/*/email", &mut |email| {
        json::fill(
            email,
            &json!({ "sendToSubscriptionAdministrator": false, "sendToSubscriptionCoAdministrators": false }),
        );
    });
}

/// The bounds are documented; the code is our choice.
fn check(_world: &World, _target: &Target, body: &Value, _stands: Option<&Resource>) -> Result<(), ArmError> {
    let refused = |message: String| Err(ArmError::service(400, "InvalidAutoscaleSetting", message));
    let profiles = json::every(body, "/properties/profiles/*");
    if !(1..=20).contains(&profiles.len()) {
        return refused("An autoscale setting has 1 to 20 profiles.".to_owned());
    }
    for profile in profiles {
        let name = json::text(profile, "/name");
        let counts = ["minimum", "default", "maximum"]
            .map(|key| json::text(profile, &format!("/capacity/{key}")).parse::<u32>().ok());
        let [Some(minimum), Some(default), Some(maximum)] = counts else {
            return refused(format!(
                "The capacity of profile '{name}' needs minimum, maximum and default, as texts."
            ));
        };
        if minimum > default || default > maximum || maximum > 1000 {
            return refused(format!(
                "The capacity of profile '{name}' must be minimum <= default <= maximum <= 1000."
            ));
        }
        if json::every(profile, "/rules/*").len() > 10 {
            return refused(format!("The profile '{name}' has more than 10 rules."));
        }
    }
    Ok(())
}
