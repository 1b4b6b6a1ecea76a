//! A document as one HTML page, to be read, printed and filed.
//!
//! Invariant: the page loads nothing and runs nothing, and whatever comes from the directory is text in it: a guest
//! chooses its own display name.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::output::{Rows, plain};

/// What is reported.
pub(super) struct Document {
    pub(super) title: String,
    /// What it is about, in a few pairs.
    pub(super) head: Vec<(&'static str, String)>,
    pub(super) sections: Vec<Section>,
}

/// A table under a title.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) note: String,
    pub(super) rows: Rows,
}

/// Nothing but this sheet may take effect, even if something in the page were not escaped.
const SECURITY: &str = "default-src 'none'; style-src 'unsafe-inline'";

const STYLE: &str = "
@page { size: A4 landscape; margin: 14mm; }
:root { color-scheme: light; }
body { font: 14px/1.45 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 1rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .4rem; break-after: avoid; }
p { margin: .3rem 0; color: #444; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; margin: 0; }
dt { color: #555; }
dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: .92em; }
th, td { text-align: left; vertical-align: top; border-bottom: 1px solid #ccc; padding: .3rem .6rem .3rem 0; overflow-wrap: anywhere; }
th { border-bottom: 2px solid #888; white-space: nowrap; overflow-wrap: normal; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
@media print { body { margin: 0; max-width: none; padding: 0; font-size: 9pt; } }
";

impl Document {
    pub(super) fn html(&self) -> String {
        let Self {
            title,
            head,
            sections,
        } = self;
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(SECURITY);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="robots" content="noindex";
                    title { (plain(title)) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    h1 { bdi { (plain(title)) } }
                    dl {
                        @for (name, value) in head {
                            dt { (name) }
                            dd { bdi { (plain(value)) } }
                        }
                    }
                    @for section in sections { (section.html()) }
                }
            }
        };
        format!("{}\n", page.into_string())
    }
}

impl Section {
    fn html(&self) -> Markup {
        let Self { title, note, rows } = self;
        html! {
            h2 { (title) " (" (rows.len()) ")" }
            @if !note.is_empty() { p { bdi { (plain(note)) } } }
            @if !rows.is_empty() {
                table {
                    thead { tr { @for name in rows.header() { th scope="col" { (name.replace('_', " ")) } } } }
                    tbody {
                        @for row in rows.iter() {
                            tr { @for cell in row { td { bdi { (plain(cell)) } } } }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_guest_calls_itself_is_text() {
        let hostile = "<script>alert(1)</script>\u{202e}\"'&\n";
        let mut rows = Rows::new(["display_name"]);
        rows.push([hostile.to_owned()]);
        let document = Document {
            title: hostile.to_owned(),
            head: vec![("name", hostile.to_owned())],
            sections: vec![Section {
                title: "Guests",
                note: hostile.to_owned(),
                rows,
            }],
        };
        let page = document.html();
        assert!(!page.contains("<script"), "{page}");
        assert!(!page.contains('\u{202e}'), "{page}");
        assert_eq!(page.matches("&lt;script&gt;").count(), 5, "{page}");
    }
}
