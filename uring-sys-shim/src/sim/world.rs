//! [`World`]: everything behind the simulated rings: clock, descriptors, network, outside peers.

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::path::PathBuf;

use fastrand::Rng;

use super::faults::Faults;
use super::file::{File, FileId, Kind};
use super::machine::Machine;
use super::seen::Seen;
use crate::sys::{self, close_real};

/// Where the virtual clock starts: an hour in, so that earlier points exist.
const START: u64 = 3_600_000_000_000;

/// Set, each operation and completion is printed to standard error.
const TRACE: &str = "RINGIO_SIM_TRACE";

/// A program that has asked so often for a ring's flags, and not entered, waits for what never
/// comes. A spin before parking asks some thousand times.
const LOOKS: u64 = 200_000;

/// Who acts from outside, and when next (ns).
pub(super) struct Actor {
    pub(super) at: u64,
    /// Taken out while it acts.
    pub(super) act: Option<Act>,
}

/// Acts, and says after how many nanoseconds it acts again.
pub(super) type Act = Box<dyn FnMut(&Machine) -> Option<u64>>;

/// What happens next without the program.
pub(super) enum Event {
    /// Something on the wire arrives.
    Delivery,
    /// The outside peer of this place acts.
    Actor(usize),
}

pub(super) struct World {
    pub(super) seed: u64,
    pub(super) rng: Rng,
    pub(super) now: u64,
    pub(super) faults: Faults,
    pub(super) seen: Seen,
    pub(super) files: Vec<File>,
    pub(super) descriptors: BTreeMap<RawFd, FileId>,
    /// Ends of connections with something on the wire to them.
    pub(super) arriving: Vec<FileId>,
    pub(super) actors: Vec<Actor>,
    pub(super) rings: u32,
    pub(super) next_port: u16,
    steps: u64,
    /// Times that flags were asked for since the last enter.
    looks: u64,
    /// Operations that can wait.
    waiting: u64,
    traced: bool,
    /// The first violation; nothing happens after it.
    failed: Option<String>,
    /// Its duplicates stand for simulated descriptors, so that their numbers are the process's.
    placeholder: OwnedFd,
}

impl World {
    pub(super) fn new(seed: u64, faults: Faults) -> World {
        World {
            seed,
            rng: Rng::with_seed(seed),
            now: START,
            faults,
            seen: Seen::default(),
            files: Vec::new(),
            descriptors: BTreeMap::new(),
            arriving: Vec::new(),
            actors: Vec::new(),
            rings: 0,
            next_port: 32_768,
            steps: 0,
            looks: 0,
            waiting: 0,
            traced: std::env::var_os(TRACE).is_some(),
            failed: None,
            placeholder: std::io::pipe().expect("a pipe can be made").0.into(),
        }
    }

    /// Ends the run: the program has broken a rule, or nothing can happen any more.
    #[track_caller]
    pub(super) fn fail(&mut self, what: impl Into<String>) {
        let message = format!("simulated kernel, seed {}: {}", self.seed, what.into());
        self.failed.get_or_insert(message.clone());
        if !std::thread::panicking() {
            panic!("{message}");
        }
    }

    pub(super) fn trace(&self, what: impl FnOnce() -> String) {
        if self.traced {
            eprintln!("{:>12} ns  {}", self.now - START, what());
        }
    }

    pub(super) fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// Decides whether a fault happens whose chance is so many out of 1,000.
    pub(super) fn chance(&mut self, of_thousand: u32) -> bool {
        of_thousand > 0 && self.rng.u32(0..1000) < of_thousand
    }

    /// Lets up to `most` nanoseconds pass.
    pub(super) fn tick(&mut self, most: u64) {
        self.now += self.rng.u64(1..=most);
        self.seen.nanos = self.now - START;
    }

    /// Jumps to a point of time that has not passed.
    pub(super) fn jump(&mut self, to: u64) {
        self.now = self.now.max(to);
        self.seen.nanos = self.now - START;
    }

    /// Counts against the budget that tells a livelock.
    pub(super) fn count_step(&mut self) {
        self.steps += 1;
        if self.steps > self.faults.steps {
            self.fail(format!("livelock: {} steps and no end", self.steps));
        }
    }

    /// The program is in the kernel: what it was looking for may come now.
    pub(super) fn count_enter(&mut self) {
        self.seen.enters += 1;
        self.looks = 0;
        self.count_step();
    }

    /// Counts a look at the flags against the budget that tells a program which waits for something
    /// without entering.
    pub(super) fn count_look(&mut self) {
        self.looks += 1;
        if self.looks > LOOKS && self.failed.is_none() {
            self.fail(format!("livelock: {LOOKS} looks at the flags and no enter"));
        }
    }

    /// Counts an operation that can wait; says whether it is the one that never comes back.
    pub(super) fn is_next_stuck(&mut self) -> bool {
        self.waiting += 1;
        self.faults.stuck == Some(self.waiting - 1)
    }

    /// The loop ends: its eventfds are closed without a word, and their numbers become others'.
    pub(super) fn forget_bells(&mut self) {
        let is_bell = |file: &File| matches!(file.kind, Kind::Event { .. });
        self.descriptors.retain(|_, file| !is_bell(&self.files[*file]));
    }

    /// Other threads write to the real eventfds.
    pub(super) fn hear_bells(&mut self) {
        for (fd, &file) in &self.descriptors {
            if let Kind::Event { edges } = &mut self.files[file].kind
                && sys::eventfd_read(*fd).is_ok_and(|count| count > 0)
            {
                *edges += 1;
            }
        }
    }

    /// Gives a file a descriptor of the program.
    pub(super) fn install(&mut self, file: FileId) -> RawFd {
        let fd = sys::duplicate(self.placeholder.as_raw_fd());
        let fd = fd.expect("the process has a descriptor left for a simulated one").into_raw_fd();
        self.files[file].holders += 1;
        self.name(fd, file);
        fd
    }

    /// A number that is in use already is one that was closed behind the simulated kernel's back.
    pub(super) fn name(&mut self, fd: RawFd, file: FileId) {
        let before = self.descriptors.insert(fd, file);
        if let Some(before) = before
            && !matches!(self.files[before].kind, Kind::Event { .. })
        {
            self.closed_by_another(fd);
        }
    }

    fn closed_by_another(&mut self, fd: RawFd) {
        self.fail(format!("descriptor {fd} was closed by something else than the kernel"));
    }

    pub(super) fn file(&self, fd: RawFd) -> Option<FileId> {
        self.descriptors.get(&fd).copied()
    }

    pub(super) fn add(&mut self, kind: Kind) -> FileId {
        self.files.push(File { kind, holders: 0 });
        self.files.len() - 1
    }

    /// close(2).
    pub(super) fn close(&mut self, fd: RawFd) -> Result<(), i32> {
        let Some(file) = self.descriptors.remove(&fd) else {
            self.fail(format!("close of descriptor {fd}, which is not open"));
            return Err(libc::EBADF);
        };
        // The number itself is free again.
        let _ = close_real(fd);
        self.let_go(file);
        Ok(())
    }

    /// One holder less: a descriptor, an operation or an outside peer.
    pub(super) fn let_go(&mut self, file: FileId) {
        self.files[file].holders -= 1;
        if self.files[file].holders == 0 {
            self.release(file);
        }
    }

    /// What happens next without the program, if anything is about to.
    pub(super) fn next_event(&mut self) -> Option<Event> {
        let due = |actor: &Actor| actor.act.is_some() && actor.at <= self.now;
        let actors: Vec<usize> =
            (0..self.actors.len()).filter(|&place| due(&self.actors[place])).collect();
        let events = self.arriving.len() + actors.len();
        if events == 0 {
            return None;
        }
        match self.rng.usize(0..events).checked_sub(self.arriving.len()) {
            Some(place) => Some(Event::Actor(actors[place])),
            None => Some(Event::Delivery),
        }
    }

    /// When the next outside peer acts.
    pub(super) fn next_actor(&self) -> Option<u64> {
        let waiting = self.actors.iter().filter(|actor| actor.act.is_some());
        waiting.map(|actor| actor.at).min()
    }

    /// Fails if the program has left a descriptor open, or closed one behind the kernel's back
    /// whose number no simulated file got since: another thread may have been faster.
    pub(super) fn check_closed(&mut self) {
        let ours = real_file(self.placeholder.as_raw_fd());
        let open = self.descriptors.iter().filter_map(|(&fd, &file)| {
            let name = self.files[file].kind.name()?;
            Some((fd, format!("descriptor {fd}, {name}")))
        });
        let open: Vec<(RawFd, String)> = open.collect();
        if let Some(&(fd, _)) = open.iter().find(|(fd, _)| real_file(*fd) != ours) {
            self.closed_by_another(fd);
        } else if !open.is_empty() {
            let open: Vec<String> = open.into_iter().map(|(_, what)| what).collect();
            self.fail(format!("left open: {}", open.join("; ")));
        }
    }
}

/// What stands behind a number of this process; each simulated kernel's placeholder is a pipe of
/// its own.
fn real_file(fd: RawFd) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{fd}")).ok()
}
