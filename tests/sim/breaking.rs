//! Connections that break, are refused and die in the backlog, at any moment.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use ringio::net::{TcpListener, TcpStream};
use ringio::testing::sim::Faults;
use ringio::{JoinHandle, spawn};

use crate::message::{Messages, message};
use crate::seeds::{occurred, seeds};
use crate::support::{Fate, Random};

#[test]
fn a_server_outlives_all_its_connections() {
    let seen = seeds("breaking", 4000, Faults::cruel, |run| {
        let (mut random, forgets) = (Random(run.random.next()), run.forgets);
        run.run(async {
            let listener = Rc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
            let address = listener.local_addr().unwrap();
            let server = spawn(serve(listener.clone()));
            let clients: Vec<JoinHandle<()>> = (0..1 + random.below(5))
                .map(|_| spawn(client(address, Random(random.next()), forgets)))
                .collect();
            for client in clients {
                client.await.unwrap();
            }
            assert!(!server.is_finished());
        });
    });
    let hard = [seen.resets, seen.no_descriptors, seen.connected_after_cancel];
    occurred(&seen, &hard, 20);
}

async fn serve(listener: Rc<TcpListener>) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            drop(spawn(async move {
                let _ = echo(stream).await;
            }));
        }
    }
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    loop {
        let chunk = stream.recv().await?;
        if chunk.is_empty() {
            return stream.close().await;
        }
        stream.write_all(chunk).await.0?;
    }
}

/// Tries a few times, on a connection each.
async fn client(address: SocketAddr, mut random: Random, forgets: bool) {
    for _ in 0..1 + random.below(5) {
        let fate = Fate::random(&mut random).forgotten_if(false);
        let Some(Ok(stream)) = fate.befall(TcpStream::connect(address)).await.0 else { continue };
        let mut messages = Messages::default();
        let result = talk(stream, &mut messages, &mut random, forgets).await;
        if let Err(error) = &result {
            let errno = error.raw_os_error();
            let expected = [libc::ECONNRESET, libc::EPIPE, libc::ECONNABORTED, libc::ENOTCONN];
            assert!(errno.is_some_and(|errno| expected.contains(&errno)), "{error}");
        }
        let numbers = messages.so_far();
        // What came back came in order, and nothing between was lost.
        assert!(numbers.iter().copied().eq(0..numbers.len() as u32), "{numbers:?}");
    }
}

async fn talk(
    mut stream: TcpStream,
    messages: &mut Messages,
    random: &mut Random,
    forgets: bool,
) -> io::Result<()> {
    for number in 0..random.below(6) as u32 {
        let bytes = message(number, random.below(3000));
        let mut left = bytes.len();
        // Less than the high-water mark is under way, so its first poll admits it.
        let fate = Fate::random(random).forgotten_if(forgets);
        match fate.befall(stream.write_all(bytes)).await {
            (Some((result, _)), _) => result?,
            (None, true) => {}
            // It was not begun: nothing comes back.
            (None, false) => return Ok(()),
        }
        while left > 0 {
            let fate = Fate::random(random).forgotten_if(forgets);
            let Some(chunk) = fate.befall(stream.recv()).await.0 else { continue };
            let chunk = chunk?;
            if chunk.is_empty() {
                return Ok(());
            }
            messages.take(&chunk);
            left -= chunk.len();
        }
    }
    match random.below(4) {
        0 => stream.close().await,
        1 => {
            stream.abort();
            assert!(stream.recv().await.is_err());
            Ok(())
        }
        2 => stream.shutdown(std::net::Shutdown::Both).await,
        _ => Ok(()),
    }
}
