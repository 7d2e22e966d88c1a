//! A process of its own for what counts everything that a process has.

use crate::child::{command, is_child};
use crate::watchdog::bounded;

/// Ten times as often in the long mode.
pub(crate) fn times() -> usize {
    if std::env::var_os("RINGIO_LONG").is_some() { 10 } else { 1 }
}

/// Runs `role` in a child, and prints its line of figures, which ends with `mark`. It must say
/// nothing to standard error: a loop that has to leak says so there.
#[track_caller]
pub(crate) fn apart(test: &str, mark: &str, role: impl FnOnce() + Send + 'static) {
    if is_child() {
        return bounded(role);
    }
    let output = command(test).output().unwrap();
    let [text, errors] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{}\n{text}\n{errors}", output.status);
    assert!(!errors.contains("ringio"), "{errors}");
    println!("{}", text.lines().find(|line| line.contains(mark)).expect("it has run"));
}
