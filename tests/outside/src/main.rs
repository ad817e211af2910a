// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Uses each package from outside of the repository.

use clp::zerocopy::IntoBytes;
use clp::{list_pci, CommandCode, ResumeToken};
use s390_iommu::{AbsoluteAddress, Iova, IovaRange, PageEntry, Protection};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let request = list_pci::Request::new(ResumeToken::START.0);
    assert_eq!(request.header.command(), CommandCode::LIST_PCI);
    assert_eq!(request.as_bytes()[..4], [0, 32, 0, 2]);

    let entry = PageEntry::mapping(AbsoluteAddress::new(0x1_e000), Protection::ReadOnly);
    assert_eq!(entry.into_bits(), 0x1_e200);

    let range = IovaRange::page(Iova::new(0x1_8012_3456));
    let text = serde_json::to_string(&range)?;
    assert_eq!(serde_json::from_str::<IovaRange>(&text)?, range);

    // What of zpci-machine is no instruction is there on every machine.
    assert_eq!(zpci_machine::exception::resume_at(&[], 0), None);

    // A device that is not there.
    assert!(zpci_vfio::ask(|_| Err(std::io::ErrorKind::NotFound.into())).is_err());

    // The command is a library too.
    let arguments = ["zpci", "decode", "--as", "iota", "0x24804"].map(Into::into);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert_eq!(zpci::run(arguments, &mut out, &mut err), zpci::GOOD);
    assert!(String::from_utf8(out)?.contains("region-third table at 0x24000"));
    println!("used");
    Ok(())
}
