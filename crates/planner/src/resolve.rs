//! From what a document asks to plain values, as far as they are known.

use std::collections::{BTreeMap, BTreeSet};

use model::{Address, ArmId, Json, Resource, Value, accept};

/// A resource's values, as far as they are known.
#[derive(Clone, Default)]
pub struct Resolved {
    /// Known values by path, secrets included: never printed, never kept.
    pub values: BTreeMap<&'static str, Json>,
    /// Paths of secret values.
    pub secret: BTreeSet<&'static str>,
    /// Paths whose values are not known yet.
    pub unknown: BTreeSet<&'static str>,
}

/// Resolves every attribute of a resource; `lookup` answers computed values of other resources.
/// Errors are words about an attribute whose value turned out wrong, once it was known.
pub fn resolve(
    resource: &Resource,
    lookup: &dyn Fn(&Address, &str) -> Option<Json>,
) -> Result<Resolved, (&'static str, String)> {
    let mut resolved = Resolved::default();
    for (path, value) in &resource.attributes {
        match value {
            Value::Known(json) => _ = resolved.values.insert(path, json.clone()),
            Value::Secret(secret) => {
                let attribute = resource.kind.attribute(path).expect("BUG: attributes are of the kind");
                resolved.secret.insert(path);
                resolved.values.insert(path, accept::reveal(attribute, secret));
            }
            Value::Deferred(expression) => {
                if expression.is_secret() {
                    resolved.secret.insert(path);
                }
                match expression.evaluate(lookup).map_err(|words| (*path, words))? {
                    None => _ = resolved.unknown.insert(path),
                    Some(json) => {
                        let attribute =
                            resource.kind.attribute(path).expect("BUG: attributes are of the kind");
                        let json = accept::value(attribute, &json).map_err(|words| (*path, words))?;
                        resolved.values.insert(path, json);
                    }
                }
            }
        }
    }
    Ok(resolved)
}

/// What stands for a listed secret of a resource wherever it is compared, hashed or planned with: it moves when the
/// secret does, and tells nothing of it. `moved` is the value that moves with the secret.
pub fn stand_in(arm_id: &ArmId, name: &str, moved: Option<&Json>) -> Json {
    let moved = moved.and_then(Json::as_str).unwrap_or_default();
    Json::from(format!("{name} of {} since {moved}", arm_id.folded()))
}

impl Resolved {
    /// Whether a value must not be shown or kept: its attribute is hidden, or it came from a secret.
    pub fn is_hidden(&self, attribute: &model::Attribute) -> bool {
        attribute.is_hidden() || self.secret.contains(attribute.path)
    }
}
