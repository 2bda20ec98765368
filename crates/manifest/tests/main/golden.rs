//! Each folder of `testdata/manifest` is a project; `loaded.txt` is what loading it gives.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use manifest::{Inputs, Layer, LayerForm, Loaded, ProjectFiles, find_manifests, load, project};
use model::{Diagnostic, Place, Resource, Severity, Sources, Value};

#[test]
fn projects_load_as_their_goldens_say() {
    let root = testkit::workspace_root().join("testdata/manifest");
    let mut folders: Vec<_> = fs::read_dir(&root).expect("testdata").flatten().map(|e| e.path()).collect();
    folders.sort();
    assert!(folders.len() > 10);
    for folder in folders {
        testkit::golden(&folder.join("loaded.txt"), &shown(&folder));
    }
}

fn shown(folder: &Path) -> String {
    let mut sources = Sources::default();
    let text = fs::read_to_string(folder.join("plumb.toml")).expect("plumb.toml");
    let environment = text.contains("[environments.prod]").then_some("prod");
    let project_source = sources.add("plumb.toml", text.as_str());
    let (project, mut diagnostics) = project::read(&text, project_source, environment);
    let found = find_manifests(folder, &project.manifests);
    diagnostics.extend(found.diagnostics);
    let manifests: Vec<_> = found.files.into_iter().map(|(name, text)| sources.add(name, text)).collect();
    let variables = fs::read_to_string(folder.join("plumb.vars.yaml")).ok();
    let layer =
        variables.map(|text| Layer { source: sources.add("plumb.vars.yaml", text), form: LayerForm::File });
    let files = ProjectFiles::new(folder);
    let inputs = Inputs {
        project: &project,
        environment: environment.unwrap_or("dev"),
        variables: layer.into_iter().collect(),
        subscription: project.cloud.subscription.as_deref().unwrap_or_default(),
        files: &files,
    };
    let loaded = load(&mut sources, &manifests, &inputs);
    diagnostics.extend(loaded.diagnostics.clone());
    render(&sources, diagnostics.sorted(), &loaded)
}

fn render(sources: &Sources, diagnostics: Vec<Diagnostic>, loaded: &Loaded) -> String {
    let mut out = String::new();
    let broken = diagnostics.iter().any(|d| d.severity == Severity::Error);
    for diagnostic in &diagnostics {
        let severity = if diagnostic.severity == Severity::Error { "error" } else { "warning" };
        let place = diagnostic.place.map(|p| spot(sources, p)).unwrap_or_default();
        let _ = writeln!(out, "{severity}: {place}{}", diagnostic.summary);
        diagnostic.help.iter().for_each(|help| drop_result(writeln!(out, "    {help}")));
        for (place, words) in &diagnostic.related {
            let _ = writeln!(out, "    {}{words}", spot(sources, *place));
        }
    }
    if !broken {
        loaded.resources.iter().for_each(|r| resource(&mut out, r));
        for (name, value) in &loaded.outputs {
            let _ = writeln!(out, "output {name} = {}", shown_value(value));
        }
    }
    out
}

fn drop_result(_: std::fmt::Result) {}

fn spot(sources: &Sources, place: Place) -> String {
    let (line, column) = sources.position(place);
    format!("{}:{line}:{column}: ", sources.get(place.source).name)
}

fn resource(out: &mut String, resource: &Resource) {
    let _ = writeln!(out, "{} `{}` ({})", resource.address, resource.name, resource.source);
    resource.arm_id.iter().for_each(|id| drop_result(writeln!(out, "  {id}")));
    for (path, value) in &resource.attributes {
        let _ = writeln!(out, "  {path} = {}", shown_value(value));
    }
    for dependency in &resource.dependencies {
        let _ = writeln!(out, "  -> {}", dependency.address);
    }
    for (address, _) in &resource.moved_from {
        let _ = writeln!(out, "  moved from {address}");
    }
    if resource.lifecycle != Default::default() {
        let _ = writeln!(out, "  {:?}", resource.lifecycle);
    }
    if resource.existing {
        out.push_str("  existing\n");
    }
    resource.implied_by.iter().for_each(|by| drop_result(writeln!(out, "  implied by {by}")));
}

fn shown_value(value: &Value) -> String {
    match value {
        Value::Known(json) => json.to_string(),
        Value::Secret(secret) => format!("secret of {} bytes", secret.expose().len()),
        Value::Deferred(expression) => {
            let secret = if expression.is_secret() { " secret" } else { "" };
            format!("(known after apply){secret} {:?} {}", expression.references(), expression.text())
        }
    }
}
