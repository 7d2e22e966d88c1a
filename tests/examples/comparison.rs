//! `examples/proxy`, without arguments.

use crate::running::{Running, example};

#[test]
fn the_comparison_ends_well_and_compares() {
    let output = example("proxy").env("CI", "1").output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("ringio ÷ tokio"), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn a_child_of_the_comparison_ends_with_its_parent() {
    let mut command = example("proxy");
    command.args(["upstream", "--cpus", "0"]);
    let mut upstream = Running::start(command);
    upstream.address();
    drop(upstream.child.stdin.take());
    assert!(upstream.end().0.success());
}
