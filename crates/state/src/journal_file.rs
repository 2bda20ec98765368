//! The journal's text: a line for each batch of records that one fsync made durable.
//!
//! `<line number> <hash> [<record>,…]`, the hash being over the hash of the line before and this
//! line's records. A crash tears only what was not yet durable, and that is the last line: it is
//! dropped when it is cut or has holes, and refused when it is whole but wrong, like any other line.

use aws_lc_rs::digest::{Context, SHA256};

use crate::Record;
use crate::checked::hex;

const BEGINNING: &str = "plumb journal 1\n";
const HASH_LENGTH: usize = 16;

/// Where the next line goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chain {
    lines: u64,
    hash: String,
}

impl Chain {
    fn start() -> Self {
        Self { lines: 0, hash: "0".repeat(HASH_LENGTH) }
    }

    /// The bytes of a line with these records, already in their JSON form.
    pub(crate) fn line(&mut self, records: &[Vec<u8>]) -> Vec<u8> {
        let payload = [b"[".as_slice(), &records.join(&b","[..]), b"]"].concat();
        *self = self.next(&payload);
        [format!("{} {} ", self.lines, self.hash).as_bytes(), &payload, b"\n"].concat()
    }

    fn next(&self, payload: &[u8]) -> Self {
        let lines = self.lines + 1;
        let mut context = Context::new(&SHA256);
        context.update(self.hash.as_bytes());
        context.update(format!("\n{lines}\n").as_bytes());
        context.update(payload);
        let mut hash = hex(context.finish().as_ref());
        hash.truncate(HASH_LENGTH);
        Self { lines, hash }
    }

    /// The payload of a line, if the line is the one that comes next.
    fn payload<'a>(&self, line: &'a [u8]) -> Option<(&'a [u8], Chain)> {
        let number = format!("{} ", self.lines + 1);
        let (hash, payload) = line
            .strip_prefix(number.as_bytes())?
            .split_at_checked(HASH_LENGTH)
            .and_then(|(hash, rest)| rest.strip_prefix(b" ").map(|payload| (hash, payload)))?;
        let next = self.next(payload);
        (next.hash.as_bytes() == hash).then_some((payload, next))
    }
}

/// The bytes of a new journal with these records, and where it goes on.
pub(crate) fn begin(records: &[Vec<u8>]) -> (Vec<u8>, Chain) {
    let mut chain = Chain::start();
    let line = chain.line(records);
    ([BEGINNING.as_bytes(), &line].concat(), chain)
}

/// The JSON form of a record.
pub(crate) fn to_json(record: &Record) -> Vec<u8> {
    serde_json::to_vec(record).expect("BUG: a record has a JSON form")
}

/// Reads a journal, up to what was never durable; the error says what is wrong in words that follow "the journal".
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Record>, String> {
    let mut rest = bytes.strip_prefix(BEGINNING.as_bytes()).ok_or_else(|| strange_beginning(bytes))?;
    let (mut records, mut chain) = (Vec::new(), Chain::start());
    while !rest.is_empty() {
        let (line, after) = split_line(rest);
        let Some((payload, next)) = chain.payload(line) else {
            return if torn(&chain, rest) { Ok(records) } else { Err(damaged(&chain)) };
        };
        let Some(after) = after else { return Ok(records) };
        let batch: Vec<Record> = serde_json::from_slice(payload).map_err(|error| unknown(&chain, &error))?;
        records.extend(batch);
        (chain, rest) = (next, after);
    }
    Ok(records)
}

/// The next line without its end, and what follows; no line end, nothing follows.
fn split_line(rest: &[u8]) -> (&[u8], Option<&[u8]>) {
    match rest.iter().position(|&b| b == b'\n') {
        Some(end) => (&rest[..end], Some(&rest[end + 1..])),
        None => (rest, None),
    }
}

/// Whether what is left is a write that a crash cut (no line end) or that has holes (pages that
/// never reached the disk read as zeros). A line that is whole but for its last byte is damaged,
/// unless that byte never came either.
fn torn(chain: &Chain, rest: &[u8]) -> bool {
    let (line, after) = split_line(rest);
    let holes = || rest.windows(2).any(|pair| pair == [0, 0]);
    match (after, line.split_last()) {
        (None, Some((last, whole))) => *last == 0 || chain.payload(whole).is_none(),
        (None, None) => true,
        (Some(_), _) => holes(),
    }
}

fn strange_beginning(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(BEGINNING.len() + 8)]);
    let number = text.strip_prefix("plumb journal ").and_then(|rest| rest.split('\n').next());
    match number {
        _ if bytes.is_empty() => "is empty, which plumb never writes".to_owned(),
        Some(number) if number.parse::<u64>().is_ok() && number != "1" => {
            format!("has format {number}, of a newer plumb; use that one")
        }
        _ => "does not begin as one".to_owned(),
    }
}

fn damaged(chain: &Chain) -> String {
    format!("is damaged at line {}: it was changed after plumb wrote it", chain.lines + 2)
}

fn unknown(chain: &Chain, error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = match text.split(',').next().and_then(|first| first.split(" at line").next()) {
        Some(what) if what.starts_with("unknown ") || what.starts_with("missing ") => what,
        _ => "a value of another form",
    };
    format!(
        "holds at line {} what this plumb does not know, {what}; use the plumb that wrote it",
        chain.lines + 2
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_format_is_told_from_what_is_no_journal() {
        let newer = "has format 12345, of a newer plumb; use that one";
        assert_eq!(strange_beginning(b"plumb journal 12345\nmore"), newer);
        for text in ["plumb journal 1", "plumb journal x\n", "plumb journal \n", "another\n", "plumb"] {
            assert_eq!(strange_beginning(text.as_bytes()), "does not begin as one", "{text}");
        }
        assert_eq!(strange_beginning(b""), "is empty, which plumb never writes");
    }

    /// The line is whole and ours, and what it holds is not: the record's kind, its members, or the form of a value.
    #[test]
    fn what_another_plumb_wrote_is_named_with_its_line() {
        let said = |record: &str| decode(&begin(&[record.as_bytes().to_vec()]).0).expect_err("no record");
        let unheard = said("{\"record\":\"unheard\"}");
        assert!(unheard.starts_with("holds at line 2 what this plumb does not know, "), "{unheard}");
        assert!(unheard.contains("missing ") || unheard.contains("unknown "), "{unheard}");
        assert!(
            said("7").contains("does not know, a value of another form; use the plumb that wrote it"),
            "{}",
            said("7")
        );
    }
}
