//! `testdata/scenarios/*.txt`: commands and what they print, in one file each, against the emulator.
//!
//! | line | what it does |
//! |---|---|
//! | `# …` | a remark |
//! | `file PATH` … `end` | writes a file of the project |
//! | `$ plumb …` | runs it; its stdout follows, its exit code when that is not 0 |
//! | `$! plumb …` | the same, with stderr after stdout |
//! | `edit ID JSON`, `vanish ID` | somebody changes the cloud; `~` stands for the workspace's ARM id |
//! | `share PATH TEXT`, `unshare PATH` | somebody puts a file on the workspace's share, or takes it away |
//! | `option NAME VALUE` | before the first command: how the emulator behaves |
//! | `requests` | the writes since the last time, as the emulator saw them |
//!
//! `make golden` rewrites what follows the commands.

use std::fs;
use std::path::Path;

use emulator::{Method, Options, UpdateSchedules};
use serde_json::Value;

use crate::cloud::{Cloud, is_write};
use crate::project::Project;

const WORKSPACE: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/ml/providers/Microsoft.MachineLearningServices/workspaces/research";

#[test]
fn every_scenario_goes_as_written() {
    let folder = testkit::workspace_root().join("testdata/scenarios");
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("there are scenarios").map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        play(&path);
    }
}

fn play(path: &Path) {
    let text = fs::read_to_string(path).expect("scenarios are text");
    let mut stage =
        Stage { project: Project::empty(), cloud: None, options: Options::default(), out: String::new() };
    stage.project.write(
        "plumb.toml",
        "[project]\nname = \"scenario\"\n\n[cloud]\nsubscription = \"00000000-0000-0000-0000-000000000001\"\n",
    );
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "#" | "" => stage.echo(line),
            "file" => {
                stage.echo(line);
                let content: Vec<&str> = lines.by_ref().take_while(|l| *l != "end").collect();
                content.iter().for_each(|l| stage.echo(l));
                stage.echo("end");
                stage.project.write(rest, &format!("{}\n", content.join("\n")));
                skip_output(&mut lines);
            }
            "option" => {
                stage.echo(line);
                stage.option(rest);
            }
            "$" | "$!" => {
                stage.echo(line);
                skip_output(&mut lines);
                stage.plumb(rest, word == "$!");
            }
            "edit" | "vanish" => {
                stage.echo(line);
                stage.change(word, rest);
            }
            "share" | "unshare" => {
                stage.echo(line);
                let (path, text) = rest.split_once(' ').unwrap_or((rest, ""));
                stage.cloud().share(WORKSPACE, path, (word == "share").then_some(text));
            }
            "requests" => {
                stage.echo(line);
                skip_output(&mut lines);
                stage.requests();
            }
            _ => panic!("{}: `{line}` is no line of a scenario", path.display()),
        }
    }
    testkit::golden(path, &stage.out);
}

/// What a command printed is indented by four spaces.
fn skip_output<'a>(lines: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>) {
    while lines.next_if(|l| l.starts_with("    ")).is_some() {}
}

struct Stage {
    project: Project,
    cloud: Option<Cloud>,
    options: Options,
    out: String,
}

impl Stage {
    fn echo(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn indented(&mut self, text: &str) {
        for line in text.lines() {
            self.echo(&format!("    {line}"));
        }
    }

    fn option(&mut self, text: &str) {
        match text.split_once(' ') {
            Some(("schedules", "ignored")) => self.options.update_schedules = UpdateSchedules::Ignored,
            Some(("schedules", "missing")) => self.options.update_schedules = UpdateSchedules::Missing,
            Some(("patch_status", "202")) => self.options.patch_status = 202,
            _ => panic!("no such option: {text}"),
        }
    }

    fn cloud(&mut self) -> &mut Cloud {
        let options = self.options.clone();
        self.cloud.get_or_insert_with(|| Cloud::start(options))
    }

    fn plumb(&mut self, line: &str, with_stderr: bool) {
        let endpoint = self.cloud().endpoint();
        self.project.endpoint = Some(endpoint.clone());
        let words = words(line.strip_prefix("plumb").expect("scenarios run plumb"));
        let mut args: Vec<&str> = words.iter().map(String::as_str).collect();
        if matches!(args[0], "apply" | "destroy") {
            // One step at a time, so that requests come in one order.
            args.extend(["--parallelism", "1"]);
        }
        let said = self.project.run(&args);
        let root = self.project.root.display().to_string();
        let calm = |text: &str| {
            timeless(&text.replace(&endpoint, "http://127.0.0.1:PORT").replace(&root, "PROJECT"))
        };
        self.indented(&calm(&said.stdout));
        if with_stderr {
            let stderr = calm(&said.stderr);
            self.indented(&stderr);
        }
        if said.code != 0 {
            self.indented(&format!("(exit {})", said.code));
        }
        assert!(with_stderr || said.code != 1, "plumb {line}\n{}{}", said.stdout, said.stderr);
    }

    fn change(&mut self, word: &str, rest: &str) {
        let (id, json) = rest.split_once(' ').unwrap_or((rest, "null"));
        let path = format!("resource?id={}", id.replace('~', WORKSPACE));
        let body: Value = serde_json::from_str(json).expect("edits are JSON");
        match word {
            "edit" => self.cloud().control(Method::Patch, &path, Some(&body)),
            _ => self.cloud().control(Method::Delete, &path, None),
        };
    }

    fn requests(&mut self) {
        let requests = self.cloud().new_requests();
        let writes: Vec<String> = requests.iter().filter(|r| is_write(r)).map(shortened).collect();
        self.indented(if writes.is_empty() { "(none)".to_owned() } else { writes.join("\n") }.as_str());
    }
}

/// A text with `TIME` for each moment in it, as `2026-11-21T17:42:19Z` or without its marks, and `Ns` for what took long.
fn timeless(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let words = line.split_inclusive([' ', '/', '"', '_']).map(|word| {
            let bare = word.trim_end_matches([' ', '/', '"', '_', ',']);
            let digits = bare.chars().filter(char::is_ascii_digit).count();
            let is_time = digits == 14 && bare.ends_with('Z') && bare.starts_with("20");
            if is_time { word.replacen(bare, "TIME", 1) } else { word.to_owned() }
        });
        let line: String = words.collect();
        match line.split_once(" complete after ") {
            Some((before, after)) if after.starts_with(|c: char| c.is_ascii_digit()) => {
                format!("{before} complete after N{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
            }
            _ => line,
        }
    });
    lines.map(|line| line + "\n").collect()
}

/// `PATCH ~/computes/cpu 200 {…}`
fn shortened(request: &Value) -> String {
    let text = |name: &str| request[name].as_str().unwrap_or_default();
    let path = text("path").replace(WORKSPACE, "~");
    let path = path.replace("/_files/researchst8dea7851/code-8dea7851-6db2-5c7f-8e09-9e106ebb24cb", "SHARE");
    let path = path.strip_prefix("/subscriptions/00000000-0000-0000-0000-000000000001").unwrap_or(&path);
    let body = if request["body"].is_null() { String::new() } else { format!(" {}", request["body"]) };
    let query: Vec<&str> =
        text("query").split('&').filter(|q| !q.is_empty() && !q.starts_with("api-version")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    format!("{} {path}{query} {}{body}", text("method"), request["status"])
}

/// Words of a command line; single quotes keep spaces.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('\'').enumerate() {
        match index % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}
