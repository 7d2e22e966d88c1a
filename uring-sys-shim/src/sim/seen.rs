//! [`Seen`]: what has happened in a simulated kernel.

use std::fmt;
use std::ops::AddAssign;

macro_rules! seen {
    ($($(#[$doc:meta])* $name:ident: $words:literal,)*) => {
        /// Counts of what has happened: that the hard cases really occurred, and how much was run.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Seen {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl AddAssign for Seen {
            fn add_assign(&mut self, other: Seen) {
                $(self.$name += other.$name;)*
            }
        }

        impl fmt::Display for Seen {
            /// One line for each count.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $(writeln!(f, "{:>14}  {}", self.$name, $words)?;)*
                Ok(())
            }
        }
    };
}

seen! {
    /// Nanoseconds of the virtual clock.
    nanos: "ns of virtual time",
    /// Calls of `enter`.
    enters: "enters",
    /// SQEs taken in.
    submitted: "operations submitted",
    /// CQEs posted.
    completed: "completions",
    /// Deliveries between the ends of connections, and acts of outside peers.
    events: "events of the network and of outside peers",
    /// `EBUSY`, `EAGAIN` or `EINTR` from `enter`.
    refused_enters: "enters that were refused or interrupted",
    /// Enters that took in only some of the queue.
    partial_submits: "partial submits",
    /// Receives that brought less than there was.
    short_reads: "short reads",
    /// Sends that ended before all was sent.
    short_writes: "short writes",
    /// Receives that found no buffer in their group.
    dry_groups: "receives that met a dry group",
    /// Completions that went to the overflow list.
    overflows: "completions that overflowed",
    /// Of those, while the program did not wait.
    overflows_awake: "completions that overflowed while the program did not wait",
    /// Multishot operations that ended for no reason.
    ended_multishots: "multishots that ended for no reason",
    /// Cancellations of operations that had ended.
    late_cancels: "cancellations that came too late",
    /// Cancelled operations that ended with `ECANCELED`.
    cancelled: "operations that were cancelled",
    /// Cancelled operations that moved bytes nevertheless.
    cancelled_with_data: "cancelled operations that moved data nevertheless",
    /// Accepts that met `EMFILE`.
    no_descriptors: "accepts without a free descriptor",
    /// Cancelled accepts that brought a connection.
    cancelled_accepts: "cancelled accepts that brought a connection",
    /// Connections made.
    connections: "connections",
    /// Connections that broke.
    resets: "resets",
    /// Connections made by connects that had been cancelled.
    connected_after_cancel: "cancelled connects that connected",
    /// Bytes that the program's sends moved.
    bytes_sent: "bytes sent",
    /// Bytes that the program's receives moved.
    bytes_received: "bytes received",
}
