//! `plumb migrate batch-ai`: clusters of the retired service become documents of Azure Machine Learning. Azure is read at
//! most; the report says of every field what became of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use executor::{Collection, Provider};
use manifest::migrate::{Fate, Migrated, OldCluster, Wishes, commands, migrate};
use manifest::{Document, write};
use model::{ArmId, Json, kinds};
use planner::render::escape;
use serde_json::json;

use super::writing;
use crate::args::{MigrateBatchAi, Planning};
use crate::engine::{self, Engine};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

/// The largest file of the old command line that is read.
const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The longest value that a report shows whole.
const SHOWN_MAX: usize = 60;

/// A file to write: its name below the project, and its text.
type File = (String, String);

/// Moves what the command line names.
pub async fn batch_ai(args: &MigrateBatchAi, session: &Session) -> Result<Exit, Failure> {
    let mut old = written(args)?;
    if !args.clusters.is_empty() {
        old.extend(live(&args.clusters, session).await?);
    }
    if old.is_empty() {
        Err(anyhow!(
            "say what to migrate: addresses or ARM ids of Batch AI's clusters or workspaces, --config-file FILE --name NAME, --command 'az batchai cluster create …', or --commands FILE"
        ))?;
    }
    let moved = migrate(&old, &wishes(args, session)).map_err(|wrong| anyhow!("{}", wrong.join("\n")))?;
    let folder = match &args.out {
        Some(folder) => writing::below(&session.settings.root, folder)?,
        None => "manifests/migrated".to_owned(),
    };
    let files = files(&moved, &folder);
    if !args.dry_run {
        write_all(&files, session)?;
    }
    let (scripts, manifests) = &files;
    let names: Vec<&str> = manifests.iter().chain(scripts).map(|(name, _)| name.as_str()).collect();
    output::result(&match args.json {
        true => output::json(&in_json(&moved, &names)),
        false => report(&moved, &files, args.dry_run),
    });
    Ok(Exit::Done)
}

fn wishes(args: &MigrateBatchAi, session: &Session) -> Wishes {
    let workspaces = session.manifests.graph.resources().iter().filter(|r| r.kind.name == "workspace");
    let mut named = workspaces.filter(|r| {
        r.address.id() == args.workspace || r.arm_id.as_ref().is_some_and(|id| id.same(&args.workspace))
    });
    let location = named.next().and_then(|r| r.text("location")).map(str::to_owned);
    Wishes {
        workspace: args.workspace.clone(),
        location,
        sizes: args.size.iter().cloned().collect(),
        names: args.rename.iter().cloned().collect(),
        max_when_empty: args.max_instances,
        storage_account: args.storage_account.clone(),
    }
}

/// Clusters that files and command lines describe.
fn written(args: &MigrateBatchAi) -> anyhow::Result<Vec<OldCluster>> {
    let mut found = Vec::new();
    if let (Some(file), Some(name)) = (&args.config_file, &args.name) {
        let label = file.display().to_string();
        found.push(OldCluster::configured(&label, &text(file)?, name).map_err(anyhow::Error::msg)?);
    }
    let scripts = args.commands.iter().map(|file| Ok((file.display().to_string(), text(file)?)));
    let typed = args.command.iter().map(|command| Ok(("--command".to_owned(), command.clone())));
    for script in scripts.chain(typed).collect::<anyhow::Result<Vec<_>>>()? {
        let (name, commands_text) = script;
        let read = |file: &str| text(Path::new(file)).map_err(|error| format!("{error:#}"));
        for command in commands(&name, &commands_text).map_err(|wrong| anyhow!("{}", wrong.join("\n")))? {
            found.push(command.cluster(&read).map_err(anyhow::Error::msg)?);
        }
    }
    Ok(found)
}

fn text(path: &Path) -> anyhow::Result<String> {
    let about = || path.display().to_string();
    let length = fs::metadata(path).with_context(about)?.len();
    if length > BYTES_MAX {
        bail!("{} has {length} bytes; at most {BYTES_MAX} are read", path.display());
    }
    fs::read_to_string(path).with_context(about)
}

/// Clusters that stand; of a workspace all of them.
async fn live(asked: &[String], session: &Session) -> Result<Vec<OldCluster>, Failure> {
    let snapshot = engine::snapshot(session).await?;
    let id_of = |text: &String| {
        let graph = session.manifests.graph.resources().iter();
        let by_document = graph.filter(|r| r.address.as_str() == text).find_map(|r| r.arm_id.clone());
        let by_state = snapshot.resources.iter().filter(|(a, _)| a.as_str() == text);
        let found = by_document.or_else(|| by_state.into_iter().find_map(|(_, entry)| entry.arm_id.clone()));
        found.or_else(|| ArmId::parse(text)).ok_or_else(|| {
            anyhow!("{text}: neither the address of a document or of the state, nor an ARM id")
        })
    };
    let ids: Vec<ArmId> = asked.iter().map(id_of).collect::<Result<_, _>>()?;
    let planning = Planning::reading();
    let engine = Engine::read_only(session, &planning, output::progress::Mode::Quiet).await?;
    let mut found = Vec::new();
    for id in &ids {
        match clusters_at(engine.provider(), id).await {
            Ok(clusters) => found.extend(clusters),
            Err(error) => {
                engine.stop().await;
                return Err(error);
            }
        }
    }
    engine.stop().await;
    Ok(found)
}

async fn clusters_at(provider: &dyn Provider, id: &ArmId) -> Result<Vec<OldCluster>, Failure> {
    let kind = |name| kinds::find(name).expect("BUG: Batch AI has its kinds");
    let (cluster, workspace) = (kind("batch_ai_cluster"), kind("batch_ai_workspace"));
    let is = |wanted: &str| kinds::of_type(id).any(|kind| kind.name == wanted);
    let (place, standing) = if is(workspace.name) {
        let collection = Collection { kinds: vec![cluster], parent: id.clone() };
        (id.clone(), provider.list(&collection).await?)
    } else if is(cluster.name) {
        let place = id.parent().expect("BUG: a cluster lies in a workspace");
        (place, provider.get(cluster, id).await?.into_iter().collect())
    } else {
        return Err(anyhow!("{id} is neither a cluster nor a workspace of Batch AI").into());
    };
    if standing.is_empty() {
        return Err(anyhow!("there is no cluster of Batch AI at {id}").into());
    }
    let place = provider.get(workspace, &place).await?;
    let said = |name: &str| place.as_ref().and_then(|place| place.attributes.get(name));
    let location = said("location").and_then(Json::as_str).map(str::to_owned);
    let tags = said("tags").and_then(Json::as_object).into_iter().flatten();
    let tags: BTreeMap<String, String> =
        tags.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect();
    let clusters = standing.iter().map(|found| OldCluster::live(found, location.clone(), tags.clone()));
    Ok(clusters.collect())
}

/// Scripts, and the manifests: one for each cluster.
fn files(moved: &[Migrated], folder: &str) -> (Vec<File>, Vec<File>) {
    let scripts = moved.iter().flat_map(|new| new.files.iter().cloned()).collect();
    let manifest = |new: &Migrated| {
        let documents: Vec<Document> = new.documents.clone();
        (format!("{folder}/{}.yaml", new.name), write(&documents))
    };
    (scripts, moved.iter().map(manifest).collect())
}

/// Scripts come first: the manifests are looked at with them before they are written.
fn write_all((scripts, manifests): &(Vec<File>, Vec<File>), session: &Session) -> Result<(), Failure> {
    let name = |(name, _): &'_ File| name.clone();
    let all: Vec<String> = scripts.iter().chain(manifests).map(name).collect();
    writing::free(all.iter().map(String::as_str), session)?;
    writing::read_later(manifests.iter().map(|(name, _)| name.as_str()), session)?;
    let root = &session.settings.root;
    writing::write(pairs(scripts), root)?;
    let mut with_them = Session::open(session.settings.clone())?;
    with_them.load_among(manifests.clone())?;
    if with_them.manifests.diagnostics.has_errors() {
        return Err(with_them.refused(model::Diagnostics::default()));
    }
    Ok(writing::write(pairs(manifests), root)?)
}

fn pairs(files: &[File]) -> impl Iterator<Item = (&str, &str)> {
    files.iter().map(|(name, text)| (name.as_str(), text.as_str()))
}

fn report(moved: &[Migrated], (scripts, manifests): &(Vec<File>, Vec<File>), dry_run: bool) -> String {
    let mut out = String::new();
    for new in moved {
        let _ =
            writeln!(out, "{}: now cluster {}\n", escape::terminal(&new.old), escape::terminal(&new.name));
        for fate in [Fate::Decide, Fate::NoEqual, Fate::Changed, Fate::Carried] {
            for field in new.fields.iter().filter(|field| field.fate == fate) {
                let value = shortened(&field.value);
                let beside = if value.is_empty() { String::new() } else { format!(" = {value}") };
                let _ = writeln!(
                    out,
                    "  {:12}  {}{}\n                {}",
                    fate.words(),
                    escape::terminal(&field.path),
                    escape::terminal(&beside),
                    escape::terminal(&field.words)
                );
            }
        }
        out.push('\n');
    }
    let title = if dry_run { "Would write" } else { "Wrote" };
    let names: Vec<String> = manifests.iter().chain(scripts).map(|(name, _)| name.clone()).collect();
    let count = |fate| moved.iter().flat_map(|new| &new.fields).filter(|field| field.fate == fate).count();
    out.push_str(writing::listed(title, &names).trim_start());
    let _ = writeln!(
        out,
        "\n{} fields carried over or changed, {} to decide, {} without an equal. Nothing was sent to Azure; see `plumb plan`.",
        count(Fate::Carried) + count(Fate::Changed),
        count(Fate::Decide),
        count(Fate::NoEqual)
    );
    out
}

fn shortened(value: &str) -> String {
    match value.char_indices().nth(SHOWN_MAX) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value.to_owned(),
    }
}

fn in_json(moved: &[Migrated], names: &[&str]) -> Json {
    let cluster = |new: &Migrated| {
        let fields: Vec<Json> = new
            .fields
            .iter()
            .map(|f| json!({ "field": f.path, "value": f.value, "fate": f.fate.words(), "note": f.words }))
            .collect();
        json!({ "from": new.old, "cluster": new.name, "fields": fields })
    };
    json!({ "clusters": moved.iter().map(cluster).collect::<Vec<_>>(), "files": names })
}
