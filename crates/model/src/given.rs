//! Live values of bodies that plumb knows nothing of: what they show of what was asked ([`Compare::Given`]).
//!
//! Azure answers more than it was given, leaves out what it does not tell, and writes words its own way. [`seen`] takes
//! from a live value just what the asked one speaks of, in the asked one's words where both mean the same, so that two
//! values that agree are equal.

use std::borrow::Cow;

use crate::compare::fold_location;
use crate::{Attribute, Compare, Json};

/// How strictly words are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// Another case is no other word: the service may write it its own way.
    Folded,
    /// Every letter counts: the document has changed.
    Exact,
}

/// What a live value shows of what was asked. Of kinds that plumb knows, all of it.
pub fn seen<'l>(
    attribute: &Attribute,
    asked: Option<&Json>,
    live: Option<&'l Json>,
    words: Words,
) -> Option<Cow<'l, Json>> {
    if !matches!(attribute.compare, Compare::Given | Compare::Unseen) {
        return live.map(Cow::Borrowed);
    }
    let (asked, live) = (asked.filter(|a| !a.is_null())?, live?);
    let reader = Reader { words, fills: !attribute.answered };
    Some(Cow::Owned(reader.shown("", asked, live)))
}

struct Reader {
    words: Words,
    /// Whether what is absent in live is taken to be as asked.
    fills: bool,
}

impl Reader {
    fn shown(&self, key: &str, asked: &Json, live: &Json) -> Json {
        match (asked, live) {
            (Json::Object(asked), Json::Object(live)) => {
                let shown = asked.iter().filter_map(|(key, value)| {
                    match find(live, key).filter(|live| !live.is_null()) {
                        Some(live) => Some((key.clone(), self.shown(key, value, live))),
                        None => self.fills.then(|| (key.clone(), value.clone())),
                    }
                });
                Json::Object(shown.collect())
            }
            (Json::Array(asked), Json::Array(live)) => Json::Array(self.list(asked, live)),
            (Json::String(a), Json::String(b)) if self.is_same_text(key, a, b) => asked.clone(),
            (Json::Number(a), Json::Number(b)) if a.as_f64() == b.as_f64() => asked.clone(),
            _ => live.clone(),
        }
    }

    /// Element by element; those that have a name, or else an id, by that. What live has beside them follows.
    fn list(&self, asked: &[Json], live: &[Json]) -> Vec<Json> {
        let mark = ["name", "id"].into_iter().find(|mark| {
            !asked.is_empty() && asked.iter().all(|element| element.get(mark).is_some_and(Json::is_string))
        });
        let Some(mark) = mark else {
            let shown = live.iter().enumerate().map(|(at, live)| match asked.get(at) {
                Some(asked) => self.shown("", asked, live),
                None => live.clone(),
            });
            return shown.collect();
        };
        let word = |element: &Json| element.get(mark).and_then(Json::as_str).map(str::to_ascii_lowercase);
        let mut left: Vec<&Json> = live.iter().collect();
        let mut shown = Vec::with_capacity(live.len());
        for element in asked {
            if let Some(at) = left.iter().position(|live| word(live) == word(element)) {
                shown.push(self.shown("", element, left.remove(at)));
            }
        }
        shown.extend(left.into_iter().cloned());
        shown
    }

    fn is_same_text(&self, key: &str, asked: &str, live: &str) -> bool {
        let is_id = || asked.len() > 15 && asked[..15].eq_ignore_ascii_case("/subscriptions/");
        let same_case = asked == live;
        let same_word = asked.eq_ignore_ascii_case(live) && (self.words == Words::Folded || is_id());
        same_case || same_word || (key == "location" && fold_location(asked) == fold_location(live))
    }
}

/// The value of a key; ids, which Azure writes in other cases, are keys too.
fn find<'j>(map: &'j serde_json::Map<String, Json>, key: &str) -> Option<&'j Json> {
    let other_case = || map.iter().find(|(other, _)| other.eq_ignore_ascii_case(key)).map(|(_, value)| value);
    map.get(key).or_else(other_case)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Under;
    use crate::kinds::arm::{Leaf, Shape};

    fn shown_at(path: &str, asked: Json, live: Json, words: Words) -> Json {
        let leaves = [(path.to_owned(), Leaf::Plain)].into();
        let kind = Shape { leaves, ..Shape::new("A.B/c", "2024-01-01", Under::Group) }.kind();
        let attribute = kind.attribute(&format!("body.{path}")).expect("the leaf");
        seen(attribute, Some(&asked), Some(&live), words).expect("a value").into_owned()
    }

    fn shown(asked: Json, live: Json) -> Json {
        shown_at("properties", asked, live, Words::Folded)
    }

    #[test]
    fn what_live_has_more_or_does_not_tell_is_no_difference() {
        let asked = json!({ "a": 1, "key": "hush", "deep": { "b": [1, 2] } });
        assert_eq!(
            shown(asked.clone(), json!({ "a": 1.0, "key": null, "deep": { "b": [1, 2], "c": 3 }, "d": 4 })),
            asked
        );
        let tags = json!({ "team": "ds" });
        assert_eq!(
            shown_at("tags", tags, json!({ "by": "policy" }), Words::Folded),
            json!({}),
            "tags are always told"
        );
    }

    #[test]
    fn what_differs_is_seen_where_it_differs() {
        let asked = json!({ "a": 1, "list": [1, 2] });
        assert_eq!(shown(asked.clone(), json!({ "a": 2, "list": [1] })), json!({ "a": 2, "list": [1] }));
        assert_eq!(shown(asked, json!({ "a": 1, "list": [1, 2, 3] })), json!({ "a": 1, "list": [1, 2, 3] }));
    }

    #[test]
    fn elements_with_a_name_are_told_apart_by_it() {
        let asked = json!([{ "name": "a", "v": 1 }, { "name": "b", "v": 2 }]);
        let live = json!([{ "name": "B", "v": 2, "etag": "x" }, { "name": "a", "v": 3 }]);
        assert_eq!(shown(asked.clone(), live), json!([{ "name": "a", "v": 3 }, { "name": "b", "v": 2 }]));
        let more = json!([{ "name": "c" }, { "name": "a", "v": 1 }]);
        assert_eq!(shown(asked, more), json!([{ "name": "a", "v": 1 }, { "name": "c" }]));
    }

    #[test]
    fn words_are_written_as_the_service_likes_unless_the_document_changed() {
        let (asked, live) = (json!("Enabled"), json!("enabled"));
        assert_eq!(shown(asked.clone(), live.clone()), asked);
        assert_eq!(shown_at("properties", asked, live.clone(), Words::Exact), live);
        let id = json!({ "id": "/subscriptions/S/resourceGroups/g" });
        let answered = json!({ "id": "/subscriptions/s/resourcegroups/g" });
        assert_eq!(shown_at("properties", id.clone(), answered, Words::Exact), id, "ids have no case");
        let regions = json!({ "location": "West Europe" });
        assert_eq!(
            shown_at("properties", regions.clone(), json!({ "location": "westeurope" }), Words::Exact),
            regions
        );
        let keyed = json!({ "/subscriptions/S/a": {} });
        assert_eq!(shown(keyed.clone(), json!({ "/subscriptions/s/A": { "clientId": "x" } })), keyed);
    }
}
