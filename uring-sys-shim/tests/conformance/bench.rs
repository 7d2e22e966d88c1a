//! [`Bench`]: a ring, of either kernel, and what belongs to its operations.
//!
//! # Safety
//! Memory that an SQE names is lent to the bench, which keeps it until the ring is gone, and leaks
//! it together with the ring when a test fails; descriptors stay open until nothing is in flight.
#![allow(unsafe_code, reason = "pushing an SQE is unsafe")]

use std::collections::{BTreeSet, VecDeque};
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::thread;

use uring_sys_shim::{ActiveRing, Caps, Cqe, GroupId, Ring, Setup, Sqe, Wait, sqe, sys};

use super::memory::Memory;

/// One wait, in nanoseconds, and how many of them a completion may take: 10 s of the kernel's.
const PATIENCE: (u64, u32) = (5_000_000, 2000);

/// A ring on the kernel of this thread: the machine's, or the simulated one that is installed.
///
/// It sees to it that each operation has one final completion, and no other has any; dropping it
/// cancels what is in flight and awaits it.
pub(crate) struct Bench {
    ring: ManuallyDrop<ActiveRing>,
    last_name: u64,
    in_flight: BTreeSet<u64>,
    /// Operations that are heard of only if they fail.
    unheard: BTreeSet<u64>,
    /// Completions that nobody has asked for.
    seen: VecDeque<Cqe>,
    open: Vec<RawFd>,
    events: ManuallyDrop<Vec<OwnedFd>>,
    lent: ManuallyDrop<Vec<Memory>>,
}

impl Bench {
    pub(crate) fn new() -> Bench {
        Bench::sized(16, 64)
    }

    /// A simulated kernel may make smaller queues.
    pub(crate) fn sized(entries: u32, cq_entries: u32) -> Bench {
        let ring = ActiveRing::new(&Setup { entries, cq_entries }).expect("a ring");
        Bench {
            ring: ManuallyDrop::new(ring),
            last_name: 0x0123_4567_89ab_0000,
            in_flight: BTreeSet::new(),
            unheard: BTreeSet::new(),
            seen: VecDeque::new(),
            open: Vec::new(),
            events: ManuallyDrop::default(),
            lent: ManuallyDrop::default(),
        }
    }

    pub(crate) fn ring(&mut self) -> &mut ActiveRing {
        &mut self.ring
    }

    pub(crate) fn has(&self, caps: Caps) -> bool {
        self.ring.caps().contains(caps)
    }

    /// Queues an operation under a new name, unless the queue is full.
    pub(crate) fn try_push(&mut self, sqe: Sqe) -> Option<u64> {
        let name = self.last_name + 1;
        let sqe = sqe.user_data(name);
        // SAFETY: see the preface.
        unsafe { self.ring.push(&sqe) }.ok()?;
        self.last_name = name;
        let skips = sqe.flags & sqe::nop().skip_success().flags != 0;
        let set = if skips { &mut self.unheard } else { &mut self.in_flight };
        set.insert(name);
        Some(name)
    }

    /// Queues an operation under a new name, which it returns.
    pub(crate) fn push(&mut self, sqe: Sqe) -> u64 {
        loop {
            match self.try_push(sqe) {
                Some(name) => return name,
                None => self.flush(),
            }
        }
    }

    /// Submits all that is queued, and runs no task work.
    pub(crate) fn flush(&mut self) {
        while self.ring.unsubmitted() > 0 {
            self.enter(Wait::Submit);
        }
    }

    /// [`Bench::push`], and submits it.
    pub(crate) fn submit(&mut self, sqe: Sqe) -> u64 {
        let name = self.push(sqe);
        self.flush();
        name
    }

    /// Enters the kernel once; it may ask for its completions to be reaped first.
    pub(crate) fn enter(&mut self, wait: Wait) -> u32 {
        match self.ring.enter(wait) {
            Ok(taken) => taken,
            Err(error) => {
                let errno = error.raw_os_error();
                assert!(matches!(errno, Some(libc::EBUSY | libc::EAGAIN)), "enter: {error}");
                self.reap();
                0
            }
        }
    }

    /// Takes in the completions that are visible.
    pub(crate) fn reap(&mut self) -> usize {
        let (seen, in_flight, unheard) = (&mut self.seen, &mut self.in_flight, &mut self.unheard);
        self.ring.reap(&mut |cqe| {
            let known = match cqe.more() {
                true => in_flight.contains(&cqe.user_data),
                false => in_flight.remove(&cqe.user_data),
            };
            let failed = cqe.res < 0 && unheard.remove(&cqe.user_data);
            assert!(known || failed, "nobody made this operation, or it has ended: {cqe:?}");
            seen.push_back(cqe);
        })
    }

    /// The next completion of an operation that is there already.
    pub(crate) fn peek(&mut self, name: u64) -> Option<Cqe> {
        self.reap();
        let place = self.seen.iter().position(|cqe| cqe.user_data == name)?;
        self.seen.remove(place)
    }

    /// Whether an operation has not completed at all, nor is about to.
    pub(crate) fn is_parked(&mut self, name: u64) -> bool {
        self.settle();
        self.in_flight.contains(&name) && self.seen.iter().all(|cqe| cqe.user_data != name)
    }

    /// Awaits the next completion of an operation.
    #[track_caller]
    pub(crate) fn next(&mut self, name: u64) -> Cqe {
        for _ in 0..PATIENCE.1 {
            if let Some(cqe) = self.peek(name) {
                return cqe;
            }
            let until = self.ring.now() + PATIENCE.0;
            self.enter(Wait::Until(until));
        }
        panic!("nothing comes of {name:#x}; in flight: {:x?}", self.in_flight);
    }

    /// Awaits all completions of an operation.
    #[track_caller]
    pub(crate) fn all(&mut self, name: u64) -> Vec<Cqe> {
        let mut all = Vec::new();
        loop {
            let cqe = self.next(name);
            all.push(cqe);
            if !cqe.more() {
                return all;
            }
        }
    }

    /// The result of an operation that completes once.
    #[track_caller]
    pub(crate) fn result(&mut self, name: u64) -> i32 {
        let cqe = self.next(name);
        assert!(!cqe.more(), "{cqe:?}");
        cqe.res
    }

    /// Does an operation that completes once.
    #[track_caller]
    pub(crate) fn run(&mut self, sqe: Sqe) -> i32 {
        let name = self.submit(sqe);
        self.result(name)
    }

    /// Gives the kernel occasion to do what it is not supposed to do.
    pub(crate) fn settle(&mut self) {
        let until = self.ring.now() + 500_000;
        loop {
            self.enter(Wait::Until(until));
            if self.reap() == 0 && self.ring.now() >= until {
                return;
            }
        }
    }

    /// Enters until a condition holds.
    #[track_caller]
    pub(crate) fn until(&mut self, mut holds: impl FnMut(&mut Bench) -> bool) {
        for _ in 0..PATIENCE.1 {
            if holds(self) {
                return;
            }
            let until = self.ring.now() + PATIENCE.0;
            self.enter(Wait::Until(until));
            self.reap();
        }
        panic!("it does not come to hold; in flight: {:x?}", self.in_flight);
    }

    /// Has no completion of this operation been seen, of one that is heard of only if it fails?
    pub(crate) fn is_silent(&self, name: u64) -> bool {
        self.unheard.contains(&name)
    }

    pub(crate) fn is_in_flight(&self, name: u64) -> bool {
        self.in_flight.contains(&name)
    }

    pub(crate) fn is_simulated(&self) -> bool {
        matches!(*self.ring, ActiveRing::Simulated(_))
    }

    /// How many completions nobody has asked for.
    pub(crate) fn unasked(&self) -> usize {
        self.seen.len()
    }

    /// The names of those, in the order of the queue; they are dropped.
    pub(crate) fn take_order(&mut self) -> Vec<u64> {
        self.reap();
        self.seen.drain(..).map(|cqe| cqe.user_data).collect()
    }

    /// Keeps memory until the ring is gone.
    pub(crate) fn lend(&mut self, memory: Memory) -> Memory {
        self.lent.push(memory.clone());
        memory
    }

    /// Provides a buffer, which is published later.
    pub(crate) fn provide(&mut self, group: GroupId, bid: u16, memory: &Memory) {
        // SAFETY: see the preface.
        unsafe { self.ring.provide(group, bid, memory.start(), memory.len() as u32) };
    }

    /// A descriptor that an operation brought is closed at the end, if not before.
    pub(crate) fn own(&mut self, fd: i32) -> RawFd {
        assert!(fd >= 0, "no descriptor: errno {}", -fd);
        self.open.push(fd);
        fd
    }

    /// Closes a descriptor by an operation.
    #[track_caller]
    pub(crate) fn close(&mut self, fd: RawFd) {
        self.disown(fd);
        assert_eq!(self.run(sqe::close(fd)), 0);
    }

    /// Somebody else closes a descriptor, or has closed it.
    pub(crate) fn disown(&mut self, fd: RawFd) {
        self.open.retain(|open| *open != fd);
    }

    /// An eventfd that is open until the end.
    pub(crate) fn eventfd(&mut self) -> RawFd {
        let event = sys::eventfd().expect("an eventfd");
        self.events.push(event);
        self.events[self.events.len() - 1].as_raw_fd()
    }

    /// The next operation takes this name, whosever it was.
    pub(crate) fn name_next(&mut self, name: u64) {
        self.last_name = name - 1;
    }

    /// Drops the ring, whatever is in flight.
    pub(crate) fn drop_ring(mut self) {
        // SAFETY: dropped once: the rest of the bench is forgotten.
        unsafe { ManuallyDrop::drop(&mut self.ring) };
        std::mem::forget(self);
    }

    /// Closes a descriptor by its number alone.
    pub(crate) fn close_really(&mut self, fd: RawFd) {
        self.disown(fd);
        // SAFETY: the number is one that this bench was given, and uses no more.
        drop(unsafe { OwnedFd::from_raw_fd(fd) });
    }

    /// Cancels all that is in flight, and awaits it.
    pub(crate) fn drain(&mut self) {
        if !self.in_flight.is_empty() || self.ring.unsubmitted() > 0 {
            self.submit(sqe::cancel_all().skip_success());
            self.until(|bench| bench.in_flight.is_empty());
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if thread::panicking() {
            // The kernel may still have all of it.
            return;
        }
        self.drain();
        for fd in std::mem::take(&mut self.open) {
            sys::close(fd).expect("an open descriptor");
        }
        // SAFETY: dropped once, here, and not used after.
        unsafe { ManuallyDrop::drop(&mut self.ring) };
        // SAFETY: as above.
        unsafe { ManuallyDrop::drop(&mut self.events) };
        // SAFETY: as above; the ring is gone, and nothing was in flight.
        unsafe { ManuallyDrop::drop(&mut self.lent) };
    }
}
