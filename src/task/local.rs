//! Values that belong to a task and are inherited by those it spawns.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::executor::locals::{self, Key, Value};

/// Declares values that each task has for itself: [`LocalKey`]s.
///
/// A task starts with a clone of what the task that spawned it has at that moment. From then on
/// the two are strangers. A value that nobody has set is made by the initializer, in each task that
/// asks for it.
///
/// ```
/// ringio::task_local! {
///     /// On whose behalf this runs.
///     static USER: String = "nobody".to_owned();
/// }
///
/// ringio::run(async {
///     USER.set("ann".to_owned());
///     let task = ringio::spawn(async {
///         assert_eq!(USER.get(), "ann");
///         USER.set("bob".to_owned());
///     });
///     task.await.unwrap();
///     assert_eq!(USER.get(), "ann");
/// });
/// ```
#[doc(alias = "contextvars")]
#[doc(alias = "ContextVar")]
#[macro_export]
macro_rules! task_local {
    ($($(#[$meta:meta])* $vis:vis static $name:ident: $type:ty = $init:expr);+ $(;)?) => {
        $($(#[$meta])* $vis static $name: $crate::LocalKey<$type> =
            $crate::LocalKey { __init: || $init };)+
    };
}

/// A value of which each task has its own, made with [`task_local!`](crate::task_local).
///
/// The main future is a task, too; its values stay with the runner, so that the next run finds
/// them. Code outside of all tasks has values that belong to its thread, and a runner starts with a
/// clone of them. Functions on other threads (see [`to_thread`](crate::to_thread)) see none of their
/// caller's. A task's values are there while its future is polled and dropped, and go after that.
///
/// A task that uses none costs nothing.
///
/// ```
/// ringio::task_local! {
///     static DEPTH: u32 = 0;
/// }
/// assert_eq!(DEPTH.get(), 0);
/// ```
#[doc(alias = "ContextVar")]
pub struct LocalKey<T: 'static> {
    #[doc(hidden)]
    pub __init: fn() -> T,
}

impl<T: 'static> LocalKey<T> {
    fn key(&'static self) -> Key {
        std::ptr::from_ref(self).addr()
    }
}

impl<T: Clone + 'static> LocalKey<T> {
    /// A clone of the value.
    ///
    /// ```
    /// ringio::task_local! {
    ///     static WORD: &'static str = "initial";
    /// }
    /// ringio::run(async { assert_eq!(WORD.get(), "initial") });
    /// ```
    pub fn get(&'static self) -> T {
        self.with(T::clone)
    }

    /// Replaces the value, for this task and those that it spawns from now on.
    ///
    /// ```
    /// ringio::task_local! {
    ///     static WORD: &'static str = "initial";
    /// }
    /// let mut runner = ringio::Runner::builder().build()?;
    /// runner.run(async { WORD.set("other") }).unwrap();
    /// runner.run(async { assert_eq!(WORD.get(), "other", "it stays with the runner") }).unwrap();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn set(&'static self, value: T) {
        let mut value: Option<Rc<dyn Value>> = Some(Rc::new(value));
        locals::get().swap(self.key(), &mut value);
    }

    /// Looks at the value without a clone.
    ///
    /// ```
    /// ringio::task_local! {
    ///     static LIST: Vec<u32> = vec![1, 2, 3];
    /// }
    /// ringio::run(async { assert_eq!(LIST.with(|list| list.len()), 3) });
    /// ```
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        let locals = locals::get();
        let value = locals.get(self.key()).unwrap_or_else(|| {
            let value: Rc<dyn Value> = Rc::new((self.__init)());
            locals.swap(self.key(), &mut Some(value.clone()));
            value
        });
        let value: &dyn Any = &*value;
        match value.downcast_ref() {
            Some(value) => f(value),
            None => unreachable!("one key's values have one type"),
        }
    }

    /// Runs a future with another value; around its polls, and for others, the old one stands.
    ///
    /// What the future sets is its own, too. Its destructor runs with its value.
    ///
    /// # Cancel safety
    /// Dropping it drops `f`; what that loses is the matter of `f`.
    ///
    /// ```
    /// ringio::task_local! {
    ///     static USER: &'static str = "nobody";
    /// }
    /// ringio::run(async {
    ///     let inner = USER.scope("ann", async {
    ///         ringio::yield_now().await;
    ///         ringio::spawn(async { USER.get() }).await.unwrap()
    ///     });
    ///     assert_eq!(inner.await, "ann");
    ///     assert_eq!(USER.get(), "nobody");
    /// });
    /// ```
    pub fn scope<F: Future>(&'static self, value: T, f: F) -> Scope<T, F> {
        Scope { future: Some(f), key: self, value: Some(Rc::new(value)) }
    }
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalKey")
    }
}

pin_project! {
    /// The future of [`LocalKey::scope`].
    #[must_use = "nothing runs until it is awaited"]
    pub struct Scope<T, F>
    where
        T: 'static,
    {
        // Gone once it has ended.
        #[pin]
        future: Option<F>,
        key: &'static LocalKey<T>,
        // The future's value while it does not run, the others' while it does.
        value: Option<Rc<dyn Value>>,
    }

    impl<T, F> PinnedDrop for Scope<T, F>
    where
        T: 'static,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.future.is_some() {
                let _inside = Inside::enter(this.key.key(), this.value);
                this.future.set(None);
            }
        }
    }
}

impl<T: 'static, F: Future> Future for Scope<T, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let _inside = Inside::enter(this.key.key(), this.value);
        let future = this.future.as_mut().as_pin_mut().expect("a scope was polled after it ended");
        let polled = future.poll(cx);
        if polled.is_ready() {
            this.future.set(None);
        }
        polled
    }
}

impl<T: 'static, F> fmt::Debug for Scope<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("ended", &self.future.is_none()).finish_non_exhaustive()
    }
}

/// Keeps a value the running task's until this is dropped, which puts the one before back.
struct Inside<'a> {
    locals: Rc<locals::Locals>,
    key: Key,
    other: &'a mut Option<Rc<dyn Value>>,
}

impl<'a> Inside<'a> {
    fn enter(key: Key, value: &'a mut Option<Rc<dyn Value>>) -> Inside<'a> {
        let locals = locals::get();
        locals.swap(key, value);
        Inside { locals, key, other: value }
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.locals.swap(self.key, self.other);
    }
}
