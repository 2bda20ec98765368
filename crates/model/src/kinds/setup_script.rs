//! Setup scripts: shell scripts that prepare compute instances. They exist in manifests and state only;
//! their text reaches Azure inside the instances that name them, or as a [`super::script_file`].

use crate::rule::Rule;
use crate::schema::{Attribute, Change, Kind, Placement, Type, Unit, Variant, variant};

/// The largest script plumb sends inline. ARM takes requests up to 4 MiB; the service publishes no
/// limit for `scriptData`, and every instance that names the script carries a copy.
pub const SCRIPT_BYTES_MAX: usize = 64 * 1024;

const SOURCES: &[Variant] = &[variant("inline", "inline"), variant("workspace_storage", "workspaceStorage")];

const TEXTS: Type = Type::List(&Type::String);

/// A setup script.
pub static KIND: Kind = Kind {
    name: "setup_script",
    summary: "A shell script that prepares compute instances, at creation or at each start.",
    placement: Placement::Local,
    name_rules: &[Rule::Length(1, 64), Rule::StartsAlphanumeric, Rule::Alphabet("-_.")],
    attributes: &[
        Attribute::new("file", Type::String, "", "The script's path below the project; a regular file of at most 64 KiB, UTF-8, with Unix line ends.").change(Change::Local),
        Attribute::new("content", Type::String, "", "The script's text; instead of `file`.").rules(&[Rule::ScriptText, Rule::Length(1, SCRIPT_BYTES_MAX)]).change(Change::Local),
        Attribute::new("source", Type::Enum(SOURCES), "", "How instances get it: `inline`, inside their own requests, or `workspace_storage`, as a file on their workspace's file share. `inline` unless `path` is given.").change(Change::Local),
        Attribute::new("path", Type::String, "", "Its path on the workspace's file share; `plumb/NAME.sh` by default. Without `file` and `content` it is there already.").change(Change::Local),
        Attribute::new("args", TEXTS, "", "Arguments; they are passed as one string, each quoted for the shell. Kept out of outputs and state.")
            .sensitivity(crate::Sensitivity::Secret)
            .change(Change::Local),
        Attribute::new("timeout", Type::Duration(Unit::Minutes), "", "How long it may run: minutes, `20m` or `PT20M`. Azure's default is 15 minutes.").rules(&[Rule::Between(1, 24 * 60)]).change(Change::Local),
    ],
    computed: &[],
    constants: &[],
    read_only: &[],
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: None,
};
