//! What can be done to files and directories, by method, `restype` and `comp`.

use jiff::Timestamp;

use super::{Entry, File, Place, Refusal, tree, xml};
use crate::wire::{Method, Request, Response};
use crate::world::{Call, World};

/// One range that is written, at most.
const RANGE_MAX: usize = 4 << 20;

/// The largest file that is kept here; Azure's bound is 4 TiB.
const FILE_MAX: u64 = 16 << 20;

const PAGE_MAX: usize = 5000;

const NO_SHARE: Refusal = (404, "ShareNotFound", "The specified share does not exist.");
const NOT_FOUND: Refusal = (404, "ResourceNotFound", "The specified resource does not exist.");
const NO_PARENT: Refusal = (404, "ParentNotFound", "The specified parent path does not exist.");
const EXISTS: Refusal = (409, "ResourceAlreadyExists", "The specified resource already exists.");
const OTHER_TYPE: Refusal = (
    409,
    "ResourceTypeMismatch",
    "The specified resource type does not match the type of the existing resource.",
);
const NOT_EMPTY: Refusal = (409, "DirectoryNotEmpty", "The specified directory is not empty.");
const BAD_RANGE: Refusal =
    (416, "InvalidRange", "The range specified is invalid for the current size of the resource.");
const TOO_LARGE: Refusal =
    (413, "RequestBodyTooLarge", "The request body is too large and exceeds the maximum permissible limit.");
const NO_HEADER: Refusal =
    (400, "MissingRequiredHeader", "An HTTP header that's mandatory for this request is not specified.");
const BAD_HEADER: Refusal =
    (400, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format.");
const BAD_VERB: Refusal = (405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.");

/// Carries a request out.
pub(super) fn run(world: &mut World, call: &Call, place: &Place) -> Result<Response, Refusal> {
    if !tree::has_share(world, place) {
        return Err(NO_SHARE);
    }
    let request = call.request;
    let restype = request.parameter("restype").unwrap_or_default();
    let comp = request.parameter("comp").unwrap_or_default();
    match (request.method, restype.as_str(), comp.as_str()) {
        (Method::Get | Method::Head, "share", "") => Ok(Response::empty(200)),
        (Method::Get, "directory", "list") => list(world, call, place),
        (Method::Get | Method::Head, "directory", "") => directory(world, call, place),
        (Method::Put, "directory", "") => make_directory(world, call, place),
        (Method::Delete, "directory", "") => remove(world, call, place, true),
        (Method::Put, "", "") => create(world, call, place),
        (Method::Put, "", "range") => write(world, call, place),
        (Method::Get | Method::Head, "", "") => read(world, call, place),
        (Method::Delete, "", "") => remove(world, call, place, false),
        _ => Err(BAD_VERB),
    }
}

fn find(world: &World, call: &Call, place: &Place) -> Result<Entry, Refusal> {
    tree::entries(world, place, call.now).remove(&place.path.to_lowercase()).ok_or(NOT_FOUND)
}

/// What lies directly in a directory, in the order of names.
fn list(world: &World, call: &Call, place: &Place) -> Result<Response, Refusal> {
    let all = tree::entries(world, place, call.now);
    let path = place.path.to_lowercase();
    match all.get(&path) {
        _ if path.is_empty() => {}
        None => return Err(NOT_FOUND),
        Some(entry) if entry.file.is_some() => return Err(OTHER_TYPE),
        Some(_) => {}
    }
    let text = |name| call.request.parameter(name).unwrap_or_default();
    let (prefix, marker) = (text("prefix").to_lowercase(), text("marker"));
    let most = text("maxresults").parse().unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX);
    let inside = |key: &str| {
        let rest = if path.is_empty() {
            Some(key)
        } else {
            key.strip_prefix(&path).and_then(|r| r.strip_prefix('/'))
        };
        rest.is_some_and(|name| !name.is_empty() && !name.contains('/') && name.starts_with(&prefix))
    };
    let found = all.iter().filter(|(key, _)| inside(key) && key.as_str() >= marker.as_str());
    let found: Vec<(&String, &Entry)> = found.take(most + 1).collect();
    let next = found.get(most).map_or("", |(key, _)| key.as_str());
    let entries: Vec<&Entry> = found.iter().take(most).map(|(_, entry)| *entry).collect();
    let has_times = text("include").to_lowercase().contains("timestamps");
    Ok(xml::listing(place, &entries, next, has_times))
}

fn directory(world: &World, call: &Call, place: &Place) -> Result<Response, Refusal> {
    match place.path.is_empty() || find(world, call, place)?.file.is_none() {
        true => Ok(Response::empty(200)),
        false => Err(OTHER_TYPE),
    }
}

fn has_parent(world: &World, call: &Call, place: &Place) -> Result<(), Refusal> {
    let Some((parent, _)) = place.path.rsplit_once('/') else { return Ok(()) };
    let all = tree::entries(world, place, call.now);
    let found = all.get(&parent.to_lowercase()).is_some_and(|entry| entry.file.is_none());
    if found { Ok(()) } else { Err(NO_PARENT) }
}

fn make_directory(world: &mut World, call: &Call, place: &Place) -> Result<Response, Refusal> {
    has_parent(world, call, place)?;
    if place.path.is_empty() || find(world, call, place).is_ok() {
        return Err(EXISTS);
    }
    let entry = Entry { path: place.path.clone(), file: None, modified: call.now };
    Ok(kept(world, place, entry, 201))
}

/// A file as long as it will be, full of zeros.
fn create(world: &mut World, call: &Call, place: &Place) -> Result<Response, Refusal> {
    let header = |name| call.request.header_value(name);
    if !header("x-ms-type").ok_or(NO_HEADER)?.eq_ignore_ascii_case("file") {
        return Err(BAD_HEADER);
    }
    let length: u64 = header("x-ms-content-length").ok_or(NO_HEADER)?.parse().map_err(|_| BAD_HEADER)?;
    if length > FILE_MAX {
        return Err(TOO_LARGE);
    }
    has_parent(world, call, place)?;
    if find(world, call, place).is_ok_and(|entry| entry.file.is_none()) {
        return Err(OTHER_TYPE);
    }
    let content = vec![0; usize::try_from(length).map_err(|_| TOO_LARGE)?];
    let md5 = header("x-ms-content-md5").map(str::to_owned);
    let file = File { content, created: call.now, md5 };
    Ok(kept(world, place, Entry { path: place.path.clone(), file: Some(file), modified: call.now }, 201))
}

fn write(world: &mut World, call: &Call, place: &Place) -> Result<Response, Refusal> {
    let request = call.request;
    let (from, to) = range(request).ok_or(NO_HEADER)?;
    let mut entry = find(world, call, place)?;
    let file = entry.file.as_mut().ok_or(OTHER_TYPE)?;
    let to = to.ok_or(BAD_HEADER)?;
    if from > to || to >= file.content.len() {
        return Err(BAD_RANGE);
    }
    match request.header_value("x-ms-write").unwrap_or_default().to_ascii_lowercase().as_str() {
        "clear" => file.content[from..=to].fill(0),
        "update" if request.body.len() > RANGE_MAX => return Err(TOO_LARGE),
        "update" if request.body.len() == to - from + 1 => {
            file.content[from..=to].copy_from_slice(&request.body)
        }
        _ => return Err(BAD_HEADER),
    }
    entry.modified = call.now;
    Ok(kept(world, place, entry, 201))
}

fn read(world: &World, call: &Call, place: &Place) -> Result<Response, Refusal> {
    let entry = find(world, call, place)?;
    let file = entry.file.as_ref().ok_or(OTHER_TYPE)?;
    let length = file.content.len();
    let asked = range(call.request).filter(|_| call.request.method == Method::Get);
    let (from, to) = match asked {
        Some((from, _)) if from >= length => return Err(BAD_RANGE),
        Some((from, to)) => (from, to.map_or(length, |to| (to + 1).min(length))),
        None => (0, length),
    };
    let status = if asked.is_some() { 206 } else { 200 };
    let mut response = dressed(Response::empty(status), &entry)
        .with("content-type", "application/octet-stream")
        .with("x-ms-type", "File")
        .with("x-ms-file-creation-time", &file.created.strftime("%Y-%m-%dT%H:%M:%S.%7fZ").to_string());
    if asked.is_some() {
        response = response.with("content-range", &format!("bytes {from}-{}/{length}", to.saturating_sub(1)));
    }
    if let Some(md5) = &file.md5 {
        response = response.with("content-md5", md5);
    }
    if call.request.method == Method::Head {
        return Ok(response.with("content-length", &length.to_string()));
    }
    response.body = file.content[from..to].to_vec();
    Ok(response)
}

fn remove(world: &mut World, call: &Call, place: &Place, is_directory: bool) -> Result<Response, Refusal> {
    let entry = find(world, call, place)?;
    if entry.file.is_none() != is_directory {
        return Err(OTHER_TYPE);
    }
    let inside = format!("{}/", place.path.to_lowercase());
    if tree::entries(world, place, call.now).keys().any(|key| key.starts_with(&inside)) {
        return Err(NOT_EMPTY);
    }
    world.keep_file(tree::key(&place.share, &place.path), None);
    Ok(Response::empty(202))
}

fn kept(world: &mut World, place: &Place, entry: Entry, status: u16) -> Response {
    let response = dressed(Response::empty(status), &entry);
    world.keep_file(tree::key(&place.share, &place.path), Some(entry));
    response
}

fn dressed(response: Response, entry: &Entry) -> Response {
    let stamp: Timestamp = entry.modified;
    response
        .with("last-modified", &xml::http_date(entry))
        .with("etag", &format!("\"0x{:X}\"", stamp.as_nanosecond()))
}

/// `bytes=a-b`, from the header of Azure's own before that of HTTP.
fn range(request: &Request) -> Option<(usize, Option<usize>)> {
    let text = request.header_value("x-ms-range").or_else(|| request.header_value("range"))?;
    let (from, to) = text.strip_prefix("bytes=")?.split_once('-')?;
    let to = if to.is_empty() { None } else { Some(to.parse().ok()?) };
    Some((from.parse().ok()?, to))
}
