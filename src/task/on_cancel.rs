//! What must be done before a future that is asked to end is gone.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::executor::current::report;
use crate::executor::owner::{CleanUp, Stage, shelter, surroundings};
use crate::util::contain::catch;

/// Awaits `fut`; if an owner around is asked to end meanwhile, drops `fut` and runs `clean_up` to
/// its end first.
///
/// Owners are tasks, the children of a group, [`timeout`](crate::timeout) and
/// [`cancel_scope`](crate::cancel_scope). Of several clean-ups the innermost runs first, those in
/// parallel branches run side by side, and nothing behind this one goes on after it: then the owner
/// drops its future. All of them together have the time that
/// [`Builder::grace`](crate::Builder::grace) says, counted from the request.
///
/// A clean-up may wait, spawn, and use owners of its own; no request from outside concerns it. If
/// it panics the exception handler is told, and the owner ends as if it had not. Under an owner
/// that was asked to end before this is first polled, `fut` does not start.
///
/// ```
/// use std::cell::Cell;
///
/// ringio::run(async {
///     let unlocked = std::rc::Rc::new(Cell::new(false));
///     let seen = unlocked.clone();
///     let work = ringio::on_cancel(std::future::pending::<()>(), async move || {
///         ringio::yield_now().await; // a clean-up may wait
///         unlocked.set(true);
///     });
///     let task = ringio::spawn(work);
///     ringio::yield_now().await;
///     task.cancel();
///     assert!(task.await.unwrap_err().is_cancelled());
///     assert!(seen.get(), "the task has ended, clean-up included");
/// });
/// ```
///
/// # Cancel safety
/// Dropping the future (a lost `select`, say) drops `fut` and runs no clean-up: it is there for
/// requests. One that is forgotten (`mem::forget`) runs none either, and costs the owners around it their
/// whole grace when they are asked to end: it looks like one that waits.
#[doc(alias = "CancelledError")]
#[doc(alias = "finally")]
pub fn on_cancel<F: Future, C: AsyncFnOnce()>(
    fut: F,
    clean_up: C,
) -> impl Future<Output = F::Output> {
    OnCancel {
        fut: Some(fut),
        clean_up: Some(async move { clean_up().await }),
        post: CleanUp::new(),
        stage: Progress::New,
    }
}

pin_project! {
    /// ```text
    ///        first poll              asked, nothing within           its end, or a panic
    /// New ──────────────▶ Awaiting ──────────────────▶ Cleaning ──────────────▶ Ended
    ///  (not under an owner   │
    ///   that was asked)      ▼ fut is ready: its output
    /// ```
    struct OnCancel<F, C> {
        #[pin]
        fut: Option<F>,
        // It begins when it is first polled.
        #[pin]
        clean_up: Option<C>,
        post: CleanUp,
        stage: Progress,
    }
}

#[derive(Clone, Copy)]
enum Progress {
    New,
    Awaiting,
    Cleaning,
    Ended,
}

impl<F: Future, C: Future<Output = ()>> Future for OnCancel<F, C> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let Progress::New = this.stage {
            if surroundings() != Stage::Going {
                return Poll::Pending;
            }
            *this.stage = Progress::Awaiting;
        }
        if let Progress::Awaiting = this.stage {
            let is_asked = surroundings() == Stage::Ending;
            this.post.register(cx);
            if !(is_asked && this.post.poll_inner(cx).is_ready()) {
                let fut = this.fut.as_mut().as_pin_mut().expect("polled after it ended");
                match this.post.within(|| fut.poll(cx)) {
                    Poll::Ready(output) if !is_asked => {
                        this.post.end();
                        this.fut.set(None);
                        return Poll::Ready(output);
                    }
                    // It was polled for the sake of what is within.
                    Poll::Ready(output) => contain("the output of a future", || drop(output)),
                    Poll::Pending if !is_asked => return Poll::Pending,
                    Poll::Pending => ready!(this.post.poll_inner(cx)),
                }
            }
            *this.stage = Progress::Cleaning;
            contain("a destructor", || this.fut.set(None));
        }
        if let Progress::Cleaning = this.stage {
            this.post.register(cx);
            let clean_up = this.clean_up.as_mut().as_pin_mut();
            let poll = || clean_up.map_or(Poll::Ready(()), |clean_up| clean_up.poll(cx));
            match catch(|| shelter(poll)) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(())) => {}
                Err(payload) => report("a clean-up", payload),
            }
            *this.stage = Progress::Ended;
            contain("a destructor", || this.clean_up.set(None));
            this.post.end();
        }
        // Nothing goes on behind it.
        Poll::Pending
    }
}

/// Runs a destructor, whose panic must not keep a clean-up from running.
fn contain(who: &str, code: impl FnOnce()) {
    if let Err(payload) = catch(code) {
        report(who, payload);
    }
}
