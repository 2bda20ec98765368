//! What a setup script would do in time, read off its text: nothing is ever executed.
//!
//! At the top level, `sleep` takes its time, `exit` and `false` end as a shell would let them, and `echo` writes. All
//! else takes no time and succeeds; what stands in functions, loops, conditions, subshells or here-documents does not
//! count. A `timeout` is what the Unix command of that name takes.

use serde::{Deserialize, Serialize};

/// How a script ends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ending {
    #[serde(default)]
    pub(crate) exit_code: i64,
    #[serde(default)]
    pub(crate) seconds: f64,
    #[serde(default)]
    pub(crate) output: String,
}

/// Without a timeout of its own a script has 15 minutes.
const TIMEOUT_SECONDS: f64 = 900.0;

/// The client library sends this when its user gave no timeout.
const NO_TIMEOUT: &str = "Nonem";

/// Output beyond this is cut off.
const OUTPUT_MAX: usize = 64 << 10;

const OPENERS: [&str; 8] = ["if", "for", "while", "until", "case", "select", "{", "[["];
const CLOSERS: [&str; 4] = ["fi", "done", "esac", "}"];
/// Words before a command that change nothing about where it stands.
const LEADERS: [&str; 5] = ["then", "else", "do", "elif", "!"];

impl Ending {
    /// How a script with this text ends, left to itself.
    pub(crate) fn of(text: &str) -> Ending {
        let mut shell = Shell::default();
        let mut commands = Reader::commands(text);
        let ended = commands.find_map(|command| shell.run(&command));
        let exit_code = ended.unwrap_or(i64::from(!shell.succeeded));
        shell.output.truncate(shell.output.floor_char_boundary(OUTPUT_MAX));
        Ending { exit_code, seconds: shell.seconds, output: shell.output }
    }

    /// The same under a time limit, as `timeout` ends it: 124 for a script that takes longer, 125 for a limit that is
    /// none.
    pub(crate) fn within(self, timeout: &str) -> Ending {
        let limit = match timeout {
            "" | NO_TIMEOUT => Some(TIMEOUT_SECONDS),
            text => duration(text),
        };
        match limit {
            None => {
                let output = format!("timeout: invalid time interval '{timeout}'\n");
                Ending { exit_code: 125, seconds: 0.0, output }
            }
            Some(limit) if limit > 0.0 && self.seconds > limit => {
                Ending { exit_code: 124, seconds: limit, ..self }
            }
            Some(_) => self,
        }
    }
}

/// Seconds of what `sleep` and `timeout` take: a number with `s`, `m`, `h` or `d` after it, or nothing.
fn duration(text: &str) -> Option<f64> {
    let units = [('s', 1.0), ('m', 60.0), ('h', 3600.0), ('d', 86_400.0)];
    let unit = units.iter().find(|(letter, _)| text.ends_with(*letter));
    let (number, length) = unit.map_or((text, 1.0), |(_, length)| (&text[..text.len() - 1], *length));
    let is_number = number.chars().all(|character| character.is_ascii_digit() || character == '.');
    number.parse::<f64>().ok().filter(|_| is_number).map(|number| number * length)
}

/// What stands between two commands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Joint {
    #[default]
    End,
    And,
    Or,
    Background,
    Pipe,
}

/// One simple command: its words without quotes, and what follows it.
#[derive(Debug, Default)]
struct Command {
    words: Vec<String>,
    joint: Joint,
}

/// The state of a shell that goes through a script.
struct Shell {
    seconds: f64,
    output: String,
    stops_at_errors: bool,
    succeeded: bool,
    /// What joined the command before to this one.
    joint: Joint,
    depth: usize,
}

impl Default for Shell {
    fn default() -> Shell {
        Shell {
            seconds: 0.0,
            output: String::new(),
            stops_at_errors: false,
            succeeded: true,
            joint: Joint::End,
            depth: 0,
        }
    }
}

impl Shell {
    /// Carries out a command; the exit code if the script ends with it.
    fn run(&mut self, command: &Command) -> Option<i64> {
        let before = std::mem::replace(&mut self.joint, command.joint);
        let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
        if self.is_nested(&words) {
            return None;
        }
        let is_skipped = (before == Joint::And && !self.succeeded) || (before == Joint::Or && self.succeeded);
        let (name, arguments) = words.split_first().filter(|_| !is_skipped)?;
        if command.joint == Joint::Background {
            return None;
        }
        let succeeded_before = std::mem::replace(&mut self.succeeded, *name != "false");
        match *name {
            "sleep" => self.seconds += arguments.iter().filter_map(|word| duration(word)).sum::<f64>(),
            "echo" if command.joint != Joint::Pipe => self.echo(arguments),
            "set" => self.set(arguments),
            "exit" => {
                let code = arguments.first().and_then(|word| word.parse::<i64>().ok());
                return Some(code.map_or(i64::from(!succeeded_before), |code| code.rem_euclid(256)));
            }
            _ => {}
        }
        let is_last = !matches!(command.joint, Joint::And | Joint::Or | Joint::Pipe);
        (!self.succeeded && self.stops_at_errors && is_last).then_some(1)
    }

    /// Whether a command stands below the top level, or opens or closes what does.
    fn is_nested(&mut self, words: &[&str]) -> bool {
        let mut rest = words;
        while let Some((first, after)) =
            rest.split_first().filter(|(first, _)| self.depth > 0 && LEADERS.contains(first))
        {
            (_, rest) = (first, after);
        }
        let was_nested = self.depth > 0;
        let first = rest.first().copied().unwrap_or("");
        let is_function = first == "function" || first.ends_with("()") || rest.get(1) == Some(&"()");
        if is_function {
            self.depth += usize::from(rest.contains(&"{"));
        } else if OPENERS.contains(&first) {
            self.depth += usize::from(!(first == "[[" && rest.contains(&"]]")));
        } else if CLOSERS.contains(&first) || rest.last() == Some(&"]]") {
            self.depth = self.depth.saturating_sub(1);
        }
        was_nested || is_function || OPENERS.contains(&first) || CLOSERS.contains(&first)
    }

    fn echo(&mut self, words: &[&str]) {
        let is_elsewhere =
            |word: &&str| word.starts_with('>') || word.starts_with("1>") || word.starts_with("&>");
        if words.iter().any(is_elsewhere) {
            return;
        }
        let is_option = |word: &&&str| matches!(**word, "-n" | "-e" | "-ne" | "-en");
        let shown: Vec<&str> =
            words.iter().skip_while(is_option).copied().filter(|word| !word.starts_with("2>")).collect();
        self.output.push_str(&shown.join(" "));
        if !words.first().is_some_and(|word| word.starts_with('-') && word.contains('n')) {
            self.output.push('\n');
        }
    }

    fn set(&mut self, words: &[&str]) {
        for (index, word) in words.iter().enumerate() {
            let is_on = match word.chars().next() {
                Some('-') => true,
                Some('+') => false,
                _ => continue,
            };
            let is_long = word[1..].ends_with('o') && words.get(index + 1) == Some(&"errexit");
            if is_long || word[1..].contains('e') {
                self.stops_at_errors = is_on;
            }
        }
    }
}

/// Cuts a script into commands.
struct Reader<'a> {
    lines: std::iter::Peekable<std::str::Lines<'a>>,
    /// The words that end here-documents which begin after this line.
    documents: Vec<String>,
    command: Command,
    word: Option<String>,
    /// The quote, or the bracket, that the text is in.
    inside: Vec<char>,
    commands: Vec<Command>,
}

impl Reader<'_> {
    fn commands(text: &str) -> std::vec::IntoIter<Command> {
        let mut reader = Reader {
            lines: text.lines().peekable(),
            documents: Vec::new(),
            command: Command::default(),
            word: None,
            inside: Vec::new(),
            commands: Vec::new(),
        };
        while let Some(line) = reader.lines.next() {
            reader.line(line);
        }
        reader.end_command(Joint::End);
        reader.commands.into_iter()
    }

    fn line(&mut self, line: &str) {
        let mut characters = line.chars().peekable();
        while let Some(character) = characters.next() {
            let next = characters.peek().copied();
            match (self.inside.last().copied(), character) {
                (Some('\''), '\'') | (Some('"'), '"') | (Some('`'), '`') | (Some('('), ')') => {
                    let closed = self.inside.pop();
                    if closed == Some('(') || closed == Some('`') {
                        self.push(character);
                    }
                }
                (Some('\''), _) => self.push(character),
                (_, '\\') => match characters.next() {
                    Some(escaped) => self.push(escaped),
                    // The line goes on in the next one.
                    None => return,
                },
                (None | Some('('), '\'' | '"') => {
                    self.word.get_or_insert_default();
                    self.inside.push(character);
                }
                (_, '$') if next == Some('(') => self.push(character),
                (None | Some('('), '(') if !(self.word.is_some() && next == Some(')')) => {
                    self.push(character);
                    self.inside.push(character);
                }
                (Some('"'), '(') if self.word.as_ref().is_some_and(|word| word.ends_with('$')) => {
                    self.push(character);
                    self.inside.push(character);
                }
                (_, '`') => {
                    self.push(character);
                    self.inside.push(character);
                }
                (Some(_), _) => self.push(character),
                (None, '#') if self.word.is_none() => break,
                (None, '<') if next == Some('<') => {
                    characters.next();
                    self.end_word();
                    let rest: String = characters.clone().collect();
                    self.document(&rest);
                }
                (None, ';') => self.end_command(Joint::End),
                (None, '&') if next == Some('&') => {
                    characters.next();
                    self.end_command(Joint::And);
                }
                (None, '&')
                    if self.word.as_ref().is_some_and(|word| word.ends_with('>')) || next == Some('>') =>
                {
                    self.push(character);
                }
                (None, '&') => self.end_command(Joint::Background),
                (None, '|') if next == Some('|') => {
                    characters.next();
                    self.end_command(Joint::Or);
                }
                (None, '|') => self.end_command(Joint::Pipe),
                (None, white) if white.is_whitespace() => self.end_word(),
                (None, _) => self.push(character),
            }
        }
        if self.inside.is_empty() {
            self.end_line();
        } else {
            self.push('\n');
        }
    }

    /// A here-document follows the line, unless it is a here-string (`<<<`).
    fn document(&mut self, rest: &str) {
        let rest = rest.strip_prefix('-').unwrap_or(rest).trim_start();
        let end = rest.find(|character: char| character.is_whitespace() || ";&|<>".contains(character));
        let word = rest[..end.unwrap_or(rest.len())].trim_matches(['\'', '"']);
        if !word.is_empty() {
            self.documents.push(word.to_owned());
        }
    }

    fn end_line(&mut self) {
        self.end_command(Joint::End);
        for word in std::mem::take(&mut self.documents) {
            for line in self.lines.by_ref() {
                if line.trim() == word {
                    break;
                }
            }
        }
    }

    fn push(&mut self, character: char) {
        self.word.get_or_insert_default().push(character);
    }

    fn end_word(&mut self) {
        self.command.words.extend(self.word.take());
    }

    fn end_command(&mut self, joint: Joint) {
        self.end_word();
        let command = std::mem::take(&mut self.command);
        // A line that ends in `&&` goes on in the next one.
        if !command.words.is_empty() {
            self.commands.push(Command { joint, ..command });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(text: &str) -> (f64, i64, String) {
        let ending = Ending::of(text);
        (ending.seconds, ending.exit_code, ending.output)
    }

    fn seconds(text: &str) -> f64 {
        Ending::of(text).seconds
    }

    fn exit_code(text: &str) -> i64 {
        Ending::of(text).exit_code
    }

    #[test]
    fn sleeps_add_up_and_echoes_are_written() {
        let script = "#!/bin/bash\r\nset -e\r\necho \"one  two\" # three\nsleep 30; sleep 1.5m && sleep 1 2\napt-get install -y jq\necho done\n";
        assert_eq!(ending(script), (123.0, 0, "one  two\ndone\n".to_owned()));
    }

    #[test]
    fn exit_and_false_end_as_in_a_shell() {
        assert_eq!(ending("echo a\nexit 3\necho b"), (0.0, 3, "a\n".to_owned()));
        assert_eq!(ending("false\necho b"), (0.0, 0, "b\n".to_owned()));
        assert_eq!(ending("set -e\nfalse\necho b"), (0.0, 1, String::new()));
        for script in [
            "set -euo pipefail\nfalse\ntrue",
            "set -o errexit; false; true",
            "false",
            "false || exit 1; true",
        ] {
            assert_eq!(exit_code(script), 1, "{script}");
        }
        for script in [
            "set -e\nfalse || true",
            "set -e\nset +e\nfalse\ntrue",
            "true || exit 1",
            "false && exit 1; true",
            "exit",
        ] {
            assert_eq!(exit_code(script), 0, "{script}");
        }
        assert_eq!(exit_code("exit -1"), 255);
    }

    #[test]
    fn only_the_top_level_counts() {
        let nested = [
            "if true; then\n sleep 5\n exit 1\nfi",
            "for i in 1 2; do sleep 5; done",
            "wait_for() {\n  if ! ready; then sleep 5; fi\n  exit 1\n}",
            "function f { sleep 5; }",
            "f () { sleep 5; }",
            "case $1 in\n a) sleep 5;;\nesac",
            "( sleep 5; exit 1 )",
            "x=$(sleep 5; exit 1)",
            "cat > /etc/motd <<'END'\nsleep 5\nexit 1\nEND",
            "echo \"sleep 5; exit 1\"",
            "echo 'a\nsleep 5\n'",
            "sleep 5 &",
            "# sleep 5",
            "sudo true \\\n  sleep 5",
            "sleep $DELAY",
        ];
        for script in nested {
            let script = format!("{script}\nsleep 1\n");
            assert_eq!((seconds(&script), exit_code(&script)), (1.0, 0), "{script}");
        }
        assert_eq!(seconds("if a; then b; fi; sleep 2\n[[ a && b ]] && sleep 3"), 5.0);
    }

    #[test]
    fn what_goes_into_a_file_is_not_in_the_log() {
        let script = "echo a > /dev/null\necho b >> log\necho c | tee x\necho -n d 2>&1\necho e >&2\n";
        assert_eq!(Ending::of(script).output, "d");
    }

    #[test]
    fn a_timeout_is_what_the_unix_command_takes() {
        let slow = || Ending { exit_code: 0, seconds: 1000.0, output: "a\n".to_owned() };
        let codes = ["20m", "1h", "0.5d", "0", "2000", "", "Nonem", "16m", "999s", "PT1H"]
            .map(|timeout| slow().within(timeout).exit_code);
        assert_eq!(codes, [0, 0, 0, 0, 0, 124, 124, 124, 124, 125]);
        assert_eq!(slow().within("2m"), Ending { exit_code: 124, seconds: 120.0, output: "a\n".to_owned() });
    }
}
