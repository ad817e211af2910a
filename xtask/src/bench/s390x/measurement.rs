// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! One figure, as the guest says it.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `count` units for `each` things together.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Measurement {
    /// What was done.
    pub(super) what: String,
    /// How many things were done at once: pages of a mapping, reads of a batch.
    pub(super) each: u64,
    /// What it took.
    pub(super) count: u64,
    /// `instructions`, `RPCITs`, `pages`.
    pub(super) unit: String,
}

/// What `dma_map_benchmark` says, in units of 100 ns and so of 100 instructions.
#[derive(Clone, Debug, Deserialize)]
struct Benchmark {
    threads: u64,
    pages: u64,
    direction: u64,
    map_100ns: u64,
    unmap_100ns: u64,
}

impl Measurement {
    /// Reads a fact of kind `measurement`.
    pub(super) fn read(fact: &Value) -> Result<Self> {
        serde_json::from_value(fact.clone()).with_context(|| format!("the guest says something unreadable: {fact}"))
    }

    /// Reads a fact of kind `benchmark`: mapping and unmapping.
    pub(super) fn read_benchmark(fact: &Value) -> Result<[Self; 2]> {
        let benchmark: Benchmark = serde_json::from_value(fact.clone())
            .with_context(|| format!("the guest says something unreadable: {fact}"))?;
        let Benchmark { threads, pages, direction, map_100ns, unmap_100ns } = benchmark;
        let one = |operation: &str, hundreds: u64| Self {
            what: format!("{operation} of {pages} pages, {threads} threads, direction {direction}"),
            each: pages,
            count: hundreds * 100,
            unit: "instructions".to_owned(),
        };
        Ok([one("dma_map", map_100ns), one("dma_unmap", unmap_100ns)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_guest_says_is_read() {
        let fact = serde_json::json!({"what": "map 8 pages", "each": 8, "count": 700, "unit": "instructions"});
        let measurement = Measurement::read(&fact).unwrap();
        assert_eq!((measurement.what.as_str(), measurement.each, measurement.count), ("map 8 pages", 8, 700));
        assert!(Measurement::read(&serde_json::json!({"what": "map"})).is_err());
    }

    #[test]
    fn a_unit_of_the_benchmark_is_a_hundred_instructions() {
        let fact = serde_json::json!({"domain": "DMA", "threads": 1, "pages": 16, "direction": 0, "map_100ns": 52,
                                      "map_stddev": 1, "unmap_100ns": 47, "unmap_stddev": 1});
        let [map, unmap] = Measurement::read_benchmark(&fact).unwrap();
        assert_eq!((map.count, map.each, unmap.count), (5200, 16, 4700));
        assert_eq!(map.what, "dma_map of 16 pages, 1 threads, direction 0");
    }
}
