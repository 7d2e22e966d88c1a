//! What tests need: a clock that moves only when told to (feature `testing`), and a simulated kernel
//! (feature `sim`).

pub use crate::time::manual::ManualClock;
/// A simulated kernel that loops run on while it is installed on their thread.
///
/// # Examples
/// A connection that is served on a kernel that takes every liberty; the same seed gives the same
/// run again.
/// ```
/// use ringio::net::{TcpListener, TcpStream};
/// use ringio::testing::sim::{Faults, Machine};
///
/// for seed in 0..10 {
///     let machine = Machine::new(seed, Faults::unkind(seed));
///     let installed = machine.install();
///     ringio::run(async {
///         let listener = TcpListener::bind("127.0.0.1:0").await?;
///         let mut client = TcpStream::connect(listener.local_addr()?).await?;
///         let (mut server, _) = listener.accept().await?;
///         client.write_all("hello").await.0?;
///         let (result, greeting) = server.read_exact(Vec::with_capacity(5)).await;
///         result?;
///         assert_eq!(greeting, b"hello");
///         Ok::<(), std::io::Error>(())
///     })?;
///     drop(installed);
///     machine.finish(); // nothing is left open
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[cfg(feature = "sim")]
pub use uring_sys_shim::sim;
