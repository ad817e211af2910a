// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What is chosen on the way of one run, and which run comes next.

/// Chooses, as a script says and then always the first alternative; every script is tried in the end.
///
/// A depth-first search without memory: the next script goes the same way up to the last choice that had another
/// alternative.
#[derive(Debug, Default)]
pub(crate) struct Chooser {
    /// What was chosen, and of how many.
    taken: Vec<(usize, usize)>,
    position: usize,
}

impl Chooser {
    /// One of `alternatives`, counted from 0.
    pub(crate) fn choose(&mut self, alternatives: usize) -> usize {
        if alternatives < 2 {
            return 0;
        }
        let position = self.position;
        self.position += 1;
        match self.taken.get(position) {
            Some((chosen, before)) => {
                assert_eq!(*before, alternatives, "a run with the same choices took another way");
                *chosen
            }
            None => {
                self.taken.push((0, alternatives));
                0
            }
        }
    }

    /// Starts the next run; whether there is one.
    pub(crate) fn next(&mut self) -> bool {
        self.taken.truncate(self.position);
        self.position = 0;
        while let Some((chosen, alternatives)) = self.taken.pop() {
            if chosen + 1 < alternatives {
                self.taken.push((chosen + 1, alternatives));
                return true;
            }
        }
        false
    }

    /// The script of the current run.
    pub(crate) fn script(&self) -> Vec<usize> {
        self.taken.iter().map(|(chosen, _)| *chosen).collect()
    }
}
