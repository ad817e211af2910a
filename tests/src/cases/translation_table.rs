// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Translation tables: what stands in storage afterwards, compared with literal numbers.
//!
//! No function uses the tables of these cases, so the storage they map need not exist.

mod bench;
mod empty;
mod hardware;
mod map;
mod reclaim;
mod refusal;
mod storage;
mod text;
mod unmap;
mod walk;

use s390_iommu::{FrameSizes, Root};

use crate::case::{Case, Group};
use crate::machine::Machine;

/// One way to set up a table.
pub(super) trait Setup {
    /// Its root.
    const ROOT: Root;
    /// Its frame sizes.
    const FRAMES: FrameSizes;
}

/// Defines a setup and the group of its cases.
macro_rules! group {
    ($setup:ident, $function:ident, $root:ident, $frames:ident, $name:literal) => {
        struct $setup;

        impl Setup for $setup {
            const ROOT: Root = Root::$root;
            const FRAMES: FrameSizes = FrameSizes::$frames;
        }

        pub(super) const fn $function<M: Machine + 'static>() -> Group<M> {
            Group { name: $name, cases: List::<M, $setup>::CASES }
        }
    };
}

group!(RegionThird4K, region_third_4k, RegionThird, SMALL, "translation-table/region-third/4K");
group!(RegionThird1M, region_third_1m, RegionThird, WITH_LARGE, "translation-table/region-third/1M");
group!(RegionSecond4K, region_second_4k, RegionSecond, SMALL, "translation-table/region-second/4K");
group!(RegionSecond1M, region_second_1m, RegionSecond, WITH_LARGE, "translation-table/region-second/1M");
group!(RegionFirst4K, region_first_4k, RegionFirst, SMALL, "translation-table/region-first/4K");
group!(RegionFirst1M, region_first_1m, RegionFirst, WITH_LARGE, "translation-table/region-first/1M");

/// Carries the list, which is a constant for each kind of machine and setup.
struct List<M, S>(core::marker::PhantomData<(M, S)>);

impl<M: Machine + 'static, S: Setup + 'static> List<M, S> {
    const CASES: &'static [Case<M>] = &[
        Case { name: "empty", run: empty::empty::<M, S> },
        Case { name: "map-one-page", run: map::one_page::<M, S> },
        Case { name: "map-read-only", run: map::read_only::<M, S> },
        Case { name: "map-first-page", run: map::first_page::<M, S> },
        Case { name: "map-last-page", run: map::last_page::<M, S> },
        Case { name: "map-across-page-tables", run: map::across_page_tables::<M, S> },
        Case { name: "map-across-segment-tables", run: map::across_segment_tables::<M, S> },
        Case { name: "map-across-region-tables", run: map::across_region_tables::<M, S> },
        Case { name: "map-aligned-mib", run: map::aligned_mib::<M, S> },
        Case { name: "map-mib-to-unaligned-storage", run: map::mib_to_unaligned_storage::<M, S> },
        Case { name: "map-mixed-frames", run: map::mixed_frames::<M, S> },
        Case { name: "map-mib-over-page-table", run: map::mib_over_page_table::<M, S> },
        Case { name: "refuse-overlap", run: refusal::overlap::<M, S> },
        Case { name: "refuse-overlap-with-frame", run: refusal::overlap_with_frame::<M, S> },
        Case { name: "refuse-unaligned", run: refusal::unaligned::<M, S> },
        Case { name: "refuse-overflow", run: refusal::overflow::<M, S> },
        Case { name: "refuse-outside-span", run: refusal::outside_span::<M, S> },
        Case { name: "unmap-pages", run: unmap::pages::<M, S> },
        Case { name: "unmap-holes", run: unmap::holes::<M, S> },
        Case { name: "unmap-nothing", run: unmap::nothing::<M, S> },
        Case { name: "unmap-everything", run: unmap::everything::<M, S> },
        Case { name: "unmap-part-of-mib", run: unmap::part_of_mib::<M, S> },
        Case { name: "split-mib", run: unmap::split_mib::<M, S> },
        Case { name: "reclaim-whole-branch", run: reclaim::whole_branch::<M, S> },
        Case { name: "reclaim-used-tables", run: reclaim::used_tables::<M, S> },
        Case { name: "reclaim-part-of-table", run: reclaim::part_of_table::<M, S> },
        Case { name: "walk-merges", run: walk::merges::<M, S> },
        Case { name: "walk-part", run: walk::part::<M, S> },
        Case { name: "no-storage-for-root", run: storage::no_storage_for_root::<M, S> },
        Case { name: "no-storage-for-map", run: storage::no_storage_for_map::<M, S> },
        Case { name: "no-storage-for-split", run: storage::no_storage_for_split::<M, S> },
        Case { name: "unmap-needs-no-storage", run: storage::unmap_needs_none::<M, S> },
        Case { name: "drop-gives-storage-back", run: storage::drop_gives_back::<M, S> },
        Case { name: "debug-text", run: text::debug::<M, S> },
    ];
}
