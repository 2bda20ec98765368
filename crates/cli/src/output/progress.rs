//! The progress of a run for people: a live line for each step in flight on a terminal, plain lines elsewhere,
//! or Terraform's event stream.

use std::collections::HashMap;
use std::time::Duration;

use executor::{Event, Failure};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use model::Address;
use planner::Verb;
use planner::render::escape;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::events;
use super::flight::{Flight, Flying, doing};

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

/// How often a run that was asked to stop says what it waits for.
const WAITING: Duration = Duration::from_secs(3);

/// Tells events until the run drops its end, and asks it to stop when nobody reads.
pub async fn tell(mut events: UnboundedReceiver<Event>, mode: Mode, flight: Flight, stop: CancellationToken) {
    let mut teller =
        Teller { mode, screen: MultiProgress::new(), bars: HashMap::new(), flight, stop, stopping: false };
    let mut heartbeat = interval(HEARTBEAT);
    let mut waiting = interval(WAITING);
    heartbeat.reset();
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => {
                    teller.event(&event);
                    if matches!(event, Event::Stopping(_)) {
                        waiting.reset();
                    }
                }
                None => return,
            },
            _ = waiting.tick(), if teller.stopping => teller.waiting(),
            _ = heartbeat.tick(), if !teller.stopping => teller.heartbeat(),
        }
    }
}

struct Teller {
    mode: Mode,
    screen: MultiProgress,
    bars: HashMap<Address, ProgressBar>,
    flight: Flight,
    stop: CancellationToken,
    stopping: bool,
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
        match event {
            Event::StepStart { address, verb } => self.begin(address, *verb),
            Event::Stopping(_) => {
                self.stopping = true;
                self.waiting();
            }
            _ => {}
        }
    }

    fn begin(&mut self, address: &Address, verb: Verb) {
        self.flight.begin(address, verb);
        if self.mode == Mode::Live && !verb.is_note() {
            self.bars.insert(address.clone(), self.bar(address, verb));
        }
    }

    fn line(&self, text: &str) {
        let shown = text.is_empty() || (self.mode == Mode::Live && self.screen.println(text).is_ok());
        if !shown && !super::said(text) {
            self.stop.cancel();
        }
    }

    fn json(&self, line: &str) {
        if !super::result(line) {
            self.stop.cancel();
        }
    }

    fn bar(&self, address: &Address, verb: Verb) -> ProgressBar {
        let style = ProgressStyle::with_template("{spinner} {msg} [{elapsed}]")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = self.screen.add(ProgressBar::new_spinner().with_style(style));
        bar.set_message(format!("{}: {}", escape::terminal(address.as_str()), doing(verb)));
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }

    /// Takes a step off the screen; returns how long it took, in seconds.
    fn land(&mut self, address: &Address) -> u64 {
        if let Some(bar) = self.bars.remove(address) {
            bar.finish_and_clear();
        }
        self.flight.land(address).map_or(0, |flying| flying.since.elapsed().as_secs())
    }

    fn heartbeat(&self) {
        for (address, Flying { verb, since }) in self.flight.steps() {
            let seconds = since.elapsed().as_secs();
            match self.mode {
                Mode::Json => self.json(&events::progress(&address, verb, seconds)),
                Mode::Plain => self.line(&format!(
                    "{}: Still {}... [{seconds}s elapsed]",
                    escape::terminal(address.as_str()),
                    doing(verb).to_lowercase()
                )),
                Mode::Live | Mode::Quiet => {}
            }
        }
    }

    /// What a run that was asked to stop waits for.
    fn waiting(&self) {
        let words = self.flight.words();
        if words.is_empty() {
            return;
        }
        let text = format!("Waiting for {words}");
        match self.mode {
            Mode::Json => self.json(&events::waiting(&text)),
            Mode::Plain | Mode::Live => self.line(&text),
            Mode::Quiet => {}
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
        Event::LooksAgain { after, .. } if after.is_zero() => return String::new(),
        Event::LooksAgain { count, after } => {
            let steps = if *count == 1 { "A step" } else { "Steps" };
            let seconds = after.as_secs();
            format!(
                "{steps} of a killed run may still be on the way to the cloud: looking again in {seconds}s..."
            )
        }
        Event::Recovered { address, words } => format!("Recovered: {address} {words}"),
        // A record sends nothing; only its end is worth a line.
        Event::StepStart { verb, .. } if verb.is_note() => return String::new(),
        Event::StepDone { address, verb, .. } if verb.is_note() => {
            format!("{address}: {} in the state", done(*verb))
        }
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
        // What is waited for is a line of its own.
        Event::Stopping(_) => return String::new(),
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
    if let Some(log) = &failure.log {
        text.push_str(&format!("  The end of {} on the workspace's file share:\n", log.path));
        // Each line by itself: what a script wrote may look like anything.
        log.lines.iter().for_each(|line| text.push_str(&format!("  | {}\n", escape::terminal(line))));
        text.push_str(&format!("  All of it: plumb logs '{address}'\n"));
    }
    text.lines().map(escape::terminal).collect::<Vec<_>>().join("\n")
}

fn done(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "Creation",
        Verb::Put | Verb::Patch | Verb::Act(_) => "Modification",
        Verb::Start => "Start",
        Verb::Stop => "Stop",
        Verb::Restart => "Restart",
        Verb::Delete => "Destruction",
        Verb::Record => "Noted",
        Verb::Move => "Moved",
        Verb::Forget => "Forgotten",
    }
}
