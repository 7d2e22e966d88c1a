//! Sockets, as futures over the transports.

mod address;
mod incoming;
mod split;
mod tcp_connect;
mod tcp_listen;
mod tcp_listener;
mod tcp_options;
mod tcp_settings;
mod tcp_stream;

pub use address::{ToAddrs, lookup_host};
pub use incoming::Incoming;
pub use split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
pub use tcp_connect::ConnectBuilder;
pub use tcp_listen::ListenerBuilder;
pub use tcp_listener::TcpListener;
pub use tcp_stream::TcpStream;
