//! The last part of planning: what the flags leave out, what stops the plan, and the steps of what is left.

use std::collections::{BTreeMap, BTreeSet};

use model::{Address, Diagnostic, Diagnostics, Snapshot, Value};

use crate::build::Planner;
use crate::options::Options;
use crate::plan::{Action, Change, Drift, Ground, OutputChange, Plan};
use crate::scope::{self, Scope};
use crate::{guard, order, outputs, refresh_only, refusals};

/// What a plan is about, before anything is left out of it.
pub(crate) type Whole = (Vec<Change>, Vec<Drift>, BTreeMap<String, OutputChange>);

impl Planner<'_> {
    /// Orders the steps, leaves out what the flags leave out, and says what stops the plan.
    pub(crate) fn finish(self, whole: Whole, wanted: &BTreeMap<String, Value>, snapshot: &Snapshot) -> Plan {
        let (mut changes, mut drift, mut outputs) = whole;
        let Planner { graph, live, options, mut refreshed, mut diagnostics, .. } = self;
        let doubts = live.map(|live| guard::doubts(graph, &changes, snapshot, live, options));
        let mut doubts: Vec<Diagnostic> = doubts.into_iter().flatten().collect();
        let mut steps = order::steps(&changes);
        let scope = Scope::new(graph, &changes, steps.as_deref().unwrap_or_default(), options);
        let mistakes = scope::mistakes(graph, snapshot, &scope, options);
        if options.is_partial() {
            let waits = |address: &Address| {
                let at = changes.partition_point(|c| c.address < *address);
                changes.get(at).is_none_or(|c| c.address != *address || c.action != Action::NoOp)
            };
            let open = |address: &Address| !scope.has(address) && waits(address);
            outputs.retain(|name, _| outputs::is_settled(wanted.get(name), open) && !options.destroy);
            let left_out =
                changes.iter().filter(|c| c.action != Action::NoOp && !scope.has(&c.address)).count();
            changes.retain(|c| scope.has(&c.address));
            drift.retain(|d| scope.has(&d.address));
            refreshed.retain(|address, _| scope.has(address));
            diagnostics = diagnostics.into_iter().filter(|d| scope.concerns(d)).collect();
            doubts.retain(|d| scope.concerns(d));
            diagnostics.push(scope::partial(left_out));
            steps = order::steps(&changes);
        }
        diagnostics.extend(mistakes);
        diagnostics.extend(guard::check(graph, &changes, options));
        diagnostics.extend(doubts.clone());
        let steps = steps.unwrap_or_else(|circle| {
            diagnostics.push(refusals::circle(&circle));
            Vec::new()
        });
        Plan {
            ground: ground(snapshot, options),
            partial: options.is_partial(),
            refresh_only: false,
            steps,
            drift,
            refreshed,
            lost: BTreeSet::new(),
            outputs,
            diagnostics,
            doubts: doubts.into_iter().collect(),
            changes,
        }
    }

    /// A plan that only brings the state up to date with live.
    pub(crate) fn taken_in(self, snapshot: &Snapshot, mut drift: Vec<Drift>) -> Plan {
        let changes = refresh_only::untouched(&self);
        let Planner { graph, live, options, .. } = &self;
        let (graph, live, options) = (*graph, *live, *options);
        let scope = Scope::new(graph, &changes, &[], options);
        let mut diagnostics: Diagnostics =
            scope::mistakes(graph, snapshot, &scope, options).into_iter().collect();
        let Some(live) = live else {
            diagnostics.push(refusals::nothing_read());
            return Plan { diagnostics, ..Plan::nothing(ground(snapshot, options)) };
        };
        let doubts = guard::doubts(graph, &changes, snapshot, live, options);
        let doubts: Diagnostics = doubts.into_iter().filter(|d| scope.concerns(d)).collect();
        diagnostics.extend(doubts.clone());
        drift.retain(|d| scope.has(&d.address));
        let mut refreshed = refresh_only::accepted(&self, &drift, live);
        refreshed.retain(|address, _| scope.has(address));
        Plan {
            partial: options.is_partial(),
            refresh_only: true,
            lost: drift.iter().filter(|d| d.gone).map(|d| d.address.clone()).collect(),
            refreshed,
            drift,
            diagnostics,
            doubts,
            changes,
            ..Plan::nothing(ground(snapshot, options))
        }
    }
}

fn ground(snapshot: &Snapshot, options: &Options) -> Ground {
    Ground {
        cloud: options.cloud.clone(),
        environment: options.environment.clone(),
        lineage: snapshot.lineage.clone(),
        serial: snapshot.serial,
        reverts_to: options.revert.clone(),
    }
}
