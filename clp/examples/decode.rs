// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Decodes a captured CLP block: the values in it, and each of its bytes.

use clp::{query_pci_fn, CommandCode, Function, Parts, Received, RequestHeader, WireRequest};

/// QUERY PCI FN as QEMU 10.0.2 answered it for an NVMe controller. Bytes that are not named are zero.
fn captured() -> Vec<u8> {
    let mut block = vec![0; clp::Block::SIZE];
    let rows: [(usize, [u32; 4]); 6] = [
        (0x00, [0x0020_0003, 0, 0, 0]),
        (0x10, [0x0002_0000, 0, 0, 0]),
        (0x20, [0x0140_0010, 0, 0, 0]),
        (0x30, [0x0000_00ff, 0, 0x0e00_0000, 0]),
        (0x60, [0x0000_0001, 0, 0x01ff_ffff, 0xffff_ffff]),
        (0x90, [0, 0, 0, 1]),
    ];
    for (offset, words) in rows {
        for (word, bytes) in words.iter().zip(block[offset..].chunks_exact_mut(4)) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
    }
    block
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut block = captured();
    // The two lengths in the block say where the request ends and how much room its answer had.
    let Parts { request, response } = Parts::split(&mut block)?;
    let request = query_pci_fn::Request::parse(request)?;
    assert_eq!(RequestHeader::command(&request.header), CommandCode::QUERY_PCI_FN);
    println!("{} of handle {:#010x}", request.header.command(), request.handle.get());

    // What the machine refused is an error here; what it answered is checked before it is a value.
    let received = Received::<query_pci_fn::Response>::parse(response)?;
    let function = Function::decode(&received)?;
    println!("function {}, UID {}, group {}", function.id, function.uid, function.group);
    println!("DMA addresses {:#x}..={:#x}", function.start_dma, function.end_dma);
    for (index, bar) in function.bars.iter().enumerate().filter(|(_, bar)| bar.is_present()) {
        println!("BAR {index} of 2^{} bytes", bar.size_log2());
    }

    // The same byte by byte, by the table that stands beside the structure.
    for field in query_pci_fn::RESPONSE.fields {
        // The room was for a part of the structure alone.
        let Some(bytes) = response.get(field.offset..field.offset + field.length) else { break };
        if bytes.iter().any(|&byte| byte != 0) {
            println!("{:#06x} {:10} {}", field.offset, field.shown_name(), field.meaning);
        }
    }
    Ok(())
}
