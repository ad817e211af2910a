// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A VMM answers MPCIFC and RPCIT of its guest: it walks the guest's tables, and maps and unmaps the difference.

use std::collections::BTreeMap;

use clp::{DesignationTypes, FunctionHandle, FunctionId, FunctionType};
use s390_iommu::guest::{
    Configuration, Exhausted, FunctionControls, GuestMemory, GuestTable, Mapped, Mappings, Mpcifc, RefreshNumber,
    Refreshed, Rpcit, Rules, Run,
};
use s390_iommu::{AbsoluteAddress, Fib, Iova, IovaRange, Limits};

/// The guest's storage, as far as it is not empty.
struct Storage(BTreeMap<u64, u64>);

impl GuestMemory for Storage {
    fn read_entry(&self, address: AbsoluteAddress) -> Option<u64> {
        let empty = match address.get() {
            0x2_4000..0x2_c000 => 0x20,
            0x2_c800..0x2_d000 => 0x400,
            _ => return None,
        };
        Some(self.0.get(&address.get()).copied().unwrap_or(empty))
    }
}

/// What is mapped on the host, page by page. A VMM calls VFIO as well.
#[derive(Default)]
struct Host(BTreeMap<u64, Mapped>);

impl Mappings for Host {
    fn first_in(&self, range: IovaRange) -> Option<Mapped> {
        self.0.range(range.start().get()..=range.last().get()).next().map(|(_, mapped)| *mapped)
    }

    fn map(&mut self, run: Run, refresh: RefreshNumber) -> Result<(), Exhausted> {
        println!("  map   {} -> {} {}", run.range, run.absolute, run.protection);
        for offset in (0..=run.range.size_less_one()).step_by(4096) {
            let page = IovaRange::page(Iova::new(run.range.start().get() + offset));
            if let Some(run) = run.within(page) {
                self.0.insert(page.start().get(), Mapped { run, refresh });
            }
        }
        Ok(())
    }

    fn unmap(&mut self, range: IovaRange) {
        println!("  unmap {range}");
        self.0.retain(|&page, _| !range.contains_iova(Iova::new(page)));
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let window = IovaRange::with_size(Iova::new(0x1_0000_0000), 0x1_0000_0000)?;
    let limits = Limits {
        window,
        designation_types: DesignationTypes(0x40),
        relaxed_translation: false,
        refresh_on_map: true,
        function_type: FunctionType::UNCLASSIFIED,
    };
    let (id, rules) = (FunctionId(1), Rules::HARDWARE);
    let configuration = Configuration { id, limits, max_interrupts: 128, has_measurement: false, rules };
    let mut function = FunctionControls::new(FunctionHandle(0x0002_0000), configuration);
    function.enable(FunctionHandle(0x8002_0000));

    // Region-third entry 2, segment entry 0, two page entries.
    let mut storage =
        Storage(BTreeMap::from([(0x2_4010, 0x2_8007), (0x2_8000, 0x2_c800), (0x2_c800, 0x5000), (0x2_c808, 0x6000)]));
    let mut host = Host::default();

    // MPCIFC, operation 4, from its registers: a region-third table at 0x24000.
    let request = Mpcifc::decode(0x8002_0000_0000_0004, 0x1000).map_err(|answer| format!("{answer:?}"))?;
    let (answer, effect) = function.modify(&request, &Fib::translation(window, 0x2_4804.into()));
    println!("MPCIFC: {}, {effect:?}", answer.end);

    println!("RPCIT of everything:");
    refresh(&mut function, &storage, &mut host, 0x1_0000_0000)?;

    // The guest takes the first page back and shows the second read only.
    storage.0.insert(0x2_c800, 0x5400);
    storage.0.insert(0x2_c808, 0x6200);
    println!("RPCIT of two pages:");
    refresh(&mut function, &storage, &mut host, 0x2000)?;

    // A walk for its own sake, as for a dump.
    let mut table = GuestTable::new(&storage, 0x2_4804.into(), rules).ok_or("translation is off")?;
    println!("{:?}", table.look(Iova::new(0x1_0000_1000))?);
    println!("{} entries read", table.reads());
    Ok(())
}

/// RPCIT from the start of the window, a hundred steps at a time.
fn refresh(
    function: &mut FunctionControls,
    storage: &Storage,
    host: &mut Host,
    bytes: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    let request =
        Rpcit::decode(0x8002_0000_0000_0000, 2, [0x1_0000_0000, bytes]).map_err(|answer| format!("{answer:?}"))?;
    let mut progress = function.refresh(&request);
    loop {
        match progress {
            Refreshed::Done(answer) => {
                println!("  {}", answer.end);
                return Ok(());
            }
            Refreshed::More(pending) => progress = function.proceed(pending, storage, host, 100),
        }
    }
}
