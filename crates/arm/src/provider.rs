//! The provider: what the engine asks, said in ARM.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use executor::provider::{
    CloudError, Collection, FileEntry, FileText, Item, Node, Operation, Outcome, Provider, Request, Sent,
};
use http::Method;
use jiff::Timestamp;
use model::compare::get;
use model::{ArmId, Json, Kind, Listed, Observed, Placement, Secret, kinds};
use planner::preflight::{Location, Lock, Region, Service};

use crate::client::{Call, Client};
use crate::judge::no_reply;
use crate::observe::observe;
use crate::pace::Young;
use crate::path::{RESOURCES_VERSION, SUBSCRIPTION_VERSION, api_version_of, is_of};
use crate::send::nothing_done;
use crate::share::Shares;

/// One write at a time.
pub(crate) type Queue = Arc<tokio::sync::Mutex<()>>;

/// Azure Resource Manager, as the engine sees it.
pub struct ArmProvider {
    pub(crate) client: Client,
    /// Regions of workspaces, by folded id; computes are sent with their workspace's.
    pub(crate) locations: tokio::sync::Mutex<BTreeMap<String, String>>,
    /// Tenants of subscriptions.
    tenants: tokio::sync::Mutex<BTreeMap<String, String>>,
    /// What this run made, for as long as others may not know it.
    pub(crate) young: Young,
    /// Queues of writes below a parent, where Azure asked for one at a time, by the parent's folded id.
    pub(crate) queues: Mutex<BTreeMap<String, Queue>>,
    /// How long to wait before the first poll of operations that this process started, by folded id.
    pub(crate) first_pauses: Mutex<BTreeMap<String, Duration>>,
    /// Where the files of workspaces lie.
    pub(crate) shares: Shares,
}

impl ArmProvider {
    /// The provider on a client.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            locations: tokio::sync::Mutex::default(),
            tenants: tokio::sync::Mutex::default(),
            young: Young::default(),
            queues: Mutex::default(),
            first_pauses: Mutex::default(),
            shares: Shares::default(),
        }
    }

    /// The client underneath.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The Entra tenant that a subscription belongs to.
    pub async fn tenant(&self, subscription: &str) -> Result<String, CloudError> {
        let mut tenants = self.tenants.lock().await;
        if let Some(tenant) = tenants.get(subscription) {
            return Ok(tenant.clone());
        }
        let id = ArmId::parse(&format!("/subscriptions/{subscription}"))
            .ok_or_else(|| no_reply(Outcome::NotDone, "a subscription's id is not as it should be"))?;
        let body = self.client.get(&id, &[], SUBSCRIPTION_VERSION).await?.body;
        let tenant = get(&body, "tenantId").and_then(Json::as_str);
        let tenant =
            tenant.ok_or_else(|| no_reply(Outcome::Unknown, "Azure names no tenant for the subscription"))?;
        Ok(tenants.entry(subscription.to_owned()).or_insert(tenant.to_owned()).clone())
    }

    /// The body of a resource; `None` when it does not exist.
    pub(crate) async fn body(&self, id: &ArmId, version: &str) -> Result<Option<Json>, CloudError> {
        match self.client.get(id, &[], version).await {
            Ok(reply) => Ok(Some(reply.body)),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A body that a GET of `id` answered, if it is of that resource and of the kind.
    fn observed(&self, kind: &Kind, id: &ArmId, body: &Json) -> Result<Observed, CloudError> {
        let observed = observe(kind, body, &self.client.redactor)?;
        if !observed.arm_id.same(id.as_str()) {
            let words = format!("Azure answered `{}` for `{id}`", observed.arm_id);
            return Err(no_reply(Outcome::Unknown, words));
        }
        if !is_of(kind, body) {
            let words = format!("`{id}` is not a {}: something else has this name", kind.name);
            return Err(no_reply(Outcome::NotDone, words));
        }
        Ok(observed)
    }
}

/// Whether a 404 says that the resource does not exist. One about the subscription or the api-version
/// is about something else, and one that names no code and no request is not ARM's.
pub(crate) fn is_absence(error: &CloudError) -> bool {
    const ELSEWHERE: [&str; 4] = [
        "InvalidResourceType",
        "NoRegisteredProviderFound",
        "InvalidApiVersionParameter",
        "InvalidResourceNamespace",
    ];
    let armed = !error.code.is_empty() || !error.request_ids.is_empty();
    error.is_not_found() && armed && !ELSEWHERE.contains(&error.code.as_str())
}

#[async_trait]
impl Provider for ArmProvider {
    async fn list(&self, collection: &Collection) -> Result<Vec<Observed>, CloudError> {
        let Some(kind) = collection.kinds.first() else { return Ok(Vec::new()) };
        let tail = match kind.placement {
            Placement::Local => return Ok(Vec::new()),
            Placement::Group { .. } => vec!["resourcegroups"],
            Placement::InGroup { resource_type, .. }
            | Placement::OnScope { resource_type, .. }
            | Placement::Typed { resource_type, .. } => vec!["providers", resource_type],
            Placement::InParent { collection, .. } => vec![collection],
        };
        let url = self.client.endpoint.url(&collection.parent, &tail, &[("api-version", kind.api_version())]);
        let items = self.client.pages(Call::get(url), "value").await?;
        let of_kind = |item: &Json| collection.kinds.iter().find(|k| is_of(k, item)).copied();
        let known = items.into_iter().filter_map(|item| Some((of_kind(&item)?, item)));
        // Each body goes as soon as it was looked at: a workspace of thousands is large in JSON.
        known.map(|(kind, item)| observe(kind, &item, &self.client.redactor)).collect()
    }

    async fn get(&self, kind: &'static Kind, id: &ArmId) -> Result<Option<Observed>, CloudError> {
        if kind.is_on_share() {
            return self.script_file(id).await;
        }
        let body = self.body(id, kind.api_version()).await?;
        body.map(|body| self.observed(kind, id, &body)).transpose()
    }

    async fn inventory(&self, parent: &ArmId) -> Result<Vec<Item>, CloudError> {
        let mut found = Vec::new();
        for (collection, version) in collections_of(parent) {
            let url = self.client.endpoint.url(parent, &[collection], &[("api-version", version)]);
            found.extend(self.client.pages(Call::get(url), "value").await?.iter().filter_map(item));
        }
        Ok(found)
    }

    async fn send(&self, request: &Request<'_>) -> Result<Sent, CloudError> {
        let own = kinds::type_of(request.kind);
        if !own.is_some_and(|own| own.eq_ignore_ascii_case(&request.arm_id.resource_type())) {
            let words = format!("`{}` is not the id of a {}", request.arm_id, request.kind.name);
            return Err(no_reply(Outcome::NotDone, words));
        }
        if request.kind.is_on_share() {
            return self.change_file(request).await;
        }
        self.change(request).await
    }

    async fn wait(&self, operation: &Operation) -> Result<(), CloudError> {
        let first = {
            let mut pauses = self.first_pauses.lock().expect("BUG: a holder of the lock panicked");
            pauses.remove(&operation.arm_id.folded())
        };
        self.client.wait(operation, first.unwrap_or_default()).await
    }

    async fn secret(&self, id: &ArmId, listed: &Listed) -> Result<Secret, CloudError> {
        let query = [("api-version", api_version_of(id))];
        let url = self.client.endpoint.url(id, &[listed.action], &query);
        // A POST that only reads.
        let call = Call { reads: true, ..Call::new(Method::POST, url, None) };
        let reply = self.client.call(&call).await.map_err(nothing_done)?.body;
        let text = reply.pointer(listed.pointer).filter(|text| text.is_string()).ok_or_else(|| {
            no_reply(
                Outcome::NotDone,
                format!("`{}` of `{id}` has nothing at {}", listed.action, listed.pointer),
            )
        })?;
        self.client.redactor.learn(text);
        Ok(Secret::new(text.as_str().unwrap_or_default()))
    }

    async fn nodes(&self, id: &ArmId) -> Result<Vec<Node>, CloudError> {
        let Some(listed) = kinds::of_type(id).find_map(Kind::node_list) else { return Ok(Vec::new()) };
        let query = [("api-version", api_version_of(id))];
        let url = self.client.endpoint.url(id, &[listed.action], &query);
        // A POST that only reads.
        let call = Call { reads: true, ..Call::new(Method::POST, url, None) };
        let nodes = self.client.pages(call, listed.items).await?;
        Ok(nodes.iter().map(|body| node(body, listed.public_ip)).collect())
    }

    async fn regional(&self, location: &Location) -> Result<Region, CloudError> {
        match location.service {
            Service::MachineLearning => self.about_region(&location.subscription, &location.region).await,
            Service::Compute => self.about_machines(&location.subscription, &location.region).await,
        }
    }

    async fn locks(&self, scope: &ArmId) -> Result<Vec<Lock>, CloudError> {
        self.locks_of(scope).await
    }

    async fn outdated(&self, set: &ArmId) -> Result<Vec<String>, CloudError> {
        self.outdated_of(set).await
    }

    async fn name_taken(&self, kind: &'static Kind, id: &ArmId) -> Result<Option<String>, CloudError> {
        self.check_name(kind, id).await
    }

    async fn api_versions(&self, id: &ArmId) -> Result<Vec<String>, CloudError> {
        self.versions_of(id).await
    }

    async fn files(&self, workspace: &ArmId, folder: &str) -> Result<Vec<FileEntry>, CloudError> {
        self.entries(workspace, folder).await
    }

    async fn file(&self, workspace: &ArmId, path: &str, most: u64) -> Result<Option<FileText>, CloudError> {
        self.end_of(workspace, path, most).await
    }

    fn gone_proof_interval(&self) -> Duration {
        self.client.settings.gone_proof_interval
    }

    fn now(&self) -> Option<Timestamp> {
        self.client.now()
    }
}

/// What lies in a resource, by the segments and api-versions of its collections.
fn collections_of(parent: &ArmId) -> Vec<(&'static str, &'static str)> {
    let of_parent: Vec<&Kind> = kinds::of_type(parent).collect();
    if of_parent.iter().any(|kind| matches!(kind.placement, Placement::Group { .. })) {
        return vec![("resources", RESOURCES_VERSION)];
    }
    let inside = |kind: &&'static Kind| match kind.placement {
        Placement::InParent { parent, collection, api_version, .. } => {
            let found = of_parent.iter().any(|kind| kind.name == parent);
            found.then_some((collection, api_version))
        }
        _ => None,
    };
    let mut found: Vec<_> =
        kinds::KINDS.iter().filter(|kind| !kind.is_on_share()).filter_map(inside).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// An item of a collection; without an id it is none.
fn item(body: &Json) -> Option<Item> {
    let text = |path| get(body, path).and_then(Json::as_str);
    let arm_id = ArmId::parse(text("id")?)?;
    let kind = kinds::of_type(&arm_id).find(|kind| is_of(kind, body));
    let member = text("properties.computeType").map(|word| format!(" ({word})")).unwrap_or_default();
    let what = format!("{}{member}", arm_id.resource_type());
    Some(Item { arm_id, kind, what })
}

/// A node, as listed (machine-learning facts §3.8, batch-ai facts §3). Some services write the port as `50000.0`.
fn node(body: &Json, public_ip: &str) -> Node {
    let text = |key| get(body, key).and_then(Json::as_str).map(str::to_owned);
    Node {
        id: text("nodeId").unwrap_or_default(),
        state: text("nodeState").unwrap_or_default().to_lowercase(),
        private_ip: text("privateIpAddress"),
        public_ip: text(public_ip),
        port: get(body, "port").and_then(|port| port.as_i64().or(port.as_f64().map(|port| port as i64))),
        run_id: text("runId"),
    }
}
