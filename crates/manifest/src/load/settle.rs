//! Settles attributes that rest on other resources' attributes, in the order in which they rest.

use std::collections::HashMap;

use model::expression::{Binding, Known};
use model::{Diagnostic, Expression, Json, Value, accept};

use super::Load;
use super::draft::{Leaf, Pending};

/// An attribute of a draft.
type Spot = (usize, &'static str);

impl Load<'_, '_> {
    /// Gives every pending attribute its value; what is left rests on itself.
    pub(super) fn settle(&mut self) {
        let mut waiting: HashMap<Spot, Vec<Spot>> = HashMap::new();
        let mut open: HashMap<Spot, usize> = HashMap::new();
        for (at, draft) in self.drafts.iter().enumerate() {
            for (path, leaf) in &draft.leaves {
                let targets = unsettled(self, leaf);
                if matches!(leaf, Leaf::Pending(_) | Leaf::Same(..)) {
                    open.insert((at, path), targets.len());
                }
                targets.into_iter().for_each(|t| waiting.entry(t).or_default().push((at, path)));
            }
        }
        let mut ready: Vec<Spot> = open.iter().filter(|(_, n)| **n == 0).map(|(spot, _)| *spot).collect();
        // The order is stated, so that diagnostics and edges do not depend on hashing.
        ready.sort_unstable();
        ready.reverse();
        while let Some(spot) = ready.pop() {
            open.remove(&spot);
            self.settle_one(spot);
            for next in waiting.remove(&spot).unwrap_or_default() {
                if let Some(count) = open.get_mut(&next) {
                    *count -= 1;
                    if *count == 0 {
                        ready.push(next);
                    }
                }
            }
        }
        self.circular(open.into_keys().collect());
    }

    fn settle_one(&mut self, (at, path): Spot) {
        let Some(attribute) = self.drafts[at].kind.attribute(path) else {
            return;
        };
        let before = self.diagnostics.len();
        let leaf = match self.drafts[at].leaves.remove(path) {
            Some(Leaf::Pending(pending)) => match self.bound(*pending) {
                Some(pending) => {
                    let lenient = self.documents[self.drafts[at].document].az_ml;
                    let leaf = self.evaluated(at, attribute, pending, lenient);
                    if leaf.is_none() {
                        self.drafts[at].leave_out(path);
                        self.defaults(at);
                    }
                    leaf
                }
                None => Some(Leaf::Broken),
            },
            Some(Leaf::Same(other, path)) => self.copied(other, path),
            settled => settled,
        };
        leaf.into_iter().for_each(|leaf| drop(self.drafts[at].leaves.insert(path, leaf)));
        self.used_here(before, self.drafts[at].scope);
    }

    fn copied(&self, at: usize, path: &str) -> Option<Leaf> {
        match self.drafts[at].leaves.get(path)? {
            Leaf::Value(value) => Some(Leaf::Value(value.clone())),
            _ => Some(Leaf::Broken),
        }
    }

    /// Replaces pending slots by values; `None` where one of them is broken.
    pub(super) fn bound(&self, mut pending: Pending) -> Option<Pending> {
        let mut secret = false;
        let bindings = self.supplied(&pending.expression, &pending.targets, &mut secret)?;
        pending.expression.rebind(bindings);
        if secret {
            pending.expression.make_secret();
        }
        Some(pending)
    }

    /// The bindings of an expression with values for slots, in what is handed across a component's border, too.
    fn supplied(&self, expression: &Expression, targets: &[Spot], secret: &mut bool) -> Option<Vec<Binding>> {
        let supply = |binding: &Binding| {
            Some(match binding {
                Binding::Pending(slot) => self.settled(targets[*slot], secret)?,
                Binding::Nested(inner) if inner.is_pending() => {
                    let bindings = self.supplied(inner, targets, secret)?;
                    Binding::Nested(inner.with(bindings).into())
                }
                other => other.clone(),
            })
        };
        expression.bindings().iter().map(supply).collect()
    }

    fn settled(&self, (at, path): Spot, secret: &mut bool) -> Option<Binding> {
        let draft = &self.drafts[at];
        match draft.leaves.get(path) {
            None => Some(Known::shared(Json::Null)),
            Some(Leaf::Value(Value::Known(json))) => Some(Known::shared(json.clone())),
            Some(Leaf::Value(Value::Deferred(inner))) => Some(Binding::Nested(inner.clone())),
            Some(Leaf::Value(Value::Secret(text))) => {
                *secret = true;
                Some(Known::shared(accept::reveal(draft.kind.attribute(path)?, text)))
            }
            Some(_) => None,
        }
    }

    fn circular(&mut self, mut spots: Vec<Spot>) {
        spots.sort_unstable();
        for (at, path) in spots {
            let place = match &self.drafts[at].leaves[path] {
                Leaf::Pending(pending) => Some(pending.place),
                _ => None,
            };
            self.drafts[at].leaves.insert(path, Leaf::Broken);
            if let Some(place) = place {
                let words = format!("`{path}` rests on itself, through other resources");
                let diagnostic = Diagnostic::error(words).help("write one of the values out").at(place);
                let before = self.diagnostics.len();
                self.report(at, diagnostic, path);
                self.used_here(before, self.drafts[at].scope);
            }
        }
    }
}

/// The attributes that a leaf waits for.
fn unsettled(load: &Load<'_, '_>, leaf: &Leaf) -> Vec<Spot> {
    let open = |(at, path): &Spot| {
        matches!(load.drafts[*at].leaves.get(path), Some(Leaf::Pending(_) | Leaf::Same(..)))
    };
    match leaf {
        Leaf::Pending(pending) => pending.targets.iter().filter(|t| open(t)).copied().collect(),
        Leaf::Same(at, path) => [(*at, *path)].into_iter().filter(|t| open(t)).collect(),
        Leaf::Value(_) | Leaf::Broken => Vec::new(),
    }
}
