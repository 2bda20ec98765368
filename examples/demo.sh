#!/bin/sh
# The main job, told step by step, on the embedded cloud: `make demo`.
# Needs PLUMB, the path of the plumb binary.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
cp -R "$(dirname "$0")/data-science-team/." "$work"
cd "$work"
export NO_COLOR=1 PLUMB_EMULATOR_SPEED=120

cpu=/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/ml-team/providers/Microsoft.MachineLearningServices/workspaces/research/computes/cpu

say()  { printf '\n\033[1m== %s\033[0m\n' "$*"; }
run()  { printf '$ plumb %s\n' "$*"; "$PLUMB" "$@"; }
# Runs a command that must end with the given exit code.
expect() { code=$1; shift; status=0; run "$@" || status=$?
           [ "$status" = "$code" ] || { echo "exit code $status instead of $code"; exit 1; }
           printf '(exit code %s)\n' "$status"; }

say "1. A team's manifests: a workspace, two clusters, an instance for each person. Are they valid?"
run validate

say "2. What would apply do? Nothing is sent yet."
run plan

say "3. Apply: everything is made, in dependency order, and read back."
run apply --auto-approve

say "4. A second plan finds nothing to do: exit code 0."
expect 0 plan --detailed-exitcode

say "5. Somebody scales the CPU cluster up in the portal, behind plumb's back."
run emulator --cloud-file .plumb/cloud.json --edit "$cpu" '{"properties":{"properties":{"scaleSettings":{"maxNodeCount":40}}}}'

say "6. drift finds it: exit code 2, for cron."
expect 2 drift

say "7. Apply repairs it: one PATCH, the cluster is not replaced."
run apply --auto-approve

say "8. A second apply has nothing to do."
run apply --auto-approve

say "9. Destroy: everything goes, in reverse order."
run destroy --auto-approve
run state list

say "That was the main job. README.md goes on from here."
