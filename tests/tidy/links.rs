//! Relative links of the pages lead to files that exist, and to headings that exist in them.

use super::tree::Finding;

/// Checks the links of a page; `read` gives the text behind a path of the repository.
pub(crate) fn check(path: &str, text: &str, read: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    if !path.ends_with(".md") {
        return Vec::new();
    }
    let is_dead = |target: &str| {
        let (file, heading) = target.split_once('#').unwrap_or((target, ""));
        let file = if file.is_empty() { path.to_owned() } else { resolve(path, file) };
        match read(&file) {
            None => true,
            Some(page) if file.ends_with(".md") && !heading.is_empty() => {
                !prose(&page).any(|(_, line)| anchor(line).as_deref() == Some(heading))
            }
            Some(_) => false,
        }
    };
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        for target in targets(line).filter(|target| !is_elsewhere(target)) {
            if is_dead(target) {
                found.push(Finding::new(path, number, format!("dead link `{target}`")));
            }
        }
    }
    found
}

fn is_elsewhere(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

/// The lines outside fenced code, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then_some((at + 1, line))
    })
}

/// What the inline links `[…](target)` and a definition `[…]: target` of a line lead to.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let inline = line.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    let definition = line.strip_prefix('[').and_then(|rest| Some(rest.split_once("]: ")?.1));
    inline.chain(definition).filter_map(|target| target.split_whitespace().next())
}

/// `target` as seen from the folder of `page`.
fn resolve(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            // Above the repository there is nothing: the name stays and will not be found.
            ".." if !parts.is_empty() => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The anchor that GitHub gives to a heading.
fn anchor(line: &str) -> Option<String> {
    let heading = line.trim_start_matches('#');
    let title = heading.strip_prefix(' ').filter(|_| heading.len() < line.len())?;
    let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    Some(kept.collect::<String>().to_lowercase().replace(' ', "-"))
}

#[test]
fn dead_links_are_caught() {
    let read = |path: &str| match path {
        "docs/a.md" => Some("# A title, with `code`\n```\n# no heading\n```\n".to_owned()),
        "src" => Some(String::new()),
        _ => None,
    };
    let caught = |line: &str| !check("docs/a.md", line, read).is_empty();
    assert!(caught("see [b](b.md)"));
    assert!(caught("[b]: ../b.md"));
    assert!(caught("[a](a.md) and [b](b.md#x)"));
    assert!(caught("[a](#no-heading)"));
    assert!(caught("[out](../../src)"));
    assert!(!caught("[a](#a-title-with-code) [s](../src/) [w](https://example.com/b.md)"));
    assert!(!caught("```\n[b](b.md)\n```"));
}
