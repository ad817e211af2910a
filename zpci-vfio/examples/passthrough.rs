// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A guest's half of DMA with a real NVMe controller of this machine, bound to vfio-pci, on Linux for s390x:
//!
//! ```text
//! passthrough 0010:00:00.0 type1|iommufd nowhere|read-only
//! ```
//!
//! The guest is played: it enables the function by CLP, builds tables in its storage, registers them by MPCIFC and
//! makes them true by RPCIT. The controller is driven from here, with addresses of the guest alone: where its DMA goes
//! is what the guest's tables say; then they say nowhere, or a page that is read-only, and nothing may be written. In
//! the end the function is reset, and goes on. Containers and devices are those of `vfio-ioctls` and `iommufd-ioctls`,
//! eventfds those of `vmm-sys-util`.

use std::error::Error;
use std::fs::File;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use clp::responder::{Answer, Groups, GuestFunction, GuestTranslation, Responder, Rules as ClpRules, Virtualization};
use clp::{ConditionCode, DesignationTypes, FunctionHandle, FunctionId, ListSummary, LogicalProcessor, Uid};
use iommufd_ioctls::IommuFd;
use s390_iommu::guest::{End, FunctionControls, Mpcifc, Refreshed, Rpcit, Rules};
use s390_iommu::vfio::MeasurementSample;
use s390_iommu::{Fib, Iova, IovaRange};
use vfio_ioctls::{VfioContainer, VfioDevice, VfioOps};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};
use vmm_sys_util::eventfd::{EventFd, EFD_NONBLOCK};
use zpci_vfio::{AddressSpace, Container, Device, Given, Host, Ioas, Iommufd, Notification, Places, Shadow, Storage};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PAGE: u64 = 4096;
/// The guest's storage, in bytes.
const STORAGE: usize = 1 << 20;
/// The guest's tables: region-third, segment and page table.
const TABLES: [u64; 3] = [0x4000, 0x8000, 0xc000];
/// Where the guest has the queues of the controller, and what it is to write into.
const QUEUES: [u64; 2] = [0x1_0000, 0x1_1000];
const DATA: [u64; 2] = [0x2_0000, 0x3_3000];
/// The bit of a page entry that forbids writing.
const READ_ONLY: u64 = 0x200;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, api, end] = arguments.as_slice() else {
        return Err("usage: passthrough ADDRESS type1|iommufd nowhere|read-only".into());
    };
    let end = match end.as_str() {
        "nowhere" => None,
        "read-only" => Some(DATA[1] | READ_ONLY),
        other => return Err(format!("{other} is no end: nowhere or read-only").into()),
    };
    let places = Places::default();
    let directory = places.function(address)?;
    match api.as_str() {
        "type1" => {
            let container = Arc::new(VfioContainer::new(None)?);
            let operations: Arc<dyn VfioOps> = container.clone();
            let device = Device(VfioDevice::new(&directory, operations, true)?);
            let space = Container(container);
            let host = Host::new(&device.information()?)?.with_sysfs(&directory)?;
            let host = host.with_container(&space.information()?, host.function.id)?;
            run(host, &device, space, &directory, end)
        }
        "iommufd" => {
            let cdev = places.open_cdev(address)?;
            let id = cdev.attach()?;
            let device = cdev.device;
            let iommufd = Iommufd(IommuFd::new_from_fd(cdev.iommufd.0));
            let mut host = Host::new(&device.information()?)?.with_sysfs(&directory)?;
            if let Some(hardware) = iommufd.hardware_information(cdev.device_id)?.information() {
                host = host.with_hardware(&hardware);
            }
            run(host, &device, Ioas { iommufd, id }, &directory, end)
        }
        other => Err(format!("{other} is no API: type1 or iommufd").into()),
    }
}

/// The first sample that is taken after now.
fn next_sample<F: AsRawFd>(device: &Device<F>) -> Result<MeasurementSample> {
    let now = device.sample()?.ok_or("not measured any more")?;
    let end = Instant::now() + Duration::from_millis(2 * u64::from(now.interval));
    while Instant::now() < end {
        match device.sample()? {
            Some(next) if next.last_update != now.last_update => return Ok(next),
            _ => sleep(Duration::from_millis(20)),
        }
    }
    Err(format!("no sample in twice {} ms", now.interval).into())
}

/// The guest, from CLP to DMA.
fn run<F: AsRawFd, S: AddressSpace>(
    host: Host,
    device: &Device<F>,
    space: S,
    directory: &Path,
    end: Option<u64>,
) -> Result<()> {
    let host = host.with_bars(device.bars()?);
    println!(
        "host: {:04x}:{:04x}, window {:#x} to {:#x}, {:?}",
        host.vendor, host.device, host.function.start_dma, host.function.end_dma, host.group.designation_types
    );
    let first = host.function.start_dma;
    let window = IovaRange::new(Iova::new(first), Iova::new(first + (1 << 30) - 1))?;
    let translation = GuestTranslation::Shadowed { roots: DesignationTypes(0x40), relaxed_translation: false };
    let given = Given {
        id: FunctionId(0x21),
        uid: Uid(0x11),
        handle: FunctionHandle(0x0001_0000),
        window: Some((first, window.last().get())),
        virtualization: Virtualization { translation, max_store_block: 128 },
        fmb_length: 0,
        place: None,
        rules: Rules::HARDWARE,
    };
    let mut groups = Groups::<1>::new();
    let (function, controls) = host.give(&mut groups, &given)?;
    let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), STORAGE)])?;
    // SAFETY: nobody has a reference into the storage of the guest, which stays until the end.
    let shadow = unsafe { Shadow::new(&memory, space) };
    let mut guest = Guest { functions: [Some(function)], groups, controls, memory: &memory, shadow, window, handle: 0 };
    guest.enable()?;
    guest.register()?;

    // What opening the function began, its reset ended.
    let measured = device.measure(true).is_ok();
    let vectors = device.notifications(Notification::MsiX)?;
    let [interrupt, error] = [EventFd::new(EFD_NONBLOCK)?, EventFd::new(EFD_NONBLOCK)?];
    device.notify(Notification::MsiX, 0, &[Some(&interrupt)])?;
    device.notify(Notification::Error, 0, &[Some(&error)])?;
    let controller = Controller::new(device, &memory)?;
    let (queues, data) = (first, first + 16 * PAGE);
    guest.set_page(queues, Some(QUEUES[0]))?;
    guest.set_page(queues + PAGE, Some(QUEUES[1]))?;
    guest.set_page(data, Some(DATA[0]))?;
    guest.refresh(first, 32)?;
    let mut controller = controller.start(queues)?;
    controller.identify(data)?;
    println!("interrupts of {vectors} vectors: {}", notified(&interrupt)?);
    let model = controller.identity(DATA[0], &host)?;
    println!("the guest's tables lead the controller to {:#x}: {model}", DATA[0]);

    // The same address, another page.
    memory.write_slice(&[0xa5; PAGE as usize], GuestAddress(DATA[0]))?;
    guest.set_page(data, Some(DATA[1]))?;
    guest.refresh(data, 1)?;
    controller.identify(data)?;
    let again = controller.identity(DATA[1], &host)?;
    untouched(&memory, DATA[0])?;
    println!("after a change and RPCIT to {:#x}: {again}", DATA[1]);

    // What becomes of the command is the controller's to say, but nothing is written.
    memory.write_slice(&[0xa5; PAGE as usize], GuestAddress(DATA[1]))?;
    guest.set_page(data, end)?;
    guest.refresh(data, 1)?;
    let said = controller.identify(data).map_or_else(|error| error.to_string(), |()| "done, it says".to_owned());
    untouched(&memory, DATA[0])?;
    untouched(&memory, DATA[1])?;
    println!("where nothing may be written: {said}");
    // The kernel looks at the error before the function is closed.
    sleep(Duration::from_secs(1));
    // Since Linux 7.3, and on a kernel with this project's driver; others have no such features.
    if let Ok(Some(event)) = device.error_event() {
        println!("the kernel kept an error: {}, at {:#x}", event.code(), event.iova().get());
        println!("errors notified: {}", notified(&error)?);
    }
    if measured {
        let sample = next_sample(device)?;
        println!(
            "sample {}: {} loads, {} stores, {} refreshes",
            sample.sample, sample.loads, sample.stores, sample.refreshes
        );
    }

    // Mappings stay; vectors too, but the controller is as it was when it was switched on.
    device.reset()?;
    guest.set_page(data, Some(DATA[0]))?;
    guest.refresh(data, 1)?;
    let mut controller = Controller::new(device, &memory)?.start(queues)?;
    controller.identify(data)?;
    println!("after a reset: {}, interrupts: {}", controller.identity(DATA[0], &host)?, notified(&interrupt)?);
    device.stop(Notification::MsiX)?;
    drop(guest);
    println!("done: {}", directory.display());
    Ok(())
}

/// How often it was notified since the last time, within a second.
fn notified(event: &EventFd) -> Result<u64> {
    let end = Instant::now() + Duration::from_secs(1);
    loop {
        match event.read() {
            Ok(count) => return Ok(count),
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return Err(error.into()),
            Err(_) if Instant::now() > end => return Ok(0),
            Err(_) => sleep(Duration::from_millis(1)),
        }
    }
}

fn untouched(memory: &GuestMemoryMmap, at: u64) -> Result<()> {
    let mut page = [0; PAGE as usize];
    memory.read_slice(&mut page, GuestAddress(at))?;
    match page.iter().all(|byte| *byte == 0xa5) {
        true => Ok(()),
        false => Err(format!("the page at {at:#x} was written").into()),
    }
}

/// The guest's instructions, each carried out by the VMM.
struct Guest<'m, S: AddressSpace> {
    functions: [Option<GuestFunction>; 1],
    groups: Groups<1>,
    controls: FunctionControls,
    memory: &'m GuestMemoryMmap,
    shadow: Shadow<&'m GuestMemoryMmap, S>,
    window: IovaRange,
    handle: u32,
}

impl<S: AddressSpace> Guest<'_, S> {
    /// SET PCI FN: enable, by the handle that LIST PCI told.
    fn enable(&mut self) -> Result<()> {
        let mut block = [0; 4096];
        block[..4].copy_from_slice(&[0, 32, 0, 2]);
        block[33] = 48;
        self.clp(&mut block)?;
        let listed: [u8; 4] = block[76..80].try_into()?;
        block.fill(0);
        block[..4].copy_from_slice(&[0, 32, 0, 5]);
        block[16..20].copy_from_slice(&listed);
        (block[23], block[33]) = (1, 32);
        self.clp(&mut block)?;
        self.handle = u32::from_be_bytes(block[48..52].try_into()?);
        Ok(())
    }

    fn clp(&mut self, block: &mut [u8]) -> Result<()> {
        let responder = Responder {
            functions: &self.functions,
            groups: self.groups.as_slice(),
            summary: ListSummary { max_functions: 16, uid_checking: true },
            characteristics: None,
            rules: ClpRules::HARDWARE,
        };
        match responder.answer(LogicalProcessor::PCI, block) {
            Answer::Set(request) => {
                let handle = FunctionHandle(0x8001_0000);
                self.controls.enable(handle);
                if let [Some(function)] = &mut self.functions {
                    function.handle = handle;
                }
                let _ = request.confirm(handle).map_err(|error| error.to_string())?;
            }
            Answer::Done(_) => {}
            Answer::OperandException => return Err("CLP is an operand exception".into()),
        }
        match block[34..36] {
            [0x00, 0x10] => Ok(()),
            ref code => Err(format!("CLP is refused with {code:02x?}").into()),
        }
    }

    /// MPCIFC: empty tables.
    fn register(&mut self) -> Result<()> {
        let [region, segment, page] = TABLES;
        (region..page).step_by(8).try_for_each(|at| self.put(at, 0x20))?;
        (page..page + 0x800).step_by(8).try_for_each(|at| self.put(at, 0x400))?;
        let first = self.window.start().get();
        self.put(region + (first >> 31 & 0x7ff) * 8, segment | 7)?;
        self.put(segment + (first >> 20 & 0x7ff) * 8, page)?;
        let request = Mpcifc::decode(u64::from(self.handle) << 32 | 4, 0).map_err(|answer| format!("{answer:?}"))?;
        let (answer, effect) = self.controls.modify(&request, &Fib::translation(self.window, (region | 0x804).into()));
        self.shadow.apply(&effect, self.window)?;
        println!("MPCIFC: {:?}, R1 {:#x}", answer.end, answer.register);
        Ok(())
    }

    /// An entry of the guest's page table; it is true after a refresh.
    fn set_page(&self, iova: u64, absolute: Option<u64>) -> Result<()> {
        self.put(TABLES[2] + (iova >> 12 & 0xff) * 8, absolute.unwrap_or(0x400))
    }

    fn put(&self, at: u64, value: u64) -> Result<()> {
        Ok(self.memory.write_slice(&value.to_be_bytes(), GuestAddress(at))?)
    }

    /// RPCIT.
    fn refresh(&mut self, iova: u64, pages: u64) -> Result<()> {
        let request = Rpcit::decode(u64::from(self.handle) << 32, 2, [iova, pages * PAGE]);
        let mut progress = self.controls.refresh(&request.map_err(|answer| format!("{answer:?}"))?);
        let answer = loop {
            match progress {
                Refreshed::Done(answer) => break answer,
                Refreshed::More(pending) => {
                    progress = self.controls.proceed(pending, &Storage(self.memory), &mut self.shadow, 16);
                }
            }
        };
        if answer.end != End::Condition(ConditionCode::Zero) {
            return Err(format!("RPCIT ends with {answer:?}").into());
        }
        if let Some(error) = self.shadow.refused().or(self.shadow.broken()) {
            return Err(format!("the host: {error}").into());
        }
        println!("RPCIT: {:?}, R1 {:#x}, {} pages mapped", answer.end, answer.register, self.shadow.pages());
        Ok(())
    }
}

/// Registers of the controller (NVM Express base specification, 3.1).
const CAP: u64 = 0x00;
const CC: u64 = 0x14;
const CSTS: u64 = 0x1c;
const AQA: u64 = 0x24;
const ASQ: u64 = 0x28;
const ACQ: u64 = 0x30;
const DOORBELLS: u64 = 0x1000;

/// An NVMe controller with its administration queue in the guest's storage.
struct Controller<'m> {
    file: File,
    bar: u64,
    memory: &'m GuestMemoryMmap,
    stride: u64,
    commands: u16,
}

impl<'m> Controller<'m> {
    fn new<F: AsRawFd>(device: &Device<F>, memory: &'m GuestMemoryMmap) -> Result<Self> {
        // SAFETY: the device is open as long as it is borrowed.
        let file = File::from(unsafe { BorrowedFd::borrow_raw(device.0.as_raw_fd()) }.try_clone_to_owned()?);
        let configuration = device.region(7)?.offset;
        // Memory space and bus mastering.
        file.write_all_at(&6_u16.to_le_bytes(), configuration + 4)?;
        memory.write_slice(&[0; 2 * PAGE as usize], GuestAddress(QUEUES[0]))?;
        Ok(Self { file, bar: device.region(0)?.offset, memory, stride: 0, commands: 0 })
    }

    /// Resets and enables it, with queues at `iova` and the page after it.
    fn start(mut self, iova: u64) -> Result<Self> {
        self.stride = 4 << (self.read(CAP + 4)? & 0xf);
        self.write(CC, 0)?;
        self.wait_ready(0)?;
        self.write(AQA, 31 << 16 | 31)?;
        for (register, queue) in [(ASQ, iova), (ACQ, iova + PAGE)] {
            self.write(register, queue as u32)?;
            self.write(register + 4, (queue >> 32) as u32)?;
        }
        self.write(CC, 1 | 6 << 16 | 4 << 20)?;
        self.wait_ready(1)?;
        Ok(self)
    }

    /// Asks for the 4096 bytes about the controller, to `iova`.
    fn identify(&mut self, iova: u64) -> Result<()> {
        let slot = u64::from(self.commands);
        self.commands += 1;
        let mut entry = [0; 64];
        entry[..4].copy_from_slice(&(6 | u32::from(self.commands) << 16).to_le_bytes());
        entry[24..32].copy_from_slice(&iova.to_le_bytes());
        entry[40] = 1;
        self.memory.write_slice(&entry, GuestAddress(QUEUES[0] + slot * 64))?;
        self.write(DOORBELLS, u32::from(self.commands))?;
        let end = Instant::now() + Duration::from_secs(3);
        while Instant::now() < end {
            let completion: u32 = self.memory.read_obj(GuestAddress(QUEUES[1] + slot * 16 + 12))?;
            let completion = u32::from_le(completion);
            if completion >> 16 & 1 == 1 {
                self.write(DOORBELLS + self.stride, u32::from(self.commands))?;
                return match completion >> 17 {
                    0 => Ok(()),
                    status => Err(format!("the controller refuses it with status {status:#x}").into()),
                };
            }
            let status = self.read(CSTS)?;
            if status == u32::MAX || status & 2 != 0 {
                return Err(format!("the controller has given up, CSTS is {status:#x}").into());
            }
        }
        Err("the controller does not answer".into())
    }

    /// Serial number and model in what the controller wrote to the guest's storage at `at`.
    fn identity(&self, at: u64, host: &Host) -> Result<String> {
        let mut page = [0; 64];
        self.memory.read_slice(&mut page, GuestAddress(at))?;
        if u16::from_le_bytes([page[0], page[1]]) != host.vendor {
            return Err(format!("the page at {at:#x} has no controller's data").into());
        }
        Ok(String::from_utf8_lossy(&page[4..64]).split_whitespace().collect::<Vec<_>>().join(" "))
    }

    fn wait_ready(&self, ready: u32) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end {
            let status = self.read(CSTS)?;
            if status != u32::MAX && status & 1 == ready {
                return Ok(());
            }
        }
        Err("the controller does not come up".into())
    }

    fn read(&self, register: u64) -> Result<u32> {
        let mut bytes = [0; 4];
        self.file.read_exact_at(&mut bytes, self.bar + register)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn write(&self, register: u64, value: u32) -> Result<()> {
        Ok(self.file.write_all_at(&value.to_le_bytes(), self.bar + register)?)
    }
}
