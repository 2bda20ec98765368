//! A cloud as simple as can be: a map of resources, pending operations, and faults on demand.
//!
//! It is stricter than Azure where that shows mistakes: nothing is created in what is not there or on top of
//! what stands, nothing is deleted while something lies in it, and each change must be in the journal before
//! it is sent. Whatever breaks such a rule is noted in [`World::complaints`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use executor::{CloudError, Collection, Item, Node, Operation, Outcome, Provider, Request, Sent};
use futures_util::FutureExt;
use model::{ArmId, Json, Kind, Listed, Observed, Provisioning, Secret};
use planner::Verb;
use planner::preflight::{Location, Lock, Region};
use state::{LocalStore, StateStore, replay};
use testkit::Random;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is refused.
    Refuse,
    /// It is taken and fails; a create leaves something behind.
    Fail,
    /// It is taken and fails; a create leaves nothing behind.
    FailClean,
    /// It never arrives, and nobody hears of it.
    LoseBefore,
    /// It arrives, and its reply does not.
    LoseAfter,
    /// Its operation does not end while this fault stands.
    NeverSettle,
    /// This attribute is accepted and not applied.
    Ignore(&'static str),
}

/// What a world holds at one time.
#[derive(Clone, Default)]
pub struct Inner {
    /// Resources by folded id.
    pub standing: BTreeMap<String, Observed>,
    /// Operations by address; what is left of them is done when somebody waits.
    operations: BTreeMap<String, Pending>,
    /// How often each resource was created.
    pub births: BTreeMap<String, usize>,
}

#[derive(Clone)]
struct Pending {
    id: String,
    end: End,
    never: bool,
    ended: Option<bool>,
}

#[derive(Clone)]
enum End {
    Stands,
    Fails { leaves: bool },
    Set(BTreeMap<&'static str, Json>),
    Goes,
    Nothing { well: bool },
}

/// The cloud.
#[derive(Default)]
pub struct World {
    inner: Mutex<Inner>,
    /// Faults for the next such request: verb, resource name.
    faults: Mutex<Vec<(&'static str, &'static str, Fault)>>,
    /// Faults by chance, one in so many requests.
    chance: Mutex<Option<(Random, u64)>>,
    /// Every call, in order.
    pub log: Mutex<Vec<String>>,
    /// Broken rules.
    pub complaints: Mutex<Vec<String>>,
    /// Resources whose parents may not be listed or read: names.
    pub forbidden: Mutex<Vec<&'static str>>,
    /// Resources whose keys may not be listed: names.
    keyless: Mutex<Vec<String>>,
    /// Names that readings leave out for so many calls.
    pub hidden: Mutex<BTreeMap<&'static str, u32>>,
    /// Where the journal must have an intent before a change.
    pub journal: Mutex<Option<PathBuf>>,
    /// What regions have; the others may not be looked at.
    pub regions: Mutex<BTreeMap<String, Result<Region, CloudError>>>,
    /// The locks of every group.
    pub locked: Mutex<Vec<Lock>>,
    /// Cancels the run when this call comes.
    pub cancel_at: Mutex<Option<(&'static str, CancellationToken)>>,
    pub life: Life,
    /// The time, in seconds since 1970.
    pub now: AtomicI64,
}

/// How many more things may happen before the process is dead.
pub struct Life {
    left: AtomicI64,
    died: Notify,
}

impl Default for Life {
    fn default() -> Self {
        Self { left: AtomicI64::new(i64::MAX), died: Notify::new() }
    }
}

impl Life {
    /// Lets so many things happen.
    pub fn last(&self, steps: i64) {
        // Steps in flight may all have noticed the last death.
        _ = self.died.notified().now_or_never();
        self.left.store(steps, Ordering::Relaxed);
    }

    /// One thing happens, unless the process is dead; then nothing ever happens again.
    pub async fn step(&self) {
        if self.left.fetch_sub(1, Ordering::Relaxed) <= 0 {
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// Returns when the process dies.
    pub async fn end(&self) {
        self.died.notified().await;
    }
}

fn error(outcome: Outcome, status: Option<u16>, message: &str) -> CloudError {
    let code = if status.is_some() { "Pretended" } else { "" };
    let message = message.to_owned();
    CloudError {
        outcome,
        status,
        code: code.to_owned(),
        message,
        facts: Vec::new(),
        advice: None,
        request_ids: Box::default(),
    }
}

impl World {
    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no panic holds the world")
    }

    /// Sends the next such request wrong.
    pub fn fault(&self, verb: &'static str, name: &'static str, fault: Fault) {
        self.faults.lock().expect("faults").push((verb, name, fault));
    }

    /// Sends one request in `odds` wrong, or none.
    pub fn chance(&self, seed: u64, odds: Option<u64>) {
        *self.chance.lock().expect("chance") = odds.map(|odds| (Random::new(seed), odds));
    }

    /// Ends every fault, and lets operations go on.
    pub fn heal(&self) {
        self.chance(0, None);
        self.faults.lock().expect("faults").clear();
        self.inner().operations.values_mut().for_each(|p| p.never = false);
    }

    /// Lets an operation end badly.
    pub fn fail(&self, url: &str) {
        let mut inner = self.inner();
        let pending = inner.operations.get_mut(url).expect("the cloud knows its operations");
        (pending.never, pending.end) = (false, End::Fails { leaves: true });
    }

    /// The names of what stands.
    pub fn names(&self) -> Vec<String> {
        self.inner().standing.values().map(|o| o.arm_id.name().to_owned()).collect()
    }

    /// Changes one attribute behind plumb's back.
    pub fn touch(&self, name: &str, path: &'static str, value: Json) {
        let mut inner = self.inner();
        let found = inner.standing.values_mut().find(|o| o.arm_id.name() == name);
        found.expect("it stands").attributes.insert(path, value);
    }

    /// Removes a resource behind plumb's back.
    pub fn remove(&self, name: &str) {
        self.inner().standing.retain(|_, o| o.arm_id.name() != name);
    }

    fn note(&self, words: String) {
        if let Some((at, token)) = &*self.cancel_at.lock().expect("cancel")
            && *at == words
        {
            token.cancel();
        }
        self.log.lock().expect("log").push(words);
    }

    pub fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().expect("log"))
    }

    /// Takes away the right to list the keys of a resource.
    pub fn no_keys(&self, name: &str) {
        self.keyless.lock().expect("keyless").push(name.to_owned());
    }

    /// The changes that were sent since the last time, in order: `create cpu`.
    pub fn writes(&self) -> Vec<String> {
        let reads = |words: &String| ["get ", "list ", "wait "].iter().any(|word| words.starts_with(word));
        self.take_log().into_iter().filter(|words| !reads(words)).collect()
    }

    fn complain(&self, words: String) {
        self.complaints.lock().expect("complaints").push(words);
    }

    fn fault_of(&self, verb: &str, name: &str) -> Option<Fault> {
        let mut faults = self.faults.lock().expect("faults");
        if let Some(at) = faults.iter().position(|(v, n, _)| *v == verb && *n == name) {
            return Some(faults.remove(at).2);
        }
        let mut chance = self.chance.lock().expect("chance");
        let (random, odds) = chance.as_mut()?;
        let menu = [
            Fault::Refuse,
            Fault::Fail,
            Fault::FailClean,
            Fault::LoseBefore,
            Fault::LoseAfter,
            Fault::NeverSettle,
        ];
        random.chance(1, *odds).then(|| *random.pick(&menu))
    }

    /// The intent must be durable before its request is sent.
    async fn expect_intent(&self, request: &Request<'_>) {
        let Some(dir) = self.journal.lock().expect("journal").clone() else { return };
        let file = dir.join("state.json");
        let stored = LocalStore::new(dir, file).read().await.expect("the state reads");
        let replayed = replay(stored.snapshot.as_ref(), &stored.journal).expect("the journal replays");
        let announced = replayed.open.iter().any(|open| {
            open.step == request.verb.word()
                && open.arm_id.as_ref().is_some_and(|id| id.same(request.arm_id.as_str()))
        });
        if !announced {
            self.complain(format!("{} {} was sent without an intent", request.verb.word(), request.arm_id));
        }
    }

    /// What a request does at once; an operation is left to do the rest.
    fn take(&self, request: &Request<'_>, fault: Option<Fault>) -> Result<Option<Operation>, CloudError> {
        let mut inner = self.inner();
        let id = request.arm_id.folded();
        let ignored = if let Some(Fault::Ignore(path)) = fault { path } else { "" };
        let fails = matches!(fault, Some(Fault::Fail | Fault::FailClean));
        let sent = |path: &str| {
            let attribute = request.kind.attribute(path);
            path != ignored && attribute.is_some_and(|a| !a.arm.is_empty() && !a.is_hidden())
        };
        let set = || -> BTreeMap<&'static str, Json> {
            let paths = request.paths.iter().filter(|p| sent(p));
            paths.filter_map(|p| Some((*p, request.attributes.get(p)?.clone()))).collect()
        };
        let end = match request.verb {
            Verb::Create => {
                self.may_create(&inner, request)?;
                *inner.births.entry(id.clone()).or_default() += 1;
                let attributes = request.attributes.iter().filter(|(p, _)| sent(p));
                let mut attributes: BTreeMap<_, _> = attributes.map(|(p, v)| (*p, v.clone())).collect();
                attributes.entry("power").and_modify(|power| *power = "running".into());
                let made = self.made(request, attributes);
                inner.standing.insert(id.clone(), made);
                if fails { End::Fails { leaves: fault == Some(Fault::Fail) } } else { End::Stands }
            }
            _ if !inner.standing.contains_key(&id) => {
                return Err(error(Outcome::NotDone, Some(404), "it does not exist"));
            }
            _ if fails => End::Nothing { well: false },
            Verb::Delete => {
                let below = format!("{id}/");
                if inner.standing.keys().any(|k| k.starts_with(&below)) {
                    self.complain(format!("{} is deleted while something lies in it", request.arm_id));
                }
                inner.standing.get_mut(&id).expect("it stands").provisioning =
                    Provisioning::InProgress("Deleting".into());
                End::Goes
            }
            Verb::Start => End::Set([("power", Json::from("running"))].into()),
            Verb::Stop => End::Set([("power", Json::from("stopped"))].into()),
            Verb::Put | Verb::Patch | Verb::Act(_) => End::Set(set()),
            Verb::Restart => End::Nothing { well: true },
            Verb::Record | Verb::Move | Verb::Forget => unreachable!("notes are not sent"),
        };
        if request.verb != Verb::Create && request.verb != Verb::Delete {
            inner.standing.get_mut(&id).expect("it stands").provisioning =
                Provisioning::InProgress("Updating".into());
        }
        let url = format!("operation/{}/{}", inner.operations.len(), request.arm_id.name());
        let never = fault == Some(Fault::NeverSettle);
        inner.operations.insert(url.clone(), Pending { id, end, never, ended: None });
        Ok(Some(Operation {
            url: Some(url),
            arm_id: request.arm_id.clone(),
            deletes: request.verb == Verb::Delete,
            api_version: request.kind.api_version(),
        }))
    }

    fn may_create(&self, inner: &Inner, request: &Request<'_>) -> Result<(), CloudError> {
        let id = request.arm_id.folded();
        if inner.standing.contains_key(&id) {
            self.complain(format!("{} is created on top of what stands", request.arm_id));
        }
        let parent = request.arm_id.parent().map(|p| p.folded());
        match parent.and_then(|p| Some(inner.standing.get(&p)?.provisioning == Provisioning::Succeeded)) {
            Some(true) => Ok(()),
            None if request.arm_id.parent().is_none() => Ok(()),
            _ => {
                self.complain(format!("{} is created in what is not there", request.arm_id));
                Err(error(Outcome::NotDone, Some(404), "what it lies in does not exist"))
            }
        }
    }

    fn made(&self, request: &Request<'_>, attributes: BTreeMap<&'static str, Json>) -> Observed {
        let name = request.arm_id.name();
        let computed = request
            .kind
            .computed
            .iter()
            .filter(|c| c.listed.is_none())
            .map(|c| (c.name, Json::from(format!("{} of {name}", c.name))));
        Observed {
            arm_id: request.arm_id.clone(),
            attributes,
            computed: computed.collect(),
            provisioning: Provisioning::InProgress("Creating".into()),
            created: Some(self.now.load(Ordering::Relaxed)),
        }
    }

    /// Does what is left of an operation; none while it does not end.
    fn finish(&self, url: &str) -> Option<bool> {
        let mut inner = self.inner();
        let pending = inner.operations.get(url).expect("the cloud knows its operations").clone();
        if pending.never || pending.ended.is_some() {
            return pending.ended;
        }
        let well = !matches!(pending.end, End::Fails { .. } | End::Nothing { well: false });
        match pending.end {
            End::Goes | End::Fails { leaves: false } => _ = inner.standing.remove(&pending.id),
            end => {
                if let Some(found) = inner.standing.get_mut(&pending.id) {
                    found.provisioning = match end {
                        End::Fails { .. } => Provisioning::Failed("no quota is left".to_owned()),
                        _ => Provisioning::Succeeded,
                    };
                    if let End::Set(values) = end {
                        found.attributes.extend(values);
                        found.attributes.retain(|_, value| !value.is_null());
                    }
                }
            }
        }
        inner.operations.get_mut(url).expect("just seen").ended = Some(well);
        Some(well)
    }

    fn is_hidden(&self, name: &str) -> bool {
        let mut hidden = self.hidden.lock().expect("hidden");
        let Some(left) = hidden.get_mut(name).filter(|left| **left > 0) else { return false };
        *left -= 1;
        true
    }

    fn is_forbidden(&self, id: &ArmId) -> bool {
        self.forbidden
            .lock()
            .expect("forbidden")
            .iter()
            .any(|name| id.as_str().ends_with(&format!("/{name}")))
    }
}

#[async_trait]
impl Provider for World {
    async fn list(&self, collection: &Collection) -> Result<Vec<Observed>, CloudError> {
        self.life.step().await;
        self.note(format!("list {} in {}", collection.kinds[0].name, collection.parent.name()));
        if self.is_forbidden(&collection.parent) {
            return Err(error(Outcome::NotDone, Some(403), "you may not read it"));
        }
        let fits = |o: &Observed| {
            o.arm_id.parent().is_some_and(|p| p.same(collection.parent.as_str()))
                && collection
                    .kinds
                    .iter()
                    .any(|k| k.parent().is_some() || k.resource_type() == o.arm_id.resource_type())
        };
        let found: Vec<Observed> = self.inner().standing.values().filter(|o| fits(o)).cloned().collect();
        Ok(found.into_iter().filter(|o| !self.is_hidden(o.arm_id.name())).collect())
    }

    async fn get(&self, kind: &'static Kind, id: &ArmId) -> Result<Option<Observed>, CloudError> {
        self.life.step().await;
        self.note(format!("get {} {}", kind.name, id.name()));
        if self.is_forbidden(id) {
            return Err(error(Outcome::NotDone, Some(403), "you may not read it"));
        }
        let found = self.inner().standing.get(&id.folded()).cloned();
        Ok(found.filter(|_| !self.is_hidden(id.name())))
    }

    async fn secret(&self, id: &ArmId, listed: &Listed) -> Result<Secret, CloudError> {
        self.life.step().await;
        self.note(format!("{} of {}", listed.action, id.name()));
        if self.keyless.lock().expect("keyless").contains(&id.name().to_owned()) {
            return Err(error(Outcome::NotDone, Some(403), "you may not list keys"));
        }
        Ok(Secret::new(format!("c4nary-{}", id.name())))
    }

    async fn inventory(&self, parent: &ArmId) -> Result<Vec<Item>, CloudError> {
        self.life.step().await;
        self.note(format!("inventory of {}", parent.name()));
        let inside = |o: &&Observed| o.arm_id.parent().is_some_and(|p| p.same(parent.as_str()));
        let item = |o: &Observed| Item {
            arm_id: o.arm_id.clone(),
            kind: model::kinds::KINDS.into_iter().find(|k| k.resource_type() == o.arm_id.resource_type()),
            what: o.arm_id.resource_type(),
        };
        Ok(self.inner().standing.values().filter(inside).map(item).collect())
    }

    async fn send(&self, request: &Request<'_>) -> Result<Sent, CloudError> {
        self.life.step().await;
        let (verb, name) = (request.verb.word(), request.arm_id.name());
        self.note(format!("{verb} {name}"));
        self.expect_intent(request).await;
        let fault = self.fault_of(verb, name);
        let lost = || error(Outcome::Unknown, None, "the connection broke");
        match fault {
            Some(Fault::Refuse) => return Err(error(Outcome::NotDone, Some(400), "that is not allowed")),
            Some(Fault::LoseBefore) => return Err(lost()),
            _ => {}
        }
        let operation = self.take(request, fault)?;
        self.life.step().await;
        if fault == Some(Fault::LoseAfter) { Err(lost()) } else { Ok(Sent { operation }) }
    }

    async fn wait(&self, operation: &Operation) -> Result<(), CloudError> {
        self.life.step().await;
        self.note(format!("wait {}", operation.arm_id.name()));
        let id = operation.arm_id.folded();
        let latest = || {
            let inner = self.inner();
            let of_it = inner.operations.iter().filter(|(_, p)| p.id == id && p.ended.is_none());
            of_it.map(|(url, _)| url.clone()).next()
        };
        let Some(url) = operation.url.clone().or_else(latest) else { return Ok(()) };
        let ended = self.finish(&url);
        self.life.step().await;
        match ended {
            Some(true) => Ok(()),
            Some(false) => Err(error(Outcome::Failed, Some(200), "no quota is left")),
            None => Err(error(Outcome::Unknown, None, "it takes too long")),
        }
    }

    async fn regional(&self, location: &Location) -> Result<Region, CloudError> {
        let region = location.region.as_str();
        self.note(format!("regional {location}"));
        self.regions
            .lock()
            .expect("regions")
            .get(region)
            .cloned()
            .unwrap_or_else(|| Err(error(Outcome::NotDone, Some(403), "you may not look at this region")))
    }

    async fn locks(&self, group: &ArmId) -> Result<Vec<Lock>, CloudError> {
        self.note(format!("locks {}", group.name()));
        Ok(self.locked.lock().expect("locks").clone())
    }

    async fn outdated(&self, _: &ArmId) -> Result<Vec<String>, CloudError> {
        Ok(Vec::new())
    }

    async fn name_taken(&self, _: &'static Kind, _: &ArmId) -> Result<Option<String>, CloudError> {
        Ok(None)
    }

    async fn api_versions(&self, _: &ArmId) -> Result<Vec<String>, CloudError> {
        Ok(Vec::new())
    }

    async fn nodes(&self, _: &ArmId) -> Result<Vec<Node>, CloudError> {
        Ok(Vec::new())
    }

    fn gone_proof_interval(&self) -> Duration {
        Duration::from_millis(1)
    }
}
