//! Rust source as tokens: comments are gone, literals are empty, lines are known.
//!
//! A lexer and not a parser, because rules must also see into the bodies of macros.

/// An identifier, a number, a lifetime, `::`, or any other single character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    /// Counted from one.
    pub(crate) line: usize,
}

/// What every string and character literal is turned into.
const LITERAL: &str = "\"\"";

/// Splits a source text.
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < text.len() {
        let (length, kept) = next(&text[at..]);
        if let Some(kept) = kept {
            found.push(Token { text: kept, line });
        }
        line += text[at..at + length].matches('\n').count();
        at += length;
    }
    found
}

/// Length of what `rest` begins with, and the token it is, if it is one. `rest` is not empty.
fn next(rest: &str) -> (usize, Option<&str>) {
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), None);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), None);
    }
    if let Some(length) = string(rest).or_else(|| character(rest)) {
        return (length, Some(LITERAL));
    }
    if rest.starts_with("::") {
        return (2, Some(&rest[..2]));
    }
    let skip = usize::from(rest.starts_with('\''));
    let length = skip + word(&rest[skip..]);
    if length > skip {
        return (length, Some(&rest[..length]));
    }
    let first = rest.chars().next().map_or(0, char::len_utf8);
    (first, (!rest.starts_with(char::is_whitespace)).then(|| &rest[..first]))
}

fn word(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let (mut at, mut depth) = (2, 1);
    while depth > 0 && at < rest.len() {
        let tail = &rest.as_bytes()[at..];
        if tail.starts_with(b"/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if tail.starts_with(b"*/") {
            (at, depth) = (at + 2, depth - 1);
        } else {
            at += 1;
        }
    }
    at
}

/// A string literal with any prefix, raw ones included.
fn string(rest: &str) -> Option<usize> {
    let after_kind = rest.strip_prefix(['b', 'c']).unwrap_or(rest);
    let Some(raw) = after_kind.strip_prefix('r') else {
        let body = after_kind.strip_prefix('"')?;
        return Some(rest.len() - body.len() + quoted(body, '"'));
    };
    let body = raw.trim_start_matches('#');
    let end = format!("\"{}", "#".repeat(raw.len() - body.len()));
    let body = body.strip_prefix('"')?;
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(rest.len() - body.len() + length)
}

/// A character literal; `None` for a lifetime.
fn character(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('b').unwrap_or(rest).strip_prefix('\'')?;
    let first = body.chars().next()?;
    if first != '\\' && !body[first.len_utf8()..].starts_with('\'') {
        return None;
    }
    Some(rest.len() - body.len() + quoted(body, '\''))
}

/// Length up to and with the closing quote that no backslash escapes.
fn quoted(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    body.len()
}

/// The place behind the bracket that closes the one at `open`; the end if none does.
pub(crate) fn past_bracket(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

fn texts(source: &str) -> Vec<&str> {
    tokens(source).iter().map(|token| token.text).collect()
}

#[test]
fn comments_and_literals_hide_what_they_hold() {
    let source = "a // unsafe\n/* x /* unsafe */ y */ b \"un\\\"safe\" br#\"unsafe \" \"# 'u' c";
    assert_eq!(texts(source), ["a", "b", "\"\"", "\"\"", "\"\"", "c"]);
}

#[test]
fn lifetimes_are_no_characters() {
    assert_eq!(
        texts("&'a str '\\'' b'\\\\' 'é' '_"),
        ["&", "'a", "str", "\"\"", "\"\"", "\"\"", "'_"]
    );
}

#[test]
fn lines_count_on_through_literals() {
    let found = tokens("\"one\ntwo\"\n/* \n */ crate::x");
    let at: Vec<_> = found.iter().map(|token| (token.text, token.line)).collect();
    assert_eq!(at, [("\"\"", 1), ("crate", 4), ("::", 4), ("x", 4)]);
}

#[test]
fn names_that_begin_like_a_literal_are_names() {
    assert_eq!(texts("b r br crate rb1"), ["b", "r", "br", "crate", "rb1"]);
}
