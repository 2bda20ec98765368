//! Many seeds of a cloud that goes wrong by chance, and then heals.
//!
//! While it is ill, everything that we made is in the state or in the journal; once it is well, apply converges.

use testkit::Random;

use crate::bench::{Bench, WORKSPACE};
use crate::kills::nothing_is_forgotten;

/// Documents by chance: some clusters, renamed and moved at times, an identity that some of them use, one instance.
fn documents(random: &mut Random) -> String {
    let mut text = WORKSPACE.to_owned();
    let shared = random.chance(1, 2);
    if shared {
        text.push_str(
            "---\nkind: user_assigned_identity\nname: trainer\nresource_group: ml\nlocation: westeurope\n",
        );
    }
    for name in ["cpu", "gpu", "big"] {
        if random.chance(1, 3) {
            continue;
        }
        // Another size is another name, so that a replacement may be made before the old one is deleted.
        let large = random.chance(1, 4);
        text.push_str(&format!(
            "---\nkind: cluster\nname: {name}{}{}\nworkspace: research\nmax_instances: {}\n",
            random.pick(&["", "", "-new"]),
            if large { "-large" } else { "" },
            4 + random.below(3)
        ));
        let (id, other) = *random.pick(&[("a", "b"), ("b", "a")]);
        text.push_str(&format!("id: {name}-{id}\nmoved_from: cluster/research/{name}-{other}\n"));
        text.push_str(&format!("lifecycle: {{ create_before_destroy: {} }}\n", random.chance(1, 2)));
        text.push_str(&format!("tags: {{ stage: s{} }}\n", random.below(3)));
        if large {
            text.push_str("size: Standard_NC6s_v3\n");
        }
        if shared && random.chance(1, 2) {
            text.push_str("identity: { type: user_assigned, user_assigned_identities: [trainer] }\n");
        }
    }
    if random.chance(2, 3) {
        let power = random.pick(&["running", "stopped"]);
        text.push_str(&format!("---\nkind: instance\nname: alice\nworkspace: research\npower: {power}\n"));
        let policy = random.pick(&["personal", "shared"]);
        text.push_str(&format!("application_sharing_policy: {policy}\n"));
    }
    text
}

#[test]
fn a_cloud_that_was_ill_and_is_well_again_converges() {
    let seeds = std::env::var("SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(60);
    let (mut killed, mut failed, mut open, mut blocked) = (0, 0, 0, 0);
    for seed in 0..seeds {
        let mut random = Random::new(seed);
        let mut bench = Bench::new();
        bench.parallelism = 1 + random.below(4) as usize;
        bench.world.chance(seed, Some(2 + random.below(8)));
        let mut wanted = documents(&mut random);
        for _ in 0..4 {
            let point = if random.chance(1, 3) { random.below(60) as i64 } else { i64::MAX };
            bench.world.life.last(point);
            match bench.run(&wanted) {
                None => killed += 1,
                Some(ran) => {
                    failed += ran.applied.failed.len();
                    open += ran.applied.open.len();
                    blocked += usize::from(ran.plan.diagnostics.has_errors());
                }
            }
            bench.world.life.last(i64::MAX);
            nothing_is_forgotten(&bench, &format!("seed {seed}"));
            if random.chance(1, 3) {
                wanted = documents(&mut random);
            }
        }
        bench.world.heal();
        let ran = bench.apply(&wanted);
        let wrong = ran.plan.diagnostics.clone().sorted();
        assert!(
            wrong.is_empty() && ran.applied.is_complete(),
            "seed {seed}: {wrong:?} {:?}",
            ran.applied.failed
        );
        let again = bench.apply(&wanted);
        assert!(again.plan.is_empty(), "seed {seed}: {:?}", again.plan.steps);
        assert_eq!(bench.world.names().len(), bench.snapshot().objects().count(), "seed {seed}");
    }
    assert!(
        killed > 10 && failed > 20 && open > 20,
        "hardly ill: {killed} killed, {failed} failed, {open} open"
    );
    assert!(blocked > 5, "an open step blocks the plan: {blocked}");
}
