//! Wakes, calls and tasks that come from outside while the loop is in the kernel.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use ringio::testing::sim::Faults;
use ringio::{RemoteHandle, spawn};

use crate::seeds::{occurred, seeds};
use crate::support::Random;

#[derive(Default)]
struct Mailbox {
    letters: usize,
    waker: Option<Waker>,
}

#[test]
fn no_wake_from_outside_is_lost() {
    // With a wake lost nothing can happen any more, which the simulated kernel tells.
    let seen = seeds("outside", 2000, Faults::unkind, |run| {
        let mut random = Random(run.random.next());
        let machine = run.machine.clone();
        let mut runner = run.builder().build().unwrap();
        let handle = runner.handle();
        let main = async move {
            let (mut tasks, mut calls) = (Vec::new(), 0);
            for _ in 0..1 + random.below(4) {
                let mailbox = Arc::new(Mutex::new(Mailbox::default()));
                let letters = 1 + random.below(10);
                tasks.push(spawn(receive(mailbox.clone(), letters)));
                calls += letters;
                let handle = handle.clone();
                let mut sent = 0;
                machine.outside(move |machine| {
                    sent += 1;
                    let kind = machine.random(3);
                    let (mailbox, handle) = (mailbox.clone(), handle.clone());
                    thread::spawn(move || deliver(&mailbox, &handle, kind)).join().unwrap();
                    let pause = Duration::from_nanos(machine.random(200_000) as u64);
                    (sent < letters).then_some(pause)
                });
            }
            for task in tasks {
                task.await.unwrap();
            }
            calls
        };
        assert!(runner.run(main).unwrap() > 0);
        // Other threads free some of what this one allocates: its own account does not close.
        run.forgets = true;
    });
    occurred(&seen, &[seen.events], 5000);
}

/// On a thread of its own: wakes in one of three ways.
fn deliver(mailbox: &Mutex<Mailbox>, handle: &RemoteHandle, kind: usize) {
    let waker = {
        let mut mailbox = mailbox.lock().unwrap();
        mailbox.letters += 1;
        mailbox.waker.clone()
    };
    match (waker, kind) {
        (Some(waker), 0) => waker.wake(),
        (Some(waker), 1) => waker.wake_by_ref(),
        (Some(waker), _) => handle.call(move || waker.wake()).unwrap(),
        (None, _) => {}
    }
}

async fn receive(mailbox: Arc<Mutex<Mailbox>>, letters: usize) {
    poll_fn(|cx| {
        let mut mailbox = mailbox.lock().unwrap();
        if mailbox.letters == letters {
            return Poll::Ready(());
        }
        mailbox.waker = Some(cx.waker().clone());
        Poll::Pending
    })
    .await;
}
