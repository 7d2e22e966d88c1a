//! No file is stray: the top level is known, folders say what they are, nothing is left over.

use super::tree::Finding;
use std::collections::BTreeSet;

/// What may stand at the top level.
const TOP: &[&str] = &[
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "benches",
    "docs",
    "examples",
    "rustfmt.toml",
    "src",
    "tests",
    "uring-sys-shim",
];

/// Endings of what merges and editors leave behind.
const LEFTOVER: &[&str] = &[".orig", ".rej", ".bak", ".swp", "~"];

/// Folders of modules.
pub(crate) const SOURCES: &[&str] = &["src/", "uring-sys-shim/src/"];

/// A file at an unknown place, left over, or empty.
pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    let top = path.split('/').next().unwrap_or(path);
    let mut found = Vec::new();
    if !TOP.contains(&top) {
        found.push(Finding::new(path, 1, format!("`{top}` is not known at the top level")));
    }
    if LEFTOVER.iter().any(|ending| path.ends_with(ending)) {
        found.push(Finding::new(path, 1, "left over by a merge or an editor"));
    }
    if text.trim().is_empty() {
        found.push(Finding::new(path, 1, "empty"));
    }
    found
}

/// A folder of modules without a `mod.rs`.
pub(crate) fn check_folders(paths: &[&str]) -> Vec<Finding> {
    let inside = |path: &&&str| SOURCES.iter().any(|root| path.starts_with(root));
    let folders = paths.iter().filter(inside).filter_map(|path| Some(path.rsplit_once('/')?.0));
    let folders: BTreeSet<&str> = folders.collect();
    folders
        .into_iter()
        .filter(|folder| !SOURCES.iter().any(|root| root.trim_end_matches('/') == *folder))
        .map(|folder| format!("{folder}/mod.rs"))
        .filter(|file| !paths.contains(&file.as_str()))
        .map(|file| Finding::new(&file, 1, "missing: it says what its folder is"))
        .collect()
}

#[test]
fn stray_files_are_caught() {
    assert_eq!(check("src/lib.rs", "//! Docs.").len(), 0);
    assert_eq!(check("notes.txt", "x").len(), 1);
    assert_eq!(check("src/a.rs.orig", "x").len(), 1);
    assert_eq!(check("src/a.rs", " \n").len(), 1);
}

#[test]
fn a_folder_without_its_mod_file_is_caught() {
    let paths = ["src/lib.rs", "src/a/mod.rs", "src/a/b.rs", "src/c/d.rs", "tests/e/f.rs"];
    let found = check_folders(&paths);
    assert_eq!(found, [Finding::new("src/c/mod.rs", 1, "missing: it says what its folder is")]);
}
