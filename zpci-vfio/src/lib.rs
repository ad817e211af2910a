// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! zPCI functions in the hands of user space, by VFIO and iommufd, for a VMM in Rust.
//!
//! What a VMM of the rust-vmm family needs between its crates and [`s390_iommu::guest`] and [`clp::responder`]:
//!
//! * Asking: [`Device::information`], [`Container::information`] and [`Iommufd::hardware_information`] return all of an
//!   answer, whatever its size.
//! * Describing: [`Host`] is what the answers of any kernel since Linux 5.10 say of a function; [`Host::give`] is what a
//!   guest gets of it.
//! * Reading: [`Storage`] reads the guest's tables in storage of `vm-memory`.
//! * Being notified: [`Device::notify`] hands interrupts and errors of a function to eventfds; [`Device::reset`] brings it back.
//! * Mapping: [`Shadow`] carries out what the guest maps in an [`AddressSpace`]: a [`Container`] of type 1, or an [`Ioas`] of
//!   an iommufd.
//!
//! Files come from anywhere: whatever has a file descriptor will do, `Arc<VfioContainer>` and `VfioDevice` of
//! `vfio-ioctls` and `IommuFd` of `iommufd-ioctls` among them. What these crates do is left to them. What they do not
//! do on s390x, or at all, is here: answers of any size, mappings that are read-only, device files
//! ([`Places::open_cdev`]) without bindings of KVM.
//!
//! Without the feature `vm-memory`, which is on by default, reading and mapping are left out, and there are few
//! dependencies.
#![cfg(target_os = "linux")]

mod address_space;
mod ask;
mod feature;
mod files;
mod hardware;
mod host;
mod interrupts;
mod ioctl;
mod open;
mod region;
#[cfg(feature = "vm-memory")]
mod shadow;
#[cfg(feature = "vm-memory")]
mod storage;

pub use address_space::{AddressSpace, Ioas};
pub use ask::ask;
pub use files::{Container, Device, Iommufd};
pub use hardware::HardwareData;
pub use host::{GiveError, Given, Host};
pub use interrupts::Notification;
pub use open::{Cdev, OpenError, Places, Type1};
pub use region::Region;
#[cfg(feature = "vm-memory")]
pub use shadow::Shadow;
#[cfg(feature = "vm-memory")]
pub use storage::Storage;
