//! [`Shortage`]: the process has no descriptor left.

use std::env;
use std::os::fd::AsRawFd;
use std::process::Command;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use uring_sys_shim::sim::Machine;
use uring_sys_shim::sys;

/// Set in the process that may lack descriptors.
const ALONE: &str = "CONFORMANCE_ALONE";

/// While it lives no new descriptor can be made. A simulated kernel has its own shortages.
pub(crate) struct Shortage(Option<(u64, u64)>);

impl Shortage {
    pub(crate) fn begin() -> Shortage {
        if Machine::current().is_some() {
            return Shortage(None);
        }
        assert!(env::var_os(ALONE).is_some(), "other tests of the process need descriptors");
        let limits = getrlimit(Resource::RLIMIT_NOFILE).expect("getrlimit");
        let next = sys::eventfd().expect("a descriptor").as_raw_fd();
        setrlimit(Resource::RLIMIT_NOFILE, next as u64, limits.1).expect("setrlimit");
        Shortage(Some(limits))
    }
}

impl Drop for Shortage {
    fn drop(&mut self) {
        if let Some((soft, hard)) = self.0 {
            setrlimit(Resource::RLIMIT_NOFILE, soft, hard).expect("setrlimit");
        }
    }
}

/// Runs a test in a process of its own, unless this is it.
pub(crate) fn alone(test: &str, run: impl FnOnce()) {
    if env::var_os(ALONE).is_some() {
        return run();
    }
    let own = env::current_exe().expect("the test's own path");
    let output = Command::new(own).args(["--exact", test, "--nocapture"]).env(ALONE, "1").output();
    let output = output.expect("a child");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}
