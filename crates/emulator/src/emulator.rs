//! The world with its surroundings: the time it is given, the file that keeps it, and the server in front of it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::change::Change;
use crate::clock::Origin;
use crate::cloud_file::CloudFile;
use crate::options::Options;
use crate::wire::{Request, Response};
use crate::world::World;
use crate::{control, face};

/// How long a stop waits for requests that are being answered.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// A pretend cloud with a clock and, if wanted, a file. One lock holds it all: the world answers in microseconds.
#[derive(Debug)]
pub struct Emulator {
    state: Mutex<State>,
    control_token: String,
}

#[derive(Debug)]
struct State {
    world: World,
    origin: Origin,
    file: Option<CloudFile>,
}

/// An emulator that serves on a loopback port. Dropping it stops it too, without waiting.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// A bearer token for it.
    pub token: String,
    /// The token for `/_emulator/`.
    pub control_token: String,
    /// The emulator itself.
    pub emulator: Arc<Emulator>,
    shutdown: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<io::Result<()>>>,
}

impl Emulator {
    /// Opens the cloud file, if the options name one, and what is in it; the cloud is new if it is.
    pub fn open(options: Options) -> io::Result<Emulator> {
        let machine = Timestamp::now();
        let start = Origin { cloud: options.start_time.unwrap_or(machine), machine, speed: options.speed };
        let control_token = Uuid::new_v4().simple().to_string();
        let Some(path) = &options.cloud_file else {
            let state = State { world: World::new(options), origin: start, file: None };
            return Ok(Emulator { state: Mutex::new(state), control_token });
        };
        let (mut file, changes) = CloudFile::open(path)?;
        let stored = changes
            .iter()
            .rev()
            .find_map(|change| if let Change::Clock(origin) = change { Some(*origin) } else { None });
        let origin = stored.map_or(start, |stored| {
            if stored.speed == start.speed { stored } else { stored.rebased(machine, 0.0, start.speed) }
        });
        let mut world = World::new(options);
        changes.into_iter().for_each(|change| world.replay(change));
        let mut snapshot = world.snapshot();
        if file.is_wasteful(snapshot.len()) {
            snapshot.insert(0, Change::Clock(origin));
            file.rewrite(&snapshot)?;
        } else if stored != Some(origin) {
            file.append(&[Change::Clock(origin)])?;
        }
        Ok(Emulator { state: Mutex::new(State { world, origin, file: Some(file) }), control_token })
    }

    /// Opens an emulator and serves it on 127.0.0.1, in a task of the current runtime.
    pub async fn start(options: Options) -> io::Result<Running> {
        let port = options.port.unwrap_or(0);
        let emulator = Arc::new(Emulator::open(options)?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let (shutdown, stopped) = oneshot::channel::<()>();
        let served = Arc::clone(&emulator);
        let task = tokio::spawn(face::serve(listener, served, async move {
            // A dropped sender means the same as a sent word.
            stopped.await.ok();
        }));
        Ok(Running {
            address,
            token: Uuid::new_v4().simple().to_string(),
            control_token: emulator.control_token.clone(),
            emulator,
            shutdown: Some(shutdown),
            task: Some(task),
        })
    }

    /// Answers a request now. What it changed is in the file before this returns.
    pub fn handle(&self, request: &Request) -> Response {
        if request.path.trim_start_matches('/').to_ascii_lowercase().starts_with("_emulator/") {
            return control::handle(self, request);
        }
        let answered = self.with_world(|world, now| world.handle(request, now));
        answered.unwrap_or_else(|error| not_saved(&error))
    }

    /// The token for `/_emulator/`.
    pub fn control_token(&self) -> &str {
        &self.control_token
    }

    /// The cloud's time.
    pub fn now(&self) -> Timestamp {
        self.lock().origin.cloud_time(Timestamp::now())
    }

    /// Moves the cloud's time forward, and returns it.
    pub fn advance(&self, seconds: f64) -> io::Result<Timestamp> {
        let mut state = self.lock();
        let machine = Timestamp::now();
        state.origin = state.origin.rebased(machine, seconds, state.origin.speed);
        let origin = state.origin;
        if let Some(file) = &mut state.file {
            file.append(&[Change::Clock(origin)])?;
        }
        Ok(origin.cloud_time(machine))
    }

    /// Does something to the world at its present time, and writes down what it changed.
    pub(crate) fn with_world<R>(&self, act: impl FnOnce(&mut World, Timestamp) -> R) -> io::Result<R> {
        let mut state = self.lock();
        let now = state.origin.cloud_time(Timestamp::now());
        let result = act(&mut state.world, now);
        let changes = state.world.take_changes();
        if let Some(file) = &mut state.file {
            file.append(&changes)?;
        }
        Ok(result)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops serving once the requests at hand are answered, and closes the cloud file.
    pub async fn stop(mut self) -> io::Result<()> {
        drop(self.shutdown.take());
        let Some(mut task) = self.task.take() else { return Ok(()) };
        match tokio::time::timeout(STOP_TIMEOUT, &mut task).await {
            Ok(ended) => ended.map_err(io::Error::other)?,
            Err(_) => {
                task.abort();
                Ok(())
            }
        }
    }
}

/// The reply when the change could not be kept: the world has it, the next write tries again.
pub(crate) fn not_saved(error: &io::Error) -> Response {
    Response::json(500, &json!({ "error": { "code": "InternalServerError", "message": error.to_string() } }))
}
