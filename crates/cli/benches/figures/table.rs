//! The table: a name, a figure, the bar it is held to, and whether it stays below.

/// One line.
pub struct Row {
    name: String,
    figure: String,
    bar: String,
    verdict: &'static str,
}

impl Row {
    /// A figure that nothing is asked of.
    pub fn new(name: &str, figure: f64, unit: &str) -> Self {
        Self { name: name.to_owned(), figure: written(figure, unit), bar: String::new(), verdict: "" }
    }

    /// A figure and the most it may be.
    pub fn held_to(name: &str, figure: f64, bar: f64, unit: &str) -> Self {
        let verdict = if figure <= bar { "ok" } else { "OVER" };
        Self { bar: written(bar, unit), verdict, ..Self::new(name, figure, unit) }
    }

    /// A figure and the least it may be.
    pub fn at_least(name: &str, figure: f64, bar: f64, unit: &str) -> Self {
        let verdict = if figure >= bar { "ok" } else { "UNDER" };
        Self { bar: written(bar, unit), verdict, ..Self::new(name, figure, unit) }
    }
}

/// Counts are whole; times and ratios have two digits, memory and bytes one.
fn written(figure: f64, unit: &str) -> String {
    let digits = match unit {
        "requests" => 0,
        "MiB" | "ms" | "MB" => 1,
        _ => 2,
    };
    format!("{figure:.digits$} {unit}")
}

/// Prints the head of the table.
pub fn head() {
    line("", "figure", "bar", "");
}

/// Prints lines as they come in: the whole takes minutes.
pub fn print(rows: &[Row]) {
    rows.iter().for_each(|Row { name, figure, bar, verdict }| line(name, figure, bar, verdict));
}

fn line(name: &str, figure: &str, bar: &str, verdict: &str) {
    println!("{}", format!("{name:<52}{figure:>16}{bar:>16}  {verdict}").trim_end());
}
