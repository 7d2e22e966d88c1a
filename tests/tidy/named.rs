//! Tests that a page names exist: rows of tables whose last column is called `test`.
//!
//! A cell names a program, then its tests: `` `runner`: `one`, `two` ``. Names without a program belong
//! to that of the row before. Rows are numbered from one.

use super::tree::{File, Finding};

/// The page that does so.
const PAGE: &str = "docs/asyncio.md";

pub(crate) fn check(files: &[File]) -> Vec<Finding> {
    let page = files.iter().find(|file| file.path == PAGE);
    page.map(|page| {
        check_page(&page.path, &page.text, |program, test| exists(files, program, test))
    })
    .unwrap_or_default()
}

fn exists(files: &[File], program: &str, test: &str) -> bool {
    let (file, folder) = match program {
        "lib" => (String::new(), "src/".to_owned()),
        _ => (format!("tests/{program}.rs"), format!("tests/{program}/")),
    };
    let function = format!("fn {test}(");
    let belongs = |path: &str| path == file || path.starts_with(&folder) && path.ends_with(".rs");
    files.iter().any(|file| belongs(&file.path) && file.text.contains(&function))
}

fn check_page(path: &str, text: &str, exists: impl Fn(&str, &str) -> bool) -> Vec<Finding> {
    let mut found = Vec::new();
    let (mut inside, mut last, mut program) = (false, 0, String::new());
    for (at, line) in text.lines().enumerate() {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        if !line.starts_with('|') || cells.last() == Some(&"test") {
            (inside, last) = (line.starts_with('|'), 0);
            program.clear();
            continue;
        }
        if !inside || line.starts_with("|-") {
            continue;
        }
        let mut say = |words: String| found.push(Finding::new(path, at + 1, words));
        last += 1;
        if cells[0].parse() != Ok(last) {
            say(format!("row {} stands where {last} should", cells[0]));
        }
        let cell = cells[cells.len() - 1];
        if !cell.contains('`') && !matches!(cell, "–" | "the same") {
            say("names no test, and does not say that there is none".to_owned());
        }
        let mut parts = cell.split('`').skip(1);
        while let (Some(name), rest) = (parts.next(), parts.next()) {
            if rest.is_some_and(|rest| rest.starts_with(':')) {
                program = name.to_owned();
            } else if !exists(&program, name) {
                say(format!("there is no test `{name}` in `{program}`"));
            }
        }
    }
    found
}

#[test]
fn tests_that_are_not_there_are_caught() {
    let exists = |program: &str, test: &str| program == "known" && test == "one";
    let caught = |rows: &str| {
        let page = format!("| # | says | test |\n|---|---|---|\n{rows}");
        check_page("docs/a.md", &page, exists).len()
    };
    assert_eq!(caught("| 1 | a | `known`: `one` |\n| 2 | b | the same |\n| 3 | c | – |"), 0);
    assert_eq!(caught("| 1 | a | `known`: `one` |\n| 2 | b | the same; `one` |"), 0);
    assert_eq!(caught("| 1 | a `b` | `known`: `two`, `one` |"), 1);
    assert_eq!(caught("| 1 | a | `other`: `one`; `known`: `one` |"), 1);
    assert_eq!(caught("| 1 | a | `known`: `one` |\n| 3 | b | – |"), 1);
    assert_eq!(caught("| 1 | a | none |"), 1);
    assert!(check_page("docs/a.md", "| a | b |\n|---|---|\n| `c` | `d` |\n", exists).is_empty());
}
