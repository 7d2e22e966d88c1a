//! What an attack has done, counted.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::end::End;

/// The kinds of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Recv,
    Read,
    ReadExact,
    Write,
    WriteAll,
    Writev,
    Shutdown,
    Close,
    IntoStd,
    Accept,
    Connect,
    Copy,
    CopyBidirectional,
    Nop,
    Timer,
    Lookup,
    Signal,
}

const KINDS: usize = Kind::Signal as usize + 1;

/// A count that all threads share.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn add(&self, n: usize) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// What has happened so far.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Futures that ended before their operation, by kind.
    pub(crate) kinds: [Count; KINDS],
    pub(crate) dropped: Count,
    pub(crate) forgotten: Count,
    pub(crate) panicked: Count,
    /// Those whose operation the kernel had: they were pending, the kernel was entered, and they
    /// were pending still.
    pub(crate) in_flight: Count,
    /// Futures that were gone when bytes arrived, of which their operation took some: into the
    /// pool, or into their own buffer.
    pub(crate) orphans_pool: Count,
    pub(crate) orphans_own: Count,
    pub(crate) loops: Count,
    /// Loops that ended with everything in flight, and those that were forgotten.
    pub(crate) ended_mid_way: Count,
    pub(crate) forgotten_loops: Count,
    /// Futures that were in flight when their loop ended, and outlived it.
    pub(crate) survivors: Count,
    /// Bytes that were checked.
    pub(crate) received: Count,
    pub(crate) sent: Count,
}

impl Figures {
    pub(crate) fn note(&self, kind: Kind, end: End, in_flight: bool) {
        self.kinds[kind as usize].add(1);
        match end {
            End::Dropped => self.dropped.add(1),
            End::Forgotten => self.forgotten.add(1),
            End::Panicked => self.panicked.add(1),
        }
        self.in_flight.add(usize::from(in_flight));
    }

    pub(crate) fn ended(&self) -> usize {
        self.dropped.get() + self.forgotten.get() + self.panicked.get()
    }

    pub(crate) fn orphans(&self) -> usize {
        self.orphans_pool.get() + self.orphans_own.get()
    }
}

/// How much longer the long mode is.
pub(crate) fn times() -> usize {
    if std::env::var_os("RINGIO_LONG").is_some_and(|value| value == "1") { 10 } else { 1 }
}
