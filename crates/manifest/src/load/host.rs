//! What the walk over values asks: places for its problems, and resources for its references.

use model::accept::{self, Host, Problem};
use model::schema::{Form, Reference, Type};
use model::{Address, ArmId, Attribute, Diagnostic, Diagnostics, Json, Place};

use super::draft::Draft;
use super::expression::missing_words;
use super::index::{Index, Missing};
use crate::yaml::{Node, Yaml};

/// The most problems reported of one value, or one mapping's keys.
pub(super) const PROBLEMS_MAX: usize = 20;

/// One walk over the value of one attribute.
pub(super) struct Walker<'w> {
    pub(super) drafts: &'w [Draft],
    pub(super) index: &'w Index,
    pub(super) own: usize,
    pub(super) lenient: bool,
    /// Whether names in it may mean what they mean where the component is used.
    pub(super) handed: bool,
    /// A secret's problems do not show it.
    pub(super) secret: bool,
    pub(super) diagnostics: &'w mut Diagnostics,
    /// Problems reported so far; a list of a million wrong elements is one mistake.
    pub(super) problems: usize,
    /// The drafts referred to, and where.
    pub(super) edges: Vec<(usize, Place)>,
}

impl Walker<'_> {
    /// The value in its canonical form; `None` after diagnostics.
    pub(super) fn accept(&mut self, attribute: &Attribute, node: &Node<'_>) -> Option<Json> {
        warn_ambiguous(&attribute.value, node, self.diagnostics);
        accept::walk(attribute, node, self)
    }

    fn report(&mut self, diagnostic: Diagnostic, path: &str) {
        self.problems += 1;
        if self.problems > PROBLEMS_MAX {
            return;
        }
        let address = self.drafts[self.own].address().cloned();
        self.diagnostics.push(Diagnostic { address, ..diagnostic }.attribute(path));
    }

    fn by_id(&mut self, reference: &Reference, text: &str, place: Place, path: &str) -> Option<Json> {
        let fits = |id: &ArmId| {
            reference.resource_type.is_empty()
                || id.resource_type().eq_ignore_ascii_case(reference.resource_type)
        };
        let Some(id) = ArmId::parse(text).filter(fits) else {
            let words = format!("`{path}` must be the ARM id of a {}, and is `{text}`", reference.kind);
            let help = format!("its type must be `{}`", reference.resource_type);
            self.report(Diagnostic::error(words).help(help).at(place), path);
            return None;
        };
        // A part of a resource (a pool of a load balancer) is there when the resource is.
        let lineage = std::iter::successors(Some(id.clone()), ArmId::parent);
        let mut described = lineage.filter(|id| id.resource_group().is_some());
        let found = described.find_map(|id| self.index.arm.get(&id.folded()).copied());
        self.edges.extend(found.filter(|at| !self.is_child(*at)).map(|at| (at, place)));
        Some(Json::from(match reference.form {
            Form::Name => id.name(),
            Form::Id => id.as_str(),
        }))
    }

    /// A resource that lies in this one already waits for it; an edge back would be a cycle.
    fn is_child(&self, at: usize) -> bool {
        at == self.own || self.drafts[at].home.as_ref().and_then(|h| h.parent) == Some(self.own)
    }

    fn by_name(&mut self, reference: &Reference, text: &str, place: Place, path: &str) -> Option<Json> {
        let near = match self.drafts[self.own].kind.name == "workspace" {
            true => Some(self.own),
            false => self.drafts[self.own].home.as_ref().and_then(|h| h.parent),
        };
        let whose = (self.drafts[self.own].scope, self.handed);
        match self.index.find_handed(self.drafts, whose, reference.kind, text, near) {
            Ok(at) => {
                // A draft without a home has been reported.
                self.drafts[at].home.as_ref()?;
                if !self.is_child(at) {
                    self.edges.push((at, place));
                }
                match reference.form {
                    Form::Name => Some(Json::from(self.drafts[at].name.as_str())),
                    Form::Id => self.drafts[at].arm_id().map(|id| Json::from(id.as_str())),
                }
            }
            Err(Missing::Unknown(_) | Missing::LeftOut(_))
                if reference.may_stand && reference.form == Form::Name =>
            {
                Some(Json::from(text))
            }
            Err(Missing::Reported) => None,
            Err(missing) => {
                let words =
                    format!("`{path}`: {}", missing_words(&missing, reference.kind, &[text.to_owned()]));
                let help = "write such a document, or the full ARM id of a resource that stands already";
                self.report(missing.related(Diagnostic::error(words).help(help).at(place)), path);
                None
            }
        }
    }
}

impl<'t> Host<Node<'t>> for Walker<'_> {
    fn problem(&mut self, at: &Node<'t>, problem: Problem) {
        let key = problem.key.as_ref().and_then(|key| at.entry(key));
        let place = key.map_or(at.place, |e| e.place);
        let words = match self.secret {
            true => {
                let wanted = problem.words.split(", and is").next().unwrap_or_default();
                format!("the secret value of `{}` {wanted}", problem.path)
            }
            false => format!("`{}` {}", problem.path, problem.words),
        };
        let help = problem.help.filter(|_| !self.secret);
        self.report(Diagnostic { help, ..Diagnostic::error(words).at(place) }, &problem.path);
    }

    fn reference(&mut self, reference: &Reference, text: &str, at: &Node<'t>, path: &str) -> Option<Json> {
        match text {
            "" => {
                let words = format!("`{path}` is empty");
                self.report(Diagnostic::error(words).help("give a name or an ARM id").at(at.place), path);
                None
            }
            _ if text.starts_with('/') => self.by_id(reference, text, at.place, path),
            _ => self.by_name(reference, text, at.place, path),
        }
    }

    fn lenient(&self) -> bool {
        self.lenient
    }
}

/// Warns of plain text that other YAML tools read as something else.
fn warn_ambiguous(value_type: &Type, node: &Node<'_>, diagnostics: &mut Diagnostics) {
    match (value_type, &node.yaml) {
        (Type::String | Type::Scalar | Type::Anything, Yaml::Text { text, plain: true })
            if is_ambiguous(text) =>
        {
            let words = format!("`{text}` is text here; YAML 1.1 tools read it as a boolean or a number");
            let help = format!("put it in quotes: \"{text}\"");
            diagnostics.push(Diagnostic::warning(words).help(help).at(node.place));
        }
        (Type::Map(inner), Yaml::Map(entries)) => {
            entries.iter().for_each(|e| warn_ambiguous(inner, &e.node, diagnostics));
        }
        (Type::List(inner), Yaml::List(list)) => {
            list.iter().for_each(|n| warn_ambiguous(inner, n, diagnostics));
        }
        _ => {}
    }
}

fn is_ambiguous(text: &str) -> bool {
    const WORDS: [&str; 6] = ["yes", "no", "on", "off", "y", "n"];
    let number = text.len() > 1 && text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    number || (text.len() <= 3 && WORDS.iter().any(|w| w.eq_ignore_ascii_case(text)))
}

/// The addresses of edges, with their places.
pub(super) fn addresses(drafts: &[Draft], edges: Vec<(usize, Place)>) -> Vec<(Address, Place)> {
    edges.into_iter().filter_map(|(at, place)| Some((drafts[at].address()?.clone(), place))).collect()
}
