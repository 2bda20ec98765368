//! The one place where text from manifests and from Azure is made harmless, once for each output.

/// Whether a character could move the cursor, hide text or turn its direction: control characters,
/// bidirectional marks, zero-width characters and line separators.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Text for a terminal or a log line: one line, every dangerous character spelled out.
pub fn terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '[' if is_command(&out) => {
                let mark = out.rfind("##").unwrap_or(0);
                out.replace_range(mark..mark + 1, "\\u{23}");
                out.push('[');
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_dangerous(c) => out.push_str(&format!("\\u{{{:x}}}", c as u32)),
            c => out.push(c),
        }
    }
    // CI runners take a line that begins so, white space aside, for a command.
    if out.trim_start().starts_with("::") {
        let at = out.len() - out.trim_start().len();
        out.replace_range(at..at + 1, "\\u{3a}");
    }
    out
}

/// Whether a `[` here would begin a command of a CI runner: `##[…]`, `##vso[…]`.
fn is_command(before: &str) -> bool {
    before.ends_with("##") || before.ends_with("##vso")
}

/// Text for a terminal as a quoted string.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", terminal(&text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// Text for the running prose of a Markdown page: no markup, links, mentions, HTML or workflow commands.
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in terminal(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("&#64;"),
            ':' => out.push_str("&#58;"),
            c if c.is_ascii_punctuation()
                && !matches!(c, '/' | '.' | ',' | '-' | '(' | ')' | '"' | '\'' | '=' | ';') =>
            {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// A fence that no run of back-ticks in `text` can close.
pub fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_dangerous_reaches_a_terminal() {
        let text = terminal("a\u{1b}[31mb\u{202e}c\u{9b}d\ne\u{200d}f");
        assert_eq!(text, "a\\u{1b}[31mb\\u{202e}c\\u{9b}d\\ne\\u{200d}f");
        assert_eq!(quoted("a\"b\\"), r#""a\"b\\""#);
    }

    #[test]
    fn no_line_commands_a_ci_runner() {
        assert_eq!(terminal("  ::set-output name=x::y"), "  \\u{3a}:set-output name=x::y");
        assert_eq!(terminal("a ##[group]b ##vso[task]c"), "a \\u{23}#[group]b \\u{23}#vso[task]c");
        assert_eq!(terminal("a::b [1] #[x]"), "a::b [1] #[x]");
    }

    #[test]
    fn markdown_stays_text() {
        let text = markdown("[x](http://a) <img> @team `c` ::set-output");
        for bad in ["[x](", "<img", "@team", "::set", "://"] {
            assert!(!text.contains(bad), "{text}");
        }
    }

    #[test]
    fn a_fence_outlasts_the_text() {
        assert_eq!(fence("a"), "```");
        assert_eq!(fence("a ```` b"), "`````");
    }
}
