// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A guest that asks anything: the first three bytes choose the machine, the processor and what the VMM does, the rest
//! is the command block.
//!
//! What must hold of the answer is in `clp/tests/clp/hostile_guest.rs`, which the property tests use too.

#![no_main]

use clp::responder::Rules;
use hostile_guest::Host;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

#[path = "../../../clp/tests/clp/hostile_guest.rs"]
#[expect(dead_code, reason = "the property tests use more of it")]
mod hostile_guest;

static HOST: LazyLock<Host> = LazyLock::new(Host::new);

fuzz_target!(|input: &[u8]| {
    let [machine, processor, outcome, block @ ..] = input else {
        return;
    };
    let rules = if machine % 2 == 0 { Rules::HARDWARE } else { Rules::QEMU };
    // Mostly the processor that there is.
    let processor = if processor % 8 == 0 { processor / 8 } else { 2 };
    // Guest storage goes on behind the bytes of the input.
    let mut storage = [0; 8192];
    for (stored, byte) in storage.iter_mut().zip(block) {
        *stored = *byte;
    }
    HOST.check(rules, processor, *outcome, &mut storage);
});
