//! `plumb emulator`: the embedded cloud on a port, or one change to a cloud file behind plumb's back.

use anyhow::{Context as _, anyhow};
use emulator::{Emulator, Method, Options, Request};
use model::Json;

use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Serves until a signal, or makes one edit and ends.
pub async fn run(args: &args::Emulator) -> Result<Exit, Failure> {
    let options = Options {
        cloud_file: args.cloud_file.clone(),
        port: args.port,
        speed: args.speed,
        subscription: args.subscription.clone(),
        ..Options::default()
    };
    match (&args.edit[..], &args.vanish) {
        ([id, patch], _) => edit(options, id, patch),
        (_, Some(id)) => vanish(options, id),
        _ => serve(options).await,
    }
}

async fn serve(options: Options) -> Result<Exit, Failure> {
    let running = Emulator::start(options).await.context("starting the emulator")?;
    output::result(&format!(
        "Azure Resource Manager, pretended, at {endpoint}\n\n  plumb plan --endpoint {endpoint}\n\nControl: {endpoint}/_emulator/ with the header x-emulator-token: {token}\nCtrl-C ends it.\n",
        endpoint = running.endpoint(),
        token = running.control_token
    ));
    let stop = tokio_util::sync::CancellationToken::new();
    crate::signals::watch(stop.clone());
    stop.cancelled().await;
    running.stop().await.context("ending the emulator")?;
    Ok(Exit::Done)
}

/// Somebody changes a resource in the portal.
fn edit(options: Options, id: &str, patch: &str) -> Result<Exit, Failure> {
    let patch: Json =
        serde_json::from_str(patch).map_err(|_| anyhow!("--edit: the second value is not JSON"))?;
    control(options, |target| Request::new(Method::Patch, target).json(&patch), id)
}

/// Somebody deletes a resource in the portal.
fn vanish(options: Options, id: &str) -> Result<Exit, Failure> {
    control(options, |target| Request::new(Method::Delete, target), id)
}

/// One control request to a cloud that nobody serves.
fn control(options: Options, request: impl Fn(&str) -> Request, id: &str) -> Result<Exit, Failure> {
    let emulator = Emulator::open(options).context("opening the cloud file")?;
    let request = request(&format!("/_emulator/resource?id={id}"))
        .header("host", "127.0.0.1")
        .header("x-emulator-token", emulator.control_token());
    let response = emulator.handle(&request);
    match response.status {
        200..300 => Ok(Exit::Done),
        _ => Err(anyhow!("{}", String::from_utf8_lossy(&response.body)).into()),
    }
}
