//! A line between two programs that can break, or hang without breaking.

use std::{path::PathBuf, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::sleep,
};

use crate::operator::Stage;

/// What happens on the lines that are open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Relay,
    /// Lines opened before this number break.
    Cut(u64),
    /// Lines opened before this number pass nothing on any more.
    Hang(u64),
}

/// A relay of TCP connections.
pub struct Relay {
    /// Port on this host.
    pub port: u16,
    orders: watch::Sender<(Order, u64)>,
}

impl Relay {
    /// Listens until the test ends, and passes everything on to this port of this host.
    pub async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (orders, _) = watch::channel((Order::Relay, 0));
        let lines = orders.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let mut number = 0;
                lines.send_modify(|(_, opened)| {
                    *opened += 1;
                    number = *opened;
                });
                tokio::spawn(line(client, server, number, lines.subscribe()));
            }
        });
        Self { port, orders }
    }

    /// Breaks every open line.
    pub fn cut(&self) {
        self.orders
            .send_modify(|(order, opened)| *order = Order::Cut(*opened + 1));
    }

    /// Leaves every open line open and passes nothing on: what a lost peer looks like. New lines are served.
    pub fn hang(&self) {
        self.orders
            .send_modify(|(order, opened)| *order = Order::Hang(*opened + 1));
    }

    /// Lines opened so far.
    pub fn opened(&self) -> u64 {
        self.orders.borrow().1
    }

    /// Puts a relay between a stage's operator and the API server, from its next start on.
    pub async fn before_the_api_server(stage: &mut Stage) -> Self {
        let view = [
            "config",
            "view",
            "--raw",
            "--minify",
            "--flatten",
            "-o",
            "json",
        ];
        let mut kubeconfig: Value = serde_json::from_str(&stage.show(&view)).expect("JSON");
        let server = &mut kubeconfig["clusters"][0]["cluster"]["server"];
        let (_, port) = server
            .as_str()
            .and_then(|server| server.rsplit_once(':'))
            .expect("a server with a port");
        let relay = Self::to(port.trim_end_matches('/').parse().expect("a port")).await;
        *server = json!(format!("https://127.0.0.1:{}", relay.port));
        let path: PathBuf = stage.data.path().join("kubeconfig");
        std::fs::write(&path, kubeconfig.to_string()).expect("written");
        stage.environment.push(("KUBECONFIG", path));
        relay
    }
}

async fn line(
    client: TcpStream,
    server: u16,
    number: u64,
    orders: watch::Receiver<(Order, u64)>,
) -> Option<()> {
    let server = TcpStream::connect(("127.0.0.1", server)).await.ok()?;
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    let mut watching = orders.clone();
    let cut =
        watching.wait_for(|(order, _)| matches!(order, Order::Cut(before) if number < *before));
    tokio::select! {
        _ = cut => {}
        _ = pass(from_client, to_server, number, orders.clone()) => {}
        _ = pass(from_server, to_client, number, orders.clone()) => {}
    }
    Some(())
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    number: u64,
    orders: watch::Receiver<(Order, u64)>,
) -> Option<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        while matches!(orders.borrow().0, Order::Hang(before) if number < before) {
            sleep(Duration::from_millis(100)).await;
        }
        to.write_all(&buffer[..read]).await.ok()?;
    }
}
