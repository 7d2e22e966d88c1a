//! There and back between two tasks of one loop.
//!
//! ringio has no channel of its own yet: it gets the small one below, which any user would write.
//! tokio gets the one it comes with, which may be used from other threads, too.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use tokio::sync::mpsc::unbounded_channel;

use crate::sample::Sample;

use super::meter::Meter;

const BATCH: u32 = 1_000;

pub(super) struct Channel<T> {
    queue: RefCell<VecDeque<T>>,
    reader: Cell<Option<Waker>>,
}

impl<T> Channel<T> {
    pub(super) fn new() -> Rc<Channel<T>> {
        Rc::new(Channel { queue: RefCell::default(), reader: Cell::default() })
    }

    pub(super) fn send(&self, message: T) {
        self.queue.borrow_mut().push_back(message);
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    pub(super) async fn receive(&self) -> T {
        poll_fn(|cx| match self.queue.borrow_mut().pop_front() {
            Some(message) => Poll::Ready(message),
            None => {
                self.reader.set(Some(cx.waker().clone()));
                Poll::Pending
            }
        })
        .await
    }
}

pub(super) async fn of_ringio(meter: Meter) -> Sample {
    let (there, back) = (Channel::new(), Channel::new());
    let (heard, answer) = (there.clone(), back.clone());
    drop(ringio::spawn(async move {
        loop {
            answer.send(heard.receive().await);
        }
    }));
    meter
        .of(BATCH, async || {
            for i in 0..BATCH {
                there.send(i);
                assert_eq!(back.receive().await, i);
            }
        })
        .await
}

pub(super) async fn of_tokio(meter: Meter) -> Sample {
    let ((there, mut heard), (answer, mut back)) = (unbounded_channel(), unbounded_channel());
    drop(tokio::task::spawn_local(async move {
        while let Some(message) = heard.recv().await {
            answer.send(message).expect("the other task receives");
        }
    }));
    meter
        .of(BATCH, async || {
            for i in 0..BATCH {
                there.send(i).expect("the other task receives");
                assert_eq!(back.recv().await, Some(i));
            }
        })
        .await
}
