//! The course of a deployment, as its resource keeps it hidden: which resources are waiting, under way and done.
//!
//! It holds no secure value, since it is in the cloud file; those are with the world, and end with the process.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::store::resource::Resource;
use crate::template::parameters::Parameters;
use crate::template::plan::{Planned, Scope};
use crate::world::Sender;

/// Everything that is needed to go on with a deployment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) scope: Scope,
    pub(super) sender: Sender,
    pub(super) template: Value,
    /// Values by lower-case name, secure ones excepted.
    pub(super) parameters: BTreeMap<String, Value>,
    /// The names of secure parameters.
    pub(super) secure: BTreeSet<String>,
    pub(super) is_complete: bool,
    pub(super) started: Timestamp,
    /// The operation that its client polls.
    pub(super) operation: String,
    pub(super) steps: Vec<Step>,
    /// When it has to be looked at again; none once it has ended.
    pub(super) wake: Option<Timestamp>,
}

/// One resource that is created or deleted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) planned: Planned,
    pub(super) verb: Verb,
    pub(super) state: State,
    /// The last part of the id of its deployment operation.
    pub(super) operation_id: String,
    pub(super) began: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
    /// The status of the answer to its request.
    pub(super) status: Option<u16>,
    pub(super) error: Option<Value>,
}

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Verb {
    Create,
    Delete,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum State {
    /// Not begun; if another one fails, it may never be.
    Waiting,
    Running,
    Succeeded,
    Failed,
    /// Under way when the deployment was canceled; its resource goes on by itself.
    Canceled,
    /// Not deployed, by its condition.
    Disabled,
}

impl Run {
    /// The run that a deployment's resource keeps.
    pub(super) fn of(resource: &Resource) -> Option<Run> {
        serde_json::from_value(resource.hidden.clone()).ok()
    }

    /// Puts the run back into its resource.
    pub(super) fn keep_in(&self, resource: &mut Resource) {
        resource.hidden = serde_json::to_value(self).expect("BUG: a run is plain data");
    }

    /// Its parameters, without the values of secure ones.
    pub(super) fn with_parameters(mut self, parameters: &Parameters) -> Run {
        self.parameters = parameters.plain.clone();
        self.secure = parameters.secure.keys().cloned().collect();
        self
    }

    /// A step that may begin: everything it waits for is done.
    pub(super) fn ready(&self) -> Option<usize> {
        let is_done = |place: &usize| matches!(self.steps[*place].state, State::Succeeded | State::Disabled);
        self.steps
            .iter()
            .position(|step| step.state == State::Waiting && step.planned.after.iter().all(is_done))
    }

    /// The places of the steps that are under way.
    pub(super) fn running(&self) -> Vec<usize> {
        let places = 0..self.steps.len();
        places.filter(|index| self.steps[*index].state == State::Running).collect()
    }

    /// The errors of the steps that failed.
    pub(super) fn failures(&self) -> Vec<Value> {
        self.steps.iter().filter_map(|step| step.error.clone()).collect()
    }

    /// The resource that a name in the template means.
    pub(super) fn named(&self, named: &str) -> Option<&Planned> {
        self.steps.iter().map(|step| &step.planned).find(|planned| planned.is_named(named))
    }
}

impl Step {
    /// A step that has not begun.
    pub(super) fn new(planned: Planned, verb: Verb, operation_id: String) -> Step {
        let state = if planned.enabled { State::Waiting } else { State::Disabled };
        Step { planned, verb, state, operation_id, began: None, ended: None, status: None, error: None }
    }

    /// Ends it, well or with an error.
    pub(super) fn end(&mut self, now: Timestamp, error: Option<Value>) {
        self.state = if error.is_some() { State::Failed } else { State::Succeeded };
        self.ended = Some(now);
        self.error = error;
    }

    /// What it is about, as operations and dependencies show it.
    pub(super) fn target(&self) -> Value {
        let Planned { id, resource_type, name, .. } = &self.planned;
        json!({ "id": id, "resourceType": resource_type, "resourceName": name })
    }
}
