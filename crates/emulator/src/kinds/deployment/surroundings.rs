//! What a template can ask of the cloud it is deployed to.
//!
//! Before a deployment begins, nothing can be known of its resources: then every question about one is `Later`.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::run::Run;
use crate::arm::providers;
use crate::arm::subscriptions;
use crate::error::ArmError;
use crate::template::plan::Scope;
use crate::template::{Evaluated, Failure, Surroundings};
use crate::wire::Method;
use crate::world::{Errand, World};

/// The cloud as one deployment sees it.
pub(super) struct Cloud<'a> {
    pub(super) world: RefCell<&'a mut World>,
    pub(super) scope: &'a Scope,
    pub(super) now: Timestamp,
    /// What `deployment()` gives.
    pub(super) deployment: Value,
    /// The course of the deployment, once it has begun.
    pub(super) run: Option<&'a Run>,
}

impl Surroundings for Cloud<'_> {
    fn object(&self, name: &str) -> Option<Value> {
        let world = self.world.borrow();
        match name {
            "subscription" => Some(subscriptions::body(&world, &self.scope.subscription)),
            "resourceGroup" => {
                self.scope.group.as_ref()?;
                world.store.get(&self.scope.id().to_ascii_lowercase()).map(|group| group.view(self.now))
            }
            "tenant" => Some(subscriptions::tenant(&world)),
            "deployment" => Some(self.deployment.clone()),
            "environment" => Some(environment()),
            _ => None,
        }
    }

    fn provider(&self, namespace: &str) -> Option<Value> {
        providers::find(&self.world.borrow(), &self.scope.subscription, namespace, self.now)
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn new_guid(&self) -> String {
        self.world.borrow_mut().random.guid()
    }

    fn resource(&self, named: &str) -> Evaluated {
        let run = self.run.ok_or(Failure::Later)?;
        let planned = run.named(named);
        let id = planned.map_or(named, |planned| planned.id.as_str());
        let world = self.world.borrow();
        let Some(resource) = world.store.get(&id.trim_end_matches('/').to_ascii_lowercase()) else {
            let message = format!("The resource '{named}' that the template refers to was not found.");
            return Err(Failure::Refused(ArmError::gateway(404, "ResourceNotFound", message).body()));
        };
        let mut body = resource.view(self.now);
        if let Some(planned) = planned {
            body["apiVersion"] = json!(planned.api_version);
        }
        Ok(body)
    }

    fn list(&self, action: &str, named: &str, api_version: &str, body: &Value) -> Evaluated {
        let run = self.run.ok_or(Failure::Later)?;
        let id = run.named(named).map_or(named, |planned| planned.id.as_str());
        let errand = Errand { method: Method::Post, path: &format!("{id}/{action}"), api_version, body };
        let response = self.world.borrow_mut().run_errand(&errand, &run.sender, self.now);
        let value = response.value();
        if response.status < 300 { Ok(value) } else { Err(Failure::Refused(value["error"].clone())) }
    }
}

/// The cloud's own names, as those of the emulator's endpoints.
fn environment() -> Value {
    json!({
        "name": "AzureCloud",
        "resourceManager": "https://management.azure.com/",
        "authentication": {
            "loginEndpoint": "https://login.microsoftonline.com/",
            "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "suffixes": {
            "acrLoginServer": ".azurecr.io",
            "keyvaultDns": ".vault.azure.net",
            "storage": "core.windows.net",
        },
    })
}

/// The values of all parameters, if the secure ones are still there.
pub(super) fn values(world: &World, key: &str, run: &Run) -> Result<BTreeMap<String, Value>, Value> {
    let mut values = run.parameters.clone();
    let secrets = world.secrets.get(key);
    for name in &run.secure {
        let Some(value) = secrets.and_then(|secrets| secrets.get(name)) else {
            let message = format!(
                "The value of the secure parameter '{name}' is gone: the emulator was started anew during the deployment, \
                 and keeps no secrets in its file."
            );
            return Err(ArmError::gateway(409, "SecureParameterLost", message).body());
        };
        values.insert(name.clone(), value.clone());
    }
    Ok(values)
}
