//! Requests to end: they are sticky, delivered to the owner as its task, and clean-ups run first.

#[path = "support/watchdog.rs"]
mod watchdog;

mod cancel {
    mod clean_ups;
    mod hostile;
    mod scopes;
    mod timeouts;
    mod together;
}

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use ringio::Runner;
use ringio::testing::ManualClock;

/// Runs on a clock that jumps: nothing here takes time.
pub(crate) fn run<T>(main: impl Future<Output = T>) -> T {
    let builder = Runner::builder().clock(ManualClock::new());
    builder.build().expect("a ring can be made").run(main).unwrap()
}

pub(crate) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// What happened, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<&'static str>>>);

impl Log {
    pub(crate) fn add(&self, what: &'static str) {
        self.0.borrow_mut().push(what);
    }

    pub(crate) fn take(&self) -> Vec<&'static str> {
        self.0.take()
    }

    /// Says so when it is dropped.
    pub(crate) fn on_drop(&self, what: &'static str) -> Dropped {
        Dropped(self.clone(), what)
    }
}

#[derive(Debug)]
pub(crate) struct Dropped(Log, &'static str);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.add(self.1);
    }
}
