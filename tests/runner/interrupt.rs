//! Ctrl-C: each test in a process of its own, which is interrupted by its parent.

use std::future::pending;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ringio::{RunError, Runner, on_cancel, spawn};

use crate::child::{command, is_child};
use crate::watchdog::bounded;

/// Runs `role` in a child, and sends it a SIGINT for each line "READY" that it prints.
fn interrupted(test: &'static str, role: fn()) -> Option<(ExitStatus, String)> {
    if is_child() {
        bounded(role);
        return None;
    }
    Some(bounded(move || {
        let mut child = command(test).spawn().expect("the child starts");
        let mut printed = String::new();
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        while lines.read_line(&mut printed).expect("readable") > 0 {
            if printed.ends_with("READY\n") {
                kill(pid(&child), Signal::SIGINT).expect("it runs");
            }
        }
        let mut errors = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut errors).expect("readable");
        (child.wait().expect("reaped"), printed + &errors)
    }))
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id() as i32)
}

fn runner() -> Runner {
    Runner::builder().ctrl_c(true).build().unwrap()
}

async fn ready_then_pending() {
    println!("READY");
    pending::<()>().await;
}

#[test]
fn the_first_cancels_main_of_each_run() {
    const TEST: &str = "runner::interrupt::the_first_cancels_main_of_each_run";
    let ended = interrupted(TEST, || {
        let mut runner = runner();
        for _ in 0..3 {
            // It counts anew for each run.
            assert!(matches!(runner.run(ready_then_pending()), Err(RunError::Interrupted)));
        }
        assert_eq!(runner.run(async { 1 }).unwrap(), 1);
        println!("WENT ON");
    });
    let Some((status, printed)) = ended else { return };
    assert!(status.success() && printed.contains("WENT ON"), "{status} {printed}");
}

#[test]
fn a_busy_main_is_interrupted_too() {
    const TEST: &str = "runner::interrupt::a_busy_main_is_interrupted_too";
    let ended = interrupted(TEST, || {
        let busy = runner().run(async {
            println!("READY");
            loop {
                ringio::yield_now().await;
            }
        });
        assert!(matches!(busy, Err::<(), _>(RunError::Interrupted)));
        println!("WENT ON");
    });
    let Some((status, printed)) = ended else { return };
    assert!(status.success() && printed.contains("WENT ON"), "{status} {printed}");
}

#[test]
fn the_second_ends_the_process_by_the_signal() {
    const TEST: &str = "runner::interrupt::the_second_ends_the_process_by_the_signal";
    let ended = interrupted(TEST, || {
        struct Stubborn;
        impl Drop for Stubborn {
            fn drop(&mut self) {
                println!("READY");
                loop {
                    thread::sleep(Duration::from_secs(60));
                }
            }
        }
        let _ = runner().run(async {
            let _stubborn = Stubborn;
            ready_then_pending().await;
        });
    });
    let Some((status, printed)) = ended else { return };
    assert_eq!(status.signal(), Some(Signal::SIGINT as i32), "{status} {printed}");
}

#[test]
fn main_cleans_up_before_the_run_ends() {
    const TEST: &str = "runner::interrupt::main_cleans_up_before_the_run_ends";
    let ended = interrupted(TEST, || {
        let run = runner().run(on_cancel(ready_then_pending(), async || {
            ringio::time::sleep(Duration::from_millis(1)).await;
            println!("CLEANED UP");
        }));
        assert!(matches!(run, Err(RunError::Interrupted)));
        println!("WENT ON");
    });
    let Some((status, printed)) = ended else { return };
    assert!(status.success(), "{status} {printed}");
    assert!(printed.contains("CLEANED UP\nWENT ON"), "{printed}");
}

#[test]
fn the_second_ends_clean_ups_too() {
    const TEST: &str = "runner::interrupt::the_second_ends_clean_ups_too";
    let ended = interrupted(TEST, || {
        let _ = runner().run(on_cancel(ready_then_pending(), ready_then_pending));
    });
    let Some((status, printed)) = ended else { return };
    assert_eq!(status.signal(), Some(Signal::SIGINT as i32), "{status} {printed}");
}

#[test]
fn without_ctrl_c_the_first_ends_the_process() {
    const TEST: &str = "runner::interrupt::without_ctrl_c_the_first_ends_the_process";
    let ended = interrupted(TEST, || ringio::run(ready_then_pending()));
    let Some((status, printed)) = ended else { return };
    assert_eq!(status.signal(), Some(Signal::SIGINT as i32), "{status} {printed}");
}

#[test]
fn after_the_run_the_signal_is_the_process_s_own_again() {
    const TEST: &str = "runner::interrupt::after_the_run_the_signal_is_the_process_s_own_again";
    let ended = interrupted(TEST, || {
        let mut runner = runner();
        runner.run(async { drop(spawn(async {})) }).unwrap();
        println!("READY");
        loop {
            thread::sleep(Duration::from_secs(60));
        }
    });
    let Some((status, printed)) = ended else { return };
    assert_eq!(status.signal(), Some(Signal::SIGINT as i32), "{status} {printed}");
}
