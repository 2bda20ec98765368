//! Colours, as Terraform's users know them.

/// A colour of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// Create.
    Green,
    /// Update.
    Yellow,
    /// Delete.
    Red,
    /// Import, read.
    Cyan,
    /// Headings.
    Bold,
    /// Asides.
    Dim,
}

/// Whether to colour at all.
#[derive(Debug, Clone, Copy)]
pub struct Paint(pub bool);

impl Paint {
    /// The text in this colour, or as it is.
    pub fn paint(self, color: Color, text: &str) -> String {
        let code = match color {
            Color::Green => "32",
            Color::Yellow => "33",
            Color::Red => "31",
            Color::Cyan => "36",
            Color::Bold => "1",
            Color::Dim => "2",
        };
        if self.0 && !text.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A change symbol in its colour.
    pub fn symbol(self, symbol: &str) -> String {
        let each = |c: char| match c {
            '+' => self.paint(Color::Green, "+"),
            '-' => self.paint(Color::Red, "-"),
            '~' => self.paint(Color::Yellow, "~"),
            '<' | '=' => self.paint(Color::Cyan, &c.to_string()),
            c => c.to_string(),
        };
        symbol.chars().map(each).collect()
    }
}
