//! `examples/proxy`, as a real proxy.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::running::{PATIENCE, Running, assert_at_end, example, pass};

/// A proxy in front of an upstream that the test plays itself.
struct Proxied {
    proxy: Running,
    address: SocketAddr,
    upstream: TcpListener,
}

impl Proxied {
    fn start(arguments: &[&str]) -> Proxied {
        let upstream = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let target = upstream.local_addr().expect("it is bound");
        let (proxy, address) = start_proxy(target, arguments);
        Proxied { proxy, address, upstream }
    }

    /// Both ends of a connection through the proxy: the client's and the upstream's.
    fn connect(&self) -> (TcpStream, TcpStream) {
        let client = TcpStream::connect(self.address).expect("the proxy accepts");
        let (server, _) = self.upstream.accept().expect("the proxy connects");
        for end in [&client, &server] {
            end.set_read_timeout(Some(PATIENCE)).expect("a timeout that is not zero");
        }
        (client, server)
    }
}

fn start_proxy(upstream: SocketAddr, arguments: &[&str]) -> (Running, SocketAddr) {
    let mut command = example("proxy");
    command.args(["--listen", "127.0.0.1:0", "--upstream", &upstream.to_string()]).args(arguments);
    let mut proxy = Running::start(command);
    let address = proxy.address();
    (proxy, address)
}

#[test]
fn bytes_pass_both_ways() {
    let proxied = Proxied::start(&[]);
    let (client, server) = proxied.connect();
    for round in 0..100 {
        pass(&client, &server, &[round; 64]);
        pass(&server, &client, &[round; 10_000]);
    }
}

#[test]
fn the_client_s_half_close_passes_and_the_answer_still_comes() {
    let proxied = Proxied::start(&[]);
    let (client, server) = proxied.connect();
    pass(&client, &server, b"question");
    client.shutdown(Shutdown::Write).expect("connected");
    assert_at_end(&server);
    pass(&server, &client, b"answer");
    drop(server);
    assert_at_end(&client);
}

#[test]
fn the_upstream_s_half_close_passes_and_the_client_goes_on() {
    let proxied = Proxied::start(&[]);
    let (client, server) = proxied.connect();
    pass(&server, &client, b"greeting");
    server.shutdown(Shutdown::Write).expect("connected");
    assert_at_end(&client);
    pass(&client, &server, b"still talking");
    drop(client);
    assert_at_end(&server);
}

#[test]
fn back_pressure_reaches_the_writer_on_either_side_and_loses_nothing() {
    let proxied = Proxied::start(&[]);
    let (client, server) = proxied.connect();
    assert_stalls_and_recovers(&client, &server);
    assert_stalls_and_recovers(&server, &client);
}

/// Writes for as long as something takes it, while nobody reads at the other end.
fn assert_stalls_and_recovers(mut from: &TcpStream, mut to: &TcpStream) {
    const FAR_TOO_MUCH: usize = 512 << 20;
    // A prime, so that a lost or doubled buffer cannot go unnoticed.
    const PERIOD: usize = 251;
    let pattern: Vec<u8> = (0..PERIOD << 10).map(|at| (at % PERIOD) as u8).collect();

    // The timeout only ends the test's patience with a stalled writer: it cannot make it fail.
    from.set_write_timeout(Some(Duration::from_millis(300))).expect("not zero");
    let mut written = 0;
    let stalled = loop {
        assert!(written < FAR_TOO_MUCH, "the proxy swallowed {written} bytes that nobody read");
        match from.write(&pattern[written % PERIOD..]) {
            Ok(count) => written += count,
            Err(error) => break error,
        }
    };
    assert_eq!(stalled.kind(), ErrorKind::WouldBlock);
    from.shutdown(Shutdown::Write).expect("connected");

    let mut read = 0;
    let mut buffer = vec![0; PERIOD << 8];
    loop {
        match to.read(&mut buffer).expect("the rest arrives") {
            0 => break,
            count => {
                assert!(buffer[..count] == pattern[read % PERIOD..][..count], "garbled at {read}");
                read += count;
            }
        }
    }
    assert_eq!(read, written);
}

#[test]
fn a_dead_upstream_is_a_line_in_the_log_and_the_proxy_lives_on() {
    let vacated = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let dead = vacated.local_addr().expect("it is bound");
    drop(vacated);
    let (mut proxy, address) = start_proxy(dead, &[]);
    for _ in 0..3 {
        let client = TcpStream::connect(address).expect("the proxy accepts");
        client.set_read_timeout(Some(PATIENCE)).expect("a timeout that is not zero");
        let own = client.local_addr().expect("connected");
        let refused = "Connection refused (os error 111)";
        let expected = format!("upstream {dead}: {refused}; client {own} dropped\n");
        assert_eq!(proxy.log_line(), expected);
        assert_at_end(&client);
    }
}

#[test]
fn ctrl_c_refuses_new_connections_and_lets_open_ones_end() {
    let mut proxied = Proxied::start(&["--cores", "1"]);
    let (client, server) = proxied.connect();
    pass(&client, &server, b"before");
    proxied.proxy.interrupt();
    assert_eq!(proxied.proxy.log_line(), "core 0: no longer accepting; open connections: 1\n");

    let refused = TcpStream::connect(proxied.address).expect_err("nobody listens");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    pass(&client, &server, b"after");
    pass(&server, &client, &[1; 100_000]);
    drop(client);
    assert_at_end(&server);
    drop(server);

    let (status, log) = proxied.proxy.end();
    assert_eq!(status.code(), Some(0));
    assert_eq!(log, "core 0: ended; connections cut off: 0\n");
}

#[test]
fn a_drain_limit_and_a_second_ctrl_c_cut_off_what_is_left() {
    for (drain, interrupts) in [("0", 1), ("3600", 2)] {
        let mut proxied = Proxied::start(&["--cores", "1", "--drain", drain]);
        let (client, server) = proxied.connect();
        pass(&client, &server, b"open");
        proxied.proxy.interrupt();
        assert_eq!(proxied.proxy.log_line(), "core 0: no longer accepting; open connections: 1\n");
        if interrupts == 2 {
            proxied.proxy.interrupt();
        }
        let (status, log) = proxied.proxy.end();
        assert_eq!(status.code(), Some(0));
        assert_eq!(log, "core 0: ended; connections cut off: 1\n");
        assert_at_end(&client);
        assert_at_end(&server);
    }
}

#[test]
fn ctrl_c_reaches_every_core() {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let proxied = Proxied::start(&["--cores", &cores.to_string()]);
    let connections: Vec<_> = (0..20).map(|_| proxied.connect()).collect();
    for (client, server) in &connections {
        pass(client, server, b"hello");
    }
    drop(connections);
    proxied.proxy.interrupt();
    let (status, log) = proxied.proxy.end();
    assert_eq!(status.code(), Some(0));
    assert_eq!(log.matches("no longer accepting").count(), cores);
    assert_eq!(log.matches("cut off: 0").count(), cores);
}

#[test]
fn an_address_in_use_is_a_clear_error() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let output = example("proxy")
        .args(["--listen", &address, "--upstream", &address])
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let expected = format!("proxy: {address}: Address already in use (os error 98)\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
}
