//! Measures loading: `cargo run --release -p manifest --example measure -- 10000 2`, where the second
//! number is how many references each cluster has beside its workspace. A third argument makes them one
//! `for_each` with four expressions.

use std::fmt::Write as _;
use std::time::Instant;

use manifest::{Inputs, NoFiles, Project, load};
use model::Sources;

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|a| a.parse::<usize>().ok());
    let clusters = arguments.next().unwrap_or(10_000);
    let references = arguments.next().unwrap_or(0);
    let elements = arguments.next().is_some();
    let mut sources = Sources::default();
    let manifests: Vec<_> = if elements { for_each(clusters) } else { texts(clusters, references) }
        .into_iter()
        .enumerate()
        .map(|(at, text)| sources.add(format!("{at}.yaml"), text))
        .collect();
    let project = Project::default();
    let inputs = Inputs {
        project: &project,
        environment: "",
        variables: Vec::new(),
        subscription: "00000000-0000-0000-0000-000000000001",
        files: &NoFiles,
    };
    let started = Instant::now();
    let loaded = load(&mut sources, &manifests, &inputs);
    let elapsed = started.elapsed();
    println!("{} resources in {elapsed:?}", loaded.resources.len());
    for diagnostic in loaded.diagnostics.sorted().into_iter().take(5) {
        println!("{diagnostic:?}");
    }
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        status.lines().filter(|l| l.starts_with("VmHWM")).for_each(|l| println!("{l}"));
    }
}

fn for_each(clusters: usize) -> Vec<String> {
    let mut texts = texts(0, 0);
    let mut people = String::from("{");
    (0..clusters).for_each(|at| people.push_str(&format!("p{at}x: {{size: Standard_DS3_v2}}, ")));
    texts.push(format!(
        "kind: cluster\nfor_each: {people}}}\nname: c-${{each.key}}\nworkspace: research\nsize: ${{each.value.size}}\n\
         tags: {{ owner: '${{each.key}}', at: '${{workspace[\"research\"].name}}' }}\n"
    ));
    texts
}

fn texts(clusters: usize, references: usize) -> Vec<String> {
    let mut head = String::from(
        "kind: resource_group\nname: ml\nlocation: westeurope\n---\n\
         kind: workspace\nname: research\nresource_group: ml\nlocation: westeurope\n",
    );
    for at in 0..references {
        let _ = write!(
            head,
            "---\nkind: user_assigned_identity\nname: id{at}\nresource_group: ml\nlocation: westeurope\n"
        );
    }
    let mut texts = vec![head];
    for start in (0..clusters).step_by(5_000) {
        let mut text = String::new();
        for at in start..(start + 5_000).min(clusters) {
            let _ = write!(
                text,
                "---\nkind: cluster\nname: c{at}x\nworkspace: research\nsize: Standard_DS3_v2\ntier: low_priority\n\
                 min_instances: 0\nmax_instances: 4\nidle_time_before_scale_down: 120\ntags: {{team: a}}\n"
            );
            if references > 0 {
                text.push_str("depends_on:\n");
                for reference in 0..references {
                    let _ = writeln!(text, "  - user_assigned_identity/id{reference}");
                }
            }
        }
        texts.push(text);
    }
    texts
}
