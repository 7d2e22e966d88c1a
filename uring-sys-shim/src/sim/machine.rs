//! [`Machine`]: a simulated kernel, and the handle to it.

use std::cell::{RefCell, RefMut};
use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::faults::Faults;
use super::peer::Peer;
use super::ring::SimRing;
use super::seen::Seen;
use super::world::{Actor, Event, World};
use crate::Setup;
use crate::sys;

thread_local! {
    static CURRENT: RefCell<Option<Machine>> = const { RefCell::new(None) };
}

/// A simulated kernel. Clones are the same one; it belongs to a thread.
///
/// While it is [installed](Machine::install), loops that are made on this thread run on it: their
/// rings, sockets, eventfds and time are simulated, and all that happens follows from the seed.
///
/// A program that breaks a rule of the kernel's interface, deadlocks, or never ends panics with
/// what it did and the seed.
///
/// # Examples
/// ```
/// use uring_sys_shim::sim::{Faults, Machine};
/// use uring_sys_shim::{ActiveRing, Ring, Setup, Wait, sqe};
///
/// let machine = Machine::new(7, Faults::unkind(7));
/// let installed = machine.install();
/// let mut ring = ActiveRing::new(&Setup::default())?;
/// // SAFETY: a no-op refers to no memory and no descriptor.
/// unsafe { ring.push(&sqe::nop().user_data(1)) }.expect("a new ring has room");
/// let mut seen = Vec::new();
/// while seen.is_empty() {
///     // It may be refused, or interrupted.
///     let _ = ring.enter(Wait::Forever);
///     ring.reap(&mut |cqe| seen.push((cqe.user_data, cqe.res)));
/// }
/// assert_eq!(seen, [(1, 0)]);
/// drop((ring, installed));
/// assert_eq!(machine.finish().submitted, 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Machine(Rc<RefCell<World>>);

/// What a step of the world came to.
pub(super) enum Step {
    Happened,
    TimePassed,
    /// Nothing can happen without the program.
    Nothing,
}

impl Machine {
    /// Makes a kernel whose doings follow from the seed.
    pub fn new(seed: u64, faults: Faults) -> Machine {
        Machine(Rc::new(RefCell::new(World::new(seed, faults))))
    }

    /// Makes it this thread's kernel until the guard is dropped.
    #[must_use = "it is this thread's kernel while the guard lives"]
    pub fn install(&self) -> Installed {
        Installed { before: CURRENT.replace(Some(self.clone())) }
    }

    /// The kernel that is installed on this thread.
    pub fn current() -> Option<Machine> {
        CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
    }

    pub(crate) fn ring(&self, setup: &Setup) -> io::Result<SimRing> {
        let fd = sys::eventfd()?;
        SimRing::new(self.clone(), setup, fd)
    }

    pub(super) fn world(&self) -> RefMut<'_, World> {
        self.0.borrow_mut()
    }

    /// Reads the virtual clock, which goes on a little each time.
    pub fn now(&self) -> u64 {
        let mut world = self.world();
        world.tick(200);
        world.now
    }

    /// The seed of all that happens.
    pub fn seed(&self) -> u64 {
        self.world().seed
    }

    /// What has happened so far.
    pub fn seen(&self) -> Seen {
        self.world().seen
    }

    /// A number below `n`, from the seed.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn random(&self, n: usize) -> usize {
        self.world().rng.usize(0..n)
    }

    /// Has somebody act from outside the program: another process or another machine. `act` is
    /// called while the program is in the kernel, and says after which time it is called again, if
    /// at all. What another thread of the program does it must do on another thread, and await it.
    pub fn outside(&self, mut act: impl FnMut(&Machine) -> Option<Duration> + 'static) {
        let mut world = self.world();
        let at = world.now;
        let nanos = |delay: Duration| u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
        world
            .actors
            .push(Actor { at, act: Some(Box::new(move |machine| act(machine).map(nanos))) });
    }

    /// Connects from outside; `None` if nobody listens there, or the backlog is full.
    pub fn connect(&self, to: std::net::SocketAddr) -> Option<Peer> {
        Peer::connect(self, to)
    }

    /// Lets the next thing happen; without one, time goes on, to `deadline` at most. A deadline in
    /// the past lets no time pass.
    pub(super) fn step(&self, deadline: Option<u64>) -> Step {
        let event = self.world().next_event();
        match event {
            Some(Event::Delivery) => self.world().deliver(),
            Some(Event::Actor(place)) => self.act(place),
            None => {
                let mut world = self.world();
                let next = world.next_actor().into_iter().chain(deadline).min();
                let Some(next) = next else { return Step::Nothing };
                if next <= world.now {
                    return Step::Nothing;
                }
                world.jump(next);
                return Step::TimePassed;
            }
        }
        Step::Happened
    }

    /// The outside peer of this place acts, with nothing borrowed: it may call back.
    fn act(&self, place: usize) {
        let act = {
            let mut world = self.world();
            world.seen.events += 1;
            world.actors[place].act.take()
        };
        let Some(mut act) = act else { return };
        let again = act(self);
        let mut world = self.world();
        world.hear_bells();
        if let Some(delay) = again {
            let at = world.now.saturating_add(delay.max(1));
            world.actors[place] = Actor { at, act: Some(act) };
            return;
        }
        drop(world);
        drop(act);
    }

    /// Ends the run: every ring is closed, and no descriptor is open.
    ///
    /// # Panics
    /// If something is left.
    #[track_caller]
    pub fn finish(self) -> Seen {
        let seen = self.finish_but_rings();
        let rings = self.world().rings;
        if rings > 0 {
            self.world().fail(format!("{rings} rings were not closed"));
        }
        seen
    }

    /// As [`Machine::finish`], for a run whose ring had to be leaked.
    ///
    /// # Panics
    /// If a descriptor is left.
    #[track_caller]
    pub fn finish_but_rings(&self) -> Seen {
        let actors = std::mem::take(&mut self.world().actors);
        drop(actors);
        let mut world = self.world();
        world.check_closed();
        world.seen
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("seed", &self.seed()).finish_non_exhaustive()
    }
}

/// A [`Machine`] is this thread's kernel while this lives.
#[derive(Debug)]
pub struct Installed {
    before: Option<Machine>,
}

impl Drop for Installed {
    fn drop(&mut self) {
        CURRENT.replace(self.before.take());
    }
}
