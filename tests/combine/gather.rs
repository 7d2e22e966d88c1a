//! `gather` and `try_gather`.

use std::cell::{OnceCell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use ringio::{
    CancelScope, Cancelled, Runner, cancel_scope, gather, run, spawn, stats, task, try_gather,
    yield_now,
};

use crate::support::{Count, Gate, counted};
use crate::watchdog::bounded;

const MANY: usize = 10_000;

#[test]
fn outputs_come_in_the_order_of_the_futures() {
    run(async {
        let gates: Vec<Gate> = (0..100).map(|_| Gate::default()).collect();
        let opener = spawn({
            let gates = gates.clone();
            async move {
                for _ in 0..10 {
                    yield_now().await;
                }
                for gate in gates.iter().rev() {
                    gate.open();
                    yield_now().await;
                }
            }
        });
        let ended = RefCell::new(Vec::new());
        let outputs = gather(gates.iter().enumerate().map(async |(nth, gate)| {
            gate.passed().await;
            ended.borrow_mut().push(nth);
            nth
        }))
        .await;
        assert!(outputs.iter().copied().eq(0..100));
        assert!(ended.take().into_iter().eq((0..100).rev()), "they ended the other way round");
        opener.await.unwrap();
        assert_eq!(gather(Vec::<std::future::Ready<()>>::new()).await, []);
    });
}

#[test]
fn only_those_that_were_woken_are_polled() {
    run(async {
        let gates: Vec<Gate> = (0..MANY).map(|_| Gate::default()).collect();
        let polls = Count::default();
        let all = gather(gates.iter().map(|gate| counted(&polls, gate.passed())));
        let opener = async {
            while polls.get() < MANY {
                yield_now().await;
            }
            for (nth, gate) in gates.iter().enumerate() {
                gate.open();
                if nth % 100 == 0 {
                    yield_now().await;
                }
            }
        };
        ringio::join!(all, opener);
        assert_eq!(polls.get(), 2 * MANY, "once to begin and once when it was woken");
    });
}

#[test]
fn children_that_are_ready_leave_the_others_their_turns() {
    run(async {
        let turns = Count::default();
        let count = turns.clone();
        let other = spawn(async move {
            loop {
                count.add();
                yield_now().await;
            }
        });
        let polls = stats().polls;
        gather((0..MANY).map(async |_| yield_now().await)).await;
        assert!(stats().polls - polls >= 2 * MANY as u64, "a branch's poll is counted as one");
        // Each poll of the gathering task has at most 32 turns for its parts.
        assert!(turns.get() >= 2 * MANY / 32 - 2, "{turns:?}");
        other.cancel();
    });
}

#[test]
fn parts_that_use_the_task_s_budget_up_all_have_their_turn() {
    run(async {
        let done = Count::default();
        let spender = async || {
            for _ in 0..3 {
                let tasks: Vec<_> = (0..150).map(|_| spawn(async {})).collect();
                yield_now().await;
                for task in tasks {
                    task.await.unwrap();
                }
            }
            done.add();
        };
        // Each time one of them has used it up, the next one is asked first.
        let polls = stats().polls;
        gather((0..64).map(|_| spender())).await;
        let polls = stats().polls - polls;
        assert_eq!(done.get(), 64);
        // The tasks', and of each part about one for each 128 of those.
        assert!(polls < 64 * 450 + 64 * 3 * 10, "{polls}");
    });
}

#[test]
fn yielding_lets_other_tasks_run_first() {
    run(async {
        gather((0..3).map(async |_| {
            let other = spawn(async {});
            yield_now().await;
            assert!(other.is_finished());
        }))
        .await;
    });
}

#[test]
fn branches_are_parts_of_the_caller_s_task() {
    run(async {
        let me = task::current().unwrap().id();
        let seen = gather((0..2).map(async |_| {
            yield_now().await;
            (task::current().unwrap().id(), task::all().len())
        }));
        assert_eq!(seen.await, [(me, 1), (me, 1)]);
        assert_eq!(task::current().unwrap().id(), me);
    });
}

#[test]
fn the_first_error_ends_it_and_drops_the_others() {
    run(async {
        let dropped = Count::default();
        let failed = try_gather((0..100).map(|nth| {
            let token = dropped.on_drop();
            async move {
                let _token = token;
                if nth == 50 {
                    return Err(nth);
                }
                pending::<Result<(), i32>>().await
            }
        }));
        assert_eq!((failed.await, dropped.get()), (Err(50), 100));
        let fine = try_gather((0..3).map(async |nth| Ok::<_, ()>(nth)));
        assert_eq!(fine.await, Ok(vec![0, 1, 2]));
    });
}

#[test]
fn a_panic_is_the_gatherer_s() {
    let dropped = Count::default();
    let count = dropped.clone();
    let mut runner = Runner::builder().build().unwrap();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        runner.run(async move {
            gather((0..10).map(|nth| {
                let token = count.on_drop();
                async move {
                    let _token = token;
                    yield_now().await;
                    assert_ne!(nth, 5, "the sixth");
                    pending::<()>().await
                }
            }))
            .await
        })
    }));
    let payload = ended.unwrap_err();
    assert!(payload.downcast_ref::<String>().unwrap().contains("the sixth"));
    assert_eq!(dropped.get(), 10);
}

/// Polls once, in the task that awaits this.
async fn begin<F: Future>(mut future: Pin<&mut F>) {
    poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
}

#[test]
fn dropped_or_forgotten_in_the_midst() {
    let dropped = Count::default();
    let wakers = run(async {
        let wakers: RefCell<Vec<Waker>> = RefCell::default();
        for forget in [false, true] {
            let tokens: Vec<_> = (0..100).map(|_| dropped.on_drop()).collect();
            let mut all = Box::pin(gather(tokens.into_iter().map(async |token| {
                let _token = token;
                poll_fn(|cx| {
                    wakers.borrow_mut().push(cx.waker().clone());
                    Poll::<()>::Pending
                })
                .await
            })));
            for _ in 0..4 {
                begin(all.as_mut()).await;
                yield_now().await;
            }
            if forget {
                std::mem::forget(all);
            } else {
                drop(all);
            }
            assert_eq!(dropped.get(), 100, "the forgotten ones are never dropped");
            for waker in wakers.borrow().iter() {
                waker.wake_by_ref();
            }
            yield_now().await;
        }
        wakers.take()
    });
    // Behind the loop's end, here and elsewhere: nothing happens, and bare memory is freed.
    assert_eq!((wakers.len(), dropped.get()), (200, 100));
    std::thread::spawn(move || wakers.into_iter().for_each(Waker::wake)).join().unwrap();
}

#[test]
fn wakes_from_other_threads_arrive() {
    run(async {
        let wait = |nth: u64| async move {
            let mut thread = None;
            let woken = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
            poll_fn(move |cx: &mut Context<'_>| {
                use std::sync::atomic::Ordering::SeqCst;
                if woken.load(SeqCst) {
                    return Poll::Ready(nth);
                }
                let (waker, flag) = (cx.waker().clone(), woken.clone());
                thread.get_or_insert_with(|| {
                    std::thread::spawn(move || {
                        flag.store(true, SeqCst);
                        waker.wake();
                    })
                });
                Poll::Pending
            })
            .await
        };
        let sum: u64 = gather((0..20).map(wait)).await.into_iter().sum();
        assert_eq!(sum, 190);
    });
}

#[test]
fn tasks_go_on_behind_an_error() {
    run(async {
        let (gate, ended) = (Gate::default(), Count::default());
        let (pass, count) = (gate.clone(), ended.clone());
        let slow = spawn(async move {
            pass.passed().await;
            count.add();
        });
        let failing = spawn(async { panic!("as the test wants") });
        assert!(try_gather([failing, slow]).await.unwrap_err().is_panic());
        gate.open();
        yield_now().await;
        assert_eq!(ended.get(), 1, "its handle was dropped, and nothing else");
    });
}

#[test]
fn gathered_results_are_all_there_also_those_of_cancelled_tasks() {
    run(async {
        let results = gather([Ok(1), Err("two"), Ok(3)].map(async |result| result)).await;
        assert_eq!(results, [Ok(1), Err("two"), Ok(3)]);

        let tasks = [spawn(pending()), spawn(async { 2 })];
        tasks[0].cancel();
        let [first, second] = gather(tasks).await.try_into().unwrap();
        assert!(first.unwrap_err().is_cancelled());
        assert_eq!(second.unwrap(), 2);
    });
}

#[test]
fn a_task_that_has_gathered_cannot_be_cancelled() {
    run(async {
        let task = spawn(gather([async { 1 }]));
        yield_now().await;
        assert!(task.is_finished() && !task.cancel());
        assert_eq!(task.await.unwrap(), [1]);
    });
}

#[test]
fn outside_of_a_loop_it_panics() {
    let mut all = Box::pin(gather([async { 1 }]));
    let mut cx = Context::from_waker(Waker::noop());
    let ended = catch_unwind(AssertUnwindSafe(|| all.as_mut().poll(&mut cx).is_ready()));
    let payload = ended.unwrap_err();
    let words = payload.downcast_ref::<&str>().expect("a panic with words");
    assert!(words.contains("no ringio loop is running"), "{words}");
}

/// The scope has only borrowed it, and its end is not that of the parts.
#[test]
fn parts_that_were_held_back_start_when_it_goes_on() {
    let outputs = bounded(|| {
        run(async {
            let around = OnceCell::<CancelScope>::new();
            let part = async |n| {
                around.get().inspect(|scope| scope.cancel());
                n
            };
            let mut all = pin!(gather((0..3).map(part)));
            let first = cancel_scope(async |scope| {
                around.set(scope.clone()).expect("set once");
                all.as_mut().await
            });
            assert_eq!(first.await.err(), Some(Cancelled));
            all.await
        })
    });
    assert_eq!(outputs, [0, 1, 2]);
}
