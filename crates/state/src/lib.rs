//! The state: the snapshot file, the journal that every cloud write is announced in first, and the
//! lock that keeps writers apart.
//!
//! What holds, whatever is killed and whenever: the snapshot file is a whole one, old or new; an
//! intent is durable before [`Journal::append`] returns; [`replay()`] of snapshot and journal gives
//! what was done and what was left open. Nothing damaged is taken for something empty.

mod checked;
mod disk;
mod edit;
mod error;
mod history;
mod integrity;
mod journal;
mod journal_file;
mod local;
mod push;
mod record;
mod replay;
mod state_file;
mod store;

pub use disk::{Disk, DiskFile, Identity, Links, Look, Open, Shape, Share};
pub use edit::{EditError, Forgotten, forget, named, rename, taint, untaint};
pub use error::{Damage, Seen, StateError};
pub use history::{Changed, End, PastRun, Report, Went};
pub use journal::Journal;
pub use local::{LocalStore, OsDisk};
pub use push::{Objection, Pushed};
pub use record::{Intent, Outcome, Record, Run};
pub use replay::{OpenIntent, Replayed, fold, replay};
pub use state_file::{decode, encode};
pub use store::{Holder, Lock, StateStore, Stored};
