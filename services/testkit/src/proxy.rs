//! A connection that fails on command, between a client and a node.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What happens to bytes under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// They pass.
    Passes,
    /// They stand still, in both directions; connections stay open.
    Stands,
    /// Connections are cut, and new ones with them.
    Refused,
}

/// When a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// After so many bytes from the client.
    Sent(u64),
    /// After so many bytes to the client.
    Received(u64),
}

/// The proxy; ends with the test.
pub struct FaultProxy {
    address: SocketAddr,
    traffic: watch::Sender<Traffic>,
    cuts: Arc<Mutex<VecDeque<Cut>>>,
}

impl FaultProxy {
    /// In front of a port of this machine.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn before(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let (traffic, changes) = watch::channel(Traffic::Passes);
        let cuts = Arc::default();
        tokio::spawn(accept(listener, port, changes, Arc::clone(&cuts)));
        Self {
            address,
            traffic,
            cuts,
        }
    }

    /// Cuts the next connections, one each.
    ///
    /// # Panics
    /// Never: nobody panics with the lock.
    pub fn cut_next(&self, cuts: impl IntoIterator<Item = Cut>) {
        self.cuts.lock().expect("nobody panics with it").extend(cuts);
    }

    /// How many cuts are still to come.
    ///
    /// # Panics
    /// Never: nobody panics with the lock.
    pub fn cuts_left(&self) -> usize {
        self.cuts.lock().expect("nobody panics with it").len()
    }

    /// Changes what happens to bytes from now on.
    pub fn traffic(&self, traffic: Traffic) {
        self.traffic.send_replace(traffic);
    }

    /// The URL in place of the node's.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn accept(
    listener: TcpListener,
    port: u16,
    traffic: watch::Receiver<Traffic>,
    cuts: Arc<Mutex<VecDeque<Cut>>>,
) {
    while let Ok((client, _)) = listener.accept().await {
        if *traffic.borrow() == Traffic::Refused {
            continue; // dropped: closed
        }
        let cut = cuts.lock().expect("nobody panics with it").pop_front();
        tokio::spawn(connect(client, port, traffic.clone(), cut));
    }
}

async fn connect(client: TcpStream, port: u16, mut traffic: watch::Receiver<Traffic>, cut: Option<Cut>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (sent, received) = match cut {
        Some(Cut::Sent(bytes)) => (bytes, u64::MAX),
        Some(Cut::Received(bytes)) => (u64::MAX, bytes),
        None => (u64::MAX, u64::MAX),
    };
    let there = carry(from_client, to_server, sent, traffic.clone());
    let back = carry(from_server, to_client, received, traffic.clone());
    // Whichever ends first ends both: the streams are dropped.
    tokio::select! {
        () = there => {}
        () = back => {}
        _ = traffic.wait_for(|traffic| *traffic == Traffic::Refused) => {}
    }
}

/// Carries at most `most` bytes.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    most: u64,
    mut traffic: watch::Receiver<Traffic>,
) {
    let mut left = most;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        if traffic
            .wait_for(|traffic| *traffic == Traffic::Passes)
            .await
            .is_err()
        {
            return;
        }
        let Ok(count @ 1..) = from.read(&mut buffer).await else {
            return;
        };
        let count = usize::try_from(left).map_or(count, |left| left.min(count));
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
        left -= count as u64;
        if left == 0 {
            return;
        }
    }
}
