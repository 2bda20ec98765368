//! What names in expressions stand for while manifests are loaded.

use std::sync::Arc;

use model::expression::{Binding, Builder, COMPONENT, Known, Name, Scope, Template, is_plain};
use model::{Expression, Json, Kind, Place, kinds};

use super::component::DEFINITION;
use super::draft::{Draft, Each};
use super::index::{Index, Missing};
use super::scope::{Ground, Handed, PROJECT, missing_use};
use crate::yaml::{Node, Yaml};

/// The scope of one value's expressions, and what compiling them brings to light.
pub(super) struct Names<'a> {
    ground: Ground<'a>,
    scope: usize,
    pub(super) each: Option<&'a Each>,
    pub(super) self_name: Option<&'a str>,
    pub(super) resources: Option<Resources<'a>>,
    /// Whether a sensitive variable takes part.
    pub(super) secret: bool,
    /// The attributes that pending slots stand for.
    pub(super) targets: Vec<(usize, &'static str)>,
    /// The drafts referred to.
    pub(super) edges: Vec<usize>,
    /// The inputs and outputs whose expressions these are, outermost first.
    crossed: Vec<(usize, String)>,
    /// How many more inputs and outputs one value may pass through.
    crossings: usize,
    /// Whether what is wrong is how a value is reached: that is not said where the value stands.
    loud: bool,
}

/// The most inputs and outputs that one value passes through.
const CROSSINGS_MAX: usize = 500;

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
    /// Names as they are meant in a scope.
    pub(super) fn new(ground: Ground<'a>, scope: usize) -> Self {
        Self {
            ground,
            scope,
            each: None,
            self_name: None,
            resources: None,
            secret: false,
            targets: Vec::new(),
            edges: Vec::new(),
            crossed: Vec::new(),
            crossings: CROSSINGS_MAX,
            loud: false,
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

    /// Variables are out of a component's sight, so that it is the same wherever it is used.
    fn outside_components(&self) -> Result<(), String> {
        match self.scope {
            PROJECT => Ok(()),
            _ => Err(format!(
                "variables are not visible inside a component; declare an input in its {DEFINITION}, and hand it in with `with:`"
            )),
        }
    }

    fn resource(&mut self, kind: &str, keys: &[String], path: &[String]) -> Result<(Binding, usize), String> {
        let Some(resources) = self.resources else {
            self.loud = true;
            let words = "this must be known before any resource is, so it cannot refer to";
            return Err(format!("{words} `{kind}[\"{}\"]`", keys.join("\"][\"")));
        };
        if kind == COMPONENT {
            return self.output(resources.index, keys, path);
        }
        let kind = kinds::find(kind).ok_or_else(|| format!("there is no kind `{kind}`"))?;
        let own = resources.own.and_then(|o| resources.drafts[o].home.as_ref()).and_then(|h| h.parent);
        let key = keys.get(1).map(String::as_str);
        let found = resources.index.find(resources.drafts, self.scope, kind.name, &keys[0], key, own);
        let at = found.map_err(|missing| match (self.inside_of(&keys[0]), missing) {
            (Some(words), Missing::Unknown(_)) => words,
            (_, missing) => missing_words(&missing, kind.name, keys),
        })?;
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
        let (kind, is_typed) = (draft.kind, draft.kind.is_typed());
        if let Some((attribute, segments)) =
            attribute(kind, path).or_else(|| is_typed.then(|| in_body(kind, path))?)
        {
            if draft.existing && kind.placed_by() != Some(attribute) {
                return Err(format!(
                    "the {} `{}` is `existing`: of its attributes nothing is read, so write `{attribute}` out",
                    kind.name, draft.name
                ));
            }
            self.targets.push((at, attribute));
            return Ok((Binding::Pending(self.targets.len() - 1), segments));
        }
        if is_typed {
            return Ok((Binding::Computed(home.address.clone(), path.join(".")), path.len()));
        }
        match kind.computed(&path[0]) {
            Some(computed) => {
                self.secret |= computed.listed.is_some();
                Ok((Binding::Computed(home.address.clone(), computed.name.to_owned()), 1))
            }
            None => Err(unknown_value(kind, &path[0])),
        }
    }
}

impl<'a> Names<'a> {
    /// Words for a name such as `team-a/cpu`, which reaches into a component.
    fn inside_of(&self, text: &str) -> Option<String> {
        let name = text.split_once('/')?.0.split('[').next()?;
        self.ground.scopes.has(self.scope, name).then(|| private(name))
    }

    /// What a use hands in.
    fn input(&mut self, name: &str) -> Result<Binding, String> {
        let (handed, declared) = self.ground.input(self.scope, name)?;
        self.secret |= declared.sensitive;
        match handed {
            Handed::Plain(known) => Ok(Binding::Known(known)),
            Handed::Wrong => Err(String::new()),
            Handed::Computed(node, origin) => {
                let crossed = (self.scope, format!("inputs.{name}"));
                match self.cross(node, origin.outer, origin.each.as_ref(), crossed)? {
                    Binding::Known(known) if !declared.value_type.fits(known.json()) => Err(String::new()),
                    binding => Ok(binding),
                }
            }
        }
    }

    /// What a component gives out: `component["team-a"].subnet_id`.
    fn output(
        &mut self,
        index: &Index,
        keys: &[String],
        path: &[String],
    ) -> Result<(Binding, usize), String> {
        let (name, key) = (keys[0].as_str(), keys.get(1).map(String::as_str));
        let scope = self.ground.scopes.find(self.scope, name, key).map_err(|missing| {
            let absent = match missing {
                Missing::Unknown(_) | Missing::NoElement => index.absent(self.scope, COMPONENT, name, key),
                _ => None,
            };
            missing_use(&absent.unwrap_or(missing), name, key)
        })?;
        let component = self.ground.component(scope);
        match component.outputs.get(&path[0]) {
            Some(node) => self.cross(node, scope, None, (scope, path[0].clone())).map(|binding| (binding, 1)),
            None if kinds::find(&path[0]).is_some() => Err(private(name)),
            None => {
                let help = match component.outputs.is_empty() {
                    true => format!("add it below `outputs:` in {}", component.path(DEFINITION)),
                    false => {
                        model::accept::known_keys(&path[0], component.outputs.keys().map(String::as_str))
                    }
                };
                Err(format!("the component `{name}` has no output `{}`; {help}", path[0]))
            }
        }
    }

    /// The value of an input or output, whose names mean what they mean in another scope. What is wrong with it
    /// is said where it stands (see `borders`).
    fn cross(
        &mut self,
        node: &'a Node<'a>,
        scope: usize,
        each: Option<&'a Each>,
        crossed: (usize, String),
    ) -> Result<Binding, String> {
        self.loud |= self.crossings == 0 || self.crossed.contains(&crossed);
        if self.crossed.contains(&crossed) {
            return Err("it rests on itself, through inputs and outputs of components".to_owned());
        }
        if self.crossings == 0 {
            return Err(format!("it passes through more than {CROSSINGS_MAX} inputs and outputs"));
        }
        let mut there = Names::new(self.ground, scope);
        there.each = each;
        there.resources = self.resources.map(|r| Resources { own: None, ..r });
        there.targets = std::mem::take(&mut self.targets);
        there.edges = std::mem::take(&mut self.edges);
        there.crossed = std::mem::take(&mut self.crossed);
        there.crossed.push(crossed);
        there.crossings = self.crossings - 1;
        let compiled = there.compile(node);
        there.crossed.pop();
        let Names { targets, edges, crossed, crossings, loud, .. } = there;
        (self.targets, self.edges, self.crossed, self.crossings) = (targets, edges, crossed, crossings);
        self.loud |= loud;
        let silent = |words: String| if loud { words } else { String::new() };
        let expression = compiled.map_err(|(words, _)| silent(words))?;
        self.secret |= expression.is_secret();
        if !expression.is_pending()
            && let Some(json) = expression.evaluate(&|_, _| None).map_err(silent)?
        {
            return Ok(Known::shared(json));
        }
        Ok(Binding::Nested(expression.into()))
    }
}

impl Scope for Names<'_> {
    fn bind(&mut self, name: &Name) -> Result<(Binding, usize), String> {
        let known = |known: &Arc<Known>| Ok((Binding::Known(Arc::clone(known)), 0));
        let outside = || "`each` exists only in documents with `for_each`".to_owned();
        match name {
            Name::Variable(name) => {
                self.outside_components()?;
                let (value, secret) = self.ground.variables.get(name)?;
                self.secret |= secret;
                known(&value)
            }
            Name::Variables => {
                self.outside_components()?;
                let (value, secret) = self.ground.variables.all();
                self.secret |= secret;
                known(&value)
            }
            Name::Input(name) => self.input(name).map(|binding| (binding, 0)),
            Name::EachKey => known(&self.each.ok_or_else(outside)?.key),
            Name::EachValue => known(&self.each.ok_or_else(outside)?.value),
            Name::Environment => Ok((Known::shared(Json::from(self.ground.environment)), 0)),
            Name::SelfName => match self.self_name {
                Some(name) => Ok((Known::shared(Json::from(name)), 0)),
                None => Err("`self.name` is not known here".to_owned()),
            },
            Name::Resource { kind, keys, path } => self.resource(kind, keys, path),
        }
    }
}

/// That a reference reaches into a component.
fn private(name: &str) -> String {
    format!(
        "what is inside the component `{name}` is its own; add an output to its {DEFINITION} and write `{COMPONENT}[\"{name}\"].OUTPUT`"
    )
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

/// The same of a body, where a path is written as Azure answers it.
fn in_body(kind: &'static Kind, path: &[String]) -> Option<(&'static str, usize)> {
    let whole: Vec<String> = std::iter::once("body".to_owned()).chain(path.iter().cloned()).collect();
    attribute(kind, &whole).map(|(path, segments)| (path, segments - 1))
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
