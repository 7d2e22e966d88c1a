//! A queue as simple as can be: it knows who waits, who was chosen, and what is in, as lists.

use std::collections::VecDeque;

use ringio::queue::Shutdown;

use super::kind::{Item, Order};

/// What became of somebody who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Put,
    /// The item came back.
    Refused(Item),
    Got(Item),
    Ended,
    Joined,
}

pub(crate) struct Model {
    order: Order,
    capacity: usize,
    /// The items; as many as there are chosen getters are for these.
    items: Vec<Item>,
    chosen: Vec<usize>,
    pub(crate) getters: VecDeque<usize>,
    pub(crate) putters: VecDeque<(usize, Item)>,
    joiners: Vec<usize>,
    pub(crate) unfinished: usize,
    shutdown: Option<Shutdown>,
    /// Putters, joiners and getters who need not wait any more and have not been polled since.
    ready: Vec<(usize, Option<Outcome>)>,
}

impl Model {
    pub(crate) fn new(order: Order, capacity: usize) -> Model {
        Model {
            order,
            capacity,
            items: Vec::new(),
            chosen: Vec::new(),
            getters: VecDeque::new(),
            putters: VecDeque::new(),
            joiners: Vec::new(),
            unfinished: 0,
            shutdown: None,
            ready: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len() - self.chosen.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() >= self.capacity && self.getters.is_empty()
    }

    /// Who would be woken.
    pub(crate) fn is_ready(&self, number: usize) -> bool {
        self.chosen.contains(&number) || self.ready.iter().any(|(ready, _)| *ready == number)
    }

    pub(crate) fn try_put(&mut self, item: Item) -> Outcome {
        if self.shutdown.is_some() || self.is_full() {
            return Outcome::Refused(item);
        }
        self.enter(item);
        self.settle();
        Outcome::Put
    }

    pub(crate) fn try_get(&mut self) -> Option<Item> {
        if self.len() == 0 {
            let (number, item) = self.putters.pop_front()?;
            self.unfinished += 1;
            self.ready.push((number, Some(Outcome::Put)));
            return Some(item);
        }
        let place = self.order.place(&self.items, self.chosen.len()).unwrap();
        let item = self.items.remove(place);
        self.settle();
        Some(item)
    }

    pub(crate) fn put(&mut self, number: usize, item: Item) -> Option<Outcome> {
        if self.shutdown.is_none() && self.is_full() {
            self.putters.push_back((number, item));
            return None;
        }
        Some(self.try_put(item))
    }

    pub(crate) fn get(&mut self, number: usize) -> Option<Outcome> {
        match self.try_get() {
            Some(item) => Some(Outcome::Got(item)),
            None if self.shutdown.is_some() => Some(Outcome::Ended),
            None => {
                self.getters.push_back(number);
                None
            }
        }
    }

    pub(crate) fn join(&mut self, number: usize) -> Option<Outcome> {
        if self.unfinished == 0 {
            return Some(Outcome::Joined);
        }
        self.joiners.push(number);
        None
    }

    /// One that waits is polled again.
    pub(crate) fn poll(&mut self, number: usize) -> Option<Outcome> {
        if let Some(place) = self.chosen.iter().position(|chosen| *chosen == number) {
            self.chosen.remove(place);
            let item = self.items.remove(self.order.place(&self.items, 0).unwrap());
            return Some(Outcome::Got(item));
        }
        let place = self.ready.iter().position(|(ready, _)| *ready == number)?;
        let (_, outcome) = self.ready.remove(place);
        outcome.or_else(|| Some(self.try_get().map_or(Outcome::Ended, Outcome::Got)))
    }

    pub(crate) fn drop(&mut self, number: usize) {
        self.getters.retain(|getter| *getter != number);
        self.putters.retain(|(putter, _)| *putter != number);
        self.joiners.retain(|joiner| *joiner != number);
        self.chosen.retain(|chosen| *chosen != number);
        self.ready.retain(|(ready, _)| *ready != number);
        self.settle();
    }

    /// Whether there was anything left to do.
    pub(crate) fn task_done(&mut self) -> bool {
        if self.unfinished == 0 {
            return false;
        }
        self.unfinished -= 1;
        self.release();
        true
    }

    pub(crate) fn shutdown(&mut self, how: Shutdown) {
        if self.shutdown != Some(Shutdown::Now) {
            self.shutdown = Some(how);
        }
        let refused = |(number, item)| (number, Some(Outcome::Refused(item)));
        self.ready.extend(self.putters.drain(..).map(refused));
        self.ready.extend(self.getters.drain(..).map(|number| (number, None)));
        if how == Shutdown::Now {
            self.unfinished = self.unfinished.saturating_sub(self.items.len());
            self.items.clear();
            self.ready.extend(self.chosen.drain(..).map(|number| (number, None)));
            self.release();
        }
    }

    fn enter(&mut self, item: Item) {
        self.items.push(item);
        self.unfinished += 1;
    }

    fn release(&mut self) {
        if self.unfinished == 0 {
            let joined = |number| (number, Some(Outcome::Joined));
            self.ready.extend(self.joiners.drain(..).map(joined));
        }
    }

    fn settle(&mut self) {
        loop {
            if self.len() > 0
                && let Some(number) = self.getters.pop_front()
            {
                self.chosen.push(number);
            } else if !self.is_full()
                && let Some((number, item)) = self.putters.pop_front()
            {
                self.enter(item);
                self.ready.push((number, Some(Outcome::Put)));
            } else {
                return;
            }
        }
    }
}
