//! What names in expressions stand for while manifests are loaded.

use std::sync::Arc;

use model::expression::{Binding, Builder, Known, Name, Scope, Template, is_plain};
use model::{Expression, Json, Kind, Place, kinds};

use super::draft::{Draft, Each};
use super::index::{Index, Missing};
use crate::variables::Variables;
use crate::yaml::{Node, Yaml};

/// The scope of one value's expressions, and what compiling them brings to light.
pub(super) struct Names<'a> {
    variables: &'a Variables,
    environment: &'a str,
    pub(super) each: Option<&'a Each>,
    pub(super) self_name: Option<&'a str>,
    pub(super) resources: Option<Resources<'a>>,
    /// Whether a sensitive variable takes part.
    pub(super) secret: bool,
    /// The attributes that pending slots stand for.
    pub(super) targets: Vec<(usize, &'static str)>,
    /// The drafts referred to.
    pub(super) edges: Vec<usize>,
}

/// The resources that may be referred to.
#[derive(Clone, Copy)]
pub(super) struct Resources<'a> {
    pub(super) drafts: &'a [Draft],
    pub(super) index: &'a Index,
    /// The draft that refers.
    pub(super) own: Option<usize>,
}

/// What is wrong with an expression, and where it stands. Empty words were said before.
pub(super) type Wrong = (String, Place);

impl<'a> Names<'a> {
    pub(super) fn new(variables: &'a Variables, environment: &'a str) -> Self {
        Self {
            variables,
            environment,
            each: None,
            self_name: None,
            resources: None,
            secret: false,
            targets: Vec::new(),
            edges: Vec::new(),
        }
    }

    /// Compiles every expression of a value.
    pub(super) fn compile(&mut self, node: &Node<'_>) -> Result<Expression, Wrong> {
        let text = node.text().map_or_else(|| node.to_json().to_string(), str::to_owned);
        let mut builder = Builder::new(self);
        let template = template(&mut builder, node)?;
        let mut expression = builder.finish(text, template);
        if self.secret {
            expression.make_secret();
        }
        Ok(expression)
    }

    /// The value of something that must be known at once, and whether it is a secret.
    pub(super) fn evaluate(&mut self, node: &Node<'_>) -> Result<(Json, bool), Wrong> {
        if !node.mentions("${") {
            return Ok((node.to_json(), false));
        }
        let expression = self.compile(node)?;
        let wrong = |words: String| (words, node.place);
        match expression.evaluate(&|_, _| None).map_err(wrong)? {
            Some(json) => Ok((json, expression.is_secret())),
            None => {
                let computed = expression.references().iter().map(|(a, name)| format!("`{name}` of {a}"));
                let attributes = self.targets.iter().map(|(_, path)| format!("`{path}` of another resource"));
                let unknown: Vec<String> = computed.chain(attributes).collect();
                let words =
                    format!("this must be known before anything is made, and {} is not", unknown.join(", "));
                Err((words, node.place))
            }
        }
    }

    fn resource(&mut self, kind: &str, keys: &[String], path: &[String]) -> Result<(Binding, usize), String> {
        let Some(resources) = self.resources else {
            let words = "this must be known before any resource is, so it cannot refer to";
            return Err(format!("{words} `{kind}[\"{}\"]`", keys.join("\"][\"")));
        };
        let kind = kinds::find(kind).ok_or_else(|| format!("there is no kind `{kind}`"))?;
        let own = resources.own.and_then(|o| resources.drafts[o].home.as_ref()).and_then(|h| h.parent);
        let key = keys.get(1).map(String::as_str);
        let found = resources.index.find(resources.drafts, kind.name, &keys[0], key, own);
        let at = found.map_err(|missing| missing_words(&missing, kind.name, keys))?;
        if resources.own == Some(at) {
            return Err("a resource cannot refer to itself; `self.name` is its name".to_owned());
        }
        let draft = &resources.drafts[at];
        let home = draft.home.as_ref().ok_or_else(String::new)?;
        self.edges.push(at);
        match path[0].as_str() {
            "name" => {
                let name = home.arm_id.as_ref().map_or(draft.name.as_str(), |id| id.name());
                return Ok((Known::shared(Json::from(name)), 1));
            }
            "id" => {
                let id = home.arm_id.as_ref().ok_or_else(|| format!("a {} has no ARM id", kind.name))?;
                return Ok((Known::shared(Json::from(id.as_str())), 1));
            }
            _ => {}
        }
        if let Some((attribute, segments)) = attribute(kind, path) {
            self.targets.push((at, attribute));
            return Ok((Binding::Pending(self.targets.len() - 1), segments));
        }
        match kind.computed(&path[0]) {
            Some(computed) => Ok((Binding::Computed(home.address.clone(), computed.name.to_owned()), 1)),
            None => Err(unknown_value(kind, &path[0])),
        }
    }
}

impl Scope for Names<'_> {
    fn bind(&mut self, name: &Name) -> Result<(Binding, usize), String> {
        let known = |known: &Arc<Known>| Ok((Binding::Known(Arc::clone(known)), 0));
        let outside = || "`each` exists only in documents with `for_each`".to_owned();
        match name {
            Name::Variable(name) => {
                let (value, secret) = self.variables.get(name)?;
                self.secret |= secret;
                known(&value)
            }
            Name::Variables => {
                let (value, secret) = self.variables.all();
                self.secret |= secret;
                known(&value)
            }
            Name::EachKey => known(&self.each.ok_or_else(outside)?.key),
            Name::EachValue => known(&self.each.ok_or_else(outside)?.value),
            Name::Environment => Ok((Known::shared(Json::from(self.environment)), 0)),
            Name::SelfName => match self.self_name {
                Some(name) => Ok((Known::shared(Json::from(name)), 0)),
                None => Err("`self.name` is not known here".to_owned()),
            },
            Name::Resource { kind, keys, path } => self.resource(kind, keys, path),
        }
    }
}

fn template(builder: &mut Builder<'_>, node: &Node<'_>) -> Result<Template, Wrong> {
    match &node.yaml {
        Yaml::Text { text, .. } if !is_plain(text) => builder.text(text).map_err(|words| (words, node.place)),
        Yaml::List(list) => {
            Ok(Template::List(list.iter().map(|n| template(builder, n)).collect::<Result<_, _>>()?))
        }
        Yaml::Map(entries) => {
            let pairs = entries.iter().map(|e| Ok((e.key.to_string(), template(builder, &e.node)?)));
            Ok(Template::Map(pairs.collect::<Result<_, Wrong>>()?))
        }
        _ => Ok(Template::Literal(node.to_json())),
    }
}

/// The attribute that the longest part of a path names.
fn attribute(kind: &'static Kind, path: &[String]) -> Option<(&'static str, usize)> {
    (1..=path.len()).rev().find_map(|segments| {
        let found = kind.attribute(&path[..segments].join(".")).filter(|a| !a.derived)?;
        Some((found.path, segments))
    })
}

fn unknown_value(kind: &'static Kind, name: &str) -> String {
    let attributes = kind.attributes.iter().filter(|a| !a.derived).map(|a| a.path);
    let all = ["name", "id"].into_iter().chain(attributes).chain(kind.computed.iter().map(|c| c.name));
    format!("a {} has no `{name}`; {}", kind.name, model::accept::known_keys(name, all))
}

/// Words for a resource that was not found; none for what was reported before.
pub(super) fn missing_words(missing: &Missing, kind: &str, keys: &[String]) -> String {
    let name = keys.first().map(String::as_str).unwrap_or_default();
    match missing {
        Missing::Unknown(Some(near)) => {
            format!("there is no {kind} document `{name}`; did you mean `{near}`?")
        }
        Missing::Unknown(None) => format!("there is no {kind} document `{name}`"),
        Missing::Several => {
            format!(
                "several {kind} documents are called `{name}`; write `parent/{name}` with the parent's id"
            )
        }
        Missing::NeedsKey => {
            format!("`{name}` has `for_each`; name one element: `{kind}[\"{name}\"][\"key\"]`")
        }
        Missing::NoElement => {
            let key = keys.get(1).map(String::as_str).unwrap_or_default();
            format!("the {kind} `{name}` has no element `{key}`")
        }
        Missing::LeftOut(_) => match keys.get(1) {
            Some(key) => format!("element `{key}` of `{name}` is left out: its `when` is false"),
            None => format!("`{name}` is left out: its `when` is false"),
        },
        Missing::Reported => String::new(),
    }
}
