//! The README's transcript: its `console` blocks are run in order, in one project, and must print what they say.

use std::fs;

use crate::project::Project;

/// Lines that the transcript leaves out are written `…`; seconds vary from machine to machine.
#[test]
fn the_transcript_is_what_plumb_prints() {
    let text = fs::read_to_string(testkit::workspace_root().join("README.md")).expect("README.md is there");
    let project = Project::empty();
    let mut commands = 0;
    for block in text.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        for part in block.split("$ ").skip(1) {
            let (command, expected) = part.split_once('\n').unwrap_or((part, ""));
            run(&project, command.trim(), expected);
            commands += 1;
        }
    }
    assert!(commands >= 6, "the README runs {commands} commands");
}

fn run(project: &Project, command: &str, expected: &str) {
    let words: Vec<&str> = command.split_whitespace().collect();
    let args = match words.first() {
        Some(&"plumb") => &words[1..],
        _ => return,
    };
    let args: Vec<String> = args.iter().map(|a| a.trim_matches('\'').to_owned()).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let said = project.run(&args);
    let actual = steady(&format!("{}{}", said.stdout, said.stderr));
    let mut rest = actual.as_str();
    for piece in steady(expected).trim().split('…') {
        let piece = piece.trim();
        let at = rest
            .find(piece)
            .unwrap_or_else(|| panic!("`{command}` does not print:\n{piece}\nbut:\n{actual}"));
        rest = &rest[at + piece.len()..];
    }
}

/// Trailing blanks and elapsed seconds away.
fn steady(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once(" complete after ") {
        Some((head, tail)) => {
            let tail = tail.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{head} complete after N{tail}")
        }
        None => line.trim_end().to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}
