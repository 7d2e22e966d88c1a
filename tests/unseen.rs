//! Errors and panics that nobody looked at are told to the exception handler, each once, with the
//! task's name and the place of its spawn; those that somebody has seen are not.

#[path = "support/watchdog.rs"]
mod watchdog;

use std::cell::RefCell;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::{pending, poll_fn};
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;

use ringio::{
    JoinError, JoinHandle, Runner, Until, event_loop, on_cancel, shield, spawn, task, wait,
    yield_now,
};
use watchdog::bounded;

/// Message, the task's name, and the line of its spawn if that is in this file.
type Report = (String, Option<String>, Option<u32>);
type Reports = Arc<Mutex<Vec<Report>>>;

fn reporting() -> (Runner, Reports) {
    let reports = Reports::default();
    let theirs = reports.clone();
    let builder = Runner::builder().exception_handler(move |context| {
        let line = context.spawned_at.filter(|place| place.file() == file!());
        let report = (context.message.clone(), context.task.clone(), line.map(|at| at.line()));
        theirs.lock().unwrap().push(report);
    });
    (builder.build().unwrap(), reports)
}

/// What is told while `main` runs and its runner ends.
fn told(main: impl AsyncFnOnce()) -> Vec<Report> {
    let (mut runner, reports) = reporting();
    runner.run(main()).unwrap();
    drop(runner);
    reports.lock().unwrap().split_off(0)
}

fn messages(main: impl AsyncFnOnce()) -> Vec<String> {
    told(main).into_iter().map(|(message, ..)| message).collect()
}

fn broken() -> io::Error {
    io::Error::other("broken")
}

async fn breaks() -> io::Result<()> {
    Err(broken())
}

fn never(words: &'static str) -> Result<(), Strange> {
    panic!("{words}")
}

async fn finished<T>(task: &JoinHandle<T>) {
    while !task.is_finished() {
        yield_now().await;
    }
}

#[test]
fn an_error_of_a_dropped_task_is_told_once_with_name_and_place() {
    bounded(|| {
        let mut lines = (0, 0);
        let reports = told(async || {
            lines.0 = line!() + 1;
            drop(task::Builder::new().name("copier").spawn(breaks()));
            lines.1 = line!() + 1;
            let late = spawn(breaks());
            finished(&late).await;
            drop(late);
            yield_now().await;
        });
        let failed = "a task failed: broken".to_owned();
        let first = (failed.clone(), Some("copier".to_owned()), Some(lines.0));
        assert_eq!(reports, [first, (failed, None, Some(lines.1))]);
    });
}

#[test]
fn what_somebody_has_seen_is_not_told() {
    bounded(|| {
        let reports = told(async || {
            assert!(spawn(breaks()).await.unwrap().is_err());
            let mut by_reference = spawn(breaks());
            assert!((&mut by_reference).await.unwrap().is_err());
            drop(by_reference);
            drop(spawn(async { Ok::<(), io::Error>(()) }));
            let ended = spawn(async { pending::<io::Result<()>>().await });
            ended.cancel();
            assert!(ended.await.unwrap_err().is_cancelled());
            spawn(pending::<io::Result<()>>()).cancel();
            yield_now().await;
        });
        assert_eq!(reports, []);
    });
}

/// asyncio forgets the exception of a task that is cancelled after it has failed.
#[test]
fn who_cancels_a_task_that_has_failed_wants_nothing_of_its_error() {
    bounded(|| {
        let told = messages(async || {
            let (failed, panicked) = (spawn(breaks()), spawn(async { panic!("a bug") }));
            finished(&failed).await;
            finished(&panicked).await;
            assert!(!failed.cancel());
            assert!(!panicked.cancel());
        });
        assert_eq!(told, ["a task panicked: a bug"]);
    });
}

#[test]
fn to_look_whether_it_has_ended_is_not_to_look_at_the_error() {
    bounded(|| {
        let told = messages(async || {
            let waited = wait([spawn(breaks())], Until::AllCompleted, None).await;
            assert!(waited.done[0].is_finished());
        });
        assert_eq!(told, ["a task failed: broken"]);
    });
}

#[test]
fn of_a_dropped_shield_the_error_is_told_once() {
    bounded(|| {
        let told = messages(async || {
            let outer = shield(async {
                yield_now().await;
                breaks().await
            });
            let outer = spawn(outer);
            yield_now().await;
            outer.cancel();
            assert!(outer.await.unwrap_err().is_cancelled());
            yield_now().await;
            yield_now().await;
        });
        assert_eq!(told, ["a task failed: broken"]);
    });
}

/// Its handle may live in a task, which goes with the runner, or outside, and go after it.
#[test]
fn a_handle_that_outlives_the_task_tells_when_it_goes() {
    bounded(|| {
        let (mut runner, reports) = reporting();
        let outside = runner.run(async {
            let kept = spawn(breaks());
            finished(&kept).await;
            drop(spawn(async move {
                pending::<()>().await;
                drop(kept);
            }));
            yield_now().await;
            let outside = spawn(async { Err::<(), _>("outside") });
            finished(&outside).await;
            [outside]
        });
        assert_eq!(reports.lock().unwrap().len(), 0);
        drop(runner);
        assert_eq!(reports.lock().unwrap()[0].0, "a task failed: broken");
        assert_eq!(reports.lock().unwrap().len(), 1);
        drop(outside.unwrap());
        assert_eq!(reports.lock().unwrap()[1].0, "a task failed: outside");
        assert_eq!(reports.lock().unwrap().len(), 2);
    });
}

#[test]
fn what_fails_while_the_runner_closes_is_told_and_main_s_result_is_unaffected() {
    bounded(|| {
        let (mut runner, reports) = reporting();
        let result = runner.run(async {
            let unlucky = OnDrop(|| panic!("in a destructor"));
            drop(spawn(async {
                let _unlucky = unlucky;
                pending::<()>().await;
            }));
            drop(spawn(on_cancel(pending::<()>(), async || panic!("in a clean-up"))));
            // A task with clean-ups has a last turn, in which a result wins.
            let mut polls = 0;
            let fails = poll_fn(move |_| {
                polls += 1;
                if polls > 1 { Poll::Ready(Err::<(), _>(broken())) } else { Poll::Pending }
            });
            drop(spawn(async {
                ringio::select! {
                    result = fails => result,
                    () = on_cancel(pending(), async || ()) => Ok(()),
                }
            }));
            yield_now().await;
            drop(spawn(async { unreachable!("it never starts") }));
            6 * 7
        });
        assert_eq!(result.unwrap(), 42);
        assert!(reports.lock().unwrap().is_empty());
        drop(runner);
        let mut reports = reports.lock().unwrap().split_off(0);
        reports.sort();
        let words: Vec<_> = reports.iter().map(|(words, ..)| &words[..]).collect();
        let clean_up = "a clean-up panicked: in a clean-up";
        let destructor = "a task panicked: in a destructor";
        assert_eq!(words, [clean_up, "a task failed: broken", destructor]);
        assert!(reports.iter().all(|(.., line)| line.is_some()));
    });
}

/// Calls a function when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Has causes, as errors of libraries do.
#[derive(Debug)]
struct Outer(io::Error);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("outer")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn the_usual_results_are_known_and_causes_are_told() {
    bounded(|| {
        let told = messages(async || {
            drop(spawn(async { Err::<(), io::Error>(broken()) }));
            drop(spawn(async { Err::<(), Box<dyn Error>>(Box::new(Outer(broken()))) }));
            drop(spawn(async { Err::<(), Box<dyn Error + Send>>(Box::new(Outer(broken()))) }));
            let both = async { Err::<u64, Box<dyn Error + Send + Sync>>("both".into()) };
            drop(spawn(both));
            drop(spawn(async { Err::<Infallible, _>("text".to_owned()) }));
            drop(spawn(async { Err::<Vec<u8>, _>("str") }));
            drop(spawn(async { Err::<usize, _>(fmt::Error) }));
            drop(spawn(async { Err::<bool, _>(JoinError::Cancelled) }));
            yield_now().await;
        });
        let words = [
            "broken",
            "outer: broken",
            "outer: broken",
            "both",
            "text",
            "str",
            "an error occurred when formatting an argument",
            "the task was cancelled",
        ];
        assert_eq!(told, words.map(|words| format!("a task failed: {words}")));
    });
}

#[derive(Debug)]
#[expect(dead_code, reason = "it is printed")]
struct Strange(u32);

#[test]
fn errors_of_other_types_are_told_when_they_are_asked_for() {
    bounded(|| {
        let told = messages(async || {
            drop(spawn(async { Err::<(), _>(Strange(1)) }));
            spawn(async { Err::<(), _>(Strange(2)) }).report_errors();
            let late = spawn(async { Err::<Rc<u8>, _>(Strange(3)) }).report_errors();
            let named = task::Builder::new().name("named").spawn(breaks()).report_errors();
            let seen = spawn(async { Err::<(), _>(Strange(4)) }).report_errors();
            assert!(seen.await.unwrap().is_err());
            let cancelled = spawn(pending::<Result<(), Strange>>()).report_errors();
            cancelled.cancel();
            spawn(async { Ok::<(), Strange>(()) }).report_errors();
            spawn(async { never("in place of a result") }).report_errors();
            finished(&late).await;
            drop(late);
            drop(named);
            yield_now().await;
        });
        let broken = "a task failed: Custom { kind: Other, error: \"broken\" }";
        let panicked = "a task panicked: in place of a result";
        let (two, three) = ("a task failed: Strange(2)", "a task failed: Strange(3)");
        assert_eq!(told, [two, three, broken, panicked]);
    });
}

/// Prints badly.
struct Explosive;

impl fmt::Debug for Explosive {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("while it is printed")
    }
}

#[test]
fn an_error_that_cannot_be_printed_is_told_all_the_same() {
    bounded(|| {
        let told = messages(async || {
            spawn(async { Err::<(), _>(Explosive) }).report_errors();
            yield_now().await;
        });
        assert_eq!(told, ["a task failed: an error that panics when it is printed"]);
    });
}

#[test]
fn a_function_on_another_thread_that_panics_is_told_when_nobody_awaits_it() {
    bounded(|| {
        let told = messages(async || {
            let panics = || ringio::to_thread(|| never("elsewhere"));
            assert!(panics().await.unwrap_err().is_panic());
            let unseen = panics();
            while !unseen.is_finished() {
                yield_now().await;
            }
            drop(unseen);
            // It goes while the function runs, and its loop is about to end.
            let (begin, begun) = mpsc::channel();
            let (go, gone) = mpsc::channel::<()>();
            let dropped = ringio::to_thread(move || {
                begin.send(()).unwrap();
                assert!(gone.recv().is_err());
                never("at the end")
            });
            begun.recv().unwrap();
            drop(dropped);
            drop(ringio::to_thread(|| Err::<(), _>("an error is a result like any other")));
            drop(go);
        });
        let words = ["elsewhere", "at the end"];
        assert_eq!(
            told,
            words.map(|words| format!("a function on another thread panicked: {words}"))
        );
    });
}

#[test]
fn the_running_loop_s_own_handler_comes_first() {
    bounded(|| {
        let (mut runner, reports) = reporting();
        let heard = Rc::new(RefCell::new(Vec::new()));
        let theirs = heard.clone();
        let kept = runner.run(async move {
            event_loop().set_exception_handler(move |context| {
                theirs.borrow_mut().push(context.message.clone());
            });
            drop(spawn(breaks()));
            let kept = spawn(breaks());
            finished(&kept).await;
            [kept]
        });
        drop(runner);
        assert_eq!(*heard.borrow(), ["a task failed: broken"]);
        assert!(reports.lock().unwrap().is_empty());
        // That handler went with its loop: now it is the builder's turn.
        drop(kept);
        assert_eq!(reports.lock().unwrap().len(), 1);
    });
}

#[test]
fn a_task_from_another_thread_tells_when_nobody_has_looked() {
    bounded(|| {
        let (mut runner, reports) = reporting();
        let handle = runner.handle();
        let line = line!() + 1;
        let fails = || handle.spawn(|| async { Err::<(), _>("remote") });
        let count = || reports.lock().unwrap().len();
        // Its join goes before it ends, after that, or never before the loop does.
        drop(fails());
        let (mut seen, late, kept) = (fails(), fails(), fails());
        let run = |runner: &mut Runner, holds: &dyn Fn() -> bool| {
            let turned = runner.run(async {
                while !holds() {
                    yield_now().await;
                }
            });
            turned.unwrap();
        };
        run(&mut runner, &|| late.is_finished() && seen.is_finished() && kept.is_finished());
        run(&mut runner, &|| count() == 1);
        assert!(seen.wait(None).unwrap().is_err());
        drop(seen);
        assert_eq!(count(), 1);
        drop(late);
        run(&mut runner, &|| count() == 2);
        drop(runner);
        assert_eq!(count(), 3);
        drop(kept);
        let reports = reports.lock().unwrap();
        assert_eq!(*reports, vec![("a task failed: remote".to_owned(), None, Some(line)); 3]);
    });
}

#[test]
fn a_remote_panic_that_came_and_was_not_looked_at_is_told() {
    bounded(|| {
        let (mut runner, reports) = reporting();
        let join = runner.handle().spawn(|| async { never("unseen").unwrap_or(()) });
        while !join.is_finished() {
            runner.run(yield_now()).unwrap();
        }
        assert!(reports.lock().unwrap().is_empty());
        drop(join);
        while reports.lock().unwrap().is_empty() {
            runner.run(yield_now()).unwrap();
        }
        drop(runner);
        assert_eq!(reports.lock().unwrap().len(), 1);
        assert_eq!(reports.lock().unwrap()[0].0, "a task panicked: unseen");
    });
}
