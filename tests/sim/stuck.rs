//! An operation that the kernel does not give back: its memory is leaked, and that is said.

use std::time::Duration;

use ringio::net::{TcpListener, TcpStream};
use ringio::testing::sim::{Faults, Machine};
use ringio::{Runner, timeout};

use crate::child;

/// Operations that can wait, of the program below; each is stuck once.
const OPERATIONS: u64 = 24;

#[test]
fn a_ring_whose_operation_does_not_come_back_leaks_and_says_so() {
    if child::is_child() {
        return (0..OPERATIONS).for_each(run);
    }
    let name = "stuck::a_ring_whose_operation_does_not_come_back_leaks_and_says_so";
    let output = child::command(name).output().unwrap();
    let (text, errors) = (output.stdout, output.stderr);
    let errors = String::from_utf8_lossy(&errors);
    assert!(output.status.success(), "{}\n{errors}", String::from_utf8_lossy(&text));
    let said = errors.matches("ringio: 1 operations did not come back from the kernel").count();
    assert_eq!(said as u64, OPERATIONS, "{errors}");
}

fn run(stuck: u64) {
    let mut faults = Faults::none();
    faults.stuck = Some(stuck);
    let machine = Machine::new(stuck, faults);
    let installed = machine.install();
    let mut runner = Runner::builder().grace(Duration::ZERO).build().unwrap();
    let outcome = runner.run(timeout(Duration::from_secs(1), async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut near = TcpStream::connect(listener.local_addr()?).await?;
        let (mut far, _) = listener.accept().await?;
        near.write_all("to and fro").await.0?;
        assert_eq!(far.read_exact(Vec::with_capacity(10)).await.1, b"to and fro");
        far.write_all("fro").await.0?;
        assert_eq!(&near.recv().await?[..], b"fro");
        far.shutdown(std::net::Shutdown::Write).await?;
        near.recv().await
    }));
    // What hangs on the operation that is stuck does not end; the rest does.
    drop(outcome);
    drop(runner);
    drop(installed);
    std::mem::forget(machine);
}
