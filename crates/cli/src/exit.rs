//! Exit codes, all of them.

/// What the shell is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, and nothing to report.
    Done = 0,
    /// Something went wrong, or was not finished.
    Error = 1,
    /// There are changes (`plan --detailed-exitcode`) or drift (`drift`).
    Changes = 2,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        std::process::ExitCode::from(exit as u8)
    }
}
