//! Locks and permits, beside those of other crates.

use crate::row::Bound::AtMost;
use crate::row::Contestant::{AsyncLock, LocalSync, Ringio, Tokio};
use crate::row::{Line, Row};

use super::Group;
use super::parts::micro;

const TIME: Line = Line::ratio("ns / operation", "time");
const WAITER: Line = Line::ratio("ns / waiter", "time");

pub(super) fn group() -> Group {
    let rows = vec![
        Row::new("mutex: lock and unlock", |bench, on| micro(bench, "lock", on))
            .among(&[Ringio, Tokio, AsyncLock])
            .line(Line { title: "ns, to tokio", ..TIME }.bound(AtMost(0.5)))
            .line(
                Line { title: "ns, to async-lock", ..TIME.of(Ringio, AsyncLock) }
                    .bound(AtMost(0.5)),
            )
            .line(Line::value("allocations / operation", "allocations").bound(AtMost(0.001))),
        semaphore("semaphore: take a permit, give it back", "permit"),
        semaphore("semaphore: through 1,000 waiters", "hand-off-few"),
        semaphore("semaphore: through 100,000 waiters", "hand-off-many"),
        semaphore("semaphore: 1,000 waiters leave", "leave-few"),
        semaphore("semaphore: 100,000 waiters leave", "leave-many"),
    ];
    let about = "One thread. What is free is taken by a task, on ringio's loop for crates without a \
                 runtime. Waiters are boxed futures, polled by hand: the box counts for all alike.";
    Group { name: "locks", about, rows }
}

fn semaphore(name: &str, work: &'static str) -> Row {
    Row::new(name, move |bench, on| micro(bench, work, on))
        .among(&[Ringio, Tokio, AsyncLock, LocalSync])
        .line(Line { title: "ns, to tokio", ..WAITER })
        .line(Line { title: "ns, to async-lock", ..WAITER.of(Ringio, AsyncLock) })
        .line(Line { title: "ns, to local-sync", ..WAITER.of(Ringio, LocalSync) })
}
