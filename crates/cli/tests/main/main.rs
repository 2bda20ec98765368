//! The program as users run it: scenarios, examples, the README, kills, and bad input.

mod attached;
mod batch_ai;
mod clients;
mod cloud;
mod components;
mod credentials;
mod examples;
mod guards;
mod hostile;
mod import;
mod kills;
mod migrate;
mod no_room;
mod pool;
mod preflight;
mod project;
mod rbac;
mod readme;
mod revert;
mod running;
mod saved_plans;
mod scenarios;
mod schema;
mod secrets;
mod signals;
mod state_commands;

/// Every file here is a module above: a file that nobody lists would never run.
#[test]
fn every_file_is_listed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/main");
    let listed = include_str!("main.rs");
    for entry in std::fs::read_dir(folder).expect("tests/main is there") {
        let name = entry.expect("entries can be read").file_name().into_string().expect("plain names");
        let module = name.trim_end_matches(".rs");
        assert!(
            module == "main" || listed.contains(&format!("mod {module};")),
            "{name} is not listed in main.rs"
        );
    }
}
