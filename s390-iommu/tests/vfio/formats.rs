// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A container with one format and with two, and who asks for one.

use clp::{DesignationTypes, FunctionId};
use s390_iommu::{Container, Domain, DomainFunction, FormatError, FrameSizes, TableFormat};

use crate::sample::{first_function, first_group, range, with_container, FORMAT, OTHER_FORMAT};

fn function(id: u32) -> DomainFunction {
    let mut function = first_function();
    function.id = FunctionId(id);
    DomainFunction { function, group: first_group(), aperture: range(0x1_0000_0000, 0x1_3fff_ffff) }
}

/// Returns the formats of a container of domains with these.
fn formats(domains: &[TableFormat]) -> Vec<TableFormat> {
    let functions = [function(1)];
    let domain = |&format: &TableFormat| Domain { format, reserved: &[], functions: functions.iter().copied() };
    let domains: Vec<_> = domains.iter().map(domain).collect();
    Container::new(domains.iter().cloned()).formats().collect()
}

/// Two domains of different formats are one container, which reports both.
#[test]
fn each_format_is_reported_once() {
    assert_eq!(formats(&[]), []);
    assert_eq!(formats(&[FORMAT, FORMAT]), [FORMAT]);
    assert_eq!(formats(&[FORMAT, OTHER_FORMAT, FORMAT, OTHER_FORMAT]), [FORMAT, OTHER_FORMAT]);
    let relaxed = TableFormat { relaxed_translation: false, ..FORMAT };
    assert_eq!(formats(&[OTHER_FORMAT, relaxed, FORMAT]), [OTHER_FORMAT, relaxed, FORMAT]);
}

/// Who promised one format finds out what a further domain differs by.
#[test]
fn one_format_if_somebody_asks_for_it() {
    let functions = [function(1)];
    let domains = [Domain { format: FORMAT, reserved: &[], functions: functions.iter().copied() }];
    let container = Container::new(domains.iter().cloned());
    assert_eq!(container.check_one_format(&FORMAT), Ok(()));
    let types = DesignationTypes(0x40);
    assert_eq!(
        container.check_one_format(&TableFormat { designation_types: types, ..FORMAT }),
        Err(FormatError::DesignationTypes { wanted: FORMAT.designation_types, found: types })
    );
    assert_eq!(
        container.check_one_format(&TableFormat { frame_sizes: FrameSizes::SMALL, ..FORMAT }),
        Err(FormatError::FrameSizes { wanted: FrameSizes::WITH_LARGE, found: FrameSizes::SMALL })
    );
    assert_eq!(
        container.check_one_format(&TableFormat { relaxed_translation: false, ..FORMAT }),
        Err(FormatError::RelaxedTranslation { wanted: true })
    );
    // An empty container takes any format; one that has two already, none.
    let none: [Domain<'_, std::iter::Empty<DomainFunction>>; 0] = [];
    assert_eq!(Container::new(none.into_iter()).check_one_format(&OTHER_FORMAT), Ok(()));
    with_container(|container| {
        assert!(container.check_one_format(&FORMAT).is_err());
        assert!(container.check_one_format(&OTHER_FORMAT).is_err());
    });
}
