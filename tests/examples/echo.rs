//! `examples/echo.rs`.

use std::io::ErrorKind;
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
    let address = server.address();
    let client = TcpStream::connect(address).expect("it accepts");
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout that is not zero");
    pass(&client, &client, &[7; 100_000]);
    client.shutdown(Shutdown::Write).expect("connected");
    assert_at_end(&client);

    let open = TcpStream::connect(address).expect("it accepts");
    open.set_read_timeout(Some(PATIENCE)).expect("a timeout that is not zero");
    pass(&open, &open, b"before");
    server.interrupt();
    assert_eq!(server.log_line(), "no longer accepting; open connections: 1\n");
    let refused = TcpStream::connect(address).expect_err("nobody listens");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    pass(&open, &open, b"after");
    drop(open);
    assert!(server.end().0.success());
}
