//! What the lanes of one loop share.

use std::cell::{Cell, RefCell};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use ringio::net::TcpListener;
use socket2::{Domain, Socket, Type};

use super::connection::end_by_reset;
use super::end::End;
use super::figures::{Figures, Kind};

/// A future in flight that outlives its loop.
pub(crate) type Survivor = Pin<Box<dyn Future<Output = ()>>>;

/// What is left when the loop has ended. It is not the loop's.
#[derive(Default)]
pub(crate) struct Remains {
    pub(crate) survivors: RefCell<Vec<Survivor>>,
    /// Other ends of the connections, to send to them while the loop ends.
    pub(crate) peers: RefCell<Vec<std::net::TcpStream>>,
}

pub(crate) struct World {
    pub(crate) figures: Arc<Figures>,
    pub(crate) remains: Rc<Remains>,
    /// Futures that own a part of the loop may be forgotten, and leak it.
    pub(crate) leaky: bool,
    /// The submission queue has one entry.
    pub(crate) tiny: bool,
    ended: Cell<usize>,
    limit: usize,
    pub(crate) listener: TcpListener,
    /// Connections to it, and how many of them were accepted.
    pub(crate) clients: RefCell<Vec<std::net::TcpStream>>,
    pub(crate) accepted: Cell<usize>,
    /// Takes connections, and ends them.
    sink: std::net::TcpListener,
}

impl World {
    pub(crate) async fn new(
        figures: Arc<Figures>,
        remains: Rc<Remains>,
        (leaky, tiny): (bool, bool),
        limit: usize,
    ) -> World {
        let sink = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        sink.set_nonblocking(true).unwrap();
        World {
            figures,
            remains,
            leaky,
            tiny,
            ended: Cell::new(0),
            limit,
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
            clients: RefCell::default(),
            accepted: Cell::new(0),
            sink,
        }
    }

    /// A future has ended before its operation.
    pub(crate) fn note(&self, kind: Kind, end: End, in_flight: bool) {
        self.figures.note(kind, end, in_flight);
        self.ended.set(self.ended.get() + 1);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.ended.get() >= self.limit
    }

    /// Connects to the listener, if not too many wait there.
    pub(crate) fn call(&self) {
        let mut clients = self.clients.borrow_mut();
        if clients.len() < self.accepted.get() + 32 {
            let client = std::net::TcpStream::connect(self.listener.local_addr().unwrap()).unwrap();
            end_by_reset(&client);
            clients.push(client);
        }
    }

    pub(crate) fn unanswered(&self) -> usize {
        self.clients.borrow().len() - self.accepted.get()
    }

    pub(crate) fn sink_address(&self) -> SocketAddr {
        self.sink.local_addr().unwrap()
    }

    /// Ends the connections to the sink.
    pub(crate) fn flush_sink(&self) {
        while let Ok((socket, _)) = self.sink.accept() {
            end_by_reset(&socket);
        }
    }
}

/// An address to which connecting takes for ever: its listener's queue is full.
pub(crate) fn busy_address() -> SocketAddr {
    static BUSY: LazyLock<(Socket, Vec<Socket>)> = LazyLock::new(|| {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let clients = (0..4).map(|_| {
            let client = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            client.set_nonblocking(true).unwrap();
            let begun = client.connect(&address).err().and_then(|error| error.raw_os_error());
            assert!(matches!(begun, None | Some(libc::EINPROGRESS)), "{begun:?}");
            client
        });
        let clients = clients.collect();
        (listener, clients)
    });
    BUSY.0.local_addr().unwrap().as_socket().unwrap()
}
