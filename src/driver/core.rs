//! The driver of one loop: what it owns, how it is made.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use slab::Slab;
use uring_sys_shim::{ActiveRing, Caps, Ring, Setup, Sqe};

use crate::util::{Graveyard, Shelf, WakeBatch};

use super::counters::Counters;
use super::op_table::OpTable;
use super::pipes::Pipes;
use super::pool::Pool;
use super::read_ahead::ReadAheads;
use super::spin::Source;
use super::starved::Starved;
use super::unpark::Kick;
use super::{Config, Unpark};

/// How far the driver's life has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Life {
    Open,
    /// Takes no new operations; what is in flight is cancelled and reaped.
    Closing,
    /// The ring is gone. Sockets that are left close themselves by system call.
    Closed,
}

/// A ring with its operations, buffers and doorbell. It belongs to one thread.
///
/// Each field has its own cell, and no cell stays borrowed while a waker is touched, a user's
/// value dropped or a [`Sink`] called: all of them may come back here.
pub(crate) struct Driver {
    pub(super) traffic: RefCell<Traffic>,
    pub(super) pool: Rc<Pool>,
    pub(super) pipes: Rc<Pipes>,
    pub(super) starved: RefCell<Starved>,
    /// Something was queued, starved or buried that the next turn has to see to.
    pub(super) stirred: Cell<bool>,
    pub(super) read_ahead: ReadAheads,
    /// What transports need while they are busy.
    pub(super) shelf: Shelf,
    pub(super) graveyard: Graveyard,
    pub(super) counters: Counters,
    pub(super) unpark: Arc<Unpark>,
    /// Messages to other loops that have not been delivered.
    pub(super) kicks: RefCell<Slab<Kick>>,
    pub(super) life: Cell<Life>,
    /// How many [`Linger`](super::Linger)s there are.
    pub(super) lingering: Cell<usize>,
    pub(super) first_source: Cell<Source>,
    pub(super) caps: Caps,
    pub(super) credit: u32,
    /// The doorbell's poll has ended and must be armed again.
    pub(super) doorbell_silent: Cell<bool>,
    /// Memory of the batch, kept from turn to turn.
    pub(super) wakes: Cell<WakeBatch>,
}

/// What goes to the kernel and comes back: one cell, for an operation needs all of it.
#[derive(Default)]
pub(super) struct Traffic {
    /// `None` once closed.
    pub(super) ring: Option<ActiveRing>,
    pub(super) ops: OpTable,
    /// SQEs that found the submission queue full; they go first at the next enter.
    pub(super) backlog: VecDeque<Sqe>,
}

impl Driver {
    /// Sets up a ring and its buffers.
    ///
    /// # Errors
    /// Whatever keeps the ring from being made, with the remedy in words.
    pub(crate) fn new(config: &Config) -> io::Result<Rc<Driver>> {
        let setup = Setup::with_entries(config.entries);
        let mut ring = ActiveRing::new(&setup)?;
        let caps = ring.caps();
        let pool = Pool::new(&mut ring, config.buffers)?;
        let unpark = Unpark::new(ring.ring_fd())?;
        let driver = Rc::new(Driver {
            traffic: RefCell::new(Traffic { ring: Some(ring), ..Traffic::default() }),
            pool,
            pipes: Rc::default(),
            starved: RefCell::default(),
            stirred: Cell::new(true),
            read_ahead: ReadAheads::default(),
            shelf: Shelf::default(),
            graveyard: Graveyard::default(),
            counters: Counters::default(),
            unpark,
            kicks: RefCell::default(),
            life: Cell::new(Life::Open),
            lingering: Cell::new(0),
            first_source: Cell::new(Source::THREAD),
            caps,
            credit: config.credit,
            doorbell_silent: Cell::new(true),
            wakes: Cell::default(),
        });
        driver.top_up();
        Ok(driver)
    }

    pub(crate) fn caps(&self) -> Caps {
        self.caps
    }

    /// Most bytes received ahead of a reader.
    pub(crate) fn credit(&self) -> u32 {
        self.credit
    }

    pub(crate) fn pool(&self) -> &Rc<Pool> {
        &self.pool
    }

    pub(crate) fn pipes(&self) -> &Rc<Pipes> {
        &self.pipes
    }

    pub(crate) fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    pub(crate) fn graveyard(&self) -> &Graveyard {
        &self.graveyard
    }

    /// Keeps a user's value until nothing is borrowed: at the end of routing, or of the turn's tasks.
    pub(crate) fn bury(&self, value: Box<dyn Any>) {
        self.stirred.set(true);
        self.graveyard.bury(value);
    }

    /// Whether a turn can do without the driver: there is nothing to submit, to take in, or to give
    /// back.
    #[inline]
    pub(crate) fn is_quiet(&self) -> bool {
        !self.stirred.get()
            && !self.pool.was_refilled()
            && self.traffic.borrow().ring.as_ref().is_some_and(|ring| !ring.has_news())
    }

    /// The turn has seen to everything; what it could not do is for the next one.
    pub(crate) fn settle(&self) {
        let unseen = self.has_starved() || self.pool.wants_topping_up();
        self.stirred.set(unseen || self.wants_entering());
    }

    pub(crate) fn unpark(&self) -> &Arc<Unpark> {
        &self.unpark
    }

    /// Whether new operations are taken.
    pub(crate) fn is_open(&self) -> bool {
        self.life.get() == Life::Open
    }

    /// Whether the ring is gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.life.get() == Life::Closed
    }

    /// Operations of futures and transports that have not ended, the doorbell not counted.
    pub(crate) fn operations(&self) -> usize {
        self.traffic.borrow().ops.len()
    }
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver")
            .field("operations", &self.operations())
            .field("life", &self.life)
            .field("caps", &self.caps)
            .finish_non_exhaustive()
    }
}
