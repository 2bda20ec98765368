//! What values an attribute accepts: one walk over a tree of values and an attribute's type.
//!
//! The tree is a YAML node, whose problems then have places, or plain JSON, for values that become
//! known only while a plan is applied. Both go through the same code.

use crate::body::{applies, default_of, duration_value, yaml_word};
use crate::compare::set;
use crate::rule::nearest;
use crate::schema::{Attribute, Need, Reference, Type, Unit, Variant};
use crate::{ArmId, Json, Secret, duration};

/// A tree of values.
pub trait Tree {
    /// What stands at this point.
    fn shape(&self) -> Shape<'_, Self>;
}

/// What stands at one point of a tree.
pub enum Shape<'a, T: ?Sized> {
    /// Null, a boolean, a number or a text.
    Scalar(Json),
    /// Elements in order.
    List(Vec<&'a T>),
    /// Keys and values in order.
    Map(Vec<(&'a str, &'a T)>),
}

/// Why a value is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where in the document: `schedules.compute_start_stop[0].action`.
    pub path: String,
    /// Words that follow the path: "must be a whole number".
    pub words: String,
    /// What to do.
    pub help: Option<String>,
    /// The key that is wrong, when it is the key and not its value.
    pub key: Option<String>,
}

/// What the walk asks of the one who walks.
pub trait Host<T> {
    /// Takes a problem.
    fn problem(&mut self, at: &T, problem: Problem);
    /// The value of a reference, once its text is known; `None` after a problem.
    fn reference(&mut self, reference: &Reference, text: &str, at: &T, path: &str) -> Option<Json>;
    /// Whether quoted numbers are taken as numbers and read-only keys are dropped, as az ml does.
    fn lenient(&self) -> bool {
        false
    }
}

/// Accepts a plain value for an attribute: its type, then its rules.
pub fn value(attribute: &Attribute, value: &Json) -> Result<Json, String> {
    let mut plain = Plain::default();
    let accepted = walk(attribute, value, &mut plain);
    match (accepted, plain.0) {
        (Some(accepted), None) => rules(attribute, &accepted).map_or(Ok(accepted), Err),
        (_, problem) => Err(problem.unwrap_or_else(|| format!("`{}` has no usable value", attribute.path))),
    }
}

/// The JSON of a secret value: text for a text attribute, else JSON written as text.
pub fn reveal(attribute: &Attribute, secret: &Secret) -> Json {
    let text = || Json::from(secret.expose());
    match attribute.value {
        Type::String | Type::Enum(_) | Type::Reference(_) => text(),
        _ => serde_json::from_str(secret.expose()).unwrap_or_else(|_| text()),
    }
}

/// The first rule that a value breaks, in words.
pub fn rules(attribute: &Attribute, value: &Json) -> Option<String> {
    let broken = attribute.rules.iter().find_map(|rule| rule.violation(value))?;
    Some(format!("`{}` {broken}", attribute.path))
}

/// Walks a tree by an attribute's type; the value in its canonical form, or problems.
pub fn walk<T: Tree>(attribute: &Attribute, tree: &T, host: &mut dyn Host<T>) -> Option<Json> {
    Walk { host }.value(&attribute.value, tree, &Trail { up: None, step: Step::Key(attribute.path) })
}

/// Accepts plain JSON: a reference is a name or an id as it stands.
#[derive(Default)]
struct Plain(Option<String>);

impl Host<Json> for Plain {
    fn problem(&mut self, _: &Json, problem: Problem) {
        self.0.get_or_insert_with(|| {
            let help = problem.help.map(|h| format!("; {h}")).unwrap_or_default();
            format!("`{}` {}{help}", problem.path, problem.words)
        });
    }

    fn reference(&mut self, reference: &Reference, text: &str, at: &Json, path: &str) -> Option<Json> {
        let id = ArmId::parse(text);
        let fits = match reference.form {
            crate::schema::Form::Id => id.is_some(),
            crate::schema::Form::Name => !text.is_empty(),
        };
        if !fits {
            let words = "must be a full ARM id, `/subscriptions/…`".to_owned();
            self.problem(at, Problem { path: path.to_owned(), words, help: None, key: None });
            return None;
        }
        let name = id.filter(|_| reference.form == crate::schema::Form::Name).map(|id| id.name().to_owned());
        Some(Json::from(name.unwrap_or_else(|| text.to_owned())))
    }
}

impl Tree for Json {
    fn shape(&self) -> Shape<'_, Self> {
        match self {
            Json::Array(list) => Shape::List(list.iter().collect()),
            Json::Object(map) => Shape::Map(map.iter().map(|(k, v)| (k.as_str(), v)).collect()),
            scalar => Shape::Scalar(scalar.clone()),
        }
    }
}

/// The way from an attribute to where the walk is; spelled out only for a problem.
struct Trail<'a> {
    up: Option<&'a Trail<'a>>,
    step: Step<'a>,
}

enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> Trail<'a> {
    fn key(&'a self, key: &'a str) -> Trail<'a> {
        Trail { up: Some(self), step: Step::Key(key) }
    }

    fn index(&'a self, index: usize) -> Trail<'a> {
        Trail { up: Some(self), step: Step::Index(index) }
    }

    fn path(&self) -> String {
        let above = self.up.map(Trail::path);
        match (&self.step, above) {
            (Step::Key(key), None) => (*key).to_owned(),
            (Step::Key(key), Some(above)) => format!("{above}.{key}"),
            (Step::Index(index), above) => format!("{}[{index}]", above.unwrap_or_default()),
        }
    }
}

struct Walk<'h, T> {
    host: &'h mut dyn Host<T>,
}

impl<T: Tree> Walk<'_, T> {
    fn value(&mut self, value_type: &Type, tree: &T, trail: &Trail<'_>) -> Option<Json> {
        match (value_type, tree.shape()) {
            (_, Shape::Scalar(Json::Null)) => {
                let help = Some("give a value, or leave the key out".to_owned());
                self.problem(tree, trail, "has no value", help)
            }
            (Type::Anything, shape) => self.anything(shape, trail),
            (Type::List(element), shape) => self.list(element, shape, tree, trail),
            (Type::Map(element), Shape::Map(entries)) => self.map(element, entries, trail),
            (Type::Object(fields), Shape::Map(entries)) => self.object(fields, entries, tree, trail),
            (Type::Reference(reference), Shape::Scalar(Json::String(text))) => {
                self.host.reference(reference, &text, tree, &trail.path())
            }
            (Type::Map(_) | Type::Object(_) | Type::Script, Shape::Scalar(json)) => {
                self.problem(tree, trail, &format!("must be a mapping, and is {}", described(&json)), None)
            }
            (_, Shape::Scalar(json)) => match scalar(value_type, json, self.host.lenient()) {
                Ok(json) => Some(json),
                Err((words, help)) => self.problem(tree, trail, &words, help),
            },
            (_, Shape::List(_)) => {
                self.problem(tree, trail, &format!("must be {}, and is a list", wanted(value_type)), None)
            }
            (_, Shape::Map(_)) => {
                self.problem(tree, trail, &format!("must be {}, and is a mapping", wanted(value_type)), None)
            }
        }
    }

    fn list(&mut self, element: &Type, shape: Shape<'_, T>, tree: &T, trail: &Trail<'_>) -> Option<Json> {
        match (element, shape) {
            (Type::Reference(reference), Shape::List(elements)) => {
                let found =
                    elements.iter().enumerate().map(|(i, e)| self.listed(reference, e, &trail.index(i)));
                whole(found.collect())
            }
            (_, Shape::List(elements)) => {
                let found = elements.iter().enumerate().map(|(i, e)| self.value(element, e, &trail.index(i)));
                whole(found.collect())
            }
            // az ml's workspaces map ids to empty mappings (az ml facts §8).
            (Type::Reference(reference), Shape::Map(entries)) => {
                let path = trail.path();
                let found = entries.iter().map(|(key, _)| self.host.reference(reference, key, tree, &path));
                whole(found.collect())
            }
            (_, Shape::Map(_)) => self.problem(tree, trail, "must be a list, and is a mapping", None),
            (_, Shape::Scalar(json)) => {
                let help = Some("write each element on its own line after `- `, or as `[a, b]`".to_owned());
                self.problem(tree, trail, &format!("must be a list, and is {}", described(&json)), help)
            }
        }
    }

    fn anything(&mut self, shape: Shape<'_, T>, trail: &Trail<'_>) -> Option<Json> {
        match shape {
            Shape::Scalar(json) => Some(json),
            Shape::Map(entries) => self.map(&Type::Anything, entries, trail),
            Shape::List(elements) => {
                let each = |(i, e): (usize, &&T)| self.value(&Type::Anything, e, &trail.index(i));
                whole(elements.iter().enumerate().map(each).collect())
            }
        }
    }

    /// An element of a list of references: a text, or az ml's `{ resource_id: … }`.
    fn listed(&mut self, reference: &Reference, tree: &T, trail: &Trail<'_>) -> Option<Json> {
        const READ_ONLY: [&str; 3] = ["principal_id", "client_id", "tenant_id"];
        let Shape::Map(entries) = tree.shape() else {
            return self.value(&Type::Reference(*reference), tree, trail);
        };
        let mut found = None;
        for (key, below) in entries {
            match key {
                "resource_id" => {
                    found = self.value(&Type::Reference(*reference), below, &trail.key("resource_id"));
                }
                _ if READ_ONLY.contains(&key) => {}
                _ => self.unknown(tree, trail, key, ["resource_id"]),
            }
        }
        if found.is_none() && !self.has_key(tree, "resource_id") {
            return self.problem(tree, trail, "needs `resource_id`", None);
        }
        found
    }

    fn has_key(&self, tree: &T, key: &str) -> bool {
        matches!(tree.shape(), Shape::Map(entries) if entries.iter().any(|(k, _)| *k == key))
    }

    fn map(&mut self, element: &Type, entries: Vec<(&str, &T)>, trail: &Trail<'_>) -> Option<Json> {
        let mut out = serde_json::Map::new();
        let mut good = true;
        for (key, below) in entries {
            // Azure answers quantities that nobody gave with null.
            if matches!((element, below.shape()), (Type::Quantity, Shape::Scalar(Json::Null))) {
                continue;
            }
            match self.value(element, below, &trail.key(key)) {
                Some(json) => drop(out.insert(key.to_owned(), json)),
                None => good = false,
            }
        }
        good.then_some(Json::Object(out))
    }

    fn object(
        &mut self,
        fields: &'static [Attribute],
        entries: Vec<(&str, &T)>,
        tree: &T,
        trail: &Trail<'_>,
    ) -> Option<Json> {
        let mut leaves = Vec::new();
        let mut good = self.flatten(fields, "", entries, tree, trail, &mut leaves);
        let mut out = Json::Object(serde_json::Map::new());
        // The words that choose a union's member come first, whatever the order in the document.
        for of_union in [false, true] {
            for (path, leaf) in &leaves {
                let mut candidates = fields.iter().filter(|f| f.path == *path).peekable();
                if candidates.peek().is_none_or(|f| f.when.is_some() != of_union) {
                    continue;
                }
                good &= match candidates.find(|f| applies(f, &out)) {
                    Some(field) => self.field(field, leaf, &mut out, trail),
                    None => self.stranger(fields, path, leaf, trail),
                };
            }
        }
        good &= self.complete(fields, &leaves, &mut out, tree, trail);
        good.then_some(out)
    }

    fn field(&mut self, field: &Attribute, leaf: &T, out: &mut Json, trail: &Trail<'_>) -> bool {
        let trail = trail.key(field.path);
        let Some(json) = self.value(&field.value, leaf, &trail) else {
            return false;
        };
        let broken = field.rules.iter().find_map(|rule| rule.violation(&json));
        if let Some(words) = &broken {
            self.problem(leaf, &trail, words, None);
        }
        set(out, field.path, json);
        broken.is_none()
    }

    /// A field of another member of the union.
    fn stranger(&mut self, fields: &[Attribute], path: &str, leaf: &T, trail: &Trail<'_>) -> bool {
        let member = fields.iter().find(|f| f.path == path).and_then(|f| f.when);
        let (sibling, word) = member.unwrap_or_default();
        self.problem(leaf, &trail.key(path), &format!("belongs to `{sibling}: {word}` only"), None);
        false
    }

    /// Missing fields, and defaults.
    fn complete(
        &mut self,
        fields: &'static [Attribute],
        leaves: &[(&'static str, &T)],
        out: &mut Json,
        tree: &T,
        trail: &Trail<'_>,
    ) -> bool {
        let mut good = true;
        for field in fields.iter().filter(|f| !f.derived) {
            let given = leaves.iter().any(|(path, _)| *path == field.path);
            if given || !applies(field, out) {
                continue;
            }
            let needed = match field.need {
                Need::Optional => false,
                Need::Required => true,
                Need::WithGroup => field.group().is_some_and(|g| leaves.iter().any(|(p, _)| within(p, g))),
            };
            if needed {
                self.problem(tree, trail, &format!("needs `{}`", field.path), Some(field.doc.to_owned()));
                good = false;
            } else if let Some(json) = default_of(field) {
                set(out, field.path, json);
            }
        }
        good
    }

    /// Leaves below a mapping, by the paths of fields.
    fn flatten<'t>(
        &mut self,
        fields: &'static [Attribute],
        prefix: &str,
        entries: Vec<(&'t str, &'t T)>,
        tree: &T,
        trail: &Trail<'_>,
        leaves: &mut Vec<(&'static str, &'t T)>,
    ) -> bool {
        const READ_ONLY: [&str; 2] = ["schedule_id", "provisioning_state"];
        let mut good = true;
        for (key, below) in entries {
            let path = if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
            let lenient = self.host.lenient();
            // az ml hands what it does not know on as ARM spells it, nulls included.
            let named = |f: &&Attribute| !f.derived && (f.path == path || (lenient && f.arm == path));
            if let Some(field) = fields.iter().find(named) {
                let absent = lenient && matches!(below.shape(), Shape::Scalar(Json::Null));
                leaves.extend((!absent).then_some((field.path, below)));
            } else if fields.iter().any(|f| !f.derived && within(f.path, &path) && f.path != path) {
                good &= match below.shape() {
                    Shape::Map(inner) => self.flatten(fields, &path, inner, below, trail, leaves),
                    _ => self.problem(below, &trail.key(&path), "must be a mapping", None).is_some(),
                };
            } else if !(self.host.lenient() && READ_ONLY.contains(&key)) {
                let known = fields.iter().filter(|f| !f.derived).filter_map(|f| segment(f.path, prefix));
                self.unknown(tree, trail, key, known);
                good = false;
            }
        }
        good
    }

    fn unknown<'k>(
        &mut self,
        tree: &T,
        trail: &Trail<'_>,
        key: &str,
        known: impl IntoIterator<Item = &'k str> + Clone,
    ) {
        let problem = Problem {
            path: trail.path(),
            words: format!("has an unknown key `{key}`"),
            help: Some(known_keys(key, known)),
            key: Some(key.to_owned()),
        };
        self.host.problem(tree, problem);
    }

    fn problem(&mut self, at: &T, trail: &Trail<'_>, words: &str, help: Option<String>) -> Option<Json> {
        let problem = Problem { path: trail.path(), words: words.to_owned(), help, key: None };
        self.host.problem(at, problem);
        None
    }
}

/// "did you mean", or all the keys there are.
pub fn known_keys<'k>(key: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let known: std::collections::BTreeSet<&str> = known.into_iter().collect();
    match nearest(key, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known keys: {}", quoted(known)),
    }
}

/// `a`, `b`, `c`.
pub fn quoted<'k>(words: impl IntoIterator<Item = &'k str>) -> String {
    words.into_iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")
}

/// The segment of `path` right below `prefix`.
fn segment<'p>(path: &'p str, prefix: &str) -> Option<&'p str> {
    let rest = if prefix.is_empty() { path } else { path.strip_prefix(prefix)?.strip_prefix('.')? };
    rest.split('.').next()
}

/// Whether `path` is `group` or below it.
fn within(path: &str, group: &str) -> bool {
    path.strip_prefix(group).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn whole(elements: Vec<Option<Json>>) -> Option<Json> {
    elements.into_iter().collect::<Option<Vec<_>>>().map(Json::Array)
}

type Refusal = (String, Option<String>);

/// One scalar in its canonical form.
fn scalar(value_type: &Type, json: Json, lenient: bool) -> Result<Json, Refusal> {
    match (value_type, json) {
        (Type::String, Json::String(text)) => Ok(Json::String(text)),
        (Type::Quantity, json @ Json::String(_)) => Ok(json),
        (Type::Quantity, Json::Number(number)) => Ok(Json::from(number.to_string())),
        (Type::Scalar | Type::Anything, json) => Ok(json),
        (Type::Boolean, Json::Bool(yes)) => Ok(Json::Bool(yes)),
        (Type::Boolean, Json::String(text)) => boolean(&text, lenient),
        (Type::Integer, Json::Number(number)) => integer(number),
        (Type::Integer, Json::String(text)) if lenient && text.trim().parse::<i64>().is_ok() => {
            Ok(Json::from(text.trim().parse::<i64>().unwrap_or_default()))
        }
        (Type::Duration(unit), json) => length_of_time(*unit, json, lenient),
        (Type::Enum(variants), Json::String(word)) => one_of(variants, &word),
        (Type::String | Type::Reference(_), json @ (Json::Bool(_) | Json::Number(_))) => {
            let help = format!("write it in quotes: \"{json}\"");
            Err((format!("must be {}, and is {}", wanted(value_type), described(&json)), Some(help)))
        }
        (_, json) => Err((format!("must be {}, and is {}", wanted(value_type), described(&json)), None)),
    }
}

fn boolean(text: &str, lenient: bool) -> Result<Json, Refusal> {
    let truth = match text.to_ascii_lowercase().as_str() {
        "yes" | "on" | "y" | "true" => Some(true),
        "no" | "off" | "n" | "false" => Some(false),
        _ => None,
    };
    match truth {
        Some(truth) if lenient => Ok(Json::Bool(truth)),
        Some(truth) => Err((
            format!("must be `true` or `false`, and is the text `{text}`"),
            Some(format!("write `{truth}`: in YAML 1.2 `yes`, `no`, `on` and `off` are plain text")),
        )),
        None => Err((format!("must be `true` or `false`, and is {}", described(&Json::from(text))), None)),
    }
}

fn integer(number: serde_json::Number) -> Result<Json, Refusal> {
    match number.as_i64() {
        Some(whole) => Ok(Json::from(whole)),
        None => match number.as_f64() {
            // Expressions compute some whole numbers as floating point.
            Some(float) if float.fract() == 0.0 && float.abs() < 9e15 => Ok(Json::from(float as i64)),
            _ => Err((format!("must be a whole number, and is `{number}`"), None)),
        },
    }
}

fn length_of_time(unit: Unit, json: Json, lenient: bool) -> Result<Json, Refusal> {
    let unit_name = if unit == Unit::Seconds { "seconds" } else { "minutes" };
    let seconds = match &json {
        Json::Number(number) => number.as_u64().and_then(|n| n.checked_mul(unit.seconds())),
        Json::String(text) => {
            let bare =
                text.parse::<u64>().ok().filter(|_| lenient).and_then(|n| n.checked_mul(unit.seconds()));
            duration::parse_seconds(text).or(bare)
        }
        _ => None,
    };
    seconds.and_then(|s| duration_value(unit, s)).ok_or_else(|| {
        (
            format!("must be a length of time, and is {}", described(&json)),
            Some(format!("write a number of {unit_name}, or a text such as `90s`, `2m`, `1h30m` or `PT2M`")),
        )
    })
}

fn one_of(variants: &'static [Variant], word: &str) -> Result<Json, Refusal> {
    let canonical = yaml_word(variants, word);
    if !word.trim().is_empty() && variants.iter().any(|v| v.yaml == canonical) {
        return Ok(Json::from(canonical));
    }
    let mut words: Vec<&str> = variants.iter().map(|v| v.yaml).collect();
    words.dedup();
    let near = nearest(word, words.iter().copied()).map(|n| format!("did you mean `{n}`?"));
    Err((format!("must be one of {}, and is `{}`", quoted(words), clipped(word)), near))
}

fn wanted(value_type: &Type) -> &'static str {
    match value_type {
        Type::String => "text",
        Type::Integer => "a whole number",
        Type::Boolean => "`true` or `false`",
        Type::Duration(_) => "a length of time",
        Type::Enum(_) => "a word",
        Type::Reference(_) => "a name or an ARM id",
        Type::List(_) => "a list",
        Type::Map(_) | Type::Object(_) => "a mapping",
        Type::Script => "the name of a setup_script document, or a mapping",
        Type::Scalar => "a single value",
        Type::Quantity => "a quantity such as `4Gi` or `1`",
        Type::Anything => "any value",
    }
}

/// A value in a few words.
pub fn described(json: &Json) -> String {
    match json {
        Json::Null => "empty".to_owned(),
        Json::Bool(_) => format!("the boolean `{json}`"),
        Json::Number(_) => format!("the number `{json}`"),
        Json::String(text) => format!("the text `{}`", clipped(text)),
        Json::Array(_) => "a list".to_owned(),
        Json::Object(_) => "a mapping".to_owned(),
    }
}

fn clipped(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds;

    fn accept(kind: &str, path: &str, given: Json) -> Result<Json, String> {
        value(kinds::find(kind).and_then(|k| k.attribute(path)).expect("an attribute"), &given)
    }

    #[test]
    fn spellings_of_one_value_become_one() {
        for spelling in [json!(120), json!("2m"), json!("PT2M"), json!(120)] {
            assert_eq!(accept("cluster", "idle_time_before_scale_down", spelling), Ok(json!(120)));
        }
        for spelling in ["LowPriority", "low_priority", "LOW_PRIORITY"] {
            assert_eq!(accept("cluster", "tier", json!(spelling)), Ok(json!("low_priority")));
        }
    }

    #[test]
    fn refusals_are_plain_words() {
        let words = |kind, path, given| accept(kind, path, given).expect_err("refused");
        assert_eq!(
            words("cluster", "min_instances", json!("four")),
            "`min_instances` must be a whole number, and is the text `four`"
        );
        assert_eq!(words("cluster", "min_instances", json!(-1)), "`min_instances` must be from 0 to 65000");
        assert_eq!(
            words("cluster", "enable_node_public_ip", json!("yes")),
            "`enable_node_public_ip` must be `true` or `false`, and is the text `yes`; write `true`: in YAML 1.2 `yes`, `no`, `on` and `off` are plain text"
        );
        assert!(words("cluster", "tier", json!("")).contains("must be one of `dedicated`, `low_priority`"));
        assert!(words("cluster", "size", json!(null)).contains("has no value"));
        assert!(words("workspace", "key_vault", json!("kv")).contains("must be a full ARM id"));
    }

    #[test]
    fn a_union_takes_the_fields_of_its_member() {
        let cron = json!([{"action": "stop", "trigger": {"expression": "0 18 * * *", "type": "cron"}}]);
        let accepted = accept("instance", "schedules.compute_start_stop", cron).expect("accepted");
        assert_eq!(
            accepted,
            json!([{"action": "stop", "state": "enabled", "trigger": {"expression": "0 18 * * *", "type": "cron", "time_zone": "UTC"}}])
        );
        let mixed = json!([{"action": "stop", "trigger": {"type": "cron", "expression": "0 18 * * *", "interval": 1}}]);
        let words = accept("instance", "schedules.compute_start_stop", mixed).expect_err("refused");
        assert!(words.contains("belongs to `trigger.type: recurrence` only"), "{words}");
        let bare = json!([{"action": "stop"}]);
        let words = accept("instance", "schedules.compute_start_stop", bare).expect_err("refused");
        assert!(words.contains("needs `trigger.type`"), "{words}");
    }

    #[test]
    fn identities_come_in_three_forms() {
        let id =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/a";
        for form in [json!([id]), json!([{"resource_id": id, "client_id": "x"}]), json!({ id: {} })] {
            assert_eq!(accept("cluster", "identity.user_assigned_identities", form), Ok(json!([id])));
        }
    }
}
