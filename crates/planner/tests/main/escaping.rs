//! Whatever a name holds, it neither moves a cursor, nor commands a CI runner, nor becomes markup.

use planner::render::escape::{fence, markdown, quoted, terminal};
use proptest::prelude::*;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

/// Characters that attacks are made of, far more often than chance would have them.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-z0-9 ]{1,6}",
        3 => prop::sample::select(vec![
            "`", "```", "~~~", "*", "_", "**", "[", "](http://a.b/c)", "![", "<img src=x>", "<!--", "-->", "&lt;", "&#96;", "@team", "#12", "# ",
            "::set-output name=a::b", "##vso[task]", "##[group]", "\u{1b}[31m", "\u{1b}]8;;http://a\u{7}", "\u{9b}2J", "\u{202e}", "\u{2066}", "\u{200b}",
            "\u{feff}", "\n", "\r\n", "\t", "\0", "\\", "\\`", "|", "- ", "1. ", "> ", "    ", "https://a.b", "www.a.b", "a@b.cd", "</details>", "$x$", "\u{85}", "\u{2028}", "\u{e0041}", "é", "東京",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Characters that no terminal, log or web page is to get, listed apart from the code's own list.
fn is_harmful(c: char) -> bool {
    let marks = ['\u{ad}', '\u{61c}', '\u{180e}', '\u{feff}'];
    let ranges = [
        0x0..=0x1f,
        0x7f..=0x9f,
        0x200b..=0x200f,
        0x2028..=0x202e,
        0x2060..=0x206f,
        0xfff9..=0xfffb,
        0xe0000..=0xe007f,
    ];
    marks.contains(&c) || ranges.iter().any(|range| range.contains(&(c as u32)))
}

fn is_harmless(line: &str) -> Result<(), TestCaseError> {
    prop_assert!(!line.chars().any(is_harmful), "{line:?}");
    prop_assert!(!line.trim_start().starts_with("::"), "{line:?}");
    prop_assert!(!line.contains("##[") && !line.contains("##vso["), "{line:?}");
    Ok(())
}

/// As the sites render comments that plans are posted to.
fn dialect() -> Options {
    Options::all() - Options::ENABLE_SMART_PUNCTUATION
}

/// What a Markdown page shows, and whether it is nothing but text.
fn shown(page: &str) -> (String, bool) {
    let mut text = String::new();
    let mut plain = true;
    for event in Parser::new_ext(page, dialect()) {
        match event {
            Event::Text(part) => text.push_str(&part),
            Event::Start(Tag::Paragraph) | Event::End(_) => {}
            _ => plain = false,
        }
    }
    (text, plain)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_terminal_gets_one_harmless_line(text in hostile()) {
        is_harmless(&terminal(&text))?;
        is_harmless(&quoted(&text))?;
    }

    #[test]
    fn what_is_quoted_ends_where_it_ends(text in hostile()) {
        let quoted = quoted(&text);
        let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).expect("quotes");
        let mut escaped = false;
        for c in inner.chars() {
            prop_assert!(escaped || c != '"', "{quoted}");
            escaped = c == '\\' && !escaped;
        }
        prop_assert!(!escaped, "{quoted}");
    }

    #[test]
    fn a_page_shows_a_name_as_text_and_as_it_is(text in hostile()) {
        // As pages have it: in the middle of a line.
        let (shown, plain) = shown(&format!("Cloud {} ends", markdown(&text)));
        prop_assert!(plain, "{:?} becomes markup", markdown(&text));
        prop_assert_eq!(shown, format!("Cloud {} ends", terminal(&text)));
    }

    #[test]
    fn nothing_in_a_page_calls_anybody_or_leads_anywhere(text in hostile()) {
        let page = markdown(&text);
        is_harmless(&page)?;
        prop_assert!(!page.contains('@') && !page.contains('<') && !page.contains("://"), "{page}");
    }

    #[test]
    fn a_fence_holds_whatever_is_in_it(text in hostile()) {
        let body: String = text.lines().map(terminal).collect::<Vec<_>>().join("\n");
        let fence = fence(&body);
        let page = format!("{fence}diff\n{body}\n{fence}\n\nafter\n");
        let mut blocks = 0;
        let mut inside = String::new();
        let mut within = false;
        for event in Parser::new_ext(&page, dialect()) {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => { blocks += 1; within = true; }
                Event::End(pulldown_cmark::TagEnd::CodeBlock) => within = false,
                Event::Text(part) if within => inside.push_str(&part),
                Event::Text(part) => prop_assert_eq!(&*part, "after"),
                _ => {}
            }
        }
        prop_assert_eq!(blocks, 1);
        prop_assert_eq!(inside, format!("{body}\n"));
    }
}
