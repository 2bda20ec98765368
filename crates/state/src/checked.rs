//! Files that notice any change: pretty JSON whose third line is the checksum of everything after that line.
//!
//! A file is good exactly if it is the fixed beginning, the SHA-256 of the rest, and the rest. So any
//! flipped bit and any cut shows, however JSON is read or written by the next version.

use aws_lc_rs::digest::{SHA256, digest};
use model::Json;
use serde::{Deserialize, Serialize};

use crate::error::Damage;

/// Who writes: it stands in each file.
pub(crate) const TOOL: &str = concat!("plumb ", env!("CARGO_PKG_VERSION"));

const BEGINNING: &str = "{\n  \"format\": 1,\n  \"checksum\": \"sha256:";
const DIGEST_LENGTH: usize = 64;
/// Stands at the end only: text within the file has its line ends escaped.
const END: &[u8] = b"\n}\n";

/// The bytes of a file with these fields, which are those of an object.
pub(crate) fn encode(fields: &impl Serialize) -> Vec<u8> {
    let mut bytes = BEGINNING.as_bytes().to_vec();
    bytes.resize(BEGINNING.len() + DIGEST_LENGTH, b'0');
    let rest = bytes.len();
    bytes.extend_from_slice(b"\",");
    let object = bytes.len();
    serde_json::to_writer_pretty(&mut bytes, fields).expect("BUG: what plumb keeps has a JSON form");
    // The object's own `{` gives way: its fields go on after ours.
    bytes.remove(object);
    bytes.push(b'\n');
    let sum = hex(digest(&SHA256, &bytes[rest..]).as_ref());
    bytes[BEGINNING.len()..rest].copy_from_slice(sum.as_bytes());
    bytes
}

/// The checksum that the file states, if it fits.
pub(crate) fn digest_of(bytes: &[u8]) -> Result<String, Damage> {
    let stated = bytes
        .strip_prefix(BEGINNING.as_bytes())
        .and_then(|after| after.split_at_checked(DIGEST_LENGTH))
        .ok_or_else(|| strange_beginning(bytes))?;
    let (sum, rest) = stated;
    if hex(digest(&SHA256, rest).as_ref()).as_bytes() != sum {
        return Err(changed(bytes));
    }
    Ok(format!("sha256:{}", String::from_utf8_lossy(sum)))
}

/// What one can say of a file that does not begin as ours.
fn strange_beginning(bytes: &[u8]) -> Damage {
    match bytes {
        [] => return Damage::Empty,
        [0xef, 0xbb, 0xbf, ..] => return Damage::Encoding("it begins with a byte order mark"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, b'{', ..] | [b'{', 0, ..] => {
            return Damage::Encoding("it looks like UTF-16");
        }
        [0, ..] => return Damage::Encoding("it begins with zero bytes"),
        _ if BEGINNING.as_bytes().starts_with(bytes) => return Damage::CutShort,
        _ => {}
    }
    if let Some(line) = conflict_line(bytes) {
        return Damage::ConflictMarkers(line);
    }
    match serde_json::from_slice::<Stranger>(bytes) {
        Ok(Stranger { terraform_version: Some(_), .. }) => Damage::Foreign(": it is a Terraform state"),
        Ok(Stranger { format: Some(format), .. }) if format != 1 => Damage::Format(format.to_string()),
        Ok(_) => Damage::Foreign(""),
        Err(_) if bytes.starts_with(BEGINNING.as_bytes()) => Damage::CutShort,
        Err(_) => Damage::Foreign(""),
    }
}

/// What one can say of a file whose checksum does not fit.
fn changed(bytes: &[u8]) -> Damage {
    match conflict_line(bytes) {
        Some(line) => Damage::ConflictMarkers(line),
        None if bytes.ends_with(END) => Damage::Checksum,
        None if bytes.windows(END.len()).any(|window| window == END) => Damage::TrailingText,
        None => Damage::CutShort,
    }
}

fn conflict_line(bytes: &[u8]) -> Option<usize> {
    bytes.split(|&b| b == b'\n').position(|line| line.starts_with(b"<<<<<<< ")).map(|at| at + 1)
}

/// The checksum fits, so plumb wrote this: another version of it.
pub(crate) fn unknown(bytes: &[u8], error: &serde_json::Error) -> Damage {
    let tool = serde_json::from_slice::<Stranger>(bytes).ok().and_then(|stranger| stranger.tool);
    let text = error.to_string();
    let known = ["unknown ", "twice: ", "missing field"].iter().any(|word| text.starts_with(word));
    let what = match text.split([',', '\n']).next() {
        Some(what) if known => what.split(" at line").next().unwrap_or(what).to_owned(),
        _ => "a value of another form".to_owned(),
    };
    let tool = tool.unwrap_or_else(|| "an unknown version".to_owned());
    Damage::Unknown { tool, what: format!("{what}, line {}", error.line()) }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// What a file of another format or program may say of itself.
#[derive(Deserialize)]
struct Stranger {
    format: Option<Json>,
    tool: Option<String>,
    terraform_version: Option<Json>,
}
