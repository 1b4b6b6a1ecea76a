//! Places inside a TOML string: which byte of the file a byte of the string's value was written as.

/// How a string is delimited, the longer ones first. A line break right after three quotes does not belong to the
/// value.
const OPENINGS: [(&str, bool); 8] = [
    ("\"\"\"\r\n", true),
    ("\"\"\"\n", true),
    ("\"\"\"", true),
    ("'''\r\n", false),
    ("'''\n", false),
    ("'''", false),
    ("\"", true),
    ("'", false),
];

/// How many bytes into `raw`, which begins with a string as TOML writes it, the byte `offset` of its value is.
pub(super) fn place_in_string(raw: &str, offset: usize) -> usize {
    let Some((opening, has_escapes)) = OPENINGS
        .iter()
        .find(|(opening, _)| raw.starts_with(*opening))
    else {
        return 0;
    };
    let start = opening.len();
    if !has_escapes {
        return (start + offset).min(raw.len());
    }
    let mut place = start;
    let mut value = 0;
    while value < offset {
        let rest = &raw[place..];
        let (written, meant) = next(rest);
        if written == 0 {
            break;
        }
        place += written;
        value += meant;
    }
    // A line that was joined to the one before by a backslash begins where its text does.
    while let (written @ 1.., 0) = next(&raw[place..]) {
        place += written;
    }
    place
}

/// How many bytes the next character takes as written, and how many in the value.
fn next(rest: &str) -> (usize, usize) {
    let mut characters = rest.chars();
    match (characters.next(), characters.next()) {
        (None, _) => (0, 0),
        (Some('\\'), Some(kind @ ('x' | 'u' | 'U'))) => {
            let digits = match kind {
                'x' => 2,
                'u' => 4,
                _ => 8,
            };
            let meant = rest
                .get(2..2 + digits)
                .and_then(|digits| u32::from_str_radix(digits, 16).ok())
                .and_then(char::from_u32);
            (
                rest.floor_char_boundary(2 + digits),
                meant.map_or(1, char::len_utf8),
            )
        }
        (Some('\\'), Some(space)) if space.is_whitespace() => {
            let joined = rest[1..].trim_start_matches([' ', '\t', '\r', '\n']);
            (rest.len() - joined.len(), 0)
        }
        (Some('\\'), Some(escaped)) => (1 + escaped.len_utf8(), 1),
        (Some(character), _) => (character.len_utf8(), character.len_utf8()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the `#` of the value of `k` was written, found by way of its place in the value.
    fn hash_of(raw: &str) -> (usize, usize) {
        let text = format!("k = {raw}");
        let document = toml_edit::Document::parse(text.as_str()).expect("TOML");
        let value = document.as_table()["k"].as_str().expect("a string");
        let offset = value.find('#').expect("a mark");
        (place_in_string(raw, offset), raw.find('#').expect("a mark"))
    }

    #[test]
    fn a_place_is_found_again_in_every_kind_of_string() {
        for raw in [
            "'#'",
            "'ab#'",
            "\"ab#\"",
            r#""a \"quoted\" \\ #""#,
            r#""\u00e9 \U0001F600 \t#""#,
            "\"é#\"",
            "'''\nab\n#'''",
            "'''\r\nab\r\n#'''",
            "\"\"\"\nab \\\n    c \\\"#\"\"\"",
            "\"\"\"\r\nab \\\r\n    #\"\"\"",
            "\"\"\"ab\"c#\"\"\"",
        ] {
            let (found, written) = hash_of(raw);
            assert_eq!(found, written, "{raw}");
        }
    }

    #[test]
    fn nothing_beyond_the_text_is_ever_pointed_at() {
        for raw in ["", "x", "\"", "\"\\", "\"\\u12", "'''", "\"a\"", "\"\\ué\""] {
            for offset in 0..20 {
                assert!(place_in_string(raw, offset) <= raw.len(), "{raw} {offset}");
            }
        }
    }
}
