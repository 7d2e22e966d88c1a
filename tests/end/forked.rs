//! A child that is forked from a process with a live loop, and lives on while the loop ends.
//!
//! # Safety
//! Between fork and exit the child opens and closes descriptors, drops values, and allocates, which
//! the C library allows. The locks that other threads of this process could hold at that moment are
//! those of the test harness, which the child does not enter.

#![allow(unsafe_code, reason = "forks")]

use std::fs;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::{AsRawFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, close, fork};
use ringio::{Runner, op};

use super::apart::{apart, times};
use super::level::{Level, descriptors};
use super::load::{Sockets, start};
use crate::support::{pair, settle};

const FORKS: usize = 100;
const WARM_UP: usize = 10;

/// What the child does with its copies.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// It keeps the ring's descriptor, and closes the others: whoever keeps a listener's descriptor
    /// keeps its port.
    KeepsTheRing,
    /// It drops the runner, and lives on.
    Drops,
    /// It drops the runner, and then has a loop of its own.
    HasItsOwn,
    /// It ends at once.
    Exits,
}

const FATES: [Fate; 4] = [Fate::KeepsTheRing, Fate::Drops, Fate::HasItsOwn, Fate::Exits];

/// A living child, which ends when it is told to.
struct Child {
    pid: Pid,
    /// Closed to tell it.
    leash: PipeWriter,
    /// It writes a byte when it is ready.
    ready: PipeReader,
}

impl Child {
    /// Waits until it has done what it does first.
    fn is_ready(&mut self) {
        self.ready.read_exact(&mut [0]).expect("the child lives");
    }

    fn end(self) {
        drop(self.leash);
        assert_eq!(waitpid(self.pid, None).unwrap(), WaitStatus::Exited(self.pid, 0));
    }
}

fn forked(role: impl FnOnce(&[RawFd])) -> Child {
    let ((mut leashed, leash), (ready, mut tell)) = (pipe().unwrap(), pipe().unwrap());
    // SAFETY: see the preface.
    match unsafe { fork() }.unwrap() {
        ForkResult::Parent { child } => Child { pid: child, leash, ready },
        ForkResult::Child => {
            drop((leash, ready));
            let spared = [leashed.as_raw_fd(), tell.as_raw_fd(), 0, 1, 2];
            let done = catch_unwind(AssertUnwindSafe(|| role(&spared)));
            let told = tell.write_all(&[1]);
            // It ends when the parent closes the other end.
            let ended = leashed.read(&mut [0]);
            let good = done.is_ok() && told.is_ok() && ended.is_ok_and(|bytes| bytes == 0);
            // SAFETY: ends the child without the parent's exit handlers.
            unsafe { libc::_exit(i32::from(!good)) };
        }
    }
}

/// Closes every descriptor but the rings' and the spared ones. The values that own them are never
/// used again.
fn keep_rings_only(spared: &[RawFd]) {
    let all: Vec<RawFd> = fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
        .collect();
    let mut rings = 0;
    for fd in all {
        // The directory itself was open while it was read.
        let Ok(link) = fs::read_link(format!("/proc/self/fd/{fd}")) else { continue };
        if link.to_str() == Some("anon_inode:[io_uring]") {
            rings += 1;
        } else if !spared.contains(&fd) {
            close(fd).unwrap();
        }
    }
    assert_eq!(rings, 2, "the ring, and its second number for messages");
}

fn round(number: usize, sockets: &Sockets) {
    let before = descriptors();
    let mut runner = Runner::builder().build().unwrap();
    let left = runner.run(start(sockets)).unwrap();
    let mut all = Some((runner, left));
    let fate = FATES[number % FATES.len()];
    let child = forked(|spared| match fate {
        Fate::KeepsTheRing => keep_rings_only(spared),
        Fate::Drops => {
            drop(all.take());
            // It has closed its copies, which are not the parent's: the pipes are what it has more.
            assert_eq!(descriptors(), before + 2);
        }
        Fate::HasItsOwn => {
            drop(all.take());
            let mut own = Runner::builder().build().unwrap();
            own.run(async { op::nop().await.unwrap() }).unwrap();
        }
        // SAFETY: ends the child without the parent's exit handlers.
        Fate::Exits => unsafe { libc::_exit(0) },
    });
    let mut child = Some(child);
    if let Fate::Exits = fate {
        // Until it has, it keeps its copies of the listeners.
        child.take().into_iter().for_each(Child::end);
    }
    child.iter_mut().for_each(Child::is_ready);
    // The parent's loop goes on, with everything that was in flight.
    let (mut runner, left) = all.take().expect("only the child has dropped its copy");
    runner
        .run(async {
            settle().await;
            let (mut ours, mut peer) = pair();
            peer.write_all(b"go on").unwrap();
            assert_eq!(&ours.recv().await.unwrap()[..], b"go on");
        })
        .unwrap();
    drop(runner);
    // The child lives, and has what it has of the ring.
    left.assert_ports_are_free();
    assert!(sockets.is_alone());
    child.into_iter().for_each(Child::end);
}

#[test]
fn a_loop_from_which_was_forked_ends_while_the_child_lives() {
    let name = "end::forked::a_loop_from_which_was_forked_ends_while_the_child_lives";
    apart(name, " forks, ", || {
        let sockets = Sockets::new();
        (0..WARM_UP).for_each(|number| round(number, &sockets));
        let level = Level::now();
        let forks = FORKS * times();
        for number in 0..forks {
            round(number, &sockets);
            assert_eq!(Level::now(), level, "after fork {number}");
        }
        println!("{forks} forks, {level:?}");
    });
}
