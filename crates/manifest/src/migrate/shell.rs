//! The words of a shell command, as far as a command line has them that somebody saved: quotes, escapes, comments and
//! lines that go on. Nothing is run or expanded.

/// A command of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The line that it begins on, from 1.
    pub number: usize,
    /// Its words.
    pub words: Vec<String>,
    /// Variables that a shell would have put values for.
    pub variables: Vec<String>,
}

/// The commands of a script; an error names the line.
pub(super) fn split(text: &str) -> Result<Vec<Line>, String> {
    let mut reader =
        Reader { rest: text.chars().peekable(), number: 1, lines: Vec::new(), line: None, word: None };
    while let Some(c) = reader.next() {
        match c {
            '\n' | ';' | '|' | '&' => reader.end_line(),
            ' ' | '\t' | '\r' => reader.end_word(),
            '#' if reader.word.is_none() => reader.skip_comment(),
            '\'' => reader.single()?,
            '"' => reader.double()?,
            // A line that goes on; in a script of Windows, too.
            '\\' => match reader.next() {
                Some('\n') | None => {}
                Some('\r') if reader.rest.peek() == Some(&'\n') => _ = reader.next(),
                Some(c) => reader.push(c),
            },
            '$' => reader.variable(),
            c => reader.push(c),
        }
    }
    reader.end_line();
    Ok(reader.lines)
}

struct Reader<'t> {
    rest: std::iter::Peekable<std::str::Chars<'t>>,
    number: usize,
    lines: Vec<Line>,
    line: Option<Line>,
    word: Option<String>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.number += usize::from(c == '\n');
        Some(c)
    }

    fn line(&mut self) -> &mut Line {
        let number = self.number;
        self.line.get_or_insert_with(|| Line { number, words: Vec::new(), variables: Vec::new() })
    }

    fn push(&mut self, c: char) {
        self.line();
        self.word.get_or_insert_default().push(c);
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take() {
            self.line().words.push(word);
        }
    }

    fn end_line(&mut self) {
        self.end_word();
        self.lines.extend(self.line.take());
    }

    fn skip_comment(&mut self) {
        while self.rest.peek().is_some_and(|c| *c != '\n') {
            self.next();
        }
    }

    fn single(&mut self) -> Result<(), String> {
        let begun = self.number;
        self.line();
        self.word.get_or_insert_default();
        loop {
            match self.next() {
                Some('\'') => return Ok(()),
                Some(c) => self.push(c),
                None => return Err(format!("line {begun}: the quote ' is never closed")),
            }
        }
    }

    fn double(&mut self) -> Result<(), String> {
        let begun = self.number;
        self.line();
        self.word.get_or_insert_default();
        loop {
            match self.next() {
                Some('"') => return Ok(()),
                Some('\\') => match self.next() {
                    Some(c @ ('"' | '\\' | '$' | '`')) => self.push(c),
                    Some('\n') => {}
                    Some(c) => {
                        self.push('\\');
                        self.push(c);
                    }
                    None => {}
                },
                Some('$') => self.variable(),
                Some(c) => self.push(c),
                None => return Err(format!("line {begun}: the quote \" is never closed")),
            }
        }
    }

    /// `$NAME` and `${NAME}` stay as they are, and are noted: nobody here knows the value. Those that Batch AI itself
    /// filled in on its nodes mean themselves.
    fn variable(&mut self) {
        self.push('$');
        let braced = self.rest.peek() == Some(&'{');
        if braced {
            self.next();
        }
        let mut name = String::new();
        while let Some(c) = self.rest.peek().copied().filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
            self.next();
            name.push(c);
        }
        if braced && self.rest.peek() == Some(&'}') {
            self.next();
        }
        name.chars().for_each(|c| self.push(c));
        if !name.is_empty() && !name.starts_with("AZ_BATCHAI_") {
            self.line().variables.push(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Vec<String>> {
        split(text).expect("a script").into_iter().map(|line| line.words).collect()
    }

    #[test]
    fn words_are_those_that_a_shell_would_see() {
        let text = "az a \\\n  -n 'x y' --b=\"q \\\" \\$z\" # no\n\n# nothing\naz b;az c && az d ''\n";
        assert_eq!(
            words(text),
            [
                vec!["az", "a", "-n", "x y", "--b=q \" $z"],
                vec!["az", "b"],
                vec!["az", "c"],
                vec!["az", "d", ""]
            ]
        );
    }

    #[test]
    fn a_command_knows_its_line_and_the_variables_it_wants() {
        let lines =
            split("\n\naz x $GROUP \"${NAME}-1\" '$literal' $AZ_BATCHAI_MOUNT_ROOT/a").expect("a script");
        assert_eq!(
            (lines[0].number, lines[0].variables.clone()),
            (3, vec!["GROUP".to_owned(), "NAME".to_owned()])
        );
        assert_eq!(lines[0].words[4..], ["$literal", "$AZ_BATCHAI_MOUNT_ROOT/a"]);
    }

    #[test]
    fn a_quote_without_end_is_named_by_its_line() {
        assert_eq!(split("a\nb 'c\nd").expect_err("no script"), "line 2: the quote ' is never closed");
        assert_eq!(split("\"").expect_err("no script"), "line 1: the quote \" is never closed");
    }
}
