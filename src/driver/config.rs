//! The limits of a driver, each with its default.

use std::time::Duration;

/// What a driver is made with.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Entries of the submission queue; the completion queue has eight times as many.
    pub(crate) entries: u32,
    /// Number and size in bytes of the kernel-filled buffers; `None`: as the tier prefers.
    pub(crate) buffers: Option<(u16, u32)>,
    /// Most bytes that may be received ahead of a socket's reader; just under one buffer more where
    /// the kernel counts them, for it looks at the limit when it has filled a buffer.
    pub(crate) credit: u32,
    /// Longest spin before the loop parks; zero switches it off.
    pub(crate) spin: Duration,
}

impl Config {
    pub(crate) const ENTRIES: u32 = 256;
    /// Incremental buffers hold many messages each, so a few large ones serve all sizes.
    pub(crate) const BUFFERS_INCREMENTAL: (u16, u32) = (64, 64 * 1024);
    /// A fixed buffer holds one message, however small.
    pub(crate) const BUFFERS_FIXED: (u16, u32) = (128, 16 * 1024);
    pub(crate) const CREDIT: u32 = 256 * 1024;
    pub(crate) const SPIN: Duration = Duration::from_micros(50);
}

impl Default for Config {
    fn default() -> Self {
        Config { entries: Self::ENTRIES, buffers: None, credit: Self::CREDIT, spin: Self::SPIN }
    }
}
