//! Components that are part of plumb: `uses: plumb/dsvm-pool`. Their files lie in `components/` of this crate and go
//! into the program; they are read by the same loader as those of a project.

use std::collections::BTreeMap;

use crate::load;
use crate::project::Variable;

/// A component that is part of plumb.
#[derive(Debug)]
pub struct BuiltIn {
    /// As `uses` has it, `plumb/dsvm-pool`.
    pub name: &'static str,
    /// Its files: names and texts, in order.
    pub(crate) files: &'static [(&'static str, &'static str)],
}

/// What a component takes and gives.
#[derive(Debug)]
pub struct Interface {
    /// What it is for, in a sentence.
    pub description: String,
    /// What it takes, by name.
    pub inputs: BTreeMap<String, Variable>,
    /// What it gives: the expressions, by name.
    pub outputs: BTreeMap<String, String>,
}

/// What the names of all of them begin with.
pub(crate) const PREFIX: &str = "plumb/";

/// Every one, ordered by name.
pub static BUILT_IN: [BuiltIn; 2] = [
    BuiltIn {
        name: "plumb/batch-ai-auto-storage",
        files: &[
            ("account.yaml", include_str!("../components/batch-ai-auto-storage/account.yaml")),
            ("component.yaml", include_str!("../components/batch-ai-auto-storage/component.yaml")),
        ],
    },
    BuiltIn {
        name: "plumb/dsvm-pool",
        files: &[
            ("autoscale.yaml", include_str!("../components/dsvm-pool/autoscale.yaml")),
            ("component.yaml", include_str!("../components/dsvm-pool/component.yaml")),
            ("machines.yaml", include_str!("../components/dsvm-pool/machines.yaml")),
            ("network.yaml", include_str!("../components/dsvm-pool/network.yaml")),
            ("share.yaml", include_str!("../components/dsvm-pool/share.yaml")),
        ],
    },
];

/// The one with this name.
pub fn find(name: &str) -> Option<&'static BuiltIn> {
    BUILT_IN.iter().find(|built_in| built_in.name == name)
}

/// All names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|built_in| built_in.name)
}

impl BuiltIn {
    /// What it takes and gives.
    pub fn interface(&self) -> Interface {
        load::interface(self)
    }

    /// The text of one of its files.
    pub(crate) fn text(&self, file: &str) -> Option<&'static str> {
        self.files.iter().find(|(name, _)| *name == file).map(|(_, text)| *text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_ordered_and_whole() {
        assert!(BUILT_IN.windows(2).all(|two| two[0].name < two[1].name));
        for built_in in &BUILT_IN {
            let folder = built_in.name.strip_prefix(PREFIX).expect("the prefix");
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("components").join(folder);
            let found = std::fs::read_dir(path).expect("its folder").map(|entry| entry.expect("an entry"));
            let mut found: Vec<String> =
                found.map(|entry| entry.file_name().into_string().expect("a name")).collect();
            found.sort();
            let listed: Vec<&str> = built_in.files.iter().map(|(name, _)| *name).collect();
            assert_eq!(listed, found, "{}: each file is in the table", built_in.name);
            let interface = built_in.interface();
            assert!(interface.description.ends_with('.'), "{}", built_in.name);
            for (name, input) in &interface.inputs {
                let described = input.description.as_deref().is_some_and(|words| words.ends_with('.'));
                assert!(described, "{}: {name}", built_in.name);
            }
        }
    }
}
