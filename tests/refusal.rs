//! What the library says when the kernel refuses: each in a child process, for real.

#[path = "support/child.rs"]
mod child;
#[path = "support/watchdog.rs"]
mod watchdog;

use std::collections::BTreeMap;
use std::env;
use std::panic::catch_unwind;

use child::{in_child, is_child};
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};
use ringio::{Cores, CoresError, Runner, doctor};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

/// A user that nobody else is, so that its locked memory is only ours.
const USER: u32 = 64_999;

/// Makes io_uring's system calls fail on this thread.
fn forbid_io_uring(errno: i32) {
    let calls = [libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];
    let rules: BTreeMap<_, _> = calls.into_iter().map(|call| (call, vec![])).collect();
    let refuse = SeccompAction::Errno(errno as u32);
    let machine = env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, machine).unwrap();
    let program: BpfProgram = filter.try_into().unwrap();
    apply_filter(&program).unwrap();
}

/// What `build`, `run`, `Cores` and `doctor` say; the first three in the same words.
fn print_refusal() {
    let error = Runner::builder().build().expect_err("the kernel refuses");
    let panic = catch_unwind(|| ringio::run(async {})).expect_err("so it must panic");
    assert_eq!(panic.downcast_ref::<String>(), Some(&error.to_string()));
    let cores = Cores::count(2).pin(false).run(|_| async { panic!("it started") });
    let Err::<Vec<()>, _>(CoresError::Start(start)) = cores else { panic!("it started") };
    assert_eq!(start.to_string(), error.to_string());
    println!("KIND {:?}\nERROR {error}\nDOCTOR {}\n{}", error.kind(), doctor(), ringio::support());
}

#[track_caller]
fn contains(text: Option<String>, parts: &[&str]) {
    let Some(text) = text else { return };
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[test]
fn a_filter_that_answers_eperm() {
    let printed = in_child("a_filter_that_answers_eperm", || {
        forbid_io_uring(libc::EPERM);
        print_refusal();
    });
    contains(printed, &["KIND PermissionDenied", "seccomp", "Docker", "To mend it:"]);
}

#[test]
fn a_filter_that_answers_enosys() {
    let printed = in_child("a_filter_that_answers_enosys", || {
        forbid_io_uring(libc::ENOSYS);
        print_refusal();
    });
    contains(printed, &["KIND Unsupported", "seccomp", "To mend it:"]);
}

fn become_user(memlock: u64) {
    setrlimit(Resource::RLIMIT_MEMLOCK, memlock, memlock).unwrap();
    setgroups(&[]).unwrap();
    setgid(Gid::from_raw(USER)).unwrap();
    setuid(Uid::from_raw(USER)).unwrap();
}

/// One test: locked memory is counted for the user, over all processes.
#[test]
fn a_user_whose_locked_memory_is_limited() {
    const TEST: &str = "a_user_whose_locked_memory_is_limited";
    const LIMIT: &str = "RINGIO_TEST_MEMLOCK";
    if is_child() {
        let limit = env::var(LIMIT).unwrap().parse().unwrap();
        drop(in_child(TEST, move || {
            become_user(limit);
            if limit > 0 {
                let answers = Cores::count(64).pin(false).run(|core| async move {
                    ringio::spawn(async move { core.index() }).await.unwrap()
                });
                assert!(answers.unwrap().into_iter().eq(0..64));
                println!("64 LOOPS");
            } else if Runner::builder().build().is_ok() {
                // Linux 5.12 to 6.13 do not count rings.
                println!("MADE {}", ringio::run(async { 1 }));
            } else {
                print_refusal();
            }
        }));
        return;
    }
    if !Uid::effective().is_root() {
        println!("skipped: needs root, to become a user of its own");
        return;
    }
    let printed = |limit: u64| {
        let output = child::command(TEST).env(LIMIT, limit.to_string()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}\n{text}\n{errors}", output.status);
        text
    };
    let none = printed(0);
    if !none.contains("MADE 1") {
        contains(Some(none), &["KIND OutOfMemory", "RLIMIT_MEMLOCK allows 0 ", "ulimit -l"]);
    }
    contains(Some(printed(8 << 20)), &["64 LOOPS"]);
}
