//! Time: the clock of the cloud, how long things take, and what time will bring.

pub(crate) mod clock;
pub(crate) mod queue;
pub(crate) mod time_zones;
pub(crate) mod timing;
