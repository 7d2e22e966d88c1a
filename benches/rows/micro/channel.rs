//! There and back between two tasks of one loop, through what each runtime comes with: ringio's queue keeps
//! to one thread, tokio's channel may be used from others, too.

use std::rc::Rc;

use ringio::queue::Queue;
use tokio::sync::mpsc::unbounded_channel;

use crate::sample::Sample;

use super::meter::Meter;

const BATCH: u32 = 1_000;

pub(super) async fn of_ringio(meter: Meter) -> Sample {
    let (there, back) = (Rc::new(Queue::unbounded()), Rc::new(Queue::unbounded()));
    let (heard, answer) = (there.clone(), back.clone());
    drop(ringio::spawn(async move {
        while let Ok(message) = heard.get().await {
            answer.try_put(message).expect("it is open");
        }
    }));
    meter
        .of(BATCH, async || {
            for i in 0..BATCH {
                there.try_put(i).expect("it is open");
                assert_eq!(back.get().await, Ok(i));
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
