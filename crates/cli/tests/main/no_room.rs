//! Full disks, limits and read-only places, with the real program: found before the first request where that can be,
//! and otherwise the end of all requests; the next apply finishes.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use emulator::{Method, Options};
use serde_json::{Value, json};

use crate::cloud::{Cloud, is_write};
use crate::project::Project;
use crate::running::{Running, wait_until};

const BASE: &str = "kind: resource_group\nname: ml\nlocation: westeurope\n---\nkind: workspace\nname: research\nresource_group: ml\nlocation: westeurope\n";
const CPU: &str = "---\nkind: cluster\nname: cpu\nworkspace: research\nmax_instances: 2\n";
const GPU: &str = "---\nkind: cluster\nname: gpu\nworkspace: research\nmax_instances: 2\ndepends_on: cluster/research/cpu\n";

/// A small disk of its own, mounted where a project keeps its state; none where one may not mount.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(place: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(place).expect("a directory");
        let options = format!("size={size},mode=0700");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(place);
        let mounted = command.output().is_ok_and(|output| output.status.success());
        if !mounted {
            println!("skipped: this user cannot mount a tmpfs");
        }
        mounted.then(|| Self(place.to_owned()))
    }

    fn remount(&self, options: &str) {
        let done = Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.0).status();
        assert!(done.expect("mount runs").success());
    }

    /// Takes all room but so many bytes.
    fn fill(&self, left: usize) {
        let path = self.0.join("filler");
        let mut file = File::create(&path).expect("a file");
        while file.write_all(&[0; 4096]).is_ok() {}
        let length = file.metadata().expect("a file").len();
        file.set_len(length.saturating_sub(left as u64)).expect("a shorter file");
    }

    fn empty(&self) {
        fs::remove_file(self.0.join("filler")).expect("a file");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // What cannot be unmounted goes with the machine.
        _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn stage() -> (Cloud, Project) {
    let cloud = Cloud::start(Options::default());
    let mut project = Project::empty();
    project.endpoint = Some(cloud.endpoint());
    project.write("plumb.toml", "[project]\nname = \"room\"\n");
    project.write("manifests/all.yaml", BASE);
    (cloud, project)
}

/// Requests that change the cloud.
fn changes(cloud: &Cloud) -> usize {
    let all = cloud.control(Method::Get, "requests", None);
    all["value"].as_array().into_iter().flatten().filter(|r| is_write(r)).count()
}

/// The cluster `cpu` is being made, and the cloud does not get done with it.
fn with_cpu_in_flight(cloud: &Cloud, project: &Project) -> Running {
    project.ok(&["apply", "--auto-approve"]);
    project.write("manifests/all.yaml", &format!("{BASE}{CPU}{GPU}"));
    let before = changes(cloud);
    cloud.control(Method::Post, "clock", Some(&json!({ "speed": 0.001 })));
    let run = Running::start(project.command(&["apply", "--auto-approve"]));
    wait_until("the create", || changes(cloud) == before + 1);
    let operation = "\"record\":\"operation\"";
    let journal = project.root.join(".plumb/journal");
    wait_until("its record", || fs::read_to_string(&journal).is_ok_and(|text| text.contains(operation)));
    run
}

fn go_on(cloud: &Cloud) {
    cloud.control(Method::Post, "clock", Some(&json!({ "speed": 2000.0 })));
}

fn finishes(cloud: &Cloud, project: &Project, changes_in_all: usize) {
    project.ok(&["apply", "--auto-approve"]);
    project.ok(&["plan", "--detailed-exitcode"]);
    assert_eq!(changes(cloud), changes_in_all, "nothing was sent twice");
}

#[test]
fn a_disk_without_room_is_found_before_the_first_request() {
    let (cloud, project) = stage();
    let Some(disk) = SmallDisk::mount(&project.root.join(".plumb"), "300k") else { return };
    let said = project.run(&["apply", "--auto-approve"]);
    assert_eq!(said.code, 1);
    for words in ["trying for room to write the state file", "make room there first"] {
        assert!(said.stderr.contains(words), "{}", said.stderr);
    }
    assert_eq!(changes(&cloud), 0);
    disk.remount("size=4m");
    project.ok(&["apply", "--auto-approve"]);
}

#[test]
fn a_read_only_place_is_found_before_the_first_request() {
    let (cloud, project) = stage();
    let disk = SmallDisk::mount(&project.root.join(".plumb"), "4m");
    let Some(disk) = disk else { return };
    disk.remount("ro");
    let said = project.run(&["apply", "--auto-approve"]);
    assert!(said.code == 1 && said.stderr.contains("make that place writable"), "{}", said.stderr);
    assert_eq!(changes(&cloud), 0);
    disk.remount("rw");
    project.ok(&["apply", "--auto-approve"]);
}

#[test]
fn a_directory_without_permission_is_found_before_the_first_request() {
    use std::os::unix::fs::PermissionsExt as _;
    let (cloud, project) = stage();
    let place = project.root.join(".plumb");
    fs::create_dir(&place).expect("a directory");
    fs::set_permissions(&place, fs::Permissions::from_mode(0o500)).expect("ours");
    if File::create(place.join("probe")).is_ok() {
        println!("skipped: permissions do not hold for this user");
        return;
    }
    let said = project.run(&["apply", "--auto-approve"]);
    assert!(said.code == 1 && said.stderr.contains("make that place writable"), "{}", said.stderr);
    assert_eq!(changes(&cloud), 0);
    fs::set_permissions(&place, fs::Permissions::from_mode(0o700)).expect("ours");
    project.ok(&["apply", "--auto-approve"]);
}

#[test]
fn a_limit_on_file_sizes_is_an_error_and_found_before_the_first_request() {
    let (cloud, project) = stage();
    let plumb = project.command(&[]);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 100 && exec \"$0\" apply --auto-approve"]).arg(plumb.get_program());
    command.current_dir(&project.root).env_clear().envs(plumb.get_envs().filter_map(|(k, v)| Some((k, v?))));
    let output = command.output().expect("sh runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && stderr.contains("make room there first"), "{stderr}");
    assert_eq!(changes(&cloud), 0);
    project.ok(&["apply", "--auto-approve"]);
}

#[test]
fn a_disk_that_fills_up_ends_all_requests_and_the_next_apply_finishes() {
    let (cloud, project) = stage();
    let Some(disk) = SmallDisk::mount(&project.root.join(".plumb"), "4m") else { return };
    let mut run = with_cpu_in_flight(&cloud, &project);
    let so_far = changes(&cloud);
    disk.fill(0);
    // The journal's last page has room for some records: until it is full, too.
    let journal = project.root.join(".plumb/journal");
    let mut tail = File::options().append(true).open(disk.0.join("filler")).expect("a file");
    while tail.write_all(&[0; 64]).is_ok() {}
    drop(tail);
    assert!(journal.exists());
    go_on(&cloud);
    assert_eq!(run.end(), 1, "{}", run.stderr());
    let said = run.stderr();
    assert!(said.contains("plumb apply") && said.contains("make room there first"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    let sent = changes(&cloud);
    assert!(sent <= so_far + 1, "at most what the journal still had room for");
    disk.empty();
    finishes(&cloud, &project, so_far + 1);
}

#[test]
fn a_state_that_cannot_be_saved_is_in_a_recovery_file_and_both_ways_lead_back() {
    for push in [false, true] {
        let (cloud, project) = stage();
        let Some(disk) = SmallDisk::mount(&project.root.join(".plumb"), "4m") else { return };
        let mut run = with_cpu_in_flight(&cloud, &project);
        let so_far = changes(&cloud);
        // Room for records, and none for a state.
        disk.fill(8 * 1024);
        go_on(&cloud);
        assert_eq!(run.end(), 1, "{}", run.stderr());
        let said = run.stderr();
        assert!(said.contains("the state is not saved: "), "{said}");
        let command =
            said.split('`').find(|part| part.starts_with("plumb state push ")).expect("the command");
        let file = PathBuf::from(command.rsplit(' ').next().expect("a file"));
        assert!(project.root.join(&file).exists(), "{said}");
        disk.empty();
        if push {
            let args: Vec<&str> = command.split(' ').skip(1).collect();
            assert!(project.ok(&args).stdout.starts_with("Pushed; "), "{said}");
            assert!(!project.root.join(".plumb/journal").exists());
            project.ok(&["plan", "--detailed-exitcode"]);
        }
        finishes(&cloud, &project, so_far + 1);
    }
}

#[test]
fn a_state_replaced_under_a_running_apply_ends_all_requests() {
    let (cloud, project) = stage();
    let mut run = with_cpu_in_flight(&cloud, &project);
    let so_far = changes(&cloud);
    let state = project.root.join(".plumb/state.json");
    let good = fs::read(&state).expect("a state");
    let text = String::from_utf8(good.clone()).expect("text");
    let other: Value = serde_json::from_str(&text).expect("JSON");
    fs::write(project.root.join("edited.json"), other.to_string()).expect("written");
    fs::rename(project.root.join("edited.json"), &state).expect("a rename, as editors and git do it");
    go_on(&cloud);
    assert_eq!(run.end(), 1, "{}", run.stderr());
    assert!(run.stderr().contains("was replaced while this run was going on"), "{}", run.stderr());
    assert_eq!(changes(&cloud), so_far, "gpu waits for cpu, and is not begun");
    let said = project.run(&["apply", "--auto-approve"]);
    assert_eq!(said.code, 1);
    let command =
        said.stderr.split('`').find(|part| part.starts_with("plumb state push ")).expect("the command");
    project.ok(&command.split(' ').skip(1).collect::<Vec<_>>());
    finishes(&cloud, &project, so_far + 1);
}

#[test]
fn everything_in_the_states_directory_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = Project::empty();
    project.write("plumb.toml", "[project]\nname = \"modes\"\n");
    project.write("manifests/all.yaml", BASE);
    let plumb = project.command(&[]);
    let mut command = Command::new("sh");
    command.args(["-c", "umask 022 && exec \"$0\" apply --auto-approve"]).arg(plumb.get_program());
    command.current_dir(&project.root).env_clear().envs(plumb.get_envs().filter_map(|(k, v)| Some((k, v?))));
    assert!(command.output().expect("sh runs").status.success());
    project.ok(&["taint", "workspace/research"]);
    let mut open = vec![project.root.join(".plumb")];
    let mut seen = 0;
    while let Some(path) = open.pop() {
        let metadata = fs::metadata(&path).expect("it is there");
        let mode = metadata.permissions().mode() & 0o777;
        assert_eq!(mode, if metadata.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
        seen += 1;
        if metadata.is_dir() {
            open.extend(
                fs::read_dir(&path).expect("a directory").map(|entry| entry.expect("an entry").path()),
            );
        }
    }
    assert!(seen > 10, "{seen} files");
}
