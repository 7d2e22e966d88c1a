//! What the macros `join!`, `try_join!` and `select!` are made of. Not for use by name.

use std::cell::Cell;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

pin_project! {
    /// A future of which the output is kept until the others have theirs.
    #[derive(Debug)]
    pub struct Joined<F: Future> {
        // Gone once it has ended: what it holds is not held until the others end.
        #[pin]
        future: Option<F>,
        output: Option<F::Output>,
    }
}

impl<F: Future> Joined<F> {
    /// A branch that has not begun.
    pub fn new(future: impl IntoFuture<IntoFuture = F>) -> Self {
        Joined { future: Some(future.into_future()), output: None }
    }

    /// Polls the future unless it has ended; whether it has.
    pub fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let mut this = self.project();
        if let Some(future) = this.future.as_mut().as_pin_mut() {
            let Poll::Ready(output) = future.poll(cx) else { return false };
            this.future.set(None);
            *this.output = Some(output);
        }
        true
    }

    /// The output of a future that has ended.
    ///
    /// # Panics
    /// If it has not, or the output was taken.
    pub fn take(self: Pin<&mut Self>) -> F::Output {
        self.project().output.take().expect("a branch's output is taken once, after its end")
    }
}

impl<T, E, F: Future<Output = Result<T, E>>> Joined<F> {
    /// As [`poll`](Joined::poll), but for an error, which is given at once.
    ///
    /// # Errors
    /// The future's own.
    pub fn try_poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Result<bool, E> {
        let ended = self.as_mut().poll(cx);
        match self.project().output {
            output @ Some(Err(_)) => match output.take() {
                Some(Err(error)) => Err(error),
                _ => Ok(ended),
            },
            _ => Ok(ended),
        }
    }

    /// The value of a future that has ended without an error.
    ///
    /// # Panics
    /// If it has not, or the value was taken.
    pub fn take_ok(self: Pin<&mut Self>) -> T {
        match self.take() {
            Ok(value) => value,
            Err(_) => unreachable!("an error ends `try_join!` at once"),
        }
    }
}

/// No output yet, for the branch of that number.
pub fn none<T>(_branch: u32) -> Option<T> {
    None
}

/// The output of the branch that won.
///
/// # Panics
/// If it is not there.
pub fn won<T>(output: Option<T>) -> T {
    output.expect("the branch that won has an output")
}

/// The branch that is polled first this time: by chance, for a fixed order would starve the last
/// ones whenever the first ones are always ready or use the task's budget up.
#[inline]
pub fn first_of(branches: u32) -> u32 {
    thread_local! {
        static STATE: Cell<u32> = const { Cell::new(0x9E37_79B9) };
    }
    // Xorshift (Marsaglia 2003): three shifts, and no state but this.
    let mut x = STATE.get();
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    STATE.set(x);
    ((u64::from(x) * u64::from(branches)) >> 32) as u32
}

/// Which of so many branches has a turn, counted from the one that was first.
#[inline]
pub fn wrapped(turn: u32, branches: u32) -> u32 {
    if turn < branches { turn } else { turn - branches }
}

#[cfg(test)]
mod tests {
    use super::first_of;

    #[test]
    fn every_branch_is_first_about_as_often() {
        for branches in 1..=16 {
            let mut times = [0_u32; 16];
            for _ in 0..branches * 1000 {
                times[first_of(branches) as usize] += 1;
            }
            let times = &times[..branches as usize];
            assert!(times.iter().all(|times| (850..1150).contains(times)), "{times:?}");
        }
    }
}
