//! Real refusals of the kernel: each in a child process, which is this test binary again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::process::{Command, Output, Stdio};
use std::{env, process};

use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};
use seccompiler::{SeccompAction, SeccompFilter};
use uring_sys_shim::{KernelRing, Setup, SetupError, doctor, support};

const ROLE: &str = "SHIM_TEST_ROLE";

/// Runs `role` if this process is the child for it; otherwise runs the child and returns what it
/// printed.
fn in_child(test: &str, role: fn()) -> Option<String> {
    if env::var_os(ROLE).is_some() {
        role();
        return None;
    }
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(ROLE, test)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    Some(printed(&output))
}

fn printed(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{text}\n{errors}", output.status);
    text
}

#[track_caller]
fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

fn print_refusal() {
    let error = KernelRing::new(&Setup::default()).expect_err("the kernel refuses");
    let refusal = error.get_ref().unwrap().downcast_ref::<SetupError>().unwrap();
    assert!(error.to_string().contains(refusal.cause()));
    println!("KIND {:?}\nERROR {error}\nDOCTOR {}\n{}", error.kind(), doctor(), support());
}

fn forbid_io_uring(errno: i32) {
    let calls = [libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];
    let rules: BTreeMap<_, _> = calls.into_iter().map(|call| (call, vec![])).collect();
    let refuse = SeccompAction::Errno(errno as u32);
    let machine = env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, machine).unwrap();
    let program: seccompiler::BpfProgram = filter.try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
}

#[test]
fn a_filter_that_answers_eperm() {
    let printed = in_child("a_filter_that_answers_eperm", || {
        forbid_io_uring(libc::EPERM);
        print_refusal();
    });
    let Some(printed) = printed else { return };
    contains(&printed, &["KIND PermissionDenied", "seccomp", "Docker", "io_uring_setup"]);
    contains(&printed, &["To mend it:", "no io_uring"]);
}

#[test]
fn a_filter_that_answers_enosys() {
    let printed = in_child("a_filter_that_answers_enosys", || {
        forbid_io_uring(libc::ENOSYS);
        print_refusal();
    });
    let Some(printed) = printed else { return };
    let release = nix::sys::utsname::uname().unwrap().release().to_string_lossy().into_owned();
    contains(&printed, &["KIND Unsupported", "seccomp", &release]);
}

#[test]
fn no_descriptor_left() {
    let printed = in_child("no_descriptor_left", || {
        setrlimit(Resource::RLIMIT_NOFILE, 16, 16).unwrap();
        let mut held = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            held.push(file);
        }
        let refused = KernelRing::new(&Setup::default()).expect_err("no descriptor is left");
        // A diagnosis reads /proc, which wants a descriptor too: it must do without.
        println!("KIND {:?}\nERROR {refused}", refused.kind());
        // With one left a ring can be made, but not tried out: it still has what set-up tells.
        held.pop();
        let ring = KernelRing::new(&Setup::default()).expect("one descriptor is left");
        let poor = uring_sys_shim::Ring::caps(&ring);
        drop((ring, held));
        let ring = KernelRing::new(&Setup::default()).expect("many descriptors are left");
        let rich = uring_sys_shim::Ring::caps(&ring);
        assert!(rich.contains(poor), "{rich:?} after {poor:?}");
        println!("GREW {}", rich != poor);
    });
    let Some(printed) = printed else { return };
    contains(&printed, &["KIND QuotaExceeded", "RLIMIT_NOFILE", "(16)", "ulimit -n"]);
    contains(&printed, &["GREW true"]);
}

fn is_root() -> bool {
    let is_root = Uid::effective().is_root() || env::var_os(ROLE).is_some();
    if !is_root {
        println!("skipped: needs root, to become a user of its own");
    }
    is_root
}

/// Locked memory is counted for the user, over all processes, and given back some time after a
/// ring is gone: each test process becomes a user that no other one was lately.
fn become_user(memlock: u64) {
    let user = 20_000 + process::id() % 40_000;
    setrlimit(Resource::RLIMIT_MEMLOCK, memlock, memlock).unwrap();
    setgroups(&[]).unwrap();
    setgid(Gid::from_raw(user)).unwrap();
    setuid(Uid::from_raw(user)).unwrap();
}

#[test]
fn a_user_without_locked_memory() {
    if !is_root() {
        return;
    }
    let printed = in_child("a_user_without_locked_memory", || {
        become_user(0);
        // Linux 5.12 to 6.13 do not count rings, so there they can be made.
        match KernelRing::new(&Setup::default()) {
            Ok(_) => println!("MADE"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::OutOfMemory);
                print_refusal();
            }
        }
    });
    let Some(printed) = printed else { return };
    if !printed.contains("MADE") {
        contains(&printed, &["RLIMIT_MEMLOCK allows 0 ", "16384 bytes", "ulimit -l"]);
    }
}

#[test]
fn a_user_with_eight_mebibytes_makes_sixty_four_rings() {
    if !is_root() {
        return;
    }
    let printed = in_child("a_user_with_eight_mebibytes_makes_sixty_four_rings", || {
        become_user(8 << 20);
        let rings: Vec<KernelRing> =
            (0..64).map(|_| KernelRing::new(&Setup::default()).unwrap()).collect();
        assert!(rings.iter().all(|ring| ring.entries() == 256));
        println!("MADE {}", rings.len());
    });
    let Some(printed) = printed else { return };
    contains(&printed, &["MADE 64"]);
}

#[test]
fn a_user_short_of_locked_memory_gets_smaller_rings() {
    if !is_root() {
        return;
    }
    let printed = in_child("a_user_short_of_locked_memory_gets_smaller_rings", || {
        become_user(Setup::default().locked_bytes() + Setup::with_entries(64).locked_bytes());
        let first = KernelRing::new(&Setup::default()).unwrap();
        let second = KernelRing::new(&Setup::default()).unwrap();
        println!("SIZES {} {}", first.entries(), second.entries());
    });
    let Some(printed) = printed else { return };
    // On kernels that do not count rings both have the full size.
    assert!(printed.contains("SIZES 256 64") || printed.contains("SIZES 256 256"), "{printed}");
}
