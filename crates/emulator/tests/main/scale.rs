//! Ten thousand clusters stay cheap.

use emulator::Options;

use crate::support::{Cloud, cluster_body, compute, workspace};

#[test]
fn ten_thousand_creates_and_polls_and_a_long_list_are_cheap() {
    let mut cloud = Cloud::with_workspace(Options::default());
    let body = cluster_body();
    for index in 0..10_000 {
        let reply = cloud.put(&compute(&format!("c{index:05}")), &body);
        assert_eq!(reply.status, 201);
        cloud.status(&reply);
    }
    cloud.pass(60);
    let mut seen = 0;
    let mut page = cloud.get(&format!("{}/computes", workspace())).value();
    loop {
        seen += page["value"].as_array().unwrap().len();
        let Some(next) = page["nextLink"].as_str().map(str::to_owned) else { break };
        page = cloud.follow(&next).value();
    }
    assert_eq!(seen, 10_000);
}
