//! The end of a loop, in order.

use std::io;
use std::time::Duration;

use uring_sys_shim::Wait;

use crate::time::{Clock, Instant};

use super::Runtime;

/// How long the loop waits for what is on its way out.
const LINGER: Duration = Duration::from_secs(1);

/// How long it waits before it looks again for what comes without ringing: the end of a longest time.
const SLICE: Duration = Duration::from_millis(10);

impl Runtime {
    /// Refuses remote work, lets writers that are being closed send what they have, asks every task
    /// to end, turns until they have or the grace is over, drops what is left, waits for a while for
    /// the loop's jobs on other threads, then takes every
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
        self.turn_while(LINGER, || self.driver.is_lingering());
        self.executor.cancel_all();
        self.turn_while(self.config.grace, || self.executor.has_tasks());
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

    /// Turns as long as it is needed, and not longer than that by the real clock: the loop's may
    /// be manual, and then nobody is left to move it.
    fn turn_while(&self, longest: Duration, is_needed: impl Fn() -> bool) {
        let deadline = Instant::real() + longest;
        while is_needed() && Instant::real() < deadline {
            let is_idle = !self.executor.has_ready();
            let jumped = is_idle && self.driver.operations() == 0 && self.timers.jump_if_manual();
            if is_idle && !jumped && self.wait_until(deadline, &is_needed).is_err()
                || self.turn(|| true).is_err()
            {
                break;
            }
        }
    }

    /// Turns until the functions that were given to other threads are done, or for as long as the
    /// loop has patience. Those that nobody wants any more and had not begun are off their queues.
    fn await_jobs(&self) {
        self.turn_while(self.config.patience, || self.jobs.count() > 0);
        let left = self.jobs.count();
        if left > 0 {
            self.executor.tell(format!(
                "{left} functions on other threads were not done within {:?} of the loop's end; \
                 they run on",
                self.config.patience
            ));
        }
    }

    /// Waits for the kernel, another thread, the next timer, or a slice of the time until `deadline`.
    fn wait_until(&self, deadline: Instant, is_needed: impl Fn() -> bool) -> io::Result<()> {
        let latest = deadline.min(Instant::real() + SLICE);
        let parked = self.driver.unpark().parked();
        parked.announce();
        let wait = match (&self.config.clock, self.timers.next_deadline()) {
            // Who rang before saw a loop that is awake: look once more.
            _ if self.executor.has_ready() || !is_needed() => Wait::Poll,
            (Clock::Real, Some(timer)) => Wait::Until(timer.min(latest).as_nanos()),
            (Clock::Manual(_), Some(_)) => Wait::Poll,
            (_, None) => Wait::Until(latest.as_nanos()),
        };
        let entered = self.driver.enter(wait);
        parked.withdraw();
        entered?;
        self.driver.route();
        Ok(())
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
