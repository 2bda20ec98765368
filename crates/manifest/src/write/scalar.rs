//! Scalars as YAML writes them: plain where nobody could read them otherwise, else in double quotes.
//!
//! YAML 1.1 tools read more words as something else than YAML 1.2 does (`no`, `on`, `12:30`, dates), so only texts
//! that mean themselves to both stay plain.

use model::Json;

/// Words that some YAML reads as no text.
const WORDS: [&str; 8] = ["true", "false", "yes", "no", "on", "off", "null", "nan"];

/// A text as a value: `${` is written so that no expression begins there.
pub(super) fn value(text: &str) -> String {
    quoted(&text.replace("${", "$${"))
}

/// A text as a key; keys have no expressions.
pub(super) fn key(text: &str) -> String {
    quoted(text)
}

/// A number, a boolean, or a text.
pub(super) fn scalar(json: &Json) -> String {
    match json {
        Json::String(text) => value(text),
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    text.chars().for_each(|c| escape(c, &mut out));
    out.push('"');
    out
}

fn is_plain(text: &str) -> bool {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '/');
    let inner = |c: char| c.is_ascii_alphanumeric() || "_-./()@+= ".contains(c);
    let spaced = text.ends_with(' ') || text.contains("  ");
    let word = text.len() == 1 || WORDS.iter().any(|word| word.eq_ignore_ascii_case(text));
    first && !spaced && !word && text.chars().all(inner)
}

/// Characters that an editor hides or that turn the direction of text are spelled out.
fn escape(c: char, out: &mut String) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\t' => out.push_str("\\t"),
        c if is_unseen(c) && c <= '\u{ffff}' => out.push_str(&format!("\\u{:04x}", c as u32)),
        c if is_unseen(c) => out.push_str(&format!("\\U{:08x}", c as u32)),
        c => out.push(c),
    }
}

fn is_unseen(c: char) -> bool {
    let beyond_ascii_blank = c.is_whitespace() && c != ' ';
    let joiners = matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    let marks = matches!(c, '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{e0fff}');
    let none = (c as u32) & 0xfffe == 0xfffe;
    c.is_control() || beyond_ascii_blank || joiners || marks || none
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_could_misread_is_quoted() {
        for text in [
            "no",
            "Off",
            "y",
            "1.0",
            "~",
            "",
            " a",
            "a ",
            "2021-03-10",
            "12:30",
            "0x1f",
            "a: b",
            "a #b",
            "-",
            "*a",
            "é",
        ] {
            assert!(value(text).starts_with('"'), "{text}");
        }
        for text in [
            "westeurope",
            "Standard_DS3_v2",
            "/subscriptions/a",
            "W. Europe Standard Time",
            "research",
            "ssh-rsa A+/= me@x",
        ] {
            assert_eq!(value(text), text);
        }
    }

    #[test]
    fn no_expression_begins_in_a_value() {
        assert_eq!(value("${vars.x}"), "\"$${vars.x}\"");
        assert_eq!(key("${x}"), "\"${x}\"");
        assert_eq!(value("a\u{202e}b\u{7}"), "\"a\\u202eb\\u0007\"");
    }
}
