//! Printing results: tables for people, JSON and CSV for programs.

use std::io::{self, ErrorKind, Write};

use anyhow::Result;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

/// Rows under a header.
pub(crate) struct Rows {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Rows {
    pub(crate) fn new<const N: usize>(header: [&'static str; N]) -> Self {
        Self {
            header: header.to_vec(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn push<const N: usize>(&mut self, row: [String; N]) {
        debug_assert_eq!(N, self.header.len());
        self.rows.push(Vec::from(row));
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn header(&self) -> &[&'static str] {
        &self.header
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[String]> {
        self.rows.iter().map(Vec::as_slice)
    }

    /// Each row as an object; an empty cell is null.
    pub(crate) fn objects(&self) -> Value {
        let value = |cell: &String| match cell.as_str() {
            "" => Value::Null,
            cell => Value::from(cell),
        };
        let object = |row: &Vec<String>| {
            let pairs = self.header.iter().zip(row);
            pairs
                .map(|(name, cell)| ((*name).to_owned(), value(cell)))
                .collect::<Value>()
        };
        self.rows.iter().map(object).collect()
    }

    /// The same rows without some columns.
    pub(crate) fn without(&self, columns: &[&str]) -> Self {
        let kept: Vec<usize> = (0..self.header.len())
            .filter(|column| !columns.contains(&self.header[*column]))
            .collect();
        let header = kept.iter().map(|column| self.header[*column]).collect();
        let rows = self
            .rows
            .iter()
            .map(|row| kept.iter().map(|column| row[*column].clone()).collect())
            .collect();
        Self { header, rows }
    }

    /// Prints the first `most` rows as a table, and says how many more there are.
    pub(crate) fn print_table(&self, most: usize) -> Result<()> {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(&self.header);
        table.add_rows(self.rows.iter().take(most));
        let more = self.rows.len().saturating_sub(most);
        let more = if more == 0 {
            String::new()
        } else {
            format!("... and {more} more; --output csv or json shows all\n")
        };
        print(&format!("{table}\n{more}"))
    }

    /// Prints every row as CSV.
    pub(crate) fn print_csv(&self) -> Result<()> {
        print(&self.csv()?)
    }

    /// Every row as CSV.
    pub(crate) fn csv(&self) -> Result<String> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(&self.header)?;
        for row in &self.rows {
            csv.write_record(row.iter().map(|cell| harmless(cell)))?;
        }
        Ok(String::from_utf8(csv.into_inner()?)?)
    }
}

/// A spreadsheet takes a cell that begins like this for a formula, and a guest chooses its own display name.
pub(crate) fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// Prints a JSON document.
pub(crate) fn print_json(value: &Value) -> Result<()> {
    print(&format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// Prints text. A reader who has seen enough (`innkeeper plan | head`) is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    match io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .and_then(|()| io::stdout().flush())
    {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Without what cannot be seen: characters that control, or that turn the direction of what follows them.
pub(crate) fn plain(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars()
        .map(|c| if is_hidden(c) { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_cannot_become_a_formula() {
        assert_eq!(
            harmless("=HYPERLINK(\"http://evil.example\")"),
            "'=HYPERLINK(\"http://evil.example\")"
        );
        assert_eq!(harmless("Ann"), "Ann");
    }
}
