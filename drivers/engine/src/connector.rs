//! How an engine is connected to: one HTTP client for every transport but TLS, for which bollard
//! has its own.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bollard::{BollardRequest, ClientVersion, Docker};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::endpoint::Transport;

/// How many connections are kept that nobody uses at the moment.
const IDLE: usize = 8;

/// Opens a client of an engine that is not asked over TLS; it connects with the first request.
///
/// # Errors
/// As [`Docker::connect_with_custom_transport`].
pub(crate) fn client(
    transport: &Transport,
    limit: u64,
    version: &ClientVersion,
) -> Result<Docker, bollard::errors::Error> {
    let host = match transport {
        Transport::Tcp(address) => address,
        // Something must be in the header.
        _ => "docker",
    };
    let address = format!("http://{host}");
    let mut builder = Client::builder(TokioExecutor::new());
    // A question that comes before the last one's connection is free has a new one, and all would stay.
    builder.pool_max_idle_per_host(IDLE);
    let client = builder.build(Connector(transport.clone()));
    let send = move |request: BollardRequest| {
        let answered = client.request(request);
        async move { answered.await.map_err(bollard::errors::Error::from) }
    };
    Docker::connect_with_custom_transport(send, Some(address), limit, version)
}

/// Opens connections for the HTTP client, always to the same engine.
#[derive(Clone)]
struct Connector(Transport);

impl tower_service::Service<http::Uri> for Connector {
    type Response = TokioIo<Open>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Uri) -> Self::Future {
        let transport = self.0.clone();
        Box::pin(async move { open(&transport).await.map(TokioIo::new) })
    }
}

async fn open(transport: &Transport) -> io::Result<Open> {
    Ok(Open(match transport {
        Transport::Unix(path) => Box::new(UnixStream::connect(path).await?),
        Transport::Tcp(address) => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Box::new(stream)
        }
        Transport::Ssh(destination) => Box::new(destination.connect()?),
        Transport::Tls(..) => return Err(io::ErrorKind::Unsupported.into()),
    }))
}

/// What bytes go through in both directions.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// An open connection.
struct Open(Box<dyn Stream>);

impl Connection for Open {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Open {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Open {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
