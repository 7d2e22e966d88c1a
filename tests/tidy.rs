//! The house rules that no compiler checks, each one a test over the files of the repository.
//!
//! A rule is a function over a path and a text, so that every rule also has a test of its own:
//! a small sample that it must catch. The tables at the top of each rule are meant to be edited;
//! [`docs/TESTING.md`](../docs/TESTING.md) says when.

mod tidy {
    pub(super) mod cfgs;
    pub(super) mod floors;
    pub(super) mod length;
    pub(super) mod links;
    pub(super) mod named;
    pub(super) mod outline;
    pub(super) mod strays;
    pub(super) mod token;
    pub(super) mod tree;
    pub(super) mod unsafety;
    pub(super) mod words;
}

use tidy::tree::{File, Finding};
use tidy::{cfgs, floors, length, links, named, outline, strays, tree, unsafety, words};

/// Runs a rule over every file and fails with all that it found.
fn enforce(rule: impl Fn(&File) -> Vec<Finding>) {
    report(tree::files().iter().flat_map(rule).collect());
}

fn report(findings: Vec<Finding>) {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} finding(s)\n{}", lines.len(), lines.join("\n"));
}

fn paths(files: &[File]) -> Vec<&str> {
    files.iter().map(|file| file.path.as_str()).collect()
}

#[test]
fn imports_point_down_the_floors() {
    enforce(|file| floors::check(&file.path, &file.text));
}

#[test]
fn only_some_folders_know_the_shim() {
    enforce(|file| floors::check_names(&file.path, &file.text));
}

#[test]
fn files_are_short() {
    let files = tree::files();
    report(length::check_exceptions(&paths(&files), length::EXCEPTIONS));
    enforce(|file| length::check(&file.path, &file.text, length::EXCEPTIONS));
}

#[test]
fn unsafe_stands_where_it_may() {
    enforce(|file| unsafety::check_place(&file.path, &file.text, unsafety::ALLOWED));
}

#[test]
fn unsafe_is_argued() {
    enforce(|file| unsafety::check_comments(&file.path, &file.text));
}

#[test]
fn no_file_is_stray() {
    let files = tree::files();
    report(strays::check_folders(&paths(&files)));
    enforce(|file| strays::check(&file.path, &file.text));
}

#[test]
fn mod_and_lib_files_only_list() {
    enforce(|file| outline::check(&file.path, &file.text));
}

#[test]
fn relative_links_lead_somewhere() {
    enforce(|file| links::check(&file.path, &file.text, tree::read));
}

#[test]
fn tests_that_pages_name_exist() {
    report(named::check(&tree::files()));
}

#[test]
fn some_words_appear_nowhere() {
    enforce(|file| words::check(&file.path, &file.text));
}

#[test]
fn cfg_stands_at_mod_lines() {
    enforce(|file| cfgs::check(&file.path, &file.text, cfgs::EXCEPTIONS));
}
