//! Tables, and their place in `docs/benchmarks.md`: between two markers for each section, so that a run of
//! one section leaves the others alone.

use std::{fmt::Write, path::PathBuf};

/// What has been measured.
pub struct Report {
    machine: String,
    sections: Vec<(String, String)>,
}

/// A table in Markdown.
pub struct Table {
    text: String,
    columns: usize,
}

impl Report {
    pub fn new(machine: String) -> Self {
        Self { machine, sections: Vec::new() }
    }

    pub fn keep(&mut self, section: &str, text: &str) {
        self.sections.push((section.to_owned(), format!("{text}\n\n{}", self.machine)));
    }

    /// Puts every section that was measured in its place.
    pub fn write(&self) {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md");
        let mut page = std::fs::read_to_string(&path).expect("docs/benchmarks.md");
        for (section, text) in &self.sections {
            let (begin, end) = (format!("<!-- {section} -->\n"), format!("<!-- /{section} -->"));
            let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("no {begin} in the page"));
            let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("no {end} in the page"));
            page = format!("{before}{begin}\n{text}\n\n{end}{after}");
        }
        std::fs::write(&path, page).expect("docs/benchmarks.md can be written");
        println!("\nwritten to {}", path.display());
    }
}

impl Table {
    pub fn new(columns: &[&str]) -> Self {
        let mut text = format!("| {} |\n|", columns.join(" | "));
        // Names to the left, figures to the right.
        (0..columns.len()).for_each(|at| text.push_str(if at == 0 { "---|" } else { "---:|" }));
        Self { text, columns: columns.len() }
    }

    pub fn row(&mut self, cells: &[String]) {
        assert_eq!(cells.len(), self.columns, "{cells:?}");
        _ = write!(self.text, "\n| {} |", cells.join(" | "));
    }

    pub fn text(self) -> String {
        self.text
    }
}

/// The value below which a share of all values lies.
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (share * values.len() as f64).ceil() as usize;
    values.get(at.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}
