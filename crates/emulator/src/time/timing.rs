//! How long the cloud takes, in seconds of its own clock.
//!
//! Measured in recorded live traffic where there was any (cluster create, update and delete; instance create, stop and
//! start; workspace create); the rest is set to what feels like Azure.

use jiff::SignedDuration;

/// Something that takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    ClusterCreate,
    ClusterUpdate,
    ClusterDelete,
    /// From new scale settings that move no node to `Steady`.
    ClusterSettle,
    /// Until a node that was asked for is there.
    NodeAllocation,
    /// From there until it can work.
    NodePreparation,
    NodeLeave,
    /// How long a node that was taken away, or is broken, is still listed.
    NodePreempted,
    NodeUnusable,
    /// Until nodes that the quota had no room for are asked for again.
    QuotaRetry,
    /// Until an instance has its machine.
    InstanceMachine,
    /// From the machine to a running instance.
    InstanceSetUp,
    /// One setup script of the user.
    InstanceScript,
    InstanceDelete,
    Attach,
    Detach,
    InstanceStart,
    InstanceStop,
    InstanceRestart,
    InstanceResize,
    WorkspaceWrite,
    WorkspaceDelete,
    ManagedNetwork,
    OutboundRule,
    StorageCreate,
    /// A network resource made, changed or removed.
    NetworkWrite,
    NetworkDelete,
    /// A new scale set, with its instances.
    MachinesCreate,
    /// More instances.
    MachinesGrow,
    /// Fewer.
    MachinesShrink,
    /// A scale set changed but for the number of its instances.
    MachinesChange,
    MachinesUpgrade,
    /// Instances started, stopped, restarted or made anew.
    MachinesPower,
    MachinesDelete,
    BatchAiClusterCreate,
    /// A delete with nothing in the way; with nodes, or children, it takes `BatchAiFullDelete`.
    BatchAiClusterDelete,
    BatchAiWorkspaceDelete,
    BatchAiFullDelete,
    FileServerCreate,
    FileServerDelete,
    GroupDelete,
    /// From the acceptance of a deployment to its first resource.
    DeploymentStart,
    DeploymentDelete,
    /// From asking for a provider's registration to having it.
    Registration,
    /// How long a status URL stays good after its operation ended.
    OperationMemory,
    /// How long a soft-deleted workspace holds its name.
    SoftDelete,
}

const SECONDS: &[(Work, i64)] = &[
    (Work::ClusterCreate, 10),
    (Work::ClusterUpdate, 10),
    (Work::ClusterDelete, 60),
    (Work::ClusterSettle, 15),
    (Work::NodeAllocation, 80),
    (Work::NodePreparation, 40),
    (Work::NodeLeave, 60),
    (Work::NodePreempted, 60),
    (Work::NodeUnusable, 300),
    (Work::QuotaRetry, 300),
    (Work::InstanceMachine, 120),
    (Work::InstanceSetUp, 40),
    (Work::InstanceScript, 30),
    (Work::InstanceDelete, 240),
    (Work::Attach, 30),
    (Work::Detach, 10),
    (Work::InstanceStart, 120),
    (Work::InstanceStop, 45),
    (Work::InstanceRestart, 90),
    (Work::InstanceResize, 180),
    (Work::WorkspaceWrite, 30),
    (Work::WorkspaceDelete, 60),
    (Work::ManagedNetwork, 300),
    (Work::OutboundRule, 30),
    (Work::StorageCreate, 20),
    (Work::NetworkWrite, 4),
    (Work::NetworkDelete, 10),
    (Work::MachinesCreate, 90),
    (Work::MachinesGrow, 60),
    (Work::MachinesShrink, 35),
    (Work::MachinesChange, 10),
    (Work::MachinesUpgrade, 10),
    (Work::MachinesPower, 30),
    (Work::MachinesDelete, 30),
    (Work::BatchAiClusterCreate, 2),
    (Work::BatchAiClusterDelete, 31),
    (Work::BatchAiWorkspaceDelete, 4),
    (Work::BatchAiFullDelete, 200),
    (Work::FileServerCreate, 270),
    (Work::FileServerDelete, 420),
    (Work::GroupDelete, 30),
    (Work::DeploymentStart, 2),
    (Work::DeploymentDelete, 5),
    (Work::Registration, 60),
    (Work::OperationMemory, 86_400),
    (Work::SoftDelete, 14 * 86_400),
];

impl Work {
    /// How long it takes.
    pub(crate) fn time(self) -> SignedDuration {
        let row = SECONDS.iter().find(|(work, _)| *work == self).expect("BUG: every work has its time");
        SignedDuration::from_secs(row.1)
    }
}
