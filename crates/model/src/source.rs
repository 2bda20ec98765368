//! Where things stand in the user's files: sources, places, and lines and columns on demand.

use std::sync::Arc;

/// One source file (or flag) of a run, by its index in [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SourceId(pub u32);

/// A range of bytes in one source; ordered by file, then by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// Which source.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A named text: a manifest, the project file, or a flag such as `--var people`.
#[derive(Debug, Clone)]
pub struct Source {
    /// The name shown to the user: a path relative to the project, or the flag.
    pub name: String,
    /// The whole text.
    pub text: Arc<str>,
    /// Whether its lines may be secret, so that no diagnostic shows them.
    pub hidden: bool,
}

/// Every text of a run, in the order in which they were read.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Keeps a text and returns its id.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<Arc<str>>) -> SourceId {
        self.push(Source { name: name.into(), text: text.into(), hidden: false })
    }

    /// Keeps a text that diagnostics may name and must not show: the value of a sensitive variable.
    pub fn add_hidden(&mut self, name: impl Into<String>, text: impl Into<Arc<str>>) -> SourceId {
        self.push(Source { name: name.into(), text: text.into(), hidden: true })
    }

    fn push(&mut self, source: Source) -> SourceId {
        let id = SourceId(u32::try_from(self.0.len()).expect("BUG: fewer than 2^32 sources"));
        self.0.push(source);
        id
    }

    /// The source with this id.
    pub fn get(&self, id: SourceId) -> &Source {
        &self.0[id.0 as usize]
    }

    /// All sources with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        self.0.iter().enumerate().map(|(i, s)| (SourceId(i as u32), s))
    }

    /// Line and column, from one, of a place's first byte; columns count characters.
    pub fn position(&self, place: Place) -> (usize, usize) {
        let text = &self.get(place.source).text;
        let mut start = (place.start as usize).min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line = text[..start].matches('\n').count() + 1;
        (line, text[line_start..start].chars().count() + 1)
    }

    /// `file:line`, as the state keeps it.
    pub fn file_line(&self, place: Place) -> String {
        format!("{}:{}", self.get(place.source).name, self.position(place).0)
    }
}
