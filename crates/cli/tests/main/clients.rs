//! Programs written by others, unmodified, on `plumb emulator`: each `tests/clients/*.py` is a test of its name.
//!
//! They need a Python with the packages of `requirements.txt`; `make test` makes one and names it in `PLUMB_CLIENTS`.
//! Where that is not set they are skipped, and say so.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::project::Project;

macro_rules! programs {
    ($($name:ident),* $(,)?) => {
        const PROGRAMS: &[&str] = &[$(stringify!($name)),*];
        $(#[test] fn $name() { run(stringify!($name)); })*
    };
}

// A new program is one line here.
programs!(
    attached,
    batchai,
    clusters,
    deployments,
    files,
    instances,
    joint,
    machine_learning,
    machines,
    network,
    resources,
    storage,
    subscriptions,
    workspaces,
);

/// A file that no test runs would rot.
#[test]
fn every_program_is_listed() {
    for entry in std::fs::read_dir(folder()).expect("tests/clients is there") {
        let path = entry.expect("entries can be read").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("plain names");
        let is_program = path.extension().is_some_and(|end| end == "py") && name != "support";
        assert!(!is_program || PROGRAMS.contains(&name), "{name}.py is not listed in clients.rs");
    }
}

/// Runs a program against an emulator of its own.
fn run(program: &str) {
    let clients = std::env::var_os("PLUMB_CLIENTS").filter(|path| !path.is_empty());
    let Some(python) = clients.map(|path| Path::new(&path).join("bin/python")) else {
        println!("skipped: `make test` sets PLUMB_CLIENTS to a Python with Azure's SDKs");
        return;
    };
    let home = Project::empty();
    let emulator = Emulator::start(&home);
    let output = Command::new(python)
        .arg(folder().join(program).with_extension("py"))
        .current_dir(&home.root)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .envs(&emulator.environment)
        .env("HOME", &home.root)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PLUMB", env!("CARGO_BIN_EXE_plumb"))
        .output()
        .expect("Python starts");
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{program}.py:\n{}", said.concat());
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// A served emulator, and the environment that it tells its user to paste.
struct Emulator {
    process: Child,
    environment: BTreeMap<String, String>,
}

/// Time goes fast, and clients are asked to come back soon: they wait for 30 seconds otherwise.
const ARGUMENTS: [&str; 8] =
    ["--https-port", "0", "--ca-file", "ca.pem", "--speed", "600", "--retry-after", "0.05"];

impl Emulator {
    fn start(home: &Project) -> Self {
        let mut command = home.command(&["emulator"]);
        let mut process = command.args(ARGUMENTS).stdout(Stdio::piped()).spawn().expect("plumb starts");
        let mut environment = BTreeMap::new();
        for line in BufReader::new(process.stdout.take().expect("a pipe")).lines() {
            let line = line.expect("plumb writes UTF-8");
            let words = line.trim().strip_prefix("export ").unwrap_or("").split(' ');
            let set = words.filter_map(|word| word.split_once('='));
            environment.extend(set.map(|(name, value)| (name.into(), value.trim_matches('\'').into())));
            if let Some((_, token)) = line.split_once("x-emulator-token: ") {
                environment.insert("EMULATOR_TOKEN".to_owned(), token.to_owned());
                break;
            }
        }
        Self { process, environment }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended by itself; the test says so already.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}
