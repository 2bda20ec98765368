//! A replacement that creates first has two resources for a while: the old one gets an address of its own.
//!
//! Whatever kills the run in between, both are in the state, and the next plan deletes the old one because no
//! document declares it.

use model::Address;
use planner::{Action, Change, Step, Verb};
use state::{Intent, Outcome as Ending, Record};

use crate::run::Context;
use crate::step::StepError;
use crate::working::Working;

/// How many old resources of one address may wait for their deletion.
const PLACES_MAX: usize = 100;

/// The address of the resource that a step is about.
pub(crate) fn address_of(working: &Working, change: &Change, step: &Step) -> Address {
    match (change.action, step.verb) {
        (Action::Replace { create_first: true }, Verb::Delete) => place_of_old(working, change),
        _ => change.address.clone(),
    }
}

/// `cluster/research/cpu["replaced"]`, `cluster/research/cpu["replaced 2"]`, and so on: an older one may not be
/// deleted yet.
fn asides(address: &Address) -> impl Iterator<Item = Address> {
    let whole = Address::parse(address.stem()).expect("BUG: a stem is an address");
    let own = address.key().map(|key| format!("{key}, ")).unwrap_or_default();
    (1..).map(move |n| {
        let key = if n == 1 { format!("{own}replaced") } else { format!("{own}replaced {n}") };
        Address::new(whole.kind(), whole.parent(), whole.id(), Some(&key))
    })
}

fn free_place(working: &Working, address: &Address) -> Address {
    asides(address).find(|aside| working.entry(aside).is_none()).expect("BUG: there are places without end")
}

/// Where the old resource of this change was set aside.
fn place_of_old(working: &Working, change: &Change) -> Address {
    let old = change.prior.as_ref().and_then(|prior| prior.arm_id.as_ref());
    let holds_it = |aside: &Address| working.entry(aside).is_some_and(|entry| entry.arm_id.as_ref() == old);
    let found = asides(&change.address).take(PLACES_MAX).find(holds_it);
    found.unwrap_or_else(|| free_place(working, &change.address))
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
    let from = change.previous.as_ref().unwrap_or(&change.address);
    rename(context, working, from, &free_place(working, &change.address)).await
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
    rename(context, working, &place_of_old(working, change), &change.address).await
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
