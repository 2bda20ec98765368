//! What old api-versions of the ML service do otherwise: one row for each difference.
//!
//! Source: the status codes that clients generated from these versions accept. What newer versions only add is always
//! there, and both forms of a request are always taken.

/// Something that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Start, stop and restart answer 200, without an operation to follow.
    PowerAtOnce,
    /// A PATCH of a workspace answers 200 with the workspace, and is over.
    WorkspacePatchAtOnce,
    /// Lists go on with `$skiptoken`, not `$skip`.
    SkipToken,
}

/// The last date on which a version still behaves like this.
const UNTIL: [(Difference, &str); 3] = [
    (Difference::PowerAtOnce, "2020-12-31"),
    (Difference::WorkspacePatchAtOnce, "2020-12-31"),
    (Difference::SkipToken, "2020-12-31"),
];

impl Difference {
    /// Whether it is there in this api-version.
    pub(crate) fn is_in(self, api_version: &str) -> bool {
        UNTIL.iter().any(|(difference, until)| {
            *difference == self && api_version.get(..10).is_some_and(|date| date <= *until)
        })
    }
}
