//! An executor that polls whom it is told to, and counts.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

type Woken = Arc<Mutex<Vec<usize>>>;

struct Number(Woken, usize);

impl Wake for Number {
    fn wake(self: Arc<Self>) {
        self.0.lock().unwrap().push(self.1);
    }
}

/// Futures by number, those that were woken, and how often each was polled.
pub(crate) struct Tasks<'a, T> {
    futures: Vec<Option<Pin<Box<dyn Future<Output = T> + 'a>>>>,
    woken: Woken,
    pub(crate) polls: Vec<u32>,
}

impl<'a, T> Tasks<'a, T> {
    pub(crate) fn new() -> Tasks<'a, T> {
        Tasks { futures: Vec::new(), woken: Woken::default(), polls: Vec::new() }
    }

    /// Adds a future without polling it.
    pub(crate) fn add(&mut self, future: impl Future<Output = T> + 'a) -> usize {
        self.futures.push(Some(Box::pin(future)));
        self.polls.push(0);
        self.futures.len() - 1
    }

    /// Adds a future that has to wait.
    #[track_caller]
    pub(crate) fn waits(&mut self, future: impl Future<Output = T> + 'a) -> usize {
        let number = self.add(future);
        assert!(self.poll(number).is_pending(), "it need not wait");
        number
    }

    pub(crate) fn poll(&mut self, number: usize) -> Poll<T> {
        let waker = Waker::from(Arc::new(Number(self.woken.clone(), number)));
        self.poll_with(number, &waker)
    }

    pub(crate) fn poll_with(&mut self, number: usize, waker: &Waker) -> Poll<T> {
        self.polls[number] += 1;
        let future = self.futures[number].as_mut().expect("it has ended");
        let poll = future.as_mut().poll(&mut Context::from_waker(waker));
        if poll.is_ready() {
            self.futures[number] = None;
        }
        poll
    }

    pub(crate) fn drop(&mut self, number: usize) {
        self.futures[number] = None;
    }

    /// Whether it has neither ended nor been dropped.
    pub(crate) fn is_there(&self, number: usize) -> bool {
        self.futures[number].is_some()
    }

    /// Who was woken since this was asked, in that order.
    pub(crate) fn woken(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.woken.lock().unwrap())
    }

    /// Polls those who are woken until nobody is; gives who has ended, in that order.
    pub(crate) fn run(&mut self) -> Vec<(usize, T)> {
        let mut ended = Vec::new();
        loop {
            let woken = self.woken();
            if woken.is_empty() {
                return ended;
            }
            for number in woken.into_iter() {
                if self.is_there(number)
                    && let Poll::Ready(output) = self.poll(number)
                {
                    ended.push((number, output));
                }
            }
        }
    }

    /// As [`Tasks::run`]: only who.
    pub(crate) fn ended(&mut self) -> Vec<usize> {
        self.run().into_iter().map(|(number, _)| number).collect()
    }
}

/// Polls once, with a waker that does nothing.
pub(crate) fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// What is ready at once.
#[track_caller]
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    match poll(std::pin::pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it has to wait"),
    }
}
