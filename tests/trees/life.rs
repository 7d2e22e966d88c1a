//! One life in a tree: whoever can end.

use std::rc::Rc;

use ringio::time::Instant;

use crate::trees::world::World;

pub(crate) type Id = usize;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Task,
    /// A task that a shield has started: nobody asks it to end.
    Shielded,
    Group,
    /// The body of a group.
    Body,
    Child,
    Timeout,
    Scope,
    OnCancel,
    /// What an `on_cancel` awaits.
    Awaited,
    CleanUp,
    /// One of a `gather`.
    Part,
    /// One of a `join!` or `select!`: it starts whenever it is polled.
    Branch,
    /// What is dropped or forgotten in the midst.
    Subtree,
}

/// What is known of a life.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) kind: Kind,
    pub(super) parent: Option<Id>,
    pub(super) started: bool,
    pub(super) finished: bool,
    pub(super) ends: u32,
    /// When it has ended, if the loop goes on.
    pub(super) ended_at: Option<Instant>,
    /// Dropped, or unwound, on purpose.
    pub(super) cut: bool,
    pub(super) forgotten: bool,
    /// It knows that it was asked: nothing beneath starts from then on.
    pub(super) knows: bool,
    /// Not before this is it asked to end.
    pub(super) asked_at: Option<Instant>,
    /// Of an `on_cancel`: an owner around it has told those within to end.
    pub(super) is_told: bool,
    /// Of an `on_cancel`: how many clean-ups have begun.
    pub(super) clean_ups: u32,
}

impl Life {
    pub(super) fn new(kind: Kind, parent: Option<Id>) -> Life {
        Life {
            kind,
            parent,
            started: false,
            finished: false,
            ends: 0,
            ended_at: None,
            cut: false,
            forgotten: false,
            knows: false,
            asked_at: None,
            is_told: false,
            clean_ups: 0,
        }
    }
}

/// A life: it is over when this is dropped.
pub(crate) struct Guard {
    world: Rc<World>,
    pub(crate) id: Id,
}

impl Guard {
    pub(super) fn new(world: Rc<World>, id: Id) -> Guard {
        Guard { world, id }
    }

    /// It is polled for the first time.
    pub(crate) fn start(&self) {
        self.world.start(self.id);
    }

    /// It has reached its end.
    pub(crate) fn finish(self) {
        self.world.with(self.id, |life| life.finished = true);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.world.end(self.id);
    }
}
