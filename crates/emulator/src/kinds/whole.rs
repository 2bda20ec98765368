//! A resource as a request would leave it, together with the children that its body shows as lists.
//!
//! It is looked at as a whole before anything is stored: each part by its own kind, and what the parts say of each other.

use serde_json::{Value, json};

use crate::arm::names;
use crate::error::ArmError;
use crate::json;
use crate::kinds::{Inline, Kind, plain};
use crate::route::router::Target;
use crate::store::links;
use crate::store::resource::Resource;
use crate::world::{Call, World};

/// One resource of it.
pub(crate) struct Part {
    pub(crate) target: Target,
    pub(crate) body: Value,
    pub(crate) existing: Option<Resource>,
}

/// The resource, its children, and the keys of the children that go.
pub(crate) struct Whole {
    pub(crate) own: Part,
    pub(crate) children: Vec<Part>,
    pub(crate) gone: Vec<String>,
}

impl Whole {
    /// Fills in everything that the request leaves to the service.
    pub(crate) fn compose(
        world: &mut World,
        call: &Call,
        target: &Target,
        sent: Value,
        existing: Option<Resource>,
    ) -> Result<Whole, ArmError> {
        let body = plain::compose(world, call, target, sent, existing.as_ref())?;
        let own = Part { target: target.clone(), body, existing };
        let mut whole = Whole { own, children: Vec::new(), gone: Vec::new() };
        for (kind, inline) in target.kind.inline_children() {
            whole.take_in(world, call, kind, inline)?;
        }
        Ok(whole)
    }

    fn take_in(
        &mut self,
        world: &mut World,
        call: &Call,
        kind: &'static Kind,
        inline: Inline,
    ) -> Result<(), ArmError> {
        let any = self.own.target.child(kind, "");
        let stand: Vec<String> = world.store.list(&any.collection(), None).map(Resource::key).collect();
        let mut bodies: Vec<Value> = Vec::new();
        for item in self.listed(inline)? {
            let name = json::text(&item, "/name").to_owned();
            if name.is_empty() || json::position(&bodies, &name).is_some() {
                return Err(bad_name(inline.pointer, &name));
            }
            let target = self.own.target.child(kind, &name);
            let existing = world.store.get(&target.key()).cloned();
            let body = plain::compose(world, call, &target, item, existing.as_ref())?;
            bodies.push(body.clone());
            self.children.push(Part { target, body, existing });
        }
        let stays = |key: &String| json::position(&bodies, key.rsplit('/').next().unwrap_or("")).is_some();
        self.gone.extend(stand.into_iter().filter(|key| !stays(key)));
        set_list(&mut self.own.body, inline.pointer, bodies);
        Ok(())
    }

    /// The list as it was sent, or what stands for one that was not.
    fn listed(&self, inline: Inline) -> Result<Vec<Value>, ArmError> {
        let stands = self.own.existing.as_ref().map(|existing| json::at(&existing.body, inline.pointer));
        match json::at(&self.own.body, inline.pointer) {
            Value::Array(items) => Ok(items.clone()),
            Value::Null if !inline.outlives_silence => Ok(Vec::new()),
            Value::Null => Ok(stands.and_then(Value::as_array).cloned().unwrap_or_default()),
            _ => Err(bad_name(inline.pointer, "")),
        }
    }

    /// Refuses what the service would refuse.
    pub(crate) fn check(&self, world: &World, call: &Call) -> Result<(), ArmError> {
        let parts = || std::iter::once(&self.own).chain(&self.children);
        links::check(world, call, &parts().collect::<Vec<_>>())?;
        for part in parts() {
            names::check(world, &part.target, part.existing.as_ref())?;
            refuse_fixed(part)?;
            (part.target.kind.check)(world, &part.target, &part.body, part.existing.as_ref())?;
        }
        self.check_parent(world)?;
        links::refuse_removal(world, &self.gone, &self.own.target.key(), None)
    }

    /// A child has to fit in with its siblings, which its parent's kind knows about.
    fn check_parent(&self, world: &World) -> Result<(), ArmError> {
        let own = &self.own;
        let Some((inline, parent)) = own.target.kind.inline.zip(own.target.parent()) else { return Ok(()) };
        let Some(stands) = world.store.get(&parent.key()) else { return Ok(()) };
        let mut body = stands.body.clone();
        put_in(&mut body, inline.pointer, own.target.name(), Some(own.body.clone()));
        (parent.kind.check)(world, &parent, &body, Some(stands))
    }
}

fn refuse_fixed(part: &Part) -> Result<(), ArmError> {
    let Some(existing) = &part.existing else { return Ok(()) };
    let moved = part.target.kind.fixed.iter().find(|pointer| {
        let (stands, sent) = (json::at(&existing.body, pointer), json::at(&part.body, pointer));
        !stands.to_string().eq_ignore_ascii_case(&sent.to_string())
    });
    let Some(pointer) = moved else { return Ok(()) };
    let field = pointer.trim_start_matches("/properties").trim_start_matches('/').replace('/', ".");
    let (code, text) = part.target.kind.fixed_refusal;
    Err(ArmError::service(409, code, text.replace("{field}", &field)).about(&field))
}

fn bad_name(pointer: &str, name: &str) -> ArmError {
    let field = pointer.trim_start_matches('/').replace('/', ".");
    let what = if name.is_empty() { "without a name" } else { "with a name that another has" };
    let message = format!("Cannot parse the request: '{field}' holds an element {what}. {name}");
    ArmError::service(400, "InvalidRequestFormat", message.trim_end()).about(&field)
}

/// Puts a named element into a list of a body, in the place where it stands, or takes it out.
pub(crate) fn put_in(body: &mut Value, pointer: &str, name: &str, element: Option<Value>) {
    if !json::at(body, pointer).is_array() {
        json::set(body, pointer, json!([]));
    }
    let Some(Value::Array(list)) = body.pointer_mut(pointer) else { return };
    match (json::position(list, name), element) {
        (Some(at), Some(element)) => list[at] = element,
        (None, Some(element)) => list.push(element),
        (Some(at), None) => drop(list.remove(at)),
        (None, None) => {}
    }
}

/// An empty list is shown only where what holds it is there anyway.
fn set_list(body: &mut Value, pointer: &str, list: Vec<Value>) {
    let holder = pointer.rsplit_once('/').map_or("", |(holder, _)| holder);
    if !list.is_empty() || json::at(body, holder).is_object() {
        json::set(body, pointer, Value::Array(list));
    }
}

/// Makes the lists of a parent's body agree with its stored children, which are the truth; the order stays.
pub(crate) fn agree(world: &World, kind: &Kind, body: &mut Value, key: &str) {
    for (child, inline) in kind.inline_children() {
        let last = child.resource_type.rsplit('/').next().unwrap_or("").to_ascii_lowercase();
        let children: Vec<&Resource> = world.store.list(&format!("{key}/{last}"), None).collect();
        let listed = json::at(body, inline.pointer).as_array().cloned().unwrap_or_default();
        let named = |name: &str| children.iter().find(|child| child.name().eq_ignore_ascii_case(name));
        let mut agreed: Vec<Value> = listed
            .iter()
            .filter_map(|item| named(json::text(item, "/name")))
            .map(|child| child.body.clone())
            .collect();
        for child in &children {
            if json::position(&agreed, child.name()).is_none() {
                agreed.push(child.body.clone());
            }
        }
        set_list(body, inline.pointer, agreed);
    }
}
