//! Header keys: what every document may say about itself, whatever its kind.

/// One header key.
#[derive(Debug, Clone, Copy)]
pub struct HeaderKey {
    /// The key, with the path below it.
    pub path: &'static str,
    /// One sentence for `plumb explain` and the JSON Schema.
    pub doc: &'static str,
    /// What its value is.
    pub shape: Shape,
}

/// The shape of a header key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Text.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A list of texts.
    Texts,
    /// A text or a list of texts.
    TextOrTexts,
    /// A text, a list of texts, or a mapping from keys to such.
    TextsByKey,
    /// A mapping or a list.
    Collection,
    /// `true` or an ARM id.
    TrueOrId,
}

const fn key(path: &'static str, shape: Shape, doc: &'static str) -> HeaderKey {
    HeaderKey { path, doc, shape }
}

/// All header keys.
pub const HEADER: &[HeaderKey] = &[
    key("kind", Shape::Text, "What the document describes: `cluster`, `instance`, `workspace`, …"),
    key("name", Shape::Text, "The resource's name in Azure."),
    key("id", Shape::Text, "The last part of the address; the name by default."),
    key(
        "for_each",
        Shape::Collection,
        "One resource for each entry of this map or list, as `each.key` and `each.value`.",
    ),
    key("when", Shape::Boolean, "Whether the document counts at all."),
    key(
        "depends_on",
        Shape::TextOrTexts,
        "Addresses that must stand before this one, beyond those it refers to.",
    ),
    key("lifecycle.prevent_destroy", Shape::Boolean, "A plan that would delete or replace it fails."),
    key("lifecycle.ignore_changes", Shape::TextOrTexts, "Attributes whose differences are left alone."),
    key(
        "lifecycle.replace_on",
        Shape::TextOrTexts,
        "What replaces the resource when it changes: its own attributes, other resources by address (`setup_script/conda`), or attributes of those (`workspace/research.location`).",
    ),
    key(
        "lifecycle.create_before_destroy",
        Shape::Boolean,
        "Replace by create, then delete. It spreads to what the resource depends on; the replacement needs a name of its own.",
    ),
    key(
        "lifecycle.destroy",
        Shape::Boolean,
        "`false`: it is never deleted; when its document leaves, plumb forgets it and it stays in Azure.",
    ),
    key(
        "moved_from",
        Shape::TextsByKey,
        "Earlier addresses of this resource; with `for_each` also a mapping from keys to them.",
    ),
    key(
        "existing",
        Shape::Boolean,
        "It stands without plumb and is only looked at, for others to refer to: nothing is ever done to it.",
    ),
    key("adopt", Shape::TrueOrId, "Take over the live resource: `true`, or its ARM id."),
];

/// The header key with this path.
pub fn find(path: &str) -> Option<&'static HeaderKey> {
    HEADER.iter().find(|k| k.path == path)
}
