//! How often a thread has slept.

use std::fs;

/// The times that the calling thread has given its CPU up by itself, which is to wait.
pub(super) fn sleeps() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches:")).unwrap();
    line.split_whitespace().last().unwrap().parse().unwrap()
}
