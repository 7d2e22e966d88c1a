//! `mod.rs` and `lib.rs` hold docs, attributes, `mod` and `use`: a table of contents.

use super::strays::SOURCES;
use super::token::{Token, past_bracket, tokens};
use super::tree::Finding;

pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    let inside = SOURCES.iter().any(|root| path.starts_with(root));
    if !inside || !(path.ends_with("/mod.rs") || path.ends_with("/lib.rs")) {
        return Vec::new();
    }
    let tokens = tokens(text);
    let alien = |line| Finding::new(path, line, "only docs, attributes, `mod` and `use` go here");
    first_alien(&tokens).map(alien).into_iter().collect()
}

/// The line of the first item that is no `mod` and no `use`. An inline module is looked into: it
/// may give a name to re-exports.
fn first_alien(tokens: &[Token<'_>]) -> Option<usize> {
    let mut rest = tokens;
    while !rest.is_empty() {
        rest = past_visibility(past_attributes(rest));
        let is_semicolon = |token: &Token<'_>| token.text == ";";
        match rest {
            [] => return None,
            [item, _, brace, ..] if item.text == "mod" && brace.text == "{" => {
                let end = past_bracket(rest, 2);
                if let Some(line) = first_alien(rest.get(3..end - 1).unwrap_or_default()) {
                    return Some(line);
                }
                rest = &rest[end..];
            }
            [item, ..] if matches!(item.text, "mod" | "use") => {
                let end = rest.iter().position(is_semicolon).map_or(rest.len(), |at| at + 1);
                rest = &rest[end..];
            }
            [item, ..] => return Some(item.line),
        }
    }
    None
}

/// Skips `#[…]` and `#![…]`.
pub(crate) fn past_attributes<'t, 'a>(mut tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    while tokens.first().is_some_and(|token| token.text == "#") {
        let bracket = 1 + usize::from(tokens.get(1).is_some_and(|token| token.text == "!"));
        tokens = &tokens[past_bracket(tokens, bracket)..];
    }
    tokens
}

/// Skips `pub` and `pub(…)`.
pub(crate) fn past_visibility<'t, 'a>(tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    match tokens {
        [first, second, ..] if first.text == "pub" && second.text == "(" => {
            &tokens[past_bracket(tokens, 1)..]
        }
        [first, rest @ ..] if first.text == "pub" => rest,
        _ => tokens,
    }
}

#[test]
fn items_in_a_table_of_contents_are_caught() {
    let caught = |text: &str| !check("src/a/mod.rs", text).is_empty();
    assert!(caught("//! Docs.\nmod b;\npub fn f() {}"));
    assert!(caught("pub use b::C; impl C {}"));
    assert!(caught("thread_local! { static A: u8 = 0; }"));
    assert!(caught("pub mod b { pub use crate::c::D; struct E; }"));
    assert!(caught("#[derive(Debug)] pub(crate) struct A;"));
}

#[test]
fn tables_of_contents_pass() {
    let text = "//! Docs. fn f() {}
        #![doc = include_str!(\"../README.md\")]
        #[cfg(unix)]
        #[macro_use]
        pub(crate) mod a;
        pub(in crate::b) use c::{D, e::{F, g::*}};
        pub mod h { pub use crate::i::J; }
        use k as l;";
    assert_eq!(check("src/lib.rs", text), []);
    assert_eq!(check("src/a/b.rs", "fn f() {}"), []);
    assert_eq!(check("tests/common/mod.rs", "fn f() {}"), []);
}
