// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Encodes both halves of a CLP block: a request, and the response that a machine would store behind it.

use clp::responder::Emulated;
use clp::zerocopy::IntoBytes;
use clp::{list_pci, FunctionHandle, FunctionId, ListEntry, ListSummary, ListWriter, ResumeToken, Uid, WireResponse};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let request = list_pci::Request::new(ResumeToken::START.0);
    println!("request  {}", hex(request.as_bytes()));

    // A list is written entry by entry, as long as there is room.
    let mut response = [0xa5; 80];
    let mut writer = ListWriter::new(&mut response, ListSummary { max_functions: 4096, uid_checking: true })?;
    let entry = ListEntry {
        vendor: 0x1af4,
        device: 0x1042,
        configured: true,
        id: FunctionId(0x101),
        handle: FunctionHandle(0x0002_0000),
    };
    assert!(writer.push(&entry));
    let length = usize::from(writer.finish(ResumeToken::START, 0));
    println!("response {}", hex(&response[..length]));

    // Other responses are made of a value. What no response can hold is an error, and reserved fields are zero.
    let mut function = *Emulated::new(0x1af4, 0x1042, FunctionId(0x101), Uid(0x11)).bar(4, 14).values();
    let length = function.encode()?.emit(&mut [0; 320])?;
    println!("a function takes {length} bytes");
    function.port = 16;
    println!("refused: {}", function.encode().err().ok_or("port 16 was taken")?);
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.chunks(4).map(|word| word.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + " ").collect()
}
