//! What a directory's listing says. Services and versions differ in what they put beside the names, so only what is
//! looked for is read, wherever it stands in its entry.

use executor::provider::FileEntry;

use crate::pace::http_date;

/// The files and folders of one page.
pub(super) fn of(page: &str) -> Vec<FileEntry> {
    let mut found: Vec<FileEntry> = blocks(page, "File").filter_map(|block| entry(block, false)).collect();
    found.extend(blocks(page, "Directory").filter_map(|block| entry(block, true)));
    found
}

/// Where the next page begins; empty after the last one.
pub(super) fn next(page: &str) -> String {
    inner(page, "NextMarker").map(unescaped).unwrap_or_default()
}

fn entry(block: &str, is_folder: bool) -> Option<FileEntry> {
    let name = unescaped(inner(block, "Name")?);
    let plain = !name.is_empty() && !name.contains('/') && name != "." && name != "..";
    plain.then(|| FileEntry {
        name,
        is_folder,
        length: inner(block, "Content-Length").and_then(|text| text.parse().ok()).unwrap_or_default(),
        modified: inner(block, "Last-Modified").and_then(http_date),
    })
}

/// The text inside each element of a name.
fn blocks<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = &'t str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (inner, after) = element(rest, name)?;
        rest = after;
        Some(inner)
    })
}

fn inner<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    element(text, name).map(|(inner, _)| inner)
}

/// The text inside the first element of a name, and what follows it. `<Name/>` and `<Names>` are none.
fn element<'t>(text: &'t str, name: &str) -> Option<(&'t str, &'t str)> {
    let open = format!("<{name}");
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find(&open)? + open.len();
        let rest = text.get(at..)?;
        let head = rest.find('>')?;
        if rest.starts_with(['>', ' ']) && !rest[..head].ends_with('/') {
            let body = &rest[head + 1..];
            let close = format!("</{name}>");
            let end = body.find(&close)?;
            return Some((&body[..end], &body[end + close.len()..]));
        }
        from = at;
    }
}

/// The text of an element of an error body.
pub(super) fn said(body: &str, name: &str) -> String {
    inner(body, name).map(unescaped).unwrap_or_default()
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_read_whatever_stands_beside_the_names() {
        let page = "<?xml version=\"1.0\"?><EnumerationResults ShareName=\"code\" DirectoryPath=\"Logs\"><Marker/><Entries>\
            <Directory><Name>deep</Name><FileId>1</FileId><Properties/></Directory>\
            <File><Name Encoded=\"false\">a &amp; b.log</Name><Properties><Content-Length>12</Content-Length>\
            <Last-Modified>Sat, 21 Nov 2026 08:00:00 GMT</Last-Modified></Properties></File>\
            <File><Name>c</Name><Properties/></File></Entries><NextMarker>n&gt;1</NextMarker></EnumerationResults>";
        let found = of(page);
        let names: Vec<(&str, bool, u64)> =
            found.iter().map(|e| (e.name.as_str(), e.is_folder, e.length)).collect();
        assert_eq!(names, [("a & b.log", false, 12), ("c", false, 0), ("deep", true, 0)]);
        assert_eq!(found[0].modified.map(|t| t.to_string()).as_deref(), Some("2026-11-21T08:00:00Z"));
        assert_eq!(next(page), "n>1");
        assert_eq!(next("<NextMarker/>"), "");
    }

    #[test]
    fn what_is_no_listing_and_what_is_no_name_is_passed_over() {
        for text in [
            "",
            "<File>",
            "<File><Name>",
            "<html></html>",
            "<File><Name>../x</Name></File>",
            "<File><Name>..</Name></File>",
        ] {
            assert_eq!(of(text).len(), 0, "{text}");
        }
    }
}
