//! Template expressions, `[concat('a', parameters('b').c[0])]`: parsed and carried out in one walk.

use model::Json;

use super::functions::call;
use super::{Around, DEPTH_MAX, look_up};

/// The value of a text of a template: an expression where it stands in brackets, `[[` for a bracket.
pub(super) fn evaluate(text: &str, around: &Around<'_>) -> Result<Json, String> {
    if let Some(literal) = text.strip_prefix("[[") {
        return Ok(Json::from(format!("[{literal}")));
    }
    let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return Ok(Json::from(text));
    };
    let mut reader = Reader { rest: inner, around, depth: 0 };
    let value = reader.value()?;
    match reader.next() {
        None => Ok(value),
        Some(_) => Err(format!("the expression {text:?} goes on after its end")),
    }
}

struct Reader<'t, 'a> {
    rest: &'t str,
    around: &'t Around<'a>,
    depth: usize,
}

impl<'t> Reader<'t, '_> {
    /// The next character that is no space; it stays.
    fn next(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    /// Takes a character that must stand here.
    fn expect(&mut self, wanted: char) -> Result<(), String> {
        match self.next() {
            Some(found) if found == wanted => {
                self.rest = &self.rest[found.len_utf8()..];
                Ok(())
            }
            _ => Err(format!("an expression lacks its `{wanted}`")),
        }
    }

    fn takes(&mut self, wanted: char) -> bool {
        self.next() == Some(wanted) && self.expect(wanted).is_ok()
    }

    /// A literal or a call, and what is picked out of it.
    fn value(&mut self) -> Result<Json, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("an expression goes too deep".to_owned());
        }
        let mut value = match self.next() {
            Some('\'') => Json::from(self.quoted()?),
            Some(c) if c.is_ascii_digit() || c == '-' => self.number()?,
            Some(c) if c.is_ascii_alphabetic() => self.call()?,
            _ => return Err(format!("an expression cannot be read at {:?}", self.rest)),
        };
        loop {
            value = if self.takes('.') {
                let name = self.word();
                look_up(&value, name).cloned().ok_or_else(|| format!("there is no `.{name}` in a value"))?
            } else if self.takes('[') {
                let key = self.value()?;
                self.expect(']')?;
                picked(&value, &key).cloned().ok_or_else(|| format!("there is no `[{key}]` in a value"))?
            } else {
                self.depth -= 1;
                return Ok(value);
            };
        }
    }

    /// A text in quotes; a quote within it is doubled.
    fn quoted(&mut self) -> Result<String, String> {
        self.expect('\'')?;
        let mut out = String::new();
        loop {
            let (text, rest) = self.rest.split_once('\'').ok_or("a text in an expression has no end")?;
            out.push_str(text);
            self.rest = rest;
            match self.rest.strip_prefix('\'') {
                Some(rest) => self.rest = rest,
                None => return Ok(out),
            }
            out.push('\'');
        }
    }

    fn number(&mut self) -> Result<Json, String> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        self.rest = rest;
        digits.parse::<i64>().map(Json::from).map_err(|_| format!("`{digits}` is no number"))
    }

    fn word(&mut self) -> &'t str {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn call(&mut self) -> Result<Json, String> {
        let name = self.word();
        self.expect('(')?;
        let mut arguments = Vec::new();
        while !self.takes(')') {
            if !arguments.is_empty() {
                self.expect(',').map_err(|_| format!("the call of `{name}` lacks its `)`"))?;
            }
            arguments.push(self.value()?);
        }
        call(name, &arguments, self.around)
    }
}

fn picked<'j>(value: &'j Json, key: &Json) -> Option<&'j Json> {
    match key {
        Json::Number(index) => value.get(usize::try_from(index.as_u64()?).ok()?),
        Json::String(name) => look_up(value, name),
        _ => None,
    }
}
