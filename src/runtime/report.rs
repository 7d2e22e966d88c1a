//! Errors that nobody looked at.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::executor;

/// What is known about an error or a panic that nobody looked at.
///
/// # Examples
/// ```
/// let builder = ringio::Runner::builder().exception_handler(|context| {
///     eprintln!("{}, in the task {:?}", context.message, context.task);
/// });
/// assert_eq!(builder.build()?.run(async { 1 }).unwrap(), 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct ExceptionContext {
    /// What happened, in a sentence.
    pub message: String,
    /// The task's name, if it has one.
    pub task: Option<String>,
    /// The line of code that spawned the task.
    pub spawned_at: Option<&'static Location<'static>>,
}

impl From<executor::Report> for ExceptionContext {
    fn from(report: executor::Report) -> Self {
        let task = report.task.as_ref();
        ExceptionContext {
            task: task.and_then(|task| task.name()).map(str::to_owned),
            spawned_at: task.map(|task| task.spawned_at()),
            message: report.message,
        }
    }
}

impl fmt::Display for ExceptionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(task) = &self.task {
            write!(f, " (task \"{task}\")")?;
        }
        if let Some(place) = self.spawned_at {
            write!(f, " (spawned at {place})")?;
        }
        Ok(())
    }
}

/// Whom to tell.
#[derive(Clone)]
pub(crate) struct Handler(Arc<dyn Fn(&ExceptionContext) + Send + Sync>);

impl Handler {
    pub(crate) fn new(f: impl Fn(&ExceptionContext) + Send + Sync + 'static) -> Handler {
        Handler(Arc::new(f))
    }

    pub(crate) fn report(&self, report: executor::Report) {
        (self.0)(&report.into());
    }
}

impl Default for Handler {
    /// Prints to standard error.
    fn default() -> Self {
        Handler::new(|context| eprintln!("ringio: {context}"))
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handler")
    }
}
