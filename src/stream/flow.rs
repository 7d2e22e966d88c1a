//! Which way the bytes of a copy go: small ones by way of chunks, many at a time through a pipe.

use crate::net::ReadHalf;

/// What one direction of a copy has lately moved.
#[derive(Debug, Default)]
pub(super) struct Flow {
    bulk: bool,
    /// Moves in a row that speak for the other way.
    contrary: u32,
}

impl Flow {
    pub(super) fn is_bulk(&self) -> bool {
        self.bulk
    }

    /// A chunk came.
    pub(super) fn received(&mut self, len: usize, from: &ReadHalf<'_>) {
        if self.bulk {
            return;
        }
        trace(len);
        self.contrary = if len >= env("RB_ENTER", 32768) { self.contrary + 1 } else { 0 };
        if self.contrary >= env("RB_ROW", 2) as u32 {
            *self = Flow { bulk: from.can_splice(), contrary: 0 };
        }
    }

    /// So many bytes went through a pipe.
    pub(super) fn spliced(&mut self, len: usize) {
        trace(len);
        self.contrary = if len < env("RB_LEAVE", 16384) { self.contrary + 1 } else { 0 };
        if self.contrary >= env("RB_LROW", 4) as u32 {
            *self = Flow::default();
        }
    }
}
fn trace(_len: usize) {
    if env("RB_TRACE", 0) > 0 {
        eprintln!("{_len}");
    }
}
fn env(name: &'static str, or: usize) -> usize {
    thread_local! {static M: std::cell::RefCell<std::collections::HashMap<&'static str, usize>> = Default::default();}
    M.with(|m| *m.borrow_mut().entry(name).or_insert_with(|| std::env::var(name).ok().map_or(or, |v| v.parse().unwrap())))
}
