// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Random operations on every root, with every frame size and both kinds of groups, against the model and the fake
//! machine's own walk and DMA.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use s390_iommu::{FrameSizes, Root};
use zpci_tests::model::{Operation, Place, Setup, Trial};

/// Pages near where tables end, mostly close together so that operations meet.
fn place() -> impl Strategy<Value = Place> {
    let page = prop_oneof![-4_i16..4, -300_i16..300, Just(-256), Just(0)];
    (0_u8..6, page).prop_map(|(anchor, page)| Place { anchor, page })
}

/// Numbers of pages less one: few, up to a page table, and more than one.
fn more() -> impl Strategy<Value = u16> {
    prop_oneof![0_u16..4, 0_u16..600, Just(255), Just(511)]
}

fn operation() -> impl Strategy<Value = Operation> {
    let storage = prop_oneof![Just(0), 0_u16..3072];
    prop_oneof![
        6 => (place(), more(), storage, any::<bool>())
            .prop_map(|(at, more, storage, read_only)| Operation::Map { at, more, storage, read_only }),
        4 => (place(), 0_u8..3, any::<u8>(), any::<bool>())
            .prop_map(|(at, more, storage, read_only)| Operation::MapMib { at, more, storage, read_only }),
        6 => (place(), more()).prop_map(|(at, more)| Operation::Unmap { at, more }),
        2 => place().prop_map(|at| Operation::Split { at }),
        4 => (place(), any::<u16>()).prop_map(|(at, offset)| Operation::Translate { at, offset }),
        6 => (place(), any::<u16>(), any::<bool>())
            .prop_map(|(at, offset, write)| Operation::Dma { at, offset, write }),
        3 => (place(), more()).prop_map(|(at, more)| Operation::Walk { at, more }),
        3 => Just(Operation::Refresh),
        2 => (place(), more()).prop_map(|(at, more)| Operation::RefreshRange { at, more }),
        2 => (place(), any::<u8>(), any::<bool>())
            .prop_map(|(at, size_log2, unmap)| Operation::Reclaim { at, size_log2, unmap }),
        1 => any::<u8>().prop_map(|tables| Operation::Limit { tables }),
        1 => Just(Operation::Lift),
    ]
}

fn trial(setup: Setup, operations: &[Operation]) -> Result<(), String> {
    let mut trial = Trial::new(setup)?;
    for (number, operation) in operations.iter().enumerate() {
        trial.apply(*operation).map_err(|difference| format!("operation {number}, {operation:x?}: {difference}"))?;
    }
    trial.finish()
}

fn check(root: Root, frames: FrameSizes, refresh: bool, refresh_skips: bool) {
    let setup = Setup { root, frames, refresh, refresh_skips };
    let mut runner = TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
    let result =
        runner.run(&vec(operation(), 1..60), |operations| trial(setup, &operations).map_err(TestCaseError::fail));
    if let Err(error) = result {
        panic!("{setup:?}: {error}");
    }
}

macro_rules! properties {
    ($($test:ident: $root:ident, $frames:ident;)*) => {$(
        mod $test {
            use super::*;

            #[test]
            fn shadowed() {
                check(Root::$root, FrameSizes::$frames, true, false);
            }

            #[test]
            fn shadowed_as_by_qemu() {
                check(Root::$root, FrameSizes::$frames, true, true);
            }

            #[test]
            fn walked() {
                check(Root::$root, FrameSizes::$frames, false, false);
            }
        }
    )*};
}

properties! {
    region_third_4k: RegionThird, SMALL;
    region_third_1m: RegionThird, WITH_LARGE;
    region_second_4k: RegionSecond, SMALL;
    region_second_1m: RegionSecond, WITH_LARGE;
    region_first_4k: RegionFirst, SMALL;
    region_first_1m: RegionFirst, WITH_LARGE;
}

/// A refresh from the middle of an invalid segment into a valid one.
#[test]
fn refresh_from_the_middle_of_a_segment() {
    let at = |page| Place { anchor: 1, page };
    let operations = [
        Operation::Map { at: at(0), more: 0, storage: 0, read_only: false },
        Operation::Refresh,
        Operation::RefreshRange { at: at(-3), more: 100 },
        Operation::Dma { at: at(0), offset: 0, write: true },
    ];
    for root in Root::ALL {
        let setup = Setup { root, frames: FrameSizes::SMALL, refresh: true, refresh_skips: true };
        assert_eq!(trial(setup, &operations), Ok(()), "{setup:?}");
    }
}
