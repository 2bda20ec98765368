//! The file of a setup script on the file share of a workspace. No document asks for one by itself: a setup_script with
//! `source: workspace_storage` has one in each workspace whose instances use it.
//!
//! It does not lie in ARM: the service names its share, and its id is plumb's own, made of the workspace's and the path,
//! with `:` (which no name of a file can have) for `/`.

use super::cluster::WORKSPACE;
use super::common::ML_VERSION;
use crate::ArmId;
use crate::rule::Rule;
use crate::schema::{Attribute, Change, Compare, Kind, Placement, Sensitivity, Type};

/// What stands for `/` in ids.
const SEPARATOR: &str = ":";

/// A script's file.
pub static KIND: Kind = Kind {
    name: "script_file",
    summary: "The file of a setup script on a workspace's file share. Not written as a document: a setup_script with `source: workspace_storage` has one in each workspace whose instances use it.",
    placement: Placement::InParent {
        parent: "workspace",
        collection: "shareFiles",
        api_version: ML_VERSION,
        discriminator: None,
    },
    name_rules: &[Rule::Length(1, 255)],
    attributes: &[
        Attribute::new("workspace", WORKSPACE, "", "The workspace whose file share it lies on.")
            .compare(Compare::CaseInsensitive)
            .derived(),
        Attribute::new("path", Type::String, "path", "Its path on the share.")
            .compare(Compare::CaseInsensitive)
            .derived(),
        Attribute::new("content", Type::String, "", "The script's text.")
            .sensitivity(Sensitivity::WriteOnly)
            .change(Change::Put)
            .derived(),
        Attribute::new("sha256", Type::String, "sha256", "The SHA-256 of the file's bytes, in hexadecimal.")
            .change(Change::Put)
            .derived(),
    ],
    computed: &[],
    constants: &[],
    read_only: &[],
    checks: &[],
    dropped: &[],
    aliases: &[],
    loses: None,
};

/// The id of the file at `path` on a workspace's share.
pub fn id(workspace: &ArmId, path: &str) -> ArmId {
    workspace.child("shareFiles", &path.replace('/', SEPARATOR))
}

/// The path of the file with this id.
pub fn path(id: &ArmId) -> String {
    id.name().replace(SEPARATOR, "/")
}

/// Why a file cannot be kept at this path on a share: it must be relative, and plain enough for URLs, shells and ids.
pub fn path_violation(path: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@+=,~()".contains(c);
    match () {
        () if path.is_empty() || path.len() > 240 => Some("must have 1 to 240 characters"),
        () if path.starts_with('/') => Some("must be relative to the share, without a `/` in front"),
        () if path.split('/').any(|segment| segment.is_empty() || segment.ends_with('.')) => {
            Some("must have names between its `/`, none of them ending in a dot")
        }
        () if !path.split('/').all(|segment| segment.chars().all(plain)) => {
            Some("must be made of letters, digits and `-_.@+=,~()`")
        }
        () => None,
    }
}

/// The SHA-256 of a text's bytes, as [`KIND`] has it.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_paths_follow_from_each_other() {
        let workspace =
            ArmId::group("s", "ml").in_group("Microsoft.MachineLearningServices/workspaces", "research");
        let file = id(&workspace, "plumb/team-a/conda.sh");
        assert_eq!(file.name(), "plumb:team-a:conda.sh");
        assert_eq!(path(&file), "plumb/team-a/conda.sh");
        assert_eq!(file.parent(), Some(workspace));
        assert!(ArmId::parse(file.as_str()).is_some());
    }

    #[test]
    fn paths_leave_no_room_for_tricks() {
        for good in ["plumb/conda.sh", "Users/alice@contoso.com/setup.sh", "a"] {
            assert_eq!(path_violation(good), None, "{good}");
        }
        for bad in ["", "/a", "a//b", "../a", "a/..", "a/./b", "a b", "a:b", "a?b", "a%2f", "ä", "a\\b", "a/"]
        {
            assert!(path_violation(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn the_hash_is_the_known_one() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
