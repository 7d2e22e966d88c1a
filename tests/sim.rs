//! The runtime on a simulated kernel.

use ringio::net::{TcpListener, TcpStream};
use ringio::testing::sim::{Faults, Machine};

#[test]
fn five() {
    for seed in 0..3000 {
        let machine = Machine::new(seed, Faults::unkind(seed));
        let installed = machine.install();
        ringio::run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let mut client = TcpStream::connect(listener.local_addr()?).await?;
            let (mut server, _) = listener.accept().await?;
            client.write_all("hello").await.0?;
            let (result, greeting) = server.read_exact(Vec::with_capacity(5)).await;
            result?;
            assert_eq!(greeting, b"hello");
            Ok::<(), std::io::Error>(())
        })
        .unwrap();
        drop(installed);
        machine.finish(); // nothing is left open
    }
}
