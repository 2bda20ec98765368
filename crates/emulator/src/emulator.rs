//! The world with its surroundings: the time it is given, the file that keeps it, and the server in front of it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

use crate::cloud_file::CloudFile;
use crate::face::Door;
use crate::face::certificate::Identity;
use crate::faults::{Fault, FaultReport};
use crate::governance::budgets::{BudgetReport, BudgetSetting};
use crate::identity::tokens::Tokens;
use crate::options::Options;
use crate::store::change::Change;
use crate::time::clock::{ClockSetting, Origin};
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

/// An emulator that serves on loopback ports. Dropping it stops it too, without waiting.
#[derive(Debug)]
pub struct Running {
    /// Where it listens for HTTP.
    pub address: SocketAddr,
    /// Where it listens for HTTPS, if it does, and the certificate of the authority to trust there.
    pub secure: Option<Secure>,
    /// A bearer token for it that does not end.
    pub token: String,
    /// The token for `/_emulator/`.
    pub control_token: String,
    /// The emulator itself.
    pub emulator: Arc<Emulator>,
    shutdown: watch::Sender<()>,
    faces: Vec<JoinHandle<()>>,
}

/// The HTTPS side of a running emulator.
#[derive(Clone, Debug)]
pub struct Secure {
    /// Where it listens.
    pub address: SocketAddr,
    /// The certificate of its authority, made anew at each start.
    pub authority_pem: String,
}

impl Emulator {
    /// Opens the cloud file, if the options name one, and what is in it; the cloud is new if it is.
    pub fn open(options: Options) -> io::Result<Emulator> {
        if let Some(Err(reason)) = options.budgets.clone().map(BudgetSetting::complete) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let machine = Timestamp::now();
        let start = Origin { cloud: options.start_time.unwrap_or(machine), machine, speed: options.speed };
        let path = options.cloud_file.clone();
        let mut state = State { world: private(World::new(options)), origin: start, file: None };
        if let Some(path) = path {
            state.read(&path, machine)?;
        }
        Ok(Emulator { state: Mutex::new(state), control_token: Uuid::new_v4().simple().to_string() })
    }

    /// Opens an emulator and serves it on 127.0.0.1, in tasks of the current runtime.
    pub async fn start(options: Options) -> io::Result<Running> {
        let (port, https_port, latency) = (options.port.unwrap_or(0), options.https_port, options.latency);
        let token = options.token.clone();
        let emulator = Arc::new(Emulator::open(options)?);
        let mut doors = vec![Door::new(bind(port).await?, None, latency)];
        let address = doors[0].address()?;
        let mut secure = None;
        if let Some(port) = https_port {
            let Identity { authority_pem, acceptor } = Identity::new()?;
            let door = Door::new(bind(port).await?, Some(acceptor), latency);
            secure = Some(Secure { address: door.address()?, authority_pem });
            doors.push(door);
        }
        let (shutdown, stopped) = watch::channel(());
        let serve = |door| tokio::spawn(face::serve(door, Arc::clone(&emulator), end_of(stopped.clone())));
        Ok(Running {
            address,
            secure,
            token,
            control_token: emulator.control_token.clone(),
            faces: doors.into_iter().map(serve).collect(),
            emulator,
            shutdown,
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

    /// Full buckets of this setting in the place of all there are, or what is wrong with it; none limits nothing.
    pub fn set_budgets(&self, setting: Option<BudgetSetting>) -> Result<(), String> {
        self.lock().world.set_budgets(setting)
    }

    /// What became of every bucket that met a request.
    pub fn budgets(&self) -> Vec<BudgetReport> {
        self.lock().world.budgets()
    }

    /// Adds a fault and returns its number, or says what is wrong with it.
    pub fn inject(&self, fault: Fault) -> Result<u64, String> {
        let now = self.now();
        self.lock().world.inject(fault, now)
    }

    /// Every fault that was asked for and what became of it, oldest first.
    pub fn faults(&self) -> Vec<FaultReport> {
        let now = self.now();
        self.lock().world.faults(now)
    }

    /// Drops all faults.
    pub fn clear_faults(&self) {
        self.lock().world.clear_faults();
    }

    /// The cloud's time.
    pub fn now(&self) -> Timestamp {
        self.lock().now(Timestamp::now())
    }

    /// The cloud's time, and how many of its seconds pass in one of the machine's.
    pub fn clock(&self) -> (Timestamp, f64) {
        let mut state = self.lock();
        (state.now(Timestamp::now()), state.origin.speed)
    }

    /// Moves the cloud's time forward, and returns it.
    pub fn advance(&self, seconds: f64) -> io::Result<Timestamp> {
        let setting = ClockSetting { advance_seconds: Some(seconds), ..ClockSetting::default() };
        self.set_clock(&setting)?.map_err(|reason| io::Error::new(io::ErrorKind::InvalidInput, reason))
    }

    /// Sets the clock, and returns the cloud's time; the inner error says why it cannot be set like this.
    pub fn set_clock(&self, setting: &ClockSetting) -> io::Result<Result<Timestamp, String>> {
        let mut state = self.lock();
        let machine = Timestamp::now();
        state.now(machine);
        let origin = match setting.apply(state.origin, machine) {
            Ok(origin) => origin,
            Err(reason) => return Ok(Err(reason)),
        };
        state.origin = origin;
        let now = state.world.settle(origin.cloud);
        state.save(&[Change::Clock(origin)])?;
        Ok(Ok(now))
    }

    /// Does something to the world at its present time, and writes down what it changed.
    pub(crate) fn with_world<R>(&self, act: impl FnOnce(&mut World, Timestamp) -> R) -> io::Result<R> {
        let mut state = self.lock();
        let now = state.now(Timestamp::now());
        let now = state.world.settle(now);
        let result = act(&mut state.world, now);
        state.save(&[])?;
        Ok(result)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The cloud's time. When the machine's clock was set back, the cloud's goes on from where it was.
    fn now(&mut self, machine: Timestamp) -> Timestamp {
        let latest = self.world.time();
        if self.origin.cloud_time(machine) < latest {
            self.origin = self.origin.moved(machine, latest);
        }
        self.origin.cloud_time(machine)
    }

    /// Takes over what the cloud file holds, and sets the clock going with the speed it has now.
    fn read(&mut self, path: &Path, machine: Timestamp) -> io::Result<()> {
        let (mut file, changes) = CloudFile::open(path)?;
        let mut stored = None;
        for change in changes {
            if let Change::Clock(origin) = change {
                stored = Some(origin);
            }
            self.world.replay(change);
        }
        if let Some(origin) = stored {
            let is_same = origin.speed == self.origin.speed;
            self.origin = if is_same { origin } else { origin.at_speed(machine, self.origin.speed) };
        }
        self.now(machine);
        let snapshot = self.world.snapshot();
        let clock = Change::Clock(self.origin);
        if file.is_wasteful(snapshot.len()) {
            file.rewrite(&[vec![clock], snapshot].concat())?;
        } else if stored != Some(self.origin) {
            file.append(&[clock])?;
        }
        self.file = Some(file);
        Ok(())
    }

    /// Writes down what has changed in the world, after `first`.
    fn save(&mut self, first: &[Change]) -> io::Result<()> {
        let changes = self.world.take_changes();
        match &mut self.file {
            Some(file) => file.append(&[first, &changes].concat()),
            None => Ok(()),
        }
    }
}

impl Running {
    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `https://127.0.0.1:PORT`, if there is one.
    pub fn secure_endpoint(&self) -> Option<String> {
        self.secure.as_ref().map(|secure| format!("https://{}", secure.address))
    }

    /// The certificate of the authority that signed the HTTPS one, as PEM.
    pub fn authority_pem(&self) -> Option<&str> {
        self.secure.as_ref().map(|secure| secure.authority_pem.as_str())
    }

    /// Stops serving once the requests at hand are answered, and closes the cloud file.
    pub async fn stop(self) -> io::Result<()> {
        let Running { shutdown, faces, emulator, .. } = self;
        drop(shutdown);
        let deadline = Instant::now() + STOP_TIMEOUT;
        for mut face in faces {
            match tokio::time::timeout_at(deadline, &mut face).await {
                Ok(ended) => ended.map_err(io::Error::other)?,
                Err(_) => face.abort(),
            }
        }
        drop(emulator);
        Ok(())
    }
}

/// The same world with a key for tokens that nobody can work out.
fn private(mut world: World) -> World {
    let secret = [Uuid::new_v4(), Uuid::new_v4()].map(Uuid::into_bytes).concat();
    world.tokens = Tokens::new(&secret, world.tokens.lifetime);
    world
}

async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

/// Completes when the sender is gone.
async fn end_of(mut running: watch::Receiver<()>) {
    while running.changed().await.is_ok() {}
}

/// The reply when the change could not be kept: the world has it, the next write tries again.
pub(crate) fn not_saved(error: &io::Error) -> Response {
    Response::json(500, &json!({ "error": { "code": "InternalServerError", "message": error.to_string() } }))
}
