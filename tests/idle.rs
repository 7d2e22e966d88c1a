//! An idle loop costs nothing: ten seconds with a listener, 1,000 idle connections and timers that
//! are far away, in at most five enters of the kernel and five milliseconds of its thread's CPU.
//!
//! Here time is the subject, so the loops wait for it. There are two, side by side: with more loops
//! than processors none would spin, and an idle loop that does is what one of the tests looks for.
//!
//! `RINGIO_LONG=1` waits four times as long, for the same bounds.

mod support;

use std::io::{Read, Write};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::time::{ClockId, clock_gettime};
use ringio::net::{TcpListener, TcpStream};
use ringio::time::sleep;
use ringio::{Builder, Chunk, JoinHandle, Runner, Stats, spawn, stats, timeout};
use support::{pair, ring_pair, settle, within};

const IDLE: Duration = Duration::from_secs(10);
const LONG_IDLE: Duration = Duration::from_secs(40);
const CONNECTIONS: usize = 1_000;
const HOUR: Duration = Duration::from_secs(3_600);
const MOST_CPU: Duration = Duration::from_millis(5);
const MOST_ENTERS: u64 = 5;

/// A connection takes two descriptors, as both of its ends are here.
fn raise_descriptors() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    assert!(hard >= 8_192, "this test needs 8,192 descriptors, the limit is {hard}");
    setrlimit(Resource::RLIMIT_NOFILE, hard.min(65_536), hard).unwrap();
}

/// What this thread has used of the CPU.
fn cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap().into()
}

/// Connections of a listener that goes on listening, each with a receive that may take an hour.
struct Crowd {
    listening: JoinHandle<()>,
    clients: Vec<std::net::TcpStream>,
    servers: Vec<JoinHandle<TcpStream>>,
}

impl Crowd {
    async fn gather(connections: usize) -> Crowd {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mut clients, mut servers) = (Vec::new(), Vec::new());
        for _ in 0..connections {
            clients.push(std::net::TcpStream::connect(address).unwrap());
            let (mut server, _) = listener.accept().await.unwrap();
            servers.push(spawn(async move {
                let received = timeout(HOUR, server.recv()).await;
                server.write_all(received.expect("in time").unwrap()).await.0.unwrap();
                server
            }));
        }
        let listening = spawn(async move {
            drop(listener.accept().await);
            unreachable!("nobody else connects");
        });
        Crowd { listening, clients, servers }
    }

    /// They were idle, not dead: each still answers.
    async fn answer(self) {
        assert!(!self.listening.is_finished());
        for client in &self.clients {
            let mut client = client;
            client.write_all(b"?").unwrap();
        }
        for (mut client, server) in self.clients.into_iter().zip(self.servers) {
            server.await.unwrap().close().await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).unwrap();
            assert_eq!(answer, "?");
        }
        self.listening.cancel();
    }
}

/// Ten idle seconds.
async fn idle(what: &str) {
    let idle = if std::env::var_os("RINGIO_LONG").is_some() { LONG_IDLE } else { IDLE };
    let far = [HOUR, HOUR * 2, HOUR * 24, HOUR * 24 * 365].map(|far| spawn(sleep(far)));
    settle().await;
    let (began, before) = (cpu(), stats());
    sleep(idle).await;
    let (used, after) = (cpu() - began, stats());
    let per = |number: fn(&Stats) -> u64| number(&after) - number(&before);
    let (enters, turns) = (per(|stats| stats.enters), per(|stats| stats.turns));
    println!("{what}, {idle:?}: {} µs of CPU, {enters} enters, {turns} turns", used.as_micros());
    assert!(used <= MOST_CPU, "{used:?} of CPU");
    assert!(enters <= MOST_ENTERS, "{enters} enters: {before:?} {after:?}");
    assert!(turns <= 2 * MOST_ENTERS, "{turns} turns");
    far.iter().for_each(|far| _ = far.cancel());
}

fn on_a_loop(builder: Builder, body: impl AsyncFnOnce() + Send + 'static) {
    within(move || {
        raise_descriptors();
        builder.build().unwrap().run(body()).unwrap();
    });
}

/// Traffic has taught the loop to spin before it parks.
#[test]
fn a_loop_that_was_busy_is_idle_again() {
    on_a_loop(Runner::builder(), async || {
        let crowd = Crowd::gather(CONNECTIONS).await;
        let (mut client, mut server) = ring_pair();
        for _ in 0..2_000 {
            client.write_all("ping").await.0.unwrap();
            let ping = server.recv().await.unwrap();
            server.write_all(ping).await.0.unwrap();
            drop(client.recv().await.unwrap());
        }
        let (mut ours, mut peer) = pair();
        let echo = std::thread::spawn(move || {
            let mut byte = [0];
            while peer.read(&mut byte).unwrap() > 0 {
                peer.write_all(&byte).unwrap();
            }
        });
        for _ in 0..2_000 {
            ours.write_all("p").await.0.unwrap();
            drop(ours.recv().await.unwrap());
        }
        ours.close().await.unwrap();
        echo.join().unwrap();
        let Stats { spins_won, spins_lost, .. } = stats();
        println!("spins before: {spins_won} won, {spins_lost} lost");
        idle("1,000 connections, after traffic").await;
        crowd.answer().await;
    });
}

/// Somebody keeps every buffer: all others wait with heap memory, and do not ask again and again.
#[test]
fn a_loop_without_a_buffer_left_is_idle_too() {
    on_a_loop(Runner::builder().buffers(2, 4_096), async || {
        let (mut ours, mut peer) = pair();
        peer.write_all(&[7; 64 * 1024]).unwrap();
        let mut kept: Vec<Chunk> = Vec::new();
        while kept.iter().map(|chunk| chunk.len()).sum::<usize>() < 64 * 1024 {
            kept.push(ours.recv().await.unwrap());
        }
        assert_eq!(stats().buffers_available, 0);
        let crowd = Crowd::gather(CONNECTIONS).await;
        while stats().heap_receives < CONNECTIONS as u64 {
            ringio::yield_now().await;
        }
        idle("1,000 connections without a buffer").await;
        crowd.answer().await;
    });
}
