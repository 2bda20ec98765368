//! The resources, indexed by collection and name, so that no request looks at more than it answers.

pub(crate) mod change;
pub(crate) mod links;
pub(crate) mod resource;
pub(crate) mod usage;

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::store::resource::Resource;

/// All resources.
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// Collection key (an id without its last part), then lower-case name.
    collections: BTreeMap<String, BTreeMap<String, Resource>>,
}

fn split(key: &str) -> (&str, &str) {
    key.rsplit_once('/').unwrap_or(("", key))
}

impl Store {
    /// The resource with that key.
    pub(crate) fn get(&self, key: &str) -> Option<&Resource> {
        let (collection, name) = split(key);
        self.collections.get(collection)?.get(name)
    }

    /// Changes a stored body in place; its key and its times stay.
    pub(crate) fn edit(&mut self, key: &str, change: impl FnOnce(&mut serde_json::Value)) {
        let (collection, name) = split(key);
        let items = self.collections.get_mut(collection);
        if let Some(resource) = items.and_then(|items| items.get_mut(name)) {
            change(&mut resource.body);
        }
    }

    /// Stores a resource, and returns what stood under its key.
    pub(crate) fn insert(&mut self, resource: Resource) -> Option<Resource> {
        let key = resource.key();
        let (collection, name) = split(&key);
        let name = name.to_owned();
        match self.collections.get_mut(collection) {
            Some(items) => items.insert(name, resource),
            None => self.collections.entry(collection.to_owned()).or_default().insert(name, resource),
        }
    }

    /// Takes a resource away, alone.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Resource> {
        let (collection, name) = split(key);
        let items = self.collections.get_mut(collection)?;
        let removed = items.remove(name)?;
        if items.is_empty() {
            self.collections.remove(collection);
        }
        Some(removed)
    }

    /// The keys of everything below a resource, at any depth.
    pub(crate) fn below(&self, key: &str) -> Vec<String> {
        let prefix = format!("{key}/");
        let inside = self
            .collections
            .range(prefix.clone()..)
            .take_while(|(collection, _)| collection.starts_with(&prefix));
        inside
            .flat_map(|(collection, items)| items.keys().map(move |name| format!("{collection}/{name}")))
            .collect()
    }

    /// The resources of a collection in name order, after a name if one is given.
    pub(crate) fn list<'a>(
        &'a self,
        collection: &str,
        after: Option<&str>,
    ) -> impl Iterator<Item = &'a Resource> + use<'a> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let items =
            self.collections.get(collection).map(|items| items.range::<str, _>((start, Bound::Unbounded)));
        items.into_iter().flatten().map(|(_, resource)| resource)
    }

    /// The resources directly in a group, of any type; what extends the group is among them.
    pub(crate) fn top_level<'a>(&'a self, group: &str) -> impl Iterator<Item = &'a Resource> + use<'a> {
        let prefix = format!("{group}/providers/");
        let length = prefix.len();
        let inside = self.collections.range(prefix.clone()..);
        inside
            .take_while(move |(collection, _)| collection.starts_with(&prefix))
            .filter(move |(collection, _)| collection[length..].matches('/').count() == 1)
            .flat_map(|(_, items)| items.values())
    }

    /// The resources of one type at any depth below a scope, in key order of their collections.
    pub(crate) fn of_type<'a>(
        &'a self,
        scope: &str,
        resource_type: &'a str,
    ) -> impl Iterator<Item = &'a Resource> {
        let last = resource_type.rsplit('/').next().unwrap_or("");
        let (prefix, ending) = (format!("{scope}/"), format!("/{last}").to_ascii_lowercase());
        let below = self.collections.range(prefix.clone()..);
        below
            .take_while(move |(collection, _)| collection.starts_with(&prefix))
            .filter(move |(collection, _)| collection.ends_with(&ending))
            .flat_map(|(_, items)| items.values())
            .filter(move |resource| resource.kind.eq_ignore_ascii_case(resource_type))
    }

    /// The types of the resources whose keys begin with a prefix; each collection is looked at once.
    pub(crate) fn types_in(&self, prefix: &str) -> impl Iterator<Item = &str> {
        let inside = self.collections.range(prefix.to_owned()..);
        let prefix = prefix.to_owned();
        inside
            .take_while(move |(collection, _)| collection.starts_with(&prefix))
            .filter_map(|(_, items)| items.values().next())
            .map(|resource| resource.kind.as_str())
    }

    /// Every resource; what lies in another one comes before it.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Resource> {
        self.collections.values().rev().flat_map(BTreeMap::values)
    }
}
