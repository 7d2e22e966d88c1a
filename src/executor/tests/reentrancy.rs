//! User code that calls back into the executor.
//!
//! # Safety
//! The waker that misbehaves points to nothing: its data is a number.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{RawWaker, RawWakerVTable};

use super::*;
use crate::executor::{Executor, spawn as spawn_here, yield_now};

#[test]
fn a_destructor_may_spawn_wake_cancel_and_drop_handles() {
    let ex = executor();
    let drops = Drops::default();
    let victim = spawn(&ex, pending::<()>());
    let token = drops.token();
    let other = spawn(&ex, async move { token });
    let token = drops.token();
    let guard = on_drop(move || {
        drop(spawn_here(async move { drop(token) }));
        victim.cancel();
        victim.drop_now();
        drop(other);
    });
    let task = spawn(&ex, async move {
        let _guard = guard;
        pending::<()>().await
    });
    ex.run_ready(256);
    task.cancel();
    settle(&ex);
    assert_eq!(drops.count(), 2);
    assert_eq!(ex.tasks(), 0);
}

#[test]
fn an_outputs_destructor_may_do_the_same() {
    let ex = executor();
    let drops = Drops::default();
    let token = drops.token();
    drop(spawn(&ex, async move {
        on_drop(move || {
            drop(spawn_here(async move {
                yield_now().await;
                drop(token);
            }))
        })
    }));
    settle(&ex);
    assert_eq!(drops.count(), 1);
}

#[test]
fn a_task_may_turn_its_own_loop() {
    let ex = executor();
    let inner = ex.clone();
    let polls = Rc::new(Cell::new(0));
    let (count, depth) = (polls.clone(), Rc::new(Cell::new(0)));
    let _task = spawn(
        &ex,
        poll_fn(move |cx| {
            assert_eq!(depth.replace(1), 0, "it is polled from within its own poll");
            count.set(count.get() + 1);
            cx.waker().wake_by_ref();
            drop(spawn(&inner, async {}));
            inner.run_ready(256);
            depth.set(0);
            if count.get() == 3 { Poll::Ready(()) } else { Poll::Pending }
        }),
    );
    settle(&ex);
    assert_eq!(polls.get(), 3);
    assert_eq!(ex.tasks(), 0);
}

#[test]
fn a_task_may_drop_all_and_itself_goes_when_its_poll_ends() {
    let ex = executor();
    let drops = Drops::default();
    for _ in 0..3 {
        let token = drops.token();
        drop(spawn(&ex, async move {
            let _token = token;
            pending::<()>().await
        }));
    }
    let (inner, token, count) = (ex.clone(), drops.token(), drops.clone());
    let mut task = spawn(&ex, async move {
        let _token = token;
        inner.drop_all();
        assert_eq!(count.count(), 3);
        let mut refused = spawn_here(async {});
        assert!(poll_once(&mut refused).is_ready());
        pending::<()>().await
    });
    settle(&ex);
    assert_eq!(drops.count(), 4);
    assert!(matches!(poll_once(&mut task), Poll::Ready(Err(error)) if error.is_cancelled()));
}

#[test]
fn a_future_that_drops_its_own_handle_while_it_is_dropped() {
    let ex = executor();
    struct Ready<D>(Rc<()>, #[allow(dead_code, reason = "dropped with the future")] D);
    impl<D> Future for Ready<D> {
        type Output = Rc<()>;
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Rc<()>> {
            Poll::Ready(self.0.clone())
        }
    }
    let own: Rc<RefCell<Option<JoinHandle<Rc<()>>>>> = Rc::default();
    let inside = own.clone();
    let output = Rc::new(());
    let guard = on_drop(move || {
        let handle = inside.borrow_mut().take().unwrap();
        assert!(!handle.is_finished());
        assert!(!handle.cancel());
        handle.drop_now();
    });
    *own.borrow_mut() = Some(spawn(&ex, Ready(output.clone(), guard)));
    settle(&ex);
    assert!(own.borrow().is_none());
    assert_eq!(Rc::strong_count(&output), 1);
    assert_eq!(ex.tasks(), 0);
}

thread_local! {
    static HOOK: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
    /// Hooked wakers that are alive.
    static ALIVE: Cell<usize> = const { Cell::new(0) };
}

/// A waker that runs the hook when it is cloned, woken, or dropped, as the letter says.
fn hooked(at: char) -> Waker {
    fn fire(data: *const (), event: char) {
        ALIVE.set(if event == 'c' { ALIVE.get() + 1 } else { ALIVE.get() - 1 });
        if data.addr() == event as usize
            && let Some(hook) = HOOK.with(|hook| hook.borrow_mut().take())
        {
            hook();
        }
    }
    static VTABLE: RawWakerVTable = RawWakerVTable::new(
        |data| {
            fire(data, 'c');
            RawWaker::new(data, &VTABLE)
        },
        |data| fire(data, 'w'),
        |_| unreachable!("a joiner is woken by value"),
        |data| fire(data, 'd'),
    );
    ALIVE.set(ALIVE.get() + 1);
    #[allow(unsafe_code, reason = "a waker that misbehaves")]
    // SAFETY: the data is a number.
    unsafe {
        Waker::new(std::ptr::without_provenance(at as usize), &VTABLE)
    }
}

fn poll_with<T>(task: &mut JoinHandle<T>, waker: &Waker) -> Poll<bool> {
    Pin::new(task).poll(&mut Context::from_waker(waker)).map(|outcome| outcome.is_ok())
}

#[test]
fn the_task_may_finish_while_its_joiner_is_cloned() {
    let ex = executor();
    let mut task = spawn(&ex, async {});
    HOOK.set(Some(Box::new(move || settle(&ex))));
    assert_eq!(poll_with(&mut task, &hooked('c')), Poll::Ready(true));
    drop(task);
    assert_eq!(ALIVE.get(), 0, "a waker that nobody will wake was kept");
}

#[test]
fn the_task_may_finish_while_the_joiner_before_is_dropped() {
    let ex = executor();
    let mut task = spawn(&ex, async {});
    assert!(poll_with(&mut task, &hooked('d')).is_pending());
    let bell = Bell::new();
    HOOK.set(Some(Box::new(move || settle(&ex))));
    assert_eq!(poll_with(&mut task, &Waker::from(bell.clone())), Poll::Ready(true));
    assert_eq!(bell.rings(), 1);
}

#[test]
fn a_joiners_wake_may_take_the_outcome_and_turn_the_loop() {
    let ex = executor();
    let slot = Rc::new(RefCell::new(Some(spawn(&ex, async {}))));
    assert!(poll_with(slot.borrow_mut().as_mut().unwrap(), &hooked('w')).is_pending());
    let (inner, theirs) = (ex.clone(), slot.clone());
    HOOK.set(Some(Box::new(move || {
        let mut task = theirs.borrow_mut().take().unwrap();
        assert!(poll_with(&mut task, Waker::noop()).is_ready());
        drop(spawn(&inner, async {}));
        settle(&inner);
    })));
    settle(&ex);
    assert!(slot.borrow().is_none());
    assert_eq!(ex.tasks(), 0);
}

#[test]
fn the_executor_may_go_with_a_closure_that_holds_a_handle_to_it() {
    let ex = executor();
    let weak = Rc::downgrade(&ex);
    let remote = ex.remote();
    let inner = remote.clone();
    assert!(remote.push(Box::new(move || drop(inner))).is_ok());
    drop(ex);
    assert!(weak.upgrade().is_none());
    assert!(remote.push(Box::new(|| ())).is_err());
}

#[test]
fn destructors_that_run_in_the_executors_own_still_have_a_loop() {
    let ex: Rc<Executor> = executor();
    let outcome = Rc::new(Cell::new(false));
    let seen = outcome.clone();
    let guard = on_drop(move || seen.set(poll_once(spawn_here(async {})).is_ready()));
    drop(spawn(&ex, async move {
        let _guard = guard;
        pending::<()>().await
    }));
    ex.run_ready(256);
    drop(ex);
    assert!(outcome.get(), "a spawn while closing gives a handle that is cancelled");
}
