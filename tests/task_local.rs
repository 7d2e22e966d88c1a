//! Values of tasks: inherited by clone, set during polls and drops, and nobody else's.

#[path = "support/watchdog.rs"]
mod watchdog;

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use ringio::{Runner, spawn, task_local, timeout, to_thread, yield_now};
use watchdog::bounded;

task_local! {
    static NUMBER: u32 = 7;
    /// Two in one declaration, one of them public.
    pub static WORD: String = "initial".to_owned()
}

#[test]
fn a_child_starts_with_a_clone_and_then_goes_its_own_way() {
    bounded(|| {
        ringio::run(async {
            assert_eq!(NUMBER.get(), 7);
            NUMBER.set(1);
            let child = spawn(async {
                assert_eq!((NUMBER.get(), WORD.get().as_str()), (1, "initial"));
                NUMBER.set(2);
                WORD.set("child".to_owned());
                yield_now().await;
                assert_eq!((NUMBER.get(), WORD.get().as_str()), (2, "child"));
                spawn(async { (NUMBER.get(), WORD.get()) }).await.unwrap()
            });
            // Set after the spawn: the child does not see it.
            NUMBER.set(3);
            assert_eq!(child.await.unwrap(), (2, "child".to_owned()));
            assert_eq!((NUMBER.get(), WORD.get().as_str()), (3, "initial"));
        });
    });
}

#[test]
fn each_poll_has_the_values_of_its_own_task() {
    bounded(|| {
        ringio::run(async {
            let tasks: Vec<_> = (0..50)
                .map(|number| {
                    spawn(async move {
                        NUMBER.set(number);
                        for _ in 0..20 {
                            yield_now().await;
                            assert_eq!(NUMBER.get(), number);
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            assert_eq!(NUMBER.get(), 7);
        });
    });
}

#[test]
fn an_eager_child_has_its_own_from_its_first_poll() {
    ringio::run(async {
        NUMBER.set(1);
        let child = ringio::task::Builder::new().eager().spawn(async {
            let inherited = NUMBER.get();
            NUMBER.set(2);
            inherited
        });
        assert!(child.is_finished());
        assert_eq!((NUMBER.get(), child.await.unwrap()), (1, 1));
    });
}

#[test]
fn main_s_values_stay_with_the_runner() {
    let mut runner = Runner::builder().build().unwrap();
    runner.run(async { NUMBER.set(1) }).unwrap();
    assert_eq!(NUMBER.get(), 7, "they are not the thread's");
    let child = runner.run(async {
        assert_eq!(NUMBER.get(), 1);
        NUMBER.set(2);
        [spawn(async { NUMBER.get() })]
    });
    let [child] = child.unwrap();
    assert_eq!(runner.run(child).unwrap().unwrap(), 2);
    let mut other = Runner::builder().build().unwrap();
    assert_eq!(other.run(async { NUMBER.get() }).unwrap(), 7);
    // Also after a panic.
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        runner.run(async {
            NUMBER.set(4);
            panic!("main gave up");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(runner.run(async { NUMBER.get() }).unwrap(), 4);
}

#[test]
fn outside_of_tasks_values_are_the_thread_s_and_a_runner_clones_them() {
    bounded(|| {
        NUMBER.set(5);
        assert_eq!(thread::spawn(|| NUMBER.get()).join().unwrap(), 7);
        let mut runner = Runner::builder().build().unwrap();
        NUMBER.set(6);
        assert_eq!(runner.run(async { NUMBER.get() }).unwrap(), 5);
        assert_eq!(ringio::run(async { NUMBER.get() }), 6);
        // What came from another thread is part of no task.
        let handle = runner.handle();
        let sent = thread::spawn(move || {
            NUMBER.set(8);
            handle.spawn(|| async { NUMBER.get() })
        });
        assert_eq!(runner.run(sent.join().unwrap()).unwrap().unwrap(), 6);
    });
}

#[test]
fn functions_on_other_threads_see_none() {
    bounded(|| {
        ringio::run(async {
            NUMBER.set(1);
            assert_eq!(to_thread(|| NUMBER.get()).await.unwrap(), 7);
        });
    });
}

#[test]
fn a_scope_s_value_is_there_in_its_polls_only() {
    bounded(|| {
        ringio::run(async {
            NUMBER.set(1);
            let mut scope = pin!(NUMBER.scope(2, async {
                assert_eq!(NUMBER.get(), 2);
                yield_now().await;
                assert_eq!(NUMBER.get(), 2);
                NUMBER.set(3);
                yield_now().await;
                let inner = NUMBER.scope(4, async { NUMBER.get() }).await;
                assert_eq!((NUMBER.get(), inner), (3, 4));
                spawn(async { NUMBER.get() }).await.unwrap()
            }));
            let inherited = poll_fn(|cx| {
                let polled = scope.as_mut().poll(cx);
                // Between its polls, and after its end.
                assert_eq!(NUMBER.get(), 1);
                polled
            });
            assert_eq!(inherited.await, 3);
            assert_eq!(NUMBER.get(), 1);
        });
    });
}

#[test]
fn two_scopes_in_one_task_do_not_meet() {
    ringio::run(async {
        let check = |number| {
            NUMBER.scope(number, async move {
                for _ in 0..5 {
                    yield_now().await;
                    assert_eq!(NUMBER.get(), number);
                }
            })
        };
        futures_util::join!(check(1), check(2));
        // One that a scope finds unset is unset after it.
        assert_eq!(NUMBER.get(), 7);
    });
}

#[test]
fn a_scope_that_panics_puts_the_value_back() {
    ringio::run(async {
        NUMBER.set(1);
        let scope = NUMBER.scope(2, async { panic!("inside") });
        let mut scope = pin!(scope);
        let mut cx = Context::from_waker(Waker::noop());
        let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _: Poll<()> = scope.as_mut().poll(&mut cx);
        }));
        assert!(polled.is_err());
        assert_eq!(NUMBER.get(), 1);
    });
}

/// Notes what the value is when it is dropped.
struct Notes(Rc<RefCell<Vec<u32>>>);

impl Drop for Notes {
    fn drop(&mut self) {
        self.0.borrow_mut().push(NUMBER.get());
    }
}

#[test]
fn destructors_see_the_values_of_their_task_or_scope() {
    bounded(|| {
        let noted: Rc<RefCell<Vec<u32>>> = Rc::default();
        let mut runner = Runner::builder().build().unwrap();
        let run = runner.run(async {
            NUMBER.set(1);
            let waits = |number| {
                let notes = Notes(noted.clone());
                async move {
                    NUMBER.set(number);
                    let _notes = notes;
                    pending::<()>().await;
                }
            };
            // Cancelled, timed out in a scope, dropped before and after its first poll.
            let cancelled = spawn(waits(2));
            yield_now().await;
            cancelled.cancel();
            assert!(cancelled.await.unwrap_err().is_cancelled());
            let limit = Duration::from_millis(1);
            assert!(timeout(limit, NUMBER.scope(0, waits(3))).await.is_err());
            let notes = Notes(noted.clone());
            drop(NUMBER.scope(4, async move { drop(notes) }));
            // Left over: it goes when the loop ends.
            spawn(waits(5));
            yield_now().await;
            assert_eq!(NUMBER.get(), 1);
        });
        run.unwrap();
        assert_eq!(*noted.borrow(), [2, 3, 4]);
        drop(runner);
        assert_eq!(*noted.borrow(), [2, 3, 4, 5]);
    });
}

static CLONES: AtomicUsize = AtomicUsize::new(0);
static ALIVE: AtomicUsize = AtomicUsize::new(0);

/// Counts its clones, and asks for its own key in its destructor.
struct Counted;

impl Counted {
    fn new() -> Counted {
        ALIVE.fetch_add(1, SeqCst);
        Counted
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        CLONES.fetch_add(1, SeqCst);
        Counted::new()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, SeqCst);
        NUMBER.with(|_| ());
    }
}

task_local! {
    static COUNTED: Counted = Counted::new();
}

#[test]
fn a_spawn_clones_each_value_once_and_they_go_with_their_tasks() {
    bounded(|| {
        let mut runner = Runner::builder().build().unwrap();
        let run = runner.run(async {
            spawn(async {}).await.unwrap();
            assert_eq!(CLONES.load(SeqCst), 0, "nothing to inherit");
            COUNTED.with(|_| ());
            assert_eq!((CLONES.load(SeqCst), ALIVE.load(SeqCst)), (0, 1));
            let tasks: Vec<_> = (0..10).map(|_| spawn(yield_now())).collect();
            assert_eq!((CLONES.load(SeqCst), ALIVE.load(SeqCst)), (10, 11));
            for task in &tasks {
                while !task.is_finished() {
                    yield_now().await;
                }
            }
            assert_eq!(ALIVE.load(SeqCst), 1, "gone with the tasks, not with their handles");
            drop(tasks);
            let _other = spawn(pending::<()>());
        });
        run.unwrap();
        assert_eq!(ALIVE.load(SeqCst), 2);
        drop(runner);
        assert_eq!(ALIVE.load(SeqCst), 0);
    });
}

#[test]
fn a_value_may_be_replaced_while_it_is_looked_at() {
    ringio::run(async {
        WORD.set("before".to_owned());
        WORD.with(|word| {
            WORD.set("after".to_owned());
            assert_eq!(word, "before");
        });
        assert_eq!(WORD.get(), "after");
    });
}

#[test]
fn what_is_not_set_is_made_once_in_a_task() {
    task_local! {
        static CELL: Cell<u32> = Cell::new(0);
    }
    ringio::run(async {
        CELL.with(|cell| cell.set(1));
        assert_eq!(CELL.with(Cell::get), 1);
        let child = spawn(async {
            CELL.with(|cell| cell.set(cell.get() + 1));
            CELL.with(Cell::get)
        });
        assert_eq!((child.await.unwrap(), CELL.with(Cell::get)), (2, 1));
    });
}
