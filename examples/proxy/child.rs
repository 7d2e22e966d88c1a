//! The comparison's child processes: this very program, playing a part.

use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{ChildStdout, Command, Stdio};
use std::{env, process, thread};

/// A running child. Dropping it kills and reaps it; should the parent die in another way, the
/// child's standard input ends and so does the child.
#[derive(Debug)]
pub(crate) struct Child {
    part: &'static str,
    process: process::Child,
    said: BufReader<ChildStdout>,
}

impl Child {
    pub(crate) fn start(part: &'static str, arguments: &[String]) -> io::Result<Child> {
        let mut process = Command::new(env::current_exe()?)
            .arg(part)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let said = process.stdout.take().expect("stdout is piped");
        Ok(Child { part, process, said: BufReader::new(said) })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits until the child says where it listens.
    pub(crate) fn listening(&mut self) -> io::Result<SocketAddr> {
        let mut line = String::new();
        self.said.read_line(&mut line)?;
        line.trim().strip_prefix("listening on ").and_then(|word| word.parse().ok()).ok_or_else(
            || io::Error::other(format!("`{}` ended before it listened: {line}", self.part)),
        )
    }

    /// Waits until the child ends by itself; what it said.
    pub(crate) fn result(mut self) -> io::Result<String> {
        let mut said = String::new();
        self.said.read_to_string(&mut said)?;
        let status = self.process.wait()?;
        if status.success() {
            return Ok(said);
        }
        Err(io::Error::other(format!("`{}` failed: {status}", self.part)))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Both fail only if it has been reaped, which is what they are for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Ends this process when its standard input does.
pub(crate) fn end_with_parent() {
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        process::exit(0);
    });
}
