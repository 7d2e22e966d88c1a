//! [`doctor`] explains in plain words whether rings can be made.

use crate::circumstances::release;
use crate::error::SetupError;
use crate::kernel::KernelRing;
use crate::ring::Ring;
use crate::setup::Setup;
use crate::support::FEATURES;

/// Tries to make a ring and says what was found, or why it cannot be made and how to mend it.
///
/// ```
/// println!("{}", uring_sys_shim::doctor());
/// ```
pub fn doctor() -> String {
    let setup = Setup::default();
    match KernelRing::new(&setup) {
        Ok(ring) => healthy(&setup, &ring),
        Err(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<SetupError>()) {
            Some(refusal) => format!(
                "No ring can be made on Linux {}.\nCause: {}.\nTo mend it: {}.\n",
                release(),
                refusal.cause(),
                refusal.remedy()
            ),
            None => format!("No ring can be made on Linux {}.\nCause: {error}.\n", release()),
        },
    }
}

fn healthy(setup: &Setup, ring: &KernelRing) -> String {
    let (entries, cq_entries) = (ring.entries(), ring.cq_entries());
    let mut text = format!(
        "Rings can be made on Linux {}: this one has {entries} submissions, {cq_entries} \
         completions, {} bytes of locked memory.\n",
        release(),
        Setup { entries, cq_entries }.locked_bytes()
    );
    if entries < setup.entries {
        text += "It is smaller than asked for, because locked memory is short: raise \
                 RLIMIT_MEMLOCK.\n";
    }
    let missing: Vec<&str> = FEATURES
        .iter()
        .filter(|(cap, ..)| !ring.caps().contains(*cap))
        .map(|&(_, name, _)| name)
        .collect();
    if missing.is_empty() {
        return text + "Every feature is there.\n";
    }
    text + &format!("Done by other means: {}.\n", missing.join(", "))
}
