//! The mount script of `plumb/dsvm-pool`, run by a real shell in a root of its own, where `mount` and its like are stubs
//! that keep a table as the kernel does.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use manifest::{Inputs, NoFiles, Project, load};
use model::{Json, Sources, Value};
use tempfile::TempDir;

const KEY: &str = "c4nary+/key==";

/// Appends what fstab says of a mount point to the table of mounts.
const MOUNT: &str = r#"echo "mount $*" >>"$ROOT/log"
[ ! -e "$ROOT/refuse" ] || exit 32
[ -e "$ROOT/lie" ] || awk -v at="$1" '$2 == at' "$ROOT/etc/fstab" >>"$ROOT/mounts"
"#;

const UNMOUNT: &str = r#"echo "umount $*" >>"$ROOT/log"
awk -v at="$1" '$2 != at' "$ROOT/mounts" >"$ROOT/mounts.new" && mv "$ROOT/mounts.new" "$ROOT/mounts"
"#;

/// A machine as the script sees it.
struct Machine {
    root: TempDir,
    user: String,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { root: tempfile::tempdir().expect("a folder"), user: own_name() };
        for folder in ["bin", "etc", &format!("home/{}", machine.user)] {
            fs::create_dir_all(machine.path(folder)).expect("made");
        }
        for (name, text) in [("mount", MOUNT), ("umount", UNMOUNT), ("mount.cifs", ""), ("systemctl", "")] {
            let path = machine.path(&format!("bin/{name}"));
            fs::write(&path, format!("#!/bin/sh\n{text}")).expect("written");
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("made to run");
        }
        fs::write(machine.path("mounts"), "").expect("written");
        fs::write(machine.path("etc/fstab"), "LABEL=root / ext4 defaults 0 1\n").expect("written");
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn mount_point(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The script as a pool would have it that mounts there, with this key.
    fn script(&self, mount_point: &str, key: &str) -> String {
        let place = |name: &str| self.path(name).display().to_string();
        script(mount_point, &self.user, key)
            .replace("\netc=/etc\n", &format!("\netc={}\n", place("etc")))
            .replace("\nhome=/home\n", &format!("\nhome={}\n", place("home")))
            .replace("\nmounts=/proc/mounts\n", &format!("\nmounts={}\n", place("mounts")))
    }

    fn run(&self, mount_point: &str, key: &str) -> Output {
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").expect("a PATH"));
        fs::write(self.path("script"), self.script(mount_point, key)).expect("written");
        let mut command = Command::new("sh");
        command.arg(self.path("script")).env("PATH", path).env("ROOT", self.root.path());
        command.output().expect("there is a shell")
    }

    fn ok(&self, mount_point: &str, key: &str) {
        let output = self.run(mount_point, key);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(!format!("{output:?}").contains(key), "the key is said aloud");
    }

    /// What a run that must fail says.
    fn refused(&self, mount_point: &str) -> String {
        let output = self.run(mount_point, KEY);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).expect("text")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).expect("it is there").permissions().mode() & 0o777
    }

    fn link(&self, name: &str) -> Option<PathBuf> {
        fs::read_link(self.path(&format!("home/{}/{name}", self.user))).ok()
    }
}

fn own_name() -> String {
    let said = Command::new("id").arg("-un").output().expect("there is an `id`").stdout;
    String::from_utf8(said).expect("a name").trim().to_owned()
}

/// The script, once the account is there.
fn script(mount_point: &str, user: &str, key: &str) -> String {
    let with = serde_json::json!({
        "name": "lab", "resource_group": "ml", "location": "westeurope", "storage_account": "labfiles",
        "mount_point": mount_point, "admin_username": user,
    });
    let mut sources = Sources::default();
    let text = format!("uses: plumb/dsvm-pool\nname: pool\nwith: {with}\n");
    let source = sources.add("m.yaml", text);
    let project = Project::default();
    let variables = Vec::new();
    let inputs = Inputs { project: &project, environment: "", variables, subscription: "s", files: &NoFiles };
    let loaded = load(&mut sources, &[source], &inputs);
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    let scripts = loaded.resources.iter().find_map(|resource| resource.attributes.get("script"));
    let Some(Value::Deferred(script)) = scripts else { panic!("a script that waits for the account") };
    assert!(script.is_secret());
    let lookup = |_: &model::Address, name: &str| match name {
        "key" => Some(Json::from(key)),
        "file_endpoint" => Some(Json::from("https://labfiles.file.core.windows.net/")),
        _ => None,
    };
    let text = script.evaluate(&lookup).expect("it evaluates").expect("all is known");
    text.as_str().expect("text").to_owned()
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

#[test]
fn it_is_a_shell_script_and_asks_no_bash() {
    let machine = Machine::new();
    fs::write(machine.path("script"), script("/mnt/x", "o'brien", KEY)).expect("written");
    let said = Command::new("sh").arg("-n").arg(machine.path("script")).output().expect("a shell");
    assert!(said.status.success() && said.stderr.is_empty(), "{said:?}");
    assert!(machine.read("script").starts_with("#!/bin/sh\n"));
}

#[test]
fn a_machine_mounts_the_share_now_and_at_every_start() {
    let machine = Machine::new();
    let at = machine.mount_point("mnt/share");
    machine.ok(&at, KEY);
    let source = "//labfiles.file.core.windows.net/dsvmshare";
    let credentials = machine.path("etc/smbcredentials/labfiles.cred").display().to_string();
    let line = format!(
        "{source} {at} cifs credentials={credentials},dir_mode=0777,file_mode=0777,_netdev,nofail 0 0"
    );
    assert_eq!(machine.read("mounts"), format!("{line}\n"));
    let fstab = machine.read("etc/fstab");
    assert_eq!(
        fstab,
        format!("LABEL=root / ext4 defaults 0 1\n# plumb/dsvm-pool begin\n{line}\n# plumb/dsvm-pool end\n")
    );
    assert_eq!(machine.mode("etc/fstab"), 0o644);
    assert_eq!(
        machine.read("etc/smbcredentials/labfiles.cred"),
        format!("username=labfiles\npassword={KEY}\n")
    );
    assert_eq!(machine.mode("etc/smbcredentials/labfiles.cred"), 0o600);
    assert_eq!(machine.mode("etc/smbcredentials"), 0o700);
    assert!(machine.path(&format!("mnt/share/notebooks/{}", machine.user)).is_dir());
    assert_eq!(machine.link("share"), Some(PathBuf::from(&at)));
    let notebooks = format!("{at}/notebooks/{}", machine.user);
    assert_eq!(machine.link("notebooks/remote"), Some(PathBuf::from(notebooks)));
    for name in ["etc", "home", "mnt"] {
        assert!(machine.path(name).is_dir());
    }
}

#[test]
fn a_second_run_changes_nothing_and_another_key_mounts_anew() {
    let machine = Machine::new();
    let at = machine.mount_point("mnt/share");
    machine.ok(&at, KEY);
    let (fstab, mounts) = (machine.read("etc/fstab"), machine.read("mounts"));
    machine.ok(&at, KEY);
    assert_eq!((machine.read("etc/fstab"), machine.read("mounts")), (fstab, mounts.clone()));
    assert_eq!(machine.read("log"), format!("mount {at}\n"));
    let inner = machine.path("mnt/share/share");
    assert!(!exists(&inner), "no link inside the link");
    machine.ok(&at, "c4nary-renewed");
    assert_eq!(machine.read("log"), format!("mount {at}\numount {at}\nmount {at}\n"));
    assert_eq!(machine.read("mounts"), mounts);
}

#[test]
fn another_mount_point_leaves_nothing_of_the_old_one() {
    let machine = Machine::new();
    let (old, new) = (machine.mount_point("mnt/old"), machine.mount_point("mnt/new"));
    machine.ok(&old, KEY);
    machine.ok(&new, KEY);
    assert_eq!(machine.read("log"), format!("mount {old}\numount {old}\nmount {new}\n"));
    assert!(!machine.read("etc/fstab").contains(&old) && machine.read("etc/fstab").contains(&new));
    assert_eq!((machine.link("old"), machine.link("new")), (None, Some(PathBuf::from(&new))));
}

#[test]
fn what_goes_wrong_ends_it() {
    let machine = Machine::new();
    let at = machine.mount_point("mnt/share");
    fs::write(machine.path("refuse"), "").expect("written");
    assert!(machine.refused(&at).contains("cannot mount //labfiles.file.core.windows.net/dsvmshare"));
    fs::remove_file(machine.path("refuse")).expect("removed");
    fs::write(machine.path("lie"), "").expect("written");
    assert!(machine.refused(&at).contains("is not mounted at"));
    fs::remove_file(machine.path("lie")).expect("removed");
    for wrong in ["relative/path", "/", "/mnt/a b", "/mnt/it's"] {
        assert!(machine.refused(wrong).contains("is no plain absolute path"), "{wrong}");
    }
    let in_the_way = machine.path(&format!("home/{}/share", machine.user));
    fs::create_dir_all(&in_the_way).expect("made");
    assert!(machine.refused(&at).contains("is in the way of a link"));
    fs::remove_dir(&in_the_way).expect("removed");
    symlink("/elsewhere", &in_the_way).expect("linked");
    machine.ok(&at, KEY);
    assert_eq!(machine.link("share"), Some(PathBuf::from(at)));
}

#[test]
fn a_machine_without_cifs_installs_it_or_ends() {
    let machine = Machine::new();
    fs::remove_file(machine.path("bin/mount.cifs")).expect("removed");
    let install = "#!/bin/sh\necho \"apt-get $*\" >>\"$ROOT/log\"\n";
    fs::write(machine.path("bin/apt-get"), install).expect("written");
    fs::set_permissions(machine.path("bin/apt-get"), fs::Permissions::from_mode(0o755)).expect("made to run");
    let at = machine.mount_point("mnt/share");
    if Command::new("mount.cifs").arg("-V").output().is_ok() {
        return; // the machine that tests has it, and nothing need be installed
    }
    machine.ok(&at, KEY);
    let log = machine.read("log");
    assert!(log.starts_with("apt-get -q update\napt-get -q -y install cifs-utils\nmount "), "{log}");
    fs::write(machine.path("bin/apt-get"), "#!/bin/sh\nexit 100\n").expect("written");
    assert!(machine.refused(&at).contains("cifs-utils cannot be installed"));
}
