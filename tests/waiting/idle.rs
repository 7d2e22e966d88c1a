//! What is held in user space for those that do nothing, as asked of the allocator.

use std::io::{Read, Write};
use std::net::TcpStream as Peer;
use std::pin::pin;
use std::time::Duration;

use ringio::net::{TcpListener, TcpStream};
use ringio::time::sleep;
use ringio::{JoinHandle, spawn};

use crate::allocator;
use crate::support::{poll_once, run, settle};

/// Those before, for whom a loop takes what it takes once.
const FIRST: usize = 40;
/// A connection has both of its ends here: two descriptors.
const CONNECTIONS: usize = 300;
const SLEEPERS: usize = 10_000;

/// Bytes of an idle connection without the task that waits for it, which is 400 with a small one.
const CONNECTION: usize = 192;
/// Bytes of a sleeping task.
const SLEEPER: usize = 280;

struct Connection {
    peer: Peer,
    stream: TcpStream,
}

impl Connection {
    async fn accept(listener: &TcpListener) -> Connection {
        let peer = Peer::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        Connection { peer, stream }
    }

    /// A message there and back; then it waits for another one.
    async fn echo(&mut self) {
        self.peer.write_all(b"ping").unwrap();
        let chunk = self.stream.recv().await.unwrap();
        self.stream.write_all(chunk).await.0.unwrap();
        let mut answer = [0; 4];
        self.peer.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"ping");
        assert!(poll_once(&mut pin!(self.stream.recv())).await.is_pending());
    }
}

#[test]
fn an_idle_connection_takes_few_bytes() {
    run(async || {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut connections = Vec::with_capacity(FIRST + CONNECTIONS);
        let mut before = 0;
        for number in 0..FIRST + CONNECTIONS {
            if number == FIRST {
                before = allocator::held();
            }
            connections.push(Connection::accept(&listener).await);
            connections.last_mut().unwrap().echo().await;
        }
        let each = (allocator::held() - before) as usize / CONNECTIONS;
        println!("an idle connection takes {each} bytes");
        assert!(each <= CONNECTION, "{each} bytes");

        // What a busy one needs is there already, from one that was busy before.
        let calls = allocator::allocations();
        for connection in &mut connections {
            connection.echo().await;
        }
        assert_eq!(allocator::allocations() - calls, 0);
    });
}

#[test]
fn a_sleeping_task_takes_two_hundred_and_eighty_bytes() {
    run(async || {
        let nap = || spawn(async { sleep(Duration::from_secs(3_600)).await });
        let mut sleepers: Vec<JoinHandle<()>> = Vec::with_capacity(FIRST + SLEEPERS);
        sleepers.extend((0..FIRST).map(|_| nap()));
        settle().await;
        let before = allocator::held();
        sleepers.extend((0..SLEEPERS).map(|_| nap()));
        settle().await;
        let each = (allocator::held() - before) as usize / SLEEPERS;
        println!("a sleeping task takes {each} bytes");
        assert!(each <= SLEEPER, "{each} bytes");
        sleepers.iter().for_each(|sleeper| _ = sleeper.cancel());
    });
}
