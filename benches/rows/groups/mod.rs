//! The rows, and what is expected of each.

use crate::row::Row;

mod accept;
mod echo;
mod locks;
mod memory;
mod paced;
mod parts;
mod proxy;
mod queue;
mod rings;
mod structured;
mod tasks;

/// Rows that share a table.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    /// What a reader of its table must know.
    pub(crate) about: &'static str,
    pub(crate) rows: Vec<Row>,
}

pub(crate) fn all() -> Vec<Group> {
    vec![
        echo::group(),
        paced::group(),
        proxy::group(),
        accept::group(),
        tasks::group(),
        structured::group(),
        locks::group(),
        queue::group(),
        rings::group(),
        memory::group(),
    ]
}
