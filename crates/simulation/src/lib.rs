//! The engine in a world of its own: the real loader, planner, executor, client, journal and state, on a simulated
//! disk, network, clock and cloud, which fail as told by a seed. What must hold is in [`law`]; the cloud is the judge.
//!
//! The same seed gives the same trace, byte for byte: one thread, a clock that stands still while anybody works, and
//! no randomness but the seed's.

pub mod cloud;
pub mod crash;
pub mod disk;
pub mod documents;
pub mod edit;
pub mod fault;
mod journal;
pub mod law;
pub mod life;
mod listener;
mod network;
pub mod play;
pub mod process;
pub mod scenario;
pub mod tally;
pub mod trace;
pub mod world;
