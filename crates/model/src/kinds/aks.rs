//! Attached AKS clusters for inference, the older way beside `kubernetes` (machine-learning facts §3.7).
//!
//! azurerm makes everything of it force replacement, and so does plumb, but for tags and the description. Without
//! `resource_id` Azure makes a cluster by itself; `agent_count` and the like are about that one.

use super::attached::{self, attached_tags, description, resource_id, secret, workspace};
use super::cluster::COMPUTE_NAME;
use crate::rule::Rule;
use crate::schema::{Attribute, Change, Compare, Computed, Default, Kind, Type, Variant, variant};

const CLUSTERS: &[Rule] = &[Rule::ArmIdOf(&["Microsoft.ContainerService/managedClusters"])];

const PURPOSES: &[Variant] =
    &[variant("fast_prod", "FastProd"), variant("dense_prod", "DenseProd"), variant("dev_test", "DevTest")];

const SWITCH: &[Variant] =
    &[variant("disabled", "Disabled"), variant("enabled", "Enabled"), variant("auto", "Auto")];

const BALANCERS: &[Variant] =
    &[variant("public_ip", "PublicIp"), variant("internal_load_balancer", "InternalLoadBalancer")];

macro_rules! ssl {
    ($name:literal) => {
        concat!("properties.properties.sslConfiguration.", $name)
    };
}

macro_rules! network {
    ($name:literal) => {
        concat!("properties.properties.aksNetworkingConfiguration.", $name)
    };
}

/// An attached AKS cluster.
pub static KIND: Kind = Kind {
    name: "aks",
    summary: "An AKS cluster for inference that is attached to a workspace, the older way beside `kubernetes`.",
    placement: attached::placement("AKS"),
    name_rules: COMPUTE_NAME,
    attributes: &[
        workspace(),
        resource_id(CLUSTERS, "The AKS cluster, by ARM id; Azure makes one when not given.").optional(),
        description(),
        Attribute::new(
            "cluster_purpose",
            Type::Enum(PURPOSES),
            "properties.properties.clusterPurpose",
            "What it is for.",
        )
        .default(Default::String("fast_prod"))
        .compare(Compare::CaseInsensitive),
        Attribute::new(
            "agent_count",
            Type::Integer,
            "properties.properties.agentCount",
            "The number of nodes.",
        )
        .rules(&[Rule::Between(0, 5000)]),
        Attribute::new(
            "agent_vm_size",
            Type::String,
            "properties.properties.agentVmSize",
            "The VM size of the nodes.",
        )
        .compare(Compare::CaseInsensitive),
        Attribute::new(
            "network.subnet_id",
            Type::String,
            network!("subnetId"),
            "The subnet of the nodes, by ARM id.",
        )
        .rules(&[Rule::ArmId])
        .compare(Compare::ArmId),
        Attribute::new(
            "network.service_cidr",
            Type::String,
            network!("serviceCidr"),
            "The range of the services' addresses, in CIDR form.",
        ),
        Attribute::new(
            "network.dns_service_ip",
            Type::String,
            network!("dnsServiceIP"),
            "The address of the cluster's DNS service, in that range.",
        ),
        Attribute::new(
            "network.docker_bridge_cidr",
            Type::String,
            network!("dockerBridgeCidr"),
            "The range of the Docker bridge, in CIDR form.",
        ),
        Attribute::new("ssl.status", Type::Enum(SWITCH), ssl!("status"), "Whether SSL is on.")
            .compare(Compare::CaseInsensitive)
            .required_with_group(),
        secret("ssl.cert", ssl!("cert"), "The certificate.").change(Change::CreateOnly),
        secret("ssl.key", ssl!("key"), "The certificate's private key.").change(Change::CreateOnly),
        Attribute::new("ssl.cname", Type::String, ssl!("cname"), "The name in the certificate."),
        Attribute::new(
            "ssl.leaf_domain_label",
            Type::String,
            ssl!("leafDomainLabel"),
            "The label of a domain that Azure provides.",
        ),
        Attribute::new(
            "ssl.overwrite_existing_domain",
            Type::Boolean,
            ssl!("overwriteExistingDomain"),
            "Whether to take over a domain label that is in use.",
        ),
        Attribute::new(
            "load_balancer_type",
            Type::Enum(BALANCERS),
            "properties.properties.loadBalancerType",
            "How it is reached.",
        )
        .default(Default::String("public_ip"))
        .compare(Compare::CaseInsensitive),
        Attribute::new(
            "load_balancer_subnet",
            Type::String,
            "properties.properties.loadBalancerSubnet",
            "The subnet of an internal load balancer.",
        ),
        attached_tags(),
    ],
    computed: &[Computed::new("fqdn", "properties.properties.clusterFqdn", "Its host name.")],
    constants: &[("properties.computeType", "AKS")],
    read_only: attached::read_only!(
        "properties.properties.clusterFqdn",
        "properties.properties.systemServices",
        "properties.properties.sslConfiguration"
    ),
    checks: &[],
    dropped: attached::DROPPED,
    aliases: &[],
    loses: Some(
        "it is detached from the workspace; the AKS cluster itself stays, also one that Azure made for it",
    ),
};
