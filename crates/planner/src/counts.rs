//! How many resources a plan touches, by what happens to them, in numbers and in Terraform's words.

use crate::plan::{Action, Change, Plan};

/// How many resources a plan touches, by what happens to them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Adopted.
    pub import: usize,
    /// Made, replacements included.
    pub add: usize,
    /// Changed in place, power included.
    pub change: usize,
    /// Deleted, replacements included.
    pub destroy: usize,
    /// Moved in the state.
    pub moved: usize,
    /// Forgotten.
    pub forget: usize,
}

impl Plan {
    /// Counts as the summary line has them.
    pub fn counts(&self) -> Counts {
        self.counts_of(|_| true)
    }

    /// The same, of some of the changes: those that are done, say.
    pub fn counts_of(&self, counted: impl Fn(&Change) -> bool) -> Counts {
        let mut counts = Counts::default();
        for change in self.changes.iter().filter(|c| counted(c)) {
            counts.import += usize::from(change.action == Action::Adopt && change.is_taken_over());
            match change.action {
                Action::Adopt if change.is_taken_over() && change.updates() => counts.change += 1,
                Action::Create => counts.add += 1,
                Action::Replace { .. } => {
                    counts.add += 1;
                    counts.destroy += 1;
                }
                Action::Delete => counts.destroy += 1,
                Action::Update | Action::Start | Action::Stop | Action::Restart => counts.change += 1,
                Action::Move => counts.moved += 1,
                Action::Forget => counts.forget += 1,
                Action::Adopt | Action::NoOp => {}
            }
        }
        counts
    }
}

impl Counts {
    /// `1 to import, 2 to add, 1 to change, 0 to destroy, 1 to move`.
    pub fn planned(&self) -> String {
        self.words(["to import", "to add", "to change", "to destroy", "to move", "to forget"])
    }

    /// `1 imported, 2 added, 1 changed, 0 destroyed, 1 moved`.
    pub fn done(&self) -> String {
        self.words(["imported", "added", "changed", "destroyed", "moved", "forgotten"])
    }

    /// `2 destroyed, 1 forgotten`, of a plan that does nothing else.
    pub fn gone(&self) -> String {
        match self.forget {
            0 => format!("{} destroyed", self.destroy),
            forget => format!("{} destroyed, {forget} forgotten", self.destroy),
        }
    }

    /// What is added, changed and destroyed is said also where there is none.
    fn words(&self, words: [&str; 6]) -> String {
        let Counts { import, add, change, destroy, moved, forget } = *self;
        let always = [false, true, true, true, false, false];
        let all = [import, add, change, destroy, moved, forget].into_iter().zip(words).zip(always);
        let said = all.filter(|((count, _), always)| *always || *count > 0);
        said.map(|((count, words), _)| format!("{count} {words}")).collect::<Vec<_>>().join(", ")
    }
}
