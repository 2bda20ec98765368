//! The XML that the data plane answers with.

use std::fmt::Write as _;

use super::{Entry, Place, Refusal};
use crate::wire::Response;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>";

/// A refusal as a response.
pub(super) fn error((status, code, message): Refusal) -> Response {
    let body = format!("{HEAD}<Error><Code>{code}</Code><Message>{}</Message></Error>", escaped(message));
    let mut response =
        Response::empty(status).with("content-type", "application/xml").with("x-ms-error-code", code);
    response.body = body.into_bytes();
    response
}

/// What lies directly in a directory: names, and what is asked for with them.
pub(super) fn listing(place: &Place, entries: &[&Entry], next: &str, has_times: bool) -> Response {
    let mut out = format!(
        "{HEAD}<EnumerationResults ShareName=\"{}\" DirectoryPath=\"{}\"><Entries>",
        escaped(&place.name),
        escaped(&place.path)
    );
    for entry in entries {
        let name = escaped(entry.path.rsplit('/').next().unwrap_or_default());
        let times = match has_times {
            true => format!("<Last-Modified>{}</Last-Modified>", http_date(entry)),
            false => String::new(),
        };
        let (tag, length) = match &entry.file {
            Some(file) => ("File", format!("<Content-Length>{}</Content-Length>", file.content.len())),
            None => ("Directory", String::new()),
        };
        let _ = write!(out, "<{tag}><Name>{name}</Name><Properties>{length}{times}</Properties></{tag}>");
    }
    let _ = write!(out, "</Entries><NextMarker>{}</NextMarker></EnumerationResults>", escaped(next));
    let mut response = Response::empty(200).with("content-type", "application/xml");
    response.body = out.into_bytes();
    response
}

/// When an entry last changed, as HTTP has it.
pub(super) fn http_date(entry: &Entry) -> String {
    entry.modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
