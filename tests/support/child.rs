//! This test binary again, as a child process that may spoil itself.

use std::env;
use std::process::{Command, Stdio};

use crate::watchdog::bounded;

const ROLE: &str = "RINGIO_TEST_ROLE";

/// Whether this process is such a child.
pub(crate) fn is_child() -> bool {
    env::var_os(ROLE).is_some()
}

/// The command that runs one test, by its name, as a child.
pub(crate) fn command(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("the test has a path"));
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command.env(ROLE, test).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs `role` if this process is the child for it; otherwise runs the child, which must succeed,
/// and returns what it printed.
pub(crate) fn in_child(test: &str, role: impl FnOnce() + Send + 'static) -> Option<String> {
    if is_child() {
        bounded(role);
        return None;
    }
    let output = command(test).output().expect("the child starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{text}\n{errors}", output.status);
    Some(text)
}
