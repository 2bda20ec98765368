//! What is so, for the judge; and what others do.

use model::Json;
use tokio::time::Instant;

use super::bodies::{PROVISIONING, made, set};
use super::{Cloud, Maker, Object, folded};
use crate::edit::Edit;
use crate::law::Rule;

/// An object that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its folded id.
    pub id: String,
    /// Whether we made it, and did not let it go.
    pub ours: bool,
}

impl Cloud {
    /// Everything that stands.
    pub fn standing(&self) -> Vec<Standing> {
        let mut model = self.model();
        model.advance(Instant::now());
        let ours = |(id, object): (&String, &Object)| Standing {
            id: id.clone(),
            ours: matches!(object.maker, Maker::Ours(_)) && !model.forgotten.contains(id),
        };
        model.objects.iter().map(ours).collect()
    }

    /// The body of an object, as it is.
    pub fn body(&self, id: &str) -> Option<Json> {
        self.model().objects.get(&folded(id)).map(|object| object.body.clone())
    }

    /// The state let an object go, as planned: it is ours no more.
    pub fn forget(&self, id: &str) {
        self.model().forgotten.push(folded(id));
    }

    /// Somebody else does something; whether it could be done.
    pub fn edit(&self, edit: &Edit) -> bool {
        let now = Instant::now();
        let mut model = self.model();
        model.advance(now);
        let id = folded(edit.id());
        let standing = model.objects.get(&id).map(|object| object.operation.is_none());
        match (edit, standing) {
            (Edit::Make { id: written, body }, None) if model.has_parent(&id) => {
                let guid = model.guid();
                let object = Object {
                    id: written.clone(),
                    body: made(written, body, None, &guid, self.now()),
                    maker: Maker::Stranger,
                    operation: None,
                    touched: Some(now),
                    written: None,
                };
                model.objects.insert(id.clone(), object);
            }
            (Edit::Set { pointer, value, .. }, Some(true)) => {
                let object = model.objects.get_mut(&id).expect("BUG: just found");
                set(&mut object.body, pointer, value.clone());
                object.touched = Some(now);
            }
            (Edit::Remove { .. }, Some(true)) => {
                model.remove(&id, now);
                return true;
            }
            _ => return false,
        }
        model.show(&id, now);
        true
    }

    /// A run says that it has set something of an object: it succeeded, and the run has seen it.
    pub fn check_done(&self, process: &str, id: &str) {
        let model = self.model();
        let id = folded(id);
        let wrong = match model.objects.get(&id) {
            // Somebody may have deleted it since.
            None => return,
            Some(object) if object.touched > object.written => return,
            Some(object) if object.operation.is_some() => "an operation still runs on it".to_owned(),
            Some(object) => match object.body.pointer(PROVISIONING).and_then(Json::as_str) {
                None | Some("Succeeded") => match model.read.get(&(process.to_owned(), id.clone())) {
                    Some(read) if Some(*read) >= object.written => return,
                    _ => "it was not read back".to_owned(),
                },
                Some(word) => format!("it is {word}"),
            },
        };
        self.broken(Rule::Untrue, format!("{process} says that {id} is done, and {wrong}"));
    }

    /// A run says that it has deleted an object.
    pub fn check_gone(&self, process: &str, id: &str) {
        let model = self.model();
        if model.objects.get(&folded(id)).is_some_and(|object| object.maker != Maker::Stranger) {
            self.broken(Rule::Untrue, format!("{process} says that {id} is deleted, and it stands"));
        }
    }
}
