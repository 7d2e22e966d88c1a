//! Tasks and reports, as spans and events of `tracing`.

use tracing::instrument::{Instrument, Instrumented};

use super::info::{Meta, Report};

/// Puts a task's polls, and its end, into a span of its own.
pub(super) fn task<F: Future>(meta: &Meta, future: F) -> Instrumented<F> {
    let place = meta.spawned_at;
    let span = tracing::trace_span!(
        target: "ringio::task",
        "task",
        name = meta.rare.as_ref().and_then(|rare| rare.name.as_deref()),
        spawned_at.file = place.file(),
        spawned_at.line = place.line(),
    );
    future.instrument(span)
}

/// Says what goes to the exception handler.
pub(super) fn report(report: &Report) {
    let task = report.task.as_ref();
    let place = task.map(|task| task.spawned_at());
    tracing::event!(
        target: "ringio",
        tracing::Level::WARN,
        message = report.message,
        task.id = task.map(|task| task.id().0.get()),
        task.name = task.and_then(|task| task.name()),
        spawned_at.file = place.map(|place| place.file()),
        spawned_at.line = place.map(|place| place.line()),
    );
}
