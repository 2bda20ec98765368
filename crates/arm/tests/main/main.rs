//! What the client and the provider promise, against a scripted wire.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod challenges;
mod credentials;
mod engine;
mod errors;
mod faults;
mod fitting;
mod generate;
mod issuer;
mod kinds;
mod law;
mod network;
mod operations;
mod origin;
mod pretend;
mod published;
mod reading;
mod replies;
mod retries;
mod sending;
mod share;
mod signing_in;
mod support;

#[test]
fn every_file_here_is_listed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/main");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        assert!(module == "main" || include_str!("main.rs").contains(&format!("mod {module};")), "{name}");
    }
}
