//! One step: intent durable, request, operation durable, wait, read back, end durable.

use std::collections::BTreeMap;

use model::{Address, Attributes, Json, Observed, Resource, ResourceState, Secret, Status, Value};
use planner::{Action, Change, Resolved, Step, Verb, entry, fallback, resolve};
use state::{Intent, Outcome as Ending, Record, StateError};

use crate::failure::Failure;
use crate::logs;
use crate::provider::{CloudError, Outcome, Request};
use crate::read_back::{Expected, Shortfall, kept, read_back};
use crate::run::Context;
use crate::working::Working;

const STILL_THERE: &str = "Azure says that it is deleted, and still shows it";

/// Why a step did not end well.
#[derive(Debug)]
pub(crate) enum StepError {
    /// The cloud or the resource: other branches go on.
    Resource(Failure),
    /// Nobody knows how it ended; it stays open in the journal, and the next run settles it.
    Open(Failure),
    /// The journal: nothing more may be sent.
    State(StateError),
}

impl From<StateError> for StepError {
    fn from(error: StateError) -> Self {
        StepError::State(error)
    }
}

/// How a step that reached its end ended: what the journal records of it, and what went wrong if anything did.
struct Ended {
    ending: Ending,
    computed: BTreeMap<&'static str, Json>,
    error: Option<Failure>,
}

/// Carries out one step.
pub(crate) async fn perform(
    context: &Context,
    working: &Working,
    change: &Change,
    step: &Step,
) -> Result<(), StepError> {
    let secrets = secrets_of(context, working, change, step).await.map_err(StepError::Resource)?;
    let plan = Prepared::new(context, working, change, step, &secrets)
        .map_err(|words| StepError::Resource(words.into()))?;
    let sequence = working.next_sequence();
    let intent = Intent {
        sequence,
        address: change.address.clone(),
        step: step.verb.word().to_owned(),
        arm_id: plan.arm_id(),
        entry: plan.entry.clone(),
        moved_from: step.moved_from.clone(),
        time: context.cloud_time(),
    };
    working.append(Record::Intent(Box::new(intent.clone()))).await?;
    let ended = match step.verb {
        verb if verb.is_note() => plan.note(),
        Verb::Delete => delete(context, working, sequence, &plan).await?,
        _ => set(context, working, sequence, &plan).await?,
    };
    let record = match &ended.error {
        None => Record::Done { sequence, outcome: ended.ending.clone() },
        Some(error) => Record::Failed { sequence, outcome: ended.ending.clone(), error: error.to_string() },
    };
    working.append(record).await?;
    working.end(&intent, &ended.ending, ended.computed);
    match ended.error {
        None => Ok(()),
        Some(failure) => Err(StepError::Resource(with_log(context, &plan, failure).await)),
    }
}

/// A failure with what a setup script wrote, if one failed.
async fn with_log(context: &Context, plan: &Prepared<'_>, failure: Failure) -> Failure {
    let looked = matches!(plan.step.verb, Verb::Create | Verb::Start | Verb::Restart | Verb::Act(_));
    let Some(id) = plan.arm_id().filter(|_| looked) else { return failure };
    let Some(log) = logs::of_failure(context.provider.as_ref(), plan.change.kind, &id).await else {
        return failure;
    };
    let advice = Some("Mend the script; `plumb apply` goes on from there.".to_owned());
    Failure { log: Some(Box::new(log)), advice, ..failure }
}

/// Listed secrets by resource and name, for one request.
type Secrets = BTreeMap<(Address, String), Secret>;

/// The secrets that must be asked for because the step's request has them in it.
async fn secrets_of(
    context: &Context,
    working: &Working,
    change: &Change,
    step: &Step,
) -> Result<Secrets, Failure> {
    let mut secrets = Secrets::new();
    let sends = |path: &&str| match step.verb {
        Verb::Create | Verb::Put => true,
        Verb::Patch | Verb::Act(_) => step.paths.contains(path),
        _ => false,
    };
    let attributes = change.desired.iter().flat_map(|resource| &resource.attributes);
    for (_, value) in attributes.filter(|(path, _)| sends(path)) {
        let Value::Deferred(expression) = value else { continue };
        for (address, name) in expression.references() {
            let (Some(listed), Some(arm_id)) = (address.listed(name), working.arm_id(address)) else {
                continue;
            };
            let secret = context.provider.secret(&arm_id, &listed).await.map_err(|error| {
                let failure = Failure::from(error);
                Failure { words: format!("reading `{name}` of {address}: {}", failure.words), ..failure }
            })?;
            secrets.insert((address.clone(), name.clone()), secret);
        }
    }
    Ok(secrets)
}

/// A step with its values resolved.
struct Prepared<'a> {
    change: &'a Change,
    step: &'a Step,
    /// What the state will say; none when the resource will be gone.
    entry: Option<ResourceState>,
    /// Every value of the document, secrets in clear.
    values: BTreeMap<&'static str, Json>,
}

impl<'a> Prepared<'a> {
    fn new(
        context: &Context,
        working: &Working,
        change: &'a Change,
        step: &'a Step,
        secrets: &Secrets,
    ) -> Result<Self, String> {
        let standing = || working.entry(step.moved_from.as_ref().unwrap_or(&change.address));
        let noted = |entry: Option<ResourceState>| {
            let values = change.prior.as_ref().map(|p| p.applied.clone()).unwrap_or_default();
            Ok(Self { change, step, entry, values })
        };
        let Some(resource) = &change.desired else {
            // Power: nothing of what was applied changes.
            return noted(standing().filter(|_| !step.verb.removes()));
        };
        match step.verb {
            verb if verb.removes() => noted(None),
            Verb::Move => noted(standing()),
            _ => Self::built(context, working, (change, resource), step, secrets),
        }
    }

    /// A step that makes the resource more like its document.
    fn built(
        context: &Context,
        working: &Working,
        (change, resource): (&'a Change, &Resource),
        step: &'a Step,
        secrets: &Secrets,
    ) -> Result<Self, String> {
        let said = |(path, words): (&str, String)| format!("`{path}`: {words}");
        let resolved = resolve(resource, &|address, name| working.computed(address, name)).map_err(said)?;
        if let Some(path) = resolved.unknown.first() {
            return Err(format!("`{path}` depends on a value that Azure has not told yet"));
        }
        let entry = Some(intended(context, working, change, step, &resolved));
        let listed = |address: &Address, name: &str| {
            let secret = secrets.get(&(address.clone(), name.to_owned()));
            secret.map_or_else(|| working.computed(address, name), |secret| Some(secret.expose().into()))
        };
        // The state goes by what stands for a secret; the request alone has the secret itself.
        let mut values = match secrets.is_empty() {
            true => resolved.values,
            false => resolve(resource, &listed).map_err(said)?.values,
        };
        for path in step.paths.iter().filter(|p| !resource.attributes.contains_key(*p)) {
            let attribute = change.kind.attribute(path).expect("BUG: steps name attributes of the kind");
            values.insert(path, fallback(attribute).unwrap_or(Json::Null));
        }
        Ok(Self { change, step, entry, values })
    }

    /// The id that the step is about: what does not build goes to what the state knows.
    fn arm_id(&self) -> Option<model::ArmId> {
        let prior = self.change.prior.as_ref().and_then(|p| p.arm_id.clone());
        if matches!(self.step.verb, Verb::Delete | Verb::Forget | Verb::Move) {
            prior.or_else(|| self.change.arm_id.clone())
        } else {
            self.change.arm_id.clone()
        }
    }

    fn note(&self) -> Ended {
        let ending = if self.entry.is_some() { Ending::as_intended() } else { Ending::Gone };
        Ended { ending, computed: BTreeMap::new(), error: None }
    }

    /// Plain values that the read-back must show: those this step sets.
    fn expected(&self) -> Attributes {
        let shown = |path: &&'static str| self.entry.as_ref().is_some_and(|e| !e.secrets.contains_key(*path));
        let power_later = |path: &&'static str| self.step.verb == Verb::Create && *path == "power";
        let paths = self.step.paths.iter().filter(|p| shown(p) && !power_later(p));
        paths.filter_map(|p| Some((*p, self.values.get(p)?.clone()))).collect()
    }
}

/// What the state will say once the step is done.
fn intended(
    context: &Context,
    working: &Working,
    change: &Change,
    step: &Step,
    resolved: &Resolved,
) -> ResourceState {
    let resource = change.desired.as_ref().expect("BUG: only what documents want is built");
    let standing = working.entry(&change.address).or_else(|| change.prior.clone());
    let adopted = step.verb == Verb::Record && change.action == Action::Adopt;
    let created = step.verb == Verb::Create || adopted || (step.verb == Verb::Record && standing.is_none());
    let mut entry = match (created, standing) {
        (false, Some(standing)) => ResourceState {
            observed: standing.observed,
            applied: standing.applied,
            secrets: standing.secrets,
            ..entry::blank(resource)
        },
        _ if adopted => entry::whole(resource, resolved, &context.seal),
        _ => entry::blank(resource),
    };
    if adopted {
        // What is not yet as the document says is not applied.
        for difference in &change.differences {
            entry.applied.remove(difference.attribute.path);
            entry.secrets.remove(difference.attribute.path);
        }
        entry.observed = working.kept(&change.address);
    } else {
        entry::apply(&mut entry, resource, resolved, step.paths.iter().copied(), &context.seal);
    }
    entry
}

/// Sends, journals the operation, and waits for its end.
async fn send(
    context: &Context,
    working: &Working,
    sequence: u64,
    plan: &Prepared<'_>,
) -> Result<Result<(), CloudError>, StepError> {
    let arm_id = plan.arm_id().expect("BUG: only resources in ARM get requests");
    let request = Request {
        kind: plan.change.kind,
        arm_id: &arm_id,
        verb: plan.step.verb,
        attributes: &plan.values,
        paths: &plan.step.paths,
    };
    let operation = match context.provider.send(&request).await {
        Ok(sent) => sent.operation,
        Err(error) => return Ok(Err(error)),
    };
    let Some(operation) = operation else { return Ok(Ok(())) };
    let recorded = match &operation.url {
        Some(url) => working.append(Record::Operation { sequence, url: url.clone() }).await,
        None => Ok(()),
    };
    // It goes on whatever the journal does; its end is waited for, and read again by the next run.
    let waited = context.provider.wait(&operation).await;
    recorded?;
    Ok(waited)
}

/// Creates and updates.
async fn set(
    context: &Context,
    working: &Working,
    sequence: u64,
    plan: &Prepared<'_>,
) -> Result<Ended, StepError> {
    if let Err(error) = send(context, working, sequence, plan).await? {
        return failed(context, plan, error).await;
    }
    let arm_id = plan.arm_id().expect("BUG: only resources in ARM get requests");
    let values = plan.expected();
    let expected = Expected { kind: plan.change.kind, arm_id: &arm_id, values: &values };
    match read_back(context, &expected).await {
        Ok(observed) => Ok(done(observed)),
        Err(shortfall) => short(plan, shortfall),
    }
}

fn done(observed: Observed) -> Ended {
    Ended {
        ending: Ending::AsIntended { observed: kept(&observed) },
        computed: observed.computed,
        error: None,
    }
}

/// The cloud ended the step, and the reading is not as asked.
fn short(plan: &Prepared<'_>, shortfall: Shortfall) -> Result<Ended, StepError> {
    let (mut failure, outcome) = shortfall.failure();
    if matches!(plan.step.verb, Verb::Act(action) if action.tentative) {
        let address = &plan.change.address;
        failure = failure.and("; its action is not published");
        failure.advice =
            Some(format!("To get it, replace the instance: `plumb apply --replace '{address}'`."));
    }
    let (observed, status) = match shortfall {
        _ if outcome == Outcome::Unknown => return Err(StepError::Open(failure)),
        Shortfall::Failed(observed, _) => (*observed, Status::Tainted),
        Shortfall::NotApplied(observed, _) => (*observed, Status::Incomplete),
        Shortfall::Unready(unready) => (unready.observed, Status::Incomplete),
        Shortfall::Unreadable(_) | Shortfall::Missing | Shortfall::Unsettled(_) => {
            return Err(StepError::Open(failure));
        }
    };
    let ending = match (&plan.entry, plan.step.verb) {
        (Some(entry), Verb::Create) => Ending::Entry(Box::new(left_behind(entry, &observed, status))),
        _ => Ending::Unchanged,
    };
    Ok(Ended { ending, computed: observed.computed, error: Some(failure) })
}

/// What a create left that did not end as asked. What failed exists all the same, may cost, and holds its name
/// (arm-faults §4): it is tainted, and replaced. What stands otherwise than asked, perhaps by a policy's doing, is
/// compared again.
fn left_behind(entry: &ResourceState, observed: &Observed, status: Status) -> ResourceState {
    ResourceState { status, observed: kept(observed), ..entry.clone() }
}

/// A request or an operation failed. A create may have left something behind: look.
async fn failed(context: &Context, plan: &Prepared<'_>, error: CloudError) -> Result<Ended, StepError> {
    let outcome = error.outcome;
    let failure = Failure::from(error);
    if outcome == Outcome::Unknown {
        return Err(StepError::Open(failure));
    }
    let arm_id = plan.arm_id().expect("BUG: only resources in ARM get requests");
    let looked = outcome == Outcome::Failed && plan.step.verb == Verb::Create;
    let left = match (looked, &plan.entry) {
        (true, Some(entry)) => match context.provider.get(plan.change.kind, &arm_id).await {
            Ok(found) => found.map(|observed| left_behind(entry, &observed, Status::Tainted)),
            Err(_) => return Err(StepError::Open(failure)),
        },
        _ => None,
    };
    let ending = left.map_or(Ending::Unchanged, |left| Ending::Entry(Box::new(left)));
    Ok(Ended { ending, computed: BTreeMap::new(), error: Some(failure) })
}

/// Deletes are done when the resource is not there.
async fn delete(
    context: &Context,
    working: &Working,
    sequence: u64,
    plan: &Prepared<'_>,
) -> Result<Ended, StepError> {
    if let Err(error) = send(context, working, sequence, plan).await?
        && !error.is_not_found()
    {
        return failed(context, plan, error).await;
    }
    let arm_id = plan.arm_id().expect("BUG: only resources in ARM get requests");
    match context.provider.get(plan.change.kind, &arm_id).await {
        Ok(None) => Ok(Ended { ending: Ending::Gone, computed: BTreeMap::new(), error: None }),
        Ok(Some(_)) => Err(StepError::Open(STILL_THERE.to_owned().into())),
        Err(error) => Err(StepError::Open(error.into())),
    }
}
