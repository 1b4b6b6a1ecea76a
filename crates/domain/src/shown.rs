//! Text that somebody else chose, on its way to a person's eyes.
//!
//! A guest picks its own display name, and may put anything into it: escape sequences that repaint a terminal, marks that
//! turn the direction of writing so that `moc.live` reads as `evil.com`, letters that have no width. Whatever is shown in
//! a terminal, a mail or a spreadsheet comes through here; what a program reads (JSON, the journal) is left exact.

/// What takes the place of a character that would not be seen, or would change how others are.
const REPLACEMENT: char = '\u{fffd}';

/// The text with every character replaced that has an effect instead of a shape. Line ends and tabs stay.
pub fn legible(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => c,
        c if c.is_control() || is_invisible(c) => REPLACEMENT,
        c => c,
    };
    text.chars().map(shown).collect()
}

/// As [`legible`], and on one line: whoever chose a name does not get to write a paragraph of what it stands in.
pub fn one_line(text: &str) -> String {
    legible(text).replace(['\n', '\t'], " ")
}

/// Formatting characters of Unicode: direction, invisible operators, tags. The two joiners (U+200C, U+200D) are part of
/// how names are written in several scripts, and stay.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}
