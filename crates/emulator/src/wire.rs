//! One request and one response, without a socket.
//!
//! The world reads and makes these; only `face.rs` knows how they travel.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

/// An HTTP method that ARM knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Ask whether it is there.
    Head,
    /// Create or replace.
    Put,
    /// Change in part.
    Patch,
    /// Run an action.
    Post,
    /// Remove.
    Delete,
}

const METHODS: [(Method, &str); 6] = [
    (Method::Get, "GET"),
    (Method::Head, "HEAD"),
    (Method::Put, "PUT"),
    (Method::Patch, "PATCH"),
    (Method::Post, "POST"),
    (Method::Delete, "DELETE"),
];

impl Method {
    /// The method of that name, in upper case as HTTP has it.
    pub fn parse(name: &str) -> Option<Method> {
        METHODS.iter().find(|(_, text)| *text == name).map(|(method, _)| *method)
    }

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        METHODS.iter().find(|(method, _)| *method == self).map_or("", |(_, text)| text)
    }
}

/// What a client sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// `http` or `https`: how it came.
    pub scheme: &'static str,
    /// When it arrived by the clock of the machine, which is the client's; without one, the cloud's time counts.
    pub received: Option<Timestamp>,
    /// The path, still percent-encoded.
    pub path: String,
    /// The query without its question mark, still percent-encoded.
    pub query: String,
    /// Header values by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body; empty when there was none.
    pub body: Vec<u8>,
}

impl Request {
    /// A request for `target`, a path with or without a query.
    pub fn new(method: Method, target: &str) -> Request {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Request {
            method,
            scheme: "http",
            received: None,
            path: path.into(),
            query: query.into(),
            headers: BTreeMap::new(),
            body: Vec::new(),
        }
    }

    /// The same request with a header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.headers.insert(name.to_ascii_lowercase(), value.to_owned());
        self
    }

    /// The same request with a JSON body.
    #[must_use]
    pub fn json(mut self, body: &Value) -> Request {
        self.body = body.to_string().into_bytes();
        self.header("content-type", "application/json")
    }

    /// The header of that lower-case name.
    pub fn header_value(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The decoded value of a query parameter; names compare without case, as ARM does.
    pub fn parameter(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.into_owned())
    }

    /// Scheme and authority under which the client reached us, for the absolute URLs of replies.
    pub fn origin(&self) -> String {
        let host = self.header_value("host").unwrap_or("localhost");
        format!("{}://{host}", self.scheme)
    }
}

/// What the world answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Headers in the order they are sent.
    pub headers: Vec<(String, String)>,
    /// The body; empty when there is none.
    pub body: Vec<u8>,
    /// How it travels.
    pub delivery: Delivery,
}

/// How a response travels; all but the first are faults, carried out by the face.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// In one piece.
    #[default]
    Whole,
    /// Not at all: the connection closes without a byte of it.
    Reset,
    /// Not at all, and the connection stays open until the client gives up.
    Hang,
    /// With the length of the whole body, but only this many bytes of it before the connection closes.
    Truncated(usize),
    /// With its body piece by piece, over this time.
    Slow(Duration),
}

impl Response {
    /// A response without a body.
    pub fn empty(status: u16) -> Response {
        Response { status, headers: Vec::new(), body: Vec::new(), delivery: Delivery::Whole }
    }

    /// A response with a JSON body.
    pub fn json(status: u16, body: &Value) -> Response {
        let mut response = Response::empty(status).with("content-type", "application/json; charset=utf-8");
        response.body = body.to_string().into_bytes();
        response
    }

    /// The same response with a header more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Response {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same response with a header that it does not have yet.
    #[must_use]
    pub fn or_with(self, name: &str, value: &str) -> Response {
        if self.header(name).is_some() { self } else { self.with(name, value) }
    }

    /// The same response without the headers of that name.
    #[must_use]
    pub fn without(mut self, name: &str) -> Response {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self
    }

    /// Whether a client ever sees its status.
    pub fn is_answer(&self) -> bool {
        !matches!(self.delivery, Delivery::Reset | Delivery::Hang)
    }

    /// The first header of that name, compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null when it is empty or something else.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}
