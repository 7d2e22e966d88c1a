//! Files are short: one noun each.

use super::tree::Finding;

/// Lines of any Rust file.
const LIMIT: usize = 450;

/// How much shorter than its exception a file may get before the exception must follow.
const SLACK: usize = 50;

/// Files that are longer, with the limit each has now. This list shrinks.
pub(crate) const EXCEPTIONS: &[(&str, usize)] = &[];

pub(crate) fn check(path: &str, text: &str, exceptions: &[(&str, usize)]) -> Vec<Finding> {
    if !path.ends_with(".rs") {
        return Vec::new();
    }
    let lines = text.lines().count();
    let exception = exceptions.iter().find(|(name, _)| *name == path).map(|(_, limit)| *limit);
    let message = match exception {
        None if lines > LIMIT => format!("{lines} lines, at most {LIMIT} are allowed"),
        Some(limit) if lines > limit => format!("{lines} lines, its exception allows {limit}"),
        Some(_) if lines <= LIMIT => format!("{lines} lines need no exception any more"),
        Some(limit) if lines + SLACK < limit => {
            format!("{lines} lines: lower its exception from {limit}")
        }
        _ => return Vec::new(),
    };
    vec![Finding::new(path, lines, message)]
}

/// Exceptions for files that do not exist.
pub(crate) fn check_exceptions(paths: &[&str], exceptions: &[(&str, usize)]) -> Vec<Finding> {
    let gone = exceptions.iter().filter(|(path, _)| !paths.contains(path));
    gone.map(|(path, _)| Finding::new(path, 1, "does not exist: drop its exception")).collect()
}

#[test]
fn long_files_and_loose_exceptions_are_caught() {
    let caught = |lines: usize, exceptions: &[(&str, usize)]| {
        !check("src/a.rs", &"x\n".repeat(lines), exceptions).is_empty()
    };
    assert!(!caught(LIMIT, &[]) && caught(LIMIT + 1, &[]));
    assert!(!caught(600, &[("src/a.rs", 600)]) && caught(601, &[("src/a.rs", 600)]));
    assert!(!caught(550, &[("src/a.rs", 600)]) && caught(549, &[("src/a.rs", 600)]));
    assert!(caught(LIMIT, &[("src/a.rs", 460)]));
    assert!(caught(LIMIT + 1, &[("src/b.rs", 600)]));
    assert_eq!(check_exceptions(&["src/a.rs"], &[("src/a.rs", 600), ("src/b.rs", 600)]).len(), 1);
}
