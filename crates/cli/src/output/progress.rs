//! The progress of a run for people: a live line for each step in flight on a terminal, plain lines elsewhere,
//! or Terraform's event stream.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use executor::{Event, Failure};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use model::Address;
use planner::Verb;
use planner::render::escape;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::events;

/// How often a line elsewhere than on a terminal says that a step is still in flight.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// How a run's progress is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Live lines on a terminal.
    Live,
    /// A line for each event.
    Plain,
    /// JSON to stdout.
    Json,
    /// Nothing.
    Quiet,
}

/// Tells events until the run drops its end.
/// A closed stdout asks the run to stop, as Ctrl-C does.
pub async fn tell(mut events: UnboundedReceiver<Event>, mode: Mode, cancel: CancellationToken) {
    let mut teller = Teller { mode, bars: MultiProgress::new(), flight: HashMap::new(), cancel };
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    heartbeat.reset();
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => teller.event(&event),
                None => return,
            },
            _ = heartbeat.tick() => teller.heartbeat(),
        }
    }
}

struct Teller {
    mode: Mode,
    bars: MultiProgress,
    flight: HashMap<Address, Flying>,
    cancel: CancellationToken,
}

struct Flying {
    verb: Verb,
    since: Instant,
    bar: Option<ProgressBar>,
}

impl Teller {
    fn event(&mut self, event: &Event) {
        let elapsed = match event {
            Event::StepDone { address, .. } | Event::StepFailed { address, .. } => self.land(address),
            _ => 0,
        };
        match self.mode {
            Mode::Json => events::event(event, elapsed).iter().for_each(|line| self.json(line)),
            // A terminal has no room for ids of two hundred characters.
            Mode::Live => self.line(words(event, elapsed).split(" [id=").next().unwrap_or_default()),
            Mode::Plain => self.line(&words(event, elapsed)),
            Mode::Quiet => {}
        }
        if let Event::StepStart { address, verb } = event {
            let bar = (self.mode == Mode::Live && *verb != Verb::Record).then(|| self.bar(address, *verb));
            self.flight.insert(address.clone(), Flying { verb: *verb, since: Instant::now(), bar });
        }
    }

    fn line(&self, text: &str) {
        let shown = text.is_empty() || (self.mode == Mode::Live && self.bars.println(text).is_ok());
        if !shown {
            super::message(text);
        }
    }

    fn json(&self, line: &str) {
        if !super::result(line) {
            self.cancel.cancel();
        }
    }

    fn bar(&self, address: &Address, verb: Verb) -> ProgressBar {
        let style = ProgressStyle::with_template("{spinner} {msg} [{elapsed}]")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = self.bars.add(ProgressBar::new_spinner().with_style(style));
        bar.set_message(format!("{}: {}", escape::terminal(address.as_str()), doing(verb)));
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }

    /// Takes a step off the screen; returns how long it took, in seconds.
    fn land(&mut self, address: &Address) -> u64 {
        let Some(flying) = self.flight.remove(address) else { return 0 };
        if let Some(bar) = flying.bar {
            bar.finish_and_clear();
        }
        flying.since.elapsed().as_secs()
    }

    fn heartbeat(&self) {
        let mut flying: Vec<_> = self.flight.iter().collect();
        flying.sort_by(|a, b| a.0.cmp(b.0));
        for (address, flight) in flying {
            let seconds = flight.since.elapsed().as_secs();
            match self.mode {
                Mode::Json => self.json(&events::progress(address, flight.verb, seconds)),
                Mode::Plain => super::message(&format!(
                    "{address}: Still {}... [{seconds}s elapsed]",
                    doing(flight.verb).to_lowercase()
                )),
                Mode::Live | Mode::Quiet => {}
            }
        }
    }
}

/// The line of an event; empty when it has none of its own.
fn words(event: &Event, elapsed: u64) -> String {
    let text = match event {
        Event::RefreshStart(0) | Event::RefreshComplete => return String::new(),
        Event::RefreshStart(count) => {
            format!("Reading {count} resource{}...", if *count == 1 { "" } else { "s" })
        }
        Event::SignedIn { words, .. } => format!("{words}."),
        Event::Recovered { address, words } => format!("Recovered: {address} {words}"),
        // A record sends nothing; only its end is worth a line.
        Event::StepStart { verb: Verb::Record, .. } => return String::new(),
        Event::StepDone { address, verb: Verb::Record, .. } => format!("{address}: Noted in the state"),
        Event::StepStart { address, verb } => format!("{address}: {}...", doing(*verb)),
        Event::StepDone { address, verb, arm_id } => {
            let id = arm_id
                .as_ref()
                .filter(|_| *verb == Verb::Create)
                .map(|id| format!(" [id={id}]"))
                .unwrap_or_default();
            format!("{address}: {} complete after {elapsed}s{id}", done(*verb))
        }
        Event::StepFailed { address, verb, source, failure } => {
            return failed(address, *verb, source, failure);
        }
        Event::Skipped { address, verb, because } => format!("{address}: {} skipped: {because}", done(*verb)),
        Event::Stopping(0) => "Stopping.".to_owned(),
        Event::Stopping(count) => format!(
            "Stopping: waiting for what is in flight ({count}). A second signal leaves at once; the journal keeps them."
        ),
    };
    escape::terminal(&text)
}

/// A failure, with the line of its document beneath and what is known of it below that.
fn failed(address: &Address, verb: Verb, source: &str, failure: &Failure) -> String {
    let mut text = format!("Error: {address}: {} failed\n", done(verb).to_lowercase());
    if !source.is_empty() {
        text.push_str(&format!("  --> {source}\n"));
    }
    text.push_str(&failure.to_string().lines().map(|line| format!("  {line}\n")).collect::<String>());
    text.lines().map(escape::terminal).collect::<Vec<_>>().join("\n")
}

fn doing(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "Creating",
        Verb::Put | Verb::Patch => "Modifying",
        Verb::Act(action) if action.name == "resize" => "Resizing",
        Verb::Act(_) => "Modifying",
        Verb::Start => "Starting",
        Verb::Stop => "Stopping",
        Verb::Restart => "Restarting",
        Verb::Delete => "Destroying",
        Verb::Record => "Recording",
    }
}

fn done(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "Creation",
        Verb::Put | Verb::Patch | Verb::Act(_) => "Modification",
        Verb::Start => "Start",
        Verb::Stop => "Stop",
        Verb::Restart => "Restart",
        Verb::Delete => "Destruction",
        Verb::Record => "Record",
    }
}
