//! What becomes of both sides in cases that a socket alone does not bring about.

use std::cell::Cell;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use uring_sys_shim::{Cqe, Wait};

use crate::driver::{Config, Descriptor, Driver, Routing, Sink, current};
use crate::util::WakeBatch;

use super::bulk::Spliced;
use super::stream::{Stream, Tag};
use super::write_queue::{Memory, Request};

/// Runs with two streams, each with its peer, on a driver that is the current one.
fn with_streams(body: impl FnOnce([&(Rc<Stream>, UnixStream); 2], &Driver)) {
    let driver = Driver::new(&Config::default()).unwrap();
    let guard = current::enter(&driver);
    let streams = [(); 2].map(|()| {
        let (ours, peer) = UnixStream::pair().unwrap();
        (Stream::new(Descriptor::new(&driver, OwnedFd::from(ours))), peer)
    });
    body(streams.each_ref(), &driver);
    drop((streams, guard));
    assert_eq!(driver.close(), 0);
}

fn complete(stream: &Rc<Stream>, tag: Tag, res: i32) {
    let mut wakes = WakeBatch::default();
    let mut routing = Routing { driver: stream.driver(), wakes: &mut wakes };
    let cqe = Cqe { user_data: 0, res, flags: 0 };
    stream.clone().complete(tag as u32, cqe, &mut routing);
    wakes.wake_all();
}

fn is_busy(stream: &Stream) -> bool {
    stream.writer.borrow().busy.get().is_some()
}

/// `into_std` has stopped it: another one would be for the peer to end.
#[test]
fn a_receive_that_was_stopped_is_not_in_line_for_a_buffer() {
    with_streams(|[(stream, _peer), _], driver| {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(stream.poll_recv(&mut cx).is_pending());
        stream.stop();
        complete(stream, Tag::Receive, -libc::ENOBUFS);
        assert!(!driver.has_starved() && stream.receiver.borrow().is_quiet());
        assert!(stream.receiver.borrow().reader.is_none(), "woken");
    });
}

#[test]
fn a_splice_that_is_sent_at_once_leaves_nothing_behind() {
    with_streams(|[(from, source), (to, _sink)], _| {
        let mut source = source;
        source.write_all(b"bytes").unwrap();
        let spliced = from.splice_to(to).unwrap();
        let Spliced::Write { number, .. } = spliced else { panic!("{spliced:?}") };
        let mut cx = Context::from_waker(Waker::noop());
        assert!(matches!(to.poll_written(number, &mut cx), Poll::Ready(Ok(()))));
        assert!(!is_busy(to));
    });
}

#[test]
fn a_send_that_is_interrupted_behind_an_abort_gives_the_buffers_back() {
    struct Buffer(Rc<Cell<bool>>);
    impl Drop for Buffer {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }

    with_streams(|[(stream, _peer), _], driver| {
        let is_dropped = Rc::new(Cell::new(false));
        let memory = Memory::One(b"text".as_ptr());
        let number = stream.admit(Request { memory, sent: 0, len: 4, orphan: None }).unwrap();
        stream.abandon_write(number, Box::new(Buffer(is_dropped.clone())));
        stream.abort();
        assert!(!is_dropped.get(), "the kernel may have it");
        complete(stream, Tag::Send, -libc::EINTR);
        driver.graveyard().empty();
        assert!(is_dropped.get() && !is_busy(stream));
        // What was queued for the kernel completes to nobody.
        driver.enter(Wait::Submit).unwrap();
    });
}

#[test]
fn a_shutdown_of_what_has_failed_holds_no_loop_up() {
    with_streams(|[(stream, _peer), _], driver| {
        stream.abort();
        stream.ask_shutdown().unwrap();
        assert!(!driver.is_lingering() && !is_busy(stream));
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Err(error)) = stream.poll_shut_down(&mut cx) else { panic!() };
        assert_eq!(error.raw_os_error(), Some(libc::ECONNABORTED));
    });
}
