//! The ready queue: which step comes next. Pure; it knows steps by their index only.

use std::collections::BinaryHeap;

/// Steps that wait, are ready, or have ended.
#[derive(Debug)]
pub struct ReadyQueue {
    /// How many predecessors of a step have not ended well.
    waiting_for: Vec<usize>,
    /// Who waits for a step.
    dependents: Vec<Vec<usize>>,
    /// The longest chain of steps from here, itself included.
    remaining: Vec<usize>,
    /// Ready steps, the longest remaining chain first, then the lowest index.
    ready: BinaryHeap<(usize, std::cmp::Reverse<usize>)>,
    /// Steps that will never be ready.
    dropped: Vec<bool>,
}

impl ReadyQueue {
    /// A queue of steps, each given by the indexes it comes after. The order must have no cycle.
    pub fn new<'a>(after: impl ExactSizeIterator<Item = &'a [usize]>) -> Self {
        let count = after.len();
        let mut dependents = vec![Vec::new(); count];
        let mut waiting_for = vec![0; count];
        for (index, after) in after.enumerate() {
            waiting_for[index] = after.len();
            for &before in after {
                dependents[before].push(index);
            }
        }
        let remaining = longest_chains(&waiting_for, &dependents);
        let mut queue = Self {
            waiting_for,
            dependents,
            remaining,
            ready: BinaryHeap::new(),
            dropped: vec![false; count],
        };
        for index in 0..count {
            if queue.waiting_for[index] == 0 {
                queue.make_ready(index);
            }
        }
        queue
    }

    /// Takes the next ready step.
    pub fn next(&mut self) -> Option<usize> {
        self.ready.pop().map(|(_, index)| index.0)
    }

    /// A step ended well: what waited only for it is ready.
    pub fn done(&mut self, index: usize) {
        for dependent in std::mem::take(&mut self.dependents[index]) {
            self.waiting_for[dependent] -= 1;
            if self.waiting_for[dependent] == 0 && !self.dropped[dependent] {
                self.make_ready(dependent);
            }
        }
    }

    /// A step did not end well: everything that waits for it, directly or not, is dropped and returned.
    pub fn failed(&mut self, index: usize) -> Vec<usize> {
        let mut dropped = Vec::new();
        let mut open = vec![index];
        while let Some(at) = open.pop() {
            for dependent in std::mem::take(&mut self.dependents[at]) {
                if !std::mem::replace(&mut self.dropped[dependent], true) {
                    dropped.push(dependent);
                    open.push(dependent);
                }
            }
        }
        dropped.sort_unstable();
        dropped
    }

    fn make_ready(&mut self, index: usize) {
        self.ready.push((self.remaining[index], std::cmp::Reverse(index)));
    }
}

/// The longest chain from each step to an end, by Kahn's order walked backwards.
fn longest_chains(waiting_for: &[usize], dependents: &[Vec<usize>]) -> Vec<usize> {
    let mut open = waiting_for.to_vec();
    let mut order: Vec<usize> = (0..open.len()).filter(|&i| open[i] == 0).collect();
    let mut at = 0;
    while at < order.len() {
        for &dependent in &dependents[order[at]] {
            open[dependent] -= 1;
            if open[dependent] == 0 {
                order.push(dependent);
            }
        }
        at += 1;
    }
    assert_eq!(order.len(), open.len(), "BUG: the steps of a plan wait for each other");
    let mut remaining = vec![1; open.len()];
    for &index in order.iter().rev() {
        remaining[index] = 1 + dependents[index].iter().map(|&d| remaining[d]).max().unwrap_or(0);
    }
    remaining
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(after: &[&[usize]]) -> ReadyQueue {
        ReadyQueue::new(after.iter().copied())
    }

    #[test]
    fn the_longest_remaining_path_goes_first() {
        let mut queue = queue(&[&[], &[], &[1], &[2]]);
        assert_eq!(queue.next(), Some(1));
        assert_eq!(queue.next(), Some(0));
        assert_eq!(queue.next(), None);
        queue.done(1);
        assert_eq!(queue.next(), Some(2));
    }

    #[test]
    fn a_failure_drops_what_waits_for_it_and_nothing_else() {
        let mut queue = queue(&[&[], &[0], &[1], &[]]);
        assert_eq!(queue.next(), Some(0));
        assert_eq!(queue.failed(0), vec![1, 2]);
        assert_eq!(queue.next(), Some(3));
        assert_eq!(queue.next(), None);
    }

    #[test]
    fn a_step_waits_for_all_of_its_predecessors() {
        let mut queue = queue(&[&[], &[], &[0, 1]]);
        assert_eq!((queue.next(), queue.next()), (Some(0), Some(1)));
        queue.done(0);
        assert_eq!(queue.next(), None);
        queue.done(1);
        assert_eq!(queue.next(), Some(2));
    }
}
