//! `plumb ssh`: the command that logs in to an instance or to a node of a cluster. It is printed, never run, and made of
//! nothing that a shell or ssh would take for more than it is.

use std::net::IpAddr;

use anyhow::{anyhow, bail};
use executor::{Node, Provider};
use model::{Address, ArmId, Json, Kind, Observed};
use planner::render::escape;
use serde_json::json;

use crate::args::{Planning, Ssh};
use crate::commands::state::find;
use crate::engine::{self, Engine};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;

/// Where to log in, and as whom.
#[derive(Debug)]
struct Login {
    user: String,
    host: IpAddr,
    port: u16,
    identity: Option<String>,
    command: String,
}

impl Login {
    fn json(&self) -> Json {
        let Self { user, host, port, identity, command } = self;
        json!({ "user": user, "host": host, "port": port, "identity": identity, "command": command })
    }
}

/// What is asked of the cloud.
struct Asked<'a> {
    address: &'a Address,
    kind: &'static Kind,
    id: &'a ArmId,
}

/// Prints it.
pub async fn run(args: &Ssh, session: &Session) -> Result<Exit, Failure> {
    let snapshot = engine::snapshot(session).await?;
    let address = find(&snapshot, &args.address)?;
    let entry = &snapshot.resources[address];
    let kind = entry.kind();
    let id = entry.arm_id.as_ref().filter(|_| kind.name == "instance" || kind.node_list().is_some());
    let id =
        id.ok_or_else(|| anyhow!("{address} is neither an instance nor a cluster: nobody can log in to it"))?;
    if kind.name == "instance" && args.node.is_some() {
        Err(anyhow!("{address} is one machine: leave out --node"))?;
    }
    let planning = Planning::reading();
    let engine = Engine::read_only(session, &planning, output::progress::Mode::Quiet).await?;
    let found = login(args, &Asked { address, kind, id }, engine.provider()).await;
    engine.stop().await;
    let login = found?;
    let text = match args.json {
        true => output::json(&login.json()),
        false => format!("{}\n", login.command),
    };
    output::result(&text);
    Ok(Exit::Done)
}

async fn login(args: &Ssh, asked: &Asked<'_>, provider: &dyn Provider) -> Result<Login, Failure> {
    let Asked { address, kind, id } = asked;
    let live = provider.get(kind, id).await?;
    let live = live.ok_or_else(|| anyhow!("{address} does not exist in Azure: {id}"))?;
    is_open(asked, &live)?;
    let (hosts, port, user) = match kind.node_list() {
        Some(_) => {
            let nodes = provider.nodes(id).await?;
            let node = node(args, address, &nodes)?;
            let admin = kind.attributes.iter().find(|a| a.arm.ends_with(".adminUserName"));
            let user = admin.and_then(|a| live.attributes.get(a.path)).and_then(Json::as_str);
            ([node.public_ip.clone(), node.private_ip.clone()], node.port, user.map(str::to_owned))
        }
        None => {
            is_running(address, &live)?;
            let text = |name: &str| live.computed.get(name).and_then(Json::as_str).map(str::to_owned);
            let port = live.computed.get("ssh_port").and_then(Json::as_i64);
            ([text("public_ip_address"), text("private_ip_address")], port, text("ssh_user"))
        }
    };
    Ok(composed(args, address, hosts.into_iter().flatten().next(), port, user)?)
}

/// SSH is chosen when a machine is made (machine-learning facts §3.3, §3.4).
fn is_open(asked: &Asked<'_>, live: &Observed) -> anyhow::Result<()> {
    let Asked { address, kind, .. } = asked;
    if live.attributes.get("ssh_public_access_enabled") == Some(&Json::from(false)) {
        let loses = kind.loses.map(|words| format!(" ({words})")).unwrap_or_default();
        bail!(
            "SSH is off on {address}, and cannot be switched on later\n\
             set `ssh_public_access_enabled: true` and `ssh_settings` in its document: the next apply replaces it{loses}"
        );
    }
    Ok(())
}

fn is_running(address: &Address, live: &Observed) -> anyhow::Result<()> {
    let state = live.computed.get("state").and_then(Json::as_str).unwrap_or("Running");
    match live.attributes.get("power").and_then(Json::as_str) {
        Some("stopped") => bail!("{address} is {state}\nstart it: plumb start '{address}'"),
        Some("running") if !["Starting", "Restarting"].contains(&state) => Ok(()),
        _ => bail!(
            "{address} is {state}: nobody can log in to it now\nlook again in a while: plumb ssh '{address}'"
        ),
    }
}

/// The node that is asked for; of several, one must be named.
fn node<'a>(args: &Ssh, address: &Address, nodes: &'a [Node]) -> anyhow::Result<&'a Node> {
    let look = format!("plumb nodes '{address}'");
    match (&args.node, nodes) {
        (_, []) => bail!("{address} has no nodes now"),
        (None, [only]) => Ok(only),
        (None, several) => bail!("{address} has {} nodes\nname one with --node: {look}", several.len()),
        (Some(wanted), nodes) => nodes
            .iter()
            .find(|node| node.id == *wanted)
            .ok_or_else(|| anyhow!("{address} has no node `{wanted}`\nlist them: {look}")),
    }
}

/// The command. What Azure names stands in it only if it can be nothing but an address, a port and a user.
fn composed(
    args: &Ssh,
    address: &Address,
    host: Option<String>,
    port: Option<i64>,
    user: Option<String>,
) -> anyhow::Result<Login> {
    let host = host.ok_or_else(|| anyhow!("Azure names no address to log in to {address} at"))?;
    let host: IpAddr = host.parse().map_err(|_| anyhow!("Azure names `{host}`, which is no IP address"))?;
    let port = port.and_then(|port| u16::try_from(port).ok());
    let port = port.ok_or_else(|| anyhow!("Azure names no port to log in to {address} at"))?;
    let user = user.ok_or_else(|| anyhow!("Azure names no user to log in to {address} as"))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !user.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') || !user.chars().all(plain) {
        bail!("Azure names the user `{}`, which is no plain name", escape::terminal(&user));
    }
    let identity = args.identity.as_ref().map(|file| file.display().to_string());
    let key = identity.as_ref().map(|file| format!("-i {} ", quoted(file))).unwrap_or_default();
    let command = format!("ssh {key}-p {port} {user}@{host}");
    Ok(Login { user, host, port, identity, command })
}

/// A file's name as a POSIX shell reads it back.
fn quoted(file: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./~+@%".contains(c);
    if !file.is_empty() && file.chars().all(plain) {
        return file.to_owned();
    }
    format!("'{}'", file.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(identity: Option<&str>) -> Ssh {
        Ssh { address: String::new(), node: None, identity: identity.map(Into::into), json: false }
    }

    fn command(host: &str, port: i64, user: &str, identity: Option<&str>) -> Result<String, String> {
        let address = Address::parse("instance/research/ci").expect("an address");
        let login =
            composed(&asked(identity), &address, Some(host.to_owned()), Some(port), Some(user.to_owned()));
        login.map(|login| login.command).map_err(|error| error.to_string())
    }

    #[test]
    fn a_command_is_made_of_an_address_a_port_and_a_user() {
        let plain = command("20.1.2.3", 50_000, "azureuser", None);
        assert_eq!(plain.as_deref(), Ok("ssh -p 50000 azureuser@20.1.2.3"));
        let key = command("20.1.2.3", 4001, "azureuser", Some("my keys/it's"));
        assert_eq!(key.as_deref(), Ok(r"ssh -i 'my keys/it'\''s' -p 4001 azureuser@20.1.2.3"));
    }

    #[test]
    fn nothing_that_azure_names_becomes_an_option_or_a_command() {
        for (host, port, user) in [
            ("evil.example;id", 22, "azureuser"),
            ("-oProxyCommand=id", 22, "azureuser"),
            ("20.1.2.3", 70_000, "azureuser"),
            ("20.1.2.3", 22, "-oProxyCommand=id"),
            ("20.1.2.3", 22, "a$(id)"),
            ("20.1.2.3", 22, ""),
        ] {
            assert!(command(host, port, user, None).is_err(), "{host} {port} {user}");
        }
    }
}
