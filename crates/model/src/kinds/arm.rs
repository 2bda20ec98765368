//! Any ARM resource, of a type for which plumb has no kind of its own: its document says the type, the api-version and
//! the body.
//!
//! Its table follows from the document. Every leaf of the body is an attribute of its own,
//! `body.properties.retentionInDays`, so that plans, drift, secrets and `lifecycle` work as they do for the other kinds.
//! A leaf is what is no mapping: a list is one, and so is a mapping whose keys could not stand in a path.
//! A table is made once for each [`Shape`] and lives as long as the process: equal shapes have one table.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use super::common::{ANYTHING, RESOURCE_GROUP, TEXT_MAP};
use crate::rule::Rule;
use crate::schema::{Attribute, Change, Compare, Computed, Kind, Placement, Sensitivity, Type, Under};
use crate::{ArmId, ResourceState};

/// What stands before a path of the body in the paths of attributes.
pub const BODY: &str = "body.";

/// Keys that say how the body is compared; they are no part of the resource.
pub const DIRECTIONS: [&str; 3] = ["compare", "ignore", "secret"];

const TEXTS: Type = Type::List(&Type::String);

/// What every such document may say. The kinds of single documents, which have its leaves instead of `body`, come from
/// [`Shape::kind`].
pub static KIND: Kind = Kind {
    name: "arm",
    summary: "Any resource of Azure by its ARM type: what plumb has no kind of its own for.",
    placement: Placement::Typed { resource_type: "", api_version: "", under: Under::Group },
    name_rules: &[Rule::Length(1, 260)],
    attributes: &[
        Attribute::new(
            "type",
            Type::String,
            "",
            "Its ARM type, `Microsoft.OperationalInsights/workspaces`; nested ones in full: `Microsoft.Network/virtualNetworks/subnets`.",
        )
        .compare(Compare::CaseInsensitive)
        .required(),
        Attribute::new(
            "api_version",
            Type::String,
            "",
            "The api-version of every request, `2023-09-01`; another one alone changes nothing in Azure.",
        )
        .change(Change::Local)
        .required(),
        Attribute::new(
            "resource_group",
            RESOURCE_GROUP,
            "",
            "The resource group it lies in; or `parent`, or `scope`.",
        )
        .compare(Compare::CaseInsensitive),
        Attribute::new(
            "parent",
            ANYTHING,
            "",
            "What a nested resource lies in: `${virtual_network[\"NAME\"].id}`, or an ARM id.",
        )
        .compare(Compare::ArmId),
        Attribute::new(
            "scope",
            ANYTHING,
            "",
            "What an extension resource lies on: `${workspace[\"NAME\"].id}`, or the ARM id of any resource, group or subscription.",
        )
        .compare(Compare::ArmId),
        Attribute::new(
            "body",
            Type::Map(&Type::Anything),
            "",
            "What is sent: `location`, `tags`, `sku`, `properties` and so on, as the type's reference has them; keys that Azure has beside these are nobody's business.",
        )
        .change(Change::Put)
        .required(),
        Attribute::new(
            "compare",
            TEXTS,
            "",
            "Paths of the body, such as `properties.retentionInDays`: only what lies there is compared with what Azure has; without it, all that the body gives.",
        ),
        Attribute::new(
            "ignore",
            TEXTS,
            "",
            "Paths of the body that are not compared with what Azure has, nor put right when something else is; a changed document is sent.",
        ),
        Attribute::new(
            "secret",
            TEXTS,
            "",
            "Paths of the body that nobody may see: never shown, never compared with Azure; the state has a keyed hash.",
        ),
    ],
    computed: &[],
    constants: &[],
    read_only: &[],
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: None,
};

/// What a leaf of a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leaf {
    /// Everybody may see it.
    Plain,
    /// The same, and what Azure has there is not looked at.
    Unseen,
    /// Nobody may.
    Secret,
    /// Of the state alone: the document gives what lies above or below it, which decides.
    Replaced,
}

/// What a table follows from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    /// The ARM type.
    pub resource_type: String,
    /// The api-version.
    pub api_version: String,
    /// What it lies in or on.
    pub under: Under,
    /// The leaves, by their paths in the body.
    pub leaves: BTreeMap<String, Leaf>,
    /// The answered paths that somebody refers to.
    pub computed: BTreeSet<String>,
}

impl Shape {
    /// A shape without leaves.
    pub fn new(resource_type: &str, api_version: &str, under: Under) -> Self {
        Self {
            resource_type: resource_type.to_owned(),
            api_version: api_version.to_owned(),
            under,
            leaves: BTreeMap::new(),
            computed: BTreeSet::new(),
        }
    }

    /// The shape that a table was made from.
    pub fn of(kind: &Kind) -> Self {
        let (resource_type, api_version, under) = match kind.placement {
            Placement::Typed { resource_type, api_version, under } => (resource_type, api_version, under),
            _ => unreachable!("BUG: {} is no kind of a single document", kind.name),
        };
        let leaf = |a: &Attribute| {
            let leaf = match a.sensitivity {
                _ if a.kept => Leaf::Replaced,
                _ if a.compare == Compare::Unseen => Leaf::Unseen,
                Sensitivity::Plain => Leaf::Plain,
                Sensitivity::Secret | Sensitivity::WriteOnly => Leaf::Secret,
            };
            Some((a.path.strip_prefix(BODY)?.to_owned(), leaf))
        };
        Self {
            leaves: kind.attributes.iter().filter_map(leaf).collect(),
            computed: kind.computed.iter().map(|c| c.name.to_owned()).collect(),
            ..Self::new(resource_type, api_version, under)
        }
    }

    /// The table; the same one for the same shape.
    pub fn kind(self) -> &'static Kind {
        static MADE: Mutex<BTreeMap<Shape, &'static Kind>> = Mutex::new(BTreeMap::new());
        // Nothing is left half done in it by whoever panicked.
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry(self).or_insert_with_key(|shape| Box::leak(Box::new(table(shape))))
    }
}

fn table(shape: &Shape) -> Kind {
    let text = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
    let common = KIND.attributes.iter().filter(|a| a.path != "body").copied();
    let leaves = shape.leaves.iter().map(|(path, leaf)| attribute(text(&format!("{BODY}{path}")), *leaf));
    let computed = shape.computed.iter().map(|path| {
        let path = text(path);
        Computed::new(path, path, "What Azure answers at this path.")
    });
    Kind {
        placement: Placement::Typed {
            resource_type: text(&shape.resource_type),
            api_version: text(&shape.api_version),
            under: shape.under,
        },
        attributes: Box::leak(common.chain(leaves).collect()),
        computed: Box::leak(computed.collect()),
        ..KIND
    }
}

/// The attribute of a leaf. Tags are always answered; of anything else null may mean that Azure does not tell.
fn attribute(path: &'static str, leaf: Leaf) -> Attribute {
    const DOC: &str = "What the body has at this path.";
    let arm = &path[BODY.len()..];
    let open = match arm {
        "location" => {
            Attribute::new(path, Type::Anything, arm, DOC).compare(Compare::Location).sometimes_answered()
        }
        "tags" => Attribute::new(path, TEXT_MAP, arm, DOC)
            .rules(&[Rule::Tags])
            .compare(Compare::Given)
            .change(Change::Put),
        _ => Attribute::new(path, Type::Anything, arm, DOC)
            .compare(Compare::Given)
            .change(Change::Put)
            .sometimes_answered(),
    };
    match leaf {
        Leaf::Plain => open,
        Leaf::Unseen => open.compare(Compare::Unseen).sometimes_answered(),
        Leaf::Secret => open.sensitivity(Sensitivity::Secret),
        Leaf::Replaced => open.kept(),
    }
}

/// The table of an entry of the state, from what it has: documents come and go.
pub(crate) fn of_entry(entry: &ResourceState) -> &'static Kind {
    let applied = entry.applied.keys().copied();
    let observed = entry.observed.keys().map(String::as_str);
    of_parts(entry.arm_id.as_ref(), &entry.api_version, applied, entry.secrets.keys(), observed)
}

/// The same from its parts.
pub(crate) fn of_parts<'a>(
    arm_id: Option<&ArmId>,
    api_version: &str,
    applied: impl Iterator<Item = &'a str> + Clone,
    secrets: impl Iterator<Item = &'a String>,
    observed: impl Iterator<Item = &'a str>,
) -> &'static Kind {
    let resource_type = arm_id.map(ArmId::resource_type).unwrap_or_default();
    let has = |path: &str| applied.clone().any(|p| p == path);
    let under = match () {
        () if has("scope") => Under::Scope,
        () if has("parent") => Under::Parent,
        () if has("resource_group") => Under::Group,
        () => arm_id.map_or(Under::Group, place_of),
    };
    let leaf = |path: &str, leaf| Some((path.strip_prefix(BODY)?.to_owned(), leaf));
    let plain = applied.clone().filter_map(|path| leaf(path, Leaf::Plain));
    let secret = secrets.filter_map(|path| leaf(path, Leaf::Secret));
    Shape {
        leaves: plain.chain(secret).collect(),
        computed: observed.map(str::to_owned).collect(),
        ..Shape::new(&resource_type, api_version, under)
    }
    .kind()
}

/// What a resource lies in or on, by its id alone; on a group there is no difference.
pub fn place_of(id: &ArmId) -> Under {
    let is_group = |id: &ArmId| id.resource_type() == "Microsoft.Resources/resourceGroups";
    match id.parent() {
        _ if id.resource_type().split('/').count() > 2 => Under::Parent,
        Some(parent) if is_group(&parent) => Under::Group,
        _ => Under::Scope,
    }
}

/// Whether an id is that of a resource: pairs of type and name behind a namespace.
pub fn is_resource(id: &ArmId) -> bool {
    let segments = id.as_str().split('/').skip(1);
    let behind = segments.collect::<Vec<_>>();
    let provider = behind.iter().rposition(|segment| segment.eq_ignore_ascii_case("providers"));
    provider.is_some_and(|at| behind.len() >= at + 4 && (behind.len() - at).is_multiple_of(2))
}

/// The kind with this name for values at these paths: for plans as data, which have no documents.
pub fn named(name: &str, paths: impl IntoIterator<Item = impl AsRef<str>>) -> Option<&'static Kind> {
    if name != KIND.name {
        return super::find(name);
    }
    let leaf = |path: &str| Some((path.strip_prefix(BODY)?.to_owned(), Leaf::Plain));
    let leaves = paths.into_iter().filter_map(|path| leaf(path.as_ref())).collect();
    Some(Shape { leaves, ..Shape::new("", "", Under::Group) }.kind())
}

/// The table of a document with the leaves of what the state has of the same resource, so that what left the document
/// is seen to have left. Where one lies in the other, the document's decides.
pub fn beside(wanted: &'static Kind, standing: &'static Kind) -> &'static Kind {
    let (mut shape, state) = (Shape::of(wanted), Shape::of(standing));
    if !shape.resource_type.eq_ignore_ascii_case(&state.resource_type) {
        return wanted;
    }
    let overlap = |a: &str, b: &str| lies_in(a, b) || lies_in(b, a);
    for (path, leaf) in state.leaves {
        if !shape.leaves.contains_key(&path) {
            let replaced = shape.leaves.iter().any(|(own, is)| *is != Leaf::Replaced && overlap(own, &path));
            shape.leaves.insert(path, if replaced { Leaf::Replaced } else { leaf });
        }
    }
    shape.kind()
}

/// Whether a key of a body can be a part of a path.
pub fn is_segment(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-$".contains(c))
}

/// Whether a text is an api-version: `2023-09-01`, and perhaps words after that.
pub fn is_version(text: &str) -> bool {
    let (date, rest) = text.split_at_checked(10).unwrap_or((text, ""));
    let is_date = date.len() == 10
        && date
            .bytes()
            .enumerate()
            .all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
    let words = rest.strip_prefix('-').unwrap_or(rest);
    let is_word = words.split('-').all(|w| !w.is_empty() && w.chars().all(|c| c.is_ascii_alphanumeric()));
    is_date && (rest.is_empty() || (rest.starts_with('-') && is_word))
}

/// Whether a path is another one or lies below it.
pub fn lies_in(path: &str, group: &str) -> bool {
    path.strip_prefix(group).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "Microsoft.OperationalInsights/workspaces";

    fn shape(leaves: &[(&str, Leaf)]) -> Shape {
        let leaves = leaves.iter().map(|(path, leaf)| ((*path).to_owned(), *leaf)).collect();
        Shape { leaves, ..Shape::new(TYPE, "2023-09-01", Under::Group) }
    }

    #[test]
    fn equal_shapes_have_one_table_and_tell_their_shape() {
        let leaves = [("location", Leaf::Plain), ("properties.key", Leaf::Secret), ("sku", Leaf::Replaced)];
        let kind = shape(&leaves).kind();
        assert!(std::ptr::eq(kind, shape(&leaves).kind()));
        assert_eq!(Shape::of(kind), shape(&leaves));
        assert_eq!(kind.attribute("body.location").map(|a| a.change), Some(Change::CreateOnly));
        assert!(kind.attribute("body.properties.key").is_some_and(Attribute::is_hidden));
        assert_eq!(kind.api_version(), "2023-09-01");
    }

    #[test]
    fn what_left_the_document_stays_in_the_table_unless_the_document_gives_what_lies_around_it() {
        let wanted = shape(&[("properties.a", Leaf::Plain), ("sku", Leaf::Plain)]).kind();
        let standing = shape(&[
            ("properties.b", Leaf::Secret),
            ("sku.name", Leaf::Plain),
            ("properties.a", Leaf::Secret),
        ])
        .kind();
        let both = Shape::of(beside(wanted, standing));
        let is = |path: &str| both.leaves.get(path).copied();
        assert_eq!(is("properties.a"), Some(Leaf::Plain), "the document says who may see it");
        assert_eq!(is("properties.b"), Some(Leaf::Secret));
        assert_eq!(is("sku.name"), Some(Leaf::Replaced));
        let other = Shape::new("Microsoft.Web/sites", "2023-12-01", Under::Group).kind();
        assert!(std::ptr::eq(beside(wanted, other), wanted), "another type is another resource");
    }

    #[test]
    fn an_id_tells_what_a_resource_lies_in() {
        let group = ArmId::group("s", "g");
        let network = group.in_group("Microsoft.Network/virtualNetworks", "net");
        assert_eq!(place_of(&network), Under::Group);
        assert_eq!(place_of(&network.child("subnets", "a")), Under::Parent);
        assert_eq!(place_of(&network.in_group("Microsoft.Insights/diagnosticSettings", "d")), Under::Scope);
    }
}
