//! `cfg` stands at `mod` and `use` lines: a file is there or it is not.

use super::outline::{past_attributes, past_visibility};
use super::strays::SOURCES;
use super::token::{Token, tokens};
use super::tree::Finding;

/// Files with other uses of `cfg`, how many each has now, and why.
pub(crate) const EXCEPTIONS: &[(&str, usize, &str)] =
    &[("src/runner/builder.rs", 1, "`Builder::clock` exists with the feature `testing` only")];

pub(crate) fn check(path: &str, text: &str, exceptions: &[(&str, usize, &str)]) -> Vec<Finding> {
    if !path.ends_with(".rs") || !SOURCES.iter().any(|root| path.starts_with(root)) {
        return Vec::new();
    }
    let found = misplaced(&tokens(text));
    let exception = exceptions.iter().find(|(name, ..)| *name == path);
    let message = match exception {
        Some((_, count, _)) if found.len() < *count => {
            let message = format!("lower its exception from {count} to {}", found.len());
            return vec![Finding::new(path, 1, message)];
        }
        Some((_, count, _)) if found.len() == *count => return Vec::new(),
        Some((_, count, why)) => format!("`cfg` off a `mod` line; allowed: {count}, as {why}"),
        None => "`cfg` off a `mod` line: give what it selects a file of its own".to_owned(),
    };
    found.into_iter().map(|line| Finding::new(path, line, message.as_str())).collect()
}

/// The lines of every `#[cfg(…)]` that does not stand before `mod`, `use` or a test.
fn misplaced(tokens: &[Token<'_>]) -> Vec<usize> {
    let is_cfg = |at: &usize| {
        let texts = tokens[*at..].iter().map(|token| token.text);
        texts.take(3).eq(["#", "[", "cfg"])
    };
    let stands_well = |at: &usize| {
        let item = past_visibility(past_attributes(&tokens[*at..]));
        let attributes = &tokens[*at..tokens.len() - item.len()];
        let is_test =
            attributes.windows(3).any(|three| three[1].text == "test" && three[0].text == "[");
        item.first().is_some_and(|first| match first.text {
            "mod" | "use" => true,
            "fn" => is_test,
            _ => false,
        })
    };
    (0..tokens.len())
        .filter(is_cfg)
        .filter(|at| !stands_well(at))
        .map(|at| tokens[at].line)
        .collect()
}

#[test]
fn cfg_off_a_mod_line_is_caught() {
    let caught = |text: &str, allowed| {
        !check("src/a.rs", text, &[("src/a.rs", allowed, "a reason")]).is_empty()
    };
    assert!(caught("#[cfg(unix)] fn f() {}", 0));
    assert!(caught("struct A { #[cfg(unix)] a: u8 }", 0));
    assert!(caught("#[cfg(test)]\n#[derive(Debug)] pub(crate) struct A;", 0));
    assert!(!caught("#[cfg(test)] #[allow(unused, reason = \"x\")] pub(crate) mod a;", 0));
    assert!(!caught("#[cfg(unix)] pub use a::b; #[cfg(loom)] #[test] fn f() {}", 0));
    assert!(!caught("#[cfg(unix)] fn f() {}", 1));
    assert!(caught("fn f() {}", 1));
}
