//! A hash table of small numbers: chains of nodes in buckets, newest first, as the kernel's connection table is.
//!
//! It holds only where things are; what they are is the caller's. The order of a chain depends on nothing but what was
//! put in and taken out, which is what keeps a run repeatable.

const NONE: u32 = u32::MAX;

/// Chains of node numbers by hash.
#[derive(Clone, Debug)]
pub(crate) struct Chains {
    heads: Vec<u32>,
    nodes: Vec<Node>,
    count: usize,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    hash: u64,
    next: u32,
}

impl Chains {
    /// An empty table.
    pub fn new() -> Self {
        Self { heads: vec![NONE; 64], nodes: Vec::new(), count: 0 }
    }

    fn bucket(&self, hash: u64) -> usize {
        // The number of heads is a power of two.
        hash as usize & (self.heads.len() - 1)
    }

    /// How many buckets there are.
    pub fn buckets(&self) -> usize {
        self.heads.len()
    }

    /// Puts a node at the head of its chain. The node must not be in the table.
    pub fn insert(&mut self, hash: u64, node: u32) {
        if self.count >= self.heads.len() {
            self.grow();
        }
        let at = node as usize;
        if self.nodes.len() <= at {
            self.nodes.resize(at + 1, Node { hash: 0, next: NONE });
        }
        let bucket = self.bucket(hash);
        self.nodes[at] = Node { hash, next: self.heads[bucket] };
        self.heads[bucket] = node;
        self.count += 1;
    }

    /// Takes a node out; false if it is not in the chain of this hash.
    pub fn remove(&mut self, hash: u64, node: u32) -> bool {
        let bucket = self.bucket(hash);
        let (mut before, mut here) = (NONE, self.heads[bucket]);
        while here != NONE {
            let next = self.nodes[here as usize].next;
            if here == node {
                if before == NONE {
                    self.heads[bucket] = next;
                } else {
                    self.nodes[before as usize].next = next;
                }
                self.count -= 1;
                return true;
            }
            (before, here) = (here, next);
        }
        false
    }

    /// The nodes with this very hash, newest first.
    pub fn find(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        self.chain(self.bucket(hash)).filter(move |&node| self.nodes[node as usize].hash == hash)
    }

    /// Every node of a bucket, newest first.
    pub fn chain(&self, bucket: usize) -> impl Iterator<Item = u32> + '_ {
        let mut here = self.heads[bucket];
        std::iter::from_fn(move || {
            let node = here;
            (node != NONE).then(|| {
                here = self.nodes[node as usize].next;
                node
            })
        })
    }

    /// The bucket a hash belongs to.
    pub fn bucket_of(&self, hash: u64) -> usize {
        self.bucket(hash)
    }

    fn grow(&mut self) {
        let old = std::mem::take(&mut self.heads);
        self.heads = vec![NONE; old.len() * 2];
        let mut chain = Vec::new();
        for head in old {
            let mut here = head;
            while here != NONE {
                chain.push(here);
                here = self.nodes[here as usize].next;
            }
            // Oldest first, so that the newest is again at the head.
            while let Some(node) = chain.pop() {
                let bucket = self.bucket(self.nodes[node as usize].hash);
                self.nodes[node as usize].next = self.heads[bucket];
                self.heads[bucket] = node;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_keep_newest_first_through_growth_and_removal() {
        let mut chains = Chains::new();
        for node in 0..1000 {
            chains.insert(u64::from(node % 10), node);
        }
        assert!(chains.buckets() >= 1000);
        let of_three: Vec<u32> = chains.find(3).collect();
        assert_eq!(of_three, (0..100).rev().map(|i| i * 10 + 3).collect::<Vec<_>>());
        assert!(chains.remove(3, 503));
        assert!(!chains.remove(3, 503));
        assert!(!chains.remove(4, 13));
        assert_eq!(chains.find(3).count(), 99);
        assert!(chains.find(3).all(|n| n != 503));
    }
}
