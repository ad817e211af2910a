// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A device of any kind that there is a driver for.

use s390_iommu::Iova;

use super::transfers::Driver;
use crate::device::DeviceError;
use crate::dma::DmaBuffer;
use crate::frames::Frames;
use crate::nvme::Controller;
use crate::pci::PciFunction;
use crate::requests::Requests;
use crate::virtio::{Block, DeviceType, Entropy, Transport};

/// A device where it does not matter what it does.
#[derive(Debug)]
pub(super) enum AnyDevice<'f, 'm, F, M: Frames> {
    Nvme(Controller<'f, 'm, F, M>),
    Block(Block<'f, 'm, F, M>),
    Entropy(Entropy<'f, 'm, F, M>),
}

impl<'f, 'm, F: PciFunction, M: Frames> AnyDevice<'f, 'm, F, M> {
    /// Bytes of memory that a device shares with its driver, whichever it is.
    pub(super) const MEMORY: usize = Controller::<'f, 'm, F, M>::MEMORY;

    /// Brings up the device behind `function`, with its queues in `memory`, which is mapped for it.
    pub(super) fn new(driver: Driver, function: &'f F, memory: &'m DmaBuffer<'m, M>) -> Result<Self, DeviceError> {
        Ok(match driver {
            Driver::Nvme => Self::Nvme(Controller::new(function, memory)?),
            Driver::Virtio(DeviceType::Block) => Self::Block(Block::new(Transport::new(function)?, memory)?),
            Driver::Virtio(DeviceType::Entropy) => Self::Entropy(Entropy::new(Transport::new(function)?, memory)?),
        })
    }

    fn requests(&mut self) -> &mut dyn Requests {
        match self {
            Self::Nvme(device) => device,
            Self::Block(device) => device,
            Self::Entropy(device) => device,
        }
    }
}

impl<F: PciFunction, M: Frames> Requests for AnyDevice<'_, '_, F, M> {
    fn start(&mut self, vector: Option<u16>) -> Result<(), DeviceError> {
        self.requests().start(vector)
    }

    fn submit(&mut self, target: Option<Iova>) -> Result<(), DeviceError> {
        self.requests().submit(target)
    }

    fn is_done(&mut self) -> Result<bool, DeviceError> {
        self.requests().is_done()
    }
}
