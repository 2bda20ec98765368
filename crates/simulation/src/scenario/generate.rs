//! Scenarios by chance: what a team could write over some days, and what could go wrong meanwhile.

use model::Json;
use serde_json::json;
use testkit::Random;

use super::parts::{cluster, compute_id, group, instance, strange_cluster, with, workspace, workspace_id};
use super::{Round, Scenario};
use crate::disk::{Loss, Trouble};
use crate::edit::Edit;
use crate::fault::Fault;
use crate::law::PASSWORD;
use crate::life::{Death, Side};

const SIZES: [&str; 2] = ["Standard_DS3_v2", "Standard_NC6s_v3"];
const CLUSTERS: [&str; 3] = ["cpu", "gpu", "big"];
const PEOPLE: [&str; 3] = ["ann", "bob", "cyd"];

/// What a seed's scenario is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    /// Only deaths, so that each next apply must get there at once.
    Calm,
    /// Everything.
    Stormy,
}

/// The scenario of a seed.
pub fn generate(seed: u64) -> Scenario {
    let mut random = Random::new(seed ^ 0x5eed_0000_0000);
    let mood = if random.chance(1, 3) { Mood::Calm } else { Mood::Stormy };
    let mut team = Team::new(&mut random, mood == Mood::Calm);
    let mut rounds = Vec::new();
    for at in 0..2 + random.below(3) {
        if at > 0 {
            team.edit(&mut random);
        }
        rounds.push(round(&mut random, &team, mood, at == 0));
        team.end_day();
    }
    Scenario { seed, rounds }
}

fn round(random: &mut Random, team: &Team, mood: Mood, is_first: bool) -> Round {
    let mut round = Round { parallelism: 1 + random.below(6) as usize, ..Round::of(team.documents()) };
    let deaths = match mood {
        Mood::Calm => [0, 1, 1, 1, 2, 3],
        Mood::Stormy => [0, 0, 0, 1, 1, 2],
    };
    let deaths = deaths[random.below(6) as usize];
    round.deaths = (0..deaths).map(|_| death(random)).collect();
    if mood == Mood::Calm {
        return round;
    }
    let faults = [0, 1, 2, 4, 8][random.below(5) as usize];
    let reach = *random.pick(&[10, 40, 120]);
    round.faults = (0..faults).map(|_| (1 + random.below(reach), *random.pick(&Fault::ALL))).collect();
    round.faults.sort_by_key(|(from, _)| *from);
    if random.chance(1, 8) {
        round.trouble = Some((random.below(60), *random.pick(&Trouble::ALL)));
    }
    if random.chance(1, 8) {
        round.second = Some(random.below(200_000));
    }
    if random.chance(1, 10) {
        round.interrupt = Some(random.below(200_000));
    }
    if random.chance(1, 8) {
        round.clock_ahead = Some(*random.pick(&[0, 200, -200, 3600, -3600, 86_400]));
    }
    if !is_first && random.chance(1, 3) {
        round.before = (0..1 + random.below(2)).map(|_| team.outsider(random)).collect();
    }
    round.before.extend(team.found.clone());
    if random.chance(1, 6) {
        round.meanwhile = vec![(random.below(120_000), team.meddler(random))];
    }
    round
}

/// A death: mostly early enough to come true, and now and then late.
fn death(random: &mut Random) -> (Death, Loss) {
    let reach = *random.pick(&[20, 60, 120, 240]);
    let side = *random.pick(&[Side::Before, Side::Amid, Side::After]);
    (Death { at: random.below(reach), side }, *random.pick(&Loss::ALL))
}

/// A team's documents, as they change from day to day.
struct Team {
    workspaces: Vec<Lab>,
    /// Whether it ever protects anything: what failed half way and is protected needs a person.
    protects: bool,
    /// What somebody else has made before today, and is adopted today.
    found: Vec<Edit>,
}

struct Lab {
    name: String,
    group: &'static str,
    hbi: bool,
    /// Whether its clusters are replaced by creating first, and so never under the same name.
    lasting: bool,
    /// Clusters that were there once.
    past: Vec<&'static str>,
    display: Option<String>,
    clusters: Vec<Cluster>,
    people: Vec<&'static str>,
    /// Whether each person's instance is a document of its own.
    by_hand: bool,
    power: &'static str,
    instance_size: &'static str,
    /// Whether something of today replaces something.
    replaces: bool,
}

struct Cluster {
    /// The name, and the last part of the address.
    name: String,
    id: String,
    moved_from: Option<String>,
    size: &'static str,
    max: u64,
    tag: u64,
    lasting: bool,
    protected: bool,
    /// Whether it was protected until today, which the state remembers.
    kept: bool,
    is_new: bool,
    after: Option<String>,
    adopts: bool,
    secret: bool,
    ignores: bool,
}

impl Cluster {
    fn new(random: &mut Random, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            id: name.to_owned(),
            moved_from: None,
            size: *random.pick(&SIZES),
            max: 1 + random.below(8),
            tag: random.below(3),
            lasting: false,
            protected: false,
            kept: false,
            is_new: true,
            after: None,
            adopts: random.chance(1, 3),
            secret: random.chance(1, 4),
            ignores: random.chance(1, 10),
        }
    }

    fn document(&self, workspace: &str) -> Json {
        let mut keys = json!({
            "id": self.id,
            "size": self.size,
            "max_instances": self.max,
            "lifecycle": { "create_before_destroy": self.lasting, "prevent_destroy": self.protected },
        });
        if self.tag > 0 {
            keys["tags"] = json!({ "stage": format!("s{}", self.tag) });
        }
        if self.ignores {
            keys["lifecycle"]["ignore_changes"] = json!(["tags"]);
        }
        if let Some(from) = &self.moved_from {
            keys["moved_from"] = json!(format!("cluster/{workspace}/{from}"));
        }
        if let Some(after) = &self.after {
            keys["depends_on"] = json!([format!("cluster/{workspace}/{after}")]);
        }
        if self.adopts {
            keys["adopt"] = json!(true);
        }
        if self.secret {
            keys["ssh_settings"] = json!({ "admin_username": "me", "admin_password": PASSWORD });
        }
        with(cluster(workspace, &self.name), keys)
    }
}

impl Lab {
    fn new(random: &mut Random, name: &str, group: &'static str) -> Self {
        let mut lab = Self {
            name: name.to_owned(),
            group,
            hbi: false,
            lasting: random.chance(1, 2),
            past: Vec::new(),
            display: None,
            clusters: Vec::new(),
            people: Vec::new(),
            by_hand: random.chance(1, 2),
            power: "unmanaged",
            instance_size: SIZES[0],
            replaces: false,
        };
        for name in CLUSTERS.iter().filter(|_| random.chance(1, 2)).collect::<Vec<_>>() {
            lab.clusters.push(Cluster { lasting: lab.lasting, ..Cluster::new(random, name) });
        }
        lab.people = PEOPLE.iter().copied().filter(|_| random.chance(1, 3)).collect();
        lab
    }

    fn documents(&self) -> Vec<Json> {
        let mut own = with(workspace(self.group, &self.name), json!({ "hbi_workspace": self.hbi }));
        if let Some(display) = &self.display {
            own["display_name"] = json!(display);
        }
        let mut all = vec![own];
        all.extend(self.clusters.iter().map(|cluster| cluster.document(&self.name)));
        let keys = json!({ "power": self.power, "size": self.instance_size });
        let own_name = |key: &str| format!("{}-{key}", self.name);
        if self.by_hand {
            let each = |person: &&str| with(instance(&self.name, &own_name(person)), keys.clone());
            all.extend(self.people.iter().map(each));
        } else if !self.people.is_empty() {
            let people: serde_json::Map<String, Json> =
                self.people.iter().map(|person| ((*person).to_owned(), json!({}))).collect();
            let pool = with(
                instance(&self.name, &own_name("${each.key}")),
                json!({ "id": "ci", "for_each": people }),
            );
            all.push(with(pool, keys));
        }
        all
    }

    /// One change of a day.
    fn edit(&mut self, random: &mut Random, protects: bool) {
        match random.below(8) {
            0 => self.people = PEOPLE.iter().copied().filter(|_| random.chance(1, 2)).collect(),
            1 => self.power = *random.pick(&["running", "stopped", "unmanaged"]),
            2 => self.instance_size = *random.pick(&SIZES),
            3 => self.display = random.chance(2, 3).then(|| format!("the lab {}", random.below(9))),
            4 if random.chance(1, 3) && !self.keeps() && !self.lasting => {
                self.hbi = !self.hbi;
                self.replaces = true;
            }
            5 => self.toggle_cluster(random),
            _ => self.edit_cluster(random, protects),
        }
    }

    /// Whether anything in it must not be deleted today.
    fn keeps(&self) -> bool {
        self.clusters.iter().any(Cluster::stays)
    }

    fn toggle_cluster(&mut self, random: &mut Random) {
        let name = *random.pick(&CLUSTERS);
        let standing = self.clusters.iter().position(|cluster| cluster.id == name);
        match standing {
            Some(at) if self.clusters[at].stays() => self.clusters[at].protected = false,
            Some(at) => {
                self.clusters.remove(at);
                self.past.push(name);
                // Another one of that name replaces it.
                self.replaces = true;
            }
            // Another one of that name would be made before the old one goes.
            None if self.lasting && self.past.contains(&name) => {}
            None if self.clusters.iter().all(|cluster| !cluster.name.starts_with(name)) => {
                self.clusters.push(Cluster { lasting: self.lasting, ..Cluster::new(random, name) });
            }
            None => {}
        }
        let ids: Vec<String> = self.clusters.iter().map(|cluster| cluster.id.clone()).collect();
        for cluster in &mut self.clusters {
            cluster.after = cluster.after.take().filter(|after| ids.contains(after));
        }
    }

    fn edit_cluster(&mut self, random: &mut Random, protects: bool) {
        if self.clusters.is_empty() {
            return;
        }
        let at = random.below(self.clusters.len() as u64) as usize;
        let first = self.clusters[0].id.clone();
        let cluster = &mut self.clusters[at];
        match random.below(8) {
            0 | 1 => cluster.max = 1 + random.below(8),
            2 => cluster.tag = random.below(3),
            3 if !cluster.stays() => {
                cluster.size = *random.pick(&SIZES);
                if cluster.lasting {
                    cluster.rename();
                }
                self.replaces = true;
            }
            4 if !cluster.stays() => {
                cluster.rename();
                self.replaces = true;
            }
            5 => self.readdress(at),
            6 if protects && !self.replaces => cluster.protected = !cluster.protected,
            7 if at > 0 => cluster.after = Some(first),
            _ => {}
        }
    }

    /// Gives a cluster another address.
    fn readdress(&mut self, at: usize) {
        let old = self.clusters[at].id.clone();
        let new = old.strip_suffix("-moved").map_or_else(|| format!("{old}-moved"), str::to_owned);
        for cluster in self.clusters.iter_mut().filter(|cluster| cluster.after.as_ref() == Some(&old)) {
            cluster.after = Some(new.clone());
        }
        self.clusters[at].moved_from = Some(old);
        self.clusters[at].id = new;
    }
}

impl Cluster {
    fn stays(&self) -> bool {
        self.protected || self.kept
    }

    /// Gives it a name in Azure that it never had; the address stays.
    fn rename(&mut self) {
        let (base, last) = self.name.split_once('-').unwrap_or((&self.name, "a"));
        let next = last.bytes().next().map_or('b', |letter| char::from(letter + 1));
        self.name = format!("{base}-{next}");
    }
}

impl Team {
    fn new(random: &mut Random, protects: bool) -> Self {
        let mut workspaces = vec![Lab::new(random, "lab", "ml")];
        if random.chance(1, 3) {
            let group = random.pick(&["ml", "other"]);
            workspaces.push(Lab::new(random, "annex", group));
        }
        Self { workspaces, protects, found: Vec::new() }
    }

    fn documents(&self) -> Vec<Json> {
        let mut groups: Vec<&str> = self.workspaces.iter().map(|lab| lab.group).collect();
        groups.dedup();
        let groups = groups.into_iter().map(group);
        groups.chain(self.workspaces.iter().flat_map(Lab::documents)).collect()
    }

    fn edit(&mut self, random: &mut Random) {
        if self.workspaces.len() > 1 && random.chance(1, 8) && !self.workspaces[1].keeps() {
            self.workspaces.pop();
            return;
        }
        for _ in 0..1 + random.below(3) {
            let at = random.below(self.workspaces.len() as u64) as usize;
            self.workspaces[at].edit(random, self.protects);
        }
        for lab in &self.workspaces {
            let adopted = lab.clusters.iter().filter(|cluster| cluster.adopts && cluster.is_new);
            self.found.extend(adopted.map(|cluster| Edit::Make {
                id: compute_id(lab.group, &lab.name, &cluster.name),
                body: strange_cluster(),
            }));
        }
    }

    fn end_day(&mut self) {
        for lab in &mut self.workspaces {
            lab.replaces = false;
            for cluster in &mut lab.clusters {
                cluster.kept = cluster.protected;
                cluster.is_new = false;
            }
        }
        self.found.clear();
    }

    /// What somebody does between two runs.
    fn outsider(&self, random: &mut Random) -> Edit {
        let lab = &self.workspaces[random.below(self.workspaces.len() as u64) as usize];
        match random.below(8) {
            0 => Edit::Remove { id: workspace_id(lab.group, &lab.name) },
            1 | 2 => {
                let name = *random.pick(&["cpu", "gpu", "big", "cpu-b", "theirs"]);
                Edit::Make { id: compute_id(lab.group, &lab.name, name), body: strange_cluster() }
            }
            _ => self.meddler(random),
        }
    }

    /// What somebody does to what stands.
    fn meddler(&self, random: &mut Random) -> Edit {
        let lab = &self.workspaces[random.below(self.workspaces.len() as u64) as usize];
        let own = |name: &str| compute_id(lab.group, &lab.name, name);
        let names: Vec<String> = lab.clusters.iter().map(|cluster| cluster.name.clone()).collect();
        let person = lab.people.first().map(|person| own(&format!("{}-{person}", lab.name)));
        let cluster = (!names.is_empty()).then(|| own(random.pick::<String>(&names)));
        let set =
            |id: String, pointer: &str, value: Json| Edit::Set { id, pointer: pointer.to_owned(), value };
        match (random.below(4), cluster, person) {
            (0, Some(id), _) | (0, None, Some(id)) => Edit::Remove { id },
            (1, Some(id), _) => set(id, "/tags", json!({ "by": "hand" })),
            (2, _, Some(id)) => set(id, "/properties/properties/state", json!("Stopped")),
            (_, Some(id), _) => set(id, "/properties/properties/scaleSettings/maxNodeCount", json!(40)),
            _ => set(workspace_id(lab.group, &lab.name), "/properties/friendlyName", json!("by hand")),
        }
    }
}
