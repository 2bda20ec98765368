//! Attached data factories (machine-learning facts §3.7); they have no properties of their own.

use super::attached::{self, attached_tags, description, resource_id, workspace};
use super::cluster::COMPUTE_NAME;
use crate::rule::Rule;
use crate::schema::Kind;

const FACTORIES: &[Rule] = &[Rule::ArmIdOf(&["Microsoft.DataFactory/factories"])];

/// An attached data factory.
pub static KIND: Kind = Kind {
    name: "data_factory",
    summary: "A data factory that is attached to a workspace.",
    placement: attached::placement("DataFactory"),
    name_rules: COMPUTE_NAME,
    attributes: &[
        workspace(),
        // The specification's own example names none.
        resource_id(FACTORIES, "The data factory, by ARM id.").optional(),
        description(),
        attached_tags(),
    ],
    computed: &[],
    constants: &[("properties.computeType", "DataFactory")],
    read_only: attached::read_only!(),
    checks: &[],
    dropped: attached::DROPPED,
    aliases: &[],
    loses: Some("it is detached from the workspace; the data factory itself stays"),
};
