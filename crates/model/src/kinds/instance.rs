//! Compute instances: `ComputeInstance` (machine-learning facts §3.4, az ml facts §3).
//!
//! A PUT changes nothing of an instance. Some attributes have actions of their own; tags, description
//! and scripts wait for the next replacement; whatever else differs needs a new instance, which loses
//! its disk.

use super::cluster::{COMPUTE_NAME, WORKSPACE};
use super::common::{ML_PREVIEW, ML_VERSION, action, flag, identity_list, identity_type, tags};
use crate::check::Check;
use crate::rule::Rule;
use crate::schema::{
    Action, Attribute, Change, Compare, Computed, Default, Kind, Placement, Removal, Sensitivity, Type, Unit,
    Variant, Wire, variant,
};

const POWER: &[Variant] = &[
    variant("running", "Running"),
    variant("running", "JobRunning"),
    variant("running", "SettingUp"),
    variant("running", "UserSettingUp"),
    variant("running", "Starting"),
    variant("running", "Restarting"),
    variant("stopped", "Stopped"),
    variant("stopped", "Stopping"),
    variant("unmanaged", ""),
];

const SHARING: &[Variant] = &[variant("personal", "Personal"), variant("shared", "Shared")];
const START_STOP: &[Variant] = &[variant("start", "Start"), variant("stop", "Stop")];
const ENABLED: &[Variant] = &[variant("enabled", "Enabled"), variant("disabled", "Disabled")];
const TRIGGERS: &[Variant] = &[variant("cron", "Cron"), variant("recurrence", "Recurrence")];
const FREQUENCIES: &[Variant] = &[
    variant("minute", "Minute"),
    variant("hour", "Hour"),
    variant("day", "Day"),
    variant("week", "Week"),
    variant("month", "Month"),
];
const WEEK_DAYS: &[Variant] = &[
    variant("sunday", "Sunday"),
    variant("monday", "Monday"),
    variant("tuesday", "Tuesday"),
    variant("wednesday", "Wednesday"),
    variant("thursday", "Thursday"),
    variant("friday", "Friday"),
    variant("saturday", "Saturday"),
];
const INTEGERS: Type = Type::List(&Type::Integer);

/// `trigger.start_time` and `trigger.time_zone` stand below `cron` or `recurrence` in ARM bodies.
const fn of_trigger(
    trigger: &'static str,
    path: &'static str,
    arm: &'static str,
    value: Type,
    doc: &'static str,
) -> Attribute {
    Attribute::new(path, value, arm, doc).when("trigger.type", trigger)
}

const START_TIME: &str =
    "When the trigger begins to count: `yyyy-MM-ddTHH:mm:ss`, in its time zone; quote it.";
const TIME_ZONE: &str = "A Windows time-zone name; `UTC` by default.";

/// One start or stop schedule (machine-learning facts §3.6). The service adds an id and a status to each; neither is compared.
const SCHEDULE: &[Attribute] = &[
    Attribute::new("action", Type::Enum(START_STOP), "action", "`start` or `stop`.").required(),
    Attribute::new("state", Type::Enum(ENABLED), "status", "`enabled` or `disabled`.")
        .default(Default::String("enabled")),
    Attribute::new("trigger.type", Type::Enum(TRIGGERS), "triggerType", "`cron` or `recurrence`.").required(),
    of_trigger(
        "cron",
        "trigger.expression",
        "cron.expression",
        Type::String,
        "An NCronTab expression of five fields: minute hour day month weekday.",
    )
    .rules(&[Rule::Cron])
    .required(),
    of_trigger("cron", "trigger.start_time", "cron.startTime", Type::String, START_TIME)
        .rules(&[Rule::LocalDateTime]),
    of_trigger("cron", "trigger.time_zone", "cron.timeZone", Type::String, TIME_ZONE)
        .rules(&[Rule::TimeZone])
        .default(Default::String("UTC")),
    of_trigger(
        "recurrence",
        "trigger.frequency",
        "recurrence.frequency",
        Type::Enum(FREQUENCIES),
        "How often: `minute`, `hour`, `day`, `week` or `month`.",
    )
    .required(),
    of_trigger(
        "recurrence",
        "trigger.interval",
        "recurrence.interval",
        Type::Integer,
        "Every how many of them.",
    )
    .rules(&[Rule::Between(1, 1000)])
    .required(),
    of_trigger("recurrence", "trigger.start_time", "recurrence.startTime", Type::String, START_TIME)
        .rules(&[Rule::LocalDateTime]),
    of_trigger("recurrence", "trigger.time_zone", "recurrence.timeZone", Type::String, TIME_ZONE)
        .rules(&[Rule::TimeZone])
        .default(Default::String("UTC")),
    of_trigger(
        "recurrence",
        "trigger.schedule.hours",
        "recurrence.schedule.hours",
        INTEGERS,
        "Hours of the day.",
    )
    .rules(&[Rule::Each(0, 23)])
    .compare(Compare::Set)
    .required_with_group(),
    of_trigger(
        "recurrence",
        "trigger.schedule.minutes",
        "recurrence.schedule.minutes",
        INTEGERS,
        "Minutes of the hour.",
    )
    .rules(&[Rule::Each(0, 59)])
    .compare(Compare::Set)
    .required_with_group(),
    of_trigger(
        "recurrence",
        "trigger.schedule.week_days",
        "recurrence.schedule.weekDays",
        Type::List(&Type::Enum(WEEK_DAYS)),
        "Days of the week.",
    )
    .compare(Compare::Set),
];

const ENDPOINT: &[Attribute] = &[
    Attribute::new("target", Type::Integer, "target", "The port inside the container.")
        .rules(&[Rule::Between(1026, 65_534)])
        .required(),
    Attribute::new(
        "published",
        Type::Integer,
        "published",
        "The port on the instance; different for each endpoint of an instance.",
    )
    .rules(&[Rule::Between(1026, 65_534)])
    .required(),
    Attribute::new("name", Type::String, "name", "Sent as `connect`.")
        .default(Default::String("connect"))
        .derived(),
    Attribute::new("protocol", Type::String, "protocol", "Sent as `http`.")
        .default(Default::String("http"))
        .derived(),
];

const BIND_MOUNT: &[Attribute] = &[
    Attribute::new("source", Type::String, "source", "The path on the instance.").required(),
    Attribute::new("target", Type::String, "target", "The path inside the container.").required(),
    Attribute::new("type", Type::String, "type", "Sent as `bind`.")
        .default(Default::String("bind"))
        .derived(),
    Attribute::new("read_only", Type::Boolean, "readOnly", "Whether the container may only read it.")
        .default(Default::Boolean(false)),
];

const DOCKER: &[Variant] = &[variant("docker", "docker")];

/// One custom application (machine-learning facts §3.4; ports and uniqueness as the Python client wants them).
const APPLICATION: &[Attribute] = &[
    Attribute::new("name", Type::String, "name", "Its name, different for each application of an instance.")
        .required(),
    Attribute::new("type", Type::Enum(DOCKER), "type", "`docker`.").default(Default::String("docker")),
    Attribute::new("image.reference", Type::String, "image.reference", "The container image.").required(),
    Attribute::new("image.type", Type::Enum(DOCKER), "image.type", "`docker`.")
        .default(Default::String("docker"))
        .derived(),
    Attribute::new("endpoints", Type::List(&Type::Object(ENDPOINT)), "endpoints", "Ports to publish.")
        .required(),
    Attribute::new(
        "environment_variables",
        Type::Map(&Type::Scalar),
        "environmentVariables",
        "Environment variables.",
    )
    .wire(Wire::LocalValues),
    Attribute::new(
        "bind_mounts",
        Type::List(&Type::Object(BIND_MOUNT)),
        "volumes",
        "Folders of the instance to mount.",
    ),
    Attribute::new("privileged", Type::Boolean, "docker.privileged", "Sent as true.")
        .default(Default::Boolean(true))
        .derived(),
];

const SOURCES: &[Variant] =
    &[variant("dataset", "Dataset"), variant("datastore", "Datastore"), variant("uri", "URI")];
const MOUNTS: &[Variant] = &[variant("mount", "Mount"), variant("unmount", "Unmount")];
const MODES: &[Variant] = &[variant("read_only", "ReadOnly"), variant("read_write", "ReadWrite")];

/// One data mount (machine-learning facts §3.4). What the service tells about its progress is not compared.
const DATA_MOUNT: &[Attribute] = &[
    Attribute::new("source", Type::String, "source", "What to mount.").required(),
    Attribute::new(
        "source_type",
        Type::Enum(SOURCES),
        "sourceType",
        "What `source` is: `dataset`, `datastore` or `uri`.",
    )
    .default(Default::String("uri")),
    Attribute::new("mount_name", Type::String, "mountName", "The mount's name."),
    Attribute::new("mount_action", Type::Enum(MOUNTS), "mountAction", "`mount` or `unmount`.")
        .default(Default::String("mount")),
    Attribute::new("mount_mode", Type::Enum(MODES), "mountMode", "`read_only` or `read_write`.")
        .default(Default::String("read_only")),
    Attribute::new("mount_path", Type::String, "mountPath", "Where it appears on the instance."),
];

/// The schedules' update action is known by its RBAC name only; its body was never published
/// (machine-learning facts §2.3), so only a read-back tells whether it took.
const UPDATE_SCHEDULES: Change = Change::Action(Action {
    name: "updateSchedules",
    key: "computeStartStop",
    api_version: ML_PREVIEW,
    tentative: true,
    removal: None,
});

/// The body is a list of data mounts, each with what to do: what it does not name stays mounted.
const UPDATE_DATA_MOUNTS: Change = Change::Action(Action {
    name: "updateDataMounts",
    key: "",
    api_version: ML_PREVIEW,
    tentative: false,
    removal: Some(Removal { name: "mountName", key: "mountAction", word: "Unmount" }),
});

/// One leaf of a setup script, by role: `setup_scripts.creation_script.…`.
macro_rules! script {
    ($role:literal, $arm:literal, $doc:literal) => {
        [
            Attribute::new(concat!("setup_scripts.", $role), Type::Script, "", $doc)
                .change(Change::Held)
                .sometimes_answered(),
            Attribute::new(
                concat!("setup_scripts.", $role, ".script"),
                Type::String,
                "",
                "The setup_script document that it comes from.",
            )
            .change(Change::Held)
            .sometimes_answered()
            .derived(),
            Attribute::new(
                concat!("setup_scripts.", $role, ".source"),
                Type::String,
                concat!("properties.properties.setupScripts.scripts.", $arm, ".scriptSource"),
                "`inline`, or `workspaceStorage`.",
            )
            .compare(Compare::CaseInsensitive)
            .change(Change::Held)
            .sometimes_answered()
            .derived(),
            Attribute::new(
                concat!("setup_scripts.", $role, ".content"),
                Type::String,
                concat!("properties.properties.setupScripts.scripts.", $arm, ".scriptData"),
                "The text of an inline script.",
            )
            .wire(Wire::Base64)
            .sensitivity(Sensitivity::WriteOnly)
            .when(concat!("setup_scripts.", $role, ".source"), "inline")
            .change(Change::Held)
            .sometimes_answered()
            .derived(),
            Attribute::new(
                concat!("setup_scripts.", $role, ".path"),
                Type::String,
                concat!("properties.properties.setupScripts.scripts.", $arm, ".scriptData"),
                "The path of a script on the workspace's file share.",
            )
            .when(concat!("setup_scripts.", $role, ".source"), "workspaceStorage")
            .change(Change::Held)
            .sometimes_answered()
            .derived(),
            Attribute::new(
                concat!("setup_scripts.", $role, ".command"),
                Type::String,
                concat!("properties.properties.setupScripts.scripts.", $arm, ".scriptArguments"),
                "The script's arguments, one string.",
            )
            .sensitivity(Sensitivity::Secret)
            .change(Change::Held)
            .sometimes_answered()
            .derived(),
            Attribute::new(
                concat!("setup_scripts.", $role, ".timeout_minutes"),
                Type::Duration(Unit::Minutes),
                concat!("properties.properties.setupScripts.scripts.", $arm, ".timeout"),
                "How long it may run, in minutes; Azure's default is 15.",
            )
            .wire(Wire::UnixTimeout)
            .rules(&[Rule::Between(1, 24 * 60)])
            .change(Change::Held)
            .sometimes_answered()
            .derived(),
        ]
    };
}

const CREATION: [Attribute; 7] = script!(
    "creation_script",
    "creationScript",
    "A script that runs once, when the instance is created: a setup_script document, or az ml's mapping."
);
const STARTUP: [Attribute; 7] = script!(
    "startup_script",
    "startupScript",
    "A script that runs at each start: a setup_script document, or az ml's mapping."
);

/// A creation script on the share has run when the instance stands: what ran is remembered, as for an inline one. A
/// startup script is read anew at each start.
const CREATION_HASH: Attribute = Attribute::new(
    "setup_scripts.creation_script.sha256",
    Type::String,
    "",
    "The SHA-256 of the file that it comes from, where plumb keeps that file.",
)
.change(Change::Held)
.derived();

/// A compute instance.
pub static KIND: Kind = Kind {
    name: "instance",
    summary: "A compute instance of a workspace: one person's virtual machine (ComputeInstance).",
    placement: Placement::InParent {
        parent: "workspace",
        collection: "computes",
        api_version: ML_VERSION,
        discriminator: Some(("properties.computeType", "ComputeInstance")),
    },
    name_rules: COMPUTE_NAME,
    attributes: &ATTRIBUTES,
    computed: &[
        Computed::new(
            "principal_id",
            "identity.principalId",
            "The object id of its system-assigned identity.",
        ),
        Computed::new(
            "public_ip_address",
            "properties.properties.connectivityEndpoints.publicIpAddress",
            "Its public address.",
        ),
        Computed::new(
            "private_ip_address",
            "properties.properties.connectivityEndpoints.privateIpAddress",
            "Its private address.",
        ),
        Computed::new("ssh_port", "properties.properties.sshSettings.sshPort", "Its SSH port."),
        Computed::new(
            "ssh_user",
            "properties.properties.sshSettings.adminUserName",
            "Whom to log in as by SSH.",
        ),
        Computed::new("state", "properties.properties.state", "What it is doing: `Running`, `Stopped`, …"),
        Computed::new(
            "last_operation",
            "properties.properties.lastOperation.operationName",
            "What was last done to it: `Create`, `Start`, `Stop`, …",
        ),
        Computed::new(
            "last_trigger",
            "properties.properties.lastOperation.operationTrigger",
            "Why: `User`, `Schedule` or `IdleShutdown`.",
        ),
        Computed::new("last_time", "properties.properties.lastOperation.operationTime", "When that was."),
    ],
    constants: &[
        ("properties.computeType", "ComputeInstance"),
        ("properties.properties.computeInstanceAuthorizationType", "personal"),
    ],
    read_only: &[],
    checks: &[
        Check::NeedsOneOf("enable_node_public_ip", false, &["network_settings.subnet"]),
        Check::Needs("network_settings.vnet_name", "network_settings.subnet"),
    ],
    dropped: &[
        "type",
        "resource_id",
        "location",
        "created_on",
        "provisioning_state",
        "provisioning_errors",
        "state",
        "last_operation",
        "services",
        "os_image_metadata",
        "ssh_settings.admin_username",
        "ssh_settings.ssh_port",
    ],
    aliases: &[("idle_time_before_shutdown", "idle_time_before_shutdown_minutes")],
    loses: Some(
        "its disk is lost: files outside the workspace's file share, installed packages and terminal history",
    ),
};

const OWN: [Attribute; 23] = [
    Attribute::new("workspace", WORKSPACE, "", "The workspace it lies in.").compare(Compare::CaseInsensitive).required(),
    Attribute::new("description", Type::String, "properties.description", "A description.").compare(Compare::EmptyIsAbsent).change(Change::Held),
    Attribute::new("size", Type::String, "properties.properties.vmSize", "The VM size. A change resizes the instance, which restarts it.")
        .default(Default::String("STANDARD_DS3_V2"))
        .compare(Compare::CaseInsensitive)
        .rules(&[Rule::Length(2, 64), Rule::StartsWithLetter, Rule::Alphabet("_-")])
        .change(action("resize", "targetVMSize")),
    Attribute::new("create_on_behalf_of.user_tenant_id", Type::String, "properties.properties.personalComputeInstanceSettings.assignedUser.tenantId", "The tenant of the person it is for.")
        .rules(&[Rule::Guid])
        .compare(Compare::CaseInsensitive)
        .required_with_group(),
    Attribute::new("create_on_behalf_of.user_object_id", Type::String, "properties.properties.personalComputeInstanceSettings.assignedUser.objectId", "The object id of the person it is for.")
        .rules(&[Rule::Guid])
        .compare(Compare::CaseInsensitive)
        .required_with_group(),
    Attribute::new("ssh_public_access_enabled", Type::Boolean, "properties.properties.sshSettings.sshPublicAccess", "Whether SSH is open; cannot be changed later.").wire(Wire::Enabled),
    Attribute::new("ssh_settings.ssh_key_value", Type::String, "properties.properties.sshSettings.adminPublicKey", "The SSH public key; without `ssh_public_access_enabled` it has no use.").sometimes_answered().compare(Compare::SshKey).rules(&[Rule::SshKey]),
    Attribute::new("network_settings.vnet_name", Type::String, "", "The virtual network, in the workspace's resource group, that `subnet` is part of."),
    Attribute::new("network_settings.subnet", Type::String, "properties.properties.subnet.id", "The subnet: its name, with `vnet_name`, or its ARM id.").compare(Compare::ArmId).rules(&[Rule::ArmId]),
    identity_type(Change::CreateOnly),
    identity_list(Change::CreateOnly),
    Attribute::new("idle_time_before_shutdown_minutes", Type::Duration(Unit::Minutes), "properties.properties.idleTimeBeforeShutdown", "Stop it when idle for so long: minutes, `30m` or `PT30M`, from 15 minutes to 3 days.")
        .wire(Wire::IsoMinutes)
        .rules(&[Rule::Between(15, 3 * 24 * 60)])
        .change(action("updateIdleShutdownSetting", "idleTimeBeforeShutdown")),
    Attribute::new("schedules.compute_start_stop", Type::List(&Type::Object(SCHEDULE)), "properties.properties.schedules.computeStartStop", "When it starts and stops by itself; at most four schedules.")
        .compare(Compare::Set)
        .rules(&[Rule::Length(0, 4)])
        .change(UPDATE_SCHEDULES),
    Attribute::new("custom_applications", Type::List(&Type::Object(APPLICATION)), "properties.properties.customServices", "Applications that run on it in containers.")
        .compare(Compare::Set)
        .rules(&[Rule::Unique("name"), Rule::Unique("endpoints.published")])
        .change(action("customServices", "")),
    Attribute::new("data_mounts", Type::List(&Type::Object(DATA_MOUNT)), "properties.properties.dataMounts", "Data to mount.").compare(Compare::Set).after_creation().change(UPDATE_DATA_MOUNTS),
    flag("enable_node_public_ip", "properties.properties.enableNodePublicIp", true, "Whether it gets a public address."),
    Attribute::new("enable_sso", Type::Boolean, "properties.properties.enableSSO", "Single sign-on. Azure forces it off for an instance made on behalf of somebody with a setup script or custom application.").initial(Default::Boolean(true)).sometimes_answered()
        .change(Change::Action(Action { name: "enableSso", key: "enableSSO", api_version: "2024-04-01-preview", tentative: false, removal: None })),
    Attribute::new("enable_root_access", Type::Boolean, "properties.properties.enableRootAccess", "Whether its user may become root.").sometimes_answered(),
    Attribute::new("release_quota_on_stop", Type::Boolean, "properties.properties.releaseQuotaOnStop", "Give quota back while it is stopped.").sometimes_answered(),
    Attribute::new("enable_os_patching", Type::Boolean, "properties.properties.enableOSPatching", "Patch the operating system by itself.").sometimes_answered(),
    Attribute::new("application_sharing_policy", Type::Enum(SHARING), "properties.properties.applicationSharingPolicy", "Who of the workspace may use its applications.").default(Default::String("shared")).compare(Compare::CaseInsensitive),
    Attribute::new("power", Type::Enum(POWER), "properties.properties.state", "`running`, `stopped`, or `unmanaged`: plumb starts or stops it, or leaves it alone.").change(Change::Power).default(Default::String("unmanaged")),
    tags(Change::Held),
];

static ATTRIBUTES: [Attribute; 38] = {
    let mut all = [OWN[0]; 38];
    let mut at = 0;
    while at < 38 {
        all[at] = if at < 23 {
            OWN[at]
        } else if at < 30 {
            CREATION[at - 23]
        } else if at < 37 {
            STARTUP[at - 30]
        } else {
            CREATION_HASH
        };
        at += 1;
    }
    all
};
