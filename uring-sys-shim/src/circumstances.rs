//! [`Circumstances`]: what may stand between a process and its ring, and the diagnosis from it.

use std::fs;
use std::io::{self, ErrorKind};

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use nix::sys::utsname::uname;
use nix::unistd::{Gid, getegid, getgroups};

use crate::setup::Setup;

/// The oldest kernel that has what every ring needs.
const OLDEST: (u32, u32) = (6, 1);

/// What the diagnosis depends on; `None` where it cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Circumstances {
    release: String,
    /// Sysctl `kernel.io_uring_disabled`.
    disabled: Option<i64>,
    /// Whether the process is in the group of sysctl `kernel.io_uring_group`.
    in_group: bool,
    /// `Seccomp:` of `/proc/thread-self/status`: 0 is none, 1 strict, 2 a filter.
    seccomp: Option<i64>,
    /// Bytes; `None` is unlimited.
    memlock: Option<u64>,
    descriptors: Option<u64>,
    /// Bytes of locked memory that the smallest attempt needs.
    needed: u64,
}

impl Circumstances {
    pub(crate) fn now(setup: &Setup) -> Circumstances {
        Circumstances {
            release: release(),
            disabled: sysctl("io_uring_disabled"),
            in_group: sysctl("io_uring_group").is_some_and(in_group),
            seccomp: seccomp_mode(),
            memlock: limit(Resource::RLIMIT_MEMLOCK),
            descriptors: limit(Resource::RLIMIT_NOFILE),
            needed: setup.locked_bytes(),
        }
    }

    /// The kind of error, its cause, and the remedy.
    pub(crate) fn diagnose(&self, errno: i32, error: &io::Error) -> (ErrorKind, String, String) {
        match errno {
            libc::EPERM | libc::EACCES => self.not_permitted(),
            libc::ENOSYS => self.no_such_call(),
            libc::EINVAL => self.refused(),
            libc::ENOMEM => self.no_memory(),
            libc::EMFILE => self.no_descriptor(),
            libc::ENFILE => (
                ErrorKind::QuotaExceeded,
                "the machine has no descriptor left".into(),
                "raise sysctl fs.file-max, or find who holds them (/proc/sys/fs/file-nr)".into(),
            ),
            _ => (error.kind(), "an unforeseen failure".into(), format!("Linux {}", self.release)),
        }
    }

    fn not_permitted(&self) -> (ErrorKind, String, String) {
        let (cause, remedy) = match self.disabled {
            Some(2) => (
                "sysctl kernel.io_uring_disabled is 2, which forbids io_uring to everybody",
                "an administrator can allow it: sysctl -w kernel.io_uring_disabled=0",
            ),
            Some(1) if !self.in_group => (
                "sysctl kernel.io_uring_disabled is 1, which forbids io_uring to processes without \
                 CAP_SYS_ADMIN that are not in the group of sysctl kernel.io_uring_group",
                "an administrator can set it to 0, or put the user into that group \
                 (sysctl -w kernel.io_uring_group=GID)",
            ),
            _ if self.filtered() => (
                "a seccomp filter forbids it, as container runtimes do by default \
                 (Docker since 25, containerd since 2)",
                ALLOW_CALLS,
            ),
            _ => (
                "a security module or the container's policy forbids it",
                "look for the denial in the audit log (SELinux, AppArmor) and allow io_uring there",
            ),
        };
        (ErrorKind::PermissionDenied, cause.into(), remedy.into())
    }

    fn no_such_call(&self) -> (ErrorKind, String, String) {
        if self.filtered() && self.is_new_enough() {
            let cause = format!(
                "a seccomp filter hides io_uring, which Linux {} ought to have",
                self.release
            );
            return (ErrorKind::Unsupported, cause, ALLOW_CALLS.into());
        }
        let cause = format!("the kernel, Linux {}, has no io_uring", self.release);
        let remedy = "use Linux 6.1 or later, built with CONFIG_IO_URING=y, and no emulation of it";
        (ErrorKind::Unsupported, cause, remedy.into())
    }

    fn refused(&self) -> (ErrorKind, String, String) {
        if !self.is_new_enough() {
            let cause = format!("the kernel, Linux {}, is too old", self.release);
            return (ErrorKind::Unsupported, cause, "use Linux 6.1 or later".into());
        }
        let cause = format!("Linux {} does not know the flags that 6.1 has", self.release);
        let remedy = "use a kernel whose io_uring is complete (emulations often are not)";
        (ErrorKind::Unsupported, cause, remedy.into())
    }

    fn no_memory(&self) -> (ErrorKind, String, String) {
        let needed = self.needed;
        let (cause, remedy) = match self.memlock {
            Some(memlock) => (
                format!(
                    "even the smallest ring needs {needed} bytes of locked memory, and \
                     RLIMIT_MEMLOCK allows {memlock} to all processes of the user together"
                ),
                "raise it (ulimit -l, LimitMEMLOCK= in systemd, --ulimit memlock= in Docker), use \
                 fewer or smaller rings, or grant CAP_IPC_LOCK",
            ),
            None => (
                format!("the machine or the control group lacks memory for {needed} bytes of ring"),
                "free memory, or raise the control group's memory.max",
            ),
        };
        (ErrorKind::OutOfMemory, cause, remedy.into())
    }

    fn no_descriptor(&self) -> (ErrorKind, String, String) {
        let limit = self.descriptors.map_or("unlimited".into(), |limit| limit.to_string());
        (
            ErrorKind::QuotaExceeded,
            format!("the process has all descriptors open that RLIMIT_NOFILE allows ({limit})"),
            "raise it (ulimit -n, LimitNOFILE= in systemd), or close some".into(),
        )
    }

    fn filtered(&self) -> bool {
        self.seccomp.is_some_and(|mode| mode != 0)
    }

    fn is_new_enough(&self) -> bool {
        version(&self.release).is_none_or(|version| version >= OLDEST)
    }
}

const ALLOW_CALLS: &str = "allow io_uring_setup, io_uring_enter and io_uring_register in the \
                           runtime's seccomp profile (Docker: --security-opt seccomp=PROFILE)";

/// The kernel's release, such as `6.18.1`.
pub(crate) fn release() -> String {
    match uname() {
        Ok(name) => name.release().to_string_lossy().into_owned(),
        Err(_) => "of unknown release".into(),
    }
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn sysctl(name: &str) -> Option<i64> {
    fs::read_to_string(format!("/proc/sys/kernel/{name}")).ok()?.trim().parse().ok()
}

fn in_group(group: i64) -> bool {
    let Ok(group) = libc::gid_t::try_from(group) else {
        return false;
    };
    let group = Gid::from_raw(group);
    getegid() == group || getgroups().is_ok_and(|groups| groups.contains(&group))
}

/// Filters are a thread's own: another thread of the process may have none.
fn seccomp_mode() -> Option<i64> {
    let status = fs::read_to_string("/proc/thread-self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("Seccomp:"))?.trim().parse().ok()
}

fn limit(resource: Resource) -> Option<u64> {
    match getrlimit(resource) {
        Ok((soft, _)) if soft != RLIM_INFINITY => Some(soft),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy() -> Circumstances {
        Circumstances {
            release: "6.12.3-arch1".into(),
            disabled: Some(0),
            in_group: false,
            seccomp: Some(0),
            memlock: Some(8 << 20),
            descriptors: Some(1024),
            needed: 8192,
        }
    }

    /// All of a diagnosis as one text, to look for words in.
    fn words(circumstances: &Circumstances, errno: i32) -> String {
        let error = io::Error::from_raw_os_error(errno);
        let (kind, cause, remedy) = circumstances.diagnose(errno, &error);
        format!("{kind:?}: {cause}; {remedy}")
    }

    #[track_caller]
    fn says(circumstances: Circumstances, errno: i32, expected: &[&str]) {
        let text = words(&circumstances, errno);
        for part in expected {
            assert!(text.contains(part), "{part:?} is not in {text:?}");
        }
    }

    #[test]
    fn eperm_names_the_sysctl_the_filter_or_the_policy() {
        let with = |disabled, in_group, seccomp| Circumstances {
            disabled: Some(disabled),
            in_group,
            seccomp: Some(seccomp),
            ..healthy()
        };
        let sysctl = "kernel.io_uring_disabled";
        says(with(2, true, 2), libc::EPERM, &["PermissionDenied", sysctl, "is 2"]);
        says(with(1, false, 2), libc::EPERM, &[sysctl, "is 1", "kernel.io_uring_group"]);
        says(with(1, true, 2), libc::EPERM, &["seccomp", "io_uring_setup", "Docker"]);
        says(with(0, false, 2), libc::EPERM, &["PermissionDenied", "seccomp"]);
        says(with(0, false, 0), libc::EACCES, &["PermissionDenied", "SELinux"]);
    }

    #[test]
    fn enosys_and_einval_show_the_release() {
        let with = |release: &str, seccomp| Circumstances {
            release: release.into(),
            seccomp: Some(seccomp),
            ..healthy()
        };
        says(with("6.12.1", 2), libc::ENOSYS, &["Unsupported", "seccomp", "6.12.1"]);
        says(with("4.19.0-27-amd64", 2), libc::ENOSYS, &["Unsupported", "4.19.0", "6.1 or later"]);
        says(with("6.12.1", 0), libc::ENOSYS, &["CONFIG_IO_URING"]);
        says(with("5.15.0-100-generic", 0), libc::EINVAL, &["Unsupported", "5.15.0", "too old"]);
        says(with("6.0.19", 0), libc::EINVAL, &["too old"]);
        says(with("6.1.0", 0), libc::EINVAL, &["does not know the flags"]);
    }

    #[test]
    fn limits_are_shown_with_their_values() {
        let poor = Circumstances { memlock: Some(65_536), needed: 16_384, ..healthy() };
        says(poor, libc::ENOMEM, &["OutOfMemory", "65536", "16384", "RLIMIT_MEMLOCK", "ulimit -l"]);
        let unlimited = Circumstances { memlock: None, ..healthy() };
        says(unlimited, libc::ENOMEM, &["OutOfMemory", "memory.max"]);
        says(healthy(), libc::EMFILE, &["QuotaExceeded", "RLIMIT_NOFILE", "1024"]);
        says(healthy(), libc::ENFILE, &["QuotaExceeded", "fs.file-max"]);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(version("6.18.44-fc"), Some((6, 18)));
        assert_eq!(version("6.1-rc4"), Some((6, 1)));
        assert!(version("5.19.17") < Some(OLDEST) && version("10.0") > Some(OLDEST));
        assert_eq!(version("unknown"), None);
    }

    #[test]
    fn this_process_can_be_described() {
        let now = Circumstances::now(&Setup::default());
        assert!(version(&now.release).is_some());
        assert!(now.seccomp.is_some() && now.descriptors.is_some());
    }
}
