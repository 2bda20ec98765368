//! What a plan leaves out: `--target` keeps what it names and what that needs, `--exclude` drops what it names and
//! what needs that. Both follow the documents' edges and the order of the steps, so that what stays can be carried out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::rule::nearest;
use model::{Address, Diagnostic, Snapshot};

use crate::Graph;
use crate::options::Options;
use crate::plan::{Change, Step};

/// The addresses that a plan is about.
pub(crate) struct Scope {
    /// None for all.
    kept: Option<BTreeSet<Address>>,
}

impl Scope {
    /// Everything that the flags leave in.
    pub(crate) fn new(graph: &Graph, changes: &[Change], steps: &[Step], options: &Options) -> Self {
        if !options.is_partial() {
            return Self { kept: None };
        }
        let all: BTreeSet<&Address> =
            graph.resources().iter().map(|r| &r.address).chain(changes.iter().map(|c| &c.address)).collect();
        let previous: HashMap<&Address, &Address> =
            changes.iter().filter_map(|c| Some((&c.address, c.previous.as_ref()?))).collect();
        let named = |patterns: &BTreeSet<String>| -> BTreeSet<Address> {
            let fits = |a: &Address| patterns.iter().any(|pattern| means(pattern, a));
            let all = all.iter().copied();
            all.filter(|a| fits(a) || previous.get(a).is_some_and(|was| fits(was))).cloned().collect()
        };
        let ties = Ties::new(graph, steps);
        let mut kept = match options.targets.is_empty() {
            true => all.iter().copied().cloned().collect(),
            false => closure(named(&options.targets), &ties.needs),
        };
        let dropped = closure(named(&options.excludes), &ties.needed_by);
        kept.retain(|address| !dropped.contains(address));
        Self { kept: Some(kept) }
    }

    /// Whether the plan is about it.
    pub(crate) fn has(&self, address: &Address) -> bool {
        self.kept.as_ref().is_none_or(|kept| kept.contains(address))
    }

    /// Whether a diagnostic is about something that the plan is about, or about nothing by itself.
    pub(crate) fn concerns(&self, diagnostic: &Diagnostic) -> bool {
        diagnostic.address.as_ref().is_none_or(|address| self.has(address))
    }
}

/// Which address needs which, for what is to be done and in the documents.
struct Ties {
    needs: BTreeMap<Address, BTreeSet<Address>>,
    needed_by: BTreeMap<Address, BTreeSet<Address>>,
}

impl Ties {
    fn new(graph: &Graph, steps: &[Step]) -> Self {
        let documents = graph.resources().iter();
        let documents = documents.flat_map(|r| r.dependencies.iter().map(move |d| (&r.address, &d.address)));
        let order = steps.iter().flat_map(|s| s.after.iter().map(move |b| (&s.address, &steps[*b].address)));
        let mut ties = Self { needs: BTreeMap::new(), needed_by: BTreeMap::new() };
        for (address, needed) in documents.chain(order).filter(|(address, needed)| address != needed) {
            ties.needs.entry(address.clone()).or_default().insert(needed.clone());
            ties.needed_by.entry(needed.clone()).or_default().insert(address.clone());
        }
        ties
    }
}

/// Everything that can be reached from some addresses, these included.
fn closure(from: BTreeSet<Address>, edges: &BTreeMap<Address, BTreeSet<Address>>) -> BTreeSet<Address> {
    let mut open: Vec<Address> = from.iter().cloned().collect();
    let mut found = from;
    while let Some(address) = open.pop() {
        for next in edges.get(&address).into_iter().flatten() {
            if found.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    found
}

/// Whether a flag's text means an address: it is the address, what the address begins with up to a `/` or a key, or the
/// same with `*` for any text.
fn means(pattern: &str, address: &Address) -> bool {
    let text = address.as_str();
    let ends_part = |rest: &str| rest.is_empty() || rest.starts_with(['/', '[']);
    match pattern.contains('*') {
        true => fits(pattern, text) || fits(pattern, address.stem()),
        false => text.strip_prefix(pattern).is_some_and(ends_part),
    }
}

/// Whether a text is as the pattern has it, where `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

/// Flags that name what is not there, or what another flag leaves out.
pub(crate) fn mistakes(
    graph: &Graph,
    snapshot: &Snapshot,
    scope: &Scope,
    options: &Options,
) -> Vec<Diagnostic> {
    let documents = || graph.resources().iter().map(|r| &r.address);
    let all = || documents().chain(snapshot.resources.keys());
    let unknown = |flag: &'static str| {
        move |pattern: &&String| (!all().any(|a| means(pattern, a))).then(|| absent(flag, pattern, all()))
    };
    let targets = options.targets.iter().filter_map(|p| unknown("target")(&p));
    let excludes = options.excludes.iter().filter_map(|p| unknown("exclude")(&p));
    let replace = options.replace.iter().filter_map(|address| match graph.get(address) {
        None => Some(absent("replace", address.as_str(), documents())),
        Some(_) if scope.has(address) => None,
        Some(_) => Some(
            Diagnostic::error(format!("`--replace {address}` is left out by `--target` or `--exclude`"))
                .help("name it with `--target`, too, or drop it"),
        ),
    });
    targets.chain(excludes).chain(replace).collect()
}

fn absent<'a>(flag: &str, text: &str, all: impl Iterator<Item = &'a Address>) -> Diagnostic {
    let near = nearest(text, all.map(Address::as_str)).map(|near| format!("did you mean `{near}`?"));
    let place = if flag == "replace" { "in the manifests" } else { "in the manifests or in the state" };
    Diagnostic::error(format!("--{flag}: there is no `{text}` {place}"))
        .help(near.unwrap_or_else(|| "`plumb graph` and `plumb state list` list addresses".to_owned()))
}

/// That the plan is not the whole one.
pub(crate) fn partial(left_out: usize) -> Diagnostic {
    let words = match left_out {
        0 => "this plan is partial: `--target` or `--exclude` is in effect".to_owned(),
        1 => "this plan is partial: `--target` or `--exclude` leaves out 1 change".to_owned(),
        count => format!("this plan is partial: `--target` or `--exclude` leaves out {count} changes"),
    };
    Diagnostic::warning(words).help("it is meant for exceptions; `plumb plan` without them shows the whole")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_means_an_address_what_it_begins_or_a_pattern() {
        let element = Address::parse("instance/research/ci[\"al\"]").expect("an address");
        for pattern in [
            "instance/research/ci[\"al\"]",
            "instance/research/ci",
            "instance/research",
            "instance",
            "*/research/*",
            "instance/*/ci",
            "*[\"a*",
        ] {
            assert!(means(pattern, &element), "{pattern}");
        }
        let inside = Address::parse("team[\"a\"]/cluster/research/cpu").expect("an address");
        for pattern in ["team", "team[\"a\"]", "team[\"a\"]/cluster", "team*cpu", "*/cluster/*"] {
            assert!(means(pattern, &inside), "{pattern}");
        }
        for pattern in ["cluster", "tea", "team[\"b\"]"] {
            assert!(!means(pattern, &inside), "{pattern}");
        }
        for pattern in
            ["instance/research/c", "instance/research/ci[\"a\"]", "inst", "*/lab/*", "cluster", "*x"]
        {
            assert!(!means(pattern, &element), "{pattern}");
        }
    }
}
