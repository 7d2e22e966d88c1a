//! `net::TcpStream`: what it promises about bytes, ends and loops.

mod support;

mod tcp_stream {
    mod connecting;
    mod ending;
    mod loops;
    mod reading;
    mod splitting;
    mod standard;
    mod writing;
}
