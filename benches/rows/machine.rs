//! What is asked of the machine: CPUs, CPU time, memory, descriptors.

use std::time::Duration;
use std::{fs, io};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::{Pid, SysconfVar, sysconf};

/// This thread, to the calls about affinity; this process, to the one about clocks.
const SELF: Pid = Pid::from_raw(0);

/// Descriptors of a process that are none of its connections.
const OTHER_DESCRIPTORS: u64 = 64;

/// What there is to measure on.
#[derive(Debug)]
pub(crate) struct Machine {
    /// The CPUs that this process may use. The server gets the first, the load the second.
    pub(crate) cpus: Vec<usize>,
    /// Descriptors that each process may have.
    descriptors: u64,
}

impl Machine {
    pub(crate) fn new() -> io::Result<Machine> {
        let allowed = sched_getaffinity(SELF)?;
        let cpus = (0..CpuSet::count()).filter(|&cpu| allowed.is_set(cpu) == Ok(true)).collect();
        Ok(Machine { cpus, descriptors: raise_descriptor_limit()? })
    }

    /// Connections that a process may have.
    pub(crate) fn connections(&self) -> usize {
        self.descriptors.saturating_sub(OTHER_DESCRIPTORS) as usize
    }

    pub(crate) fn server_cpu(&self) -> usize {
        self.cpus[0]
    }

    /// Where there is only one, that one.
    pub(crate) fn load_cpu(&self) -> usize {
        self.cpus[1.min(self.cpus.len() - 1)]
    }
}

/// Keeps this thread, and those that it will start, on one CPU.
pub(crate) fn pin(cpu: usize) -> io::Result<()> {
    let mut one = CpuSet::new();
    one.set(cpu)?;
    Ok(sched_setaffinity(SELF, &one)?)
}

/// The CPU time that all threads of a process have had, up to this moment.
///
/// It is the scheduler's own account, as in `/proc/PID/task/*/schedstat`; but that one omits what
/// a thread has used since it was last looked at, if it runs just then.
pub(crate) fn cpu_time(pid: u32) -> io::Result<Duration> {
    Ok(clock_gettime(clock_getcpuclockid(Pid::from_raw(pid as i32))?)?.into())
}

/// The CPU time that all threads of this process have had.
pub(crate) fn own_cpu_time() -> io::Result<Duration> {
    cpu_time(std::process::id())
}

/// Bytes of this process that are in memory.
pub(crate) fn resident() -> io::Result<u64> {
    let pages = fs::read_to_string("/proc/self/statm")?;
    let pages = pages.split_whitespace().nth(1).and_then(|word| word.parse::<u64>().ok());
    let size = sysconf(SysconfVar::PAGE_SIZE)?.unwrap_or(4096) as u64;
    Ok(pages.ok_or_else(|| io::Error::other("statm has no number"))? * size)
}

/// As many descriptors as this process may have, and its children after it.
fn raise_descriptor_limit() -> io::Result<u64> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    Ok(hard)
}
