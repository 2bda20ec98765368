//! The part of OData's `$filter` that clients send to ARM's own lists: comparisons of a few names with quoted text.
//!
//! Clauses are joined by `and`. A clause that is not understood is refused, never passed over.

use serde_json::Value;

use crate::error::{ArmError, bad_content};
use crate::json;

/// What can be asked of a listed resource, in lower case.
const FIELDS: [&str; 6] = ["resourcetype", "resourcegroup", "name", "location", "tagname", "tagvalue"];

/// A parsed filter; without clauses it takes everything.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Filter {
    clauses: Vec<Clause>,
}

#[derive(Debug, PartialEq)]
struct Clause {
    field: &'static str,
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
    /// Reads a decoded filter; empty text is a filter that takes everything.
    pub(crate) fn parse(text: &str) -> Result<Filter, ArmError> {
        let refused =
            || bad_content(format!("The filter clause '{text}' is not supported.")).about("$filter");
        let mut clauses = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (clause, after) = clause(rest).ok_or_else(refused)?;
            clauses.push(clause);
            rest = match after.trim_start() {
                "" => "",
                after => word(after, "and").filter(|after| !after.is_empty()).ok_or_else(refused)?,
            };
        }
        Ok(Filter { clauses })
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
        let pointer = match self.field {
            "resourcetype" => "/type",
            "resourcegroup" => return json::text(body, "/id").split('/').nth(4).unwrap_or(""),
            "location" => "/location",
            _ => "/name",
        };
        json::text(body, pointer)
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

fn clause(text: &str) -> Option<(Clause, &str)> {
    if let Some((relation, inside)) = FUNCTIONS.iter().find_map(|(name, relation)| {
        let after = text.get(name.len()..)?.trim_start().strip_prefix('(')?;
        text[..name.len()].eq_ignore_ascii_case(name).then_some((*relation, after))
    }) {
        // `substringof('text', name)`, but `startswith(name, 'text')`.
        let inside = inside.trim_start();
        let (field, text, after) = if inside.starts_with('\'') {
            let (text, after) = literal(inside)?;
            let (field, after) = field(after.trim_start().strip_prefix(',')?)?;
            (field, text, after)
        } else {
            let (field, after) = field(inside)?;
            let (text, after) = literal(after.trim_start().strip_prefix(',')?)?;
            (field, text, after)
        };
        return Some((Clause { field, relation, text }, after.trim_start().strip_prefix(')')?));
    }
    let (field, rest) = field(text)?;
    let (relation, rest) =
        OPERATORS.iter().find_map(|(name, relation)| Some((*relation, word(rest, name)?)))?;
    let (text, rest) = literal(rest)?;
    Some((Clause { field, relation, text }, rest))
}

/// What follows a keyword, which stands alone and in any casing.
fn word<'a>(text: &'a str, keyword: &str) -> Option<&'a str> {
    let text = text.trim_start();
    let after = text.get(keyword.len()..)?;
    let is_it = text[..keyword.len()].eq_ignore_ascii_case(keyword) && after.starts_with(char::is_whitespace);
    is_it.then(|| after.trim_start())
}

fn field(text: &str) -> Option<(&'static str, &str)> {
    let text = text.trim_start();
    let end = text.find(|character: char| !character.is_ascii_alphanumeric()).unwrap_or(text.len());
    let known = FIELDS.into_iter().find(|known| known.eq_ignore_ascii_case(&text[..end]))?;
    Some((known, &text[end..]))
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
        Filter::parse(filter).unwrap().takes(&body)
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
            assert!(Filter::parse(filter).is_err(), "{filter}");
        }
    }
}
