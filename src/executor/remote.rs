//! The inbox: what other threads ask of a loop.
//!
//! # Safety
//! A Treiber stack whose only consumer takes all of it at once, so no node is ever compared
//! against a recycled one (no ABA). A [`Node`] is the first field of a task header or of a boxed
//! closure, and is in at most one inbox at a time: a closure's because it is new, a header's
//! because only whoever turned `queued` from false to true may push it. Who is pushed owns what it
//! was pushed with: a header one counted reference, a closure its box.
#![allow(unsafe_code, reason = "a lock-free list of headers and boxed closures")]

use std::fmt;
use std::ptr::{self, NonNull};

use super::current;
use super::info::Report;
use super::shared::SharedRef;
use super::waker::WakerRef;
use crate::util::contain::{Payload, contain, discard, message};
use crate::util::heap;
use crate::util::link::Link;
use crate::util::sync::{AtomicBool, AtomicPtr, Ordering};

/// What [`Remote::push`] carries to the loop.
pub(crate) type Closure = Box<dyn FnOnce() + Send>;

/// The link of the list. First field of what it links.
#[repr(C)]
pub(super) struct Node {
    next: Link<Node>,
    /// Of a task: it is in the inbox, a second wake has nothing to do.
    pub(super) queued: AtomicBool,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Task,
    Call,
}

impl Node {
    pub(super) fn of_task() -> Node {
        Node::new(Kind::Task)
    }

    fn new(kind: Kind) -> Node {
        Node { next: Link::new(), queued: AtomicBool::new(false), kind }
    }
}

#[repr(C)]
struct Call {
    node: Node,
    closure: Closure,
}

/// What the inbox holds.
pub(super) enum Entry {
    Task(WakerRef),
    Call(Closure),
}

impl Entry {
    fn into_node(self) -> NonNull<Node> {
        match self {
            Entry::Task(task) => task.into_raw().cast(),
            Entry::Call(closure) => {
                heap::leak(Call { node: Node::new(Kind::Call), closure }).cast()
            }
        }
    }

    /// # Safety
    /// `node` came from `into_node`, and this undoes it for the first time.
    unsafe fn from_node(node: NonNull<Node>) -> Entry {
        // SAFETY: what `into_node` gave up is still alive, and `kind` is never written.
        match unsafe { (*node.as_ptr()).kind } {
            // SAFETY: a task's node is the first field of its header, and the pointer has the
            // whole block's provenance because it was never narrowed.
            Kind::Task => Entry::Task(unsafe { WakerRef::from_raw(node.cast()) }),
            Kind::Call => {
                // SAFETY: the same for the box that `into_node` leaked.
                let call = unsafe { heap::reclaim(node.cast::<Call>()) };
                Entry::Call(call.closure)
            }
        }
    }
}

/// Stands at the head when the inbox is closed; no node lives at address 1.
const CLOSED: *mut Node = ptr::without_provenance_mut(1);

/// The list's head: newest first.
#[derive(Default)]
pub(super) struct Inbox {
    head: AtomicPtr<Node>,
}

impl Inbox {
    /// Adds an entry and says whether the inbox was empty; a closed one hands it back.
    pub(super) fn push(&self, entry: Entry) -> Result<bool, Entry> {
        let node = entry.into_node();
        // Mostly so. A look first would fetch the line twice: to read it, then to write it.
        let mut head = ptr::null_mut();
        loop {
            if head == CLOSED {
                // SAFETY: it was not published.
                return Err(unsafe { Entry::from_node(node) });
            }
            // SAFETY: the node is alive, and nobody else has it before the exchange below.
            unsafe { (*node.as_ptr()).next.set(head) };
            // Release: whoever takes the list sees the entry and its link. Each later push is a
            // read-modify-write and so carries that on to the taker.
            match self.head.compare_exchange_weak(
                head,
                node.as_ptr(),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(head.is_null()),
                Err(now) => head = now,
            }
        }
    }

    /// Whether [`take`](Inbox::take) would find something.
    #[inline]
    pub(super) fn has_entries(&self) -> bool {
        let head = self.head.load(Ordering::Relaxed);
        !head.is_null() && head != CLOSED
    }

    /// Everything so far, oldest first. Only the loop's thread takes and closes, so the inbox
    /// cannot become closed between the look and the exchange.
    #[inline]
    pub(super) fn take(&self) -> Batch {
        if !self.has_entries() {
            return Batch { next: ptr::null_mut() };
        }
        Batch::reversed(self.head.swap(ptr::null_mut(), Ordering::Acquire))
    }

    /// Turns away every later push, and gives everything so far.
    pub(super) fn close(&self) -> Batch {
        match self.head.swap(CLOSED, Ordering::AcqRel) {
            CLOSED => Batch { next: ptr::null_mut() },
            newest => Batch::reversed(newest),
        }
    }
}

/// Entries that were taken. What is not iterated over is dropped.
pub(super) struct Batch {
    next: *mut Node,
}

impl Batch {
    fn reversed(newest: *mut Node) -> Batch {
        let mut done = ptr::null_mut();
        let mut todo = newest;
        while let Some(node) = NonNull::new(todo) {
            // SAFETY: the list is ours since the exchange: each node is kept alive by what it was
            // pushed with, and a header's is not pushed again before `queued` is cleared.
            let next = unsafe { &(*node.as_ptr()).next };
            todo = next.get();
            next.set(done);
            done = node.as_ptr();
        }
        Batch { next: done }
    }
}

impl Iterator for Batch {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        let node = NonNull::new(self.next)?;
        // SAFETY: as in `reversed`. The link is read before the entry is given away, for a header
        // may be pushed again from then on.
        self.next = unsafe { (*node.as_ptr()).next.get() };
        // SAFETY: each node was made by `into_node` and is met once.
        Some(unsafe { Entry::from_node(node) })
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        for entry in self {
            contain(|| drop(entry));
        }
    }
}

/// A handle to a loop for any thread.
#[derive(Clone)]
pub(crate) struct Remote {
    shared: SharedRef,
}

impl Remote {
    pub(super) fn new(shared: SharedRef) -> Remote {
        Remote { shared }
    }

    /// Has the loop call a closure at its next turn, in the order of the pushes.
    ///
    /// # Errors
    /// The closure comes back when the loop takes no more.
    pub(crate) fn push(&self, closure: Closure) -> Result<(), Closure> {
        if self.shared.refusing.load(Ordering::Acquire) {
            return Err(closure);
        }
        match self.shared.inbox.push(Entry::Call(closure)) {
            Ok(first) => {
                if first {
                    self.shared.doorbell.wake_by_ref();
                }
                Ok(())
            }
            Err(Entry::Call(closure)) => Err(closure),
            Err(Entry::Task(_)) => unreachable!("what comes back is what was pushed"),
        }
    }

    /// Has the loop's reporter told about a panic that nobody sees. When the loop takes no more, the
    /// default one is told, on this thread.
    #[cold]
    pub(crate) fn report(&self, who: &str, payload: Payload) {
        let message = format!("{who} panicked: {}", message(&*payload));
        discard(payload);
        let tell = {
            let message = message.clone();
            Box::new(move || current::tell(Report { message, task: None }))
        };
        if let (Err(_), Some(reporter)) = (self.push(tell), self.shared.default_reporter.get()) {
            contain(|| reporter(Report { message, task: None }));
        }
    }

    /// The loop, unique in the process and never used again.
    pub(crate) fn loop_id(&self) -> u64 {
        self.shared.loop_id
    }

    /// Whether [`push`](Remote::push) hands its closure back.
    pub(crate) fn is_closed(&self) -> bool {
        self.shared.refusing.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("loop_id", &self.loop_id()).finish_non_exhaustive()
    }
}
