//! A project in a folder of its own, and the binary run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

/// A temporary project; its folder goes with it.
pub struct Project {
    pub root: PathBuf,
    pub endpoint: Option<String>,
}

/// What a command said.
pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Project {
    /// An empty project, on the embedded cloud unless an endpoint is set.
    pub fn empty() -> Self {
        // A folder that a killed test of another day left behind is not ours, though it may bear our number.
        let root = loop {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let root = std::env::temp_dir().join(format!("plumb-test-{}-{number}", std::process::id()));
            match fs::create_dir(&root) {
                Ok(()) => break root,
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("temporary folders can be made: {error}"),
            }
        };
        Self { root, endpoint: None }
    }

    /// A copy of a folder, without what plumb keeps in it.
    pub fn copy_of(folder: &Path) -> Self {
        let project = Self::empty();
        copy(folder, &project.root);
        project
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().expect("files lie in folders")).expect("folders can be made");
        fs::write(path, text).expect("files can be written");
    }

    /// A command that has not been started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plumb"));
        command.args(args).current_dir(&self.root);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("PLUMB_") || name.starts_with("AZURE_") || name.starts_with("ARM_") {
                command.env_remove(name.as_ref());
            }
        }
        command
            .env("NO_COLOR", "1")
            .env("PLUMB_EMULATOR_SPEED", "2000")
            .env("USER", "tester")
            .env_remove("RUST_BACKTRACE");
        command.env_remove("CI");
        if let Some(endpoint) = &self.endpoint {
            command.env("PLUMB_ENDPOINT", endpoint);
        }
        command
    }

    pub fn run(&self, args: &[&str]) -> Said {
        let output: Output = self.command(args).output().expect("plumb starts");
        Said {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("plumb writes UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("plumb writes UTF-8"),
        }
    }

    /// Runs a command that must succeed.
    pub fn ok(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert_eq!(said.code, 0, "plumb {}\n{}\n{}", args.join(" "), said.stdout, said.stderr);
        said
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // A folder that cannot be removed is the machine's temporary folder's business.
        _ = fs::remove_dir_all(&self.root);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("folders can be made");
    for entry in fs::read_dir(from).expect("folders can be listed") {
        let path = entry.expect("entries can be read").path();
        let name = path.file_name().expect("entries have names");
        if name == ".plumb" {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).expect("files can be copied");
        }
    }
}
