//! Documents for what stands, made valid: what plumb's own loader refuses of them is left out, and said.

use std::collections::{BTreeMap, BTreeSet};

use manifest::{Around, Described, Document, Known, Standing, describe, write};
use model::{Address, ArmId, Diagnostic, Diagnostics, Placement, Severity, Snapshot};

use crate::failure::Failure;
use crate::session::{Manifests, Session};

/// A file to write.
pub struct File {
    /// Its path below the project, with `/`.
    pub name: String,
    /// Its text.
    pub text: String,
    /// What its documents describe, in their order.
    pub about: Vec<ArmId>,
}

/// Documents that load, and what is not in them.
pub struct Documents {
    /// What they describe.
    pub described: Vec<Described>,
    /// The files that they stand in.
    pub files: Vec<File>,
    /// The project with them.
    pub session: Session,
    /// What could not be said, each with why.
    pub left_out: Vec<String>,
}

/// How documents are to be.
pub struct Wishes<'a> {
    /// The folder of their files.
    pub folder: &'a str,
    /// Whether each has a file of its own.
    pub alone: bool,
    /// What they are called, by folded ARM id, where somebody said so.
    pub called: BTreeMap<String, String>,
}

/// Makes documents for what stands.
pub fn valid(
    mut standing: Vec<Standing>,
    session: &Session,
    snapshot: &Snapshot,
    wishes: Wishes<'_>,
) -> Result<Documents, Failure> {
    let Wishes { folder, alone, called } = wishes;
    let mut around = Around { called, ..around(session, snapshot) };
    let mut left_out = Vec::new();
    loop {
        let described = describe(&standing, &around);
        let files = files(&described, folder, alone);
        let mut with_them = Session::open(session.settings.clone())?;
        let texts = files.iter().map(|file| (file.name.clone(), file.text.clone())).collect();
        with_them.load_among(texts)?;
        let refused: Vec<Diagnostic> = with_them.manifests.diagnostics.clone().sorted();
        let refused: Vec<Diagnostic> =
            refused.into_iter().filter(|d| d.severity == Severity::Error).collect();
        if refused.is_empty() {
            return Ok(Documents { described, files, session: with_them, left_out });
        }
        let before = (around.without.len(), standing.len());
        for diagnostic in &refused {
            let Some(about) = whose(diagnostic, &files, &with_them) else { continue };
            let said =
                described.iter().find(|d| d.arm_id == about).expect("BUG: files are of what is described");
            match path_of(diagnostic, &said.document) {
                Some(path) => {
                    left_out.push(format!("{}: `{path}`: {}", said.address, diagnostic.summary));
                    around.without.insert((about.folded(), path.to_owned()));
                }
                None => {
                    left_out.push(format!("{about}: {}", diagnostic.summary));
                    standing.retain(|found| found.observed.arm_id != about);
                }
            }
        }
        if before == (around.without.len(), standing.len()) {
            // It is not about the new documents alone.
            return Err(with_them.refused(Diagnostics::default()));
        }
    }
}

/// What has documents, and which addresses are taken.
fn around(session: &Session, snapshot: &Snapshot) -> Around {
    let Manifests { graph, .. } = &session.manifests;
    // One of a `for_each` cannot be named without its key; its ARM id always can.
    let named = graph.resources().iter().filter(|resource| resource.address.key().is_none());
    let described = named.filter_map(|resource| {
        let location = resource.text("location").map(str::to_owned);
        let known = Known { id: resource.address.id().to_owned(), location };
        Some((resource.arm_id.as_ref()?.folded(), known))
    });
    let taken: BTreeSet<Address> =
        graph.resources().iter().map(|r| &r.address).chain(snapshot.resources.keys()).cloned().collect();
    Around {
        subscription: session.subscription().to_owned(),
        described: described.collect(),
        taken,
        ..Around::default()
    }
}

/// One file for each workspace with what lies in it, one for each other kind.
fn files(described: &[Described], folder: &str, alone: bool) -> Vec<File> {
    let mut by_name: BTreeMap<String, Vec<&Described>> = BTreeMap::new();
    for item in described {
        by_name.entry(file_name(item, described, alone)).or_default().push(item);
    }
    let file = |(name, items): (String, Vec<&Described>)| {
        let documents: Vec<Document> = items.iter().map(|item| item.document.clone()).collect();
        File {
            name: format!("{folder}/{name}.yaml"),
            text: write(&documents),
            about: items.iter().map(|item| item.arm_id.clone()).collect(),
        }
    };
    by_name.into_iter().map(file).collect()
}

fn file_name(item: &Described, all: &[Described], alone: bool) -> String {
    let kind = item.document.kind;
    let nested = match kind.placement {
        Placement::InParent { collection, .. } => {
            let last = collection.rsplit('/').next().unwrap_or(collection);
            item.arm_id.parent().map(|parent| (parent, last))
        }
        _ => None,
    };
    let with_name = |item: &Described| format!("{}-{}", item.document.kind.name, item.arm_id.name());
    match nested {
        Some((parent, collection)) => match all.iter().find(|other| other.arm_id.same(parent.as_str())) {
            Some(parent) => with_name(parent),
            None => format!("{}-{collection}", parent.name()),
        },
        None if alone || kind.name == "workspace" => with_name(item),
        None => kind.name.to_owned(),
    }
}

/// The resource whose new document a diagnostic points into.
fn whose(diagnostic: &Diagnostic, files: &[File], session: &Session) -> Option<ArmId> {
    let place = diagnostic.place?;
    let name = &session.sources.get(place.source).name;
    let file = files.iter().find(|file| file.name == *name)?;
    // Texts within a document have their line ends escaped.
    let number = file.text.get(..place.start as usize)?.matches("\n---\n").count();
    file.about.get(number).cloned()
}

/// The attribute that a document can do without.
fn path_of(diagnostic: &Diagnostic, document: &Document) -> Option<&'static str> {
    let named = diagnostic.attribute.as_deref()?;
    let inside = |path: &str| {
        named == path || named.strip_prefix(path).is_some_and(|rest| rest.starts_with(['.', '[']))
    };
    document.attributes.keys().copied().find(|path| inside(path))
}
