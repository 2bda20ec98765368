//! Valid documents made by chance from the kinds' own tables: every attribute given or not, every word
//! of every enumeration, numbers at the edges of their rules, and odd spellings wherever they are equal.

use std::collections::BTreeMap;

use model::rule::Rule;
use model::schema::{Attribute, Change, Compare, Form, Kind, Need, Reference, Type, Unit};
use model::{Json, check::Check, compare::seconds_of, compare::set};
use serde_json::json;
use testkit::Random;

use crate::fitting::fitted;

pub const SUBSCRIPTION: &str = "0a1b2c3d-0000-4000-8000-00000000abcd";
pub const GROUP: &str = "law";
pub const WORKSPACE: &str = "home";
pub const LOCATION: &str = "westeurope";

/// The values of a document, by path, as people write them.
pub type Values = BTreeMap<&'static str, Json>;

/// One generated document.
#[derive(Clone)]
pub struct Case {
    pub kind: &'static Kind,
    pub name: String,
    number: u64,
    pub values: Values,
}

impl Case {
    /// A document of the kind; `number` makes its name its own.
    pub fn new(kind: &'static Kind, number: u64, random: &mut Random) -> Self {
        let plain = kind
            .name_rules
            .iter()
            .any(|r| matches!(r, Rule::LowerAlphanumeric | Rule::LowerCase | Rule::Alphabet("")));
        let name = if plain { format!("lawcase{number}") } else { format!("Law-Case{number}") };
        let values = fields(kind.attributes, None, random);
        let values = apart(fitted(kind.name, number, mended(kind, values), random), &name);
        Self { kind, name, number, values }
    }

    /// The same resource with other values for whatever can change in place.
    pub fn edited(&self, random: &mut Random) -> Self {
        let mut values = fields(self.kind.attributes, Some(&self.values), random);
        if self.values.get("purge_protection") == Some(&json!(true)) {
            // Nobody can switch it off again.
            values.insert("purge_protection", json!(true));
        }
        if self.values.get("large_file_shares") == Some(&json!(true)) {
            values.insert("large_file_shares", json!(true));
        }
        let values = fitted(self.kind.name, self.number, mended(self.kind, values), random);
        Self { values: apart(values, &self.name), ..self.clone() }
    }

    /// The same in other words: other cases, units and orders, another comment on a key.
    pub fn respelled(&self, random: &mut Random) -> Self {
        let other = |(path, value): (&&'static str, &Json)| {
            let attribute = self.kind.attribute(path).unwrap();
            (*path, respelled(attribute, value, random))
        };
        Self { values: self.values.iter().map(other).collect(), ..self.clone() }
    }

    /// The document, in JSON, which is YAML.
    pub fn document(&self, adopt: bool) -> Json {
        let mut document = json!({ "kind": self.kind.name, "name": self.name });
        if adopt {
            document["adopt"] = json!(true);
        }
        self.values.iter().for_each(|(path, value)| set(&mut document, path, value.clone()));
        document
    }
}

/// Whether a new value of it needs no new resource, nor waits for one.
pub fn is_in_place(attribute: &Attribute) -> bool {
    !matches!(attribute.change, Change::CreateOnly | Change::Held)
}

/// Values for a table. What cannot change in place is as in `like`, if there is one.
fn fields(attributes: &'static [Attribute], like: Option<&Values>, random: &mut Random) -> Values {
    let mut values = Values::new();
    let mut groups: BTreeMap<&str, bool> = BTreeMap::new();
    for attribute in attributes.iter().filter(|a| !a.derived) {
        if let Some((sibling, word)) = attribute.when
            && values.get(sibling).and_then(Json::as_str).is_none_or(|w| !w.eq_ignore_ascii_case(word))
        {
            continue;
        }
        let fixed = like.filter(|_| !is_in_place(attribute));
        if let Some(like) = fixed {
            values.extend(like.get(attribute.path).map(|value| (attribute.path, value.clone())));
            continue;
        }
        let group = attribute.group().unwrap_or_default();
        let has_group = *groups.entry(group).or_insert_with(|| match (like, group) {
            (Some(like), group) if is_partly_fixed(attributes, group) => {
                like.keys().any(|path| is_below(path, group))
            }
            (_, "") => true,
            _ => random.chance(1, 2),
        });
        let given = match attribute.need {
            Need::Required => true,
            Need::WithGroup => has_group,
            Need::Optional => has_group && random.chance(1, 2),
        };
        if given || is_always_given(attribute.path) {
            values.insert(attribute.path, value(attribute, random));
        }
    }
    values
}

/// Without these a workspace's document implies further resources, which are not what is tested here. The destinations
/// of outbound rules have too many forms to leave their parts to chance.
fn is_always_given(path: &str) -> bool {
    let implied = ["storage_account", "key_vault", "application_insights"].contains(&path);
    implied || is_below(path, "destination")
}

fn is_partly_fixed(attributes: &[Attribute], group: &str) -> bool {
    attributes.iter().any(|a| is_below(a.path, group) && !is_in_place(a))
}

fn is_below(path: &str, group: &str) -> bool {
    path.strip_prefix(group).is_some_and(|rest| rest.starts_with('.'))
}

fn value(attribute: &Attribute, random: &mut Random) -> Json {
    match attribute.value {
        Type::List(element) => list(attribute, element, random),
        Type::Map(Type::Scalar) => map(random, |random| {
            [json!("text"), json!(""), json!(5), json!(true), json!(0.5)][random.below(5) as usize].clone()
        }),
        Type::Map(Type::Object(attributes)) => map(random, |random| object(attributes, random)),
        Type::Map(Type::Quantity) => map(random, |random| json!(*random.pick(&["4Gi", "1", "500m"]))),
        Type::Map(_) => map(random, |random| json!(free_text(random))),
        Type::Script => script(random),
        _ => scalar(attribute, random),
    }
}

fn scalar(attribute: &Attribute, random: &mut Random) -> Json {
    match attribute.value {
        Type::Boolean => json!(random.chance(1, 2)),
        Type::Integer => json!(number(attribute, random)),
        Type::Duration(unit) => duration(unit, number(attribute, random), random),
        Type::Enum(variants) => {
            let word = random.pick(variants).yaml;
            json!(odd(word, random))
        }
        // Of all there could be, only the group is known to be there.
        Type::Reference(Reference { kind: "resource", .. }) => {
            json!(format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"))
        }
        Type::Reference(reference) => json!(refer(&reference, random)),
        _ => json!(text(attribute, random)),
    }
}

/// A number of the attribute's range, its edges more often than the others.
fn number(attribute: &Attribute, random: &mut Random) -> i64 {
    let range = attribute.rules.iter().find_map(|r| match r {
        Rule::Between(low, high) => Some((*low, *high)),
        _ => None,
    });
    let (low, high) = range.unwrap_or((0, 1000));
    let inside = low + random.below((high - low + 1) as u64) as i64;
    *random.pick(&[low, high, low + 1, inside, inside])
}

/// Some spelling of a number of units.
fn duration(unit: Unit, count: i64, random: &mut Random) -> Json {
    let (seconds, letter) = (count as u64 * unit.seconds(), if unit == Unit::Seconds { "s" } else { "m" });
    match random.below(5) {
        0 => json!(format!("{count}{letter}")),
        1 => json!(format!("PT{}{}", count, letter.to_uppercase())),
        2 => json!(model::duration::to_iso(seconds)),
        // Not whole in minutes; the largest values have no room for it.
        3 if unit == Unit::Minutes && count > 15 => json!(format!("PT{}S", seconds - 30)),
        _ => json!(count),
    }
}

fn text(attribute: &Attribute, random: &mut Random) -> String {
    match attribute.path {
        "size" => {
            let size = *random.pick(&["Standard_DS3_v2", "STANDARD_D2S_V3", "standard_nc6"]);
            return odd(size, random);
        }
        // It becomes part of an id.
        "network_settings.vnet_name" => return "net".to_owned(),
        "network_settings.subnet" => {
            return id("Microsoft.Network/virtualNetworks/net/subnets", "nodes", random);
        }
        "subscription" => return odd(SUBSCRIPTION, random),
        _ => {}
    }
    if attribute.compare == Compare::Location {
        return (*random.pick(&["westeurope", "West Europe", "WESTEUROPE", "North Europe"])).to_owned();
    }
    let ruled = attribute.rules.iter().find_map(|rule| ruled_text(rule, random));
    let free = || match random.chance(1, 5) && attribute.compare == Compare::EmptyIsAbsent {
        true => String::new(),
        false => free_text(random),
    };
    ruled.unwrap_or_else(free)
}

/// A text that keeps a rule by its form.
fn ruled_text(rule: &Rule, random: &mut Random) -> Option<String> {
    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1vNqwD0dsRk5mQOgWc4bYhF0V8o5aGPnRk7lB1q2Wf";
    let one_of = |words: &[&str], random: &mut Random| Some((*random.pick(words)).to_owned());
    match rule {
        Rule::ArmIdOf(types) => {
            let resource_type: &str = random.pick::<&str>(types);
            Some(id_of_type(resource_type, "thing", random))
        }
        Rule::ArmId => Some(id("Microsoft.Some/things", "thing", random)),
        Rule::Guid => Some(odd("89abcdef-0123-4567-89ab-cdef01234567", random)),
        Rule::SshKey => {
            let comment = *random.pick(&["", " me@host", " two words"]);
            Some(format!("{KEY}{comment}"))
        }
        Rule::Cron => one_of(&["0 18 * * *", "*/15 9-17 1,15 jan-mar mon-fri", "0 0 * * 7"], random),
        Rule::Image => one_of(&["UbuntuLTS", "ubuntudsvm", "a:b:c:", "a:b:c:1.0"], random),
        Rule::TimeZone => {
            one_of(&["UTC", "W. Europe Standard Time", "utc", "Mountain Standard Time (Mexico)"], random)
        }
        Rule::LocalDateTime => one_of(&["2026-12-31T23:59:59", "2026-01-01T00:00:00"], random),
        Rule::Length(low, high) => {
            let length = *random.pick(&[*low, *high, (*low).max(1)]);
            Some("abcdefgh".chars().cycle().take(length.max(1)).collect())
        }
        _ => None,
    }
}

fn free_text(random: &mut Random) -> String {
    let texts =
        ["plain", "Ümläut 東京", "\"quoted\": # no comment", " edges ", "two\nlines", "yes", "1.0", "null"];
    (*random.pick(&texts)).to_owned()
}

fn refer(reference: &Reference, random: &mut Random) -> String {
    let name = match reference.kind {
        "resource_group" => GROUP,
        "workspace" if reference.form == Form::Name => WORKSPACE,
        "storage_account" if reference.form == Form::Name => "lawfiles",
        "batch_ai_workspace" => return "bench".to_owned(),
        "batch_ai_file_server" => return "nfs".to_owned(),
        _ => "other",
    };
    match reference.form {
        Form::Name => odd(name, random),
        Form::Id => id_of_type(reference.resource_type, name, random),
    }
}

/// The id of something of a type; of a nested one, the parent's name stands between.
fn id_of_type(resource_type: &str, name: &str, random: &mut Random) -> String {
    let (above, last) = resource_type.rsplit_once('/').unwrap();
    match above.contains('/') {
        true => id(&format!("{above}/within/{last}"), name, random),
        false => id(resource_type, name, random),
    }
}

/// The id of something elsewhere, in some casing.
fn id(resource_type: &str, name: &str, random: &mut Random) -> String {
    let text =
        format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/Elsewhere/providers/{resource_type}/{name}");
    odd(&text, random)
}

/// The same letters, half the time in other cases.
fn odd(text: &str, random: &mut Random) -> String {
    if random.chance(1, 2) {
        return text.to_owned();
    }
    let turned =
        |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    text.chars().map(|c| if random.chance(1, 3) { turned(c) } else { c }).collect()
}

/// An equal value.
fn respelled(attribute: &Attribute, value: &Json, random: &mut Random) -> Json {
    let folds = matches!(
        attribute.compare,
        Compare::CaseInsensitive | Compare::NoneIsAbsent | Compare::ArmId | Compare::Location
    );
    match (&attribute.value, value) {
        (Type::Duration(_), _) => {
            let seconds = seconds_of(&attribute.value, value).unwrap();
            json!(format!("PT{seconds}S"))
        }
        (Type::List(element), Json::Array(list)) if attribute.compare == Compare::Set => {
            let other = |v: &Json| match (element, v) {
                (Type::Reference(_), Json::String(id)) => json!(odd(id, random)),
                _ => v.clone(),
            };
            list.iter().rev().map(other).collect()
        }
        (_, Json::String(key)) if attribute.compare == Compare::SshKey => {
            let words: Vec<&str> = key.split(' ').take(2).collect();
            json!(format!("{} other comment", words.join(" ")))
        }
        (Type::Enum(_) | Type::Reference(_), Json::String(text)) => json!(odd(text, random)),
        (_, Json::String(text)) if folds => json!(odd(text, random)),
        _ => value.clone(),
    }
}

fn list(attribute: &Attribute, element: &'static Type, random: &mut Random) -> Json {
    let most = attribute.rules.iter().find_map(|r| match r {
        Rule::Length(_, high) => Some(*high as u64),
        _ => None,
    });
    let length = random.below(most.unwrap_or(3) + 1);
    let each = attribute.rules.iter().find_map(|r| match r {
        Rule::Each(low, high) => Some((*low, *high)),
        _ => None,
    });
    let elements = (0..length).map(|index| match (element, each) {
        (Type::Integer, Some((low, high))) => json!(*random.pick(&[low, high, (low + high) / 2])),
        (Type::Object(attributes), _) => object(attributes, random),
        (Type::Enum(variants), _) => json!(random.pick(variants).yaml),
        // Of all there could be, only the group is known to be there.
        (Type::Reference(Reference { kind: "resource", .. }), _) => {
            json!(format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"))
        }
        (Type::Reference(reference), _) => {
            json!(id_of_type(reference.resource_type, &format!("one{index}"), random))
        }
        _ => json!(free_text(random)),
    });
    elements.collect()
}

fn object(attributes: &'static [Attribute], random: &mut Random) -> Json {
    let mut object = json!({});
    for (path, value) in fields(attributes, None, random) {
        set(&mut object, path, value);
    }
    object
}

fn map(random: &mut Random, value: impl Fn(&mut Random) -> Json) -> Json {
    let keys = ["team", "Cost Center", "env:stage", "größe", "with.dot", "UPPER"];
    let given = keys.iter().filter_map(|key| {
        let value = value(random);
        random.chance(1, 2).then(|| ((*key).to_owned(), value))
    });
    Json::Object(given.collect())
}

/// A script's document (`law.rs` has them), or az ml's mapping.
fn script(random: &mut Random) -> Json {
    let mapping = json!({ "path": "Users/me/setup.sh", "command": "bash setup.sh", "timeout_minutes": 30 });
    [json!("prepare"), json!("begin"), mapping, json!({ "path": "setup.sh" })][random.below(4) as usize]
        .clone()
}

/// The values with what the tables' checks and the service want of several attributes together.
fn mended(kind: &Kind, mut values: Values) -> Values {
    mend_identity(&mut values);
    mend_workspace(&mut values);
    mend_instance(&mut values);
    mend_batch_ai(kind, &mut values);
    let known = |values: &Values, path: &str| values.get(path).and_then(Json::as_i64);
    for check in kind.checks {
        match *check {
            Check::AtMost(low, high) => {
                let (a, b) = (known(&values, low).unwrap_or(0), known(&values, high).unwrap_or(4));
                if a > b {
                    values.insert(low, json!(b));
                    values.insert(high, json!(a));
                }
            }
            Check::Needs(first, second) if !values.contains_key(second) => {
                values.remove(first);
            }
            Check::NeedsOneOf(first, value, others)
                if values.get(first) == Some(&json!(value))
                    && !others.iter().any(|o| values.contains_key(o)) =>
            {
                values.insert(first, json!(!value));
            }
            _ => {}
        }
    }
    // Credentials have what they are of.
    for (word, path) in [("account_key", "credentials.account_key"), ("sas", "credentials.sas_token")] {
        let is_of_it = |v: &Json| v.as_str().is_some_and(|v| v.eq_ignore_ascii_case(word));
        if kind.attribute(path).is_some() && values.get("credentials.type").is_some_and(is_of_it) {
            values.insert(path, json!("c2VjcmV0"));
        }
    }
    if values.contains_key("network_settings.vnet_name") {
        values.insert("network_settings.subnet", json!("nodes"));
    }
    values
}

/// Values that no two resources share.
fn apart(mut values: Values, name: &str) -> Values {
    if let Some(value) = values.get_mut("domain_name_label") {
        let tail = value.as_str().map_or(0, str::len) % 7;
        *value = json!(format!("{}-{tail}", name.to_lowercase()));
    }
    values
}

/// The list is there just when the type says so.
fn mend_identity(values: &mut Values) {
    const LIST: &str = "identity.user_assigned_identities";
    if values.contains_key("primary_user_assigned_identity") {
        values.insert("identity.type", json!("user_assigned"));
    }
    let word = values.get("identity.type").and_then(Json::as_str).unwrap_or_default().to_lowercase();
    if !word.contains("user_assigned") {
        values.remove(LIST);
    } else if values.get(LIST).is_none_or(|list| list == &json!([])) {
        let id = "providers/Microsoft.ManagedIdentity/userAssignedIdentities/one";
        let id = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/elsewhere/{id}");
        values.insert(LIST, json!([id]));
    }
    // It acts as one of those it has.
    let first = values.get(LIST).and_then(|list| list.get(0)).cloned();
    let primary = values.get_mut("primary_user_assigned_identity");
    primary.zip(first).into_iter().for_each(|(primary, first)| *primary = first);
}

/// A project has a hub, and nothing else has one.
fn mend_workspace(values: &mut Values) {
    let word = values.get("workspace_kind").and_then(Json::as_str).unwrap_or_default().to_lowercase();
    if word != "project" {
        values.remove("workspace_hub");
    }
}

/// One scale of the two, few nodes, and sizes that the service takes.
fn mend_batch_ai(kind: &Kind, values: &mut Values) {
    const SERVERS: &str = "mount_volumes.file_servers";
    let small = |values: &Values, path: &str| values.get(path).and_then(Json::as_i64).unwrap_or(1) % 4;
    let size = values.get("size").and_then(Json::as_str).unwrap_or_default().to_lowercase();
    if kind.name == "batch_ai_file_server" && size == "standard_nc6" {
        values.insert("data_disks.storage_account_type", json!("Standard_LRS"));
    }
    if kind.name.starts_with("batch_ai_")
        && !values.contains_key("ssh_settings.ssh_key_value")
        && !size.is_empty()
    {
        values.insert("ssh_settings.admin_password", json!("a-secret"));
    }
    if kind.name != "batch_ai_cluster" {
        return;
    }
    if size == "standard_ds3_v2" {
        values.insert("size", json!("STANDARD_NC6"));
    }
    if values.get(SERVERS).is_some_and(|servers| servers != &json!([])) {
        values.remove("subnet");
    }
    let is_auto = values.contains_key("initial_instances")
        || values.contains_key("max_instances") && !values.contains_key("target_instances");
    let (own, other): (&[&'static str], &[&str]) = match is_auto {
        true => (
            &["initial_instances", "min_instances", "max_instances"],
            &["target_instances", "node_deallocation"],
        ),
        false => (&["target_instances"], &["initial_instances", "min_instances", "max_instances"]),
    };
    other.iter().for_each(|path| _ = values.remove(path));
    for path in own
        .iter()
        .filter(|path| **path != "initial_instances" || values.contains_key(**path))
        .copied()
        .collect::<Vec<_>>()
    {
        let number = small(values, path);
        values.insert(path, json!(number));
    }
    if values.contains_key("initial_instances") {
        values.insert("initial_instances", json!(0));
    }
}

/// Names and ports are different on one instance; single sign-on is forced off in one case (facts §4.3).
fn mend_instance(values: &mut Values) {
    let mut ports = [1026, 65_534].into_iter().chain(2000..);
    let applications = values.get_mut("custom_applications").and_then(Json::as_array_mut);
    for (index, application) in applications.into_iter().flatten().enumerate() {
        application["name"] = json!(format!("app{index}"));
        for endpoint in application["endpoints"].as_array_mut().into_iter().flatten() {
            endpoint["published"] = json!(ports.next());
        }
    }
    let mounts = values.get_mut("data_mounts").and_then(Json::as_array_mut);
    for (index, mount) in mounts.into_iter().flatten().enumerate() {
        // The action knows mounts by their names; one of them may do without.
        if index > 0 || mount.get("mount_name").is_some() {
            mount["mount_name"] = json!(format!("mount{index}"));
        }
    }
    let for_another = values.contains_key("create_on_behalf_of.user_object_id");
    let prepared =
        values.keys().any(|path| is_below(path, "setup_scripts") || *path == "custom_applications");
    if for_another && prepared {
        values.remove("enable_sso");
    }
}
