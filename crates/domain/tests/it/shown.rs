//! What a hostile name looks like to a person.

use innkeeper_domain::shown::{legible, one_line};

#[test]
fn a_name_cannot_repaint_a_terminal_or_turn_the_direction_of_writing() {
    for (hostile, shown) in [
        ("\u{1b}[2J\u{1b}[31mAnn", "\u{fffd}[2J\u{fffd}[31mAnn"),
        ("Ann\u{202e}nnA", "Ann\u{fffd}nnA"),
        ("A\u{200b}n\u{2066}n\u{2069}", "A\u{fffd}n\u{fffd}n\u{fffd}"),
        ("Ann\u{9b}31m\r\u{8}", "Ann\u{fffd}31m\u{fffd}\u{fffd}"),
    ] {
        assert_eq!(legible(hostile), shown, "{hostile:?}");
    }
}

#[test]
fn names_of_every_script_are_shown_as_they_are() {
    for name in [
        "Zoë Łukasz",
        "محمد رضا",
        "می\u{200c}خواهم",
        "山田 太郎",
        "👩\u{200d}🚒",
    ] {
        assert_eq!(one_line(name), name);
    }
}

#[test]
fn a_name_stays_on_one_line() {
    assert_eq!(one_line("Ann\nVerdict: keep\tnow"), "Ann Verdict: keep now");
    assert_eq!(legible("two\nlines"), "two\nlines");
}
