//! How much of each region's quota is in use, kept up to date with every write so that no request has to count.

use std::collections::{BTreeMap, HashSet};

use crate::json;
use crate::kinds::batch_ai::nodes as batch_ai;
use crate::kinds::compute::nodes;
use crate::kinds::machines::scale_set;
use crate::regions::vm_sizes;
use crate::store::resource::Resource;

/// Counts by subscription and region.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    regions: BTreeMap<String, Region>,
    /// Dedicated cores by family, by the key of the workspace.
    workspaces: BTreeMap<String, BTreeMap<&'static str, i64>>,
    /// Region and lower-case name of every instance: they are host names, unique in the region.
    instances: HashSet<String>,
}

/// What one subscription uses in one region.
#[derive(Debug, Default, Clone)]
pub(crate) struct Region {
    /// Clusters and instances.
    pub(crate) computes: i64,
    /// Dedicated cores by family.
    pub(crate) dedicated: BTreeMap<&'static str, i64>,
    /// Low-priority cores by family.
    pub(crate) low_priority: BTreeMap<&'static str, i64>,
    pub(crate) machines: Machines,
    pub(crate) batch_ai: BatchAi,
}

/// What clusters of Batch AI use, which counts apart from everything else.
#[derive(Debug, Default, Clone)]
pub(crate) struct BatchAi {
    pub(crate) clusters: i64,
    /// Cores by family, and whether they are low-priority ones.
    cores: BTreeMap<(&'static str, bool), i64>,
}

impl BatchAi {
    /// Cores of a family in use.
    pub(crate) fn of(&self, family: &str, is_low: bool) -> i64 {
        let mine = self.cores.iter().filter(|((name, low), _)| *name == family && *low == is_low);
        mine.map(|(_, cores)| cores).sum()
    }

    /// Cores of all families in use.
    pub(crate) fn total(&self, is_low: bool) -> i64 {
        self.cores.iter().filter(|((_, low), _)| *low == is_low).map(|(_, cores)| cores).sum()
    }
}

/// What scale sets use: the compute service counts apart from machine learning.
#[derive(Debug, Default, Clone)]
pub(crate) struct Machines {
    /// Cores by family, but for spot machines. Deallocated ones count.
    pub(crate) cores: BTreeMap<&'static str, i64>,
    pub(crate) spot_cores: i64,
    pub(crate) count: i64,
    pub(crate) sets: i64,
}

fn region_key(subscription: &str, location: &str) -> String {
    format!("{subscription}/{location}").to_ascii_lowercase()
}

fn instance_key(location: &str, name: &str) -> String {
    format!("{location}/{name}").to_ascii_lowercase()
}

impl Usage {
    /// What a subscription uses in a region.
    pub(crate) fn of(&self, subscription: &str, location: &str) -> Region {
        self.regions.get(&region_key(subscription, location)).cloned().unwrap_or_default()
    }

    /// Dedicated cores of one family in use in a region.
    pub(crate) fn cores(&self, subscription: &str, location: &str, family: &str) -> i64 {
        let region = self.regions.get(&region_key(subscription, location));
        region.and_then(|region| region.dedicated.get(family)).copied().unwrap_or(0)
    }

    /// Dedicated cores of one family in use in a workspace.
    pub(crate) fn workspace_cores(&self, workspace: &str, family: &str) -> i64 {
        self.workspaces.get(workspace).and_then(|cores| cores.get(family)).copied().unwrap_or(0)
    }

    /// Clusters and instances in a region.
    pub(crate) fn computes(&self, subscription: &str, location: &str) -> i64 {
        self.regions.get(&region_key(subscription, location)).map_or(0, |region| region.computes)
    }

    /// Whether an instance of that name stands anywhere in the region.
    pub(crate) fn has_instance(&self, location: &str, name: &str) -> bool {
        self.instances.contains(&instance_key(location, name))
    }

    /// Counts a resource in.
    pub(crate) fn add(&mut self, resource: &Resource) {
        self.count(resource, 1);
    }

    /// Counts a resource out.
    pub(crate) fn subtract(&mut self, resource: &Resource) {
        self.count(resource, -1);
    }

    fn count(&mut self, resource: &Resource, sign: i64) {
        if resource.kind == scale_set::KIND.resource_type {
            self.count_machines(resource, sign);
        }
        if batch_ai::is_cluster(resource) {
            self.count_batch_ai(resource, sign);
        }
        let body = &resource.body;
        let compute_type = json::text(body, "/properties/computeType");
        let is_instance = compute_type == "ComputeInstance";
        // What is attached uses the quota of where it came from.
        if !is_instance && compute_type != "AmlCompute" {
            return;
        }
        let location = json::text(body, "/properties/computeLocation");
        let subscription = resource.id.split('/').nth(2).unwrap_or("");
        let region = self.regions.entry(region_key(subscription, location)).or_default();
        region.computes += sign;
        let nodes = if is_instance { 1 } else { nodes::reserved(body) };
        if let Some(size) = vm_sizes::find(json::text(body, "/properties/properties/vmSize")) {
            let is_low = json::text(body, "/properties/properties/vmPriority") == "LowPriority";
            let more = sign * nodes * size.cores;
            let cores = if is_low { &mut region.low_priority } else { &mut region.dedicated };
            *cores.entry(size.family).or_default() += more;
            let key = resource.key();
            if let Some((workspace, _)) = key.rsplit_once("/computes/").filter(|_| !is_low) {
                *self.workspaces.entry(workspace.to_owned()).or_default().entry(size.family).or_default() +=
                    more;
            }
        }
        if is_instance {
            let key = instance_key(location, resource.name());
            if sign > 0 {
                self.instances.insert(key)
            } else {
                self.instances.remove(&key)
            };
        }
    }

    fn count_batch_ai(&mut self, resource: &Resource, sign: i64) {
        let subscription = resource.id.split('/').nth(2).unwrap_or("");
        let key = region_key(subscription, batch_ai::region(resource));
        let used = &mut self.regions.entry(key).or_default().batch_ai;
        used.clusters += sign;
        let Some(size) = vm_sizes::find(json::text(&resource.body, "/properties/vmSize")) else { return };
        let cores = sign * batch_ai::count(resource) * size.cores;
        *used.cores.entry((size.family, batch_ai::is_low_priority(&resource.body))).or_default() += cores;
    }

    fn count_machines(&mut self, resource: &Resource, sign: i64) {
        let body = &resource.body;
        let subscription = resource.id.split('/').nth(2).unwrap_or("");
        let key = region_key(subscription, json::text(body, "/location"));
        let machines = &mut self.regions.entry(key).or_default().machines;
        let capacity = json::at(body, "/sku/capacity").as_i64().unwrap_or(0);
        machines.sets += sign;
        machines.count += sign * capacity;
        let Some(size) = vm_sizes::find(json::text(body, "/sku/name")) else { return };
        let cores = sign * capacity * size.cores;
        if scale_set::is_spot(body) {
            machines.spot_cores += cores;
        } else {
            *machines.cores.entry(size.family).or_default() += cores;
        }
    }
}
