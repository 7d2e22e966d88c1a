//! [`Support`]: what this machine's kernel offers.

use std::fmt;
use std::io;
use std::sync::OnceLock;

use crate::caps::Caps;
use crate::circumstances::release;
use crate::kernel::KernelRing;
use crate::probe;
use crate::ring::Ring;
use crate::setup::Setup;

/// A feature, its name, and what serves in its place; `None` where nothing has a use for it yet.
pub(crate) const FEATURES: &[(Caps, &str, Option<&str>)] = &[
    (Caps::NO_SQARRAY, "queue without index array", Some("an index array")),
    (Caps::SOCKET_OPTION, "setsockopt in the ring", Some("setsockopt(2)")),
    (Caps::READ_MULTISHOT, "multishot read", None),
    (Caps::WAITID, "waitid in the ring", None),
    (Caps::FTRUNCATE, "ftruncate in the ring", None),
    (Caps::BUNDLE, "send and receive bundles", None),
    (Caps::ACCEPT_DONTWAIT, "accept without waiting", None),
    (Caps::RING_BIND_LISTEN, "bind and listen in the ring", Some("bind(2) and listen(2)")),
    (Caps::INCREMENTAL, "incremental buffers", Some("a whole buffer for each receive")),
    (Caps::MIN_WAIT, "minimal wait", None),
    (Caps::ABS_TIMER, "wait until a point in time", Some("wait for a duration")),
    (Caps::NO_IOWAIT, "idle is not iowait", Some("idle loops show as iowait")),
    (Caps::PIPE, "pipe in the ring", None),
    (Caps::RECV_CAPS, "multishot receive with limits", Some("one-shot receives")),
    (Caps::SEND_VECTORIZED, "vectored send", Some("sendmsg")),
    (Caps::QUERY, "query without a ring", Some("trying")),
    (Caps::MSG_RING, "messages between rings", Some("an eventfd")),
    (Caps::SUBMIT_ALL, "a refusal does not end a batch", Some("submitting again")),
];

/// The kernel's features as found, and which of them rings may use.
///
/// Its `Display` is a table, or the reason why no ring can be made.
///
/// ```
/// println!("{}", uring_sys_shim::support());
/// ```
#[derive(Debug)]
pub struct Support {
    release: String,
    /// Found and used.
    caps: Result<(Caps, Caps), io::Error>,
}

/// Finds out what this machine supports, once per process, by making a small ring.
pub fn support() -> &'static Support {
    static SUPPORT: OnceLock<Support> = OnceLock::new();
    SUPPORT.get_or_init(|| Support { release: release(), caps: found_and_used() })
}

fn found_and_used() -> io::Result<(Caps, Caps)> {
    let small = Setup::with_entries(8);
    let used = KernelRing::new(&small)?.caps();
    let found = KernelRing::unprobed(&small, Caps::all())?.caps() | probe::abilities();
    Ok((found, used))
}

impl Support {
    /// The kernel's release, such as `6.18.1`.
    pub fn kernel(&self) -> &str {
        &self.release
    }

    /// What the kernel has; `None` if no ring can be made.
    pub fn found(&self) -> Option<Caps> {
        self.caps.as_ref().ok().map(|caps| caps.0)
    }

    /// What rings may use: what was found, limited by `RINGIO_CAPS`.
    pub fn used(&self) -> Option<Caps> {
        self.caps.as_ref().ok().map(|caps| caps.1)
    }

    /// Why no ring can be made, if so.
    pub fn error(&self) -> Option<&io::Error> {
        self.caps.as_ref().err()
    }
}

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (found, used) = match &self.caps {
            Ok(caps) => caps,
            Err(error) => return writeln!(f, "Linux {}: no io_uring. {error}", self.release),
        };
        writeln!(f, "Linux {}", self.release)?;
        writeln!(f, "{:<32} {:<5} {:<5} instead", "feature", "found", "used")?;
        let yes = |yes| if yes { "yes" } else { "no" };
        for &(cap, name, substitute) in FEATURES {
            let is_used = used.contains(cap) && substitute.is_some();
            let instead = match substitute {
                None => "(nothing has a use for it yet)",
                Some(_) if is_used => "",
                Some(substitute) => substitute,
            };
            let line =
                format!("{name:<32} {:<5} {:<5} {instead}", yes(found.contains(cap)), yes(is_used));
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capability_has_a_line() {
        let listed = FEATURES.iter().fold(Caps::empty(), |all, (cap, ..)| all | *cap);
        assert_eq!(listed, Caps::all());
    }

    #[test]
    fn the_table_tells_found_from_used() {
        let caps = Ok((Caps::all(), Caps::tier("6.1").unwrap()));
        let table = Support { release: "6.18.0".into(), caps }.to_string();
        let line = table.lines().find(|line| line.starts_with("vectored send")).unwrap();
        assert_eq!(line.split_whitespace().collect::<Vec<_>>()[2..], ["yes", "no", "sendmsg"]);
        assert!(table.lines().all(|line| line.len() <= 100));
    }

    #[test]
    fn without_a_ring_the_reason_is_shown() {
        let caps = Err(io::Error::other("the reason"));
        let support = Support { release: "5.4.0".into(), caps };
        assert!(support.to_string().contains("the reason"));
        assert_eq!((support.found(), support.used()), (None, None));
    }
}
