//! Every death in some scenarios; `make sim SCENARIO=all` tries all, with every loss.

use simulation::crash::{some_ways, with_deaths};
use simulation::disk::{Loss, Trouble};
use simulation::life::{Death, Effect, Side};
use simulation::play::play;
use simulation::scenario::named::{NAMED, find};
use simulation::tally::Tally;

use crate::support::all_good;

fn survives_every_death(name: &str) {
    let scenario = find(name).expect("a scenario").scenario();
    let well = play(&scenario, true, &Tally::default());
    assert!(well.is_good(), "{name}: {:?} {:?}", well.breaches, well.invalid);
    let effects = well.effects.last().expect("a round");
    let cases = some_ways(effects)
        .into_iter()
        .map(|deaths| (format!("make sim SCENARIO={name} ({deaths:?})"), with_deaths(&scenario, deaths)));
    all_good(cases, &Tally::default());
}

#[test]
fn a_create_survives_every_death() {
    survives_every_death("create");
}

#[test]
fn a_replacement_survives_every_death() {
    survives_every_death("replace");
}

#[test]
fn a_replacement_that_creates_first_survives_every_death() {
    survives_every_death("create-before-destroy");
}

/// It once took what a killed run had made for somebody else's.
#[test]
fn a_wrong_clock_disowns_nothing() {
    let mut scenario = find("create").expect("a scenario").scenario();
    scenario.rounds[0].clock_ahead = Some(3600);
    let effects = play(&scenario, true, &Tally::default()).effects.pop().expect("a round");
    let cases = some_ways(&effects)
        .into_iter()
        .step_by(7)
        .map(|deaths| (format!("an hour ahead, {deaths:?}"), with_deaths(&scenario, deaths)));
    all_good(cases, &Tally::default());
}

/// A journal once went on in a file whose sync had failed, and which was not durable for ever after.
#[test]
fn a_sync_that_fails_loses_nothing() {
    let scenario = find("create").expect("a scenario").scenario();
    let effects = play(&scenario, true, &Tally::default()).effects.pop().expect("a round");
    let syncs = (0..).zip(&effects).filter(|(_, effect)| **effect == Effect::Sync).map(|(at, _)| at);
    let cases = syncs.map(|at| {
        let mut failing = scenario.clone();
        failing.rounds[0].trouble = Some((at, Trouble::SyncFails));
        failing.rounds.extend(scenario.rounds.clone());
        failing.rounds[1].deaths = vec![(Death { at: 60, side: Side::After }, Loss::Dropped)];
        (format!("sync {at} fails"), failing)
    });
    all_good(cases, &Tally::default());
}

#[test]
fn every_scenario_ends_well_when_nothing_goes_wrong() {
    for named in NAMED {
        let played = play(&named.scenario(), true, &Tally::default());
        assert!(played.is_good(), "{}: {:?} {:?}", named.name, played.breaches, played.invalid);
    }
}
