//! Attached virtual machines (machine-learning facts §3.7, az ml facts §4).

use super::attached::{self, SSH_SETTINGS, attached_tags, description, resource_id, workspace};
use super::cluster::COMPUTE_NAME;
use crate::rule::Rule;
use crate::schema::{Attribute, Change, Computed, Default, Kind, Type};

const MACHINES: &[Rule] = &[Rule::ArmIdOf(&["Microsoft.Compute/virtualMachines"])];

/// An attached virtual machine.
pub static KIND: Kind = Kind {
    name: "virtual_machine",
    summary: "A virtual machine that is attached to a workspace.",
    placement: attached::placement("VirtualMachine"),
    name_rules: COMPUTE_NAME,
    attributes: &[
        workspace(),
        resource_id(MACHINES, "The machine, by ARM id."),
        description(),
        Attribute::new(
            "address",
            Type::String,
            "properties.properties.address",
            "Its public address or host name.",
        )
        .change(Change::Put),
        SSH_SETTINGS[0],
        SSH_SETTINGS[1],
        SSH_SETTINGS[2],
        SSH_SETTINGS[3],
        SSH_SETTINGS[4],
        Attribute::new(
            "notebook_server_port",
            Type::Integer,
            "properties.properties.notebookServerPort",
            "The port of its notebook server.",
        )
        .rules(&[Rule::Between(1, 65_535)])
        .change(Change::Put),
        Attribute::new(
            "is_notebook_instance",
            Type::Boolean,
            "properties.properties.isNotebookInstanceCompute",
            "Whether it runs notebooks.",
        )
        .initial(Default::Boolean(false))
        .change(Change::Put),
        attached_tags(),
    ],
    computed: &[Computed::new("size", "properties.properties.virtualMachineSize", "Its VM size.")],
    constants: &[("properties.computeType", "VirtualMachine")],
    read_only: attached::read_only!(
        "properties.properties.virtualMachineSize",
        "properties.properties.administratorAccount"
    ),
    checks: &[],
    dropped: attached::DROPPED,
    aliases: attached::SSH_ALIASES,
    loses: Some("it is detached from the workspace; the virtual machine itself stays"),
};
