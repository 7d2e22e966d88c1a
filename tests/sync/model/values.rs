//! What passes values on: broadcast, watch, and the cell whose value is made once.

use std::task::Poll;

use proptest::prelude::*;
use ringio::sync::broadcast::{self, BroadcastError};
use ringio::sync::{OnceCell, RecvError, oneshot, watch};

use super::programs;
use crate::by_hand::{Tasks, poll};

#[derive(Clone, Debug)]
enum Step {
    Send,
    Subscribe,
    Receive(usize),
    DropReceiver(usize),
    DropSender,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => Just(Step::Send),
        4 => Just(Step::Subscribe),
        16 => (0..9_usize).prop_map(Step::Receive),
        3 => (0..9_usize).prop_map(Step::DropReceiver),
        1 => Just(Step::DropSender),
    ]
}

/// Against the list of all that was ever sent.
#[test]
fn a_broadcast_does_as_the_model() {
    const KEPT: usize = 3;
    programs(step(), |steps| {
        let (sender, receiver) = broadcast::channel(KEPT);
        let mut senders = vec![sender.clone()];
        let mut receivers = vec![(receiver, 0)];
        let mut sender = Some(sender);
        let mut sent = 0;
        for step in steps {
            match step {
                Step::Send => {
                    let Some(sender) = senders.last() else { continue };
                    let all = receivers.len();
                    prop_assert_eq!(sender.send(sent), if all > 0 { Ok(all) } else { Err(sent) });
                    sent += usize::from(all > 0);
                }
                Step::Subscribe => {
                    receivers.extend(senders.last().map(|sender| (sender.subscribe(), sent)));
                }
                Step::Receive(nth) => {
                    let nth = nth % receivers.len().max(1);
                    let Some((receiver, next)) = receivers.get_mut(nth) else { continue };
                    let oldest = sent.saturating_sub(KEPT);
                    prop_assert_eq!(receiver.len(), sent - oldest.max(*next));
                    let expected = if *next < oldest {
                        let lost = oldest - *next;
                        *next = oldest;
                        Poll::Ready(Err(BroadcastError::Lagged(lost as u64)))
                    } else if *next < sent {
                        *next += 1;
                        Poll::Ready(Ok(*next - 1))
                    } else if senders.is_empty() {
                        Poll::Ready(Err(BroadcastError::Closed))
                    } else {
                        Poll::Pending
                    };
                    prop_assert_eq!(poll(std::pin::pin!(receiver.recv())), expected);
                }
                Step::DropReceiver(nth) => {
                    if !receivers.is_empty() {
                        drop(receivers.swap_remove(nth % receivers.len()));
                    }
                }
                Step::DropSender => {
                    // One of two, and then the other.
                    drop(sender.take().or_else(|| senders.pop()));
                }
            }
        }
        Ok(())
    });
}

/// Against the number of the latest.
#[test]
fn a_watch_does_as_the_model() {
    programs(step(), |steps| {
        let (sender, receiver) = watch::channel(0);
        let mut sender = Some(sender);
        let mut receivers = vec![(receiver, 0)];
        let mut latest = 0;
        for step in steps {
            match step {
                Step::Send => {
                    let Some(sender) = &sender else { continue };
                    let value = latest + 1;
                    let is_heard = !receivers.is_empty();
                    prop_assert_eq!(sender.send(value), if is_heard { Ok(()) } else { Err(value) });
                    latest += i32::from(is_heard);
                }
                Step::Subscribe => match &sender {
                    Some(sender) => receivers.push((sender.subscribe(), latest)),
                    None => receivers.extend(receivers.first().cloned()),
                },
                Step::Receive(nth) => {
                    let nth = nth % receivers.len().max(1);
                    let Some((receiver, seen)) = receivers.get_mut(nth) else { continue };
                    prop_assert_eq!(receiver.has_changed(), *seen != latest);
                    let expected = match (*seen != latest, &sender) {
                        (true, _) => Poll::Ready(Ok(())),
                        (false, Some(_)) => Poll::Pending,
                        (false, None) => Poll::Ready(Err(RecvError)),
                    };
                    *seen = latest;
                    prop_assert_eq!(poll(std::pin::pin!(receiver.changed())), expected);
                    prop_assert_eq!(*receiver.borrow(), latest);
                }
                Step::DropReceiver(nth) => {
                    if !receivers.is_empty() {
                        drop(receivers.swap_remove(nth % receivers.len()));
                    }
                }
                Step::DropSender => drop(sender.take()),
            }
        }
        Ok(())
    });
}

#[derive(Clone, Debug)]
enum Make {
    Ask,
    /// Whoever makes the value ends: with the value, or by being dropped.
    End(bool),
    Leave(usize),
    Run,
}

/// One at a time makes it, in order, until one comes to an end.
#[test]
fn a_cell_does_as_the_model() {
    let step = prop_oneof![
        5 => Just(Make::Ask),
        1 => any::<bool>().prop_map(Make::End),
        2 => (0..9_usize).prop_map(Make::Leave),
        2 => Just(Make::Run),
    ];
    programs(step, |steps| {
        let cell = OnceCell::new();
        let mut ends: Vec<Option<oneshot::Sender<usize>>> = Vec::new();
        let mut tasks = Tasks::new();
        // The first of the line makes the value, or will when it runs.
        let (mut line, mut value): (Vec<usize>, Option<usize>) = (Vec::new(), None);
        for step in steps {
            match step {
                Make::Ask => {
                    let (end, ended) = oneshot::channel();
                    ends.push(Some(end));
                    let make = async move || ended.await.unwrap();
                    let number = tasks.add(async { *cell.get_or_init(make).await });
                    let polled = tasks.poll(number);
                    prop_assert_eq!(polled, value.map_or(Poll::Pending, Poll::Ready));
                    if value.is_none() {
                        line.push(number);
                    }
                }
                Make::End(true) => {
                    let Some(first) = line.first().copied() else { continue };
                    let end = ends[first].take().unwrap();
                    prop_assert_eq!(end.send(first), Ok(()));
                    let mut ended = tasks.run();
                    ended.sort_unstable();
                    let all = line.drain(..).map(|number| (number, first));
                    prop_assert_eq!(ended, all.collect::<Vec<_>>());
                    value = Some(first);
                }
                Make::End(false) => {
                    if !line.is_empty() {
                        tasks.drop(line.remove(0));
                    }
                }
                Make::Leave(nth) => {
                    if !line.is_empty() {
                        tasks.drop(line.remove(nth % line.len()));
                    }
                }
                Make::Run => prop_assert_eq!(tasks.run(), vec![]),
            }
            prop_assert_eq!(cell.get(), value.as_ref());
            prop_assert_eq!(cell.waiters(), line.len().saturating_sub(1));
        }
        Ok(())
    });
}
