//! One connection that sends at a pace.

use std::hint::spin_loop;
use std::io::{self, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;

use crate::control;
use crate::slice::{Step, Watch};

use super::exchange::{histogram, sample};
use super::target::Target;

const BYTES: usize = 64;
/// A sleep ends late, by up to this much and seldom more: the rest is spun away.
const LATE: Duration = Duration::from_micros(200);

/// One request for each interval, or none at all.
#[derive(Args, Debug)]
pub(crate) struct Pace {
    #[command(flatten)]
    target: Target,
    /// Microseconds between two requests; without it the connection is only there.
    #[arg(long)]
    interval: Option<u64>,
}

impl Pace {
    pub(crate) fn run(self) -> io::Result<()> {
        self.target.pin()?;
        let mut socket = self.target.connect()?;
        let (message, mut echo) = ([0x5a; BYTES], [0; BYTES]);
        let mut ask = || socket.write_all(&message).and_then(|()| socket.read_exact(&mut echo));
        // Also where none is wanted: a connection that has been used.
        ask()?;
        let mut times = histogram();
        let mut watch = self.target.watch();
        let mut due = Instant::now();
        loop {
            match watch.step(Instant::now())? {
                Step::Go => {}
                Step::Begin => times.reset(),
                Step::End => break,
            }
            let Some(interval) = self.interval else {
                thread::sleep(watch.until().saturating_duration_since(Instant::now()));
                continue;
            };
            // One that has become late does not hurry after.
            due = (due + Duration::from_micros(interval)).max(Instant::now());
            if wait(due, &watch) {
                let sent = Instant::now();
                ask()?;
                times.saturating_record(sent.elapsed().as_nanos() as u64);
            }
        }
        control::say(&sample(watch.sample(times.len() as f64), &times))
    }
}

/// Waits until it is time, unless the watch wants to be looked at before.
fn wait(due: Instant, watch: &Watch) -> bool {
    let end = due.min(watch.until());
    thread::sleep(end.saturating_duration_since(Instant::now()).saturating_sub(LATE));
    while Instant::now() < end {
        spin_loop();
    }
    due == end
}
