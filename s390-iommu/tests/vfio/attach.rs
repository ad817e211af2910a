// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What an attach refuses, and that user space is told the same before and after.

use clp::{DesignationTypes, FunctionGroup, FunctionId};
use s390_iommu::vfio::{answer, ByteOrder, IommuInformation};
use s390_iommu::{AttachError, AttachedFunction, Container, Domain, DomainId, FormatError, FrameSizes, TableFormat};

use crate::sample::{first_function, first_group, range, FORMAT};

fn told(container: &Container<'_, '_>) -> Vec<u8> {
    let mut bytes = vec![0xa5; 2048];
    answer(IommuInformation::new(0x1000), ByteOrder::NATIVE, &mut bytes, |chain| container.append_to(chain)).unwrap();
    bytes
}

/// Attaches a domain of the first function, then a domain in which `change` changed what it is given; the answer to
/// the second, which is told by the container afterwards if it was let in.
fn second(change: impl FnOnce(&mut TableFormat, &mut FunctionGroup, &mut FrameSizes)) -> Result<(), AttachError> {
    let (function, group) = (first_function(), first_group());
    let functions = [AttachedFunction { function, group, frame_sizes: FrameSizes::WITH_LARGE }];
    let aperture = range(0x1_0000_0000, 0x1_3fff_ffff);
    let first = Domain { id: DomainId(1), aperture, format: FORMAT, reserved: &[], functions: &functions };

    let (mut format, mut other_group, mut frame_sizes) = (FORMAT, first_group(), FrameSizes::WITH_LARGE);
    change(&mut format, &mut other_group, &mut frame_sizes);
    let mut other = first_function();
    other.id = FunctionId(2);
    let others = [AttachedFunction { function: other, group: other_group, frame_sizes }];

    let mut domains = [None; 2];
    let mut container = Container::new(&mut domains);
    container.attach(first, &[]).unwrap();
    let before = told(&container);
    let result = container.attach(Domain { id: DomainId(2), format, functions: &others, ..first }, &[]);
    assert_eq!(container.format(), Some(FORMAT));
    assert_eq!(container.domains().count(), if result.is_ok() { 2 } else { 1 });
    assert_eq!(told(&container) == before, result.is_err());
    // What it was told stays true when the other one goes, and when the first one does.
    assert_eq!(container.detach(DomainId(2)).is_some(), result.is_ok());
    assert_eq!(told(&container), before);
    result
}

#[test]
fn a_function_that_takes_more() {
    assert_eq!(second(|_, group, _| group.designation_types = DesignationTypes(0x70)), Ok(()));
    assert_eq!(second(|_, group, _| group.refresh = false), Ok(()));
}

#[test]
fn a_function_that_lacks_something() {
    let refused = |error| Err(AttachError::Function { function: FunctionId(2), error });
    let error = FormatError::DesignationTypes { wanted: DesignationTypes(0x60), found: DesignationTypes(0x40) };
    assert_eq!(second(|_, group, _| group.designation_types = DesignationTypes(0x40)), refused(error));
    assert_eq!(error.to_string(), "designation types 0x40 where 0x60 are needed");
    let error = FormatError::FrameSizes { wanted: FrameSizes::WITH_LARGE, found: FrameSizes::SMALL };
    assert_eq!(second(|_, _, sizes| *sizes = FrameSizes::SMALL), refused(error));
    assert_eq!(error.to_string(), "frame sizes 0x1000 where 0x101000 are needed");
    let error = FormatError::RelaxedTranslation { wanted: true };
    assert_eq!(second(|_, group, _| group.relaxed_translation = false), refused(error));
    let text = refused(error).unwrap_err().to_string();
    assert_eq!(text, "function 0x00000002 does not suit the domain: no relaxed translation where it is needed");
}

/// A domain of its own format would make what the container says of itself untrue.
#[test]
fn a_domain_of_another_format() {
    let error = FormatError::DesignationTypes { wanted: DesignationTypes(0x60), found: DesignationTypes(0x40) };
    let result = second(|format, group, _| {
        format.designation_types = DesignationTypes(0x40);
        group.designation_types = DesignationTypes(0x40);
    });
    assert_eq!(result, Err(AttachError::Format(error)));
    let error = FormatError::FrameSizes { wanted: FrameSizes::WITH_LARGE, found: FrameSizes::SMALL };
    assert_eq!(second(|format, _, _| format.frame_sizes = FrameSizes::SMALL), Err(AttachError::Format(error)));
    let error = FormatError::RelaxedTranslation { wanted: true };
    assert_eq!(second(|format, _, _| format.relaxed_translation = false), Err(AttachError::Format(error)));
}

#[test]
fn what_a_function_cannot_address() {
    let (function, group) = (first_function(), first_group());
    let functions = [AttachedFunction { function, group, frame_sizes: FrameSizes::WITH_LARGE }];
    let domain = |id, start, last, functions| Domain {
        id: DomainId(id),
        aperture: range(start, last),
        format: FORMAT,
        reserved: &[],
        functions,
    };
    let mut domains = [None; 2];
    let mut container = Container::new(&mut domains);
    let refused = Err(AttachError::Window(function.id));
    assert_eq!(container.attach(domain(1, 0xffff_f000, 0x1_0000_0fff, &functions[..]), &[]), refused);
    assert_eq!(container.attach(domain(1, 0x1_0000_0000, 0x200_0000_0000_0fff, &functions), &[]), refused);
    assert_eq!(container.format(), None);
    assert!(container.runs().next().is_none());

    let mapped = [range(0x1_0000_0000, 0x1_0000_0fff)];
    let low = domain(1, 0x1_0000_0000, 0x1_ffff_ffff, &functions[..]);
    let high = domain(2, 0x1_8000_0000, 0x2_ffff_ffff, &functions);
    container.attach(low, &mapped).unwrap();
    let before = told(&container);
    assert_eq!(container.attach(low, &mapped), Err(AttachError::Attached(DomainId(1))));
    assert_eq!(container.attach(high, &mapped), Err(AttachError::Mapped(mapped[0])));
    assert_eq!(container.attach(domain(2, 0x2_0000_0000, 0x2_ffff_ffff, &functions), &[]), Err(AttachError::NoAddress));
    assert_eq!(told(&container), before);
    container.attach(high, &[]).unwrap();
    assert_eq!(container.usable().collect::<Vec<_>>(), [range(0x1_8000_0000, 0x1_ffff_ffff)]);
    let third = domain(3, 0x1_8000_0000, 0x1_ffff_ffff, &functions);
    assert_eq!(container.attach(third, &[]), Err(AttachError::Full(2)));
    assert_eq!(container.detach(DomainId(1)).map(|domain| domain.id), Some(DomainId(1)));
    assert_eq!(container.usable().collect::<Vec<_>>(), [range(0x1_8000_0000, 0x2_ffff_ffff)]);
}

/// Once nothing is attached, no format is promised to anybody.
#[test]
fn an_empty_container_takes_any_format() {
    let mut domains = [None; 1];
    let mut container = Container::new(&mut domains);
    let aperture = range(0x1_0000_0000, 0x1_ffff_ffff);
    let domain = Domain { id: DomainId(1), aperture, format: FORMAT, reserved: &[], functions: &[] };
    container.attach(domain, &[]).unwrap();
    container.detach(DomainId(1)).unwrap();
    let format = TableFormat { designation_types: DesignationTypes(0x40), ..FORMAT };
    container.attach(Domain { format, ..domain }, &[]).unwrap();
    assert_eq!(container.format(), Some(format));
}
