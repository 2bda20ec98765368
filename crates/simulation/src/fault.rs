//! The faults that matter to an engine, of those that Azure is known for.

use http::Method;

use crate::cloud::Twist;

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The connection breaks before the request arrives.
    LostBefore,
    /// The connection breaks after it was carried out.
    LostAfter,
    /// There is no connection.
    Unreachable,
    /// This status, and nothing was done.
    ErrorBefore(u16),
    /// This status, and it was carried out.
    ErrorAfter(u16),
    /// The reply's body ends early.
    Truncated,
    /// 429, with so many seconds to wait.
    Throttled(u16),
    /// 409: another operation is said to be in the way.
    Conflict,
    /// 400; the refusal repeats what was sent, secrets too.
    Refused,
    /// The operation fails; what it made stays.
    OperationFails,
    /// The operation does not end within our patience.
    OperationSticks,
    /// The operation's address is never found.
    OperationUnknown,
    /// The reply names no operation.
    OperationUnnamed,
    /// It is accepted, and a part of it is not applied.
    Ignored,
    /// What it makes is not found for some seconds.
    Hidden(u16),
    /// This reading and the next ones are so many seconds old.
    Stale(u16),
    /// From now on the token is refused.
    TokenDead,
    /// It takes so many seconds to arrive.
    Slow(u16),
}

impl Fault {
    /// One of each.
    pub const ALL: [Fault; 23] = [
        Fault::LostBefore,
        Fault::LostAfter,
        Fault::Unreachable,
        Fault::ErrorBefore(500),
        Fault::ErrorBefore(502),
        Fault::ErrorBefore(503),
        Fault::ErrorBefore(504),
        Fault::ErrorAfter(500),
        Fault::ErrorAfter(504),
        Fault::Truncated,
        Fault::Throttled(10),
        Fault::Throttled(120),
        Fault::Conflict,
        Fault::Refused,
        Fault::OperationFails,
        Fault::OperationSticks,
        Fault::OperationUnknown,
        Fault::OperationUnnamed,
        Fault::Ignored,
        Fault::Hidden(15),
        Fault::Stale(20),
        Fault::TokenDead,
        Fault::Slow(18),
    ];

    /// Its name in tallies, without its number unless that is a status.
    pub fn word(self) -> String {
        match self {
            Fault::Throttled(_) => "fault Throttled".to_owned(),
            Fault::Hidden(_) => "fault Hidden".to_owned(),
            Fault::Stale(_) => "fault Stale".to_owned(),
            Fault::Slow(_) => "fault Slow".to_owned(),
            other => format!("fault {other:?}"),
        }
    }

    /// Whether it can strike a request.
    pub fn suits(self, method: &Method, path: &str) -> bool {
        let reads = *method == Method::GET;
        let polls = path.contains("/providers/operations/");
        // Only these begin operations.
        let slow = path.contains("/workspaces/") && !reads;
        match self {
            Fault::Stale(_) => reads && !polls,
            Fault::Hidden(_) => *method == Method::PUT,
            Fault::Ignored => matches!(*method, Method::PUT | Method::PATCH),
            Fault::Refused | Fault::Conflict => !reads,
            Fault::OperationFails
            | Fault::OperationSticks
            | Fault::OperationUnknown
            | Fault::OperationUnnamed => slow,
            _ => true,
        }
    }

    /// What it has the cloud do.
    pub(crate) fn twist(self) -> Twist {
        let none = Twist::default();
        match self {
            Fault::OperationFails => Twist { fails: true, ..none },
            Fault::OperationSticks => Twist { sticks: true, ..none },
            Fault::OperationUnknown => Twist { forgets_operation: true, ..none },
            Fault::OperationUnnamed => Twist { names_no_operation: true, ..none },
            Fault::Ignored => Twist { ignores: true, ..none },
            Fault::Hidden(seconds) => Twist { hides: seconds.into(), ..none },
            _ => none,
        }
    }
}
