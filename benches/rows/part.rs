//! What a child does. It ends with its standard input, and so with its parent.

use std::io;

use clap::Parser;

use crate::{control, load, micro, serve};

#[derive(Debug, Parser)]
pub(crate) enum Part {
    /// A contestant that serves connections.
    Serve(serve::Serve),
    /// What is behind a proxy.
    Upstream(load::Upstream),
    /// Connections that each wait for the echo of what they have sent.
    Exchange(load::Exchange),
    /// Connections that only send.
    Stream(load::Stream),
    /// One connection that sends at a pace.
    Pace(load::Pace),
    /// Connections that come and go.
    Churn(load::Churn),
    /// Connections that are only there.
    Hold(load::Hold),
    /// A contestant that works by itself.
    Micro(micro::Micro),
}

impl Part {
    pub(crate) fn run(self) -> io::Result<()> {
        // A server also answers what comes there.
        if !matches!(self, Part::Serve(_)) {
            control::end_with_parent();
        }
        match self {
            Part::Serve(part) => part.run(),
            Part::Upstream(part) => part.run(),
            Part::Exchange(part) => part.run(),
            Part::Stream(part) => part.run(),
            Part::Pace(part) => part.run(),
            Part::Churn(part) => part.run(),
            Part::Hold(part) => part.run(),
            Part::Micro(part) => part.run(),
        }
    }
}
