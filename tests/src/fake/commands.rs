// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The fake machine's answers to CLP, byte by byte.
//!
//! It shares no structure with the crate under test: every offset stands here as a number.

use std::format;
use std::string::String;
use std::vec::Vec;

use super::configuration::{FunctionConfiguration, GroupConfiguration, Personality};
use super::function::{Function, ENABLED};

/// Size of a command block in bytes.
const BLOCK: usize = 4096;

const OK: u16 = 0x0010;
const UNKNOWN_COMMAND: u16 = 0x0020;
const FORMAT: u16 = 0x0040;
const LENGTH: u16 = 0x0050;
const NEEDS_MORE: u16 = 0x0060;
const RESERVED_NOT_ZERO: u16 = 0x0070;
const UNKNOWN_HANDLE: u16 = 0x0101;
const WRONG_HANDLE: u16 = 0x0102;
const NO_ADDRESS_SPACE: u16 = 0x0103;
const RESOURCES: u16 = 0x0104;
const ALREADY: u16 = 0x0105;
const BUSY: u16 = 0x0108;
const UNKNOWN_TOKEN: u16 = 0x010a;
const UNKNOWN_GROUP: u16 = 0x010b;

/// The part of the machine that CLP reports and changes.
pub(super) struct Commands<'m> {
    pub(super) personality: Personality,
    pub(super) functions: &'m mut Vec<Function>,
    pub(super) groups: &'m [GroupConfiguration],
    /// Busy answers before each SET.
    pub(super) busy: u32,
    pub(super) complaints: &'m mut Vec<String>,
}

/// How an execution of CLP ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// With a condition code.
    Condition(u8),
    /// With an operand exception, before anything was stored.
    OperandException,
}

/// What a command stores: the response code, and the response from its byte 16 on.
type Response = Result<Vec<u8>, u16>;

impl Commands<'_> {
    /// Executes the command in `block` for logical processor `lps`.
    pub(super) fn execute(&mut self, lps: u8, block: &mut [u8]) -> End {
        let request_length = usize::from(short(block, 0));
        if !(16..=8184).contains(&request_length) || !request_length.is_multiple_of(8) {
            return End::OperandException;
        }
        if request_length + 16 > BLOCK {
            self.complaints.push(format!("CLP request of {request_length} bytes leaves its block"));
            return End::OperandException;
        }
        let offered = usize::from(short(block, request_length));
        if !(8..=8176).contains(&offered) || !offered.is_multiple_of(8) || request_length + offered > 2 * BLOCK {
            return End::OperandException;
        }
        if request_length + offered > BLOCK {
            self.complaints.push(format!("CLP response room of {offered} bytes leaves its block"));
            return End::OperandException;
        }
        if self.personality == Personality::Hardware && lps != 2 {
            return End::Condition(3);
        }
        let (request, response) = block.split_at_mut(request_length);
        let response = &mut response[..offered];
        match (short(request, 2), request_length) {
            (1, 16) if self.personality == Personality::Hardware => self.finish(response, Ok(characteristics())),
            (_, length) if length != 32 => self.finish(response, Err(LENGTH)),
            (2, _) => self.list(request, response),
            (3, _) => {
                let answer = self.query(long(request, 16));
                self.finish(response, answer)
            }
            (4, _) => {
                let answer = self.query_group(request[19]);
                self.finish(response, answer)
            }
            (5, _) => {
                let answer = self.set(long(request, 16), request[22], request[23]);
                self.finish(response, answer)
            }
            _ => self.finish(response, Err(UNKNOWN_COMMAND)),
        }
    }

    /// Stores response code and body, as far as there is room.
    fn finish(&self, response: &mut [u8], answer: Response) -> End {
        let body = match &answer {
            Ok(body) => body.as_slice(),
            Err(_) => &[],
        };
        let room = response.len().saturating_sub(16).min(body.len());
        if room > 0 {
            response[16..16 + room].copy_from_slice(&body[..room]);
        }
        response[2..4].copy_from_slice(&answer.as_ref().err().unwrap_or(&OK).to_be_bytes());
        if self.personality == Personality::Hardware {
            response[..2].copy_from_slice(&(16 + room as u16).to_be_bytes());
        }
        End::Condition(0)
    }

    /// LIST PCI, whose response length is stored by every machine.
    fn list(&self, request: &[u8], response: &mut [u8]) -> End {
        let refuse = |response: &mut [u8], code: u16, cc| {
            response[2..4].copy_from_slice(&code.to_be_bytes());
            End::Condition(cc)
        };
        if request[4] & 0xf0 != 0 {
            return refuse(response, FORMAT, 0);
        }
        if long(request, 4) != 0 || request[8..16] != [0; 8] {
            return refuse(response, RESERVED_NOT_ZERO, 0);
        }
        if response.len() < 48 {
            return refuse(response, NEEDS_MORE, 0);
        }
        if !(response.len() - 32).is_multiple_of(16) {
            return refuse(response, LENGTH, 3);
        }
        let token = u64::from(long(request, 16)) << 32 | u64::from(long(request, 20));
        let Some(first) = self.resume(token) else {
            return refuse(response, UNKNOWN_TOKEN, 0);
        };
        let room = (response.len() - 32) / 16;
        let rest = &self.functions[first..];
        let next = rest.get(room).map_or(0, |next| self.token(next));
        let listed = &rest[..room.min(rest.len())];
        let length = 32 + 16 * listed.len();
        response[..2].copy_from_slice(&(length as u16).to_be_bytes());
        response[2..4].copy_from_slice(&OK.to_be_bytes());
        response[16..24].copy_from_slice(&next.to_be_bytes());
        let mask: u32 = match self.personality {
            Personality::Qemu => 0x00ff_0000,
            Personality::Hardware => 0,
        };
        response[24..28].copy_from_slice(&mask.to_be_bytes());
        response[28..32].copy_from_slice(&[0x10, 0x00, 0x01, 0x10]);
        for (entry, function) in response[32..].chunks_exact_mut(16).zip(listed) {
            let configuration = &function.configuration;
            entry[0..2].copy_from_slice(&configuration.device_id.to_be_bytes());
            entry[2..4].copy_from_slice(&configuration.vendor_id.to_be_bytes());
            entry[4..8].copy_from_slice(&[if configuration.configured { 0x80 } else { 0 }, 0, 0, 0]);
            entry[8..12].copy_from_slice(&configuration.fid.to_be_bytes());
            entry[12..16].copy_from_slice(&function.handle.to_be_bytes());
        }
        End::Condition(0)
    }

    /// Index of the function that `token` stands for.
    fn resume(&self, token: u64) -> Option<usize> {
        if token == 0 {
            return Some(0);
        }
        self.functions.iter().position(|function| self.token(function) == token)
    }

    /// Token of a list that goes on with `function`.
    fn token(&self, function: &Function) -> u64 {
        match self.personality {
            Personality::Qemu => (function.handle & 0xffff).into(),
            // Nothing that a program could guess.
            Personality::Hardware => {
                (u64::from(function.handle) << 32 | u64::from(function.configuration.fid)).rotate_left(21) ^ !0x5aa5
            }
        }
    }

    fn query(&self, handle: u32) -> Response {
        let function = self.functions.iter().find(|function| function.handle == handle);
        let function = function.ok_or(UNKNOWN_HANDLE)?;
        Ok(match self.personality {
            Personality::Qemu => qemu_function(&function.configuration),
            Personality::Hardware => hardware_function(&function.configuration),
        })
    }

    fn query_group(&self, pfgid: u8) -> Response {
        let group = self.groups.iter().find(|group| group.pfgid == pfgid);
        let group = group.ok_or(UNKNOWN_GROUP)?;
        let mut body = Vec::new();
        body.extend(group.noi.to_be_bytes());
        body.push(group.version);
        body.push(u8::from(group.relaxed) << 5 | u8::from(group.refresh));
        body.extend(group.maxstbl.to_be_bytes());
        body.extend(group.mui.to_be_bytes());
        body.push(group.dtsm);
        body.extend([0; 7]);
        body.extend(group.dasm.to_be_bytes());
        body.extend(group.msia.to_be_bytes());
        body.extend([0; 16]);
        Ok(body)
    }

    fn set(&mut self, handle: u32, operation: u8, address_spaces: u8) -> Response {
        let already = match self.personality {
            Personality::Qemu => WRONG_HANDLE,
            Personality::Hardware => ALREADY,
        };
        let next_instance = match self.personality {
            Personality::Qemu => 0,
            Personality::Hardware => 0x0100_0000,
        };
        let function = self.functions.iter_mut().find(|function| function.handle == handle);
        let function = function.ok_or(UNKNOWN_HANDLE)?;
        let enabled = handle & ENABLED != 0;
        if operation > 3 {
            return Err(WRONG_HANDLE);
        }
        if function.busy > 0 {
            function.busy -= 1;
            return Err(BUSY);
        }
        function.busy = self.busy;
        let new_handle = handle & ENABLED | handle.wrapping_add(next_instance) & !ENABLED;
        match operation {
            0 if address_spaces == 0 => return Err(NO_ADDRESS_SPACE),
            0 if address_spaces > 1 => return Err(RESOURCES),
            0 if enabled => return Err(already),
            0 if !function.configuration.configured => return Err(WRONG_HANDLE),
            0 => function.enable(new_handle),
            1 if !enabled => return Err(already),
            1 => function.disable(new_handle),
            // The forms for mapped I/O.
            _ if !function.configuration.mio || !enabled => return Err(WRONG_HANDLE),
            _ => {}
        }
        let mut body = Vec::new();
        body.extend(function.handle.to_be_bytes());
        body.extend([0; 12]);
        if self.personality == Personality::Hardware {
            body.extend(mio(&function.configuration));
        }
        Ok(body)
    }
}

/// What both kinds of machines say of a function, with the BARs as given: 176 bytes.
fn function(configuration: &FunctionConfiguration, flags: u8, pft: u8, bars: [[u8; 4]; 6]) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(configuration.vfn.to_be_bytes());
    body.push(flags | u8::from(configuration.utility_string.is_some()));
    body.push(configuration.pfgid);
    body.extend(configuration.fid.to_be_bytes());
    body.extend(configuration.bar_sizes);
    body.extend(configuration.pchid.to_be_bytes());
    body.extend(bars.as_flattened());
    body.extend(configuration.pfip);
    body.extend([0, 0, 0, pft]);
    body.extend(configuration.sdma.to_be_bytes());
    body.extend(configuration.edma.to_be_bytes());
    body.extend([0; 44]);
    body.extend(configuration.uid.to_be_bytes());
    body.extend(configuration.utility_string.unwrap_or([0; 64]));
    body
}

/// QEMU stores the BARs big-endian, and no function type.
fn qemu_function(configuration: &FunctionConfiguration) -> Vec<u8> {
    function(configuration, 0, 0, configuration.bars.map(u32::to_be_bytes))
}

fn hardware_function(configuration: &FunctionConfiguration) -> Vec<u8> {
    let flags = u8::from(configuration.mio) << 1;
    let bars = configuration.bars.map(u32::to_le_bytes);
    let mut body = function(configuration, flags, configuration.pft, bars);
    body.extend([0; 64]);
    body.extend(mio(configuration));
    body
}

/// Addresses of mapped I/O: 128 bytes.
fn mio(configuration: &FunctionConfiguration) -> Vec<u8> {
    let mut valid = 0;
    let mut addresses = Vec::new();
    for (bar, size) in (0_u64..).zip(configuration.bar_sizes) {
        let present = configuration.mio && size != 0;
        valid |= u8::from(present) << (7 - bar);
        let write_back =
            if present { 0x8000_0000_0000_0000 | u64::from(configuration.fid) << 40 | bar << 36 } else { 0 };
        addresses.extend(write_back.to_be_bytes());
        addresses.extend((write_back & !(1 << 63)).to_be_bytes());
    }
    let mut info = Vec::from([valid, 0, 0, 0, 0, 0, 0, 0]);
    info.extend(addresses);
    info.extend([0; 24]);
    info
}

/// Characteristics of the PCI processor: bit 0 selects write-back.
fn characteristics() -> Vec<u8> {
    let mut body = Vec::from([0; 112]);
    body[80 - 16] = 0x80;
    body
}

fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
