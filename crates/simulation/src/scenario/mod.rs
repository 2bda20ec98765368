//! A scenario is data: rounds of documents to apply, what others do before and meanwhile, and what goes wrong.

pub mod generate;
pub mod named;
pub mod parts;
pub mod shrink;

use std::fmt;

use model::Json;

use crate::disk::{Loss, Trouble};
use crate::edit::Edit;
use crate::fault::Fault;
use crate::life::Death;

/// What is played.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The seed of everything that is not written here: latencies, names, how long operations take.
    pub seed: u64,
    /// One apply after the other.
    pub rounds: Vec<Round>,
}

/// Documents, and the way to their apply.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Round {
    /// What others did before.
    pub before: Vec<Edit>,
    /// What is wanted.
    pub documents: Vec<Json>,
    /// When the run dies, and what is lost then; the run after it dies by the next one.
    pub deaths: Vec<(Death, Loss)>,
    /// Faults of the first run's network.
    pub faults: Vec<(u64, Fault)>,
    /// Trouble with the first run's disk.
    pub trouble: Option<(u64, Trouble)>,
    /// What others do meanwhile, after so many milliseconds.
    pub meanwhile: Vec<(u64, Edit)>,
    /// After how many milliseconds another run begins beside it.
    pub second: Option<u64>,
    /// After how many milliseconds it is asked to stop.
    pub interrupt: Option<u64>,
    /// How many seconds this machine's clock is ahead from now on.
    pub clock_ahead: Option<i64>,
    /// How many steps may be in flight.
    pub parallelism: usize,
    /// Whether the plan is to be refused.
    pub blocked: bool,
}

impl Round {
    /// A round in which all goes well.
    pub fn of(documents: Vec<Json>) -> Self {
        Self { documents, parallelism: 4, ..Self::default() }
    }

    /// Whether nothing but deaths goes wrong, so that the next run must get there.
    pub fn is_fair(&self) -> bool {
        self.faults.is_empty()
            && self.trouble.is_none()
            && self.meanwhile.is_empty()
            && self.second.is_none()
            && self.interrupt.is_none()
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        self.rounds.iter().enumerate().try_for_each(|(at, round)| write!(f, "round {}\n{round}", at + 1))
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for edit in &self.before {
            writeln!(f, "  before: {edit}")?;
        }
        for document in &self.documents {
            writeln!(f, "  document: {document}")?;
        }
        for (death, loss) in &self.deaths {
            writeln!(f, "  dies {death}, {loss}")?;
        }
        for (from, fault) in &self.faults {
            writeln!(f, "  from request {from}: {fault:?}")?;
        }
        for (after, edit) in &self.meanwhile {
            writeln!(f, "  after {after} ms: {edit}")?;
        }
        let rest = (&self.trouble, &self.second, &self.interrupt, &self.clock_ahead, self.parallelism);
        writeln!(
            f,
            "  trouble {:?}, second {:?}, interrupt {:?}, clock ahead {:?}, parallelism {}",
            rest.0, rest.1, rest.2, rest.3, rest.4
        )
    }
}
