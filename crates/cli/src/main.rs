//! `plumb`: keeps Azure Machine Learning compute true to its manifests.
//!
//! The only room with a terminal. Arguments become [`settings::Settings`], a [`session::Session`] opens the project,
//! an [`engine::Engine`] joins cloud, state and plan, and each command is a file of its own.

mod args;
mod cloud;
mod commands;
mod commit;
mod engine;
mod exit;
mod failure;
mod log;
mod output;
mod past;
mod saved;
mod session;
mod settings;
mod signals;

use std::process::ExitCode;

use clap::Parser as _;
use planner::Action;

use crate::args::{Cli, Command};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::settings::Settings;

fn main() -> ExitCode {
    let typed = args::with_two_dashes(std::env::args_os());
    let cli = match Cli::try_parse_from(&typed) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are results; everything else is a mistake on the command line.
            let code = if error.use_stderr() { Exit::Error } else { Exit::Done };
            // Nobody may be reading; the code tells all the same.
            _ = error.print();
            return code.into();
        }
    };
    let settings = Settings::new(&cli.global, args::spoken(&typed));
    let color = settings.color;
    match log::start(color).map_err(Failure::from).and_then(|()| run(cli.command, settings)) {
        Ok(_) if output::was_lost() => {
            output::message("Error: the output could not be written");
            Exit::Error.into()
        }
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.tell(color);
            Exit::Error.into()
        }
    }
}

/// Commands that need no project come first; the others open one.
fn run(command: Command, settings: Settings) -> Result<Exit, Failure> {
    match &command {
        Command::Init(args) => return Ok(commands::init::run(args, &settings.root)?),
        Command::Explain(args) => return Ok(commands::explain::run(args)?),
        Command::Schema(args) => return Ok(commands::schema::run(args)),
        Command::Completions(args) => return Ok(commands::completions::run(args)),
        Command::Emulator(args) => return runtime()?.block_on(commands::emulator::run(args)),
        _ => {}
    }
    let mut session = Session::open(settings)?;
    let runtime = runtime()?;
    if let Command::Apply(args) = &command {
        runtime.block_on(saved::take(args, &mut session))?;
    }
    if let Some(number) = reverted(&command, &session) {
        runtime.block_on(past::take(number, &mut session))?;
    }
    match &command {
        Command::Validate(args) => {
            session.load()?;
            return commands::validate::run(args, &session);
        }
        _ if session.past.is_some() => {}
        Command::Plan(args) if !args.destroy => session.load_valid_or_empty(args.planning.allow_empty)?,
        Command::Apply(_)
            if session.approved.as_ref().is_some_and(|saved| saved.approval.options.destroy) => {}
        Command::Apply(args) => {
            let approved = session.approved.as_ref().is_some_and(|saved| saved.approval.options.allow_empty);
            session.load_valid_or_empty(approved || args.carry.planning.allow_empty)?;
        }
        Command::Drift(_) | Command::Graph(_) => session.load_valid()?,
        Command::Rbac(_) => session.load_valid()?,
        Command::Quota(_) | Command::Migrate(_) => session.load_valid_or_empty(true)?,
        // A group may be imported into a project that has no manifests yet.
        Command::Import(args) if args.needs_manifests() || session.has_manifests() => session.load_valid()?,
        _ => {}
    }
    if let Command::Graph(args) = &command {
        return Ok(commands::graph::run(args, &session));
    }
    runtime.block_on(with_cloud_or_state(&command, &session))
}

async fn with_cloud_or_state(command: &Command, session: &Session) -> Result<Exit, Failure> {
    match command {
        Command::Plan(args) => commands::plan::run(args, session).await,
        Command::Apply(args) => commands::apply::run(&args.carry, session, false).await,
        Command::Destroy(args) => commands::apply::run(args, session, true).await,
        Command::Drift(args) => commands::drift::run(args, session).await,
        Command::Show(args) => commands::show::run(args, session).await,
        Command::State(args) => commands::state::run(args, session).await,
        Command::Taint(args) => commands::edit::taint(args, session).await,
        Command::Untaint(args) => commands::edit::untaint(args, session).await,
        Command::History(args) => commands::history::run(args, session).await,
        Command::Unlock(args) => commands::unlock::run(args, session).await,
        Command::Output(args) => commands::output::run(args, session).await,
        Command::Start(args) => commands::power::run(args, session, Action::Start).await,
        Command::Stop(args) => commands::power::run(args, session, Action::Stop).await,
        Command::Restart(args) => commands::power::run(args, session, Action::Restart).await,
        Command::Rbac(args) => commands::rbac::run(args, session).await,
        Command::Nodes(args) => commands::nodes::run(args, session).await,
        Command::Migrate(args::Migrate::BatchAi(args)) => commands::migrate::batch_ai(args, session).await,
        Command::Logs(args) => commands::logs::run(args, session).await,
        Command::Ssh(args) => commands::ssh::run(args, session).await,
        Command::Quota(args) => commands::quota::run(args, session).await,
        Command::Import(args) => commands::import::run(args, session).await,
        _ => unreachable!("BUG: the other commands have ended"),
    }
}

/// The run that is to be gone back to.
fn reverted(command: &Command, session: &Session) -> Option<u64> {
    match command {
        Command::Plan(args) => args.revert,
        Command::Apply(args) => {
            let approved = session.approved.as_ref().and_then(|saved| saved.approval.options.revert.as_ref());
            args.revert.or(approved.map(|past| past.run))
        }
        _ => None,
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    Ok(runtime.map_err(|error| anyhow::anyhow!("starting the runtime: {error}"))?)
}
