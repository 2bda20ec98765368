//! Saved plans in files: written whole, for their owner only, and read back with what they were asked for.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use planner::{Approval, Asked, Options};

use crate::args::{Apply, Plan, Planning};
use crate::engine;
use crate::failure::Failure;
use crate::session::Session;
use crate::settings::Settings;

/// Larger than any plan: reading stops before memory does.
const BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A saved plan, and the file it stands in.
pub struct Saved {
    /// The file, as it was named.
    pub path: PathBuf,
    /// What it approves.
    pub approval: Approval,
}

/// What the command line of a plan asked for, as far as a file may keep it.
pub fn asked(args: &Plan, session: &Session) -> Asked {
    let Settings { variables, variable_files, .. } = &session.settings;
    let name = |flag: &String| flag.split('=').next().unwrap_or_default().to_owned();
    let is_secret = |flag: &&String| session.project.variables.get(&name(flag)).is_none_or(|v| v.sensitive);
    let (secret, plain): (Vec<&String>, Vec<&String>) = variables.iter().partition(is_secret);
    Asked {
        variables: plain.into_iter().cloned().collect(),
        withheld: secret.into_iter().map(name).collect(),
        variable_files: variable_files.iter().map(|file| file.display().to_string()).collect(),
        max_deletes: args.planning.max_deletes,
        accept_older_state: args.planning.accept_older_state,
    }
}

/// Refuses what cannot be saved, before anything is read.
pub fn check(args: &Plan) -> Result<(), Failure> {
    let Some(path) = &args.out else { return Ok(()) };
    if !args.planning.refresh {
        let words = "--out: a saved plan says what Azure looked like, so that nothing else is done to it later; leave --refresh=false out";
        return Err(anyhow!(words).into());
    }
    if path.exists() && !read(path).is_ok_and(|bytes| Approval::is_one(&bytes)) {
        return Err(anyhow!("{} exists and is no saved plan; name another file", path.display()).into());
    }
    Ok(())
}

/// Writes a file for its owner only: the whole of it, or nothing.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".plumb-").suffix(".tmp").tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        std::fs::File::open(folder)?.sync_all()
    };
    Ok(write().with_context(|| format!("saving the plan in {}", path.display()))?)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        bail!("it is not a regular file");
    }
    if metadata.len() > BYTES_MAX {
        bail!("it has {} bytes, more than {BYTES_MAX}", metadata.len());
    }
    Ok(std::fs::read(path)?)
}

/// The plan in a file, if nobody changed it and it was made for this state.
pub async fn open(path: &Path, session: &Session) -> Result<Saved, Failure> {
    let name = path.display();
    let bytes = read(path).with_context(|| format!("reading the saved plan {name}"))?;
    let seal = engine::seal(session).await?;
    let approval = Approval::decode(&bytes, &seal).map_err(|why| {
        let words = plan_words(&session.settings, &[], path);
        anyhow!("the saved plan {name} {why}\nplan again: `{words}`")
    })?;
    Ok(Saved { path: path.to_owned(), approval })
}

/// Opens the plan that is to be applied, if one is named, and takes over what it was asked for.
pub async fn take(args: &Apply, session: &mut Session) -> Result<(), Failure> {
    let Some(path) = &args.file else { return Ok(()) };
    let said = &args.carry.planning;
    if *said
        != (Planning {
            parallelism: said.parallelism,
            skip_preflight: said.skip_preflight,
            ..Planning::unsaid()
        })
    {
        let words = format!(
            "{} was planned with options of its own: leave those that shape a plan out, or plan again with them",
            path.display()
        );
        return Err(anyhow!(words).into());
    }
    let saved = open(path, session).await?;
    saved.same_environment(&session.settings)?;
    let approval = &saved.approval;
    let given = |name: &&String| {
        let flag = format!("{name}=");
        let variable = format!("PLUMB_VAR_{name}");
        session.settings.variables.iter().any(|v| v.starts_with(&flag))
            || std::env::var_os(variable).is_some()
    };
    if let Some(missing) = approval.asked.withheld.iter().find(|name| !given(name)) {
        let words = format!(
            "{} was planned with `--var {missing}=…`, which is a secret and stands in no file\ngive it again: `{}`, or set PLUMB_VAR_{missing}",
            path.display(),
            saved.apply_command(&session.settings)
        );
        return Err(anyhow!(words).into());
    }
    let settings = &mut session.settings;
    settings.variables.splice(0..0, approval.asked.variables.iter().cloned());
    settings.variable_files.splice(0..0, approval.asked.variable_files.iter().map(Into::into));
    session.approved = Some(saved);
    Ok(())
}

impl Saved {
    /// Another environment has another state, other variables and perhaps another cloud.
    fn same_environment(&self, settings: &Settings) -> Result<(), Failure> {
        let (then, now) = (&self.approval.ground.environment, &settings.environment);
        if then == now {
            return Ok(());
        }
        let named = |name: &str| match name {
            "" => "no environment".to_owned(),
            name => format!("environment {name}"),
        };
        let there = Settings { environment: then.clone(), ..settings.clone() };
        let words = format!(
            "the saved plan {} is for {}, and this is {}\nto apply it there: `{}`",
            self.path.display(),
            named(then),
            named(now),
            self.apply_command(&there)
        );
        Err(anyhow!(words).into())
    }

    /// The command that applies it.
    pub fn apply_command(&self, settings: &Settings) -> String {
        let secrets = self.approval.asked.withheld.iter().map(|name| format!("--var {name}=…"));
        let words = ["plumb apply".to_owned()].into_iter().chain(place(settings)).chain(secrets);
        words.chain([quoted(&self.path.display().to_string())]).collect::<Vec<_>>().join(" ")
    }

    /// The command that plans the same again.
    pub fn plan_command(&self, settings: &Settings) -> String {
        plan_words(settings, &flags(&self.approval), &self.path)
    }
}

fn plan_words(settings: &Settings, flags: &[String], path: &Path) -> String {
    let mut words = vec!["plumb plan".to_owned()];
    words.extend(place(settings));
    words.extend_from_slice(flags);
    words.push(format!("--out {}", quoted(&path.display().to_string())));
    words.join(" ")
}

/// Which project and environment.
fn place(settings: &Settings) -> Vec<String> {
    let root = settings.root.display().to_string();
    let directory = (root != ".").then(|| format!("-C {}", quoted(&root)));
    let environment =
        (!settings.environment.is_empty()).then(|| format!("-e {}", quoted(&settings.environment)));
    directory.into_iter().chain(environment).collect()
}

/// The flags that a plan was made with.
fn flags(approval: &Approval) -> Vec<String> {
    let Options {
        cloud: _,
        environment: _,
        replace,
        targets,
        excludes,
        refresh_only,
        allow_empty,
        accept_cloud,
        destroy,
        revert,
        max_deletes: _,
        allow_missing,
        trust_secrets,
        show_unmanaged: _,
    } = &approval.options;
    let Asked { variables, withheld, variable_files, max_deletes, accept_older_state } = &approval.asked;
    let switches = [
        (*destroy, "--destroy"),
        (*refresh_only, "--refresh-only"),
        (*allow_empty, "--allow-empty"),
        (*allow_missing, "--allow-missing"),
        (*trust_secrets, "--trust-secrets"),
        (*accept_older_state, "--accept-older-state"),
    ];
    let mut flags: Vec<String> =
        switches.into_iter().filter(|(given, _)| *given).map(|(_, flag)| flag.to_owned()).collect();
    flags.extend(targets.iter().map(|pattern| format!("--target {}", quoted(pattern))));
    flags.extend(excludes.iter().map(|pattern| format!("--exclude {}", quoted(pattern))));
    flags.extend(accept_cloud.iter().map(|cloud| format!("--accept-other-cloud {}", quoted(cloud))));
    flags.extend(replace.iter().map(|address| format!("--replace {}", quoted(address.as_str()))));
    flags.extend(revert.iter().map(|past| format!("--revert {}", past.run)));
    flags.extend(max_deletes.iter().map(|most| format!("--max-deletes {most}")));
    flags.extend(variable_files.iter().map(|file| format!("--var-file {}", quoted(file))));
    flags.extend(variables.iter().map(|flag| format!("--var {}", quoted(flag))));
    flags.extend(withheld.iter().map(|name| format!("--var {name}=…")));
    flags
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
