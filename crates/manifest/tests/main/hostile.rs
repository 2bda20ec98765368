//! Hostile input ends, without a panic.

use manifest::{Inputs, Loaded, NoFiles, Project, load};
use model::Sources;
use proptest::prelude::*;

fn loaded(text: &str) -> Loaded {
    let mut sources = Sources::default();
    let id = sources.add("m.yaml", text);
    let project = Project::default();
    let inputs = Inputs {
        project: &project,
        environment: "",
        variables: Vec::new(),
        subscription: "00000000-0000-0000-0000-000000000001",
        files: &NoFiles,
    };
    load(&mut sources, &[id], &inputs)
}

fn first_words(text: &str) -> String {
    let diagnostics = loaded(text).diagnostics.sorted();
    diagnostics.into_iter().next().map(|d| d.summary).unwrap_or_default()
}

#[test]
fn bombs_and_deep_nesting_are_refused() {
    let mut aliases = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for level in 1..12 {
        let before = format!("*a{},", level - 1).repeat(10);
        aliases.push_str(&format!("a{level}: &a{level} [{before}]\n"));
    }
    assert!(first_words(&aliases).contains("more than 1000000 values"), "{}", first_words(&aliases));
    assert_eq!(first_words(&"[".repeat(200_000)), "values are nested too deeply");
    assert_eq!(first_words(&"{a: ".repeat(200_000)), "values are nested too deeply");
    assert_eq!(first_words(&"- ".repeat(200_000)), "values are nested too deeply");
    let blocks: String = (0..1_000).map(|d| format!("{}a:\n", " ".repeat(d))).collect();
    assert_eq!(first_words(&blocks), "values are nested too deeply");
    assert!(first_words(&"a".repeat(5 * 1024 * 1024)).contains("at most 4194304 are read"));
    assert!(first_words(&format!("a: [{}]", "1,".repeat(1_500_000))).contains("more than 1000000 values"));
    assert!(first_words(&"---\n".repeat(900_000)).contains("more than 50000 documents"));
    first_words(&"---\nkind: x\n".repeat(40_000));
    first_words(&"a: [\n---\n".repeat(100_000));
    first_words(&format!("\"{}", "\\".repeat(1_000_000)));
    let keys: String = (0..200_000).map(|k| format!("k{k}: 1\n")).collect();
    first_words(&format!("kind: cluster\nname: cpu\nworkspace: w\n{keys}"));
    let elements: String = (0..60_000).map(|k| format!("k{k}: 1, ")).collect();
    let tags: String = (0..100).map(|k| format!("k{k}: x, ")).collect();
    let text = format!(
        "kind: cluster\nname: c-${{each.key}}\nworkspace: w\nfor_each: {{{elements}}}\ntags: {{{tags}}}\n"
    );
    assert!(first_words(&text).contains("write out more than 2000000 values"), "{}", first_words(&text));
    first_words(&format!("a: &a [*a]\nb: {}", "?".repeat(100_000)));
}

#[test]
fn text_that_is_no_yaml_gets_plain_words() {
    assert_eq!(first_words("a: \0"), "the file has a NUL character; it may be UTF-16 or no text at all");
    assert_eq!(first_words("kind: cluster\n\tname: x\n"), "a tab stands where YAML wants spaces");
    assert_eq!(first_words("\u{feff}kind: nothing\n"), "there is no kind `nothing`");
    assert_eq!(first_words(""), "the manifests have no documents");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_panics(text in "[ -~\n\t:{}\\[\\]*&!|>'\"%@`$#,?-]{0,200}") {
        loaded(&text);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        loaded(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_document_panics(
        kind in prop::sample::select(vec!["cluster", "instance", "workspace", "setup_script", "resource_group"]),
        lines in proptest::collection::vec(
            ("(name|workspace|size|tags|identity|schedules|for_each|when|id|lifecycle|location|setup_scripts|args|network_settings)",
             "(x|[a, b]|\\{a: b\\}|1|true|~|\\$\\{each.key\\}|\\$\\{vars.a\\}|\\$\\{cluster\\[\"x\"\\].size\\}|\\{type: cron\\}|\\{creation_script: \\{path: x\\}\\})"),
            0..8,
        ),
    ) {
        let lines: String = lines.into_iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
        loaded(&format!("kind: {kind}\n{lines}"));
    }
}
