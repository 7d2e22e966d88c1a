//! The child's side of its pipes.

use std::io::{self, BufRead};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::{process, thread};

use crate::allocator::{self, Heap};
use crate::machine;
use crate::sample::Sample;

/// What the thread of a loop has counted so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count {
    heap: Heap,
    /// Calls of io_uring_enter(2), where the runtime makes and counts them.
    enters: Option<u64>,
}

impl Count {
    /// Of this thread.
    pub(crate) fn now(enters: Option<u64>) -> Count {
        Count { heap: allocator::heap(), enters }
    }

    fn sample(self) -> io::Result<Sample> {
        let sample = Sample::default()
            .with("allocations", self.heap.allocations as f64)
            .with("heap", self.heap.bytes as f64)
            .with("resident", machine::resident()? as f64);
        Ok(match self.enters {
            Some(enters) => sample.with("enters", enters as f64),
            None => sample,
        })
    }
}

/// Answers each line of standard input with what the loop has counted; ends this process when
/// standard input does. `ask` has the loop's thread send it; what it takes is allocated here, so
/// that the question does not show in the answer.
pub(crate) fn answer(ask: impl Fn(SyncSender<Count>) + Send + 'static) {
    thread::spawn(move || {
        for _ in io::stdin().lock().lines().map_while(Result::ok) {
            let (tell, told) = sync_channel(1);
            ask(tell);
            match told.recv().map_err(io::Error::other).and_then(Count::sample) {
                Ok(sample) => println!("{sample}"),
                Err(error) => eprintln!("no report: {error}"),
            }
        }
        process::exit(0);
    });
}

/// Ends this process when its standard input does.
pub(crate) fn end_with_parent() {
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        process::exit(0);
    });
}

/// Says what was found, and keeps what the process has open until the parent ends it.
pub(crate) fn say(sample: &Sample) -> ! {
    println!("{sample}");
    loop {
        thread::park();
    }
}
