//! [`Faults`]: what the simulated kernel does to the program, and how often.

use fastrand::Rng;

use crate::Caps;

/// What may go wrong, or merely differently. Chances are out of 1,000, drawn anew at each
/// opportunity.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Faults {
    /// A receive brings less than there is.
    pub short_read: u32,
    /// A send moves less than there is room for, and then goes on.
    pub slow_write: u32,
    /// A send ends before all is sent, in spite of `MSG_WAITALL`.
    pub short_write: u32,
    /// Not all that was queued is submitted, and the wait is cut short.
    pub partial_submit: u32,
    /// io_uring_enter(2) says `EBUSY` or `EAGAIN`.
    pub busy: u32,
    /// A signal ends a wait, or keeps it from beginning.
    pub interrupted: u32,
    /// A multishot operation ends though nothing is the matter.
    pub multishot_end: u32,
    /// An operation that could end while it is submitted parks first.
    pub park_first: u32,
    /// A parked operation that could end lets others go first.
    pub postpone: u32,
    /// A cancelled operation goes on for a while.
    pub late_cancel: u32,
    /// A cancellation completes behind what it has cancelled, and not before.
    pub cancel_last: u32,
    /// A group says `ENOBUFS` though it has buffers.
    pub no_buffers: u32,
    /// Accepting meets `EMFILE`.
    pub no_descriptor: u32,
    /// A connection dies in the backlog: `ECONNABORTED`.
    pub aborted_accept: u32,
    /// A connect is refused.
    pub refused: u32,
    /// A connection is reset, at each step of the world.
    pub reset: u32,
    /// Bytes that a connection holds in each direction before its sender has to wait.
    pub window: usize,
    /// Most places of a submission queue, and of a completion queue.
    pub queues: (u32, u32),
    /// What the rings can do.
    pub caps: Caps,
    /// No `user_data` may name two operations, one after the other, either: a late cancel could hit
    /// the second.
    pub unique_names: bool,
    /// Of the operations that can wait, the one of this number, from 0 on, never comes back.
    pub stuck: Option<u64>,
    /// More steps of the world than this are a livelock.
    pub steps: u64,
}

impl Faults {
    /// A kernel that is kind: everything comes at once, in order and whole.
    pub fn none() -> Faults {
        Faults {
            short_read: 0,
            slow_write: 0,
            short_write: 0,
            partial_submit: 0,
            busy: 0,
            interrupted: 0,
            multishot_end: 0,
            park_first: 0,
            postpone: 0,
            late_cancel: 0,
            cancel_last: 0,
            no_buffers: 0,
            no_descriptor: 0,
            aborted_accept: 0,
            refused: 0,
            reset: 0,
            window: 64 * 1024,
            queues: (u32::MAX, u32::MAX),
            caps: Caps::all(),
            unique_names: false,
            stuck: None,
            steps: 2_000_000,
        }
    }

    /// A kernel that is unkind in a way of its own for each seed, but breaks no connection: what
    /// is sent arrives.
    pub fn unkind(seed: u64) -> Faults {
        let mut rng = Rng::with_seed(seed ^ 0xfa17);
        // Each fault is off in some seeds, rare in some and frequent in others.
        let mut some = |most: u32| match rng.u32(0..4) {
            0 => 0,
            1 => rng.u32(0..=most / 8),
            _ => rng.u32(0..=most),
        };
        let mut faults = Faults {
            short_read: some(600),
            slow_write: some(600),
            short_write: some(200),
            partial_submit: some(200),
            busy: some(100),
            interrupted: some(200),
            multishot_end: some(300),
            park_first: some(900),
            postpone: some(700),
            late_cancel: some(900),
            cancel_last: some(900),
            no_buffers: some(200),
            unique_names: true,
            ..Faults::none()
        };
        faults.window = [2048, 4096, 64 * 1024, 1 << 20][rng.usize(0..4)];
        let submissions = [1, 2, 4, 16, 256][rng.usize(0..5)];
        let completions = [2, 4, 8, 64, 2048][rng.usize(0..5)];
        faults.queues = (submissions, completions.max(submissions));
        let tier = Caps::TIERS[rng.usize(0..Caps::TIERS.len())];
        faults.caps = Caps::tier(tier).unwrap_or(faults.caps);
        faults
    }

    /// As [`Faults::unkind`], and connections break, accepting fails, connects are refused.
    pub fn cruel(seed: u64) -> Faults {
        let mut rng = Rng::with_seed(seed ^ 0xc0de);
        Faults {
            no_descriptor: rng.u32(0..200),
            aborted_accept: rng.u32(0..100),
            refused: rng.u32(0..100),
            reset: rng.u32(0..6),
            ..Faults::unkind(seed)
        }
    }
}
