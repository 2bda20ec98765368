//! `az batchai cluster create`, the old command line, read as it was (batch-ai facts §7): what its arguments and its
//! configuration file said together.

use std::collections::BTreeMap;

use model::{Json, image};
use serde_json::json;

use super::OldCluster;
use super::shell::{Line, split};

/// Arguments that take a value, by all their names; the first is what they are known by here.
const OPTIONS: &[&[&str]] = &[
    &["--name", "-n"],
    &["--workspace", "-w"],
    &["--resource-group", "-g"],
    &["--config-file", "-f"],
    &["--vm-size", "-s"],
    &["--vm-priority"],
    &["--target", "-t"],
    &["--min"],
    &["--max"],
    &["--image", "-i"],
    &["--custom-image"],
    &["--storage-account-name"],
    &["--storage-account-key"],
    &["--afs-name"],
    &["--afs-mount-path"],
    &["--bfs-name"],
    &["--bfs-mount-path"],
    // The second is what an old article called it; no released client knew it.
    &["--nfs", "--nfs-name"],
    &["--nfs-mount-path"],
    &["--setup-task"],
    &["--setup-task-output"],
    &["--user-name", "-u"],
    &["--ssh-key", "-k"],
    &["--password", "-p"],
    &["--subnet"],
    &["--subscription"],
    &["--output", "-o"],
    &["--query"],
];

/// Arguments that stand alone.
const SWITCHES: &[&str] =
    &["--use-auto-storage", "--generate-ssh-keys", "--no-wait", "--debug", "--verbose", "--only-show-errors"];

/// What an auto storage account had in every region, and where it was mounted.
pub(super) const AUTO_SHARE: (&str, &str) = ("batchaishare", "autoafs");
/// The same for its container.
pub(super) const AUTO_CONTAINER: (&str, &str) = ("batchaicontainer", "autobfs");

/// Stands for the account that nobody named.
const UNNAMED: &str = "<AZURE_BATCHAI_STORAGE_ACCOUNT>";

/// One `az batchai cluster create`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// `FILE:LINE`.
    label: String,
    given: BTreeMap<&'static str, String>,
}

/// The commands that create clusters among those of a script. `name` is what to call the script.
pub fn commands(name: &str, text: &str) -> Result<Vec<Command>, Vec<String>> {
    let lines = split(text).map_err(|why| vec![format!("{name}: {why}")])?;
    let creates = |line: &&Line| {
        let words: Vec<&str> = line.words.iter().map(String::as_str).collect();
        words.starts_with(&["az", "batchai", "cluster", "create"])
    };
    let mut wrong = Vec::new();
    let mut found = Vec::new();
    for line in lines.iter().filter(creates) {
        match Command::read(format!("{name}:{}", line.number), line) {
            Ok(command) => found.push(command),
            Err(why) => wrong.push(why),
        }
    }
    if found.is_empty() && wrong.is_empty() {
        wrong.push(format!("{name}: there is no `az batchai cluster create` in it"));
    }
    if wrong.is_empty() { Ok(found) } else { Err(wrong) }
}

impl Command {
    fn read(label: String, line: &Line) -> Result<Self, String> {
        if let [first, ..] = line.variables.as_slice() {
            return Err(format!(
                "{label}: `${first}` is a variable of a shell: write its value in its place"
            ));
        }
        let mut given = BTreeMap::new();
        let mut words = line.words[4..].iter();
        while let Some(word) = words.next() {
            let (name, beside) = match word.split_once('=').filter(|_| word.starts_with("--")) {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            if let Some(switch) = SWITCHES.iter().find(|switch| **switch == name) {
                given.insert(*switch, String::new());
                continue;
            }
            let Some(option) = OPTIONS.iter().find(|names| names.contains(&name)) else {
                return Err(format!("{label}: `{name}` is no argument of `az batchai cluster create`"));
            };
            let value = beside.or_else(|| words.next().cloned());
            let value = value.ok_or_else(|| format!("{label}: `{name}` has no value"))?;
            given.insert(option[0], value);
        }
        if !given.contains_key("--name") {
            return Err(format!("{label}: there is no `--name`"));
        }
        Ok(Self { label, given })
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(String::as_str)
    }

    /// The cluster that it made. `read` gives the text of a file that the command names.
    pub fn cluster(&self, read: &dyn Fn(&str) -> Result<String, String>) -> Result<OldCluster, String> {
        let wrong = |why: String| format!("{}: {why}", self.label);
        let body = self.body(read).map_err(wrong)?;
        let name = self.get("--name").unwrap_or_default().to_owned();
        Ok(OldCluster { label: self.label.clone(), name, body, location: None, tags: BTreeMap::new() })
    }

    fn body(&self, read: &dyn Fn(&str) -> Result<String, String>) -> Result<Json, String> {
        let mut body = match self.get("--config-file") {
            Some(file) => crate::foreign::json(&read(file)?).map_err(|why| format!("{file} {why}"))?,
            None => json!({}),
        };
        if !body.is_object() {
            return Err("the configuration file is no JSON object".to_owned());
        }
        if body.get("properties").is_none() {
            body["properties"] = json!({});
        }
        let properties = &mut body["properties"];
        if let Some(size) = self.get("--vm-size") {
            properties["vmSize"] = json!(size);
        }
        if let Some(priority) = self.get("--vm-priority") {
            properties["vmPriority"] = json!(priority);
        }
        if let Some(scale) = self.scale()? {
            properties["scaleSettings"] = scale;
        }
        if let Some(image) = self.get("--image") {
            let whole =
                image::canonical(image).ok_or_else(|| format!("`--image {image}`: that is no image"))?;
            properties["virtualMachineConfiguration"] = json!({ "imageReference": image::to_arm(&whole) });
        }
        if let Some(id) = self.get("--custom-image") {
            properties["virtualMachineConfiguration"]["imageReference"]["virtualMachineImageId"] = json!(id);
        }
        if let Some(subnet) = self.get("--subnet") {
            properties["subnet"] = json!({ "id": subnet });
        }
        self.account(properties, read)?;
        self.setup_task(properties);
        self.mounts(properties);
        if properties.get("vmSize").is_none() {
            return Err("neither `--vm-size` nor a configuration file says its size".to_owned());
        }
        if properties.get("scaleSettings").is_none() {
            return Err(
                "neither `--target`, `--min` and `--max` nor a configuration file says its scale".to_owned()
            );
        }
        Ok(body)
    }

    /// What the old client made of `--target`, `--min` and `--max`.
    fn scale(&self) -> Result<Option<Json>, String> {
        let number = |name: &str| match self.get(name).map(|text| (text, text.parse::<i64>())) {
            None => Ok(None),
            Some((_, Ok(number))) => Ok(Some(number)),
            Some((text, Err(_))) => Err(format!("`{name} {text}`: that is no number")),
        };
        let fixed = |target: i64| json!({ "manual": { "targetNodeCount": target } });
        let range = |min: i64, max: i64, initial: i64| json!({ "autoScale": { "minimumNodeCount": min, "maximumNodeCount": max, "initialNodeCount": initial } });
        Ok(match (number("--target")?, number("--min")?, number("--max")?) {
            (None, None, None) => None,
            (Some(target), None, None) => Some(fixed(target)),
            (_, Some(min), Some(max)) if min > max => return Err("`--min` is above `--max`".to_owned()),
            (target, Some(min), Some(max)) if min == max && target.is_none_or(|t| t == min) => {
                Some(fixed(min))
            }
            (target, Some(min), Some(max)) => Some(range(min, max, target.unwrap_or(0))),
            _ => return Err("`--min` and `--max` go together".to_owned()),
        })
    }

    fn account(
        &self,
        properties: &mut Json,
        read: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<(), String> {
        let mut set = |name: &str, value: &str| properties["userAccountSettings"][name] = json!(value);
        if let Some(user) = self.get("--user-name") {
            set("adminUserName", user);
        }
        if let Some(key) = self.get("--ssh-key") {
            let key = if key.contains(' ') { key.to_owned() } else { read(key)? };
            set("adminUserSshPublicKey", key.trim());
        }
        if let Some(password) = self.get("--password") {
            set("adminUserPassword", password);
        }
        Ok(())
    }

    fn setup_task(&self, properties: &mut Json) {
        for (option, name) in
            [("--setup-task", "commandLine"), ("--setup-task-output", "stdOutErrPathPrefix")]
        {
            if let Some(value) = self.get(option) {
                properties["nodeSetup"]["setupTask"][name] = json!(value);
            }
        }
    }

    fn mounts(&self, properties: &mut Json) {
        let account = self.get("--storage-account-name").unwrap_or(UNNAMED);
        let is_auto = self.get("--use-auto-storage").is_some();
        let mut mount = |list: &str, value: Json| {
            let volumes = &mut properties["nodeSetup"]["mountVolumes"][list];
            match volumes.as_array_mut() {
                Some(list) => list.push(value),
                None => *volumes = json!([value]),
            }
        };
        let share = |account: &str, share: &str, path: &str| {
            let url = format!("https://{account}.file.core.windows.net/{share}");
            json!({ "accountName": account, "azureFileUrl": url, "relativeMountPath": path })
        };
        let container = |account: &str, container: &str, path: &str| json!({ "accountName": account, "containerName": container, "relativeMountPath": path });
        if let Some(name) = self.get("--afs-name") {
            mount("azureFileShares", share(account, name, self.get("--afs-mount-path").unwrap_or("afs")));
        }
        if let Some(name) = self.get("--bfs-name") {
            mount(
                "azureBlobFileSystems",
                container(account, name, self.get("--bfs-mount-path").unwrap_or("bfs")),
            );
        }
        if is_auto {
            mount("azureFileShares", share(UNNAMED, AUTO_SHARE.0, AUTO_SHARE.1));
            mount("azureBlobFileSystems", container(UNNAMED, AUTO_CONTAINER.0, AUTO_CONTAINER.1));
        }
        if let Some(id) = self.get("--nfs") {
            let path = self.get("--nfs-mount-path").unwrap_or("nfs");
            mount(
                "fileServers",
                json!({ "fileServer": { "id": id }, "relativeMountPath": path, "mountOptions": "rw" }),
            );
        }
    }
}

/// Whether an account's name is a placeholder of configuration files, or none at all.
pub(super) fn is_unnamed(account: &str) -> bool {
    account.is_empty() || account.starts_with('<')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(body: &Json, path: &str) -> Option<i64> {
        model::compare::get(body, path).and_then(Json::as_i64)
    }

    fn body(arguments: &str) -> Result<Json, String> {
        let text = format!("az batchai cluster create -n nc6 -w recipes -g ml {arguments}");
        let found = commands("make.sh", &text).map_err(|why| why.join("; "))?;
        let read = |file: &str| match file {
            "cluster.json" => Ok(
                r#"{"properties":{"vmSize":"STANDARD_D1","scaleSettings":{"manual":{"targetNodeCount":2}}}}"#
                    .to_owned(),
            ),
            "id.pub" => Ok("ssh-rsa AAAA me\n".to_owned()),
            _ => Err(format!("{file}: no such file")),
        };
        found[0].cluster(&read).map(|cluster| cluster.body["properties"].clone())
    }

    #[test]
    fn scale_is_what_the_old_client_made_of_it() {
        let scale = |arguments: &str| {
            body(&format!("-s Standard_NC6 {arguments}")).map(|b| b["scaleSettings"].clone())
        };
        let fixed = |n: i64| Ok(json!({ "manual": { "targetNodeCount": n } }));
        let range = |min: i64, max: i64, initial: i64| {
            Ok(
                json!({ "autoScale": { "minimumNodeCount": min, "maximumNodeCount": max, "initialNodeCount": initial } }),
            )
        };
        assert_eq!(scale("-t 3"), fixed(3));
        assert_eq!(scale("--min 2 --max 2"), fixed(2));
        assert_eq!(scale("--min 2 --max 2 -t 2"), fixed(2));
        assert_eq!(scale("--min 2 --max 2 -t 1"), range(2, 2, 1));
        assert_eq!(scale("--min=0 --max=2"), range(0, 2, 0));
        for (arguments, said) in [
            ("", "says its scale"),
            ("--min 1", "go together"),
            ("--min 2 --max 1", "above"),
            ("-t x", "no number"),
        ] {
            assert!(scale(arguments).expect_err(arguments).contains(said), "{arguments}");
        }
    }

    #[test]
    fn arguments_win_over_the_configuration_file() {
        let made = body(
            "-f cluster.json -s STANDARD_NC6 -u me -k id.pub --afs-name files --storage-account-name acc",
        );
        let made = made.expect("a cluster");
        assert_eq!(
            (&made["vmSize"], number(&made, "scaleSettings.manual.targetNodeCount")),
            (&json!("STANDARD_NC6"), Some(2))
        );
        assert_eq!(
            made["userAccountSettings"],
            json!({ "adminUserName": "me", "adminUserSshPublicKey": "ssh-rsa AAAA me" })
        );
        assert_eq!(
            made["nodeSetup"]["mountVolumes"]["azureFileShares"][0]["azureFileUrl"],
            "https://acc.file.core.windows.net/files"
        );
    }

    #[test]
    fn what_it_never_took_is_refused_with_its_line() {
        let said = |text: &str| commands("make.sh", text).expect_err(text).join("\n");
        assert_eq!(
            said("\naz batchai cluster create -n a --what 1"),
            "make.sh:2: `--what` is no argument of `az batchai cluster create`"
        );
        assert_eq!(
            said("az batchai cluster create -n $NAME"),
            "make.sh:1: `$NAME` is a variable of a shell: write its value in its place"
        );
        assert_eq!(said("az batchai cluster create -n"), "make.sh:1: `-n` has no value");
        assert_eq!(said("az batchai cluster create -t 1"), "make.sh:1: there is no `--name`");
        assert_eq!(said("az group create"), "make.sh: there is no `az batchai cluster create` in it");
        assert!(body("-f none.json").expect_err("no file").contains("none.json: no such file"));
        assert!(body("-t 1").expect_err("no size").contains("says its size"));
    }
}
