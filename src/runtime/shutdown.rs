//! The end of a loop, in order.

use std::io;
use std::time::Duration;

use uring_sys_shim::Wait;

use crate::time::Instant;

use super::Runtime;

impl Runtime {
    /// Refuses remote work, asks every task to end, turns until they have or the grace is over,
    /// drops what is left, waits for a while for the loop's jobs on other threads, then takes every
    /// operation back from the kernel and closes the ring.
    ///
    /// Operations that the kernel does not give back are leaked, which is said on standard error.
    pub(crate) fn close(&self) {
        if self.driver.is_closed() {
            return;
        }
        let _guard = self.enter();
        // Wakes from other threads still arrive: tasks that end may wait for them.
        self.executor.refuse_new();
        self.executor.cancel_all();
        // The end of tasks is given by them, not by the loop's clock, which may be manual.
        let deadline = Instant::real() + self.config.grace;
        while self.executor.tasks() > 0 && Instant::real() < deadline {
            let turned = if self.executor.has_ready() {
                self.turn(|| true)
            } else {
                self.turn_at_most(deadline, || false)
            };
            if turned.is_err() {
                break;
            }
        }
        self.executor.drop_all();
        self.await_jobs();
        self.executor.close_inbox();
        self.driver.graveyard().empty();
        let leaked = self.driver.close();
        self.timers.close();
        if leaked > 0 {
            eprintln!(
                "ringio: {leaked} operations did not come back from the kernel within 5 s; their \
                 memory and the ring are leaked"
            );
        }
    }

    /// Turns until the functions that were given to other threads are done, or for as long as the
    /// loop has patience. Those that nobody wants any more and had not begun are off their queues.
    fn await_jobs(&self) {
        let deadline = Instant::real() + self.config.patience;
        while self.jobs.count() > 0 && Instant::real() < deadline {
            if self.turn_at_most(deadline, || self.jobs.count() == 0).is_err() {
                break;
            }
        }
        let left = self.jobs.count();
        if left > 0 {
            self.executor.tell(format!(
                "{left} functions on other threads were not done within {:?} of the loop's end; \
                 they run on",
                self.config.patience
            ));
        }
    }

    /// A turn that does not outlast the deadline, and does not wait once `done` says so.
    fn turn_at_most(&self, deadline: Instant, done: impl Fn() -> bool) -> io::Result<()> {
        let slice = Instant::real() + Duration::from_millis(10);
        let parked = self.driver.unpark().parked();
        parked.announce();
        // Who rang before saw a loop that is awake: look once more.
        let wait = if self.executor.has_ready() || done() {
            Wait::Poll
        } else {
            Wait::Until(slice.min(deadline).as_nanos())
        };
        let entered = self.driver.enter(wait);
        parked.withdraw();
        entered?;
        self.driver.route();
        self.turn(|| true)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;
    use std::sync::mpsc::channel;

    use super::*;
    use crate::blocking::to_thread;
    use crate::runtime::Config;

    #[test]
    fn the_end_does_not_wait_for_ever_for_a_function_that_hangs() {
        let patience = Duration::from_millis(1);
        let runtime = Runtime::new(Config { patience, ..Config::default() }).unwrap();
        let ((go, gone), (begin, begun)) = (channel::<()>(), channel());
        let told = Rc::new(Cell::new(0));
        let telling = told.clone();
        runtime.executor.set_report(Rc::new(move |_| telling.set(telling.get() + 1)));
        let guard = runtime.enter();
        let job = to_thread(move || {
            begin.send(()).unwrap();
            gone.recv().unwrap();
        });
        begun.recv().unwrap();
        drop(job);
        drop(guard);
        // Hangs if it waits: nobody else lets the function go on.
        runtime.close();
        assert_eq!((runtime.jobs.count(), told.get()), (1, 1));
        go.send(()).unwrap();
        while runtime.jobs.count() > 0 {
            std::thread::yield_now();
        }
    }
}
