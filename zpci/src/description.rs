// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A guest described in JSON, for `zpci answer`: the schema `zpci-guest/1`, which the book describes.

use clp::responder::{Emulated, Groups, GuestFunction, GuestTranslation, Rules, Virtualization};
use clp::{
    Bar, DesignationTypes, Function, FunctionGroup, FunctionGroupId, FunctionHandle, FunctionId, FunctionType,
    ListSummary, Uid, UtilityString,
};
use serde::Deserialize;

/// A guest: its functions and groups, and whose rules it is answered by.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Guest {
    schema: String,
    #[serde(default)]
    rules: Machine,
    /// Number of functions that the machine can have.
    #[serde(default = "max_functions")]
    max_functions: u16,
    /// Whether UIDs are unique.
    #[serde(default = "yes")]
    uid_checking: bool,
    functions: Vec<GuestFunctionText>,
    #[serde(default)]
    groups: Vec<GroupText>,
}

/// Whose rules.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Machine {
    #[default]
    Hardware,
    Qemu,
}

/// A number, in hexadecimal as text or as it is.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(try_from = "NumberText")]
struct Number(u64);

#[derive(Deserialize)]
#[serde(untagged)]
enum NumberText {
    Number(u64),
    Text(String),
}

impl TryFrom<NumberText> for Number {
    type Error = String;

    fn try_from(text: NumberText) -> Result<Self, String> {
        match text {
            NumberText::Number(number) => Ok(Self(number)),
            NumberText::Text(text) => crate::decode::parse_number(&text).map(Self),
        }
    }
}

impl Number {
    fn narrow<T: TryFrom<u64>>(self, what: &str) -> Result<T, String> {
        T::try_from(self.0).map_err(|_| format!("{what} {:#x} is too large", self.0))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GuestFunctionText {
    vendor: Number,
    device: Number,
    fid: Number,
    uid: Number,
    handle: Number,
    #[serde(default = "yes")]
    configured: bool,
    /// Group; without it that of QEMU's emulated functions.
    group: Option<Number>,
    #[serde(default)]
    pchid: Number,
    #[serde(default)]
    vfn: Number,
    #[serde(default)]
    pft: Number,
    #[serde(default)]
    port: Number,
    #[serde(default)]
    pfip: [u8; 4],
    /// Sizes of BAR 0 to 5 as powers of two, 0 for none.
    #[serde(default)]
    bar_sizes_log2: [u8; 6],
    /// First and last DMA address.
    window: Option<[Number; 2]>,
    rid: Option<Number>,
    tid: Option<Number>,
    /// Utility string, 64 bytes of EBCDIC in hexadecimal.
    utility_string: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupText {
    id: Number,
    noi: u16,
    #[serde(default)]
    refresh: bool,
    #[serde(default)]
    relaxed_translation: bool,
    dtsm: Number,
    maxstbl: u16,
    mui: u16,
    msi_address: Number,
    #[serde(default)]
    dasm: Number,
    #[serde(default)]
    version: u8,
}

fn yes() -> bool {
    true
}

fn max_functions() -> u16 {
    0x1000
}

/// A guest as the responder takes it.
#[derive(Debug)]
pub(crate) struct Machinery {
    pub(crate) functions: Vec<Option<GuestFunction>>,
    pub(crate) groups: Groups<256>,
    pub(crate) summary: ListSummary,
    pub(crate) rules: Rules,
}

impl Guest {
    /// Reads a description.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with line and column where JSON has them.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let guest: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match guest.schema.as_str() {
            "zpci-guest/1" => Ok(guest),
            other => Err(format!("the schema is \"{other}\", must be \"zpci-guest/1\"")),
        }
    }

    /// The guest as the responder takes it.
    ///
    /// # Errors
    ///
    /// A value that no function or group can have.
    pub(crate) fn machinery(&self) -> Result<Machinery, String> {
        let mut functions = Vec::new();
        for text in &self.functions {
            let function = text.function().map_err(|error| format!("function {:#010x}: {error}", text.fid.0))?;
            if functions.iter().flatten().any(|other: &GuestFunction| other.handle == function.handle) {
                return Err(format!("two functions have the handle {}", function.handle));
            }
            functions.push(Some(function));
        }
        let mut groups = Groups::new();
        for text in &self.groups {
            let (id, group) = text.group()?;
            add(&mut groups, id, &group)?;
        }
        let is_emulated = |text: &GuestFunctionText| text.group.is_none();
        let names_it = |text: &GroupText| text.id.0 == u64::from(Emulated::GROUP_ID.0);
        if self.functions.iter().any(is_emulated) && !self.groups.iter().any(names_it) {
            add(&mut groups, Emulated::GROUP_ID, &Emulated::GROUP)?;
        }
        let rules = match self.rules {
            Machine::Hardware => Rules::HARDWARE,
            Machine::Qemu => Rules::QEMU,
        };
        let summary = ListSummary { max_functions: self.max_functions, uid_checking: self.uid_checking };
        Ok(Machinery { functions, groups, summary, rules })
    }
}

/// Adds a group as it is described: nobody shadows anything here.
fn add(groups: &mut Groups<256>, id: FunctionGroupId, group: &FunctionGroup) -> Result<(), String> {
    let virtualization =
        Virtualization { translation: GuestTranslation::Nested, max_store_block: group.max_store_block };
    let known = groups.add(id, group, &virtualization).map_err(|error| format!("group {id}: {error}"))?;
    match known == id {
        true => Ok(()),
        false => Err(format!("two groups have the identifier {id}")),
    }
}

impl GuestFunctionText {
    fn function(&self) -> Result<GuestFunction, String> {
        let mut bars = [Bar::ABSENT; 6];
        for (index, (bar, log2)) in bars.iter_mut().zip(self.bar_sizes_log2).enumerate() {
            // Memory with 64-bit addresses, as QEMU has it.
            let register = [if log2 == 0 { 0 } else { 0x4 }, 0, 0, 0];
            *bar = Bar::new(register, log2).ok_or_else(|| format!("BAR {index} of 2^{log2} bytes, at most 2^63"))?;
        }
        let window = self.window.unwrap_or([Number(0x1_0000_0000), Number(0x01ff_ffff_ffff_ffff)]);
        let [Number(start_dma), Number(end_dma)] = window;
        let utility_string = self.utility_string.as_deref().map(utility_string).transpose()?;
        let group = match self.group {
            Some(group) => FunctionGroupId(group.narrow("group")?),
            None => Emulated::GROUP_ID,
        };
        let function = Function {
            id: FunctionId(self.fid.narrow("fid")?),
            uid: Uid(self.uid.narrow("uid")?),
            group,
            function_type: FunctionType(self.pft.narrow("pft")?),
            is_physical: false,
            vfn: self.vfn.narrow("vfn")?,
            pchid: self.pchid.narrow("pchid")?,
            port: self.port.narrow("port")?,
            internal_path: self.pfip,
            fidparm: 0,
            rid: self.rid.map(|rid| rid.narrow("rid")).transpose()?,
            tid: self.tid.map(|tid| tid.narrow("tid")).transpose()?,
            bars,
            mio: None,
            start_dma,
            end_dma,
            fmb_length: 0,
            utility_string,
        };
        let (vendor, device) = (self.vendor.narrow("vendor")?, self.device.narrow("device")?);
        let handle = FunctionHandle(self.handle.narrow("handle")?);
        let mut function = GuestFunction::new(vendor, device, handle, &function).map_err(|error| error.to_string())?;
        function.configured = self.configured;
        Ok(function)
    }
}

fn utility_string(digits: &str) -> Result<UtilityString, String> {
    let wrong = || "a utility string is 64 bytes of EBCDIC, in hexadecimal".to_owned();
    let pairs: Option<Vec<u8>> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| {
            // A sign is no digit, though the standard library takes one.
            let is_byte = pair.len() == 2 && pair.iter().all(u8::is_ascii_hexdigit);
            u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok().filter(|_| is_byte)
        })
        .collect();
    let bytes = pairs.and_then(|bytes| bytes.try_into().ok()).ok_or_else(wrong)?;
    Ok(UtilityString(bytes))
}

impl GroupText {
    fn group(&self) -> Result<(FunctionGroupId, FunctionGroup), String> {
        let group = FunctionGroup {
            max_interrupts: self.noi,
            max_directed_interrupts: 0,
            max_cpu: 0,
            version: self.version,
            relaxed_translation: self.relaxed_translation,
            frame: false,
            refresh: self.refresh,
            designation_types: DesignationTypes(self.dtsm.narrow("dtsm")?),
            max_store_block: self.maxstbl,
            measurement_interval_ms: self.mui,
            maxfaal: 0,
            dasm: self.dasm.0,
            msi_address: self.msi_address.0,
        };
        Ok((FunctionGroupId(self.id.narrow("group")?), group))
    }
}
