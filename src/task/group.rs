//! Tasks that end together, and may borrow.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use super::owner::poll_body;
use crate::executor::current::report_of as report;
use crate::executor::owner::{Owner, Stage, surroundings};
use crate::executor::{self, Child, Children, Info, Keeper, Meta};
use crate::util::contain::{Payload, catch};

/// Runs `body` with a group to spawn tasks in, and ends when it and all of them have ended.
///
/// The children live inside this future and may borrow whatever outlives it, mutably too: neither
/// `'static` nor `Rc` is needed. They are tasks of their own, which run while this is awaited.
/// Children spawn more of them through a clone of the group; the group waits for those as well. They belong
/// to the loop on which they were spawned: once that has ended nothing wakes them any more.
///
/// The first error, of a child or of the body, cancels the other children and the body; when
/// all have ended it is given with every further one. A child that was cancelled alone, by
/// [`Child::cancel`], does not count. When the body has returned and no error came, the body's value is
/// given.
///
/// ```
/// use ringio::task_group;
///
/// ringio::run(async {
///     let words = vec!["one".to_owned(), "two".to_owned()];
///     let mut total = 0;
///     let counted: Result<_, ringio::GroupError<()>> = task_group(async |group| {
///         let children: Vec<_> =
///             words.iter().map(|word| group.spawn(async move { Ok(word.len()) })).collect();
///         group.spawn(async {
///             for child in children {
///                 total += child.await.unwrap_or(0);
///             }
///             Ok(())
///         });
///         Ok("counted")
///     })
///     .await;
///     assert_eq!((counted.unwrap(), total), ("counted", 6));
/// });
/// ```
///
/// Inside a child, use a clone of the group; borrowing the body's `group` there does not compile:
///
/// ```
/// use ringio::{TaskGroup, task_group};
///
/// /// Visits a tree, each node in a task of its own.
/// async fn visit<'env>(group: TaskGroup<'env, String>, depth: u32) -> Result<(), String> {
///     if depth == 0 {
///         return Err("reached the ground".to_owned());
///     }
///     group.spawn(visit(group.clone(), depth - 1));
///     Ok(())
/// }
///
/// ringio::run(async {
///     let failed = task_group(async |group| {
///         group.spawn(visit(group.clone(), 3));
///         Ok(())
///     });
///     assert_eq!(failed.await.unwrap_err().errors(), ["reached the ground"]);
/// });
/// ```
///
/// # Errors
/// [`GroupError`] with all errors, in the order in which they came; with none if the body was ended by
/// [`TaskGroup::cancel`].
///
/// # Panics
/// With the panic of a child or of the body, when the others were cancelled and have ended; the
/// first one, if there are several: the others are told to the exception handler. If a child is spawned
/// where no loop runs.
///
/// # Cancel safety
/// Dropping it drops the body, then the children, at once. What that loses is their matter; errors that
/// came before go with it. A panic that nobody has seen by then, or one of a destructor, is told to the
/// exception handler: dropping never panics.
#[doc(alias = "TaskGroup")]
#[doc(alias = "nursery")]
#[doc(alias = "JoinSet")]
pub async fn task_group<'env, T, E: 'env, F>(body: F) -> Result<T, GroupError<E>>
where
    F: for<'g> AsyncFnOnce(&'g TaskGroup<'env, E>) -> Result<T, E>,
{
    let group = TaskGroup { shared: Rc::new(Shared::new()) };
    let ending = Ending(&group.shared);
    let mut value = None;
    {
        let mut body = pin!(Some(body(&group)));
        let mut has_begun = false;
        poll_fn(|cx| {
            if !has_begun && surroundings() != Stage::Going {
                return Poll::Pending;
            }
            has_begun = true;
            group.shared.poll(cx, body.as_mut(), &mut value)
        })
        .await;
    }
    ending.in_order();
    let errors = group.shared.errors.take();
    match value {
        Some(value) if errors.is_empty() => Ok(value),
        _ => Err(GroupError { errors }),
    }
}

/// A group of tasks, to spawn more of them in; [`task_group`] makes one.
///
/// Clones are the same group. One that outlives the group's end spawns nothing any more.
pub struct TaskGroup<'env, E> {
    shared: Rc<Shared<'env, E>>,
}

impl<E> Clone for TaskGroup<'_, E> {
    fn clone(&self) -> Self {
        TaskGroup { shared: self.shared.clone() }
    }
}

impl<'env, E: 'env> TaskGroup<'env, E> {
    /// Starts a child, which first runs when the group has its turn.
    ///
    /// The child's error goes to the group; its value can be had by awaiting the [`Child`], which may
    /// be dropped. When the group is [closed](TaskGroup::is_closed) the future is dropped at once and
    /// the handle says [`Cancelled`](crate::JoinError::Cancelled).
    ///
    /// # Panics
    /// If no loop runs on this thread.
    #[doc(alias = "create_task")]
    #[doc(alias = "start_soon")]
    #[track_caller]
    pub fn spawn<T, F>(&self, future: F) -> Child<'env, T>
    where
        T: 'env,
        F: Future<Output = Result<T, E>> + 'env,
    {
        self.shared.children.spawn(&*self.shared, Meta::here(), future)
    }

    /// Asks all children to end, and the body, if it has not: [`task_group`] then gives what the body
    /// returned if it had returned before, and else a [`GroupError`] without errors.
    ///
    /// The group is closed from now on. The request is delivered on the next turn of each; what
    /// is ready before wins. Asking twice is asking once.
    ///
    /// ```
    /// ringio::run(async {
    ///     let ended = ringio::task_group::<(), (), _>(async |group| {
    ///         group.cancel();
    ///         std::future::pending().await
    ///     });
    ///     assert!(ended.await.unwrap_err().is_cancelled());
    /// });
    /// ```
    pub fn cancel(&self) {
        self.shared.stop();
    }

    /// Whether the group spawns nothing any more: it was cancelled, an error came, or it has ended.
    pub fn is_closed(&self) -> bool {
        self.shared.children.is_closed()
    }

    /// How many children have not ended.
    #[expect(clippy::len_without_is_empty, reason = "a group with no child may still get some")]
    pub fn len(&self) -> usize {
        self.shared.children.len()
    }
}

impl<E> fmt::Debug for TaskGroup<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup").field("children", &self.shared.children).finish()
    }
}

/// Whose panic it was, for the exception handler.
const WHO: &str = "a task of a group";

/// What the group's future, its clones and its children have in common.
struct Shared<'env, E> {
    children: Children<'env, Shared<'env, E>>,
    errors: RefCell<Vec<E>>,
    /// The first one, and whose it was. It is resumed when all have ended.
    panic: Cell<Option<(Payload, Option<Info>)>>,
    /// Asked to end when the group is to.
    body: Owner,
    /// Nobody looks at the panic any more.
    ended: Cell<bool>,
}

impl<E> Shared<'_, E> {
    fn new() -> Self {
        Shared {
            children: Children::new(),
            errors: RefCell::default(),
            panic: Cell::new(None),
            body: Owner::new(),
            ended: Cell::new(false),
        }
    }

    /// The body, then the children, until all have ended. The body's value goes to `value`.
    fn poll<T, B>(
        &self,
        cx: &mut Context<'_>,
        mut body: Pin<&mut Option<B>>,
        value: &mut Option<T>,
    ) -> Poll<()>
    where
        B: Future<Output = Result<T, E>>,
    {
        self.poll_body(cx, body.as_mut(), value);
        self.children.poll(self);
        if self.body.stage() == Stage::Asked {
            // A child has ended it: it has one more poll, in which a result wins, or clean-ups begin.
            self.poll_body(cx, body.as_mut(), value);
        }
        let running = body.is_some() || self.children.len() > 0;
        // Nothing goes on behind a group that ends because of an owner around it.
        if running || surroundings() == Stage::Ending {
            self.children.pend(cx);
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    fn poll_body<T, B>(
        &self,
        cx: &mut Context<'_>,
        mut body: Pin<&mut Option<B>>,
        value: &mut Option<T>,
    ) where
        B: Future<Output = Result<T, E>>,
    {
        if body.is_none() {
            return;
        }
        match catch(|| poll_body(&self.body, body.as_mut(), cx, |_| false)) {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(None)) => {}
            Ok(Poll::Ready(Some(Ok(returned)))) => *value = Some(returned),
            Ok(Poll::Ready(Some(Err(error)))) => self.failed(error),
            Err(payload) => {
                self.note_panic(payload);
                if let Err(payload) = catch(|| body.set(None)) {
                    self.note_panic(payload);
                }
            }
        }
    }

    fn note_panic(&self, payload: Payload) {
        match self.panic.take() {
            None => self.panic.set(Some((payload, executor::current()))),
            first => {
                self.panic.set(first);
                report(WHO, payload, executor::current());
            }
        }
        self.stop();
    }

    fn stop(&self) {
        if self.body.ask() {
            self.children.cancel_all();
        }
    }
}

impl<E> Keeper<E> for Shared<'_, E> {
    /// The error is kept, and ends the others.
    fn failed(&self, error: E) {
        self.errors.borrow_mut().push(error);
        self.stop();
    }

    fn panicked(&self, payload: Payload) -> Result<(), Payload> {
        if self.ended.get() {
            // The destructor of a future that came too late: its task's outcome.
            return Err(payload);
        }
        self.note_panic(payload);
        Ok(())
    }
}

/// Ends the group with its future: nothing of it runs or starts from then on.
struct Ending<'a, 'env, E>(&'a Shared<'env, E>);

impl<E> Ending<'_, '_, E> {
    /// All have ended: the first panic goes on.
    fn in_order(self) {
        if let Some((payload, _)) = self.0.panic.take() {
            drop(self);
            resume_unwind(payload);
        }
    }
}

impl<E> Drop for Ending<'_, '_, E> {
    fn drop(&mut self) {
        self.0.children.end_all(self.0);
        self.0.ended.set(true);
        // A destructor must not unwind, for it may run while its thread does.
        if let Some((payload, task)) = self.0.panic.take() {
            report(WHO, payload, task);
        }
    }
}

/// Why a [`task_group`] has no value: the errors of its children and of its body.
///
/// ```
/// ringio::run(async {
///     let failed = ringio::task_group::<(), _, _>(async |group| {
///         group.spawn(async { Err::<(), _>("child") });
///         std::future::pending().await
///     });
///     let error = failed.await.unwrap_err();
///     assert_eq!(error.errors(), ["child"]);
///     assert_eq!(error.to_string(), "one task of the group failed: child");
/// });
/// ```
#[doc(alias = "ExceptionGroup")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupError<E> {
    errors: Vec<E>,
}

impl<E> GroupError<E> {
    /// The errors in the order in which they came; none after [`TaskGroup::cancel`].
    pub fn errors(&self) -> &[E] {
        &self.errors
    }

    /// The errors themselves.
    pub fn into_errors(self) -> Vec<E> {
        self.errors
    }

    /// Whether the group was cancelled and nothing failed.
    pub fn is_cancelled(&self) -> bool {
        self.errors.is_empty()
    }
}

impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.errors {
            [] => f.write_str("the group was cancelled"),
            [error] => write!(f, "one task of the group failed: {error}"),
            [first, others @ ..] => {
                write!(f, "{} tasks of the group failed: {first}", self.errors.len())?;
                others.iter().try_for_each(|error| write!(f, "; {error}"))
            }
        }
    }
}

impl<E: Error> Error for GroupError<E> {}
