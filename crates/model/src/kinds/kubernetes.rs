//! Attached Kubernetes clusters, AKS or Arc (machine-learning facts §3.7, az ml facts §5).

use super::attached::{self, attached_tags, description, resource_id, secret, workspace};
use super::cluster::COMPUTE_NAME;
use super::common::{TEXT_MAP, identity_list, identity_type};
use crate::rule::Rule;
use crate::schema::{Attribute, Change, Default, Kind, Type};

const CLUSTERS: &[Rule] = &[Rule::ArmIdOf(&[
    "Microsoft.ContainerService/managedClusters",
    "Microsoft.Kubernetes/connectedClusters",
])];

const QUANTITIES: Type = Type::Map(&Type::Quantity);

/// What one pod gets, and on which nodes it runs.
const INSTANCE_TYPE: &[Attribute] = &[
    Attribute::new("node_selector", TEXT_MAP, "nodeSelector", "Labels of the nodes it may run on."),
    Attribute::new(
        "resources.requests",
        QUANTITIES,
        "resources.requests",
        "What it asks for: `cpu`, `memory`, `nvidia.com/gpu`.",
    ),
    Attribute::new("resources.limits", QUANTITIES, "resources.limits", "What it may have at most."),
];

/// An attached Kubernetes cluster.
pub static KIND: Kind = Kind {
    name: "kubernetes",
    summary: "A Kubernetes cluster (AKS or Arc) that is attached to a workspace.",
    placement: attached::placement("Kubernetes"),
    name_rules: COMPUTE_NAME,
    attributes: &[
        workspace(),
        resource_id(CLUSTERS, "The cluster, by ARM id: one of AKS, or one that is connected by Azure Arc."),
        description(),
        Attribute::new(
            "namespace",
            Type::String,
            "properties.properties.namespace",
            "The namespace that jobs run in.",
        )
        .rules(&[Rule::Length(1, 63), Rule::Alphabet("-")])
        .default(Default::String("default")),
        Attribute::new(
            "default_instance_type",
            Type::String,
            "properties.properties.defaultInstanceType",
            "The instance type of jobs that name none.",
        )
        .change(Change::Put),
        Attribute::new(
            "instance_types",
            Type::Map(&Type::Object(INSTANCE_TYPE)),
            "properties.properties.instanceTypes",
            "Instance types by name: what a job gets, and on which nodes it runs.",
        )
        .change(Change::Put),
        Attribute::new(
            "extension.release_train",
            Type::String,
            "properties.properties.extensionInstanceReleaseTrain",
            "The release train of the machine-learning extension on the cluster.",
        )
        .initial(Default::String("stable"))
        .change(Change::Put),
        Attribute::new(
            "extension.principal_id",
            Type::String,
            "properties.properties.extensionPrincipalId",
            "The object id of the extension's identity.",
        )
        .rules(&[Rule::Guid])
        .compare(crate::schema::Compare::CaseInsensitive)
        .change(Change::Put),
        Attribute::new(
            "extension.virtual_cluster",
            Type::String,
            "properties.properties.vcName",
            "The name of the virtual cluster.",
        )
        .change(Change::Put),
        secret(
            "extension.relay_connection_string",
            "properties.properties.relayConnectionString",
            "The connection string of the extension's relay.",
        ),
        secret(
            "extension.service_bus_connection_string",
            "properties.properties.serviceBusConnectionString",
            "The connection string of the extension's service bus.",
        ),
        identity_type(Change::Put),
        identity_list(Change::Put),
        attached_tags(),
    ],
    computed: &[attached::PRINCIPAL_ID],
    constants: &[("properties.computeType", "Kubernetes")],
    read_only: attached::read_only!(
        "properties.properties.relayConnectionString",
        "properties.properties.serviceBusConnectionString"
    ),
    checks: &[],
    dropped: attached::DROPPED,
    // az ml hands `properties` on as ARM spells them.
    aliases: &[
        ("properties.namespace", "namespace"),
        ("properties.defaultInstanceType", "default_instance_type"),
        ("properties.instanceTypes", "instance_types"),
        ("properties.extensionInstanceReleaseTrain", "extension.release_train"),
        ("properties.extensionPrincipalId", "extension.principal_id"),
        ("properties.vcName", "extension.virtual_cluster"),
        ("properties.relayConnectionString", "extension.relay_connection_string"),
        ("properties.serviceBusConnectionString", "extension.service_bus_connection_string"),
    ],
    loses: Some("it is detached from the workspace; the Kubernetes cluster itself stays"),
};
