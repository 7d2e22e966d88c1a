//! Words that appear nowhere: unfinished work, and places that exist on one machine only.

use super::tree::Finding;

/// In lower case; each is put together here so that this file does not contain it.
const BANNED: &[&str] = &[
    concat!("todo", "!("),
    concat!("dbg", "!("),
    concat!("fix", "me"),
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/tm", "p/wt"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("proxy.", "golang.org"),
    concat!("registry.", "npmjs.org"),
    concat!("pythonhosted", ".org"),
];

pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.to_lowercase();
        for word in BANNED.iter().filter(|word| line.contains(**word)) {
            found.push(Finding::new(path, at + 1, format!("`{word}` must not appear")));
        }
    }
    found
}

#[test]
fn banned_words_are_caught() {
    for word in BANNED {
        let text = format!("fine\nbefore {} after\n", word.to_uppercase());
        assert_eq!(check("a", &text).len(), 1, "{word}");
    }
    assert_eq!(check("a", "a network/workers path, the todo list, https://crates.io"), []);
}
