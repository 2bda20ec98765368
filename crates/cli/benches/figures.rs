//! `make bench`: what plumb costs, as counts, CPU seconds and ratios beside the bar that each is held to.
//!
//! Wall time says more about the machine than about plumb, so only the two smallest commands show it. A wrong
//! answer of plumb ends the run; a figure over its bar does not.

#[expect(dead_code, reason = "tests use more of it")]
#[path = "../tests/main/cloud.rs"]
mod cloud;
#[expect(dead_code, reason = "tests use more of it")]
#[path = "../tests/main/project.rs"]
mod project;

mod child;
mod manifests;
mod table;

use std::fs;
use std::path::Path;

use emulator::{Method, Options};

use crate::child::{Cost, measure, quickest};
use crate::cloud::Cloud;
use crate::manifests::{clusters, layers, project_on, workspace};
use crate::project::Project;
use crate::table::{Row, print};

/// The counts whose ratio shows what grows faster than the project.
const SMALL: usize = 1_000;
const LARGE: usize = 10_000;
const HUGE: usize = 20_000;

const PAGE_SIZE: usize = 100;

fn main() {
    print(&small_commands());
    print(&fresh_plans());
    print(&layered_plans());
    let small = applied(SMALL);
    let large = applied(LARGE);
    let ratio = |name: &str, of: fn(&Applied) -> f64| Row::new(name).ratio(of(&large) / of(&small), 12.0);
    let rows = [
        small.rows,
        large.rows.clone(),
        vec![
            ratio("apply, 10,000 : 1,000, CPU", |a| a.cost.cpu),
            ratio("apply, 10,000 : 1,000, bytes", |a| a.bytes),
        ],
    ];
    print(&rows.concat());
}
