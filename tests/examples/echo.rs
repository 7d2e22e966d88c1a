//! `examples/echo.rs`.

use std::net::{Shutdown, TcpStream};

use crate::running::{PATIENCE, Running, assert_at_end, example, pass};

#[test]
fn echo_without_arguments_ends_well() {
    let output = example("echo").env("CI", "1").output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("all echoed intact"), "{output:?}");
}

#[test]
fn echo_serves_until_ctrl_c() {
    let mut command = example("echo");
    command.args(["--listen", "127.0.0.1:0"]);
    let mut server = Running::start(command);
    let client = TcpStream::connect(server.address()).expect("it accepts");
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout that is not zero");
    pass(&client, &client, &[7; 100_000]);
    client.shutdown(Shutdown::Write).expect("connected");
    assert_at_end(&client);
    server.interrupt();
    assert!(server.end().0.success());
}
