//! The part of OData's `$filter` that clients send: comparisons of a few names with quoted text, and `word()`.
//!
//! Clauses are joined by `and`. A clause that is not understood is refused, never passed over.

use serde_json::Value;

use crate::error::{ArmError, bad_content};
use crate::json;
use crate::world::Call;

/// What a list can be asked for: a name in lower case, and the pointer to its text in a body. A pointer that is empty
/// makes it a `word()`, which the list itself has to understand.
pub(crate) type Fields = &'static [(&'static str, &'static str)];

/// What can be asked of a listed resource.
pub(crate) const RESOURCE: Fields = &[
    ("resourcetype", "/type"),
    ("resourcegroup", "/id"),
    ("name", "/name"),
    ("location", "/location"),
    ("tagname", "/tags"),
    ("tagvalue", "/tags"),
];

/// A parsed filter; without clauses it takes everything.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Filter {
    clauses: Vec<Clause>,
    words: Vec<&'static str>,
}

#[derive(Debug, PartialEq)]
struct Clause {
    field: &'static str,
    pointer: &'static str,
    relation: Relation,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Relation {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
}

const OPERATORS: [(&str, Relation); 2] = [("eq", Relation::Equal), ("ne", Relation::NotEqual)];
const FUNCTIONS: [(&str, Relation); 3] = [
    ("substringof", Relation::Contains),
    ("startswith", Relation::StartsWith),
    ("contains", Relation::Contains),
];

impl Filter {
    /// Reads the filter of a request; none takes everything.
    pub(crate) fn of(call: &Call, fields: Fields) -> Result<Filter, ArmError> {
        Filter::parse(&call.request.parameter("$filter").unwrap_or_default(), fields)
    }

    /// Reads a decoded filter; empty text is a filter that takes everything.
    fn parse(text: &str, fields: Fields) -> Result<Filter, ArmError> {
        let refused =
            || bad_content(format!("The filter clause '{text}' is not supported.")).about("$filter");
        let mut filter = Filter::default();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (part, after) = part(rest, fields).ok_or_else(refused)?;
            match part {
                Part::Clause(clause) => filter.clauses.push(clause),
                Part::Word(word) => filter.words.push(word),
            }
            rest = match after.trim_start() {
                "" => "",
                after => word(after, "and").filter(|after| !after.is_empty()).ok_or_else(refused)?,
            };
        }
        Ok(filter)
    }

    /// Whether it holds this word.
    pub(crate) fn says(&self, word: &str) -> bool {
        self.words.contains(&word)
    }

    /// Whether it takes a resource with this body.
    pub(crate) fn takes(&self, body: &Value) -> bool {
        let (tags, others): (Vec<&Clause>, Vec<&Clause>) =
            self.clauses.iter().partition(|clause| clause.field.starts_with("tag"));
        let has_tag = || {
            let map = body["tags"].as_object();
            map.into_iter().flatten().any(|(name, value)| {
                let value = value.as_str().unwrap_or("");
                tags.iter().all(|clause| clause.holds(if clause.field == "tagname" { name } else { value }))
            })
        };
        others.iter().all(|clause| clause.holds(clause.of(body))) && (tags.is_empty() || has_tag())
    }
}

impl Clause {
    fn of<'a>(&self, body: &'a Value) -> &'a str {
        let text = json::text(body, self.pointer);
        if self.field == "resourcegroup" { text.split('/').nth(4).unwrap_or("") } else { text }
    }

    /// Names, types and tags compare without case in ARM.
    fn holds(&self, value: &str) -> bool {
        let (value, text) = (value.to_lowercase(), self.text.to_lowercase());
        match self.relation {
            Relation::Equal => value == text,
            Relation::NotEqual => value != text,
            Relation::Contains => value.contains(&text),
            Relation::StartsWith => value.starts_with(&text),
        }
    }
}

enum Part {
    Clause(Clause),
    Word(&'static str),
}

/// A clause, a word, or a name called with the text it must equal: `assignedTo('text')`.
fn part(text: &str, fields: Fields) -> Option<(Part, &str)> {
    if let Some((clause, rest)) = clause(text, fields) {
        return Some((Part::Clause(clause), rest));
    }
    let ((field, pointer), rest) = field(text, fields)?;
    let inside = rest.strip_prefix('(')?;
    if pointer.is_empty() {
        return Some((Part::Word(field), inside.strip_prefix(')')?));
    }
    let (text, rest) = literal(inside)?;
    Some((Part::Clause(Clause { field, pointer, relation: Relation::Equal, text }), rest.strip_prefix(')')?))
}

fn clause(text: &str, fields: Fields) -> Option<(Clause, &str)> {
    if let Some((relation, inside)) = FUNCTIONS.iter().find_map(|(name, relation)| {
        let after = text.get(name.len()..)?.trim_start().strip_prefix('(')?;
        text[..name.len()].eq_ignore_ascii_case(name).then_some((*relation, after))
    }) {
        // `substringof('text', name)`, but `startswith(name, 'text')`.
        let inside = inside.trim_start();
        let ((field, pointer), text, after) = if inside.starts_with('\'') {
            let (text, after) = literal(inside)?;
            let (field, after) = field(after.trim_start().strip_prefix(',')?, fields)?;
            (field, text, after)
        } else {
            let (field, after) = field(inside, fields)?;
            let (text, after) = literal(after.trim_start().strip_prefix(',')?)?;
            (field, text, after)
        };
        return Some((Clause { field, pointer, relation, text }, after.trim_start().strip_prefix(')')?));
    }
    let ((field, pointer), rest) = field(text, fields)?;
    let (relation, rest) =
        OPERATORS.iter().find_map(|(name, relation)| Some((*relation, word(rest, name)?)))?;
    let (text, rest) = literal(rest)?;
    Some((Clause { field, pointer, relation, text }, rest))
}

/// What follows a keyword, which stands alone and in any casing.
fn word<'a>(text: &'a str, keyword: &str) -> Option<&'a str> {
    let text = text.trim_start();
    let after = text.get(keyword.len()..)?;
    let is_it = text[..keyword.len()].eq_ignore_ascii_case(keyword) && after.starts_with(char::is_whitespace);
    is_it.then(|| after.trim_start())
}

fn field(text: &str, fields: Fields) -> Option<((&'static str, &'static str), &str)> {
    let text = text.trim_start();
    let end = text.find(|character: char| !character.is_ascii_alphanumeric()).unwrap_or(text.len());
    let known = fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(&text[..end]))?;
    Some((*known, &text[end..]))
}

/// Text in single quotes; two of them inside stand for one.
fn literal(text: &str) -> Option<(String, &str)> {
    let mut rest = text.trim_start().strip_prefix('\'')?;
    let mut value = String::new();
    loop {
        let (before, after) = rest.split_once('\'')?;
        value.push_str(before);
        match after.strip_prefix('\'') {
            Some(more) => {
                value.push('\'');
                rest = more;
            }
            None => return Some((value, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn takes(filter: &str) -> bool {
        let body = json!({
            "id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv",
            "name": "kv",
            "type": "Microsoft.KeyVault/vaults",
            "location": "westeurope",
            "tags": { "team": "it's here and there", "env": "prod" },
        });
        Filter::parse(filter, RESOURCE).unwrap().takes(&body)
    }

    #[test]
    fn every_clause_must_hold() {
        for filter in [
            "",
            "resourceType eq 'microsoft.keyvault/vaults'",
            "name eq 'KV' and location eq 'westeurope'",
            "resourcegroup EQ 'RG'  AND  name ne 'x'",
            "tagName eq 'team' and tagValue eq 'it''s here and there'",
            "substringof('v', name)",
            "startswith(tagName, 'te')",
        ] {
            assert!(takes(filter), "{filter}");
        }
        for filter in ["name eq 'x'", "tagName eq 'team' and tagValue eq 'prod'", "resourceGroup eq 'other'"]
        {
            assert!(!takes(filter), "{filter}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for filter in
            ["color eq 'x'", "name eq x", "name eq 'x", "name eq 'x' or name eq 'y'", "name eq 'x' and ", "é"]
        {
            assert!(Filter::parse(filter, RESOURCE).is_err(), "{filter}");
        }
    }
    #[test]
    fn words_and_calls_are_those_of_the_list() {
        let fields: Fields = &[("atscope", ""), ("assignedto", "/p")];
        let filter = Filter::parse("atScope() and assignedTo('x')", fields).unwrap();
        assert!(filter.says("atscope") && filter.takes(&json!({ "p": "X" })));
        assert!(!filter.takes(&json!({ "p": "y" })));
        assert!(!Filter::parse("", fields).unwrap().says("atscope"));
        assert!(Filter::parse("atScope() and assignedTo()", fields).is_err());
    }
}
