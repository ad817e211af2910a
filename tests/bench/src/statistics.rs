// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What a set of samples says.

use serde::{Deserialize, Serialize};

/// Samples in few numbers.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) minimum: f64,
    /// Median of the distances from the median.
    pub(crate) spread: f64,
}

impl Summary {
    /// Nothing where there is no sample.
    pub(crate) fn of(samples: &[f64]) -> Option<Self> {
        let middle = median(samples)?;
        let distances: Vec<f64> = samples.iter().map(|sample| (sample - middle).abs()).collect();
        Some(Self {
            median: middle,
            minimum: samples.iter().copied().fold(f64::INFINITY, f64::min),
            spread: median(&distances)?,
        })
    }
}

fn median(samples: &[f64]) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        _ if sorted.is_empty() => None,
        1 => sorted.get(middle).copied(),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stray_sample_does_not_count() {
        let summary = Summary::of(&[3.0, 1.0, 2.0, 100.0, 2.5]).unwrap();
        assert_eq!((summary.median, summary.minimum, summary.spread), (2.5, 1.0, 0.5));
        assert_eq!(median(&[4.0, 2.0]), Some(3.0));
        assert!(Summary::of(&[]).is_none());
    }
}
