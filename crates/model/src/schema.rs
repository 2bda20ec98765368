//! The language in which kinds are written: attributes, their types, and how each one changes.
//!
//! Tables are `const`, built with the short methods of [`Attribute`]; the tables themselves are in
//! [`crate::kinds`].

use crate::check::Check;
use crate::rule::Rule;

/// A resource type, whole: everything the engine knows of it.
#[derive(Debug)]
pub struct Kind {
    /// The word in manifests and addresses.
    pub name: &'static str,
    /// One sentence for `plumb explain`.
    pub summary: &'static str,
    /// Where it lies in ARM.
    pub placement: Placement,
    /// What its name in Azure must look like.
    pub name_rules: &'static [Rule],
    /// Every attribute a manifest may give.
    pub attributes: &'static [Attribute],
    /// Values that ARM makes up, which expressions may refer to.
    pub computed: &'static [Computed],
    /// Fixed parts of every request body: path and text.
    pub constants: &'static [(&'static str, &'static str)],
    /// Paths that must not be sent back in a GET-change-PUT.
    pub read_only: &'static [&'static str],
    /// Rules over several attributes.
    pub checks: &'static [Check],
    /// Keys of az ml's own YAML that say nothing a manifest could ask; they are accepted and dropped.
    pub dropped: &'static [&'static str],
    /// Other names of attributes, deprecated in az ml: the old key and the attribute's path.
    pub aliases: &'static [(&'static str, &'static str)],
    /// What is lost with the resource, in words for the plan.
    pub loses: Option<&'static str>,
}

/// Where the body of an attached compute names what is attached.
pub const ATTACHED_TO: &str = "properties.resourceId";

/// Where a kind lies in ARM, and so how its id follows from names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Nothing in ARM: it exists only for other documents.
    Local,
    /// A resource group, in a subscription.
    Group {
        /// The api-version sent.
        api_version: &'static str,
    },
    /// A resource directly in a resource group.
    InGroup {
        /// `Microsoft.Storage/storageAccounts`.
        resource_type: &'static str,
        /// The api-version sent.
        api_version: &'static str,
    },
    /// A resource nested in one of another kind.
    InParent {
        /// The parent's kind, which is also the name of the attribute that refers to it.
        parent: &'static str,
        /// The collection's path, `computes`, or `fileServices/default/shares` where a singleton stands between.
        collection: &'static str,
        /// The api-version sent.
        api_version: &'static str,
        /// Which of a mixed collection's resources are of this kind: body path and value.
        discriminator: Option<(&'static str, &'static str)>,
    },
    /// An extension resource: it lies on another resource, a group or a subscription, which its `scope` names.
    OnScope {
        /// `Microsoft.Authorization/locks`.
        resource_type: &'static str,
        /// The api-version sent.
        api_version: &'static str,
        /// What stands as its name in ARM.
        naming: Naming,
    },
    /// A resource of the type that its document says.
    Typed {
        /// `Microsoft.OperationalInsights/workspaces`; empty where no document has said it.
        resource_type: &'static str,
        /// The api-version sent.
        api_version: &'static str,
        /// What it lies in or on.
        under: Under,
    },
}

/// What a resource of a type that its document says lies in or on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Under {
    /// A resource group.
    Group,
    /// Another resource, as a nested one.
    Parent,
    /// A resource, a group or a subscription, which it extends.
    Scope,
}

/// What stands as a resource's name in ARM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// The document's own.
    Own,
    /// A GUID: the document's name if it is one, else one that follows from the scope and the name.
    Guid,
}

/// One leaf of a document.
#[derive(Debug, Clone, Copy)]
pub struct Attribute {
    /// Path in the manifest, `ssh_settings.admin_username`.
    pub path: &'static str,
    /// One sentence for `plumb explain` and the JSON Schema.
    pub doc: &'static str,
    /// Its type.
    pub value: Type,
    /// Path in the ARM body; empty when it is not part of the body.
    pub arm: &'static str,
    /// How the value is written in the body.
    pub wire: Wire,
    /// The value plumb manages when the document gives none.
    pub default: Default,
    /// What Azure has when nobody asks, where plumb leaves it alone: what it goes back to when it leaves its document.
    pub initial: Default,
    /// Whether it stays as it is when it leaves its document: Azure needs one, and no constant will do.
    pub kept: bool,
    /// How a new value gets into Azure.
    pub change: Change,
    /// Who may see it.
    pub sensitivity: Sensitivity,
    /// How two values compare.
    pub compare: Compare,
    /// What a value must look like.
    pub rules: &'static [Rule],
    /// Whether a document must give it.
    pub need: Need,
    /// In a union: only when the sibling at this path has this value.
    pub when: Option<(&'static str, &'static str)>,
    /// Filled by plumb from other documents; not a key that a manifest may use.
    pub derived: bool,
    /// Whether a create takes it; otherwise its action sets it afterwards.
    pub at_creation: bool,
    /// Whether ARM always answers the value it has. Where it may answer null instead, null says nothing.
    pub answered: bool,
}

/// The type of an attribute, as people write it.
#[derive(Debug, Clone, Copy)]
pub enum Type {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A length of time: a number of the unit, or `2m`, or `PT2M`. Known values are numbers of the
    /// unit where they are whole, else ISO 8601 text.
    Duration(Unit),
    /// One of several words.
    Enum(&'static [Variant]),
    /// Another resource: its document's name or its ARM id.
    Reference(Reference),
    /// A list of values of one type.
    List(&'static Type),
    /// A mapping from free keys to values of one type.
    Map(&'static Type),
    /// A mapping with known keys; only inside a list.
    Object(&'static [Attribute]),
    /// A reference to a `setup_script` document, or az ml's `{ path, command, timeout_minutes }`.
    Script,
    /// Any scalar, kept as it is.
    Scalar,
    /// A quantity of Kubernetes, `4Gi` or `1`: a text or a number, kept as text.
    Quantity,
    /// Any value, kept as it is.
    Anything,
}

/// The unit of a [`Type::Duration`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
}

impl Unit {
    /// How many seconds one of it has.
    pub const fn seconds(self) -> u64 {
        match self {
            Unit::Seconds => 1,
            Unit::Minutes => 60,
        }
    }
}

/// A word of an enumeration: as manifests write it, and as ARM does.
#[derive(Debug, Clone, Copy)]
pub struct Variant {
    /// In manifests.
    pub yaml: &'static str,
    /// In ARM bodies.
    pub arm: &'static str,
}

/// What a reference points to, and what of it stands in the value.
#[derive(Debug, Clone, Copy)]
pub struct Reference {
    /// The kind of document that a plain name means.
    pub kind: &'static str,
    /// The ARM types that a full id may have; empty for any.
    pub resource_type: &'static str,
    /// Whether the value is the other's name or its ARM id.
    pub form: Form,
    /// Whether a name without a document is taken as the name of something that stands already.
    pub may_stand: bool,
}

/// What stands in the value of a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The resource's name in Azure.
    Name,
    /// The resource's ARM id.
    Id,
}

/// How a value is written in an ARM body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// As it is.
    Same,
    /// A boolean as `Enabled` and `Disabled`.
    Enabled,
    /// A boolean as its opposite.
    Negated,
    /// A duration as ISO 8601, largest units first: `PT2M`, `PT1H`.
    Iso8601,
    /// A duration as minutes in ISO 8601, as az ml sends it: `PT60M`.
    IsoMinutes,
    /// A duration as the Unix `timeout` command takes it: `20m`.
    UnixTimeout,
    /// Text as base64.
    Base64,
    /// A list of ids as an object that maps each to `{}`.
    KeyedById,
    /// A map as `{ key: { type: "local", value } }`.
    LocalValues,
    /// A list of objects as an object keyed by their `name`.
    KeyedByName,
    /// A list of values as a list of objects that have each below this key: `[{ "id": … }]`.
    Each(&'static str),
    /// The name of one of the resource's own parts as the ARM id of it, in this collection.
    Part(&'static str),
    /// A number as text.
    Text,
    /// A map as a list of `{ name, value }`.
    NamedValues,
    /// `publisher:offer:sku:version`, or an alias, as an object (`crate::image`).
    Image,
    /// A text as `{ TAG: WORD, KEY: text }`: an object that says what it is.
    Tagged {
        /// The key of the word.
        tag: &'static str,
        /// What it is.
        word: &'static str,
        /// The key of the text.
        key: &'static str,
    },
    /// A map from storage accounts to keys, put as `credentials.accountKey` into each element below the path that names
    /// the account; an element whose account has none gets empty credentials.
    AccountKeys,
}

/// The value plumb manages when a document gives none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Default {
    /// None: the attribute is left alone.
    None,
    /// A boolean.
    Boolean(bool),
    /// A number.
    Integer(i64),
    /// A text.
    String(&'static str),
    /// `true`, unless the document gives anything below this path.
    TrueUnless(&'static str),
    /// The parent's value of the same attribute.
    Parent,
}

/// How a new value gets into Azure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Only by delete and create.
    CreateOnly,
    /// By GET, change, PUT of the whole.
    Put,
    /// By PATCH of what changed.
    Patch,
    /// By a POST action of its own.
    Action(Action),
    /// By start and stop.
    Power,
    /// Not at all in place, and not worth a replacement: it waits for the next one.
    Held,
    /// In the state only.
    Local,
}

/// A POST action that changes one attribute of a live resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// The path segment after the resource's id.
    pub name: &'static str,
    /// The body's key for the value; empty when the value is the whole body.
    pub key: &'static str,
    /// The api-version to send.
    pub api_version: &'static str,
    /// Whether only the read-back can tell that it took: the action is not published.
    pub tentative: bool,
    /// For an action that takes additions and removals one by one instead of the whole list.
    pub removal: Option<Removal>,
}

/// How an element of a list is asked to go, by an action that leaves unnamed elements alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removal {
    /// The body key that tells elements apart.
    pub name: &'static str,
    /// The body key that says what to do with an element.
    pub key: &'static str,
    /// Its word for "remove".
    pub word: &'static str,
}

/// Who may see a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sensitivity {
    /// Everybody.
    Plain,
    /// Nobody: a keyed hash stands in the state, `(sensitive value)` on the screen.
    Secret,
    /// Shown in plans, never answered by ARM: a keyed hash stands in the state.
    WriteOnly,
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// Byte for byte.
    Exact,
    /// Without case.
    CaseInsensitive,
    /// As ARM ids: without case.
    ArmId,
    /// Without case; `none` and absent are the same.
    NoneIsAbsent,
    /// As Azure regions: `West Europe` is `westeurope`.
    Location,
    /// As lists without order.
    Set,
    /// As SSH public keys: without their comment.
    SshKey,
    /// Empty and absent are the same.
    EmptyIsAbsent,
    /// As images: an alias is what it stands for, and no version is the latest.
    Image,
    /// Byte for byte, but of a live value only what was asked counts ([`crate::given`]).
    Given,
    /// The same between the document and the state; what is live is not looked at.
    Unseen,
}

/// Whether a document must give an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// No.
    Optional,
    /// Yes.
    Required,
    /// When its group (the mapping it stands in) is given at all.
    WithGroup,
}

/// A value that ARM makes up, for expressions: `${identity["trainer"].principal_id}`.
#[derive(Debug, Clone, Copy)]
pub struct Computed {
    /// Its name in expressions.
    pub name: &'static str,
    /// Path in the ARM body; empty for what is listed.
    pub arm: &'static str,
    /// One sentence for `plumb explain`.
    pub doc: &'static str,
    /// For a secret: no body has it, and it is asked for when something needs it.
    pub listed: Option<Listed>,
}

/// A secret that no GET answers, and a POST does: an account's key. Only the apply of what needs it reads it; a plan
/// goes by something that moves whenever the secret does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// The POST action, `listKeys`.
    pub action: &'static str,
    /// JSON pointer of the secret in the reply.
    pub pointer: &'static str,
    /// The computed value of the same kind that moves with it.
    pub moves_with: &'static str,
}

impl Computed {
    /// A computed value.
    pub const fn new(name: &'static str, arm: &'static str, doc: &'static str) -> Self {
        Self { name, arm, doc, listed: None }
    }

    /// A secret that must be asked for.
    pub const fn secret(name: &'static str, listed: Listed, doc: &'static str) -> Self {
        Self { name, arm: "", doc, listed: Some(listed) }
    }
}

/// A word that ARM writes the same but for case.
pub const fn variant(yaml: &'static str, arm: &'static str) -> Variant {
    Variant { yaml, arm }
}

impl Attribute {
    /// An optional, plain attribute that only a replacement can change.
    pub const fn new(path: &'static str, value: Type, arm: &'static str, doc: &'static str) -> Self {
        Self {
            path,
            doc,
            value,
            arm,
            wire: Wire::Same,
            default: Default::None,
            initial: Default::None,
            kept: false,
            change: Change::CreateOnly,
            sensitivity: Sensitivity::Plain,
            compare: Compare::Exact,
            rules: &[],
            need: Need::Optional,
            when: None,
            derived: false,
            at_creation: true,
            answered: true,
        }
    }

    /// Written in the body in another form.
    pub const fn wire(mut self, wire: Wire) -> Self {
        self.wire = wire;
        self
    }

    /// Managed with this value when the document gives none.
    pub const fn default(mut self, default: Default) -> Self {
        self.default = default;
        self
    }

    /// Stays as it is when it leaves its document.
    pub const fn kept(mut self) -> Self {
        self.kept = true;
        self
    }

    /// Goes back to this when it leaves its document.
    pub const fn initial(mut self, initial: Default) -> Self {
        self.initial = initial;
        self
    }

    /// Changes otherwise than by replacement.
    pub const fn change(mut self, change: Change) -> Self {
        self.change = change;
        self
    }

    /// Not for everybody's eyes.
    pub const fn sensitivity(mut self, sensitivity: Sensitivity) -> Self {
        self.sensitivity = sensitivity;
        self
    }

    /// Compares otherwise than byte for byte.
    pub const fn compare(mut self, compare: Compare) -> Self {
        self.compare = compare;
        self
    }

    /// Must look like this.
    pub const fn rules(mut self, rules: &'static [Rule]) -> Self {
        self.rules = rules;
        self
    }

    /// Must be given.
    pub const fn required(mut self) -> Self {
        self.need = Need::Required;
        self
    }

    /// Need not be given.
    pub const fn optional(mut self) -> Self {
        self.need = Need::Optional;
        self
    }

    /// Must be given when its group is.
    pub const fn required_with_group(mut self) -> Self {
        self.need = Need::WithGroup;
        self
    }

    /// Exists only where the sibling at `path` is `value`.
    pub const fn when(mut self, path: &'static str, value: &'static str) -> Self {
        self.when = Some((path, value));
        self
    }

    /// Filled by plumb, not a key of manifests.
    pub const fn derived(mut self) -> Self {
        self.derived = true;
        self
    }

    /// A create does not take it: its action sets it afterwards.
    pub const fn after_creation(mut self) -> Self {
        self.at_creation = false;
        self
    }

    /// ARM may answer null although it has a value.
    pub const fn sometimes_answered(mut self) -> Self {
        self.answered = false;
        self
    }

    /// The path's group: `ssh_settings` of `ssh_settings.admin_username`.
    pub fn group(&self) -> Option<&'static str> {
        self.path.rsplit_once('.').map(|(group, _)| group)
    }

    /// Whether its values stay out of state, plan and journal.
    pub fn is_hidden(&self) -> bool {
        self.sensitivity != Sensitivity::Plain
    }
}

impl Kind {
    /// The attribute with this path.
    pub fn attribute(&self, path: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|a| a.path == path)
    }

    /// The computed value with this name.
    pub fn computed(&self, name: &str) -> Option<&'static Computed> {
        self.computed.iter().find(|c| c.name == name)
    }

    /// Whether resources of this kind exist in ARM.
    pub fn in_arm(&self) -> bool {
        self.placement != Placement::Local
    }

    /// The kind and attribute of the parent where ARM nests this kind.
    pub fn parent(&self) -> Option<&'static str> {
        match self.placement {
            Placement::InParent { parent, .. } => Some(parent),
            _ => None,
        }
    }

    /// The attribute that says where a resource of this kind lies.
    pub fn placed_by(&self) -> Option<&'static str> {
        match self.placement {
            Placement::Local => None,
            Placement::Group { .. } => Some("subscription"),
            Placement::InGroup { .. } => Some("resource_group"),
            Placement::InParent { parent, .. } => Some(parent),
            Placement::OnScope { .. } | Placement::Typed { under: Under::Scope, .. } => Some("scope"),
            Placement::Typed { under: Under::Group, .. } => Some("resource_group"),
            Placement::Typed { under: Under::Parent, .. } => Some("parent"),
        }
    }

    /// Whether its table is that of one document, which says its type.
    pub fn is_typed(&self) -> bool {
        matches!(self.placement, Placement::Typed { .. })
    }

    /// Whether resources of this kind are gone, and are made anew, with what they lie in or on.
    pub fn goes_with_its_place(&self) -> bool {
        match self.placement {
            Placement::Typed { under, .. } => under != Under::Group,
            Placement::InParent { .. } | Placement::OnScope { .. } => true,
            Placement::Local | Placement::Group { .. } | Placement::InGroup { .. } => false,
        }
    }

    /// Whether it only makes something known to a workspace that was made elsewhere: a delete lets go of that.
    pub fn is_attached(&self) -> bool {
        self.attributes.iter().any(|a| a.arm == ATTACHED_TO)
    }

    /// The api-version that requests carry; empty for local kinds.
    pub fn api_version(&self) -> &'static str {
        match self.placement {
            Placement::Local => "",
            Placement::Group { api_version }
            | Placement::InGroup { api_version, .. }
            | Placement::InParent { api_version, .. }
            | Placement::OnScope { api_version, .. }
            | Placement::Typed { api_version, .. } => api_version,
        }
    }

    /// The ARM type: `Microsoft.MachineLearningServices/workspaces`; empty for nested kinds, whose type is made of
    /// their parents' ([`crate::kinds::type_of`]).
    pub fn resource_type(&self) -> &'static str {
        match self.placement {
            Placement::InGroup { resource_type, .. }
            | Placement::OnScope { resource_type, .. }
            | Placement::Typed { resource_type, .. } => resource_type,
            Placement::Group { .. } => "Microsoft.Resources/resourceGroups",
            Placement::Local | Placement::InParent { .. } => "",
        }
    }
}
