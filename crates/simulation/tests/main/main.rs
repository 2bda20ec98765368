//! The integration tests of `simulation`, in one binary.

mod deaths;
mod disk;
mod law;
mod seeds;
mod support;

#[test]
fn every_file_beside_this_one_is_listed() {
    let listed = include_str!("main.rs");
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/main");
    for entry in std::fs::read_dir(dir).expect("the tests' directory").flatten() {
        let name = entry.file_name().to_string_lossy().replace(".rs", "");
        assert!(name == "main" || listed.contains(&format!("\nmod {name};\n")), "{name} is not listed");
    }
}
