// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the image tells the host beside the verdicts: one `# zpci-KIND: {json}` a line.

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A fact: what we understand of it, and all of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Fact<T> {
    /// What the report for people shows.
    pub(crate) summary: T,
    /// Every field, as printed.
    pub(crate) fields: Value,
}

/// A function as it is listed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub(crate) struct FunctionSummary {
    /// Function identifier.
    pub(crate) fid: u32,
    /// Function handle.
    pub(crate) handle: u32,
    /// PCI vendor.
    pub(crate) vendor: u16,
    /// PCI device.
    pub(crate) device: u16,
    /// Whether the function is configured, else in standby.
    pub(crate) configured: bool,
    /// Class code of the configuration space, if that was read: base class, subclass, interface in three bytes.
    pub(crate) class: Option<u32>,
    /// What the query said, if there was an answer.
    #[serde(skip)]
    pub(crate) query: Option<QuerySummary>,
}

/// A function as it was queried. 64-bit values are text, for JSON numbers would lose bits.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub(crate) struct QuerySummary {
    /// User-assigned identifier.
    pub(crate) uid: u32,
    /// Function type (PFT).
    pub(crate) function_type: u8,
    /// Physical channel identifier.
    pub(crate) pchid: u16,
    /// Function group (PFGID).
    pub(crate) group: u8,
    /// First usable DMA address.
    pub(crate) start_dma: String,
    /// Last usable DMA address, inclusive.
    pub(crate) end_dma: String,
    /// The BARs that exist.
    pub(crate) bars: Vec<Bar>,
}

/// One BAR.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
pub(crate) struct Bar {
    /// Which, from 0.
    pub(crate) index: u8,
    /// log2 of its size in bytes.
    pub(crate) size_log2: u8,
}

/// A device that was talked to by DMA.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub(crate) struct DeviceSummary {
    /// The function it is.
    pub(crate) fid: u32,
    /// `nvme`, `virtio-rng`, `virtio-blk`.
    pub(crate) kind: String,
    /// The serial number the device itself gave.
    pub(crate) serial: Option<String>,
    /// The model the device itself gave.
    pub(crate) model: Option<String>,
}

/// A part of a disk that now has other content.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct WrittenFact {
    /// The function the disk is behind.
    pub(crate) fid: u32,
    /// The first byte.
    pub(crate) offset: u64,
    /// How many bytes.
    pub(crate) length: u64,
}

/// Requests of a device and the interruptions that they made.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct InterruptsFact {
    /// The function.
    pub(crate) fid: u32,
    /// Requests that the device was given.
    pub(crate) requests: u64,
    /// Those that had to make no interruption of their own.
    pub(crate) silent: u64,
    /// Adapter interruptions that were taken.
    pub(crate) interruptions: u64,
}

/// Instructions of a function.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct InstructionCounts {
    /// PCILG.
    pub(crate) loads: u64,
    /// PCISTG.
    pub(crate) stores: u64,
    /// PCISTB.
    pub(crate) block_stores: u64,
    /// RPCIT.
    pub(crate) refreshes: u64,
}

/// A sample of a measurement block.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct SampleFact {
    /// The function.
    pub(crate) fid: u32,
    /// Number of the sample.
    pub(crate) sample: u32,
    /// What the machine stored.
    pub(crate) counts: InstructionCounts,
    /// What the guest had counted when it saw the sample before for the last time.
    pub(crate) before: InstructionCounts,
    /// What it had counted when it saw this one.
    pub(crate) after: InstructionCounts,
}

/// All facts of a log.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Facts {
    /// In the order of the list.
    pub(crate) functions: Vec<Fact<FunctionSummary>>,
    /// In the order in which they were tried.
    pub(crate) devices: Vec<Fact<DeviceSummary>>,
    /// In the order of writing.
    pub(crate) written: Vec<WrittenFact>,
    /// In the order in which the devices interrupted.
    pub(crate) interrupts: Vec<InterruptsFact>,
    /// In the order in which they were seen.
    pub(crate) samples: Vec<SampleFact>,
    /// Figures, in the order of measuring.
    pub(crate) measurements: Vec<Value>,
    /// Instructions of a random sequence, and what came of each.
    pub(crate) steps: Vec<Value>,
    /// Lines that look like facts and cannot be read, with the reason.
    pub(crate) unreadable: Vec<String>,
}

impl Facts {
    /// Takes in `line` if it is a fact, and says whether it was.
    pub(crate) fn take(&mut self, line: &str) -> bool {
        let Some((kind, json)) = line.trim().strip_prefix("# zpci-").and_then(|fact| fact.split_once(": ")) else {
            return false;
        };
        let taken = match kind {
            "function" => read_function(json).map(|function| self.functions.push(function)),
            "device" => read_fact(json).map(|device| self.devices.push(device)),
            "written" => read(json).map(|written| self.written.push(written)),
            "interrupts" => read(json).map(|interrupts| self.interrupts.push(interrupts)),
            "sample" => read(json).map(|sample| self.samples.push(sample)),
            "step" => read(json).map(|step| self.steps.push(step)),
            "measurement" => read(json).map(|measurement| self.measurements.push(measurement)),
            _ => return false,
        };
        if let Err(error) = taken {
            self.unreadable.push(format!("{error:#}: {}", line.trim()));
        }
        true
    }
}

fn read_function(json: &str) -> Result<Fact<FunctionSummary>> {
    let mut fact: Fact<FunctionSummary> = read_fact(json)?;
    // A function that could not be queried has nothing of the answer, any other has all of it.
    if fact.fields.get("uid").is_some() {
        let query = serde_json::from_value(fact.fields.clone()).context("a function lacks a field")?;
        fact.summary.query = Some(query);
    }
    Ok(fact)
}

fn read_fact<T: DeserializeOwned>(json: &str) -> Result<Fact<T>> {
    let fields: Value = read(json)?;
    let summary = serde_json::from_value(fields.clone()).context("a fact lacks a field")?;
    Ok(Fact { summary, fields })
}

fn read<T: DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).context("not the JSON it should be")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_told_from_other_diagnostics() {
        let mut facts = Facts::default();
        assert!(!facts.take("# a diagnostic"));
        assert!(!facts.take("ok 1 a"));
        assert!(!facts.take("# zpci-something: else"));
        assert!(facts.take("    # zpci-written: {\"fid\":257,\"serial\":null,\"offset\":4096,\"length\":512}"));
        assert_eq!(facts.written, [WrittenFact { fid: 257, offset: 4096, length: 512 }]);
        assert!(facts.take("# zpci-measurement: {\"what\":\"map\",\"count\":7}"));
        assert_eq!(facts.measurements, [serde_json::json!({"what": "map", "count": 7})]);
        assert!(facts.take("# zpci-interrupts: {\"fid\":1,\"requests\":10,\"silent\":3,\"interruptions\":7}"));
        assert_eq!(facts.interrupts, [InterruptsFact { fid: 1, requests: 10, silent: 3, interruptions: 7 }]);
        let counts = "{\"loads\":1,\"stores\":2,\"block_stores\":3,\"refreshes\":4}";
        let sample = format!("\"sample\":5,\"counts\":{counts},\"before\":{counts},\"after\":{counts}");
        assert!(facts.take(&format!("# zpci-sample: {{\"fid\":1,{sample}}}")));
        assert_eq!((facts.samples[0].sample, facts.samples[0].after.refreshes), (5, 4));
        assert_eq!(facts.unreadable, [""; 0]);
    }

    #[test]
    fn an_unreadable_fact_is_kept_and_says_why() {
        let mut facts = Facts::default();
        assert!(facts.take("# zpci-device: {\"fid\":1,"));
        assert!(facts.take("# zpci-function: {\"fid\":1}"));
        let listed = "\"fid\":1,\"handle\":2,\"vendor\":3,\"device\":4,\"configured\":true,\"class\":null";
        assert!(facts.take(&format!("# zpci-function: {{{listed},\"uid\":5}}")));
        assert_eq!(facts.unreadable.len(), 3);
        assert!(facts.unreadable[1].contains("missing field `handle`"), "{:?}", facts.unreadable);
        assert!(facts.unreadable[2].contains("missing field `function_type`"), "{:?}", facts.unreadable);
        assert!(facts.take(&format!("# zpci-function: {{{listed}}}")));
        assert_eq!(facts.functions[0].summary.query, None);
    }
}
