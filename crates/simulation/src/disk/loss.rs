//! What the end of a process, or of the machine's power, takes from the disk.

use std::fmt;

use testkit::Random;

use super::{Node, Platter};

/// What is lost of all that was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// Nothing, but it is still not durable: only the process ended.
    Nothing,
    /// The power failed, and all had reached the disk.
    Kept,
    /// All of it.
    Dropped,
    /// Each file's end, from some byte on; names from some change on.
    Torn,
    /// The bytes of files, which read as zeros; no names.
    Zeroed,
    /// Any of these, for each file and each name by itself.
    Mixed,
}

impl Loss {
    /// Every one.
    pub const ALL: [Loss; 6] =
        [Loss::Nothing, Loss::Kept, Loss::Dropped, Loss::Torn, Loss::Zeroed, Loss::Mixed];

    /// Its word, on the command line and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Loss::Nothing => "killed",
            Loss::Kept => "kept",
            Loss::Dropped => "dropped",
            Loss::Torn => "torn",
            Loss::Zeroed => "zeroed",
            Loss::Mixed => "mixed",
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Platter {
    /// Loses what was not synced.
    pub fn lose(&self, loss: Loss, random: &mut Random) {
        if loss == Loss::Nothing {
            return;
        }
        let mut inner = self.inner();
        let pending = std::mem::take(&mut inner.pending);
        let first = random.below(pending.len() as u64 + 1) as usize;
        for (at, naming) in pending.iter().enumerate() {
            let kept = match loss {
                Loss::Kept | Loss::Zeroed => true,
                Loss::Torn => at < first,
                Loss::Mixed => random.chance(1, 2),
                Loss::Dropped | Loss::Nothing => false,
            };
            if kept {
                naming.apply(&mut inner.durable);
            }
        }
        let names = inner.durable.clone();
        // What lies in a directory that is lost is lost with it.
        inner.names = names
            .iter()
            .filter(|(path, _)| path.ancestors().all(|at| names.contains_key(at)))
            .map(|(path, node)| (path.clone(), *node))
            .collect();
        inner.durable = inner.names.clone();
        inner.locks.clear();
        for node in inner.nodes.values_mut().filter(|node| node.bytes != node.durable) {
            node.bytes = after(loss, node, random);
            node.durable = node.bytes.clone();
            node.doomed = false;
        }
    }
}

/// What a file holds after a power loss.
fn after(loss: Loss, node: &Node, random: &mut Random) -> Vec<u8> {
    let Node { bytes, durable, doomed, .. } = node;
    let same = bytes.iter().zip(durable).take_while(|(a, b)| a == b).count();
    let from = same + random.below((bytes.len() - same) as u64 + 1) as usize;
    let chosen = match loss {
        Loss::Mixed => *random.pick(&[Loss::Kept, Loss::Dropped, Loss::Torn, Loss::Zeroed]),
        loss => loss,
    };
    match chosen {
        Loss::Kept if !doomed => bytes.clone(),
        Loss::Torn if !doomed => bytes[..from].to_vec(),
        Loss::Zeroed => {
            let mut holed = bytes.clone();
            holed[if *doomed { same } else { from }..].fill(0);
            holed
        }
        _ => durable.clone(),
    }
}
