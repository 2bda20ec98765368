//! Events to trees, with limits: what a hostile file can cost is bounded before it is spent.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};
use model::{Diagnostic, Diagnostics, Place, SourceId};

use super::{Entry, Node, Yaml, scalar, words};

/// The most bytes of one source.
pub(crate) const BYTES_MAX: usize = 4 * 1024 * 1024;
const DEPTH_MAX: usize = 64;
const NODES_MAX: usize = 1_000_000;
const DOCUMENTS_MAX: usize = 50_000;
/// Errors of one source after which the rest is not read.
const ERRORS_MAX: usize = 100;

/// The documents of one source, and what is wrong with its syntax.
#[derive(Debug, Default)]
pub(crate) struct Parsed<'t> {
    pub(crate) documents: Vec<Node<'t>>,
    pub(crate) diagnostics: Diagnostics,
}

/// Reads every document of a source. Documents with errors are left out; empty ones too.
pub(crate) fn parse(text: &str, source: SourceId) -> Parsed<'_> {
    let mut parsed = Parsed::default();
    if let Some(diagnostic) = unreadable(text, source) {
        parsed.diagnostics.push(diagnostic);
        return parsed;
    }
    let skipped = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut builder = Builder::new(source, skipped);
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    let mut parser = Parser::new_from_str_with_options(&text[skipped..], options);
    builder.run(&mut parser, &mut parsed);
    parsed
}

/// What makes a whole source unreadable.
fn unreadable(text: &str, source: SourceId) -> Option<Diagnostic> {
    let start = Place { source, start: 0, end: 0 };
    if text.len() > BYTES_MAX {
        let words = format!("the file has {} bytes; at most {BYTES_MAX} are read", text.len());
        return Some(Diagnostic::error(words).help("split it into several files").at(start));
    }
    let at = text.find('\0')? as u32;
    let place = Place { source, start: at, end: at + 1 };
    let words = "the file has a NUL character; it may be UTF-16 or no text at all";
    Some(Diagnostic::error(words).help("save it as UTF-8 text").at(place))
}

/// A list or mapping that is not complete yet.
struct Frame<'t> {
    place: Place,
    anchor: usize,
    nodes: usize,
    depth: usize,
    open: Open<'t>,
}

enum Open<'t> {
    List(Vec<Node<'t>>),
    Map { entries: Vec<Entry<'t>>, key: Option<(Cow<'t, str>, Place)>, seen: HashSet<String> },
}

/// A finished value that aliases may repeat, and what a copy costs.
struct Anchored<'t> {
    node: Node<'t>,
    nodes: usize,
    depth: usize,
}

struct Builder<'t> {
    source: SourceId,
    skipped: usize,
    stack: Vec<Frame<'t>>,
    anchors: HashMap<usize, Anchored<'t>>,
    nodes: usize,
    root: Option<Node<'t>>,
}

/// A finished value on its way to its parent.
struct Done<'t> {
    node: Node<'t>,
    nodes: usize,
    depth: usize,
}

type Step = Result<(), Box<Diagnostic>>;

impl<'t> Builder<'t> {
    fn new(source: SourceId, skipped: usize) -> Self {
        Self { source, skipped, stack: Vec::new(), anchors: HashMap::new(), nodes: 0, root: None }
    }

    fn run(&mut self, parser: &mut Parser<'t, StrInput<'t>>, parsed: &mut Parsed<'t>) {
        let mut errors = 0;
        let mut documents = 0;
        loop {
            let step = match parser.next_event() {
                None => return,
                Some(Err(error)) => Err(self.syntax(&error)),
                Some(Ok((Event::StreamEnd, _))) => return,
                Some(Ok((Event::DocumentStart(..), span))) => {
                    documents += 1;
                    self.clear();
                    if documents > DOCUMENTS_MAX {
                        let words = format!("more than {DOCUMENTS_MAX} documents in one file");
                        parsed.diagnostics.push(self.error(words, "split it", self.place(span)));
                        return;
                    }
                    Ok(())
                }
                Some(Ok((Event::DocumentEnd, _))) => {
                    parsed.documents.extend(self.root.take().filter(|n| n.yaml != Yaml::Null));
                    Ok(())
                }
                Some(Ok((event, span))) => self.event(event, span),
            };
            if let Err(diagnostic) = step {
                parsed.diagnostics.push(*diagnostic);
                self.clear();
                errors += 1;
                let spent = errors >= ERRORS_MAX || self.nodes >= NODES_MAX;
                if spent || !parser.proceed_next_document().unwrap_or(false) {
                    return;
                }
            }
        }
    }

    fn clear(&mut self) {
        self.stack.clear();
        self.anchors.clear();
        self.root = None;
    }

    fn event(&mut self, event: Event<'t>, span: Span) -> Step {
        let place = self.place(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let yaml = self.scalar(text, style, tag.as_deref(), place)?;
                self.finish(Node { place, yaml }, anchor, 1, 0)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.no_tag(tag.as_deref(), "seq", place)?;
                self.open(place, anchor, Open::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.no_tag(tag.as_deref(), "map", place)?;
                self.open(place, anchor, Open::Map { entries: Vec::new(), key: None, seen: HashSet::new() })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(id) => self.alias(id, place),
            _ => Ok(()),
        }
    }

    fn scalar(
        &self,
        text: Cow<'t, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        place: Place,
    ) -> Result<Yaml<'t>, Box<Diagnostic>> {
        match tag.map(|t| (t, t.core_suffix())) {
            None if style == ScalarStyle::Plain => Ok(scalar::resolve(text)),
            None => Ok(Yaml::Text { text, plain: false }),
            Some((_, Some(suffix))) => match scalar::tagged(suffix, text) {
                Some(yaml) => Ok(yaml),
                None => Err(Box::new(self.error(
                    format!("`!!{suffix}` does not fit this value"),
                    "remove the tag, or write the value in the form it names",
                    place,
                ))),
            },
            Some((tag, None)) if tag.original() == "!" => Ok(Yaml::Text { text, plain: false }),
            Some((tag, None)) => self.no_tag(Some(tag), "", place).map(|()| Yaml::Null),
        }
    }

    fn no_tag(&self, tag: Option<&Tag>, allowed: &str, place: Place) -> Step {
        match tag {
            Some(tag) if !tag.is_yaml_core_schema_tag(allowed) => {
                let words = format!("the tag `{}` means nothing in a manifest", tag.original());
                Err(Box::new(self.error(words, "remove it; a text that starts with `!` needs quotes", place)))
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, place: Place, anchor: usize, open: Open<'t>) -> Step {
        if self.stack.len() >= DEPTH_MAX {
            return Err(Box::new(self.too_deep(place)));
        }
        self.stack.push(Frame { place, anchor, nodes: 1, depth: 0, open });
        Ok(())
    }

    fn close(&mut self) -> Step {
        let Some(frame) = self.stack.pop() else {
            return Ok(());
        };
        let mut place = frame.place;
        let yaml = match frame.open {
            Open::List(list) => Yaml::List(list),
            Open::Map { entries, .. } => {
                if let Some(first) = entries.first().filter(|_| place.start == place.end) {
                    place.end = first.place.end;
                }
                Yaml::Map(entries)
            }
        };
        self.finish(Node { place, yaml }, frame.anchor, frame.nodes, frame.depth + 1)
    }

    /// A copy of what was anchored; it costs what it would cost written out.
    fn alias(&mut self, id: usize, place: Place) -> Step {
        let Some(anchored) = self.anchors.get(&id) else {
            let words = "this alias stands inside the value that it repeats";
            return Err(Box::new(self.error(words, "write the value out", place)));
        };
        let (nodes, depth) = (anchored.nodes, anchored.depth);
        self.spend(nodes, place)?;
        if self.stack.len() + depth > DEPTH_MAX {
            return Err(Box::new(self.too_deep(place)));
        }
        let mut node = self.anchors[&id].node.clone();
        node.place = place;
        self.attach(Done { node, nodes, depth })
    }

    fn finish(&mut self, node: Node<'t>, anchor: usize, nodes: usize, depth: usize) -> Step {
        self.spend(1, node.place)?;
        if anchor != 0 {
            // The copy kept for aliases is paid for, too.
            self.spend(nodes, node.place)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), nodes, depth });
        }
        self.attach(Done { node, nodes, depth })
    }

    fn attach(&mut self, done: Done<'t>) -> Step {
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(done.node);
            return Ok(());
        };
        frame.nodes += done.nodes;
        frame.depth = frame.depth.max(done.depth);
        match &mut frame.open {
            Open::List(list) => list.push(done.node),
            Open::Map { entries, key, seen } => match key.take() {
                Some((key, place)) => entries.push(Entry { key, place, node: done.node }),
                None => {
                    let place = done.node.place;
                    let text = key_text(done.node).map_err(|d| Box::new(*d))?;
                    if let Some(first) = repeated(entries, seen, &text) {
                        return Err(Box::new(duplicate(&text, place, first)));
                    }
                    *key = Some((text, place));
                }
            },
        }
        Ok(())
    }

    fn spend(&mut self, nodes: usize, place: Place) -> Step {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        let words = format!("the file has more than {NODES_MAX} values, its aliases written out");
        Err(Box::new(self.error(words, "use fewer aliases, or split the file", place)))
    }

    fn place(&self, span: Span) -> Place {
        let range = span.byte_range().unwrap_or_default();
        self.range(range.start, range.end)
    }

    fn range(&self, start: usize, end: usize) -> Place {
        let byte = |at: usize| u32::try_from(at + self.skipped).unwrap_or(u32::MAX);
        Place { source: self.source, start: byte(start), end: byte(end) }
    }

    fn syntax(&self, error: &ScanError) -> Box<Diagnostic> {
        let (words, help) = words::explain(error.kind());
        let at = Marker::byte_offset(error.marker()).unwrap_or_default();
        Box::new(self.error(words, help, self.range(at, at + 1)))
    }

    fn too_deep(&self, place: Place) -> Diagnostic {
        self.error("values are nested too deeply", "at most 64 levels are read", place)
    }

    fn error(&self, words: impl Into<String>, help: &str, place: Place) -> Diagnostic {
        Diagnostic::error(words).help(help).at(place)
    }
}

fn key_text(node: Node<'_>) -> Result<Cow<'_, str>, Box<Diagnostic>> {
    let place = node.place;
    match node.yaml {
        Yaml::Text { text, .. } => Ok(text),
        Yaml::Boolean(yes) => Ok(Cow::Owned(yes.to_string())),
        Yaml::Integer(number) => Ok(Cow::Owned(number.to_string())),
        Yaml::Float(number) => Ok(Cow::Owned(number.to_string())),
        Yaml::Null => Err(Box::new(
            Diagnostic::error("a key is empty")
                .help("give it a name, or put `~` or `null` in quotes")
                .at(place),
        )),
        Yaml::List(_) | Yaml::Map(_) => Err(Box::new(
            Diagnostic::error("a key must be a single text")
                .help("a value that starts with `{` or `[`, such as `${…}` inside brackets, needs quotes")
                .at(place),
        )),
    }
}

/// The place of an earlier key of the same text. Small mappings are searched, large ones indexed.
fn repeated(entries: &[Entry<'_>], seen: &mut HashSet<String>, key: &str) -> Option<Place> {
    const SEARCHED: usize = 24;
    let find = || entries.iter().find(|e| e.key == key).map(|e| e.place);
    if entries.len() < SEARCHED {
        return find();
    }
    if seen.is_empty() {
        seen.extend(entries.iter().map(|e| e.key.to_string()));
    }
    if seen.insert(key.to_owned()) { None } else { find() }
}

fn duplicate(key: &str, place: Place, first: Place) -> Diagnostic {
    Diagnostic::error(format!("the key `{key}` is given twice"))
        .help("remove one of them")
        .label("again here")
        .at(place)
        .related(first, "first here")
}
