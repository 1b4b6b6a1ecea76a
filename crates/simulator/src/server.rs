//! The listening socket and its life. Every connection is served here rather than by a framework, since a fault may be to
//! close it without an answer.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use crate::exchange;
use crate::options::Options;
use crate::world::World;

/// Why a simulator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be taken.
    #[error("{listen} cannot be listened on; choose another address with --listen")]
    Listen {
        /// The address that was asked for.
        listen: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The speed of the virtual clock is not a number of seconds.
    #[error("the speed of the clock is {speed}; choose 0 or more")]
    Speed {
        /// The speed that was asked for.
        speed: f64,
    },
    /// Generating the population failed.
    #[error("the population could not be generated")]
    Population(#[source] tokio::task::JoinError),
}

/// Starts simulators.
#[derive(Clone, Copy, Debug)]
pub struct Simulator;

/// A simulator that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Everything that a simulator knew at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot(World);

/// What every exchange shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) world: Mutex<World>,
    /// Told whenever a request is held or let go.
    pub(crate) changed: Notify,
}

/// A body that may break off.
pub(crate) type ReplyBody = BoxBody<Bytes, std::io::Error>;

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("a fault closes the connection")]
pub(crate) struct Closed;

impl Simulator {
    /// Makes the tenant and begins to listen.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the speed is negative.
    pub async fn start(options: Options) -> Result<Running, StartError> {
        if !options.speed.is_finite() || options.speed < 0.0 {
            return Err(StartError::Speed {
                speed: options.speed,
            });
        }
        let listen = options.listen;
        let failed = |source| StartError::Listen { listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        // A large tenant takes a second to make, and this thread may have others to serve.
        let world = tokio::task::spawn_blocking(move || World::new(options))
            .await
            .map_err(StartError::Population)?;
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
            changed: Notify::new(),
        });
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(accept(
            listener,
            shared.clone(),
            stop.clone(),
            tasks.clone(),
        ));
        tasks.close();
        Ok(Running {
            address,
            shared,
            stop,
            tasks,
        })
    }
}

impl Running {
    /// Where it is reached, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The world as it is now: tenant, clock, faults, and what was asked and written.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.shared.lock().clone())
    }

    /// Turns the world back to what it was.
    pub fn restore(&self, snapshot: &Snapshot) {
        *self.shared.lock() = snapshot.0.clone();
    }

    /// Serves until the future is dropped: for a simulator that is a program of its own.
    pub async fn wait(self) {
        self.tasks.wait().await;
    }

    /// Ends it, and waits until every connection is closed.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => {
                let served = stop
                    .clone()
                    .run_until_cancelled_owned(serve(stream, shared.clone()));
                tasks.spawn(async { _ = served.await });
            }
            Err(error) => debug!(%error, "a connection was not accepted"),
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // Answers are small and asked for one after the other: waiting to fill a packet would only cost time.
    _ = stream.set_nodelay(true);
    let service = service_fn(|request: Request<Incoming>| {
        let shared = shared.clone();
        async move { exchange::answer(&shared, request).await }
    });
    if let Err(error) = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await
    {
        debug!(%error, "a connection broke off");
    }
}

/// An answer with this body whole.
pub(crate) fn whole(response: http::response::Builder, body: Bytes) -> Response<ReplyBody> {
    use http_body_util::{BodyExt, Full};
    let body = Full::new(body)
        .map_err(|never: Infallible| match never {})
        .boxed();
    response
        .body(body)
        .expect("headers are built from plain text")
}
