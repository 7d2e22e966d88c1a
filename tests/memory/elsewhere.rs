//! Other threads, which use what may leave its loop's thread: wakers and remote handles, while
//! their loop runs, while it ends, and long after.

use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::Duration;

use ringio::{RemoteError, RemoteHandle, RemoteJoin};

use crate::support::*;

/// What a thread keeps at most.
const KEPT: usize = 64;

/// A thing of a loop that another thread may have.
pub(crate) enum Afar {
    Waker(Waker),
    Handle(RemoteHandle),
    Join(RemoteJoin<Vec<u8>>),
}

impl Afar {
    /// Does something with it; what is left of it, and what has come of it.
    pub(crate) fn used(self, random: &mut Random) -> Vec<Afar> {
        match self {
            Afar::Waker(waker) => match random.below(5) {
                0 => {
                    waker.wake();
                    vec![]
                }
                1 => {
                    waker.wake_by_ref();
                    vec![Afar::Waker(waker)]
                }
                2 => {
                    let other = waker.clone();
                    assert!(other.will_wake(&waker));
                    vec![Afar::Waker(waker), Afar::Waker(other)]
                }
                3 => vec![Afar::Waker(waker)],
                _ => vec![],
            },
            Afar::Handle(handle) => match random.below(8) {
                0 => {
                    let cargo = pattern(0, random.below(2000));
                    let closed = handle.is_closed();
                    let called = handle.call(move || assert_pattern(0, &cargo));
                    assert!(called.is_err() || !closed);
                    vec![Afar::Handle(handle)]
                }
                1 => {
                    let cargo = pattern(0, random.below(2000));
                    let join = handle.spawn(move || async move { cargo });
                    vec![Afar::Handle(handle), Afar::Join(join)]
                }
                2 => vec![Afar::Handle(handle.clone()), Afar::Handle(handle)],
                3..5 => vec![Afar::Handle(handle)],
                _ => vec![],
            },
            Afar::Join(mut join) => {
                let outcome = match random.below(6) {
                    0 => Some(join.wait(Duration::ZERO)),
                    1 | 2 => {
                        let waker = Waker::noop();
                        match Pin::new(&mut join).poll(&mut Context::from_waker(waker)) {
                            Poll::Ready(outcome) => Some(outcome),
                            Poll::Pending => None,
                        }
                    }
                    3 => {
                        join.cancel();
                        None
                    }
                    4 => {
                        join.is_finished();
                        None
                    }
                    _ => return vec![],
                };
                match outcome {
                    Some(Ok(bytes)) => assert_pattern(0, &bytes),
                    Some(Err(RemoteError::Timeout)) | None => return vec![Afar::Join(join)],
                    Some(Err(_)) => {}
                }
                vec![]
            }
        }
    }
}

/// The threads.
pub(crate) struct Elsewhere {
    senders: Vec<Sender<Afar>>,
    threads: Vec<JoinHandle<usize>>,
}

impl Elsewhere {
    pub(crate) fn start() -> Elsewhere {
        let (senders, threads) = (0..2)
            .map(|seed| {
                let (sender, receiver) = channel();
                (sender, std::thread::spawn(move || work(&receiver, Random(seed))))
            })
            .unzip();
        Elsewhere { senders, threads }
    }

    pub(crate) fn send(&self, thing: Afar, random: &mut Random) {
        self.senders[random.below(self.senders.len())].send(thing).unwrap();
    }

    /// Gives how often something was used.
    pub(crate) fn end(self) -> usize {
        drop(self.senders);
        self.threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    }
}

fn work(things: &Receiver<Afar>, mut random: Random) -> usize {
    let (mut kept, mut uses) = (Vec::new(), 0);
    let mut use_one = |kept: &mut Vec<Afar>| {
        let thing = kept.swap_remove(random.below(kept.len()));
        kept.extend(thing.used(&mut random));
        uses += 1;
    };
    while let Ok(thing) = things.recv() {
        kept.push(thing);
        for _ in 0..4 {
            if !kept.is_empty() {
                use_one(&mut kept);
            }
        }
        while kept.len() > KEPT {
            use_one(&mut kept);
        }
    }
    for _ in 0..KEPT {
        if !kept.is_empty() {
            use_one(&mut kept);
        }
    }
    uses
}
