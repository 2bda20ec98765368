//! Rules over several attributes of one document, as data.

use std::collections::BTreeSet;

use crate::{Attributes, Json};

/// One rule; paths are manifest paths of the same kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The first number is not larger than the second.
    AtMost(&'static str, &'static str),
    /// The first attribute needs the second.
    Needs(&'static str, &'static str),
    /// When the first attribute is this boolean, one of the others must be given.
    NeedsOneOf(&'static str, bool, &'static [&'static str]),
    /// At least one of them, to make the resource: a warning, for what stands may have one that nobody can read.
    SomeOf(&'static [&'static str]),
    /// One of them, and not two.
    OneOf(&'static [&'static str]),
    /// Not both.
    Excludes(&'static str, &'static str),
    /// In each element of a list these numbers do not fall.
    InOrder(&'static str, &'static [&'static str]),
    /// A location other than the parent's: a warning with these words.
    OtherLocation(&'static str),
}

/// What a broken check says: the attribute to point at, and the words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The attribute to point at.
    pub attribute: &'static str,
    /// What is wrong.
    pub words: String,
    /// Whether it stops the run.
    pub warning: bool,
}

impl Check {
    /// Checks known values; `given` names what the document gives (or plumb defaults) in any form, so
    /// that unknown and secret values count as given. `parent_location` is the parent's, if known.
    pub fn broken(
        &self,
        known: &Attributes,
        given: &BTreeSet<&str>,
        parent_location: Option<&str>,
    ) -> Option<Broken> {
        let error = |attribute, words| Some(Broken { attribute, words, warning: false });
        match *self {
            Check::AtMost(low, high) => {
                let (a, b) = (known.get(low)?.as_i64()?, known.get(high)?.as_i64()?);
                (a > b).then(|| error(low, format!("`{low}` is {a}, more than `{high}`, which is {b}")))?
            }
            Check::Needs(first, second) => (given.contains(first) && !given.contains(second))
                .then(|| error(first, format!("`{first}` needs `{second}`")))?,
            Check::NeedsOneOf(first, value, others) => {
                let applies = known.get(first).and_then(Json::as_bool) == Some(value);
                let met = others.iter().any(|o| given.contains(o));
                (applies && !met)
                    .then(|| error(first, format!("`{first}: {value}` needs {}", quoted(others))))?
            }
            Check::SomeOf(paths) => (!paths.iter().any(|path| given.contains(path))).then(|| Broken {
                attribute: paths[0],
                words: format!("Azure makes none without {}", quoted(paths)),
                warning: true,
            }),
            Check::OneOf(paths) => {
                let there: Vec<&str> = paths.iter().copied().filter(|path| given.contains(path)).collect();
                match there[..] {
                    [_] => None,
                    [] => error(paths[0], format!("{} must be given", quoted(paths))),
                    [..] => error(paths[0], format!("only one may be given: {}", quoted(paths))),
                }
            }
            Check::Excludes(first, second) => (given.contains(first) && given.contains(second))
                .then(|| error(second, format!("`{first}` and `{second}` exclude each other")))?,
            Check::InOrder(list, fields) => known.get(list)?.as_array()?.iter().find_map(|element| {
                let number = |field: &&str| element.get(field).and_then(Json::as_i64);
                let pair = fields.windows(2).find(|pair| number(&pair[0]) > number(&pair[1]))?;
                let words = format!("`{}` is more than `{}` in an element of `{list}`", pair[0], pair[1]);
                error(list, words)
            }),
            Check::OtherLocation(words) => {
                let own = known.get("location")?.as_str()?;
                let parent = parent_location?;
                let differ = crate::compare::fold_location(own) != crate::compare::fold_location(parent);
                differ.then(|| Broken {
                    attribute: "location",
                    words: format!("`{own}` is not the workspace's location `{parent}`: {words}"),
                    warning: true,
                })
            }
        }
    }
}

fn quoted(paths: &[&str]) -> String {
    paths.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(" or ")
}
