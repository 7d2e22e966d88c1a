//! What an attack has done, counted.

use std::fmt;
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

const KINDS: [Kind; 17] = [
    Kind::Recv,
    Kind::Read,
    Kind::ReadExact,
    Kind::Write,
    Kind::WriteAll,
    Kind::Writev,
    Kind::Shutdown,
    Kind::Close,
    Kind::IntoStd,
    Kind::Accept,
    Kind::Connect,
    Kind::Copy,
    Kind::CopyBidirectional,
    Kind::Nop,
    Kind::Timer,
    Kind::Lookup,
    Kind::Signal,
];

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
    pub(crate) kinds: [Count; KINDS.len()],
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

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} futures ended early on {} loops: {} dropped, {} forgotten, {} by a panic; {} in \
             flight; {} late completions with bytes for the pool, {} for a dead future's own \
             buffer; {} loops ended mid-way, {} forgotten, outlived by {} futures; {} bytes \
             received and {} sent, all checked; by kind:",
            self.ended(),
            self.loops.get(),
            self.dropped.get(),
            self.forgotten.get(),
            self.panicked.get(),
            self.in_flight.get(),
            self.orphans_pool.get(),
            self.orphans_own.get(),
            self.ended_mid_way.get(),
            self.forgotten_loops.get(),
            self.survivors.get(),
            self.received.get(),
            self.sent.get(),
        )?;
        for (kind, count) in KINDS.iter().zip(&self.kinds) {
            write!(f, " {kind:?} {}", count.get())?;
        }
        Ok(())
    }
}

/// How much longer the long mode is.
pub(crate) fn times() -> usize {
    if std::env::var_os("RINGIO_LONG").is_some_and(|value| value == "1") { 10 } else { 1 }
}
