// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The files of rust-vmm's crates fit, which is for the compiler to say.

use std::fs::File;
use std::sync::Arc;

use iommufd_ioctls::IommuFd;
use vfio_ioctls::{VfioContainer, VfioDevice};
use zpci_vfio::{AddressSpace, Container, Device, Ioas, Iommufd, Notification};

fn is_space(_: impl AddressSpace) {}

#[expect(dead_code, reason = "compiled, not called: it takes a kernel with VFIO")]
fn fits(container: Arc<VfioContainer>, device: VfioDevice, iommufd: Arc<IommuFd>) {
    let _ = Container(container.clone()).information();
    is_space(Container(container));
    let device = Device(device);
    let _ = (device.information(), device.bars());
    let _ = (device.measure(true), device.sample(), device.error_event(), device.reset());
    let _ = Iommufd(iommufd.clone()).hardware_information(1);
    is_space(Ioas { iommufd: Iommufd(iommufd), id: 1 });
}

/// What is refused is an error, with nothing mapped.
#[test]
fn files_of_something_else() {
    let null = || File::open("/dev/null").unwrap();
    let is_tty = |error: std::io::Error| error.raw_os_error() == Some(libc::ENOTTY);
    assert!(Device(null()).information().is_err_and(is_tty));
    assert!(Device(null()).bars().is_err_and(is_tty));
    assert!(Device(null()).measure(true).is_err_and(is_tty));
    assert!(Device(null()).sample().is_err_and(is_tty));
    assert!(Device(null()).error_event().is_err_and(is_tty));
    assert!(Device(null()).reset().is_err_and(is_tty));
    assert!(Device(null()).notifications(Notification::Msi).is_err_and(is_tty));
    assert!(Device(null()).notify(Notification::MsiX, 0, &[Some(&null())]).is_err_and(is_tty));
    assert!(Device(null()).stop(Notification::Error).is_err_and(is_tty));
    assert!(Container(null()).information().is_err_and(is_tty));
    assert!(Container(null()).unmap(0, 4096).is_err_and(is_tty));
    assert!(Iommufd(null()).hardware_information(1).is_err_and(is_tty));
    assert!(Ioas { iommufd: Iommufd(null()), id: 1 }.unmap(0, 4096).is_err_and(is_tty));
}
