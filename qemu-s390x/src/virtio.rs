// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Virtio over PCI, without the legacy interface.
//!
//! Virtual I/O Device (VIRTIO) Version 1.2.

mod block;
mod capability;
mod entropy;
mod queue;
mod transport;

pub use block::Block;
pub use entropy::Entropy;
pub use queue::{Part, Queue};
pub use transport::{DeviceType, Transport, ACCESS_PLATFORM, VERSION_1};
