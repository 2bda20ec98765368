//! JSON as people and `az` write it: unquoted keys, single quotes, comments, trailing commas, line ends in texts.
//!
//! `az deployment group create -f` puts the template file's own text behind an unquoted key (wire-traces §2), so a
//! body may be any of these. What is strict JSON reads as strict JSON does. Depth is bounded, so no body can exhaust
//! the stack.

use serde_json::{Map, Number, Value};

/// As deep as serde_json goes.
const DEPTH_MAX: usize = 128;

/// Reads one value, with nothing but space and comments around it.
///
/// # Errors
/// What is wrong, with line and column.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let mut reader = Reader { text, at: 0, depth: 0 };
    reader.at += if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let value = reader.value().and_then(|value| {
        reader.space()?;
        if reader.rest().is_empty() { Ok(value) } else { Err("text behind the end of the value") }
    });
    value.map_err(|problem| {
        let before = &text[..reader.at];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        format!("{problem}, line {line}, position {column}")
    })
}

type Read<T> = Result<T, &'static str>;

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn space(&mut self) -> Read<()> {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start().len();
            if self.take("//") {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            } else if self.take("/*") {
                self.at += self.rest().find("*/").ok_or("a comment without an end")? + 2;
            } else {
                return Ok(());
            }
        }
    }

    fn value(&mut self) -> Read<Value> {
        self.space()?;
        match self.rest().chars().next().ok_or("the value ends too early")? {
            '{' => self.inside(Self::object),
            '[' => self.inside(Self::array),
            quote @ ('"' | '\'') => self.quoted(quote).map(Value::String),
            _ => self.word(),
        }
    }

    fn inside(&mut self, read: fn(&mut Self) -> Read<Value>) -> Read<Value> {
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("the value is nested too deeply");
        }
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Read<Value> {
        let mut map = Map::new();
        loop {
            self.space()?;
            if self.take("}") {
                return Ok(Value::Object(map));
            }
            let key = match self.rest().chars().next() {
                Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
                _ => self.name()?.to_owned(),
            };
            self.space()?;
            if !self.take(":") {
                return Err("a key without ':'");
            }
            let value = self.value()?;
            map.insert(key, value);
            self.separator('}')?;
        }
    }

    fn array(&mut self) -> Read<Value> {
        let mut items = Vec::new();
        loop {
            self.space()?;
            if self.take("]") {
                return Ok(Value::Array(items));
            }
            items.push(self.value()?);
            self.separator(']')?;
        }
    }

    /// A comma, or the end that the caller is about to take.
    fn separator(&mut self, end: char) -> Read<()> {
        self.space()?;
        if self.take(",") || self.rest().starts_with(end) { Ok(()) } else { Err("',' is missing") }
    }

    fn name(&mut self) -> Read<&'a str> {
        let rest = self.rest();
        let belongs = |character: char| {
            character.is_alphanumeric() || character == '_' || character == '$' || character == '-'
        };
        let length = rest.find(|character| !belongs(character)).unwrap_or(rest.len());
        if length == 0 {
            return Err("a key is missing");
        }
        self.at += length;
        Ok(&rest[..length])
    }

    fn word(&mut self) -> Read<Value> {
        let rest = self.rest();
        let ends = |character: char| character.is_whitespace() || ",]}:/".contains(character);
        let word = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let value = match word {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            number => Value::Number(serde_json::from_str::<Number>(number).map_err(|_| "this is no value")?),
        };
        self.at += word.len();
        Ok(value)
    }

    fn quoted(&mut self, quote: char) -> Read<String> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let stop = rest.find(['\\', quote]).ok_or("a text without an end")?;
            text.push_str(&rest[..stop]);
            self.at += stop + 1;
            if rest[stop..].starts_with(quote) {
                return Ok(text);
            }
            text.push(self.escaped()?);
        }
    }

    fn escaped(&mut self) -> Read<char> {
        let escape = self.rest().chars().next().ok_or("a text without an end")?;
        self.at += escape.len_utf8();
        Ok(match escape {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unicode(),
            '"' | '\'' | '\\' | '/' => escape,
            _ => return Err("an unknown escape"),
        })
    }

    /// Two escapes may make one character, as UTF-16 has it.
    fn unicode(&mut self) -> Read<char> {
        let high = self.four_digits()?;
        let mut units = vec![high];
        if (0xD800..0xDC00).contains(&high) && self.take("\\u") {
            units.push(self.four_digits()?);
        }
        let mut decoded = char::decode_utf16(units);
        match (decoded.next(), decoded.next()) {
            (Some(Ok(character)), None) => Ok(character),
            _ => Err("half of a character"),
        }
    }

    fn four_digits(&mut self) -> Read<u16> {
        let digits = self.rest().get(..4).ok_or("'\\u' needs four digits")?;
        let is_hex = digits.chars().all(|digit| digit.is_ascii_hexdigit());
        let code =
            u16::from_str_radix(digits, 16).ok().filter(|_| is_hex).ok_or("'\\u' needs four digits")?;
        self.at += 4;
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_body_with_a_spliced_file_reads() {
        let text = "\u{feff}{\"properties\": {\"mode\": 'Incremental', template:{ // the file\n  $schema: \"x\", /* a\n b */\n\
                    \"resources\": [ 1, -2.5e3, \"a\n  b\", ], }}}";
        let expected = json!({ "properties": { "mode": "Incremental",
            "template": { "$schema": "x", "resources": [1, -2500.0, "a\n  b"] } } });
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn strict_json_reads_as_strict_json() {
        let texts = [
            r#"{"a":[true,false,null,0,-1,1.5,18446744073709551615],"b":{"":"\"\\\/\b\f\n\r\té😀"}}"#,
            "[]",
            " \"// no comment\" ",
            "[[[[{}]]]]",
        ];
        for text in texts {
            assert_eq!(parse(text).unwrap(), serde_json::from_str::<Value>(text).unwrap(), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let cases = [
            ("", "the value ends too early, line 1"),
            ("{\n  a 1}", "a key without ':', line 2, position 5"),
            ("[1 2]", "',' is missing"),
            ("{} x", "text behind the end"),
            ("\"a", "a text without an end"),
            ("\"\\ud800\"", "half of a character"),
            ("\"\\u00é\"", "'\\u' needs four digits"),
            ("/* x", "a comment without an end"),
            ("{,}", "a key is missing"),
            ("nil", "this is no value"),
        ];
        for (text, expected) in cases {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(parse(&"[".repeat(100_000)).unwrap_err().contains("nested too deeply"));
    }
}
