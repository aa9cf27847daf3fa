//! The server: one thread, any number of browsers.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use thalweg::{Error, ErrorKind, Result};
use tokio::task::AbortHandle;

use crate::guard::{self, Guard};
use crate::run_list::RunList;
use crate::{api, assets};

/// The port, if it is free and no other is asked for.
const PORT: u16 = 8765;
/// The largest request: a picture or a sound to predict.
const LARGEST: usize = 32 << 20;
/// The time a browser has to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections at a time; the oldest gives way, and a page that is still open connects again.
const CONNECTIONS: usize = 256;

/// A page that is being served, until the process ends.
#[derive(Debug)]
pub struct Page {
    url: String,
    thread: JoinHandle<()>,
}

impl Page {
    /// The address to open in a browser.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Serves until the process ends.
    pub fn wait(self) {
        _ = self.thread.join();
    }
}

/// Serves the page of a folder of runs (or of one run) at an address; without a port at the usual one, if that is free.
///
/// # Errors
/// If the folder cannot be read, or the address cannot be served.
pub fn open(folder: &Path, address: IpAddr, port: Option<u16>) -> Result<Page> {
    let (root, run) = root(folder)?;
    let runs = Arc::new(RunList::new(root));
    let listener = match port {
        Some(port) => bind(address, port)?,
        None => bind(address, PORT).or_else(|_| bind(address, 0))?,
    };
    let bound = listener.local_addr().map_err(|error| Error::internal(error.to_string()))?;
    let guard = Guard::new(bound)?;
    let url = format!("http://{}/{}{run}", named(bound), guard.query());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(16)
        .build()
        .map_err(|error| Error::internal(format!("cannot start the server: {error}")))?;
    let application = Router::new()
        .nest("/api", api::routes(runs))
        .fallback(assets::file)
        .layer(DefaultBodyLimit::max(LARGEST))
        .layer(middleware::from_fn_with_state(Arc::new(guard), guard::check));
    let serve = move || runtime.block_on(serve(listener, application));
    let thread = std::thread::Builder::new().name("page".into()).spawn(serve);
    let thread = thread.map_err(|error| Error::internal(format!("cannot start the server: {error}")))?;
    Ok(Page { url, thread })
}

/// The folder whose runs are listed, and the page's address of the run that is named.
fn root(folder: &Path) -> Result<(PathBuf, String)> {
    let unreadable = |error: &std::io::Error| {
        Error::io(ErrorKind::Config, folder, "read the folder of runs", error)
            .fix("name the folder that has the runs, such as runs; training writes them there")
    };
    let folder = folder.canonicalize().map_err(|error| unreadable(&error))?;
    std::fs::read_dir(&folder).map_err(|error| unreadable(&error))?;
    match (crate::run_list::is_run(&folder), folder.parent(), folder.file_name().and_then(|name| name.to_str())) {
        (true, Some(parent), Some(name)) => Ok((parent.into(), format!("#/run/{}", encoded(name)))),
        _ => Ok((folder, String::new())),
    }
}

/// A name in an address.
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// An address as one opens it: that of every interface is no place to go to.
fn named(bound: SocketAddr) -> SocketAddr {
    if bound.ip().is_unspecified() { SocketAddr::new(Ipv4Addr::LOCALHOST.into(), bound.port()) } else { bound }
}

fn bind(address: IpAddr, port: u16) -> Result<TcpListener> {
    let listener = TcpListener::bind((address, port)).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map_err(|error| {
        Error::config(format!("cannot serve the page: {error}"))
            .at(SocketAddr::new(address, port).to_string())
            .fix("choose another port with --port, or leave it away for one that is free")
    })
}

/// Accepts connections, each a task of its own.
async fn serve(listener: TcpListener, application: Router) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("the listener is not blocking");
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let Ok((connection, _)) = listener.accept().await else {
            // Too many files are open, for one: a moment later some are closed.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        open.retain(|task| !task.is_finished());
        if open.len() >= CONNECTIONS {
            open.pop_front().inspect(AbortHandle::abort);
        }
        let service = TowerToHyperService::new(application.clone());
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
        let task = tokio::spawn(async move { http.serve_connection(TokioIo::new(connection), service).await });
        open.push_back(task.abort_handle());
    }
}
