// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the image found out, for the program that started it: `zpci-KIND: ` and an object, on one line.

use core::fmt::{self, Write};

use clp::{Bar, Function, FunctionGroup, FunctionId, ListEntry, MioBar};
use s390_iommu::{AbsoluteAddress, IovaRange, Measurement, PAGE_SIZE};

use crate::counting::Counts;
use crate::disk::Identity;
use crate::json::Object;
use crate::pci::ClassCode;

/// All that is known of a function.
#[derive(Clone, Copy, Debug)]
pub struct FunctionFact<'a> {
    /// As it was listed.
    pub entry: &'a ListEntry,
    /// As it was queried.
    pub function: Option<&'a Function>,
    /// Its group.
    pub group: Option<&'a FunctionGroup>,
    /// Out of configuration space.
    pub class: Option<ClassCode>,
}

impl fmt::Display for FunctionFact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ListEntry { vendor, device, configured, id, handle } = self.entry;
        f.write_str("zpci-function: ")?;
        let mut object = Object::new(f)?;
        object.raw("fid", id.0)?;
        object.raw("handle", handle.0)?;
        object.raw("vendor", vendor)?;
        object.raw("device", device)?;
        object.raw("configured", configured)?;
        object.raw_or_null("class", self.class.map(|class| class.0))?;
        if let Some(function) = self.function {
            write_function(&mut object, function)?;
        }
        if let Some(group) = self.group {
            write_group(object.object("function_group")?, group)?;
        }
        object.end()
    }
}

fn write_function<W: Write>(object: &mut Object<'_, W>, function: &Function) -> fmt::Result {
    let Function {
        id: _,
        uid,
        group,
        function_type,
        is_physical,
        vfn,
        pchid,
        port,
        internal_path,
        fidparm,
        rid,
        tid,
        bars,
        mio,
        start_dma,
        end_dma,
        fmb_length,
        utility_string,
    } = function;
    object.raw("uid", uid.0)?;
    object.raw("group", group.0)?;
    object.raw("function_type", function_type.0)?;
    object.text_or_null("function_type_name", function_type.name())?;
    object.raw("physical_function", is_physical)?;
    object.raw("vfn", vfn)?;
    object.raw("pchid", pchid)?;
    object.raw("port", port)?;
    object.list("internal_path", internal_path, |out, segment| write!(out, "{segment}"))?;
    object.raw("function_parameter", fidparm)?;
    object.raw_or_null("rid", *rid)?;
    object.raw_or_null("tid", *tid)?;
    let present = bars.iter().enumerate().filter(|(_, bar)| bar.is_present());
    object.list("bars", present, |out, (index, bar)| write_bar(out, index, bar))?;
    match mio {
        Some(mio) => object.list("mio", mio, write_mio_bar)?,
        None => object.raw("mio", "null")?,
    }
    object.hexadecimal("start_dma", *start_dma)?;
    object.hexadecimal("end_dma", *end_dma)?;
    object.raw("measurement_block_length", fmb_length)?;
    object.text_or_null("utility_string", utility_string.as_ref())
}

fn write_bar<W: Write>(out: &mut W, index: usize, bar: &Bar) -> fmt::Result {
    let mut object = Object::new(out)?;
    object.raw("index", index)?;
    object.raw("size_log2", bar.size_log2())?;
    let [a, b, c, d] = bar.register_bytes();
    object.text("register_bytes", format_args!("{a:02x}{b:02x}{c:02x}{d:02x}"))?;
    object.end()
}

fn write_mio_bar<W: Write>(out: &mut W, bar: &Option<MioBar>) -> fmt::Result {
    let Some(MioBar { write_back, write_through }) = bar else {
        return out.write_str("null");
    };
    let mut object = Object::new(out)?;
    object.hexadecimal("write_back", *write_back)?;
    object.hexadecimal("write_through", *write_through)?;
    object.end()
}

fn write_group<W: Write>(mut object: Object<'_, W>, group: &FunctionGroup) -> fmt::Result {
    let FunctionGroup {
        max_interrupts,
        max_directed_interrupts,
        max_cpu,
        version,
        relaxed_translation,
        frame,
        refresh,
        designation_types,
        max_store_block,
        measurement_interval_ms,
        maxfaal,
        dasm,
        msi_address,
    } = group;
    object.raw("maximum_interrupts", max_interrupts)?;
    object.raw("maximum_directed_interrupts", max_directed_interrupts)?;
    object.raw("maximum_processors", max_cpu)?;
    object.raw("version", version)?;
    object.raw("relaxed_translation", relaxed_translation)?;
    object.raw("frame", frame)?;
    object.raw("refresh", refresh)?;
    object.raw("designation_types", designation_types.0)?;
    object.raw("maximum_store_block", max_store_block)?;
    object.raw("measurement_interval_ms", measurement_interval_ms)?;
    object.raw("maxfaal", maxfaal)?;
    object.hexadecimal("dma_address_space_mask", *dasm)?;
    object.hexadecimal("msi_address", *msi_address)?;
    object.end()
}

/// A device that has moved data.
#[derive(Clone, Copy, Debug)]
pub struct DeviceFact<'a> {
    /// The function it is.
    pub id: FunctionId,
    /// What drives it.
    pub kind: &'a str,
    /// What it says of itself, if it is a disk.
    pub identity: Option<&'a Identity>,
}

impl fmt::Display for DeviceFact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("zpci-device: ")?;
        let mut object = Object::new(f)?;
        object.raw("fid", self.id.0)?;
        object.text("kind", self.kind)?;
        if let Some(Identity { serial, model, firmware, capacity, block_size, largest_transfer, read_only, unusable }) =
            self.identity
        {
            object.text_or_null("serial", known(serial))?;
            object.text_or_null("model", known(model))?;
            object.text_or_null("firmware", known(firmware))?;
            object.raw("capacity", capacity)?;
            object.raw("block_size", block_size)?;
            object.raw("largest_transfer", largest_transfer)?;
            object.raw("read_only", read_only)?;
            object.text_or_null("unusable", *unusable)?;
        }
        object.end()
    }
}

/// A text that a device has, and may leave empty.
fn known(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// Bytes of a disk that hold the pattern of the image now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Written {
    /// Of the first byte.
    pub offset: u64,
    /// In bytes.
    pub length: u64,
}

/// Bytes of a certain disk that hold the pattern of the image now.
#[derive(Clone, Copy, Debug)]
pub struct WrittenFact<'a> {
    /// The function of the disk.
    pub id: FunctionId,
    /// Serial number of the disk.
    pub serial: &'a str,
    /// Which bytes.
    pub written: Written,
}

impl fmt::Display for WrittenFact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("zpci-written: ")?;
        let mut object = Object::new(f)?;
        object.raw("fid", self.id.0)?;
        object.text_or_null("serial", known(self.serial))?;
        object.raw("offset", self.written.offset)?;
        object.raw("length", self.written.length)?;
        object.end()
    }
}

/// What a device is going to be refused, for whoever looks at storage when the program has been stopped.
#[derive(Clone, Copy, Debug)]
pub struct TargetFact {
    /// The function of the device.
    pub id: FunctionId,
    /// Where the device writes to.
    pub range: IovaRange,
    /// Where that would lead to; every byte there is 0xa5.
    pub absolute: AbsoluteAddress,
}

impl fmt::Display for TargetFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("zpci-target: ")?;
        let mut object = Object::new(f)?;
        object.raw("fid", self.id.0)?;
        object.hexadecimal("iova", self.range.start().get())?;
        object.raw("bytes", self.range.pages() * PAGE_SIZE)?;
        object.hexadecimal("absolute", self.absolute.get())?;
        object.end()
    }
}

/// Interruptions of a device, and what they should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Matched {
    /// Requests that the device was given.
    pub requests: u32,
    /// Those of them that had to make no interruption of their own.
    pub silent: u32,
    /// Adapter interruptions that were taken.
    pub interruptions: u32,
}

/// Interruptions of the device behind a function.
#[derive(Clone, Copy, Debug)]
pub struct InterruptsFact {
    /// The function.
    pub id: FunctionId,
    /// How many.
    pub matched: Matched,
}

impl fmt::Display for InterruptsFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Matched { requests, silent, interruptions } = self.matched;
        f.write_str("zpci-interrupts: ")?;
        let mut object = Object::new(f)?;
        object.raw("fid", self.id.0)?;
        object.raw("requests", requests)?;
        object.raw("silent", silent)?;
        object.raw("interruptions", interruptions)?;
        object.end()
    }
}

/// What the machine counted of a function, and what the program did before and after.
#[derive(Clone, Copy, Debug)]
pub struct SampleFact {
    /// The function.
    pub id: FunctionId,
    /// What the machine stored.
    pub sample: Measurement,
    /// What the program had counted when the block held the sample before.
    pub before: Counts,
    /// What it had counted when this one was in it.
    pub after: Counts,
}

impl fmt::Display for SampleFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("zpci-sample: ")?;
        let mut object = Object::new(f)?;
        object.raw("fid", self.id.0)?;
        object.raw("sample", self.sample.sample)?;
        for (name, counts) in [("counts", Counts::of(&self.sample)), ("before", self.before), ("after", self.after)] {
            let Counts { loads, stores, block_stores, refreshes } = counts;
            let mut inner = object.object(name)?;
            inner.raw("loads", loads)?;
            inner.raw("stores", stores)?;
            inner.raw("block_stores", block_stores)?;
            inner.raw("refreshes", refreshes)?;
            inner.end()?;
        }
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::text;

    #[test]
    fn device_and_written() {
        let identity = Identity {
            serial: text(b"ZPCI-0001 "),
            model: text(b"QEMU NVMe Ctrl"),
            firmware: text(b""),
            capacity: 16 << 20,
            block_size: 512,
            largest_transfer: 512 << 10,
            read_only: false,
            unusable: None,
        };
        let device = DeviceFact { id: FunctionId(0x101), kind: "nvme", identity: Some(&identity) };
        assert_eq!(
            device.to_string(),
            concat!(
                r#"zpci-device: {"fid":257,"kind":"nvme","serial":"ZPCI-0001","model":"QEMU NVMe Ctrl","#,
                r#""firmware":null,"capacity":16777216,"block_size":512,"largest_transfer":524288,"read_only":false,"unusable":null}"#
            )
        );
        let written = WrittenFact {
            id: FunctionId(0x101),
            serial: "ZPCI-0001",
            written: Written { offset: 0x20_0000, length: 0x1000 },
        };
        assert_eq!(
            written.to_string(),
            r#"zpci-written: {"fid":257,"serial":"ZPCI-0001","offset":2097152,"length":4096}"#
        );
    }

    #[test]
    fn interrupts_and_samples() {
        let matched = Matched { requests: 10, silent: 3, interruptions: 7 };
        assert_eq!(
            InterruptsFact { id: FunctionId(0x101), matched }.to_string(),
            r#"zpci-interrupts: {"fid":257,"requests":10,"silent":3,"interruptions":7}"#
        );
        let mut doublewords = [0, 9, 11, 22, 33_u64].into_iter();
        let sample = Measurement::read(48, 1, |offset| if offset == 8 { Some(2) } else { doublewords.next() });
        let counts = |loads| Counts { loads, stores: 2, block_stores: 3, refreshes: 4 };
        let fact = SampleFact { id: FunctionId(1), sample: sample.unwrap(), before: counts(1), after: counts(10) };
        assert_eq!(
            fact.to_string(),
            concat!(
                r#"zpci-sample: {"fid":1,"sample":0,"#,
                r#""counts":{"loads":9,"stores":11,"block_stores":22,"refreshes":33},"#,
                r#""before":{"loads":1,"stores":2,"block_stores":3,"refreshes":4},"#,
                r#""after":{"loads":10,"stores":2,"block_stores":3,"refreshes":4}}"#
            )
        );
    }

    #[test]
    fn function_that_could_not_be_queried() {
        let entry = ListEntry {
            vendor: 0x1b36,
            device: 0x0010,
            configured: true,
            id: FunctionId(0x22),
            handle: clp::FunctionHandle(0x2_0002),
        };
        let fact = FunctionFact { entry: &entry, function: None, group: None, class: None };
        assert_eq!(
            fact.to_string(),
            r#"zpci-function: {"fid":34,"handle":131074,"vendor":6966,"device":16,"configured":true,"class":null}"#
        );
    }
}
