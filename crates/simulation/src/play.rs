//! Plays a scenario: round after round, death after death, and then all is well again and an apply must get there.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::Json;
use serde_json::json;
use tokio::time::sleep;

use crate::documents::{self, Documents};
use crate::edit::Edit;
use crate::law::{Breach, Law, Rule};
use crate::life::Effect;
use crate::process::{End, Ran, Weather, run};
use crate::scenario::parts::with;
use crate::scenario::{Round, Scenario};
use crate::tally::Tally;
use crate::trace::Trace;
use crate::world::World;

/// How many applies may be needed once all is well.
const HEALING_RUNS: usize = 3;

/// What came of a play.
#[derive(Debug, Default)]
pub struct Played {
    /// Rules that were broken.
    pub breaches: Vec<Breach>,
    /// What happened.
    pub trace: Vec<String>,
    /// The effects of each round's first run.
    pub effects: Vec<Vec<Effect>>,
    /// Why the scenario cannot be played.
    pub invalid: Option<String>,
}

impl Played {
    /// Whether no rule was broken.
    pub fn is_good(&self) -> bool {
        self.breaches.is_empty() && self.invalid.is_none()
    }
}

/// Plays a scenario on a clock of its own; `honest` says whether its disk keeps what was synced.
pub fn play(scenario: &Scenario, honest: bool, tally: &Tally) -> Played {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("BUG: a runtime without threads and sockets can be made");
    let kept: Mutex<Option<(Law, Trace)>> = Mutex::default();
    let playing = AssertUnwindSafe(|| {
        runtime.block_on(async {
            let world = World::new(scenario.seed, honest, tally.clone());
            *kept.lock().expect("BUG: nobody else has it") = Some((world.law.clone(), world.trace.clone()));
            let mut played = Played::default();
            played.invalid = rounds(&world, scenario, &mut played).await.err();
            played
        })
    });
    let outcome = catch_unwind(playing);
    let (law, trace) = kept.into_inner().ok().flatten().expect("BUG: a play begins");
    let mut played = outcome.unwrap_or_else(|panic| {
        law.broken(Rule::Broken, format!("panic: {}", said(panic.as_ref())));
        Played::default()
    });
    played.breaches = law.breaches();
    played.trace = trace.lines();
    played
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}

async fn rounds(world: &World, scenario: &Scenario, played: &mut Played) -> Result<(), String> {
    let mut last = None;
    for round in &scenario.rounds {
        let documents = documents::read(&round.documents)?;
        begin(world, round);
        let (effects, end) = attempts(world, round, &documents).await;
        played.effects.push(effects);
        let expected = if round.blocked { matches!(end, End::Blocked(_)) } else { end == End::Complete };
        if is_calm(scenario) && !expected {
            world.law.broken(
                Rule::Unfinished,
                format!("nothing but deaths went wrong, and the apply ends: {end:?}"),
            );
        }
        last = Some(documents);
        if !world.law.breaches().is_empty() {
            return Ok(());
        }
    }
    if let (Some(documents), Some(round)) = (last, scenario.rounds.last()) {
        let adopting = if is_edited(scenario) { Some(adopting(round)?) } else { None };
        heal(world, round, (&documents, adopting.as_ref()), is_calm(scenario)).await;
    }
    Ok(())
}

/// Whether nobody else touches the cloud or the clock.
fn is_calm(scenario: &Scenario) -> bool {
    scenario
        .rounds
        .iter()
        .all(|round| round.is_fair() && round.before.is_empty() && round.clock_ahead.is_none())
}

/// Whether others touch the cloud.
fn is_edited(scenario: &Scenario) -> bool {
    scenario.rounds.iter().any(|round| !round.before.is_empty() || !round.meanwhile.is_empty())
}

/// The round's documents, each taking over what stands under its name.
fn adopting(round: &Round) -> Result<Documents, String> {
    let adopting = |document: &Json| with(document.clone(), json!({ "adopt": true }));
    documents::read(&round.documents.iter().map(adopting).collect::<Vec<_>>())
}

fn begin(world: &World, round: &Round) {
    for edit in &round.before {
        make(world, edit);
    }
    if let Some(seconds) = round.clock_ahead {
        world.set_clock_ahead(seconds);
        world.tally.count("clock jump");
    }
}

fn make(world: &World, edit: &Edit) {
    if world.cloud.edit(edit) {
        world.trace.note(format_args!("somebody: {edit:?}"));
        world.tally.count(edit.word());
    }
}

/// Runs until one does not die; the effects of the first, and the end of the last.
async fn attempts(world: &World, round: &Round, documents: &Documents) -> (Vec<Effect>, End) {
    let mut effects = None;
    let mut deaths = round.deaths.iter();
    loop {
        let death = deaths.next();
        let first = effects.is_none();
        let weather = Weather {
            death: death.map(|(death, _)| *death),
            faults: if first { round.faults.clone() } else { Vec::new() },
            trouble: round.trouble.filter(|_| first),
            interrupt: round.interrupt.filter(|_| first),
            parallelism: round.parallelism,
            allow_missing: false,
        };
        if weather.interrupt.is_some() {
            world.tally.count("interrupt");
        }
        let ran = if first {
            beside(world, round, documents, &weather).await
        } else {
            run(world, documents, &weather).await
        };
        effects.get_or_insert(ran.effects);
        if let (End::Died, Some((_, loss))) = (&ran.end, death) {
            world.tally.count(format!("loss {loss}"));
            world.trace.note(format_args!("lost: {loss}"));
            world.platter.lose(*loss, &mut world.random());
        }
        world.judge().await;
        if ran.end != End::Died || !world.law.breaches().is_empty() {
            return (effects.unwrap_or_default(), ran.end);
        }
    }
}

/// A run with others beside it: those who edit, and a second run.
async fn beside(world: &World, round: &Round, documents: &Documents, weather: &Weather) -> Ran {
    let edits = async {
        let mut passed = 0;
        for (after, edit) in &round.meanwhile {
            sleep(Duration::from_millis(after.saturating_sub(passed))).await;
            passed = *after;
            make(world, edit);
        }
        std::future::pending::<()>().await
    };
    let second = async {
        let after = round.second?;
        sleep(Duration::from_millis(after)).await;
        let weather = Weather { parallelism: round.parallelism, ..Weather::default() };
        Some(run(world, documents, &weather).await)
    };
    let (ran, second) = tokio::select! {
        biased;
        both = async { tokio::join!(run(world, documents, weather), second) } => both,
        () = edits => unreachable!("BUG: it waits for ever"),
    };
    if second.is_some_and(|second| second.end == End::Locked) {
        world.tally.count("second run locked out");
    }
    ran
}

/// All is well again. What stands otherwise than a run of unknown end meant it, by another's hand, a person adopts.
async fn heal(
    world: &World,
    round: &Round,
    (documents, adopting): (&Documents, Option<&Documents>),
    strict: bool,
) {
    while world.on_the_way.load(Ordering::Relaxed) > 0 {
        sleep(Duration::from_secs(1)).await;
    }
    if !strict {
        sleep(Duration::from_secs(600)).await;
        world.cloud.settle();
        clear_the_way(world, documents, false).await;
    }
    let weather = Weather { parallelism: round.parallelism, allow_missing: !strict, ..Weather::default() };
    let mut ends = Vec::new();
    while ends.last() != Some(&End::Complete) {
        if ends.len() == HEALING_RUNS || (strict && !ends.is_empty()) {
            world.law.broken(Rule::Unfinished, format!("all is well, and it does not get there: {ends:?}"));
            return;
        }
        let doubted =
            matches!(ends.last(), Some(End::Blocked(words)) if words.contains("exists in Azure already"));
        let wanted = adopting.filter(|_| doubted).unwrap_or(documents);
        ends.push(run(world, wanted, &weather).await.end);
        world.judge().await;
        if !strict {
            world.cloud.settle();
            let ended = format!("{:?}", ends.last());
            let refusals = ["cannot be adopted", "was not there when the plan was made"];
            let refused = refusals.iter().any(|words| ended.contains(words));
            clear_the_way(world, documents, refused).await;
        }
    }
    let before = world.trace.length();
    let again = run(world, documents, &weather).await;
    let lines = world.trace.lines();
    let changes = lines[before..].iter().filter(|line| line.contains(" tells StepStart"));
    let changes: Vec<&String> = changes.collect();
    if again.end != End::Complete || !changes.is_empty() {
        world.law.broken(Rule::Restless, format!("the second apply: {:?}, {changes:?}", again.end));
    }
    world.judge_end(documents).await;
}

/// What strangers made under a name that the documents want, and do not adopt or cannot, goes.
async fn clear_the_way(world: &World, documents: &Documents, adopted: bool) {
    let Some(replayed) = world.state().await else { return };
    let snapshot = replayed.snapshot.unwrap_or_default();
    let known: Vec<String> =
        snapshot.objects().filter_map(|(_, object)| Some(object.arm_id.as_ref()?.folded())).collect();
    let strangers: Vec<String> =
        world.cloud.standing().into_iter().filter(|object| !object.ours).map(|object| object.id).collect();
    for resource in documents.graph.resources().iter().filter(|resource| adopted || resource.adopt.is_none())
    {
        let Some(id) = resource.arm_id.as_ref().map(|id| id.folded()) else { continue };
        if strangers.contains(&id) && !known.contains(&id) {
            world.cloud.edit(&Edit::Remove { id });
        }
    }
}
