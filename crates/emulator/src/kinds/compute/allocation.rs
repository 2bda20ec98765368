//! The nodes of a cluster: what each is doing, what becomes of it, and how many the service wants.
//!
//! Nodes that have lived alike are one group, so that a cluster of thousands costs what happens to it. Between two
//! events nothing changes; `Nodes::settle` carries out what is due and then asks for more nodes or lets some go.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::time::timing::Work;

/// What a node is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::kinds) enum Stage {
    /// Asked for, and not there yet.
    Allocating,
    Preparing,
    Idle,
    Running,
    Leaving,
    Preempted,
    Unusable,
}

/// Stage by stage: what lists of nodes call it; and for how long it lasts, where that is always the same.
const STAGES: [(Stage, &str, Option<Work>); 7] = [
    (Stage::Allocating, "", Some(Work::NodeAllocation)),
    (Stage::Preparing, "preparing", Some(Work::NodePreparation)),
    (Stage::Idle, "idle", None),
    (Stage::Running, "running", None),
    (Stage::Leaving, "leaving", Some(Work::NodeLeave)),
    (Stage::Preempted, "preempted", Some(Work::NodePreempted)),
    (Stage::Unusable, "unusable", Some(Work::NodeUnusable)),
];

/// A pretend job, as far as a node knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::kinds) struct Run {
    pub(in crate::kinds) id: String,
    pub(in crate::kinds) seconds: i64,
}

/// Nodes with consecutive numbers that have lived alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::kinds) struct Group {
    pub(in crate::kinds) first: i64,
    pub(in crate::kinds) count: i64,
    pub(in crate::kinds) stage: Stage,
    since: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::kinds) run: Option<Run>,
}

/// What the service goes by when it asks for nodes.
pub(in crate::kinds) struct Bounds {
    pub(in crate::kinds) min: i64,
    pub(in crate::kinds) max: i64,
    /// How many nodes the quota has room for.
    pub(in crate::kinds) most: i64,
    /// How many have their quota reserved, and come whatever room there is.
    pub(in crate::kinds) reserved: i64,
    /// How long a node may be idle.
    pub(in crate::kinds) idle: SignedDuration,
}

/// All nodes of a cluster.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::kinds) struct Nodes {
    /// The number of the next node; numbers are never used again, so a node's id and address stay its own.
    next: i64,
    /// In the order of their numbers.
    pub(in crate::kinds) groups: Vec<Group>,
    /// Nodes that jobs still wait for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    waiting: Vec<(Run, i64)>,
    /// Until when new scale settings that move no node are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settling: Option<Timestamp>,
    /// Whether a lock keeps them all where they are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::kinds) is_held: bool,
    /// When nodes that the quota had no room for are asked for again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::kinds) retry: Option<Timestamp>,
}

impl Stage {
    /// What lists of nodes call it; empty for a node that is not there yet.
    pub(in crate::kinds) fn name(self) -> &'static str {
        self.row().1
    }

    fn row(self) -> &'static (Stage, &'static str, Option<Work>) {
        STAGES.iter().find(|(stage, _, _)| *stage == self).expect("BUG: every stage has its row")
    }
}

impl Group {
    fn enter(&mut self, stage: Stage, at: Timestamp) {
        (self.stage, self.since) = (stage, at);
        self.until = stage.row().2.map(|work| after(at, work.time()));
        self.run = None;
    }

    fn work(&mut self, run: &Run, at: Timestamp) {
        self.enter(Stage::Running, at);
        self.until = Some(after(at, SignedDuration::from_secs(run.seconds.max(1))));
        self.run = Some(run.clone());
    }

    /// Whether the next group is its continuation.
    fn goes_on_in(&self, next: &Group) -> bool {
        let moved = Group { first: next.first, count: next.count, ..self.clone() };
        self.first + self.count == next.first && moved == *next
    }
}

fn after(at: Timestamp, time: SignedDuration) -> Timestamp {
    at.saturating_add(time).unwrap_or(Timestamp::MAX)
}

impl Nodes {
    /// Carries out what is due at a moment, and then wants as many nodes as the bounds and the jobs ask for.
    pub(in crate::kinds) fn settle(&mut self, at: Timestamp, bounds: &Bounds) {
        for timer in [&mut self.settling, &mut self.retry] {
            *timer = timer.filter(|until| *until > at);
        }
        loop {
            self.groups.retain_mut(|group| group.until.is_none_or(|until| until > at) || step(group, at));
            self.balance(at, bounds);
            self.join();
            if !self.groups.iter().any(|group| group.until.is_some_and(|until| until <= at)) {
                return;
            }
        }
    }

    /// Whether there never was one.
    pub(in crate::kinds) fn is_new(&self) -> bool {
        self.next == 0
    }

    /// When something happens to them next.
    pub(in crate::kinds) fn next(&self) -> Option<Timestamp> {
        if self.is_held {
            return None;
        }
        let groups = self.groups.iter().filter_map(|group| group.until);
        groups.chain(self.settling).chain(self.retry).min()
    }

    /// New scale settings are looked at for a while, even if they move no node.
    pub(in crate::kinds) fn look(&mut self, at: Timestamp) {
        self.settling = Some(after(at, Work::ClusterSettle.time()));
    }

    /// A job wants so many nodes.
    pub(in crate::kinds) fn queue(&mut self, run: Run, count: i64) {
        self.waiting.push((run, count));
    }

    /// Lets up to `count` nodes go wrong, busy ones first; what they ran waits for other nodes. Returns how many.
    pub(in crate::kinds) fn fail(&mut self, count: i64, stage: Stage, at: Timestamp) -> i64 {
        let mut lost = Vec::new();
        let failed = self.change(count, &[Stage::Running, Stage::Idle, Stage::Preparing], |group| {
            lost.extend(group.run.take().map(|run| (run, group.count)));
            group.enter(stage, at);
        });
        self.waiting.splice(0..0, lost);
        failed
    }

    /// How many nodes are in one of these stages.
    pub(in crate::kinds) fn count(&self, stages: &[Stage]) -> i64 {
        self.groups.iter().filter(|group| stages.contains(&group.stage)).map(|group| group.count).sum()
    }

    /// Nodes that are, or soon will be, of use.
    fn alive(&self) -> i64 {
        self.count(&[Stage::Allocating, Stage::Preparing, Stage::Idle, Stage::Running])
    }

    fn balance(&mut self, at: Timestamp, bounds: &Bounds) {
        self.assign(at);
        let waiting: i64 = self.waiting.iter().map(|(_, count)| count).sum();
        let wanted = (self.count(&[Stage::Running]) + waiting).clamp(bounds.min, bounds.max);
        let (alive, granted) = (self.alive(), wanted.min(bounds.most.max(bounds.reserved)));
        if alive < granted {
            self.allocate(granted - alive, at);
        }
        if alive < wanted && granted < wanted && self.retry.is_none() {
            self.retry = Some(after(at, Work::QuotaRetry.time()));
        }
        self.retire(at, bounds, wanted);
    }

    /// Jobs take the idle nodes, first come, first served.
    fn assign(&mut self, at: Timestamp) {
        let mut waiting = std::mem::take(&mut self.waiting);
        for (run, count) in &mut waiting {
            *count -= self.change(*count, &[Stage::Idle], |group| group.work(run, at));
        }
        waiting.retain(|(_, count)| *count > 0);
        self.waiting = waiting;
    }

    fn allocate(&mut self, count: i64, at: Timestamp) {
        let mut group =
            Group { first: self.next, count, stage: Stage::Allocating, since: at, until: None, run: None };
        group.enter(Stage::Allocating, at);
        self.next += count;
        self.groups.push(group);
    }

    /// Decides which idle nodes go, and when: over the maximum at once, over what is wanted after the idle time.
    fn retire(&mut self, at: Timestamp, bounds: &Bounds, wanted: i64) {
        let over = (self.alive() - bounds.max).max(0);
        let unborn = self.change(over, &[Stage::Allocating], |group| group.count = 0);
        self.groups.retain(|group| group.count > 0);
        let excess = (self.alive() - wanted).max(0);
        self.change(i64::MAX, &[Stage::Idle], |group| group.until = None);
        self.change(excess, &[Stage::Idle], |group| {
            group.until = Some(after(group.since, bounds.idle).max(at))
        });
        self.change(over - unborn, &[Stage::Idle], |group| group.until = Some(at));
    }

    /// Does something to up to `count` nodes in these stages, in the order of the stages, and returns how many.
    fn change(&mut self, count: i64, stages: &[Stage], mut change: impl FnMut(&mut Group)) -> i64 {
        let mut left = count;
        for stage in stages {
            let mut index = 0;
            while left > 0 && index < self.groups.len() {
                let group = &mut self.groups[index];
                if group.stage == *stage {
                    let rest = group.count - left.min(group.count);
                    group.count -= rest;
                    left -= group.count;
                    let tail = Group { first: group.first + group.count, count: rest, ..group.clone() };
                    change(group);
                    if rest > 0 {
                        self.groups.insert(index + 1, tail);
                        break;
                    }
                }
                index += 1;
            }
        }
        count - left
    }

    /// Makes one group of neighbours that have lived alike.
    fn join(&mut self) {
        self.groups.dedup_by(|next, group| {
            let same = group.goes_on_in(next);
            if same {
                group.count += next.count;
            }
            same
        });
    }

    /// What a GET of the cluster shows of them.
    pub(in crate::kinds) fn shown(&self) -> Value {
        let is_moving =
            self.is_held || self.count(&[Stage::Allocating, Stage::Leaving]) > 0 || self.settling.is_some();
        let here: i64 = self.groups.iter().map(|group| group.count).sum();
        let mut counts = json!({});
        for (stage, name, _) in STAGES.iter().filter(|(_, name, _)| !name.is_empty()) {
            counts[format!("{name}NodeCount")] = json!(self.count(&[*stage]));
        }
        json!({
            "allocationState": if is_moving { "Resizing" } else { "Steady" },
            "currentNodeCount": here - self.count(&[Stage::Allocating]),
            "targetNodeCount": self.alive(),
            "nodeStateCounts": counts,
        })
    }
}

/// What becomes of nodes whose stage is over; false when they are no more.
fn step(group: &mut Group, at: Timestamp) -> bool {
    let next = match group.stage {
        Stage::Allocating => Stage::Preparing,
        Stage::Preparing | Stage::Running => Stage::Idle,
        Stage::Idle => Stage::Leaving,
        Stage::Leaving | Stage::Preempted | Stage::Unusable => return false,
    };
    group.enter(next, at);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn bounds(min: i64, max: i64) -> Bounds {
        Bounds { min, max, most: 100, reserved: min, idle: SignedDuration::from_secs(120) }
    }

    fn run(seconds: i64) -> Run {
        Run { id: "run".to_owned(), seconds }
    }

    /// Goes from event to event up to a moment.
    fn pass(nodes: &mut Nodes, until: i64, bounds: &Bounds) {
        while let Some(next) = nodes.next().filter(|next| *next <= at(until)) {
            nodes.settle(next, bounds);
        }
    }

    fn counts(nodes: &Nodes) -> [i64; 7] {
        STAGES.map(|(stage, _, _)| nodes.count(&[stage]))
    }

    #[test]
    fn a_cluster_grows_for_a_job_and_shrinks_when_it_is_over() {
        let (mut nodes, bounds) = (Nodes::default(), bounds(1, 4));
        nodes.settle(at(0), &bounds);
        assert_eq!(counts(&nodes), [1, 0, 0, 0, 0, 0, 0]);
        pass(&mut nodes, 120, &bounds);
        assert_eq!(counts(&nodes), [0, 0, 1, 0, 0, 0, 0]);
        nodes.queue(run(600), 3);
        nodes.settle(at(200), &bounds);
        assert_eq!(counts(&nodes), [2, 0, 0, 1, 0, 0, 0]);
        pass(&mut nodes, 320, &bounds);
        assert_eq!(counts(&nodes), [0, 0, 0, 3, 0, 0, 0]);
        pass(&mut nodes, 919, &bounds);
        assert_eq!(counts(&nodes), [0, 0, 1, 2, 0, 0, 0]);
        pass(&mut nodes, 920, &bounds);
        assert_eq!(counts(&nodes), [0, 0, 2, 0, 1, 0, 0], "one was idle for two minutes, and two are now");
        pass(&mut nodes, 10_000, &bounds);
        assert_eq!(counts(&nodes), [0, 0, 1, 0, 0, 0, 0]);
        assert_eq!(nodes.next(), None);
    }

    #[test]
    fn what_a_lost_node_ran_runs_again_elsewhere() {
        let (mut nodes, bounds) = (Nodes::default(), bounds(0, 2));
        nodes.queue(run(600), 2);
        nodes.settle(at(0), &bounds);
        pass(&mut nodes, 120, &bounds);
        assert_eq!(nodes.fail(1, Stage::Preempted, at(200)), 1);
        nodes.settle(at(200), &bounds);
        assert_eq!(counts(&nodes), [1, 0, 0, 1, 0, 1, 0]);
        pass(&mut nodes, 320, &bounds);
        assert_eq!(counts(&nodes), [0, 0, 0, 2, 0, 0, 0]);
        assert_eq!(nodes.groups.iter().map(|group| group.first).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn a_lower_maximum_lets_idle_nodes_go_at_once_and_busy_ones_finish() {
        let mut nodes = Nodes::default();
        nodes.settle(at(0), &bounds(4, 4));
        pass(&mut nodes, 120, &bounds(4, 4));
        nodes.queue(run(600), 2);
        nodes.settle(at(130), &bounds(4, 4));
        nodes.settle(at(131), &bounds(1, 1));
        assert_eq!(counts(&nodes), [0, 0, 0, 2, 2, 0, 0]);
        pass(&mut nodes, 10_000, &bounds(1, 1));
        assert_eq!(counts(&nodes), [0, 0, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn nodes_without_quota_are_asked_for_again() {
        let mut nodes = Nodes::default();
        let tight = Bounds { most: 1, ..bounds(0, 4) };
        nodes.queue(run(10_000), 3);
        nodes.settle(at(0), &tight);
        assert_eq!(nodes.count(&[Stage::Allocating]), 1);
        let retry = nodes.retry.unwrap();
        nodes.settle(retry, &bounds(0, 4));
        assert_eq!((nodes.alive(), nodes.retry), (3, None));
    }
}
