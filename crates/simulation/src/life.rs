//! The life of one simulated process: its effects are counted, and it dies before, amid or after one of them.
//!
//! A dead process has no effects any more: its files do not change, its requests are not sent, nobody hears it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::tally::Tally;
use crate::trace::Trace;

/// What a process can do to the world, or the world to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// A file is made.
    Create,
    /// Bytes are written at a file's end.
    Append,
    /// A file's bytes become durable.
    Sync,
    /// The names in a directory become durable.
    SyncDirectory,
    /// A file gets a second name.
    Link,
    /// A file gets another name.
    Rename,
    /// A file's name goes.
    Remove,
    /// A directory is made.
    MakeDirectory,
    /// A lock is taken.
    Lock,
    /// A request leaves.
    Request,
    /// A reply comes in.
    Reply,
}

impl Effect {
    /// Every one.
    pub const ALL: [Effect; 11] = [
        Effect::Create,
        Effect::Append,
        Effect::Sync,
        Effect::SyncDirectory,
        Effect::Link,
        Effect::Rename,
        Effect::Remove,
        Effect::MakeDirectory,
        Effect::Lock,
        Effect::Request,
        Effect::Reply,
    ];
}

/// On which side of an effect a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The effect does not happen.
    Before,
    /// Of a write, a part happens; of anything else, all.
    Amid,
    /// The effect has happened, and the process does not know.
    After,
}

/// When a process dies: at this effect, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Death {
    /// The effect's number.
    pub at: u64,
    /// On which side of it.
    pub side: Side,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Before => "before",
            Side::Amid => "amid",
            Side::After => "after",
        })
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} effect {}", self.side, self.at)
    }
}

/// What is done when a process dies.
type LastWill = Box<dyn FnOnce() + Send>;

/// One process's life.
pub struct Life {
    /// What traces call it: `p3`.
    pub name: String,
    /// Where it is written down.
    pub trace: Trace,
    tally: Tally,
    inner: Mutex<Inner>,
    died: Notify,
}

struct Inner {
    effects: Vec<Effect>,
    death: Option<Death>,
    dead: bool,
    last_will: Option<LastWill>,
}

impl Life {
    /// A process that dies as told, or not at all.
    pub fn new(name: String, death: Option<Death>, trace: Trace, tally: Tally) -> Arc<Self> {
        let inner = Mutex::new(Inner { effects: Vec::new(), death, dead: false, last_will: None });
        Arc::new(Self { name, trace, tally, inner, died: Notify::new() })
    }

    /// What is done at the moment of death.
    pub fn at_death(&self, will: impl FnOnce() + Send + 'static) {
        self.inner().last_will = Some(Box::new(will));
    }

    /// One effect; `None` when the process is dead, before it or because of it.
    pub fn effect<T>(
        &self,
        effect: Effect,
        words: fmt::Arguments<'_>,
        act: impl FnOnce(bool) -> T,
    ) -> Option<T> {
        let death = {
            let mut inner = self.inner();
            if inner.dead {
                return None;
            }
            let at = inner.effects.len() as u64;
            inner.effects.push(effect);
            self.trace.note(format_args!("{} {at:4} {effect:?} {words}", self.name));
            inner.death.filter(|death| death.at == at).map(|death| death.side)
        };
        if death == Some(Side::Before) {
            self.die(effect, Side::Before);
            return None;
        }
        let done = act(death == Some(Side::Amid));
        if let Some(side) = death {
            self.die(effect, side);
            return None;
        }
        Some(done)
    }

    fn die(&self, effect: Effect, side: Side) {
        self.trace.note(format_args!("{} dies {side:?} {effect:?}", self.name));
        self.tally.count(format!("death {side:?} {effect:?}"));
        self.end();
    }

    /// Ends a process from outside.
    pub fn end(&self) {
        let will = {
            let mut inner = self.inner();
            inner.dead = true;
            inner.last_will.take()
        };
        if let Some(will) = will {
            will();
        }
        self.died.notify_one();
    }

    /// Returns when it has died.
    pub async fn death(&self) {
        self.died.notified().await;
    }

    /// Whether it has died.
    pub fn is_dead(&self) -> bool {
        self.inner().dead
    }

    /// The effects it has had.
    pub fn effects(&self) -> Vec<Effect> {
        self.inner().effects.clone()
    }

    /// How many these are.
    pub fn age(&self) -> u64 {
        self.inner().effects.len() as u64
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("BUG: a holder of the lock panicked")
    }
}
