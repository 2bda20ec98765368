//! A replacement that creates first has two resources for a while: the old one gets an address of its own.
//!
//! Whatever kills the run in between, both are in the state, and the next plan deletes the old one because no
//! document declares it.

use model::Address;
use planner::{Action, Change, Step, Verb};
use state::{Intent, Outcome as Ending, Record};

use crate::apply::Working;
use crate::run::Context;
use crate::step::StepError;

/// The address of the resource that a step is about.
pub(crate) fn address_of(change: &Change, step: &Step) -> Address {
    match (change.action, step.verb) {
        (Action::Replace { create_first: true }, Verb::Delete) => aside(&change.address),
        _ => change.address.clone(),
    }
}

/// `cluster/research/cpu["replaced"]`.
fn aside(address: &Address) -> Address {
    let key = address.key().map_or_else(|| "replaced".to_owned(), |key| format!("{key}, replaced"));
    let whole = Address::parse(address.stem()).expect("BUG: a stem is an address");
    Address::new(whole.kind(), whole.parent(), whole.id(), Some(&key))
}

/// Before a create that goes first: the entry of what stands makes room.
pub(crate) async fn set_aside(
    context: &Context,
    working: &Working,
    change: &Change,
    step: &Step,
) -> Result<(), StepError> {
    if !goes_first(change, step) {
        return Ok(());
    }
    let (from, to) = (change.previous.as_ref().unwrap_or(&change.address), aside(&change.address));
    if working.entry(&to).is_some() {
        let words = "an earlier replacement's old resource is not deleted yet; apply again when it is";
        return Err(StepError::Resource(words.to_owned()));
    }
    rename(context, working, from, &to).await
}

/// After a create that went first and made nothing: what stands is as before.
pub(crate) async fn put_back(
    context: &Context,
    working: &Working,
    change: &Change,
    step: &Step,
) -> Result<(), StepError> {
    if !goes_first(change, step) {
        return Ok(());
    }
    rename(context, working, &aside(&change.address), &change.address).await
}

fn goes_first(change: &Change, step: &Step) -> bool {
    change.action == Action::Replace { create_first: true } && step.verb == Verb::Create
}

async fn rename(context: &Context, working: &Working, from: &Address, to: &Address) -> Result<(), StepError> {
    let Some(entry) = working.entry(from) else { return Ok(()) };
    let sequence = working.next_sequence();
    let intent = Intent {
        sequence,
        address: to.clone(),
        step: Verb::Record.word().to_owned(),
        arm_id: entry.arm_id.clone(),
        entry: Some(entry),
        moved_from: Some(from.clone()),
        time: context.time(),
    };
    working.append(Record::Intent(Box::new(intent))).await?;
    working.append(Record::Done { sequence, outcome: Ending::as_intended() }).await?;
    working.rename(from, to);
    Ok(())
}
