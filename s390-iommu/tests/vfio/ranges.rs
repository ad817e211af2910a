// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Addresses that may be mapped, against a model that looks at every piece of a coarse address space.

use clp::FunctionGroup;
use proptest::prelude::*;
use proptest::sample::Index;
use s390_iommu::{Container, Domain, DomainFunction, Iova, IovaRange, Reasons, ReservedRegion};

use crate::sample::{first_function, first_group, range, SliceContainer, FORMAT};

/// Most domains.
const DOMAINS: usize = 16;

/// A function without interrupts that `aperture` is registered for.
fn function(aperture: IovaRange) -> DomainFunction {
    let group = FunctionGroup { max_interrupts: 0, ..first_group() };
    DomainFunction { function: first_function(), group, aperture }
}

/// All 2^64 addresses in pieces: piece i starts at `starts[i]` and ends before the next one, the last at 2^64 - 1.
#[derive(Clone, Debug)]
struct Space {
    starts: Vec<u64>,
}

impl Space {
    /// The addresses of the pieces from `first` to `last`.
    fn range(&self, first: usize, last: usize) -> IovaRange {
        let end = self.starts.get(last + 1).map_or(u64::MAX, |next| next - 1);
        range(self.starts[first], end)
    }
}

/// Pieces, by the first and the last one.
type Pieces = (usize, usize);

#[derive(Clone, Debug)]
struct Specification {
    /// Of each function.
    apertures: Vec<Pieces>,
    regions: Vec<(Pieces, u32)>,
}

impl Specification {
    /// Why each piece may not be mapped.
    fn reasons(&self, space: &Space) -> Vec<u32> {
        let within = |piece: usize, (first, last): Pieces| first <= piece && piece <= last;
        let reasons = |piece| {
            let outside = if self.apertures.iter().all(|&aperture| within(piece, aperture)) { 0 } else { 1 };
            self.regions.iter().filter(|region| within(piece, region.0)).fold(outside, |all, region| all | region.1)
        };
        (0..space.starts.len()).map(reasons).collect()
    }
}

/// What the model finds: pieces with equal reasons joined.
fn model(space: &Space, attached: &[&Specification]) -> Vec<(IovaRange, u32)> {
    let mut all = vec![0; space.starts.len()];
    for specification in attached {
        all.iter_mut().zip(specification.reasons(space)).for_each(|(all, reasons)| *all |= reasons);
    }
    let mut runs: Vec<(usize, usize, u32)> = Vec::new();
    for (piece, reasons) in all.into_iter().enumerate() {
        match runs.last_mut() {
            Some(run) if run.2 == reasons => run.1 = piece,
            _ => runs.push((piece, piece, reasons)),
        }
    }
    runs.into_iter().map(|(first, last, reasons)| (space.range(first, last), reasons)).collect()
}

/// Compares everything that the container says with the model.
fn compare(space: &Space, container: &SliceContainer<'_>, attached: &[&Specification]) -> Result<(), TestCaseError> {
    let runs: Vec<_> = container.runs().map(|run| (run.range, run.reasons.0)).collect();
    if attached.is_empty() {
        prop_assert!(runs.is_empty());
        return Ok(());
    }
    let expected = model(space, attached);
    prop_assert_eq!(&runs, &expected);
    let usable: Vec<_> = expected.iter().filter(|run| run.1 == 0).map(|run| run.0).collect();
    prop_assert_eq!(container.usable().collect::<Vec<_>>(), usable);
    let gaps: Vec<_> = expected.into_iter().filter(|run| run.1 != 0).collect();
    prop_assert_eq!(container.gaps().map(|run| (run.range, run.reasons.0)).collect::<Vec<_>>(), gaps);
    Ok(())
}

/// Pages at both ends of the address space and next to each other, and some anywhere.
fn space() -> impl Strategy<Value = Space> {
    let page = prop_oneof![1u64..24, (1u64 << 52) - 24..1 << 52, 1u64..1 << 52, (1u64 << 20)..(1 << 20) + 16,];
    proptest::collection::btree_set(page, 1..40).prop_map(|pages| Space {
        starts: std::iter::once(0).chain(pages.into_iter().map(|page| page << 12)).collect(),
    })
}

fn pieces(most: usize) -> impl Strategy<Value = Pieces> {
    (0..most, 0..most).prop_map(|(one, other)| (one.min(other), one.max(other)))
}

/// An aperture that is wide more often than not, and regions that may nest, touch and overlap.
fn specification(most: usize) -> impl Strategy<Value = Specification> {
    let aperture = prop_oneof![
        3 => (0..most.div_ceil(6), 0..most.div_ceil(6)).prop_map(move |(low, high)| (low, most - 1 - high.min(most - 1 - low))),
        1 => pieces(most),
    ];
    let region = ((0..most, 0..3usize), 1u32..32)
        .prop_map(move |((first, more), kind)| ((first, (first + more).min(most - 1)), kind << 1));
    (proptest::collection::vec(aperture, 1..3), proptest::collection::vec(region, 0..5))
        .prop_map(|(apertures, regions)| Specification { apertures, regions })
}

#[derive(Clone, Debug)]
enum Operation {
    Attach(Index),
    Detach(Index),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        2 => any::<Index>().prop_map(Operation::Attach),
        1 => any::<Index>().prop_map(Operation::Detach),
    ]
}

fn scene() -> impl Strategy<Value = (Space, Vec<Specification>, Vec<Operation>)> {
    space().prop_flat_map(|space| {
        let most = space.starts.len();
        (
            Just(space),
            proptest::collection::vec(specification(most), DOMAINS),
            proptest::collection::vec(operation(), 1..48),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    /// No domain is refused, whatever it leaves of the addresses.
    #[test]
    fn domains_come_and_go((space, specifications, operations) in scene()) {
        let region = |&((first, last), kind): &(Pieces, u32)| {
            ReservedRegion { range: space.range(first, last), reasons: Reasons(kind) }
        };
        let regions: Vec<Vec<_>> = specifications.iter().map(|it| it.regions.iter().map(region).collect()).collect();
        let aperture = |&(first, last): &Pieces| function(space.range(first, last));
        let functions: Vec<Vec<_>> =
            specifications.iter().map(|it| it.apertures.iter().map(aperture).collect()).collect();
        let mut attached: Vec<usize> = Vec::new();
        for operation in operations {
            match operation {
                Operation::Attach(index) => attached.push(index.index(DOMAINS)),
                Operation::Detach(_) if attached.is_empty() => {}
                Operation::Detach(index) => {
                    attached.remove(index.index(attached.len()));
                }
            }
            let domain = |&index: &usize| Domain {
                format: FORMAT,
                reserved: &regions[index],
                functions: functions[index].iter().copied(),
            };
            let domains: Vec<_> = attached.iter().map(domain).collect();
            let now: Vec<_> = attached.iter().map(|&index| &specifications[index]).collect();
            compare(&space, &Container::new(domains.iter().cloned()), &now)?;
        }
    }
}

/// The runs of one domain as (first, last, reasons).
fn runs(aperture: IovaRange, regions: &[(u64, u64, Reasons)]) -> Vec<(u64, u64, u32)> {
    let region = |&(first, last, reasons): &(u64, u64, Reasons)| {
        ReservedRegion::covering(Iova::new(first), Iova::new(last), reasons).unwrap()
    };
    let reserved: Vec<_> = regions.iter().map(region).collect();
    let functions = [function(aperture)];
    let domains = [Domain { format: FORMAT, reserved: &reserved, functions: functions.iter().copied() }];
    let container = Container::new(domains.iter().cloned());
    container.runs().map(|run| (run.range.start().get(), run.range.last().get(), run.reasons.0)).collect()
}

#[test]
fn the_ends_of_the_address_space() {
    const TOP: u64 = u64::MAX;
    assert_eq!(runs(IovaRange::ALL, &[]), [(0, TOP, 0)]);
    let both_ends = [(0, 0, Reasons::RESERVED), (TOP, TOP, Reasons::MSI)];
    let expected = [(0, 0xfff, 8), (0x1000, TOP - 0x1000, 0), (TOP - 0xfff, TOP, 16)];
    assert_eq!(runs(IovaRange::ALL, &both_ends), expected);
    assert_eq!(runs(range(0, 0xfff), &[]), [(0, 0xfff, 0), (0x1000, TOP, 1)]);
    assert_eq!(runs(range(TOP - 0xfff, TOP), &[]), [(0, TOP - 0x1000, 1), (TOP - 0xfff, TOP, 0)]);
}

#[test]
fn regions_that_touch_nest_and_overlap() {
    let all = range(0, 0xffff);
    let end = (0x1_0000, u64::MAX, 1);
    // Two that touch are one gap if they are of one kind, and two if not.
    let touching = [(0x1000, 0x1fff, Reasons::RESERVED), (0x2000, 0x2fff, Reasons::RESERVED)];
    assert_eq!(runs(all, &touching), [(0, 0xfff, 0), (0x1000, 0x2fff, 8), (0x3000, 0xffff, 0), end]);
    let kinds = [(0x1000, 0x1fff, Reasons::RESERVED), (0x2000, 0x2fff, Reasons::DIRECT)];
    let expected = [(0, 0xfff, 0), (0x1000, 0x1fff, 8), (0x2000, 0x2fff, 2), (0x3000, 0xffff, 0), end];
    assert_eq!(runs(all, &kinds), expected);
    // One within another.
    let nested = [(0x1000, 0x4fff, Reasons::RESERVED), (0x2000, 0x2fff, Reasons::DIRECT_RELAXABLE)];
    let expected =
        [(0, 0xfff, 0), (0x1000, 0x1fff, 8), (0x2000, 0x2fff, 12), (0x3000, 0x4fff, 8), (0x5000, 0xffff, 0), end];
    assert_eq!(runs(all, &nested), expected);
    // Across the end of the aperture; a part of a page takes it all.
    let across = [(0xe800, 0x1_0000, Reasons::SOFTWARE_MSI)];
    assert_eq!(
        runs(all, &across),
        [(0, 0xdfff, 0), (0xe000, 0xffff, 32), (0x1_0000, 0x1_0fff, 33), (0x1_1000, u64::MAX, 1)]
    );
}
