//! Batch AI clusters (batch-ai facts §3). A PATCH takes the scale; whatever else differs needs a new cluster.
//!
//! The manual scale and the automatic one are two objects of which one is there; a PATCH holds the one that is asked for
//! whole (`Kind::is_whole`).

use super::batch_ai::{ACCOUNT, FILE_SERVER, NAME, TIERS, VERSION, account, size, subnet, workspace};
use super::common::TEXT_MAP;
use crate::check::Check;
use crate::rule::Rule;
use crate::schema::{
    Attribute, Change, Compare, Computed, Default, Kind, Placement, Sensitivity, Type, Variant, Wire, variant,
};

const DEALLOCATION: &[Variant] = &[
    variant("requeue", "requeue"),
    variant("terminate", "terminate"),
    variant("wait_for_job_completion", "waitforjobcompletion"),
];

const SSH: [Attribute; 3] = account(
    "properties.userAccountSettings.adminUserName",
    "properties.userAccountSettings.adminUserPassword",
    "properties.userAccountSettings.adminUserSshPublicKey",
);

const MOUNT_PATH: Attribute = Attribute::new(
    "relative_mount_path",
    Type::String,
    "relativeMountPath",
    "Where it appears below `$AZ_BATCHAI_MOUNT_ROOT`.",
)
.rules(PRESENT)
.required();

/// Something has to be there.
const PRESENT: &[Rule] = &[Rule::Length(1, 1024)];

const ACCOUNT_NAME: Attribute =
    Attribute::new("account_name", Type::String, "accountName", "The storage account.")
        .rules(PRESENT)
        .required();

const MOUNT_OPTIONS: Attribute =
    Attribute::new("mount_options", Type::String, "mountOptions", "Options of the mount.").rules(PRESENT);

const FILE_SHARE: &[Attribute] = &[
    ACCOUNT_NAME,
    Attribute::new(
        "azure_file_url",
        Type::String,
        "azureFileUrl",
        "The share, `https://ACCOUNT.file.core.windows.net/SHARE`.",
    )
    .rules(PRESENT)
    .required(),
    MOUNT_PATH,
    Attribute::new("file_mode", Type::String, "fileMode", "The mode of files.")
        .default(Default::String("0777")),
    Attribute::new("directory_mode", Type::String, "directoryMode", "The mode of folders.")
        .default(Default::String("0777")),
];

const CONTAINER: &[Attribute] = &[
    ACCOUNT_NAME,
    Attribute::new("container_name", Type::String, "containerName", "The blob container.")
        .rules(PRESENT)
        .required(),
    MOUNT_PATH,
    MOUNT_OPTIONS,
];

const SERVER: &[Attribute] = &[
    Attribute::new(
        "file_server",
        FILE_SERVER,
        "fileServer.id",
        "The file server: the name of a document, or an ARM id.",
    )
    .compare(Compare::ArmId)
    .required(),
    MOUNT_PATH,
    Attribute::new(
        "source_directory",
        Type::String,
        "sourceDirectory",
        "The folder of the server; all of it when not given.",
    )
    .rules(PRESENT),
    MOUNT_OPTIONS,
];

const UNMANAGED: &[Attribute] = &[
    Attribute::new(
        "mount_command",
        Type::String,
        "mountCommand",
        "The command that mounts it; the path is put behind it.",
    )
    .rules(PRESENT)
    .required(),
    MOUNT_PATH,
];

/// A cluster of Batch AI.
pub static KIND: Kind = Kind {
    name: "batch_ai_cluster",
    summary: "A cluster of Batch AI, the retired service: of a fixed size, or autoscaling.",
    placement: Placement::InParent {
        parent: "batch_ai_workspace",
        collection: "clusters",
        api_version: VERSION,
        discriminator: None,
    },
    name_rules: NAME,
    attributes: &[
        workspace(),
        size(),
        Attribute::new("tier", Type::Enum(TIERS), "properties.vmPriority", "Dedicated or low-priority nodes.")
            .default(Default::String("dedicated"))
            .compare(Compare::CaseInsensitive),
        Attribute::new(
            "target_instances",
            Type::Integer,
            "properties.scaleSettings.manual.targetNodeCount",
            "A fixed number of nodes; `min_instances` and `max_instances` scale instead.",
        )
        .rules(&[Rule::Between(0, 100)])
        .change(Change::Patch),
        // Not looked at once it is sent: a switch to the automatic scale and back forgets it.
        Attribute::new(
            "node_deallocation",
            Type::Enum(DEALLOCATION),
            "properties.scaleSettings.manual.nodeDeallocationOption",
            "What becomes of jobs on nodes that go when a fixed size shrinks; `requeue` by default.",
        )
        .sensitivity(Sensitivity::WriteOnly)
        .change(Change::Patch),
        Attribute::new(
            "min_instances",
            Type::Integer,
            "properties.scaleSettings.autoScale.minimumNodeCount",
            "The number of nodes it never goes below.",
        )
        .rules(&[Rule::Between(0, 100)])
        .change(Change::Patch),
        Attribute::new(
            "max_instances",
            Type::Integer,
            "properties.scaleSettings.autoScale.maximumNodeCount",
            "The number of nodes it never goes above.",
        )
        .rules(&[Rule::Between(0, 100)])
        .change(Change::Patch),
        // Used at the creation alone; what is answered later says nothing (batch-ai facts §3).
        Attribute::new(
            "initial_instances",
            Type::Integer,
            "properties.scaleSettings.autoScale.initialNodeCount",
            "The number of nodes that an autoscaling cluster begins with.",
        )
        .rules(&[Rule::Between(0, 100)])
        .sensitivity(Sensitivity::WriteOnly)
        .change(Change::Held),
        Attribute::new(
            "image",
            Type::String,
            "properties.virtualMachineConfiguration.imageReference",
            "The image of the nodes: `UbuntuLTS`, `UbuntuDSVM`, or `publisher:offer:sku:version`.",
        )
        .wire(Wire::Image)
        .compare(Compare::Image)
        .rules(&[Rule::Image]),
        // Behind `image` in the order of paths: its value goes into the object that the image makes.
        Attribute::new(
            "virtual_machine_image",
            Type::String,
            "properties.virtualMachineConfiguration.imageReference.virtualMachineImageId",
            "A custom image, by ARM id; `image` is the one it was made of.",
        )
        .compare(Compare::ArmId)
        .rules(&[Rule::ArmId]),
        SSH[0],
        SSH[1],
        SSH[2],
        subnet(),
        Attribute::new(
            "setup_task.command",
            Type::String,
            "properties.nodeSetup.setupTask.commandLine",
            "A command that each node runs as root when it comes and when it boots; it must bear to run again.",
        )
        .rules(&[Rule::Length(1, 65_536)])
        .required_with_group(),
        Attribute::new(
            "setup_task.output_path_prefix",
            Type::String,
            "properties.nodeSetup.setupTask.stdOutErrPathPrefix",
            "Where the logs of the command go, `$AZ_BATCHAI_MOUNT_ROOT/afs`.",
        )
        .rules(PRESENT)
        .required_with_group(),
        Attribute::new(
            "setup_task.environment_variables",
            TEXT_MAP,
            "properties.nodeSetup.setupTask.environmentVariables",
            "Environment variables of the command.",
        )
        .wire(Wire::NamedValues),
        Attribute::new(
            "setup_task.secrets",
            TEXT_MAP,
            "properties.nodeSetup.setupTask.secrets",
            "Environment variables whose values nobody can read again.",
        )
        .wire(Wire::NamedValues)
        .sensitivity(Sensitivity::Secret),
        Attribute::new(
            "mount_volumes.account_keys",
            TEXT_MAP,
            "properties.nodeSetup.mountVolumes",
            "The keys of the storage accounts that are mounted, by the account's name. Another key waits for the next replacement.",
        )
        .wire(Wire::AccountKeys)
        .sensitivity(Sensitivity::Secret)
        .change(Change::Held),
        Attribute::new(
            "mount_volumes.azure_file_shares",
            Type::List(&Type::Object(FILE_SHARE)),
            "properties.nodeSetup.mountVolumes.azureFileShares",
            "Azure Files shares to mount.",
        ),
        Attribute::new(
            "mount_volumes.azure_blob_file_systems",
            Type::List(&Type::Object(CONTAINER)),
            "properties.nodeSetup.mountVolumes.azureBlobFileSystems",
            "Blob containers to mount.",
        ),
        Attribute::new(
            "mount_volumes.file_servers",
            Type::List(&Type::Object(SERVER)),
            "properties.nodeSetup.mountVolumes.fileServers",
            "Batch AI file servers to mount.",
        ),
        Attribute::new(
            "mount_volumes.unmanaged_file_systems",
            Type::List(&Type::Object(UNMANAGED)),
            "properties.nodeSetup.mountVolumes.unmanagedFileSystems",
            "File systems that a command of yours mounts.",
        ),
    ],
    computed: &[
        Computed::new("current_node_count", "properties.currentNodeCount", "How many nodes it has now."),
        Computed::new(
            "idle_node_count",
            "properties.nodeStateCounts.idleNodeCount",
            "How many of them have nothing to do.",
        ),
        Computed::new(
            "running_node_count",
            "properties.nodeStateCounts.runningNodeCount",
            "How many of them run a job.",
        ),
        Computed::new("errors", "properties.errors", "What is in the way of its nodes."),
        Computed::new(
            "secret_names",
            "properties.nodeSetup.setupTask.secrets",
            "Which environment variables of the setup task are secret: their names alone come back.",
        ),
        Computed::new(
            "performance_counters",
            "properties.nodeSetup.performanceCountersSettings.appInsightsReference.component.id",
            "The Application Insights that its performance counters went to.",
        ),
        Computed::new(
            "state",
            "properties.allocationState",
            "Whether its number of nodes is changing: `steady` or `resizing`.",
        ),
    ],
    constants: &[],
    read_only: &[],
    checks: &[
        Check::OneOf(&["target_instances", "max_instances"]),
        Check::Needs("max_instances", "min_instances"),
        Check::Needs("min_instances", "max_instances"),
        Check::Needs("initial_instances", "max_instances"),
        Check::Needs("node_deallocation", "target_instances"),
        Check::AtMost("min_instances", "max_instances"),
        Check::AtMost("initial_instances", "max_instances"),
        Check::Needs("virtual_machine_image", "image"),
        ACCOUNT,
    ],
    dropped: &[],
    aliases: &[],
    loses: None,
};
