//! What a plan runs into beside its own resources: sizes and quotas of regions, locks, names that are taken.

use executor::provider::{CloudError, Outcome};
use http::Method;
use model::compare::get;
use model::{ArmId, Json, Kind, Placement, kinds};
use planner::preflight::{Counted, Lock, Quota, Region, Size, Tier, fold_family};
use serde_json::json;

use crate::client::Call;
use crate::judge::no_reply;
use crate::path::{RESOURCES_VERSION, api_version_of};
use crate::provider::ArmProvider;

const ML: &str = "providers/Microsoft.MachineLearningServices";

const COMPUTE: &str = "providers/Microsoft.Compute";

/// The api-version of the list of machine sizes.
const SKUS_VERSION: &str = "2021-07-01";

const LOCKS: &str = "providers/Microsoft.Authorization/locks";

/// The api-version of locks.
const LOCKS_VERSION: &str = "2020-05-01";

/// Types whose names all of Azure shares, and whose services tell whether one can be had.
const SHARED_NAMES: [&str; 3] = [
    "Microsoft.ContainerRegistry/registries",
    "Microsoft.KeyVault/vaults",
    "Microsoft.Storage/storageAccounts",
];

impl ArmProvider {
    /// Two lists: sizes, and usages, which have the limits beside them (machine-learning facts §2.4).
    pub(crate) async fn about_region(&self, subscription: &str, region: &str) -> Result<Region, CloudError> {
        let root = subscription_id(subscription)?;
        let version = kinds::find("workspace").expect("BUG: there is a kind of workspaces").api_version();
        let list = async |what: &str| {
            let tail = [ML, "locations", region, what];
            let url = self.client.endpoint.url(&root, &tail, &[("api-version", version)]);
            self.client.pages(Call::get(url), "value").await
        };
        let (sizes, usages) = tokio::join!(list("vmSizes"), list("usages"));
        Ok(Region {
            sizes: sizes?.iter().filter_map(size).collect(),
            quotas: usages?.iter().filter_map(quota).collect(),
        })
    }

    /// The same for scale sets: the list of sizes with what each can do and whether the subscription may have it, and
    /// the service's own usages, which count apart from those of machine learning.
    pub(crate) async fn about_machines(
        &self,
        subscription: &str,
        region: &str,
    ) -> Result<Region, CloudError> {
        let root = subscription_id(subscription)?;
        let filter = format!("location eq '{region}'");
        let skus = self.client.endpoint.url(
            &root,
            &[COMPUTE, "skus"],
            &[("api-version", SKUS_VERSION), ("$filter", &filter)],
        );
        let version = kinds::find("scale_set").expect("BUG: there is a kind of scale sets").api_version();
        let tail = [COMPUTE, "locations", region, "usages"];
        let usages = self.client.endpoint.url(&root, &tail, &[("api-version", version)]);
        let (skus, usages) = tokio::join!(
            self.client.pages(Call::get(skus), "value"),
            self.client.pages(Call::get(usages), "value")
        );
        Ok(Region {
            sizes: skus?.iter().filter_map(machine_size).collect(),
            quotas: usages?.iter().filter_map(machine_quota).collect(),
        })
    }

    /// Without a filter the list of a scope has the locks on what lies in it, too: of a group all, of a subscription
    /// only its own.
    pub(crate) async fn locks_of(&self, scope: &ArmId) -> Result<Vec<Lock>, CloudError> {
        let mut query = vec![("api-version", LOCKS_VERSION)];
        if scope.resource_group().is_none() {
            query.push(("$filter", "atScope()"));
        }
        let url = self.client.endpoint.url(scope, &[LOCKS], &query);
        match self.client.pages(Call::get(url), "value").await {
            Ok(rows) => Ok(rows.iter().filter_map(lock).collect()),
            // A group that is not there has none.
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Machines say of themselves whether they have the latest model of their set (dsvm-pool facts §4).
    pub(crate) async fn outdated_of(&self, set: &ArmId) -> Result<Vec<String>, CloudError> {
        let url =
            self.client.endpoint.url(set, &["virtualMachines"], &[("api-version", api_version_of(set))]);
        let machines = match self.client.pages(Call::get(url), "value").await {
            Err(error) if error.is_not_found() => Vec::new(),
            machines => machines?,
        };
        let behind =
            machines.iter().filter(|m| get(m, "properties.latestModelApplied") == Some(&json!(false)));
        Ok(behind.filter_map(|m| get(m, "instanceId")?.as_str()).map(str::to_owned).collect())
    }

    /// What the subscription's resource provider says of the type.
    pub(crate) async fn versions_of(&self, id: &ArmId) -> Result<Vec<String>, CloudError> {
        let own = id.resource_type();
        let Some((namespace, rest)) = own.split_once('/') else { return Ok(Vec::new()) };
        let root = subscription_id(id.subscription())?;
        let url =
            self.client.endpoint.url(&root, &["providers", namespace], &[("api-version", RESOURCES_VERSION)]);
        match self.client.call(&Call::get(url)).await {
            Ok(reply) => Ok(versions(&reply.body, rest)),
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Asks the service, where it has such a question.
    pub(crate) async fn check_name(&self, kind: &Kind, id: &ArmId) -> Result<Option<String>, CloudError> {
        let (Placement::InGroup { resource_type, api_version }
        | Placement::Typed { resource_type, api_version, .. }) = kind.placement
        else {
            return Ok(None);
        };
        let Some(shared) = SHARED_NAMES.iter().find(|t| t.eq_ignore_ascii_case(resource_type)) else {
            return Ok(None);
        };
        let namespace = shared.split('/').next().unwrap_or_default();
        let tail = ["providers", namespace, "checkNameAvailability"];
        let root = subscription_id(id.subscription())?;
        let url = self.client.endpoint.url(&root, &tail, &[("api-version", api_version)]);
        let body = json!({ "name": id.name(), "type": shared });
        // A POST that only reads.
        let call = Call { reads: true, ..Call::new(Method::POST, url, Some(body)) };
        let reply = self.client.call(&call).await?.body;
        let text = |key: &str| get(&reply, key).and_then(Json::as_str).filter(|text| !text.is_empty());
        let free = get(&reply, "nameAvailable").and_then(Json::as_bool).unwrap_or(true);
        let why = || text("message").or_else(|| text("reason")).unwrap_or("it is taken");
        Ok((!free).then(|| self.client.redactor.scrub(why().to_owned())))
    }
}

/// The versions of a type in a resource provider's description of itself.
fn versions(provider: &Json, resource_type: &str) -> Vec<String> {
    let rows = get(provider, "resourceTypes").and_then(Json::as_array).into_iter().flatten();
    let named = |row: &&Json| {
        get(row, "resourceType").and_then(Json::as_str).is_some_and(|t| t.eq_ignore_ascii_case(resource_type))
    };
    let versions = rows.filter(named).filter_map(|row| get(row, "apiVersions")?.as_array()).flatten();
    versions.filter_map(Json::as_str).map(str::to_owned).collect()
}

fn subscription_id(subscription: &str) -> Result<ArmId, CloudError> {
    ArmId::parse(&format!("/subscriptions/{subscription}"))
        .ok_or_else(|| no_reply(Outcome::NotDone, "a subscription's id is not as it should be"))
}

/// A row of the size list (machine-learning facts §8.5).
fn size(row: &Json) -> Option<Size> {
    let text = |key: &str| get(row, key).and_then(Json::as_str);
    let number = |key: &str| get(row, key).and_then(Json::as_i64);
    let uses = get(row, "supportedComputeTypes").and_then(Json::as_array).into_iter().flatten();
    Some(Size {
        name: text("name")?.to_owned(),
        family: text("family").unwrap_or_default().to_owned(),
        cores: number("vCPUs")?,
        gpus: number("gpus").unwrap_or(0),
        low_priority: get(row, "lowPriorityCapable").and_then(Json::as_bool).unwrap_or(true),
        uses: uses.filter_map(Json::as_str).map(str::to_owned).collect(),
    })
}

/// A row of the list of everything that Microsoft.Compute sells; none for what is no machine, or not for this subscription.
fn machine_size(row: &Json) -> Option<Size> {
    let text = |key: &str| get(row, key).and_then(Json::as_str);
    let list = |key: &str| get(row, key).and_then(Json::as_array).into_iter().flatten();
    let capability = |name: &str| {
        let found = list("capabilities").find(|c| get(c, "name").and_then(Json::as_str) == Some(name))?;
        get(found, "value").and_then(Json::as_str)
    };
    let number = |name: &str| capability(name).and_then(|text| text.parse().ok());
    let is_barred = list("restrictions").any(|r| get(r, "type").and_then(Json::as_str) == Some("Location"));
    if text("resourceType") != Some("virtualMachines") || is_barred {
        return None;
    }
    Some(Size {
        name: text("name")?.to_owned(),
        family: text("family").unwrap_or_default().to_owned(),
        cores: number("vCPUs")?,
        gpus: number("GPUs").unwrap_or(0),
        low_priority: capability("LowPriorityCapable").is_none_or(|word| word.eq_ignore_ascii_case("true")),
        uses: Vec::new(),
    })
}

/// A row of Microsoft.Compute's usages: cores of each family and of all, those that Azure may take away counted once.
fn machine_quota(row: &Json) -> Option<Quota> {
    let name = get(row, "name.value").and_then(Json::as_str)?;
    let counted = match name {
        "cores" => Counted::Cores(Tier::Dedicated),
        "lowPriorityCores" => Counted::Cores(Tier::LowPriority),
        family if family.ends_with("Family") => Counted::Family(fold_family(family), Tier::Dedicated),
        _ => return None,
    };
    let title = get(row, "name.localizedValue").and_then(Json::as_str).unwrap_or(name).to_owned();
    let limit = get(row, "limit").and_then(Json::as_i64).filter(|limit| *limit >= 0);
    Some(Quota { counted, title, limit, used: get(row, "currentValue").and_then(Json::as_i64).unwrap_or(0) })
}

/// A row of the usage list, in its documented and its live form; rows about one workspace or compute are none of a
/// region's. A limit of -1 is none.
fn quota(row: &Json) -> Option<Quota> {
    let text = |key: &str| get(row, key).and_then(Json::as_str);
    let about = text("type")?.split_once('/')?.1.to_ascii_lowercase();
    let title = text("name.localizedValue").or_else(|| text("name.value"))?;
    let is_low = about.contains("lowpriority") || fold_family_title(title).contains("lowpriority");
    let tier = if is_low { Tier::LowPriority } else { Tier::Dedicated };
    let counted = match about.split('/').next()? {
        "totalcores" => Counted::Computes,
        "dedicatedcores" | "lowprioritycores" => Counted::Cores(tier),
        "vmfamily" => Counted::Family(fold_family(text("name.value")?), tier),
        _ => return None,
    };
    let limit = get(row, "limit").and_then(Json::as_i64).filter(|limit| *limit >= 0);
    let used = get(row, "currentValue").and_then(Json::as_i64).unwrap_or(0);
    Some(Quota { counted, title: title.to_owned(), limit, used })
}

fn fold_family_title(title: &str) -> String {
    title.replace([' ', '-', '_'], "").to_ascii_lowercase()
}

fn lock(row: &Json) -> Option<Lock> {
    let id = get(row, "id").and_then(Json::as_str)?;
    let at = id.to_ascii_lowercase().rfind(&LOCKS.to_ascii_lowercase())?;
    Some(Lock {
        arm_id: ArmId::parse(id)?,
        scope: ArmId::parse(id[..at].trim_end_matches('/'))?,
        read_only: get(row, "properties.level").and_then(Json::as_str) == Some("ReadOnly"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(kind: &str, name: &str, limit: i64) -> Option<(Counted, Option<i64>)> {
        let row = json!({
            "type": format!("Microsoft.MachineLearningServices/{kind}/usages"),
            "currentValue": 2,
            "limit": limit,
            "name": { "value": name, "localizedValue": name },
        });
        quota(&row).map(|quota| (quota.counted, quota.limit))
    }

    #[test]
    fn usages_are_read_in_both_forms() {
        let family = |tier| Counted::Family("standarddsv2family".to_owned(), tier);
        let live = counted("vmFamily/dedicatedCores", "standardDSv2Family", 24);
        assert_eq!(live, Some((family(Tier::Dedicated), Some(24))));
        let documented = counted("vmFamily", "Standard DSv2 Family Cluster Dedicated vCPUs", 24);
        assert_eq!(documented, live);
        let low = counted("vmFamily", "Standard DSv2 Family Cluster LowPriority vCPUs", -1);
        assert_eq!(low, Some((family(Tier::LowPriority), None)));
        assert_eq!(counted("totalCores", "Clusters", 200), Some((Counted::Computes, Some(200))));
        let total = counted("lowPriorityCores", "TotalLowPriorityCores", 0);
        assert_eq!(total, Some((Counted::Cores(Tier::LowPriority), Some(0))));
        assert_eq!(counted("workspaces", "Standard DSv2 Family Cluster Dedicated vCPUs", 1), None);
    }

    #[test]
    fn a_lock_tells_what_it_lies_on() {
        let row = json!({
            "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Authorization/locks/keep",
            "properties": { "level": "CanNotDelete" },
        });
        let lock = lock(&row).expect("a lock");
        assert_eq!((lock.scope.as_str(), lock.read_only), ("/subscriptions/s/resourceGroups/g", false));
    }
}
