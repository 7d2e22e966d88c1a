//! What the work needs of a runtime.

use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::LocalOptions;

use crate::sample::Sample;

use super::channel;
use super::meter::Meter;

pub(super) trait Runtime {
    type Error: Debug;
    type Join: Future<Output = Result<(), Self::Error>>;

    /// Runs a future on a loop of this thread.
    fn run<T>(main: impl Future<Output = T>) -> io::Result<T>;

    fn spawn(task: impl Future<Output = ()> + 'static) -> Self::Join;

    /// Asks a task to end.
    fn cancel(task: &Self::Join);

    fn sleep(time: Duration) -> impl Future<Output = ()> + 'static;

    /// There and back through a channel of the runtime's own, where it has one.
    async fn channel(meter: Meter) -> Sample;
}

/// With or without the spin.
pub(super) struct OnRingio<const SPINS: bool>;

impl<const SPINS: bool> Runtime for OnRingio<SPINS> {
    type Error = ringio::JoinError;
    type Join = ringio::JoinHandle<()>;

    fn run<T>(main: impl Future<Output = T>) -> io::Result<T> {
        let builder = ringio::Runner::builder();
        let builder = if SPINS { builder } else { builder.spin(Duration::ZERO) };
        builder.build()?.run(main).map_err(|error| io::Error::other(error.to_string()))
    }

    fn spawn(task: impl Future<Output = ()> + 'static) -> Self::Join {
        ringio::spawn(task)
    }

    fn cancel(task: &Self::Join) {
        task.cancel();
    }

    fn sleep(time: Duration) -> impl Future<Output = ()> + 'static {
        ringio::time::sleep(time)
    }

    async fn channel(meter: Meter) -> Sample {
        channel::of_ringio(meter).await
    }
}

pub(super) struct OnTokio;

impl Runtime for OnTokio {
    type Error = tokio::task::JoinError;
    type Join = tokio::task::JoinHandle<()>;

    fn run<T>(main: impl Future<Output = T>) -> io::Result<T> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build_local(LocalOptions::default())?;
        Ok(runtime.block_on(main))
    }

    fn spawn(task: impl Future<Output = ()> + 'static) -> Self::Join {
        tokio::task::spawn_local(task)
    }

    fn cancel(task: &Self::Join) {
        task.abort();
    }

    fn sleep(time: Duration) -> impl Future<Output = ()> + 'static {
        tokio::time::sleep(time)
    }

    async fn channel(meter: Meter) -> Sample {
        channel::of_tokio(meter).await
    }
}

/// Ready at its second poll. The same on both sides, so that the executors are compared and
/// nothing else.
pub(super) fn yield_now() -> Yield {
    Yield { yielded: false }
}

pub(super) struct Yield {
    yielded: bool,
}

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
