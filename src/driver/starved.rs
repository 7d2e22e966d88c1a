//! Transports that wait for a kernel-filled buffer.

use std::collections::VecDeque;
use std::num::NonZero;
use std::rc::Rc;

use super::Sink;
use super::complete::Routing;
use super::core::Driver;

/// How a starved transport may go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Resume {
    /// Buffers are there again.
    Group,
    /// It has waited long enough: receive once into the heap.
    Heap,
}

/// First come, first served. While buffers come back the line moves; whoever has stood in it for
/// [`PATIENCE`] turns gets heap memory, so that held buffers can delay nobody for ever.
#[derive(Default)]
pub(crate) struct Starved {
    waiting: VecDeque<Waiting>,
    turns: u64,
}

/// A turn in which somebody stood in line, counted from one.
pub(crate) type Turn = NonZero<u64>;

struct Waiting {
    sink: Rc<dyn Sink>,
    /// The turn in which it came.
    since: Turn,
}

/// Turns that a transport waits for a buffer. A receive into the heap is small, and costs an
/// allocation and a copy; a turn in line costs neither.
const PATIENCE: u64 = 16;

impl Driver {
    /// Puts a transport in the line, and says since which turn it stands there; [`Sink::resume`] is
    /// called within `PATIENCE` turns.
    ///
    /// One that was resumed and found no buffer after all says since when it stood there before,
    /// and keeps its place: one that takes all buffers at each go, and then stands in line for
    /// more, would else be ahead of it again, turn for turn.
    pub(crate) fn starve(&self, sink: Rc<dyn Sink>, before: Option<Turn>) -> Turn {
        let mut starved = self.starved.borrow_mut();
        let since = before.unwrap_or(Turn::MIN.saturating_add(starved.turns));
        self.counters.dry_spells.add(1);
        self.stirred.set(true);
        self.pool.grow();
        // The line is in the order of their turns.
        let place = starved.waiting.partition_point(|waiting| waiting.since <= since);
        starved.waiting.insert(place, Waiting { sink, since });
        since
    }

    /// Whether a transport waits in line: the loop must not park before it was resumed.
    pub(crate) fn has_starved(&self) -> bool {
        !self.starved.borrow().waiting.is_empty()
    }

    /// Whether kernel-filled buffers are available.
    pub(crate) fn has_buffers(&self) -> bool {
        self.pool.available() > 0
    }

    /// Once a turn: returned buffers go back to the kernel, parked bytes make room if few are
    /// left, and starved transports go on; pipes may move bytes again.
    pub(crate) fn top_up(&self) {
        self.pipes.refresh();
        if self.pool.is_low() {
            self.read_ahead.give_leases_back();
        }
        if self.pool.wants_topping_up()
            && let Some(ring) = self.traffic.borrow_mut().ring.as_mut()
        {
            self.pool.provide(ring);
        }
        if self.has_starved() {
            self.resume_starved();
        } else {
            self.pool.calm_down();
        }
    }

    fn resume_starved(&self) {
        let mut wakes = self.wakes.take();
        let mut buffers = self.pool.available();
        let line = {
            let mut starved = self.starved.borrow_mut();
            starved.turns += 1;
            starved.waiting.len()
        };
        // Those that come meanwhile wait for the next turn.
        for _ in 0..line {
            let Some((sink, how)) = self.next_starved(buffers > 0) else { break };
            buffers = buffers.saturating_sub(1);
            sink.resume(how, &mut Routing { driver: self, wakes: &mut wakes });
        }
        wakes.wake_all();
        self.wakes.replace(wakes);
    }

    fn next_starved(&self, has_buffers: bool) -> Option<(Rc<dyn Sink>, Resume)> {
        let mut starved = self.starved.borrow_mut();
        let now = Turn::MIN.saturating_add(starved.turns);
        let patient = now.get() - starved.waiting.front()?.since.get() < PATIENCE;
        if patient && !has_buffers {
            return None;
        }
        let waiting = starved.waiting.pop_front()?;
        Some((waiting.sink, if has_buffers { Resume::Group } else { Resume::Heap }))
    }
}

#[cfg(test)]
mod tests {
    use uring_sys_shim::Cqe;

    use crate::driver::Config;

    use super::*;

    #[derive(Default)]
    struct Line(std::cell::Cell<Option<Resume>>);

    impl Sink for Line {
        fn complete(self: Rc<Self>, _: u32, _: Cqe, _: &mut Routing<'_>) {}
        fn resume(self: Rc<Self>, how: Resume, _: &mut Routing<'_>) {
            self.0.set(Some(how));
        }
    }

    #[test]
    fn with_buffers_the_line_moves_in_the_next_turn() {
        let driver = Driver::new(&Config::default()).unwrap();
        let sink = Rc::new(Line::default());
        driver.starve(sink.clone(), None);
        driver.top_up();
        assert_eq!(sink.0.get(), Some(Resume::Group));
        driver.close();
    }

    #[test]
    fn whoever_found_no_buffer_keeps_its_place() {
        let driver = Driver::new(&Config::default()).unwrap();
        let (small, greedy) = (Rc::new(Line::default()), Rc::new(Line::default()));
        let since = driver.starve(small.clone(), None);
        driver.top_up();
        assert_eq!(small.0.take(), Some(Resume::Group));
        // The completions of both say that there is none: that of the greedy one first.
        driver.starve(greedy.clone(), None);
        assert_eq!(driver.starve(small.clone(), Some(since)), since);
        let (first, _) = driver.next_starved(true).unwrap();
        first.resume(
            Resume::Group,
            &mut Routing { driver: &driver, wakes: &mut Default::default() },
        );
        assert_eq!((small.0.get(), greedy.0.get()), (Some(Resume::Group), None));
        driver.close();
    }

    #[test]
    fn with_no_buffer_for_long_it_is_the_heap() {
        let driver =
            Driver::new(&Config { buffers: Some((1, 4096)), ..Config::default() }).unwrap();
        let held = driver.pool.take(0, 1, false).filter(|chunk| chunk.len() == 1).unwrap();
        let sink = Rc::new(Line::default());
        driver.starve(sink.clone(), None);
        for _ in 1..PATIENCE {
            driver.top_up();
            assert_eq!(sink.0.get(), None, "the line is not short-cut");
        }
        driver.top_up();
        assert_eq!(sink.0.get(), Some(Resume::Heap));
        drop(held);
        driver.close();
    }
}
