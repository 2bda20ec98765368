//! `plumb emulator`: the embedded cloud on a port, or one change to a cloud file behind plumb's back.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use emulator::{BudgetSetting, Emulator, Method, Options, Request};
use model::Json;

use crate::args;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Serves until a signal, or makes one edit and ends.
pub async fn run(args: &args::Emulator) -> Result<Exit, Failure> {
    let options = options(args);
    match (&args.edit[..], &args.vanish) {
        ([id, patch], _) => edit(options, id, patch),
        (_, Some(id)) => vanish(options, id),
        _ => serve(options, args.ca_file.as_deref()).await,
    }
}

fn options(args: &args::Emulator) -> Options {
    Options {
        cloud_file: args.cloud_file.clone(),
        port: args.port,
        https_port: args.https_port,
        latency: args.latency,
        speed: args.speed,
        seed: args.seed,
        subscription: args.subscription.clone(),
        token_lifetime: args.token_lifetime,
        page_size: args.page_size,
        retry_after: args.retry_after,
        skip_polling_delay: args.skip_polling_delay,
        patch_status: args.patch_status,
        budgets: args.budgets.as_ref().map(|_| BudgetSetting::azure()),
        ..Options::default()
    }
}

async fn serve(options: Options, ca_file: Option<&Path>) -> Result<Exit, Failure> {
    let (subscription, tenant) = (options.subscription.clone(), options.tenant.clone());
    let running = Emulator::start(options).await.context("starting the emulator")?;
    let mut welcome = format!(
        "Azure Resource Manager, pretended, at {endpoint}\n\n  plumb plan --endpoint {endpoint}\n",
        endpoint = running.endpoint(),
    );
    if let (Some(secure), Some(ca_file)) = (&running.secure, ca_file) {
        let ca_file = write_authority(ca_file, &secure.authority_pem)?;
        welcome += &environment(secure.address, &ca_file, &subscription, &tenant);
    }
    output::result(&format!(
        "{welcome}\nControl: {}/_emulator/ with the header x-emulator-token: {}\nCtrl-C ends it.\n",
        running.endpoint(),
        running.control_token
    ));
    let stop = tokio_util::sync::CancellationToken::new();
    crate::signals::watch(&stop, || "Left at once.".to_owned());
    stop.cancelled().await;
    running.stop().await.context("ending the emulator")?;
    Ok(Exit::Done)
}

/// Writes the certificate for clients to trust; its absolute path.
fn write_authority(file: &Path, pem: &str) -> anyhow::Result<PathBuf> {
    let file = std::path::absolute(file).with_context(|| format!("finding {}", file.display()))?;
    std::fs::write(&file, pem).with_context(|| format!("writing {}", file.display()))?;
    Ok(file)
}

/// What leads other programs here, to paste into a shell.
fn environment(address: SocketAddr, ca_file: &Path, subscription: &str, tenant: &str) -> String {
    let ca_file = ca_file.display();
    format!(
        "
For Azure's SDKs and az, at https://{address}:

  export REQUESTS_CA_BUNDLE='{ca_file}' SSL_CERT_FILE='{ca_file}'
  export ARM_CLOUD_METADATA_URL='https://{address}/metadata/endpoints?api-version=2019-05-01'
  export IDENTITY_ENDPOINT=https://{address}/msi/token IDENTITY_HEADER=emulator

For Terraform:

  export SSL_CERT_FILE='{ca_file}' ARM_METADATA_HOSTNAME={address} ARM_USE_CLI=false
  export ARM_SUBSCRIPTION_ID={subscription} ARM_TENANT_ID={tenant}
  export ARM_CLIENT_ID=00000000-0000-0000-0000-00000000c11e ARM_CLIENT_SECRET=any
"
    )
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
