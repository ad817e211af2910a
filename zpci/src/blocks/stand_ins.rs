// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What takes the place of identifiers.

use std::collections::BTreeMap;
use std::path::Path;

use clp::field::Field;
use clp::{FunctionHandle, FunctionId, ListError, ResumeToken};

use super::Wrong;
use crate::list::identities;

/// What identifies a machine or a part of it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Identifier {
    /// Function identifier (FID).
    FunctionId,
    /// Function handle (FH), but for the enable bit.
    Handle,
    /// User-defined identifier (UID).
    Uid,
    /// Physical channel identifier (PCHID).
    Pchid,
    /// Topology identifier (TID), by which Linux names a bus where there is one.
    Topology,
    /// Function internal path (PFIP), which says where a card is plugged.
    Path,
    /// Utility string, which has the names of networks.
    UtilityString,
    /// Resume token of a list; in QEMU it is a part of a handle.
    ResumeToken,
}

impl Identifier {
    /// What `field` has, by the name that Linux has for it.
    pub(super) fn of(field: &Field) -> Option<Self> {
        Some(match field.linux_name? {
            "fid" => Self::FunctionId,
            "fh" => Self::Handle,
            "uid" => Self::Uid,
            "pchid" => Self::Pchid,
            "tid" => Self::Topology,
            "pfip" => Self::Path,
            "util_str" => Self::UtilityString,
            "resume_token" => Self::ResumeToken,
            _ => return None,
        })
    }

    /// The bytes with the number `number` for this one, where `value` stood.
    fn bytes(self, number: u32, value: &[u8]) -> Vec<u8> {
        match self {
            Self::FunctionId => 0xf1d0_0000_u32.wrapping_add(number).to_be_bytes().to_vec(),
            Self::Handle => (0x00f4_0000_u32.wrapping_add(number) & !FunctionHandle::ENABLED).to_be_bytes().to_vec(),
            // Linux makes an address of one with 16 bits, and of no other.
            Self::Uid if value.starts_with(&[0, 0]) => u32::from(short(0x1d00, number)).to_be_bytes().to_vec(),
            Self::Uid => 0x1d00_0000_u32.wrapping_add(number).to_be_bytes().to_vec(),
            Self::Pchid => short(0xc1d0, number).to_be_bytes().to_vec(),
            Self::Topology => short(0x71d0, number).to_be_bytes().to_vec(),
            Self::Path => 0xfa70_0000_u32.wrapping_add(number).to_be_bytes().to_vec(),
            Self::UtilityString => utility_string(number),
            Self::ResumeToken => (0x70ce_0000_0000_0000_u64 | u64::from(number)).to_be_bytes().to_vec(),
        }
    }
}

/// `base` and `number` in 16 bits. Never a number that stands for none; what does not fit starts over.
fn short(base: u16, number: u32) -> u16 {
    let room = u32::from(u16::MAX - base);
    base + (number % room) as u16
}

/// `UTIL1` in EBCDIC, whose digits are 0xf0 to 0xf9, and zeros.
fn utility_string(number: u32) -> Vec<u8> {
    const UTIL: [u8; 4] = [0xe4, 0xe3, 0xc9, 0xd3];
    let mut bytes = UTIL.to_vec();
    bytes.extend(number.to_string().bytes().map(|digit| digit - b'0' + 0xf0));
    bytes.resize(clp::UtilityString::SIZE, 0);
    bytes
}

/// What takes the place of identifiers: the same value of a kind always gets the same stand-in.
///
/// Stand-ins have the numbers of the words that `zpci_report` prints. For the word `FID1` there is the FID 0xf1d00001, for
/// `UID1` the UID 0x1d01, for `PCHID1` the PCHID 0xc1d1, for `PATH1` the path fa.70.00.01, and for `UTIL1` the utility string
/// `UTIL1`. A handle becomes 0x00f40001, with the enable bit that it had; a TID 0x71d1; a resume token
/// 0x70ce000000000001. A value of which all bits are 0, or all are 1, identifies nothing and stays.
#[derive(Clone, Debug, Default)]
pub struct StandIns {
    numbers: BTreeMap<(Identifier, Vec<u8>), u32>,
    /// The highest number of each that is given.
    last: BTreeMap<Identifier, u32>,
}

impl StandIns {
    /// What the first stand-in of each kind looks like in a block.
    pub const EXPLANATION: &str = "Stand-ins: fid f1d00001, fh 00f40001, uid 00001d01, pchid c1d1, tid 71d1, \
                                   pfip fa700001, util_str UTIL1, resume_token 70ce000000000001, and so on.";

    /// Numbers of the functions below `root`, usually `/sys`, in the order in which `zpci_report` numbers them; others come
    /// behind those. Where there is no sysfs, numbers are given in the order in which identifiers are met.
    pub fn of_sysfs(root: &Path) -> Self {
        let mut all = Self::default();
        for (number, function) in (1..).zip(identities(root)) {
            let numbers = [
                (Identifier::FunctionId, function.id.map(|id| id.to_be_bytes().to_vec())),
                (Identifier::Handle, function.handle.map(|handle| handle.to_be_bytes().to_vec())),
                (Identifier::Uid, function.uid.map(|uid| uid.to_be_bytes().to_vec())),
                (Identifier::Pchid, function.pchid.map(|pchid| pchid.to_be_bytes().to_vec())),
            ];
            for (identifier, value) in numbers {
                value.into_iter().for_each(|value| all.give(identifier, &value, number));
                // Nobody else gets the number of a function.
                all.last.insert(identifier, number);
            }
            // These are counted by themselves.
            let path = function.path.map(Vec::from);
            for (identifier, value) in [(Identifier::Path, path), (Identifier::UtilityString, function.utility_string)]
            {
                value.into_iter().for_each(|mut value| all.replace(identifier, &mut value));
            }
        }
        all
    }

    /// Gives a value a number, if it is one and has none.
    fn give(&mut self, identifier: Identifier, value: &[u8], number: u32) {
        let value = significant(identifier, value);
        if is_identifier(&value) {
            self.numbers.entry((identifier, value)).or_insert(number);
        }
    }

    /// Puts the stand-in of the value in `bytes` there. Of a value that is cut off there are as many bytes as before.
    pub(super) fn replace(&mut self, identifier: Identifier, bytes: &mut [u8]) {
        let value = significant(identifier, bytes);
        if !is_identifier(&value) {
            return;
        }
        let last = self.last.entry(identifier).or_default();
        let number = *self.numbers.entry((identifier, value.clone())).or_insert_with(|| {
            *last = last.wrapping_add(1);
            *last
        });
        let stand_in = identifier.bytes(number, &value);
        // The enable bit, which says what state the function is in.
        let kept = bytes.first().zip(value.first()).map_or(0, |(byte, value)| byte ^ value);
        for (byte, new) in bytes.iter_mut().zip(stand_in) {
            *byte = new;
        }
        bytes.iter_mut().take(1).for_each(|byte| *byte |= kept);
    }

    /// What is wrong, with stand-ins for the identifiers in it.
    pub(super) fn wrong(&mut self, wrong: &Wrong) -> Wrong {
        use clp::ClientError::{Call, Function, List, OtherFunction};
        let Wrong::Client(error) = wrong else {
            return wrong.clone();
        };
        Wrong::Client(match *error {
            OtherFunction(id) => OtherFunction(self.function_id(id)),
            List(ListError::PlaceLost { last }) => List(ListError::PlaceLost { last: self.function_id(last) }),
            List(ListError::NoProgress { token }) => List(ListError::NoProgress { token: self.resume_token(token) }),
            Call(_) | Function(_) | List(_) => *error,
            // None of these comes of a list or a query; what it says may be anything.
            _ => return Wrong::System("an error that may have identifiers in it".to_owned()),
        })
    }

    fn function_id(&mut self, id: FunctionId) -> FunctionId {
        let mut bytes = id.0.to_be_bytes();
        self.replace(Identifier::FunctionId, &mut bytes);
        FunctionId(u32::from_be_bytes(bytes))
    }

    fn resume_token(&mut self, token: ResumeToken) -> ResumeToken {
        let mut bytes = token.0.to_be_bytes();
        self.replace(Identifier::ResumeToken, &mut bytes);
        ResumeToken(u64::from_be_bytes(bytes))
    }
}

/// The value without what is no part of the identifier: the enable bit of a handle.
fn significant(identifier: Identifier, bytes: &[u8]) -> Vec<u8> {
    let mut value = bytes.to_vec();
    if identifier == Identifier::Handle {
        value.iter_mut().take(1).for_each(|byte| *byte &= 0x7f);
    }
    value
}

/// Whether a value identifies anything.
fn is_identifier(value: &[u8]) -> bool {
    [0, 0xff].iter().all(|none| value.iter().any(|byte| byte != none))
}
