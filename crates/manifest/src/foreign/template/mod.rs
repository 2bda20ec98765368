//! ARM templates: which resources a deployment of one makes, by type and name.
//!
//! Names are expressions over parameters and variables. A function that is not known here makes the resource that
//! needs it a skipped one, with the function's name; nothing is guessed.

mod expression;
mod functions;

use std::cell::RefCell;
use std::collections::BTreeSet;

use model::{ArmId, Json};

use super::{Inventory, json};

/// How deep templates may lie in templates, and expressions in expressions.
const DEPTH_MAX: usize = 16;
/// How many copies one resource may have; ARM takes 800.
const COPIES_MAX: u64 = 800;

/// The resources of a template, deployed to a group with the values of a parameter file.
///
/// `parameters` is the text of a file with the schema `deploymentParameters.json`; what it leaves out has its default. An
/// error says what is wrong with either text.
pub fn template(text: &str, parameters: Option<&str>, group: &ArmId) -> Result<Inventory, String> {
    let template = json(&without_comments(text)).map_err(|words| format!("the template {words}"))?;
    let given = parameters.map(|text| json(&without_comments(text))).transpose();
    let given = given.map_err(|words| format!("the parameter file {words}"))?.unwrap_or(Json::Null);
    if !template.get("resources").is_some_and(|r| r.is_array() || r.is_object()) {
        return Err("the file is no ARM template: it has no `resources`".to_owned());
    }
    let mut inventory = Inventory::default();
    let around = Around::new(&template, given.get("parameters").unwrap_or(&Json::Null), group);
    around.resources(&template, None, &mut inventory);
    Ok(inventory)
}

/// What the expressions of a template see.
struct Around<'a> {
    template: &'a Json,
    /// `{ name: { value } }`, as parameter files have them.
    given: &'a Json,
    group: &'a ArmId,
    /// Parameters and variables that are being evaluated: one that needs itself has no value.
    open: RefCell<BTreeSet<String>>,
    /// The number of the copy, within one.
    copy: Option<u64>,
}

impl<'a> Around<'a> {
    fn new(template: &'a Json, given: &'a Json, group: &'a ArmId) -> Self {
        Self { template, given, group, open: RefCell::default(), copy: None }
    }

    /// A value of the template with its expressions carried out.
    fn value(&self, value: &Json) -> Result<Json, String> {
        Ok(match value {
            Json::String(text) => expression::evaluate(text, self)?,
            Json::Array(list) => list.iter().map(|v| self.value(v)).collect::<Result<_, _>>()?,
            Json::Object(map) => {
                map.iter().map(|(k, v)| Ok((k.clone(), self.value(v)?))).collect::<Result<_, String>>()?
            }
            other => other.clone(),
        })
    }

    fn text(&self, value: &Json) -> Result<String, String> {
        match self.value(value)? {
            Json::String(text) => Ok(text),
            other => Err(format!("{other} is no text")),
        }
    }

    /// Evaluates a parameter or variable, which may need others.
    fn named(&self, what: &str, name: &str, value: &Json) -> Result<Json, String> {
        let key = format!("{what} `{name}`");
        if self.open.borrow().len() >= DEPTH_MAX || !self.open.borrow_mut().insert(key.clone()) {
            return Err(format!("the {key} needs itself, or too many others"));
        }
        let value = self.value(value);
        self.open.borrow_mut().remove(&key);
        value
    }

    fn parameter(&self, name: &str) -> Result<Json, String> {
        if let Some(entry) = look_up(self.given, name) {
            return match entry.get("value") {
                // A parameter file may only name a vault for it, and a name is no secret.
                None => Err(format!("the parameter `{name}` comes from a key vault")),
                Some(value) => Ok(value.clone()),
            };
        }
        let declared = self.template.get("parameters").and_then(|p| look_up(p, name));
        match declared.map(|d| d.get("defaultValue")) {
            Some(Some(default)) => self.named("parameter", name, default),
            Some(None) => Err(format!("the parameter `{name}` has no value; give it with --parameters FILE")),
            None => Err(format!("there is no parameter `{name}`")),
        }
    }

    fn variable(&self, name: &str) -> Result<Json, String> {
        let value = self.template.get("variables").and_then(|v| look_up(v, name));
        let value = value.ok_or_else(|| format!("there is no variable `{name}`"))?;
        self.named("variable", name, value)
    }

    /// The resources of a template or of a resource, with those that lie in them.
    fn resources(&self, holder: &Json, parent: Option<(&str, &str)>, inventory: &mut Inventory) {
        // The newer language version has an object with symbolic names instead of a list.
        let list: Vec<&Json> = match holder.get("resources") {
            Some(Json::Array(list)) => list.iter().collect(),
            Some(Json::Object(map)) => map.values().collect(),
            _ => Vec::new(),
        };
        for resource in list {
            let label = label(resource);
            let copies = match resource.get("copy").and_then(|copy| copy.get("count")) {
                Some(count) => match self.value(count).map(|n| n.as_u64()) {
                    Ok(Some(count)) if count <= COPIES_MAX => (0..count).map(Some).collect(),
                    Ok(_) => {
                        inventory.skip(&label, "its `copy` has no usable count");
                        continue;
                    }
                    Err(why) => {
                        inventory.skip(&label, why);
                        continue;
                    }
                },
                None => vec![self.copy],
            };
            for copy in copies {
                let around = Around { copy, open: RefCell::default(), ..*self };
                if let Err(why) = around.resource(resource, parent, inventory) {
                    inventory.skip(&label, why);
                }
            }
        }
    }

    fn resource(
        &self,
        resource: &Json,
        parent: Option<(&str, &str)>,
        inventory: &mut Inventory,
    ) -> Result<(), String> {
        if resource.get("existing") == Some(&Json::Bool(true)) {
            return Ok(());
        }
        if let Some(condition) = resource.get("condition")
            && self.value(condition)? == Json::Bool(false)
        {
            return Ok(());
        }
        let (own, name) = (field(resource, "type")?, self.text(field(resource, "name")?)?);
        let own = own.as_str().ok_or("its `type` is no text")?;
        let (provided, name) = match parent {
            Some((above, holder)) => (format!("{above}/{own}"), format!("{holder}/{name}")),
            None => (own.to_owned(), name),
        };
        if provided.eq_ignore_ascii_case("Microsoft.Resources/deployments") {
            return self.nested(resource, inventory);
        }
        let group = self.group_of(resource)?;
        let base = match resource.get("scope") {
            Some(scope) => scope_id(&self.text(scope)?, &group)?,
            None => group,
        };
        inventory.name(format!("{provided} {name}"), id(&base, &provided, &name)?);
        self.resources(resource, Some((&provided, &name)), inventory);
        Ok(())
    }

    /// A template within the template, with parameters of its own where it asks for them.
    fn nested(&self, resource: &Json, inventory: &mut Inventory) -> Result<(), String> {
        let properties = field(resource, "properties")?;
        let Some(template) = properties.get("template") else {
            return Err("its template is at another address; import that file by itself".to_owned());
        };
        let group = self.group_of(resource)?;
        let scope = properties.get("expressionEvaluationOptions").and_then(|o| o.get("scope"));
        if scope.and_then(Json::as_str).is_some_and(|word| word.eq_ignore_ascii_case("inner")) {
            let given = self.value(properties.get("parameters").unwrap_or(&Json::Null))?;
            Around::new(template, &given, &group).resources(template, None, inventory);
        } else {
            Around { group: &group, open: RefCell::default(), ..*self }.resources(template, None, inventory);
        }
        Ok(())
    }

    /// The group of a resource that names another than the deployment's.
    fn group_of(&self, resource: &Json) -> Result<ArmId, String> {
        let subscription = match resource.get("subscriptionId") {
            Some(subscription) => self.text(subscription)?,
            None => self.group.subscription().to_owned(),
        };
        let group = match resource.get("resourceGroup") {
            Some(group) => self.text(group)?,
            None => self.group.name().to_owned(),
        };
        Ok(ArmId::group(&subscription, &group))
    }
}

/// What a skipped resource is called: as the template writes it.
fn label(resource: &Json) -> String {
    let text = |key: &str| resource.get(key).and_then(Json::as_str).unwrap_or("?");
    format!("{} {}", text("type"), text("name"))
}

fn field<'j>(resource: &'j Json, key: &str) -> Result<&'j Json, String> {
    resource.get(key).ok_or_else(|| format!("it has no `{key}`"))
}

/// Names in templates do not differ by case.
fn look_up<'j>(map: &'j Json, name: &str) -> Option<&'j Json> {
    map.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn scope_id(scope: &str, group: &ArmId) -> Result<ArmId, String> {
    let id = match scope.starts_with('/') {
        true => ArmId::parse(scope),
        // `Microsoft.Storage/storageAccounts/name`, within the group.
        false => ArmId::parse(&format!("{group}/providers/{scope}")),
    };
    id.ok_or_else(|| format!("its `scope` {scope:?} is no ARM id"))
}

/// `A.B/c/d` and `x/y` at a place are `…/providers/A.B/c/x/d/y`.
fn id(base: &ArmId, provided: &str, name: &str) -> Result<ArmId, String> {
    let mut types = provided.split('/');
    let namespace = types.next().unwrap_or_default();
    let (types, names): (Vec<&str>, Vec<&str>) = (types.collect(), name.split('/').collect());
    if types.len() != names.len() {
        return Err(format!("the type {provided} and the name {name:?} have not as many parts"));
    }
    let pairs: String = types.iter().zip(&names).map(|(kind, name)| format!("/{kind}/{name}")).collect();
    let text = format!("{base}/providers/{namespace}{pairs}");
    ArmId::parse(&text).ok_or_else(|| format!("{text:?} is no ARM id"))
}

/// Templates may have comments, which JSON has not.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', '/']) {
        let (before, here) = rest.split_at(at);
        out.push_str(before);
        rest = match here.as_bytes() {
            [b'/', b'/', ..] => here.find('\n').map_or("", |end| &here[end..]),
            [b'/', b'*', ..] => here.find("*/").map_or("", |end| &here[end + 2..]),
            [b'"', ..] => {
                let end = text_end(here);
                out.push_str(&here[..end]);
                &here[end..]
            }
            _ => {
                out.push('/');
                &here[1..]
            }
        };
    }
    out.push_str(rest);
    out
}

/// Where a text in quotes ends, of what begins with its quote.
fn text_end(here: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in here.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    here.len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LAB: &str =
        "/subscriptions/s/resourceGroups/ml/providers/Microsoft.MachineLearningServices/workspaces/lab";

    fn read(template_text: &str, parameters: Option<&str>) -> Inventory {
        template(template_text, parameters, &ArmId::group("s", "ml")).expect("a template")
    }

    fn ids(inventory: &Inventory) -> Vec<&str> {
        inventory.named.iter().map(|named| named.arm_id.as_str()).collect()
    }

    #[test]
    fn names_follow_from_parameters_variables_and_copies() {
        let text = r#"{ // a comment with "quotes"
            "parameters": { "name": { "type": "string" }, "people": { "type": "array", "defaultValue": ["ann", "bob"] } },
            "variables": { "workspace": "[toLower(parameters('Name'))]", "url": "https://example.com/*x*/" },
            "resources": [
                { "type": "Microsoft.MachineLearningServices/workspaces", "name": "[variables('workspace')]",
                  "resources": [ { "type": "computes", "name": "cpu" } ] },
                { "type": "Microsoft.MachineLearningServices/workspaces/computes",
                  "copy": { "name": "each", "count": "[length(parameters('people'))]" },
                  "name": "[concat(variables('workspace'), '/ci-', parameters('people')[copyIndex()])]" },
                { "type": "Microsoft.Storage/storageAccounts", "condition": "[equals(1, 2)]", "name": "never" }
            ] }"#;
        let inventory = read(text, Some(r#"{"parameters": {"name": {"value": "LAB"}}}"#));
        let expected = [
            LAB.to_owned(),
            format!("{LAB}/computes/cpu"),
            format!("{LAB}/computes/ci-ann"),
            format!("{LAB}/computes/ci-bob"),
        ];
        assert_eq!(ids(&inventory), expected);
        assert_eq!(inventory.skipped, Vec::<String>::new());
    }

    #[test]
    fn what_cannot_be_told_is_named_and_not_guessed() {
        let resource = |name: &str| json!({ "type": "Microsoft.Storage/storageAccounts", "name": name });
        let text = json!({
            "parameters": { "missing": { "type": "string" }, "loop": { "defaultValue": "[parameters('loop')]" } },
            "resources": [
                resource("[concat('st', uniqueString(resourceGroup().id))]"),
                resource("[parameters('missing')]"),
                resource("[parameters('loop')]"),
                resource("[concat('a']"),
                resource("a/b"),
            ],
        });
        let inventory = read(&text.to_string(), None);
        assert_eq!(ids(&inventory), Vec::<&str>::new());
        for (skipped, words) in
            inventory.skipped.iter().zip(["uniqueString", "--parameters", "itself", "`)`", "as many parts"])
        {
            assert!(skipped.contains(words), "{words}: {skipped}");
        }
        assert_eq!(inventory.skipped.len(), 5);
    }

    #[test]
    fn templates_within_a_template_have_their_own_group_and_parameters() {
        let inner = json!({ "parameters": { "n": {} }, "resources": [{ "type": "Microsoft.Storage/storageAccounts", "name": "[parameters('n')]" }] });
        let text = json!({ "resources": [{
            "type": "Microsoft.Resources/deployments", "name": "d", "resourceGroup": "other",
            "properties": { "expressionEvaluationOptions": { "scope": "inner" }, "parameters": { "n": { "value": "[toLower('ABC')]" } }, "template": inner },
        }] });
        let inventory = read(&text.to_string(), None);
        assert_eq!(
            ids(&inventory),
            ["/subscriptions/s/resourceGroups/other/providers/Microsoft.Storage/storageAccounts/abc"]
        );
    }

    #[test]
    fn extension_resources_lie_at_their_scope() {
        let text = json!({ "resources": [{ "type": "Microsoft.Authorization/locks", "name": "keep", "scope": "Microsoft.Storage/storageAccounts/abc" }] });
        let inventory = read(&text.to_string(), None);
        assert_eq!(
            ids(&inventory),
            [
                "/subscriptions/s/resourceGroups/ml/providers/Microsoft.Storage/storageAccounts/abc/providers/Microsoft.Authorization/locks/keep"
            ]
        );
    }
}
