//! The parent's side of a child process: this very program, playing a part.

use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::{env, process};

use crate::sample::Sample;

/// The argument that makes a process of this program a child.
pub(crate) const MARK: &str = "part";

/// A running child. Dropping it kills and reaps it; should the parent die in another way, the
/// child's standard input ends and so does the child.
#[derive(Debug)]
pub(crate) struct Child {
    part: &'static str,
    process: process::Child,
    told: ChildStdin,
    said: BufReader<ChildStdout>,
}

impl Child {
    pub(crate) fn start(
        part: &'static str,
        arguments: impl IntoIterator<Item = String>,
    ) -> io::Result<Child> {
        let mut process = Command::new(env::current_exe()?)
            .args([MARK, part])
            .args(arguments)
            // Of glibc: not to give memory back only to take it again, page by page, in the next
            // batch. That would cost more than what is measured.
            .env("MALLOC_TRIM_THRESHOLD_", "1000000000")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let told = process.stdin.take().expect("stdin is piped");
        let said = process.stdout.take().expect("stdout is piped");
        Ok(Child { part, process, told, said: BufReader::new(said) })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits until the child says where it listens.
    pub(crate) fn listening(&mut self) -> io::Result<SocketAddr> {
        let line = self.line()?;
        line.parse().map_err(|_| self.surprise(&line))
    }

    /// Waits until a load says that its warm-up is over.
    pub(crate) fn warm(&mut self) -> io::Result<()> {
        let line = self.line()?;
        if line == "warm" { Ok(()) } else { Err(self.surprise(&line)) }
    }

    /// Waits for what the child has found.
    pub(crate) fn sample(&mut self) -> io::Result<Sample> {
        self.line()?.parse()
    }

    /// Asks a server for what it has counted so far.
    pub(crate) fn report(&mut self) -> io::Result<Sample> {
        self.told.write_all(b"report\n")?;
        self.sample()
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.said.read_line(&mut line)?;
        if line.is_empty() {
            return Err(io::Error::other(format!("`{}` has ended", self.part)));
        }
        Ok(line.trim().to_owned())
    }

    fn surprise(&self, line: &str) -> io::Error {
        io::Error::other(format!("`{}` said {line:?}", self.part))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Both fail only if it has been reaped, which is what they are for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
