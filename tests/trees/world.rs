//! What is known of all that lives in a tree, and what must be so whenever something ends.

use std::cell::{Cell, RefCell};
use std::env;
use std::ptr;
use std::rc::Rc;
use std::time::Duration;

use ringio::time::Instant;
use ringio::{CancelScope, JoinHandle, TimeoutScope};

use crate::support::Random;
use crate::trees::life::{Guard, Id, Kind, Life};
use crate::trees::seen::{CASES, Counts};

/// The time that clean-ups have; the loops are built with it.
pub(crate) const GRACE: Duration = Duration::from_millis(100);

/// No tree grows beyond this.
const MOST: usize = 200;

pub(crate) struct World {
    lives: RefCell<Vec<Life>>,
    faults: RefCell<Vec<String>>,
    seen: Cell<Counts>,
    random: RefCell<Random>,
    pub(crate) tasks: RefCell<Vec<(Id, JoinHandle<()>)>>,
    pub(crate) scopes: RefCell<Vec<(Id, CancelScope)>>,
    pub(crate) timeouts: RefCell<Vec<(Id, TimeoutScope)>>,
    /// Tasks of the loop that have not ended.
    pub(crate) roots: Cell<usize>,
    pub(crate) alive: Cell<usize>,
    /// The runner closes: whatever is left may be dropped.
    pub(crate) closing: Cell<bool>,
    pub(crate) sockets: bool,
    /// Branches may be polled in an order that depends on what the thread has done before.
    pub(crate) by_chance: bool,
    pub(crate) forgets: bool,
    traces: bool,
}

impl World {
    pub(crate) fn new(seed: u64, sockets: bool, forgets: bool) -> Rc<World> {
        Rc::new(World {
            lives: RefCell::default(),
            faults: RefCell::default(),
            seen: Cell::new([0; CASES.len()]),
            random: RefCell::new(Random(seed)),
            tasks: RefCell::default(),
            scopes: RefCell::default(),
            timeouts: RefCell::default(),
            roots: Cell::new(0),
            alive: Cell::new(0),
            closing: Cell::new(false),
            sockets,
            by_chance: !sockets,
            forgets,
            traces: env::var_os("RINGIO_SIM_TRACE").is_some(),
        })
    }

    pub(crate) fn below(&self, n: usize) -> usize {
        self.random.borrow_mut().below(n)
    }

    pub(crate) fn saw(&self, what: &'static str) {
        let mut seen = self.seen.get();
        seen[CASES.iter().position(|&(case, _)| case == what).expect(what)] += 1;
        self.seen.set(seen);
    }

    pub(crate) fn fault(&self, what: String) {
        self.trace(|| format!("FAULT {what}"));
        self.faults.borrow_mut().push(what);
    }

    fn trace(&self, what: impl FnOnce() -> String) {
        if self.traces {
            eprintln!("{}", what());
        }
    }

    /// The tree is large enough.
    pub(crate) fn is_full(&self) -> bool {
        self.lives.borrow().len() > MOST
    }

    /// A life that has not started.
    pub(crate) fn life(self: &Rc<Self>, kind: Kind, parent: Option<Id>) -> Guard {
        let mut lives = self.lives.borrow_mut();
        let id = lives.len();
        self.trace(|| format!("{id} {kind:?} beneath {parent:?}"));
        lives.push(Life::new(kind, parent));
        self.alive.set(self.alive.get() + 1);
        self.roots.set(self.roots.get() + usize::from(parent.is_none()));
        Guard::new(self.clone(), id)
    }

    /// The life itself and those around it.
    fn any_above(&self, id: Id, mut code: impl FnMut(&Life) -> bool) -> bool {
        let lives = self.lives.borrow();
        let mut next = Some(id);
        while let Some(id) = next {
            if code(&lives[id]) {
                return true;
            }
            next = lives[id].parent;
        }
        false
    }

    pub(super) fn with<R>(&self, id: Id, code: impl FnOnce(&mut Life) -> R) -> R {
        code(&mut self.lives.borrow_mut()[id])
    }

    /// It is asked to end from now on.
    pub(crate) fn asks(&self, id: Id) {
        self.trace(|| format!("{id} is asked"));
        let now = Instant::now();
        let twice = self.with(id, |life| {
            let twice = life.asked_at.is_some() && life.ends == 0;
            life.knows = true;
            life.asked_at.get_or_insert(now);
            twice
        });
        if twice {
            self.saw("requests twice");
        }
        if !self.is_over(id) && self.is_cleaning(id) {
            self.saw("requests during a clean-up");
        }
        if !self.is_over(id) && !self.with(id, |life| life.started) {
            self.saw("requests before the start");
        }
    }

    /// As [`asks`](World::asks), but those beneath need not know at once.
    pub(crate) fn asks_all_of(&self, group: Id) {
        self.trace(|| format!("{group} is closed"));
        let now = Instant::now();
        self.with(group, |life| _ = life.asked_at.get_or_insert(now));
    }

    /// It is asked to end at that time.
    pub(crate) fn is_due_at(&self, id: Id, at: Option<Instant>) {
        self.trace(|| format!("{id} is due at {at:?}"));
        self.with(id, |life| life.asked_at = at);
    }

    fn is_cleaning(&self, owner: Id) -> bool {
        self.any_beneath(owner, |life| life.kind == Kind::CleanUp && life.started && life.ends == 0)
    }

    /// It is dropped by the test now.
    pub(crate) fn cut(&self, id: Id) {
        self.trace(|| format!("{id} is cut"));
        if self.with(id, |life| life.ends == 0) {
            if self.is_cleaning(id) {
                self.saw("drops during a clean-up");
            }
            self.with(id, |life| life.cut = true);
        }
    }

    pub(crate) fn forget(&self, id: Id) {
        self.trace(|| format!("{id} is forgotten"));
        self.saw("forgotten subtrees");
        self.with(id, |life| (life.cut, life.forgotten) = (true, true));
    }

    /// Unwinds from there, up to whoever contains it.
    pub(crate) fn panics(&self, from: Id) {
        self.trace(|| format!("{from} panics"));
        let mut next = Some(from);
        while let Some(id) = next {
            let (kind, parent) = self.with(id, |life| {
                life.cut |= life.kind != Kind::Group;
                (life.kind, life.parent)
            });
            if kind == Kind::CleanUp {
                self.saw("panics in clean-ups");
                return;
            }
            if let (Kind::Body | Kind::Child, Some(group)) = (kind, parent) {
                self.asks_all_of(group);
            }
            next = parent;
        }
    }

    pub(crate) fn is_over(&self, id: Id) -> bool {
        self.with(id, |life| life.ends > 0)
    }

    pub(crate) fn has_finished(&self, id: Id) -> bool {
        self.with(id, |life| life.finished)
    }

    pub(crate) fn is_asked(&self, id: Id) -> bool {
        let now = Instant::now();
        self.with(id, |life| life.asked_at.is_some_and(|at| at <= now))
    }

    pub(crate) fn is_asked_around(&self, id: Id) -> bool {
        let now = Instant::now();
        self.any_above(id, |life| life.asked_at.is_some_and(|at| at <= now))
    }

    pub(crate) fn was_cut(&self, id: Id) -> bool {
        self.with(id, |life| life.cut)
    }

    /// A clean-up of it begins.
    fn cleans(&self, on_cancel: Id) {
        let now = Instant::now();
        let begun = self.with(on_cancel, |life| {
            life.clean_ups += 1;
            life.clean_ups
        });
        if begun > 1 {
            self.fault(format!("the clean-up of {on_cancel} began {begun} times"));
        }
        let (mut sheltered, mut asked) = (false, false);
        self.any_above(on_cancel, |life| {
            sheltered |= life.kind == Kind::CleanUp;
            asked |= !sheltered && life.asked_at.is_some_and(|at| at <= now);
            asked || sheltered
        });
        self.tells_those_above(on_cancel, now);
        if !asked && !self.closing.get() {
            self.fault(format!("the clean-up of {on_cancel} began without a request"));
        }
        let lives = self.lives.borrow();
        for (id, life) in lives.iter().enumerate().skip(on_cancel + 1) {
            let is_own = life.kind == Kind::Awaited && life.parent == Some(on_cancel);
            if is_own && life.ends == 0 {
                self.fault(format!("{id} is there when the clean-up of {on_cancel} begins"));
            }
        }
        let mut depth = 0;
        self.any_above(on_cancel, |life| {
            depth += usize::from(life.kind == Kind::OnCancel);
            false
        });
        drop(lives);
        if depth >= 4 {
            self.saw("clean-ups nested four deep");
        }
        self.saw("clean-ups");
    }

    /// A clean-up has begun: whoever has told it to is further out than all that were not asked.
    fn tells_those_above(&self, on_cancel: Id, now: Instant) {
        let mut told = Vec::new();
        let mut next = Some(on_cancel);
        while let Some(id) = next {
            let asked = self.with(id, |life| {
                next = life.parent;
                life.kind == Kind::CleanUp || life.asked_at.is_some_and(|at| at <= now)
            });
            if asked {
                break;
            }
            told.push(id);
        }
        told.into_iter().for_each(|id| self.with(id, |life| life.is_told = true));
    }

    /// Whether nothing may go on behind it.
    pub(crate) fn is_told(&self, on_cancel: Id) -> bool {
        self.with(on_cancel, |life| life.is_told)
    }

    pub(crate) fn clean_ups_of(&self, on_cancel: Id) -> u32 {
        self.with(on_cancel, |life| life.clean_ups)
    }

    pub(super) fn start(&self, id: Id) {
        self.trace(|| format!("{id} starts"));
        let kind = self.with(id, |life| {
            life.started = true;
            life.kind
        });
        if kind == Kind::CleanUp {
            let parent = self.with(id, |life| life.parent);
            return self.cleans(parent.expect("it has an `on_cancel`"));
        }
        if matches!(kind, Kind::Branch | Kind::Group | Kind::Subtree) {
            return;
        }
        let (mut is_stopped, mut is_inside, mut is_first) = (false, true, true);
        self.any_above(id, |life| {
            is_inside &= life.kind != Kind::CleanUp;
            is_stopped |= is_inside && life.knows;
            // A child knows of those around its group when it starts, and of itself from then on.
            is_inside &= is_first || !matches!(life.kind, Kind::Task | Kind::Child);
            is_first = false;
            !is_inside
        });
        if is_stopped {
            self.fault(format!("{id} ({kind:?}) starts though an owner around was asked to end"));
        }
    }

    pub(super) fn end(&self, id: Id) {
        self.trace(|| format!("{id} ends"));
        self.alive.set(self.alive.get() - 1);
        let (kind, started, finished, ends, clean_ups) = self.with(id, |life| {
            life.ends += 1;
            self.roots.set(self.roots.get() - usize::from(life.parent.is_none()));
            (life.kind, life.started, life.finished, life.ends, life.clean_ups)
        });
        if ends > 1 {
            self.fault(format!("{id} ({kind:?}) ended {ends} times"));
        }
        if self.closing.get() {
            return;
        }
        let now = Instant::now();
        self.with(id, |life| life.ended_at = Some(now));
        let is_cut = self.any_above(id, |life| life.cut);
        if !finished && !is_cut && self.is_later_than_needed(id, now) {
            self.fault(format!("{id} ({kind:?}) ends with its grace, though nothing was left"));
        }
        let is_late = |life: &Life| life.asked_at.is_some_and(|at| at + GRACE <= now);
        let may_be_cut = is_cut || self.any_above(id, is_late);
        match kind {
            _ if finished => {}
            Kind::CleanUp if started && !may_be_cut => {
                self.fault(format!("{id}: a clean-up was cut short"));
            }
            Kind::CleanUp if started && !is_cut => self.saw("clean-ups whose grace ran out"),
            Kind::OnCancel if started && clean_ups == 0 && !is_cut && !self.may_be_left(id) => {
                self.fault(format!("{id}: a clean-up was not run"));
            }
            Kind::Shielded if started && !is_cut => {
                self.fault(format!("{id}: what a shield runs was dropped"));
            }
            _ => {
                let is_asked = |life: &Life| life.asked_at.is_some_and(|at| at <= now);
                if !is_cut && !self.any_above(id, is_asked) {
                    self.fault(format!("{id} ({kind:?}) was dropped for no reason"));
                }
            }
        }
        if !started && matches!(kind, Kind::Task | Kind::Child) {
            self.saw("tasks that never started");
        }
    }

    /// Whether an `on_cancel` may be dropped before its clean-up begins: when the time was up for
    /// those within it, or for a clean-up that it is a part of.
    fn may_be_left(&self, on_cancel: Id) -> bool {
        let now = Instant::now();
        let (mut is_late, mut is_sheltered, mut is_late_outside) = (false, false, false);
        self.any_above(on_cancel, |life| {
            is_sheltered |= life.kind == Kind::CleanUp;
            let time_is_up = life.asked_at.is_some_and(|at| at + GRACE <= now);
            is_late |= time_is_up && !is_sheltered;
            is_late_outside |= time_is_up && is_sheltered;
            false
        });
        let keeps = |life: &Life| {
            life.kind == Kind::CleanUp && life.started && !life.finished || life.forgotten
        };
        is_late_outside || is_late && self.any_beneath(on_cancel, keeps)
    }

    /// Whether its whole grace has gone by, and not for a clean-up beneath.
    fn is_later_than_needed(&self, owner: Id, now: Instant) -> bool {
        let is_late = self.with(owner, |life| {
            life.started && life.knows && life.asked_at.is_some_and(|at| at + GRACE <= now)
        });
        // What ends in the same moment, or about, may have been waited for.
        let is_recent = |at: Instant| at + Duration::from_millis(1) >= now;
        let keeps = |life: &Life| {
            let may_take_long = matches!(life.kind, Kind::CleanUp | Kind::Subtree);
            may_take_long && life.ended_at.is_none_or(is_recent) || life.forgotten
        };
        // A subtree is not polled when it is woken, and within one that is asked to end all stay
        // until that does.
        let parent = self.with(owner, |life| life.parent);
        let stays = |life: &Life| life.kind == Kind::Subtree || life.asked_at.is_some();
        let is_polled = !parent.is_some_and(|parent| self.any_above(parent, stays));
        is_late && is_polled && !self.any_beneath(owner, keeps)
    }

    fn any_beneath(&self, id: Id, code: impl Fn(&Life) -> bool) -> bool {
        let lives = self.lives.borrow();
        let is_it = |life: &Life| ptr::eq(life, &lives[id]);
        (id + 1..lives.len()).any(|at| code(&lives[at]) && self.any_above(at, is_it))
    }

    /// All that is beneath has ended or was forgotten.
    pub(crate) fn nothing_is_left_beneath(&self, id: Id) {
        let lives = self.lives.borrow();
        let is_it = |life: &Life| ptr::eq(life, &lives[id]);
        for (at, life) in lives.iter().enumerate().skip(id + 1) {
            let is_left = life.ends == 0 && self.any_above(at, is_it);
            if is_left && !self.any_above(at, |life| life.forgotten) {
                self.fault(format!("{at} ({:?}) outlives {id}", life.kind));
            }
        }
    }

    /// When all is over: the faults, and what was seen.
    pub(crate) fn verdict(&self) -> (Vec<String>, Counts) {
        for (id, life) in self.lives.borrow().iter().enumerate() {
            if life.ends == 0 && !self.any_above(id, |life| life.forgotten) {
                self.fault(format!("{id} ({:?}) never ended", life.kind));
            }
            let what = match life.kind {
                Kind::Task => "tasks",
                Kind::Shielded => "shields",
                Kind::Group => "groups",
                Kind::Child => "children",
                Kind::Timeout => "timeouts",
                Kind::Scope => "scopes",
                Kind::OnCancel => "on_cancels",
                Kind::Part => "parts",
                _ => continue,
            };
            self.saw(what);
        }
        (self.faults.take(), self.seen.get())
    }
}
