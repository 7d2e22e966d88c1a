//! An executor that is driven by hand: it counts polls, and polls nobody who was not woken.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

type Line = Arc<Mutex<VecDeque<usize>>>;

pub(crate) struct Hand<'a, T> {
    tasks: Vec<Task<'a, T>>,
    /// Who was woken, in that order, each time.
    woken: Line,
}

struct Task<'a, T> {
    future: Option<Pin<Box<dyn Future<Output = T> + 'a>>>,
    output: Option<T>,
    polls: usize,
}

struct Tell(Line, usize);

impl Wake for Tell {
    fn wake(self: Arc<Self>) {
        self.0.lock().unwrap().push_back(self.1);
    }
}

impl<'a, T> Hand<'a, T> {
    pub(crate) fn new() -> Hand<'a, T> {
        Hand { tasks: Vec::new(), woken: Line::default() }
    }

    /// Polls a future for the first time, and gives its number.
    pub(crate) fn start(&mut self, future: impl Future<Output = T> + 'a) -> usize {
        self.tasks.push(Task { future: Some(Box::pin(future)), output: None, polls: 0 });
        self.poll(self.tasks.len() - 1);
        self.tasks.len() - 1
    }

    /// Polls one that has not ended, woken or not.
    pub(crate) fn poll(&mut self, number: usize) {
        let waker = Waker::from(Arc::new(Tell(self.woken.clone(), number)));
        let task = &mut self.tasks[number];
        let Some(future) = &mut task.future else { return };
        task.polls += 1;
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            task.output = Some(output);
            task.future = None;
        }
    }

    pub(crate) fn drop(&mut self, number: usize) {
        self.tasks[number].future = None;
    }

    /// It is never dropped.
    pub(crate) fn forget(&mut self, number: usize) {
        std::mem::forget(self.tasks[number].future.take());
    }

    /// Polls who was woken, in that order, until nobody is.
    pub(crate) fn run(&mut self) {
        loop {
            let next = self.woken.lock().unwrap().pop_front();
            let Some(number) = next else { return };
            self.poll(number);
        }
    }

    /// Who was woken since the last time.
    pub(crate) fn woken(&self) -> Vec<usize> {
        std::mem::take(&mut *self.woken.lock().unwrap()).into()
    }

    pub(crate) fn polls(&self, number: usize) -> usize {
        self.tasks[number].polls
    }

    pub(crate) fn is_pending(&self, number: usize) -> bool {
        self.tasks[number].future.is_some()
    }

    pub(crate) fn output(&mut self, number: usize) -> Option<T> {
        self.tasks[number].output.take()
    }
}
