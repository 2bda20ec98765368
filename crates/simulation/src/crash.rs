//! Every way to die in a scenario's last round: before, amid and after each effect, with each loss; and then again in
//! the run that recovers.

use testkit::Random;

use crate::disk::Loss;
use crate::life::{Death, Effect, Side};
use crate::scenario::Scenario;

/// One way to die, or two.
pub type Deaths = Vec<(Death, Loss)>;

/// Every way, for a run with these effects.
pub fn ways(effects: &[Effect]) -> Vec<Deaths> {
    let losses = |death: Death, _: &mut Random| Loss::ALL.iter().map(|loss| vec![(death, *loss)]).collect();
    all(effects, losses)
}

/// Every death, each with one loss, by turns.
pub fn some_ways(effects: &[Effect]) -> Vec<Deaths> {
    all(effects, |death, random| vec![vec![(death, *random.pick(&Loss::ALL))]])
}

/// Every death, with some losses, and once again in the next run.
fn all(effects: &[Effect], losses: impl Fn(Death, &mut Random) -> Vec<Deaths>) -> Vec<Deaths> {
    let mut random = Random::new(effects.len() as u64);
    let mut ways = Vec::new();
    for (at, effect) in (0..).zip(effects) {
        let sides = [Side::Before, Side::Amid, Side::After];
        // Of all effects, only a write can happen in part.
        for side in sides.into_iter().filter(|side| *side != Side::Amid || *effect == Effect::Append) {
            let death = Death { at, side };
            ways.extend(losses(death, &mut random));
            let again = Death { at: random.below(60), side: *random.pick(&sides) };
            ways.push(vec![(death, *random.pick(&Loss::ALL)), (again, *random.pick(&Loss::ALL))]);
        }
    }
    ways
}

/// The scenario with these deaths in its last round.
pub fn with_deaths(scenario: &Scenario, deaths: Deaths) -> Scenario {
    let mut scenario = scenario.clone();
    if let Some(last) = scenario.rounds.last_mut() {
        last.deaths = deaths;
    }
    scenario
}
