//! Each test is a bug that was there once.
//!
//! # Safety
//! The buffer of a test is a vector.

#![allow(unsafe_code, reason = "a buffer whose destructor panics must be a buffer")]

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use ringio::buf::IoBuf;
use ringio::net::{TcpListener, TcpStream};
use ringio::testing::ManualClock;
use ringio::time::sleep;
use ringio::{RemoteError, RemoteHandle, Runner, yield_now};

/// Runs a test in a thread and fails if it hangs.
fn within<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, ended) = channel();
    let thread = thread::spawn(move || {
        let result = body();
        let _ = done.send(());
        result
    });
    if let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(Duration::from_secs(30)) {
        panic!("the test has hung");
    }
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn std_pair() -> (std::net::TcpStream, std::net::TcpStream) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

/// A connection of this loop, and its peer.
fn pair() -> (TcpStream, std::net::TcpStream) {
    let (ours, peer) = std_pair();
    (TcpStream::from_std(ours).unwrap(), peer)
}

/// A waker that calls a function.
struct Call<F>(F);

impl<F: Fn() + Send + Sync> Wake for Call<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

fn waker(f: impl Fn() + Send + Sync + 'static) -> Waker {
    Arc::new(Call(f)).into()
}

/// Polls once.
async fn once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

#[test]
fn a_manual_clock_that_moves_while_timers_fire_does_not_park_the_loop() {
    within(|| {
        let clock = ManualClock::new();
        clock.auto_jump(false);
        let mut runner = Runner::builder().clock(clock.clone()).build().unwrap();
        let mover = clock.clone();
        let moves = waker(move || mover.advance(Duration::from_secs(10)));
        runner
            .run(async move {
                let mut first = pin!(sleep(Duration::from_secs(1)));
                assert!(first.as_mut().poll(&mut Context::from_waker(&moves)).is_pending());
                let second = sleep(Duration::from_secs(5));
                clock.advance(Duration::from_secs(1));
                second.await;
            })
            .unwrap();
    });
}

#[test]
fn a_runner_in_a_thread_local_ends_with_its_thread() {
    thread_local! {
        static RUNNER: RefCell<Option<Runner>> = const { RefCell::new(None) };
    }
    // A panic in a thread-local's destructor would abort the process.
    within(|| {
        RUNNER.with_borrow_mut(|runner| {
            let runner = runner.insert(Runner::builder().build().unwrap());
            runner.run(async { drop(ringio::spawn(std::future::pending::<()>())) }).unwrap();
        });
    });
}

#[test]
fn a_waker_that_panics_takes_no_other_wake_with_it() {
    within(|| {
        ringio::run(async {
            let bad = waker(|| panic!("a waker panics"));
            let mut first = pin!(ringio::op::nop());
            assert!(first.as_mut().poll(&mut Context::from_waker(&bad)).is_pending());
            ringio::op::nop().await.unwrap();
        });
    });
}

#[test]
fn a_buffer_whose_destructor_panics_does_not_end_the_loop() {
    struct Bad(Vec<u8>);
    // SAFETY: as of the vector.
    unsafe impl IoBuf for Bad {
        fn as_ptr(&self) -> *const u8 {
            self.0.as_ptr()
        }
        fn len(&self) -> usize {
            self.0.len()
        }
    }
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("a buffer panics");
        }
    }
    within(|| {
        ringio::run(async {
            let (mut ours, mut peer) = pair();
            {
                let mut write = pin!(ours.write_all(Bad(vec![7; 3])));
                assert!(once(write.as_mut()).await.is_pending());
            }
            ours.write_all("more").await.0.unwrap();
            let mut got = [0; 7];
            peer.read_exact(&mut got).unwrap();
            assert_eq!(&got, b"\x07\x07\x07more");
        });
    });
}

#[test]
fn a_read_in_flight_keeps_its_buffer_on_another_loop() {
    within(|| {
        let mut owner = Runner::builder().build().unwrap();
        let (mut stream, mut peer) = owner.run(async { pair() }).unwrap();
        let mut read = pin!(stream.read(vec![0; 8]));
        assert!(owner.run(once(read.as_mut())).unwrap().is_pending());
        let mut other = Runner::builder().build().unwrap();
        // An answer would give the buffer back, which the kernel still fills.
        assert!(other.run(once(read.as_mut())).unwrap().is_pending());
        peer.write_all(b"whole").unwrap();
        let (count, buffer) = owner.run(read).unwrap();
        assert_eq!((count.unwrap(), &buffer[..]), (5, &b"whole"[..]));
    });
}

/// A vector that changes its mind about how long it is.
struct Fickle(Vec<u8>, Rc<Cell<bool>>);

// SAFETY: as of the vector; fewer bytes are initialised too.
unsafe impl IoBuf for Fickle {
    fn as_ptr(&self) -> *const u8 {
        self.0.as_ptr()
    }
    fn len(&self) -> usize {
        if self.1.get() { 0 } else { self.0.len() }
    }
}

#[test]
fn a_write_in_flight_keeps_its_buffer_whatever_that_says() {
    within(|| {
        ringio::run(async {
            let (mut ours, _never_reads) = pair();
            let fickle = Rc::new(Cell::new(false));
            let mut write = pin!(ours.write_all(Fickle(vec![1; 64 << 20], fickle.clone())));
            assert!(once(write.as_mut()).await.is_pending());
            fickle.set(true);
            assert!(once(write.as_mut()).await.is_pending());
        });
    });
}

#[test]
fn after_an_abort_no_bytes_come() {
    within(|| {
        ringio::run(async {
            let (mut ours, mut peer) = pair();
            {
                let mut recv = pin!(ours.recv());
                assert!(once(recv.as_mut()).await.is_pending());
            }
            yield_now().await;
            peer.write_all(b"late").unwrap();
            ours.abort();
            for _ in 0..10 {
                let error = ours.recv().await.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
                yield_now().await;
            }
        });
    });
}

#[test]
fn a_shutdown_of_reading_never_meets_another_socket() {
    within(|| {
        ringio::run(async {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let (mut ours, _peer) = pair();
            let number = ours.as_fd().as_raw_fd();
            ours.shutdown(Shutdown::Read).await.unwrap();
            drop(ours.into_std().await.unwrap());
            let others: Vec<_> =
                (0..8).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
            // Another test may have been faster, and have the number.
            let other = others.iter().find(|other| other.as_raw_fd() == number);
            let Some(mut other) = other else { return };
            ringio::op::nop().await.unwrap();
            other.set_nonblocking(true).unwrap();
            let error = other.read(&mut [0]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        });
    });
}

#[test]
fn both_directions_end_though_one_had_ended() {
    within(|| {
        ringio::run(async {
            let (mut ours, _peer) = pair();
            ours.shutdown(Shutdown::Write).await.unwrap();
            ours.shutdown(Shutdown::Both).await.unwrap();
            assert!(ours.recv().await.unwrap().is_empty());
        });
    });
}

#[test]
fn when_accepting_ends_each_of_several_waiters_hears_of_it() {
    within(|| {
        ringio::run(async {
            let listener = Rc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
            let tasks = [(); 3].map(|()| {
                let listener = listener.clone();
                ringio::spawn(async move { listener.accept().await.map(drop) })
            });
            yield_now().await;
            ringio::op::nop().await.unwrap();
            socket2::SockRef::from(&*listener).shutdown(Shutdown::Both).unwrap();
            for task in tasks {
                task.await.unwrap().unwrap_err();
            }
        });
    });
}

#[test]
fn a_closure_that_panics_is_a_panic_and_not_the_end_of_the_loop() {
    within(|| {
        let mut runner = Runner::builder().exception_handler(|_| {}).build().unwrap();
        let outcome = runner.run(async {
            #[expect(unreachable_code, reason = "the closure needs a return type")]
            RemoteHandle::current()
                .spawn(|| {
                    panic!("before there is a future");
                    std::future::ready(())
                })
                .await
        });
        assert!(matches!(outcome.unwrap(), Err(RemoteError::Panicked(_))));
    });
}

#[test]
fn a_loop_that_blocks_has_woken_the_other_before() {
    within(|| {
        let (tell, told) = channel();
        let other = thread::spawn(move || {
            let mut runner = Runner::builder().spin(Duration::ZERO).build().unwrap();
            tell.send(runner.handle()).unwrap();
            let ended = runner.run(std::future::pending::<()>());
            drop(ended);
        });
        // It is left parked: the test is over before.
        drop(other);
        let other_loop: RemoteHandle = told.recv().unwrap();
        ringio::run(async {
            for round in 0..200 {
                // Blocks this loop's thread; in most rounds the other one is parked.
                let answer = other_loop.spawn(move || async move { round }).wait(None);
                assert_eq!(answer.unwrap(), round);
            }
        });
    });
}

#[test]
fn copy_gives_back_what_was_not_begun_to_be_written() {
    within(|| {
        ringio::run(async {
            let (mut from, mut sender) = pair();
            let (mut to, _never_reads) = pair();
            {
                let mut write = pin!(to.write_all(vec![0; 64 << 20]));
                assert!(once(write.as_mut()).await.is_pending());
            }
            sender.write_all(b"precious").unwrap();
            {
                let (mut read, _) = from.split();
                let (_, mut write) = to.split();
                let mut copy = pin!(ringio::stream::copy(&mut read, &mut write));
                for _ in 0..20 {
                    assert!(once(copy.as_mut()).await.is_pending());
                    ringio::op::nop().await.unwrap();
                }
            }
            assert_eq!(&from.recv().await.unwrap()[..], b"precious");
        });
    });
}

#[test]
fn the_end_of_a_socket_is_not_awaited_on_another_loop() {
    within(|| {
        let mut owner = Runner::builder().build().unwrap();
        let (stream, _peer) = owner
            .run(async {
                let (mut stream, peer) = pair();
                {
                    let mut recv = pin!(stream.recv());
                    assert!(once(recv.as_mut()).await.is_pending());
                }
                (stream, peer)
            })
            .unwrap();
        let mut other = Runner::builder().build().unwrap();
        other.run(stream.close()).unwrap().unwrap_err();
        let (stream, _peer) = owner
            .run(async {
                let (mut stream, peer) = pair();
                {
                    let mut recv = pin!(stream.recv());
                    assert!(once(recv.as_mut()).await.is_pending());
                }
                (stream, peer)
            })
            .unwrap();
        other.run(stream.into_std()).unwrap().unwrap_err();
    });
}

#[test]
fn a_socket_that_was_made_non_blocking_elsewhere_works_all_the_same() {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    within(|| {
        ringio::run(async {
            let (mut ours, mut peer) = pair();
            let flags = || OFlag::from_bits_retain(fcntl(&ours, FcntlArg::F_GETFL).unwrap());
            fcntl(&ours, FcntlArg::F_SETFL(flags() | OFlag::O_NONBLOCK)).unwrap();
            let answer = thread::spawn(move || {
                let mut got = [0; 4];
                peer.read_exact(&mut got).unwrap();
                peer.write_all(&got).unwrap();
            });
            // The receive is armed before there is anything to receive.
            assert!(once(pin!(ours.recv())).await.is_pending());
            ours.write_all("ping").await.0.unwrap();
            assert_eq!(&ours.recv().await.unwrap()[..], b"ping");
            answer.join().unwrap();
        });
    });
}

#[test]
fn a_forked_child_closes_its_own_copy_of_a_socket() {
    use nix::sys::wait::{WaitStatus, waitpid};
    within(|| {
        ringio::run(async {
            let (ours, mut peer) = pair();
            // SAFETY: the child only closes a descriptor and exits; no lock is taken there that
            // another thread could have held.
            match unsafe { nix::unistd::fork() }.unwrap() {
                nix::unistd::ForkResult::Child => {
                    let fd = ours.as_fd().as_raw_fd();
                    drop(ours);
                    let open = std::fs::read_link(format!("/proc/self/fd/{fd}")).is_ok();
                    // SAFETY: ends the child without the parent's exit handlers.
                    unsafe { libc::_exit(i32::from(open)) };
                }
                nix::unistd::ForkResult::Parent { child } => {
                    assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 0));
                    drop(ours);
                    ringio::op::nop().await.unwrap();
                    assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0, "nobody holds it any more");
                }
            }
        });
    });
}

/// With one buffer for two connections that always have more, each gets it in turn.
#[test]
fn whoever_waits_for_a_buffer_is_not_overtaken_for_ever() {
    const SHARE: usize = 300 * 1024;
    let counts = within(|| {
        let mut runner = Runner::builder().buffers(1, 4096).build().unwrap();
        let read = [Rc::new(Cell::new(0)), Rc::new(Cell::new(0))];
        let peers: Vec<_> = (0..2).map(|_| std_pair()).collect();
        for (_, peer) in &peers {
            // All of it is in the kernel before anybody reads.
            socket2::SockRef::from(peer).set_send_buffer_size(4 * SHARE).unwrap();
            (&*peer).write_all(&vec![1; SHARE]).unwrap();
        }
        runner
            .run(async {
                let tasks = peers.iter().zip(&read).map(|((ours, _), read)| {
                    let (ours, read) = (ours.try_clone().unwrap(), read.clone());
                    ringio::spawn(async move {
                        let mut stream = TcpStream::from_std(ours).unwrap();
                        while read.get() < SHARE {
                            read.set(read.get() + stream.recv().await.unwrap().len());
                        }
                    })
                });
                let mut tasks: Vec<_> = tasks.collect();
                // The first to end: what has the other one got meanwhile?
                poll_fn(|cx| {
                    let ended = tasks.iter_mut().any(|task| Pin::new(task).poll(cx).is_ready());
                    if ended { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
                read.each_ref().map(|read| read.get())
            })
            .unwrap()
    });
    let least = *counts.iter().min().unwrap();
    assert!(least > SHARE / 4, "one was starved: {counts:?} bytes");
}
