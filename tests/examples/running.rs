//! An example as a child process, and what the tests do with its sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, thread};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn example(name: &str) -> Command {
    let test = env::current_exe().expect("the test has a path");
    let build: PathBuf = test.ancestors().nth(2).expect("tests lie two folders deep").into();
    let program = build.join("examples").join(name);
    assert!(program.exists(), "{} is missing: cargo build --examples", program.display());
    Command::new(program)
}

/// A running example; killed when the test ends, or when it takes too long.
pub(crate) struct Running {
    pub(crate) child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
    _alive: mpsc::Sender<()>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Running {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the example starts");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
        let pid = pid_of(&child);
        let (alive, gone) = mpsc::channel::<()>();
        thread::spawn(move || {
            if gone.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _ = kill(pid, Signal::SIGKILL);
            }
        });
        Running { child, stdout, stderr, _alive: alive }
    }

    /// The address that the example announces.
    pub(crate) fn address(&mut self) -> SocketAddr {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("stdout can be read");
        let address = line.trim_end().strip_prefix("listening on ");
        address.unwrap_or_else(|| panic!("no address in {line:?}")).parse().expect("an address")
    }

    pub(crate) fn log_line(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).expect("stderr can be read");
        line
    }

    pub(crate) fn interrupt(&self) {
        kill(pid_of(&self.child), Signal::SIGINT).expect("it runs");
    }

    /// How it ended, and the rest of its log.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let mut log = String::new();
        self.stderr.read_to_string(&mut log).expect("stderr can be read");
        (self.child.wait().expect("it can be reaped"), log)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(child.id() as i32)
}

/// Writes at one end and reads the same at the other.
pub(crate) fn pass(mut from: &TcpStream, mut to: &TcpStream, message: &[u8]) {
    from.write_all(message).expect("written");
    let mut received = vec![0; message.len()];
    to.read_exact(&mut received).expect("received");
    assert_eq!(received, message);
}

pub(crate) fn assert_at_end(mut stream: &TcpStream) {
    assert_eq!(stream.read(&mut [0]).expect("an orderly end"), 0);
}
