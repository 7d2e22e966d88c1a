//! The files of the repository, and what a rule has to say about one.

use std::path::Path;
use std::process::Command;
use std::{fmt, fs};

/// A file, its path relative to the repository and with `/` between its parts.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// One broken rule at one place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl Finding {
    pub(crate) fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Finding { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file that git tracks or would track; without git, every file outside build folders.
pub(crate) fn files() -> Vec<File> {
    let mut paths = listed_by_git().unwrap_or_else(|| {
        let mut found = Vec::new();
        walk(root(), &mut found);
        found
    });
    paths.sort();
    paths.dedup();
    let load = |path: String| read(&path).map(|text| File { path, text });
    paths.into_iter().filter_map(load).collect()
}

/// The text of a file, or of nothing for a folder; `None` if neither exists.
pub(crate) fn read(path: &str) -> Option<String> {
    let full = root().join(path);
    if full.is_dir() {
        return Some(String::new());
    }
    fs::read(full).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// `None` where git is missing, refuses, or lists some other repository than this one.
fn listed_by_git() -> Option<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8(output.stdout).ok()?;
    let paths: Vec<String> = text.split_terminator('\0').map(str::to_owned).collect();
    paths.iter().any(|path| path == "Cargo.toml").then_some(paths)
}

fn walk(folder: &Path, found: &mut Vec<String>) {
    let entries = fs::read_dir(folder).expect("a folder of the repository can be read");
    for entry in entries {
        let path = entry.expect("a folder of the repository can be read").path();
        let name = path.file_name().unwrap_or_default();
        if name == "target" || name == ".git" {
            continue;
        }
        if path.is_dir() {
            walk(&path, found);
        } else {
            let relative = path.strip_prefix(root()).expect("the walk began at the root");
            found.push(relative.to_string_lossy().into_owned());
        }
    }
}

#[test]
fn the_walk_sees_what_git_sees() {
    let mut walked = Vec::new();
    walk(root(), &mut walked);
    for file in files() {
        assert!(walked.contains(&file.path), "{} was not walked", file.path);
    }
}
