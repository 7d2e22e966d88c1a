//! The loop's local handle, and what is known about its tasks.

#[path = "support/watchdog.rs"]
mod watchdog;

use std::cell::RefCell;
use std::future::pending;
use std::panic::catch_unwind;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use ringio::task::{self, State};
use ringio::{LoopClosed, Runner, event_loop, spawn, yield_now};
use watchdog::bounded;

#[test]
fn outside_a_loop_there_is_none() {
    let words = catch_unwind(|| drop(event_loop())).unwrap_err();
    assert!(words.downcast_ref::<&str>().unwrap().contains("no event loop runs"));
}

#[test]
fn a_handler_takes_the_place_of_the_builder_s_and_goes_with_the_loop() {
    static BEFORE: AtomicUsize = AtomicUsize::new(0);
    bounded(|| {
        let builder = Runner::builder().exception_handler(|_| {
            BEFORE.fetch_add(1, SeqCst);
        });
        let mut runner = builder.build().unwrap();
        // Not `Send`.
        let seen: Rc<RefCell<Vec<String>>> = Rc::default();
        let theirs = seen.clone();
        let run = runner.run(async move {
            drop(spawn(async { panic!("the first") }));
            yield_now().await;
            event_loop().set_exception_handler(move |context| {
                assert!(context.spawned_at.is_some());
                theirs.borrow_mut().push(context.to_string());
            });
            drop(task::Builder::new().name("late").spawn(async { panic!("the second") }));
            yield_now().await;
        });
        run.unwrap();
        assert_eq!((BEFORE.load(SeqCst), seen.borrow().len()), (1, 1));
        let report = seen.borrow()[0].clone();
        assert!(report.contains("the second") && report.contains("late"), "{report}");
        assert_eq!(Rc::strong_count(&seen), 2, "it is kept from run to run");
        drop(runner);
        assert_eq!(Rc::strong_count(&seen), 1);
    });
}

#[test]
fn its_remote_handle_is_that_of_the_loop() {
    bounded(|| {
        let mut runner = Runner::builder().build().unwrap();
        let (this, handle) = runner.run(async { (event_loop(), event_loop().handle()) }).unwrap();
        let sent = thread::spawn(move || handle.spawn(|| async { 6 * 7 })).join().unwrap();
        assert_eq!(runner.run(sent).unwrap().unwrap(), 42);
        drop(runner);
        assert_eq!(this.handle().call(|| ()), Err(LoopClosed));
        // What is set now goes nowhere, and does no harm.
        this.set_exception_handler(|_| ());
        this.set_debug(true);
        assert!(!this.debug());
    });
}

#[test]
fn tasks_say_where_they_stand_who_they_are_and_whose() {
    bounded(|| {
        ringio::run(async {
            let main = task::current().unwrap();
            assert_eq!((main.state(), main.parent()), (State::Running, None));
            let line = line!() + 1;
            let waits = task::Builder::new().name("waits").spawn(pending::<()>());
            let info = |id| task::all().into_iter().find(|task| task.id() == id);
            let waiting = info(waits.id()).unwrap();
            assert_eq!((waiting.state(), waiting.parent()), (State::Ready, Some(main.id())));
            assert_eq!((waiting.name(), waiting.spawned_at().line()), (Some("waits"), line));
            yield_now().await;
            assert_eq!(info(waits.id()).unwrap().state(), State::Waiting);
            waits.cancel();
            assert_eq!(info(waits.id()).unwrap().state(), State::Ready);
            let id = waits.id();
            assert!(waits.await.unwrap_err().is_cancelled());
            assert!(info(id).is_none(), "only the unfinished are listed");
            // In a destructor, the task that is ending is the current one.
            struct Says(Rc<RefCell<Option<State>>>);
            impl Drop for Says {
                fn drop(&mut self) {
                    *self.0.borrow_mut() = task::current().map(|task| task.state());
                }
            }
            let said = Rc::new(RefCell::new(None));
            let says = Says(said.clone());
            spawn(async move { drop(says) }).await.unwrap();
            assert_eq!(said.take(), Some(State::Running));
            let says = Says(said.clone());
            let ends = spawn(async move {
                let _says = says;
                pending::<()>().await;
            });
            yield_now().await;
            ends.cancel();
            assert!(ends.await.is_err());
            assert_eq!(said.take(), Some(State::Finished));
        });
    });
}
