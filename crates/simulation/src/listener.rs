//! Hears what a run tells, until its death, and holds it to that.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};

use executor::Event;
use planner::{Action, Change, Plan, Verb};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::cloud::Cloud;
use crate::law::Law;
use crate::life::Life;
use crate::tally::Tally;
use crate::trace::Trace;
use crate::world::World;

/// What a plan has for one object.
struct Planned {
    address: String,
    /// Its id after the change.
    becomes: Option<String>,
    /// Its id before, folded.
    was: Option<String>,
    /// Whether the state lets it go.
    forgets: bool,
}

/// The ears of one run.
pub(crate) struct Listener {
    name: String,
    receiver: Mutex<UnboundedReceiver<Event>>,
    planned: Mutex<Vec<Planned>>,
    cloud: Arc<Cloud>,
    law: Law,
    trace: Trace,
    tally: Tally,
}

impl Listener {
    /// Listens until it is closed, or its process dies.
    pub(crate) fn start(receiver: UnboundedReceiver<Event>, life: &Life, world: &World) -> Arc<Self> {
        let listener = Arc::new(Self {
            name: life.name.clone(),
            receiver: Mutex::new(receiver),
            planned: Mutex::default(),
            cloud: world.cloud.clone(),
            law: world.law.clone(),
            trace: world.trace.clone(),
            tally: world.tally.clone(),
        });
        let at_death = listener.clone();
        life.at_death(move || at_death.close());
        let hearing = listener.clone();
        tokio::spawn(async move {
            while let Some(event) = poll_fn(|cx| hearing.receiver().poll_recv(cx)).await {
                hearing.hear(&event);
            }
        });
        listener
    }

    /// What the plan means by its steps.
    pub(crate) fn expect(&self, plan: &Plan) {
        let of = |change: &Change| Planned {
            address: change.address.to_string(),
            becomes: change.arm_id.as_ref().map(|id| id.to_string()),
            was: change.prior.as_ref().and_then(|prior| prior.arm_id.as_ref()).map(|id| id.folded()),
            forgets: change.action == Action::Forget,
        };
        *self.planned.lock().expect("BUG: a holder of the lock panicked") =
            plan.changes.iter().map(of).collect();
        for change in &plan.changes {
            self.tally.count(format!("action {}", action(change.action)));
        }
    }

    /// Hears what was told, and nothing after that.
    pub(crate) fn close(&self) {
        let mut receiver = self.receiver();
        receiver.close();
        let mut told = Vec::new();
        while let Ok(event) = receiver.try_recv() {
            told.push(event);
        }
        drop(receiver);
        told.iter().for_each(|event| self.hear(event));
    }

    fn hear(&self, event: &Event) {
        let text = format!("{event:?}");
        self.trace.note(format_args!("{} tells {text}", self.name));
        self.law.said("an event", &text);
        let Event::StepDone { address, verb, arm_id } = event else { return };
        let planned = self.planned.lock().expect("BUG: a holder of the lock panicked");
        let changes = || {
            planned.iter().filter(|change| change.address == address.as_str() && change.becomes == *arm_id)
        };
        match (verb, arm_id) {
            (Verb::Delete, _) => {
                // Old objects of an address go by the same words: one of these is gone.
                let ids: Vec<&String> = changes().filter_map(|change| change.was.as_ref()).collect();
                if let Some(first) =
                    ids.first().filter(|_| ids.iter().all(|id| self.cloud.body(id).is_some()))
                {
                    self.cloud.check_gone(&self.name, first);
                }
            }
            (verb, _) if verb.is_note() => {
                let forgotten = changes().filter(|change| change.forgets);
                forgotten.filter_map(|change| change.was.as_ref()).for_each(|id| self.cloud.forget(id));
            }
            (_, Some(id)) => self.cloud.check_done(&self.name, id),
            _ => {}
        }
    }

    fn receiver(&self) -> MutexGuard<'_, UnboundedReceiver<Event>> {
        self.receiver.lock().expect("BUG: a holder of the lock panicked")
    }
}

/// The word of an action in tallies.
fn action(action: Action) -> String {
    match action {
        Action::Replace { create_first: true } => "Replace, create first".to_owned(),
        Action::Replace { create_first: false } => "Replace".to_owned(),
        other => format!("{other:?}"),
    }
}
