//! `simulate`: plays seeds, or every death of named scenarios, and says what broke and how to see it again.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Parser;
use simulation::crash::{ways, with_deaths};
use simulation::disk::Loss;
use simulation::law::Breach;
use simulation::life::{Death, Side};
use simulation::play::{Played, play};
use simulation::scenario::Scenario;
use simulation::scenario::generate::generate;
use simulation::scenario::named::{NAMED, find};
use simulation::scenario::shrink::shrink;
use simulation::tally::{Tally, never_struck};

/// How many failures are shown in full.
const SHOWN: usize = 3;

/// So many seeds strike with everything.
const SEEDS_DEFAULT: u64 = 500;

/// Plays the engine against a simulated disk, network, clock and cloud.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = SEEDS_DEFAULT)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// This seed alone.
    #[arg(long)]
    seed: Option<u64>,
    /// Every death of this scenario, or of `all`.
    #[arg(long)]
    scenario: Option<String>,
    /// This death of it alone: `after:37:torn`, and perhaps another one after a comma.
    #[arg(long, requires = "scenario")]
    death: Option<String>,
    /// Show what happened, line by line.
    #[arg(long)]
    trace: bool,
    /// Leave failures as long as they are.
    #[arg(long)]
    whole: bool,
}

/// A scenario to play, and the command that plays it again.
struct Case {
    scenario: Scenario,
    command: String,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // What panics is told with its seed.
    std::panic::set_hook(Box::new(|_| {}));
    let tally = Tally::default();
    let cases = match cases(&arguments, &tally) {
        Ok(cases) => cases,
        Err(words) => {
            eprintln!("{words}");
            return ExitCode::FAILURE;
        }
    };
    let failures = play_all(&cases, &tally);
    for (at, played) in failures.iter().take(SHOWN) {
        show(&cases[*at], played, &arguments);
    }
    if arguments.trace && failures.is_empty() && cases.len() == 1 {
        let played = play(&cases[0].scenario, true, &tally);
        println!("{}", cases[0].scenario);
        played.trace.iter().for_each(|line| println!("{line}"));
    }
    for (at, played) in failures.iter().skip(SHOWN) {
        println!("FAILED: {}\n  {}", cases[*at].command, first(played));
    }
    let idle = sum_up(&arguments, &tally, cases.len(), &failures);
    if failures.is_empty() && idle { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Says what was played and struck; false if something never struck that should have.
fn sum_up(arguments: &Arguments, tally: &Tally, played: usize, failures: &[(usize, Played)]) -> bool {
    let counts = tally.counts();
    counts.iter().for_each(|(kind, count)| println!("{count:8}  {kind}"));
    let mut rules: BTreeMap<String, usize> = BTreeMap::new();
    for breach in failures.iter().filter_map(|(_, played)| played.breaches.first()) {
        *rules.entry(format!("{:?}", breach.rule)).or_default() += 1;
    }
    println!("{played} played, {} failed {rules:?}", failures.len());
    let whole = arguments.seed.is_none() && arguments.scenario.is_none() && arguments.seeds >= SEEDS_DEFAULT;
    let idle = if whole { never_struck(&counts) } else { Vec::new() };
    idle.iter().for_each(|kind| println!("never struck: {kind}"));
    idle.is_empty()
}

fn first(played: &Played) -> String {
    let breach = played.breaches.first().map(ToString::to_string);
    breach.or_else(|| played.invalid.clone()).unwrap_or_default()
}

fn cases(arguments: &Arguments, tally: &Tally) -> Result<Vec<Case>, String> {
    let of_seed = |seed| Case { scenario: generate(seed), command: format!("make sim SEED={seed}") };
    match (&arguments.scenario, arguments.seed) {
        (Some(name), _) => {
            let all = name == "all";
            let named = NAMED.iter().filter(|named| all || named.name == name);
            let names: Vec<&str> = named.map(|named| named.name).collect();
            if names.is_empty() {
                let known: Vec<&str> = NAMED.iter().map(|named| named.name).collect();
                return Err(format!("there is no scenario {name}; there are all, {}", known.join(", ")));
            }
            let cases = names.into_iter().map(|name| of_name(name, arguments.death.as_deref(), tally));
            Ok(cases.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        }
        (None, Some(seed)) => Ok(vec![of_seed(seed)]),
        (None, None) => Ok((arguments.from..arguments.from + arguments.seeds).map(of_seed).collect()),
    }
}

fn of_name(name: &str, death: Option<&str>, tally: &Tally) -> Result<Vec<Case>, String> {
    let scenario = find(name).expect("BUG: the name was looked up").scenario();
    let deaths = match death {
        Some(text) => {
            vec![text.split(',').map(parse_death).collect::<Option<Vec<_>>>().ok_or_else(|| {
                format!("`{text}` is no death; write `before:12:killed`, `amid:…`, `after:37:torn`")
            })?]
        }
        None => {
            let well = play(&scenario, true, tally);
            let effects = well.effects.last().cloned().unwrap_or_default();
            let mut all = ways(&effects);
            all.push(Vec::new());
            all
        }
    };
    let case = |deaths: Vec<(Death, Loss)>| {
        let words: Vec<String> =
            deaths.iter().map(|(death, loss)| format!("{}:{}:{loss}", death.side, death.at)).collect();
        let command = match words.is_empty() {
            true => format!("make sim SCENARIO={name}"),
            false => format!("make sim SCENARIO={name} DEATH={}", words.join(",")),
        };
        Case { scenario: with_deaths(&scenario, deaths), command }
    };
    Ok(deaths.into_iter().map(case).collect())
}

fn parse_death(text: &str) -> Option<(Death, Loss)> {
    let mut parts = text.trim().split(':');
    let side = parts.next()?;
    let side = [Side::Before, Side::Amid, Side::After].into_iter().find(|s| s.to_string() == side)?;
    let at = parts.next()?.parse().ok()?;
    let loss = parts.next()?;
    let loss = Loss::ALL.into_iter().find(|l| l.word() == loss)?;
    Some((Death { at, side }, loss))
}

/// Plays all, on every processor; those that fail, in their order.
fn play_all(cases: &[Case], tally: &Tally) -> Vec<(usize, Played)> {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let work = || {
        while let Some((at, case)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, cases.get(at)?)))
        {
            let played = play(&case.scenario, true, tally);
            if !played.is_good() {
                failures.lock().expect("BUG: a holder of the lock panicked").push((at, played));
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        (0..threads).for_each(|_| _ = scope.spawn(work));
    });
    let mut failures = failures.into_inner().expect("BUG: a holder of the lock panicked");
    failures.sort_by_key(|(at, _)| *at);
    failures
}

/// Tells of a failure: what broke, the smallest case that still breaks it, and the command.
fn show(case: &Case, played: &Played, arguments: &Arguments) {
    println!("FAILED: {}", case.command);
    if let Some(words) = &played.invalid {
        println!("  cannot be played: {words}");
        return;
    }
    played.breaches.iter().for_each(|breach| println!("  {breach}"));
    let tally = Tally::default();
    let kind = |played: &Played| played.breaches.first().map(Breach::likeness);
    let wanted = kind(played);
    let fails = |scenario: &Scenario| {
        let played = play(scenario, true, &tally);
        played.invalid.is_none() && kind(&played) == wanted
    };
    let small = if arguments.whole { case.scenario.clone() } else { shrink(&case.scenario, fails) };
    println!("the smallest case that still fails:\n{small}");
    let again = play(&small, true, &tally);
    again.breaches.iter().for_each(|breach| println!("  {breach}"));
    if arguments.trace {
        again.trace.iter().for_each(|line| println!("{line}"));
    }
}
