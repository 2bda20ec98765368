//! Attached computes: what was made elsewhere and is only known to the workspace.
//!
//! One row says all that the emulator has to know of a type. Secrets that are sent are kept nowhere; the keys that
//! `listKeys` answers are made up, and always the same. That a `Delete` takes the underlying resource away as well,
//! where this cloud has it, follows the specification's words.

use serde_json::{Value, json};

use super::{begin, envelope, hand_over, rules, unfilled, user_error};
use crate::arm::operation;
use crate::error::{ArmError, Reply, bad_content};
use crate::json;
use crate::kinds::canonical_enums;
use crate::random::guid_of;
use crate::route::router::Target;
use crate::store::resource::{Phase, Resource};
use crate::time::timing::Work;
use crate::wire::Response;
use crate::world::{Call, World};

/// A compute type that is attached.
pub(super) struct Attached {
    pub(super) name: &'static str,
    /// Whether a PUT must name the resource that is attached; else the service makes one when none is named.
    needs_resource: bool,
    /// Inner properties of what a PUT leaves out; `{n}` stands for the n-th part of the attached resource's id. A type
    /// without any has no inner properties.
    defaults: &'static str,
    enums: &'static [(&'static str, &'static [&'static str])],
    /// Pointers to inner properties that are taken and never answered.
    secrets: &'static [&'static str],
    /// What `listKeys` answers, as pointers; what the inner properties have is shown, the rest made up.
    keys: &'static [&'static str],
}

const ON_SWITCH: &[&str] = &["Disabled", "Enabled", "Auto"];

const TYPES: [Attached; 8] = [
    Attached {
        name: "Kubernetes",
        needs_resource: true,
        defaults: r#"{"namespace": "default", "defaultInstanceType": null, "instanceTypes": null,
            "extensionInstanceReleaseTrain": "stable", "extensionPrincipalId": null, "vcName": null,
            "relayConnectionString": null, "serviceBusConnectionString": null}"#,
        enums: &[],
        secrets: &["/relayConnectionString", "/serviceBusConnectionString"],
        keys: &[],
    },
    Attached {
        name: "AKS",
        needs_resource: false,
        defaults: r#"{"clusterFqdn": null, "systemServices": [], "agentCount": null, "agentVmSize": null,
            "clusterPurpose": "FastProd", "sslConfiguration": null, "aksNetworkingConfiguration": null,
            "loadBalancerType": "PublicIp", "loadBalancerSubnet": null}"#,
        enums: &[
            ("/clusterPurpose", &["FastProd", "DenseProd", "DevTest"]),
            ("/loadBalancerType", &["PublicIp", "InternalLoadBalancer"]),
            ("/sslConfiguration/status", ON_SWITCH),
        ],
        secrets: &["/sslConfiguration/cert", "/sslConfiguration/key"],
        keys: &["/userKubeConfig", "/adminKubeConfig", "/imagePullSecretName"],
    },
    Attached {
        name: "VirtualMachine",
        needs_resource: true,
        defaults: r#"{"virtualMachineSize": null, "sshPort": 22, "notebookServerPort": null, "address": null,
            "administratorAccount": null, "isNotebookInstanceCompute": false}"#,
        enums: &[],
        secrets: &[
            "/administratorAccount/password",
            "/administratorAccount/publicKeyData",
            "/administratorAccount/privateKeyData",
        ],
        keys: &["/administratorAccount/username", "/administratorAccount/password"],
    },
    Attached {
        name: "HDInsight",
        needs_resource: true,
        defaults: r#"{"sshPort": 22, "address": null, "administratorAccount": null}"#,
        enums: &[],
        secrets: &[
            "/administratorAccount/password",
            "/administratorAccount/publicKeyData",
            "/administratorAccount/privateKeyData",
        ],
        keys: &[],
    },
    Attached {
        name: "Databricks",
        needs_resource: true,
        defaults: r#"{"databricksAccessToken": null, "workspaceUrl": null}"#,
        enums: &[],
        secrets: &["/databricksAccessToken"],
        keys: &["/databricksAccessToken"],
    },
    Attached {
        name: "DataFactory",
        needs_resource: false,
        defaults: "null",
        enums: &[],
        secrets: &[],
        keys: &[],
    },
    Attached {
        name: "DataLakeAnalytics",
        needs_resource: true,
        defaults: r#"{"dataLakeStoreAccountName": null}"#,
        enums: &[],
        secrets: &[],
        keys: &[],
    },
    Attached {
        name: "SynapseSpark",
        needs_resource: true,
        defaults: r#"{"subscriptionId": "{2}", "resourceGroup": "{4}", "workspaceName": "{8}", "poolName": "{10}",
            "autoScaleProperties": {"enabled": false, "minNodeCount": null, "maxNodeCount": null},
            "autoPauseProperties": {"enabled": true, "delayInMinutes": 15},
            "sparkVersion": "3.4", "nodeCount": 3, "nodeSize": "Small", "nodeSizeFamily": "MemoryOptimized"}"#,
        enums: &[],
        secrets: &[],
        keys: &[],
    },
];

/// The attached type of that name, compared without case.
pub(super) fn find(name: &str) -> Option<&'static Attached> {
    TYPES.iter().find(|attached| attached.name.eq_ignore_ascii_case(name))
}

/// Attaches a resource, or attaches it again.
pub(super) fn put(
    world: &mut World,
    call: &Call,
    target: &Target,
    places: (&Resource, Option<Resource>),
    sent: Value,
) -> Reply {
    let (workspace, existing) = places;
    let attached = find(json::text(&sent, "/properties/computeType"));
    let attached = attached.ok_or_else(|| bad_content("The compute type is not valid."))?;
    rules::check_name(target.name(), "Compute")?;
    let mut body = envelope(world, call, target, workspace, &sent)?;
    if let Some(existing) = &existing {
        body["properties"]["createdOn"] = existing.body["properties"]["createdOn"].clone();
    }
    let resource_id = json::text(&sent, "/properties/resourceId");
    if resource_id.is_empty() && attached.needs_resource {
        let message = format!("A compute of type '{}' needs 'resourceId'.", attached.name);
        return Err(user_error(message).about("properties.resourceId"));
    }
    let inner = attached.inner(sent["properties"]["properties"].clone(), resource_id)?;
    body["properties"]["isAttachedCompute"] = json!(!resource_id.is_empty());
    body["properties"]["resourceId"] = match (resource_id, attached.defaults) {
        ("", "null") => Value::Null,
        ("", _) => json!(own_cluster(target)),
        (id, _) => json!(id),
    };
    if !inner.is_null() {
        body["properties"]["properties"] = inner.clone();
    }
    let mut compute = Resource::new(target.kind.resource_type, body);
    let operation = begin(world, call, target, &mut compute, &operation::COMPUTE, call.after(Work::Attach));
    let shows = json!({ "properties": { "provisioningState": "Creating" } });
    compute.phases = vec![Phase { until: operation.ends_at, shows }];
    let mut reply = unfilled(&compute, &sent, inner);
    reply["properties"]["resourceId"] = sent["properties"]["resourceId"].clone();
    if reply["properties"]["properties"].is_null() {
        json::remove(&mut reply, "/properties/properties");
    }
    world.put(compute);
    Ok(hand_over(world, call, operation, Response::json(201, &reply)))
}

/// A cluster that the service made for the compute lies beside the workspace.
fn own_cluster(target: &Target) -> String {
    let mark = guid_of(&target.key()).replace('-', "");
    format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.ContainerService/managedClusters/{}-{}",
        target.subscription,
        target.group,
        target.name(),
        &mark[..13]
    )
}

/// `POST …/listKeys`.
pub(super) fn list_keys(world: &mut World, _call: &Call, target: &Target) -> Reply {
    let compute = world.existing(target)?;
    let compute_type = json::text(&compute.body, "/properties/computeType");
    let keys = find(compute_type).map_or(&[][..], |attached| attached.keys);
    if keys.is_empty() {
        return Err(user_error(format!("ComputeListKeys with computeType {compute_type} is not supported.")));
    }
    let mut answer = json!({ "computeType": compute_type });
    for pointer in keys {
        let known = json::at(&compute.body, &format!("/properties/properties{pointer}")).clone();
        let value = if known.is_null() { json!(world.secret_of(&compute.id, pointer)) } else { known };
        json::set(&mut answer, pointer, value);
    }
    Ok(Response::json(200, &answer))
}

impl Attached {
    /// What a GET shows of inner properties.
    fn inner(&self, mut sent: Value, resource_id: &str) -> Result<Value, ArmError> {
        let mut defaults: Value = serde_json::from_str(self.defaults).expect("BUG: the defaults are JSON");
        if defaults.is_null() {
            return Ok(Value::Null);
        }
        let parts: Vec<&str> = resource_id.split('/').collect();
        json::for_each(&mut defaults, "/*", &mut |value| {
            let number = value
                .as_str()
                .and_then(|text| text.strip_prefix('{')?.strip_suffix('}')?.parse::<usize>().ok());
            if let Some(number) = number {
                *value = json!(parts.get(number));
            }
        });
        canonical_enums(&mut sent, self.enums)?;
        json::fill(&mut sent, &defaults);
        for pointer in self.secrets {
            json::for_each(&mut sent, pointer, &mut |value| *value = Value::Null);
        }
        Ok(sent)
    }
}
