//! Why a command could not do what it was asked, and how that is said.

use executor::{CloudError, RunError};
use model::{Diagnostics, Sources};
use state::StateError;

use crate::output::{self, diagnostics};

/// A command that did not get to its end.
#[derive(Debug)]
pub enum Failure {
    /// The user's input is wrong, or a plan must not be applied.
    Input(Box<(Sources, Diagnostics)>),
    /// The world failed, or the command line made no sense.
    Error(anyhow::Error),
}

impl Failure {
    /// Says it on stderr.
    pub fn tell(self, color: bool) {
        match self {
            Failure::Input(input) => {
                let (sources, diagnostics) = *input;
                output::message(&diagnostics::human(&diagnostics.sorted(), &sources, color));
            }
            Failure::Error(error) => {
                let lines: Vec<String> = error.chain().map(|cause| cause.to_string()).collect();
                let text = lines.join(": ");
                for (index, line) in text.lines().enumerate() {
                    let prefix = if index == 0 { "Error: " } else { "  " };
                    output::message(&format!("{prefix}{}", planner::render::escape::terminal(line)));
                }
            }
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Error(error)
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        let remedy = error.remedy();
        let error = anyhow::Error::from(error);
        let told = || format!("{error:#}\n{}", remedy.unwrap_or_default());
        Failure::Error(if remedy.is_some() { anyhow::anyhow!(told()) } else { error })
    }
}

impl From<CloudError> for Failure {
    fn from(error: CloudError) -> Self {
        Failure::Error(anyhow::anyhow!(executor::Failure::from(error).to_string()))
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Cloud(error) => error.into(),
            RunError::State(error) => error.into(),
            other => Failure::Error(other.into()),
        }
    }
}
