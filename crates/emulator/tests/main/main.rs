//! What the emulator promises, driven through the pure world where that is enough and over HTTP where it is not.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod access;
mod attached;
mod batch_ai;
mod budgets;
mod clock;
mod cluster;
mod deployments;
mod documentation;
mod drift;
mod durable;
mod fault_menu;
mod fault_rules;
mod files;
mod generic;
mod governance;
mod http;
mod https;
mod instance;
mod machines;
mod managed_network;
mod network;
mod nodes;
mod published;
mod resources;
mod rules;
mod scale;
mod scripts;
mod storage;
mod support;
mod tags;
mod terraform;
mod tokens;
mod workspace;
mod workspace_template;

#[test]
fn every_file_here_is_listed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/main");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        assert!(module == "main" || include_str!("main.rs").contains(&format!("mod {module};")), "{name}");
    }
}
