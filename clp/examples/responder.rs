// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A VMM answers the CLP of its guest: a function of the host under other identifiers, and what is to be copied back.

use clp::responder::{
    Answer, Groups, GuestFunction, GuestTranslation, Passthrough, Responder, Rules, SetAction, Virtualization,
};
use clp::zerocopy::IntoBytes;
use clp::{
    set_pci_fn, Bar, DesignationTypes, Function, FunctionGroup, FunctionGroupId, FunctionHandle, FunctionId,
    FunctionType, LogicalProcessor, Parts, Received, Uid,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // What the host says of the function and its group: by `s390_iommu::vfio::HostFunction`, from any kernel.
    let (host, group) = host();

    // What the guest is told: this VMM walks the guest's region-third tables at each refresh.
    let roots = DesignationTypes(0x40);
    let virtualization = Virtualization {
        translation: GuestTranslation::Shadowed { roots, relaxed_translation: false },
        max_store_block: 4096,
    };
    let mut groups = Groups::<8>::new();
    let group = groups.add(host.group, &group, &virtualization)?;
    let passthrough = Passthrough {
        id: FunctionId(1),
        uid: Uid(0x11),
        group,
        bars: host.bars,
        start_dma: host.start_dma,
        end_dma: host.end_dma,
        fmb_length: 0,
        place: None,
    };
    let disabled = FunctionHandle(0x0002_0000);
    let function = GuestFunction::new(0x15b3, 0x1016, disabled, &passthrough.function(&host)?)?;
    let mut functions = [Some(function)];

    // The guest's block, copied out of its storage: enable the function, for one DMA address space.
    let mut block = [0; 8192];
    let request = set_pci_fn::Request::new(disabled, set_pci_fn::Operation::ENABLE);
    block[..32].copy_from_slice(request.as_bytes());
    block[22..24].copy_from_slice(&[0, 1]);
    block[32..34].copy_from_slice(&32_u16.to_be_bytes());

    let responder = Responder {
        functions: &functions,
        groups: groups.as_slice(),
        summary: Rules::QEMU_SUMMARY,
        characteristics: None,
        rules: Rules::HARDWARE,
    };
    let (slot, done) = match responder.answer(LogicalProcessor::PCI, &mut block) {
        Answer::Set(request) if request.action() == SetAction::Enable => {
            // Here a VMM opens the device. The guest waits, and sees a busy function if nobody confirms.
            println!("the guest enables the function in slot {}", request.slot());
            (request.slot(), request.confirm(FunctionHandle(0x8002_0000))?)
        }
        other => return Err(format!("unexpected: {other:?}").into()),
    };
    println!("{}; bytes {:?} go back to the guest", done.condition, done.written());
    if let Some(Some(function)) = functions.get_mut(slot) {
        function.handle = FunctionHandle(0x8002_0000);
    }

    let Parts { response, .. } = Parts::split(&mut block)?;
    let received = Received::<set_pci_fn::Response>::parse(response)?;
    println!("the guest reads handle {:#010x}", received.response().handle.get());
    Ok(())
}

fn host() -> (Function, FunctionGroup) {
    let function = Function {
        id: FunctionId(0x2345),
        uid: Uid(0x77),
        group: FunctionGroupId(7),
        function_type: FunctionType::ROC2,
        is_physical: false,
        vfn: 3,
        pchid: 0x1c5,
        port: 1,
        internal_path: [1, 2, 0, 0],
        fidparm: 0,
        rid: None,
        tid: None,
        bars: [Bar::ABSENT; 6],
        mio: None,
        start_dma: 0x1_0000_0000,
        end_dma: 0x1ff_ffff_ffff,
        fmb_length: 128,
        utility_string: None,
    };
    let group = FunctionGroup {
        max_interrupts: 64,
        max_directed_interrupts: 0,
        max_cpu: 0,
        version: 1,
        relaxed_translation: true,
        frame: false,
        refresh: false,
        designation_types: DesignationTypes(0x70),
        max_store_block: 8191,
        measurement_interval_ms: 4000,
        maxfaal: 0,
        dasm: 0,
        msi_address: 0xfe00_0000_0000_0000,
    };
    (function, group)
}
