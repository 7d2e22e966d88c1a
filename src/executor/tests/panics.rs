use std::cell::RefCell;
use std::future::pending;
use std::pin::Pin;
use std::rc::Rc;

use super::*;
use crate::executor::{Builder, JoinError, Report, yield_now};

fn panicked<T>(outcome: Poll<Result<T, JoinError>>) -> Option<String> {
    match outcome {
        Poll::Ready(Err(error)) if error.is_panic() => {
            Some(error.into_panic().downcast_ref::<&str>().unwrap().to_string())
        }
        _ => None,
    }
}

fn reports(ex: &Executor) -> Rc<RefCell<Vec<Report>>> {
    let reports = Rc::new(RefCell::new(Vec::new()));
    let sink = reports.clone();
    ex.set_report(Rc::new(move |report| sink.borrow_mut().push(report)));
    reports
}

#[test]
fn a_panic_in_a_poll_goes_to_the_joiner_and_the_loop_lives() {
    let ex = executor();
    let reports = reports(&ex);
    let drops = Drops::default();
    let token = drops.token();
    let task = spawn(&ex, async move {
        let _token = token;
        yield_now().await;
        panic!("boom");
    });
    let other = spawn(&ex, async {
        yield_now().await;
        yield_now().await;
    });
    settle(&ex);
    assert_eq!(drops.count(), 1);
    assert!(other.is_finished());
    assert_eq!(panicked(poll_once(task)).unwrap(), "boom");
    assert!(reports.borrow().is_empty());
}

#[test]
fn a_panic_in_the_futures_destructor_is_the_outcome() {
    let ex = executor();
    let bomb = on_drop(|| panic!("destructor"));
    let task = spawn(&ex, async move {
        let _bomb = bomb;
        pending::<()>().await;
    });
    ex.run_ready(256);
    task.cancel();
    settle(&ex);
    assert_eq!(panicked(poll_once(task)).unwrap(), "destructor");

    struct Ready<D>(#[allow(dead_code, reason = "dropped with the future")] D, Drops);
    impl<D> Future for Ready<D> {
        type Output = Box<dyn std::any::Any>;
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
            Poll::Ready(Box::new(self.1.token()))
        }
    }
    let drops = Drops::default();
    let task = spawn(&ex, Ready(on_drop(|| panic!("late")), drops.clone()));
    settle(&ex);
    assert_eq!(drops.count(), 1, "the output that was ready is dropped");
    assert_eq!(panicked(poll_once(task)).unwrap(), "late");
}

#[test]
fn of_two_panics_the_first_is_kept() {
    struct Twice;
    impl Future for Twice {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            panic!("first");
        }
    }
    impl Drop for Twice {
        fn drop(&mut self) {
            panic!("second");
        }
    }
    let ex = executor();
    let task = spawn(&ex, Twice);
    settle(&ex);
    assert_eq!(panicked(poll_once(task)).unwrap(), "first");
}

#[test]
fn a_panic_in_the_outputs_destructor_is_contained() {
    let ex = executor();
    drop(spawn(&ex, async { on_drop(|| panic!("detached")) }));
    let finished = spawn(&ex, async { on_drop(|| panic!("finished")) });
    settle(&ex);
    drop(finished);
    assert_eq!(ex.tasks(), 0);
}

#[test]
fn a_payload_whose_destructor_panics_is_contained() {
    let ex = executor();
    drop(spawn(&ex, async {
        std::panic::panic_any(PanicsOnDrop);
    }));
    settle(&ex);
    struct PanicsOnDrop;
    impl Drop for PanicsOnDrop {
        fn drop(&mut self) {
            panic!("payload");
        }
    }
}

#[test]
fn a_joiner_whose_wake_panics_is_contained() {
    struct Bad;
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("waker");
        }
    }
    let ex = executor();
    let mut task = spawn(&ex, async { 1 });
    let waker = Waker::from(Arc::new(Bad));
    assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending());
    settle(&ex);
    assert!(matches!(poll_once(task), Poll::Ready(Ok(1))));
}

#[test]
fn panics_that_nobody_awaits_are_reported_once_with_name_and_place() {
    let ex = executor();
    let reports = reports(&ex);
    let _guard = ex.enter();
    let detached = Builder::new().name("detached");
    let (task, line) = (detached.spawn(async { panic!("one") }), line!());
    drop(task);
    let kept = Builder::new().name("kept").spawn(async { panic!("two {}", 2) });
    settle(&ex);
    assert_eq!(reports.borrow().len(), 1);
    drop(_guard);
    drop(kept);
    let reports = reports.borrow();
    assert_eq!(reports.len(), 2);
    assert!(reports[0].message.contains("one"));
    let info = reports[0].task.as_ref().unwrap();
    assert_eq!((info.name(), info.spawned_at().line()), (Some("detached"), line));
    assert!(reports[1].message.contains("two 2"));
}

#[test]
fn a_reporter_may_call_back_and_panic() {
    let ex = executor();
    let inner = ex.clone();
    ex.set_report(Rc::new(move |_| {
        drop(spawn(&inner, async {}));
        inner.set_report(Rc::new(|_| {}));
        panic!("reporter");
    }));
    drop(spawn(&ex, async { panic!("one") }));
    settle(&ex);
    assert_eq!(ex.tasks(), 0);
}

#[test]
fn an_eager_task_that_panics_does_not_reach_its_spawner() {
    let ex = executor();
    let _guard = ex.enter();
    let task = Builder::new().eager().spawn(async { panic!("eager") });
    assert_eq!(panicked(poll_once(task)).unwrap(), "eager");
    assert!(crate::executor::current().is_none());
}

#[test]
fn a_closure_that_panics_is_reported_and_the_next_one_runs() {
    let ex = executor();
    let reports = reports(&ex);
    let remote = ex.remote();
    let (sender, receiver) = std::sync::mpsc::channel();
    assert!(remote.push(Box::new(|| panic!("closure"))).is_ok());
    assert!(remote.push(Box::new(move || sender.send(1).unwrap())).is_ok());
    settle(&ex);
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(reports.borrow().len(), 1);
    assert!(reports.borrow()[0].task.is_none());
}
