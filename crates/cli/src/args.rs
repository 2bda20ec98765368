//! The command line, as typed. `settings` makes sense of it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

/// Keeps Azure Machine Learning compute true to its manifests.
#[derive(Debug, Parser)]
#[command(name = "plumb", version, about, long_about = None, propagate_version = true, disable_help_subcommand = true)]
#[command(
    after_help = "Start with `plumb init`, then `plumb plan` and `plumb apply`: they work on an embedded cloud, with nothing to install."
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// Work in this directory
    #[arg(short = 'C', long = "chdir", value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// The environment, as plumb.toml names it
    #[arg(short = 'e', long = "environment", value_name = "NAME", env = "PLUMB_ENV", global = true)]
    pub environment: Option<String>,
    /// Set a variable: --var location=westeurope
    #[arg(long = "var", value_name = "NAME=VALUE", global = true)]
    pub variables: Vec<String>,
    /// Read variables from a YAML file
    #[arg(long = "var-file", value_name = "FILE", global = true)]
    pub variable_files: Vec<PathBuf>,
    /// Another Azure Resource Manager than plumb.toml names; a loopback address gets no token of Azure's
    #[arg(long, value_name = "URL", env = "PLUMB_ENDPOINT", global = true, hide_env_values = true)]
    pub endpoint: Option<String>,
    /// Another way to sign in than plumb.toml names: cli, workload-identity, … (docs/credentials.md)
    #[arg(long, value_name = "NAME", env = "PLUMB_CREDENTIAL", global = true)]
    pub credential: Option<String>,
    /// No colours
    #[arg(long, global = true)]
    pub no_color: bool,
}

const EMULATOR_HELP: &str = "Examples:
  plumb emulator --port 8080 --cloud-file cloud.json
  plumb emulator --https-port 8443 --ca-file ca.pem --speed 60 --retry-after 1

While it serves, requests under /_emulator/ look behind the scenes; they need the header x-emulator-token.
  GET requests, GET counters                  what was asked so far
  POST clock {\"advance_seconds\": 60}         time passes
  POST faults {\"fault\": \"504-after\"}           a fault of the menu: a reply is lost
  POST tokens {\"revoke\": true}              every token issued so far is refused
  PATCH resource?id=ID, DELETE resource?id=ID somebody changes a resource
docs/emulator.md has the rest: every fault, and budgets, locks, policies, permissions, quotas.";

const IMPORT_HELP: &str = "Examples:
  plumb import cluster/research/cpu
  plumb import --resource-group ml-platform
  plumb import --workspace research --resource-group ml-platform --out manifests/research

With an address, its document must be there: the resource enters the state, and the next plan says what it would change.
With a group, a workspace or an id, documents are written for everything in it that has none, and the plan that follows
is shown to be empty. Files are never written over. Exit 2 when that plan is not empty.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new project that plans at once
    #[command(after_help = "Example:\n  plumb init ml-platform && cd ml-platform && plumb plan")]
    Init(Init),
    /// Check the manifests; sends nothing
    #[command(after_help = "Example:\n  plumb validate --json")]
    Validate(Json),
    /// Show what apply would do
    #[command(after_help = "Example:\n  plumb plan -e prod --detailed-exitcode")]
    Plan(Plan),
    /// Make the cloud as the manifests say, or as a saved plan does
    #[command(
        after_help = "Examples:\n  plumb apply --auto-approve\n  plumb plan --out release.plumb && plumb apply release.plumb"
    )]
    Apply(Apply),
    /// Delete everything in the state
    #[command(after_help = "Example:\n  plumb destroy -e test")]
    Destroy(Carry),
    /// Say what somebody changed behind plumb's back; exit 2 if anything
    #[command(after_help = "Example:\n  plumb drift || notify-the-team")]
    Drift(Drift),
    /// Show what the state has, one resource live, or a saved plan
    #[command(
        after_help = "Examples:\n  plumb show 'instance/research/ci[\"alice\"]'\n  plumb show release.plumb"
    )]
    Show(Show),
    /// Show what depends on what
    #[command(after_help = "Example:\n  plumb graph --format dot | dot -Tsvg > graph.svg")]
    Graph(Graph),
    /// Take resources that stand in Azure into the state, with documents where there are none; changes nothing in Azure
    #[command(after_help = IMPORT_HELP)]
    Import(Import),
    /// Look into the state, or change it by hand
    #[command(
        subcommand,
        after_help = "Examples:\n  plumb state list\n  plumb state mv cluster/research/cpu cluster/research/batch"
    )]
    State(State),
    /// Mark a resource to be replaced by the next apply
    #[command(after_help = "Example:\n  plumb taint cluster/research/cpu")]
    Taint(Marked),
    /// Take that mark away
    #[command(after_help = "Example:\n  plumb untaint cluster/research/cpu")]
    Untaint(Marked),
    /// Show what every run did: who, when, from which commit, and how it ended
    #[command(after_help = "Examples:\n  plumb history\n  plumb history 12 --json")]
    History(History),
    /// Show who holds the state's lock, or end the holder's right to write
    #[command(after_help = "Examples:\n  plumb unlock\n  plumb unlock 6f1c9a52-0c1e-4c8f-9d59-3f6a3f2f0001")]
    Unlock(Unlock),
    /// Show the outputs of the last apply
    #[command(after_help = "Example:\n  plumb output workspace_id")]
    Output(Output),
    /// Explain a kind, an attribute, or a built-in component
    #[command(after_help = "Example:\n  plumb explain instance.schedules")]
    Explain(Explain),
    /// Print the JSON Schema of manifests, or of `component.yaml`
    #[command(
        after_help = "Examples:\n  plumb schema > manifest.schema.json\n  plumb schema component > component.schema.json"
    )]
    Schema(Schema),
    /// Start compute instances
    #[command(after_help = "Example:\n  plumb start 'instance/research/ci[\"alice\"]'")]
    Start(Power),
    /// Stop compute instances
    #[command(after_help = "Example:\n  plumb stop instance/research/ci")]
    Stop(Power),
    /// Restart compute instances
    #[command(after_help = "Example:\n  plumb restart instance/research/ci")]
    Restart(Power),
    /// Show the vCPU quotas of regions: limit, what is used, and what the plan would add
    #[command(after_help = "Examples:\n  plumb quota\n  plumb quota --location westeurope --all --json")]
    Quota(Quota),
    /// Print the Azure role that the manifests need: for planning, for applying, or for people who use computes
    #[command(
        after_help = "Example:\n  plumb rbac --for apply > role.json && az role definition create --role-definition role.json"
    )]
    Rbac(Rbac),
    /// Make manifests of what another service has, which Azure has retired
    #[command(
        subcommand,
        after_help = "Examples:\n  plumb migrate batch-ai batch_ai_workspace/recipes --workspace research --size Standard_NC6=Standard_NC4as_T4_v3\n  plumb migrate batch-ai --config-file cluster.json --name nc6 --workspace research\n  plumb migrate batch-ai --commands create-clusters.sh --workspace research --dry-run"
    )]
    Migrate(Migrate),
    /// List the nodes of a cluster
    #[command(after_help = "Example:\n  plumb nodes cluster/research/cpu")]
    Nodes(Nodes),
    /// Show what the setup scripts of an instance wrote
    #[command(
        after_help = "Examples:\n  plumb logs instance/research/ci\n  plumb logs instance/research/ci --script startup --tail 20"
    )]
    Logs(Logs),
    /// Print the command that logs in to an instance, or to a node of a cluster
    #[command(
        after_help = "Examples:\n  plumb ssh instance/research/ci --identity ~/.ssh/id_ed25519\n  plumb ssh cluster/research/cpu --node tvm-1\n  $(plumb ssh instance/research/ci)"
    )]
    Ssh(Ssh),
    /// Serve the embedded cloud on a port
    #[command(after_help = EMULATOR_HELP)]
    Emulator(Emulator),
    /// Print a completion script for a shell
    #[command(after_help = "Example:\n  plumb completions bash > /etc/bash_completion.d/plumb")]
    Completions(Completions),
}

#[derive(Debug, Args)]
pub struct Init {
    /// The directory to make; the current one by default
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Json {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// How many steps are in flight unless told otherwise. Most of a step is waiting for Azure; how many requests
/// go out, and how fast, is the client's business.
const PARALLELISM: u16 = 128;

/// How a plan is made.
#[derive(Debug, Clone, Args, PartialEq)]
pub struct Planning {
    /// Read Azure first; --refresh=false takes what was last applied as live
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub refresh: bool,
    /// Only this, and what it needs: an address, one of a for_each without its key, the beginning of
    /// addresses (`instance/research`), or a pattern (`*/research/*`)
    #[arg(long, value_name = "ADDRESS")]
    pub target: Vec<String>,
    /// Everything but this, and what needs it
    #[arg(long, value_name = "ADDRESS")]
    pub exclude: Vec<String>,
    /// Replace this resource although nothing about it asks for it
    #[arg(long, value_name = "ADDRESS", conflicts_with = "refresh_only")]
    pub replace: Vec<String>,
    /// Only bring the state up to date with Azure: drift counts as applied, what is gone leaves the state
    #[arg(long)]
    pub refresh_only: bool,
    /// How many steps may be in flight at once
    #[arg(long, default_value_t = PARALLELISM, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: u16,
    /// How many resources may be deleted or replaced
    #[arg(long, value_name = "N")]
    pub max_deletes: Option<usize>,
    /// Go on although more than half of the state is gone from Azure
    #[arg(long)]
    pub allow_missing: bool,
    /// Go on although the manifests ask for no resource at all
    #[arg(long)]
    pub allow_empty: bool,
    /// Do not look whether sizes, quotas, locks and names let the plan pass (docs/preflight.md)
    #[arg(long)]
    pub skip_preflight: bool,
    /// Take a state that names another cloud or subscription, as it names it, to be about this one
    #[arg(long, value_name = "CLOUD")]
    pub accept_other_cloud: Option<String>,
    /// Take a state that is older than the one last seen here
    #[arg(long)]
    pub accept_older_state: bool,
    /// Take secrets to be as they were: the key that tells whether they changed (.plumb/seal.key) is lost
    #[arg(long)]
    pub trust_secrets: bool,
}

impl Planning {
    /// When nobody says anything.
    pub fn unsaid() -> Self {
        Self {
            refresh: true,
            target: Vec::new(),
            exclude: Vec::new(),
            replace: Vec::new(),
            refresh_only: false,
            parallelism: PARALLELISM,
            max_deletes: None,
            allow_missing: false,
            allow_empty: false,
            skip_preflight: false,
            accept_other_cloud: None,
            accept_older_state: false,
            trust_secrets: false,
        }
    }

    /// For commands that read and do not plan.
    pub fn reading() -> Self {
        Self { allow_missing: true, ..Self::unsaid() }
    }
}

#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    pub planning: Planning,
    /// Plan to delete everything
    #[arg(long, conflicts_with = "refresh_only")]
    pub destroy: bool,
    /// Plan to go back to what this run of `plumb history` left, instead of to the manifests
    #[arg(long, value_name = "N", conflicts_with = "destroy")]
    pub revert: Option<u64>,
    /// Ask Azure nothing: what was last applied stands for what is there, and there is no preflight
    #[arg(long, conflicts_with_all = ["refresh", "refresh_only", "out"])]
    pub offline: bool,
    /// Save the plan in this file, for `plumb apply FILE` to do exactly that; it holds no secret
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = PlanFormat::Human)]
    pub format: PlanFormat,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Exit 2 when there are changes
    #[arg(long)]
    pub detailed_exitcode: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    Human,
    Json,
    Markdown,
}

#[derive(Debug, Args)]
pub struct Apply {
    /// A plan that `plumb plan --out FILE` saved: exactly that is done, without a question, or nothing
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Go back to what this run of `plumb history` left, instead of to the manifests
    #[arg(long, value_name = "N", conflicts_with = "file")]
    pub revert: Option<u64>,
    #[command(flatten)]
    pub carry: Carry,
}

/// How a plan is carried out.
#[derive(Debug, Args)]
pub struct Carry {
    #[command(flatten)]
    pub planning: Planning,
    /// Do not ask
    #[arg(long, short = 'y')]
    pub auto_approve: bool,
    /// Print events, one JSON object a line; needs --auto-approve or a saved plan
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Drift {
    /// Also list live values that no document manages
    #[arg(long)]
    pub all: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// How many calls may be in flight at once
    #[arg(long, default_value_t = PARALLELISM, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: u16,
}

#[derive(Debug, Args)]
pub struct Show {
    /// A resource's address, for what was applied and what is live; or the file of a saved plan
    #[arg(value_name = "ADDRESS|FILE")]
    pub what: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Graph {
    /// How to print it
    #[arg(long, value_enum, default_value_t = GraphFormat::Tree)]
    pub format: GraphFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    Tree,
    Dot,
    Mermaid,
}

#[derive(Debug, Subcommand)]
pub enum State {
    /// List the addresses in the state
    #[command(after_help = "Example:\n  plumb state list cluster/")]
    List {
        /// Only addresses that begin so
        prefix: Option<String>,
    },
    /// Show what the state has of one resource
    #[command(after_help = "Example:\n  plumb state show cluster/research/cpu")]
    Show {
        /// Its address
        address: String,
    },
    /// Give a resource another address; Azure is not touched
    #[command(
        after_help = "Without a key, FROM means every element of that for_each, which keep their keys. What lies in a moved workspace follows it.\n\nExamples:\n  plumb state mv cluster/research/cpu cluster/research/batch\n  plumb state mv cluster/research/cpu 'cluster/research/team[\"a\"]'"
    )]
    Mv {
        /// Its address now
        from: String,
        /// Its address from now on
        to: String,
        /// Say what would be moved, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Forget resources without deleting them
    #[command(after_help = "Example:\n  plumb state rm cluster/research/cpu")]
    Rm {
        /// Their addresses; one of a for_each without its key means all of them
        #[arg(required = true)]
        addresses: Vec<String>,
        /// Say what would be forgotten, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Print the state file, after every check
    #[command(after_help = "Example:\n  plumb state pull > state.json")]
    Pull,
    /// Put another state in the place of the one that is there
    #[command(after_help = "Example:\n  plumb state push .plumb/history/12.state.json")]
    Push {
        /// A state file, such as `plumb state pull` prints; `-` for stdin
        file: PathBuf,
        /// Push it although it is older, another state's, or about another cloud; says what that overrides
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Args)]
pub struct Marked {
    /// Its address
    pub address: String,
}

#[derive(Debug, Args)]
pub struct History {
    /// One run: who, when, and each resource that it changed
    #[arg(value_name = "RUN")]
    pub number: Option<u64>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Unlock {
    /// The lock's id, as `plumb unlock` shows it
    pub id: Option<String>,
    /// Do not ask
    #[arg(long, requires = "id")]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct Output {
    /// Only this one, as plain text
    pub name: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Explain {
    /// A kind, a kind and a path, or a built-in component: `cluster`, `instance.schedules`, `plumb/dsvm-pool`; a list of all by default
    pub path: Option<String>,
}

#[derive(Debug, Args)]
pub struct Schema {
    /// What is to be described
    #[arg(value_enum, default_value = "manifest")]
    pub of: SchemaOf,
}

/// What a schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// One document of a manifest
    Manifest,
    /// A component's component.yaml
    Component,
}

#[derive(Debug, Args)]
pub struct Import {
    /// The address of a document whose resource stands in Azure; or arm/NAME with an ARM id, to have it written
    pub address: Option<String>,
    /// Its ARM id, to be sure; by default it follows from the document's names
    pub id: Option<String>,
    /// Of arm/NAME: the api-version to read it with; by default the newest that is no preview
    #[arg(long, value_name = "VERSION", requires = "id")]
    pub api_version: Option<String>,
    /// Write documents for a whole resource group: its name or ARM id
    #[arg(long, short = 'g', value_name = "NAME", conflicts_with = "address")]
    pub resource_group: Option<String>,
    /// Write documents for a workspace and its computes: its ARM id, its name with --resource-group, or its document
    #[arg(long, short = 'w', value_name = "NAME", conflicts_with_all = ["address", "resource"])]
    pub workspace: Option<String>,
    /// Write a document for one resource: its ARM id
    #[arg(long, value_name = "ID", conflicts_with_all = ["address", "resource_group"])]
    pub resource: Option<String>,
    /// Write documents for what a Terraform state names: `terraform state pull` or `terraform show -json`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["address", "resource", "resource_group", "workspace", "from_az_ml", "from_template"])]
    pub from_terraform: Option<PathBuf>,
    /// Write documents for what a file or folder of az ml YAML names; -g and -w say where it lies
    #[arg(long, value_name = "PATH", conflicts_with_all = ["address", "resource", "from_template"])]
    pub from_az_ml: Option<PathBuf>,
    /// Write documents for what an ARM template makes in the group that -g names
    #[arg(long, value_name = "FILE", conflicts_with_all = ["address", "resource", "workspace"], requires = "resource_group")]
    pub from_template: Option<PathBuf>,
    /// The template's parameter file
    #[arg(long, value_name = "FILE", requires = "from_template")]
    pub parameters: Option<PathBuf>,
    /// The folder to write in, below the project; manifests or manifests/GROUP by default
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How many calls may be in flight at once
    #[arg(long, default_value_t = PARALLELISM, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: u16,
}

#[derive(Debug, Subcommand)]
pub enum Migrate {
    /// Clusters of Batch AI: manifests of compute clusters, datastores for their mounts, and their setup tasks as scripts;
    /// says of every field what became of it
    BatchAi(MigrateBatchAi),
}

#[derive(Debug, Args)]
pub struct MigrateBatchAi {
    /// Live clusters, or workspaces with all of theirs: addresses or ARM ids
    pub clusters: Vec<String>,
    /// A cluster's configuration file, as `az batchai cluster create --config-file` took it
    #[arg(long, value_name = "FILE", requires = "name")]
    pub config_file: Option<PathBuf>,
    /// What the cluster of the configuration file was called
    #[arg(long, value_name = "NAME", requires = "config_file")]
    pub name: Option<String>,
    /// An `az batchai cluster create …`, as one argument
    #[arg(long, value_name = "COMMAND")]
    pub command: Option<String>,
    /// A shell script with such commands
    #[arg(long, value_name = "FILE")]
    pub commands: Option<PathBuf>,
    /// The workspace to move to: the name of its document, or its ARM id
    #[arg(long, short = 'w', value_name = "NAME")]
    pub workspace: String,
    /// Another machine size in the place of one, for all clusters that have it
    #[arg(long, value_name = "OLD=NEW", value_parser = pair)]
    pub size: Vec<(String, String)>,
    /// Another name for a cluster
    #[arg(long, value_name = "OLD=NEW", value_parser = pair)]
    pub rename: Vec<(String, String)>,
    /// The largest number of nodes of clusters that had a fixed size of 0
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(i64).range(0..=65_000))]
    pub max_instances: i64,
    /// The storage account of mounts that name none: auto storage had one in each region
    #[arg(long, value_name = "NAME")]
    pub storage_account: Option<String>,
    /// The folder to write in, below the project; manifests/migrated by default
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Only say what would be written
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `OLD=NEW`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.is_empty() && !new.is_empty() => Ok((old.to_owned(), new.to_owned())),
        _ => Err("write OLD=NEW".to_owned()),
    }
}

impl Import {
    /// Whether there is nothing to import without manifests: a document is named, and none is to be written for it.
    pub fn needs_manifests(&self) -> bool {
        let is_typed = |address: &str| address.starts_with("arm/") && self.id.is_some();
        self.address.as_deref().is_some_and(|address| !is_typed(address))
    }
}

#[derive(Debug, Args)]
pub struct Power {
    /// Addresses of instances; one of a for_each without its key means all of them
    #[arg(required = true)]
    pub addresses: Vec<String>,
    /// How many may be in flight at once
    #[arg(long, default_value_t = PARALLELISM, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: u16,
}

#[derive(Debug, Args)]
pub struct Nodes {
    /// The cluster's address
    pub address: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// When a setup script runs.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ScriptRole {
    /// Once, when the instance is made
    Creation,
    /// At each start
    Startup,
}

#[derive(Debug, Args)]
pub struct Logs {
    /// The instance's address
    pub address: String,
    /// The logs of one of its scripts alone
    #[arg(long, value_enum)]
    pub script: Option<ScriptRole>,
    /// The last lines of a log alone
    #[arg(long, value_name = "N")]
    pub tail: Option<usize>,
    /// The text of every log, not of the latest alone
    #[arg(long)]
    pub all: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Ssh {
    /// The address of an instance or a cluster
    pub address: String,
    /// The node of a cluster, by its id; needed where there are several
    #[arg(long, value_name = "ID")]
    pub node: Option<String>,
    /// The file of the private key, which the command names
    #[arg(long, short = 'i', value_name = "FILE")]
    pub identity: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Quota {
    /// A region; by default those of the manifests' computes
    #[arg(long, value_name = "REGION")]
    pub location: Vec<String>,
    /// Families that nobody uses or asks for, too
    #[arg(long)]
    pub all: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Rbac {
    /// What the role is to allow
    #[arg(long = "for", value_enum, default_value_t = RoleFor::Apply)]
    pub purpose: RoleFor,
    /// How it is written
    #[arg(long, value_enum, default_value_t = RoleFormat::Json)]
    pub format: RoleFormat,
}

/// How a role is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleFormat {
    /// As `az role definition create` takes it
    Json,
    /// As a `role_definition` document, for manifests
    Manifest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleFor {
    /// Reading alone: plan, drift, quota, show
    Plan,
    /// All that apply and destroy do
    Apply,
    /// Starting, stopping and using computes that stand
    DataScientist,
}

#[derive(Debug, Args)]
pub struct Emulator {
    /// The port for HTTP; a free one by default
    #[arg(long)]
    pub port: Option<u16>,
    /// A port for HTTPS too, which Azure's SDKs, az and Terraform need; 0 takes a free one
    #[arg(long, value_name = "PORT", requires = "ca_file")]
    pub https_port: Option<u16>,
    /// Write the certificate to trust there to this file; it is a new one at each start
    #[arg(long, value_name = "FILE", requires = "https_port")]
    pub ca_file: Option<PathBuf>,
    /// The file that keeps the cloud; in memory by default
    #[arg(long, value_name = "FILE")]
    pub cloud_file: Option<PathBuf>,
    /// Seconds of cloud time for each second
    #[arg(long, default_value_t = 1.0, env = "PLUMB_EMULATOR_SPEED")]
    pub speed: f64,
    /// Change a resource of the cloud file behind plumb's back, and end: its ARM id, and a JSON merge patch
    #[arg(long, num_args = 2, value_names = ["ID", "JSON"], requires = "cloud_file", conflicts_with = "vanish")]
    pub edit: Vec<String>,
    /// Take a resource out of the cloud file behind plumb's back, and end
    #[arg(long, value_name = "ID", requires = "cloud_file")]
    pub vanish: Option<String>,
    /// The subscription that it has
    #[arg(long, default_value = "00000000-0000-0000-0000-000000000001")]
    pub subscription: String,
    /// The seed of everything that looks random
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Items on a page of a list
    #[arg(long, default_value_t = 100, value_name = "COUNT", value_parser = at_least_one)]
    pub page_size: usize,
    /// How a compute PATCH is answered: 200 as specified, 202 as Azure was seen to
    #[arg(long, default_value_t = 200, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(200..=202))]
    pub patch_status: u16,
    /// Ask clients to poll again after so many seconds; Azure does not say, and its SDKs then wait for 30
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub retry_after: Option<Duration>,
    /// Tell Terraform's azurerm provider not to wait between its polls, which it does for 10 seconds otherwise
    #[arg(long)]
    pub skip_polling_delay: bool,
    /// How long the tokens that it issues are good
    #[arg(long, default_value = "86400", value_name = "SECONDS", value_parser = seconds)]
    pub token_lifetime: Duration,
    /// Count requests against budgets: `azure` for Azure's numbers
    #[arg(long, value_name = "PRESET", value_parser = ["azure"])]
    pub budgets: Option<String>,
    /// How long each request waits on its way
    #[arg(long, default_value = "0", value_name = "SECONDS", value_parser = seconds)]
    pub latency: Duration,
}

#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "not a number of seconds".to_owned())
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "not a count".to_owned())
}

/// Terraform's one-dash spelling of long flags, `-auto-approve`, made into two dashes.
pub fn with_two_dashes(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let known = long_flags(&Cli::command());
    let mend = |arg: OsString| match arg.to_str() {
        Some(text) if is_one_dash_flag(text, &known) => OsString::from(format!("-{text}")),
        _ => arg,
    };
    args.into_iter().map(mend).collect()
}

/// The command line as the lock, the journal and the history keep it: values of variables are left out.
pub fn spoken(args: &[OsString]) -> String {
    let mut words = vec!["plumb".to_owned()];
    let mut is_variable = false;
    for arg in args.iter().skip(1) {
        let text = arg.to_string_lossy();
        let value = text.strip_prefix("--var=").or(is_variable.then_some(text.as_ref()));
        let flag = if is_variable { "" } else { "--var=" };
        words.push(match value.map(|value| value.split('=').next().unwrap_or_default()) {
            Some(name) => format!("{flag}{name}=\u{2026}"),
            None => quoted(&text),
        });
        is_variable = text == "--var" && !is_variable;
    }
    let whole = words.join(" ");
    match whole.char_indices().nth(SPOKEN_MAX) {
        Some((end, _)) => format!("{}\u{2026}", &whole[..end]),
        None => whole,
    }
}

/// Nobody reads more of a command line.
const SPOKEN_MAX: usize = 300;

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,@+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn is_one_dash_flag(text: &str, known: &[String]) -> bool {
    let Some(name) = text.strip_prefix('-').filter(|n| !n.starts_with('-')) else { return false };
    let name = name.split('=').next().unwrap_or_default();
    name.len() > 1 && known.iter().any(|k| k == name)
}

fn long_flags(command: &clap::Command) -> Vec<String> {
    let own = command.get_arguments().filter_map(|a| a.get_long()).map(str::to_owned);
    let below = command.get_subcommands().flat_map(long_flags);
    own.chain(below).chain(["help".to_owned(), "version".to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn nothing_said_is_what_is_taken_by_default() {
        let cli = Cli::try_parse_from(["plumb", "apply"]).expect("parses");
        let Command::Apply(apply) = cli.command else { panic!("not apply") };
        assert_eq!(apply.carry.planning, Planning::unsaid());
    }

    #[test]
    fn one_dash_spellings_work() {
        let args = ["plumb", "apply", "-auto-approve", "-C", "dir", "-var", "a=1", "-refresh=false"];
        let mended = with_two_dashes(args.into_iter().map(OsString::from));
        let cli = Cli::try_parse_from(mended).expect("parses");
        let Command::Apply(apply) = cli.command else { panic!("not apply") };
        assert!(apply.carry.auto_approve && !apply.carry.planning.refresh);
        assert_eq!(cli.global.variables, ["a=1"]);
    }

    #[test]
    fn a_spoken_command_line_has_no_values_of_variables() {
        let said = |args: &[&str]| spoken(&args.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(
            said(&["/usr/bin/plumb", "apply", "--var", "password=a b", "--var=key=x=y", "-e", "prod"]),
            "plumb apply --var password=\u{2026} --var=key=\u{2026} -e prod"
        );
        assert_eq!(said(&["plumb", "taint", "a/b[\"c\"]"]), "plumb taint 'a/b[\"c\"]'");
        assert_eq!(
            said(&["plumb", "apply", "--var", "--var", "--var", "x=secret"]).matches("secret").count(),
            0
        );
        assert!(said(&["plumb", &"x".repeat(1000)]).chars().count() < 310);
    }

    #[test]
    fn every_command_has_an_example() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example"), "{}", command.get_name());
        }
    }
}
