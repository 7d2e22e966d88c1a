//! The feature `tracing`: each task's polls are in a span of its own, reports are events.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use ringio::{Runner, spawn, task, yield_now};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Writes down what happens, in words.
#[derive(Clone, Default)]
struct Notes {
    lines: Arc<Mutex<Vec<String>>>,
    spans: Arc<AtomicU64>,
}

impl Notes {
    fn note(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }

    fn count(&self, line: &str) -> usize {
        self.lines.lock().unwrap().iter().filter(|known| *known == line).count()
    }
}

/// Fields as `name=value`, in the order in which they come.
#[derive(Default)]
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if !field.name().ends_with("file") && !field.name().ends_with("id") {
            self.0.push_str(&format!(" {}={value:?}", field.name()));
        }
    }
}

impl Subscriber for Notes {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("ringio")
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let id = self.spans.fetch_add(1, SeqCst) + 1;
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        self.note(format!("{id} is {}{}", attributes.metadata().name(), fields.0));
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.note(format!("event{}", fields.0));
    }

    fn enter(&self, id: &Id) {
        self.note(format!("enter {}", id.into_u64()));
    }

    fn exit(&self, id: &Id) {
        self.note(format!("exit {}", id.into_u64()));
    }
}

#[test]
fn a_task_has_a_span_and_a_report_is_an_event() {
    let notes = Notes::default();
    let mut line = 0;
    tracing::subscriber::with_default(notes.clone(), || {
        let builder = Runner::builder().name("chief").exception_handler(|_| ());
        let mut runner = builder.build().unwrap();
        let run = runner.run(async {
            line = line!() + 1;
            let child = task::Builder::new().name("child").spawn(async {
                yield_now().await;
                yield_now().await;
            });
            child.await.unwrap();
            let group = ringio::task_group::<(), (), _>(async |group| {
                drop(group.spawn(async { Ok(()) }));
                Ok(())
            });
            group.await.unwrap();
            drop(spawn(async { panic!("unseen") }));
            yield_now().await;
        });
        run.unwrap();
    });
    let lines = notes.lines.lock().unwrap().clone();
    let child = format!(" name=\"child\" spawned_at.line={line}");
    assert!(lines[0].starts_with("1 is task name=\"chief\""), "{lines:?}");
    assert!(lines.contains(&format!("2 is task{child}")), "{lines:?}");
    let of_group = format!("3 is task spawned_at.line={}", line + 6);
    assert!(lines.contains(&of_group), "{lines:?}");
    // Three polls, and the future's drop, which the last of them may or may not contain.
    assert!((3..=4).contains(&notes.count("enter 2")), "{lines:?}");
    assert_eq!(notes.count("enter 2"), notes.count("exit 2"));
    let event = |line: &&String| line.starts_with("event") && line.contains("unseen");
    assert_eq!(lines.iter().filter(event).count(), 1, "{lines:?}");
}
