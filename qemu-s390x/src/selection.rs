// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What the program does, as whoever starts it says by the load parameter.
//!
//! A machine that passes a function of its host through may end where the function is refused an access: QEMU stops the guest
//! (`vfio_err_notifier_handler` in `hw/vfio/pci.c`). There everything else is one run, and each refusal is one.

/// An access that a device must be refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// A write to a page that is mapped for reading.
    ReadOnly,
    /// A write to a page that was unmapped, and refreshed.
    Unmapped,
    /// A write to a page that was mapped without a refresh.
    Unrefreshed,
    /// A write to a frame of 1 MiB that was unmapped, and refreshed.
    UnmappedFrame,
}

/// What is done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Selection {
    /// All there is.
    Everything,
    /// All but what a device must be refused.
    WithoutRefusals,
    /// One refusal, and what shows before that the device works.
    Refusal(Refusal),
}

/// The load parameters, filled with blanks.
const PARAMETERS: [(&str, Selection); 6] = [
    ("        ", Selection::Everything),
    ("SPARE   ", Selection::WithoutRefusals),
    ("READONLY", Selection::Refusal(Refusal::ReadOnly)),
    ("UNMAPPED", Selection::Refusal(Refusal::Unmapped)),
    ("UNSEEN  ", Selection::Refusal(Refusal::Unrefreshed)),
    ("FRAME   ", Selection::Refusal(Refusal::UnmappedFrame)),
];

impl Selection {
    /// What `parameter` asks for, in EBCDIC as SCLP tells it. Returns `None` if nobody knows.
    pub fn of_load_parameter(parameter: [u8; 8]) -> Option<Self> {
        // Of a machine that was given none there are zeros.
        let ascii = parameter.map(|byte| if byte == 0 { b' ' } else { letter(byte) });
        PARAMETERS.iter().find(|(name, _)| name.as_bytes() == ascii).map(|(_, selection)| *selection)
    }
}

impl Refusal {
    /// What the case is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only-page-is-refused",
            Self::Unmapped => "unmapped-page-is-refused",
            Self::Unrefreshed => "page-without-refresh-is-refused",
            Self::UnmappedFrame => "unmapped-1m-frame-is-refused",
        }
    }

    /// What is refused, in words.
    pub const fn target(self) -> &'static str {
        match self {
            Self::ReadOnly => "a read-only page",
            Self::Unmapped => "an unmapped page",
            Self::Unrefreshed => "a page that is mapped without a refresh",
            Self::UnmappedFrame => "an unmapped frame of 1 MiB",
        }
    }
}

/// A capital letter or a blank of EBCDIC, in ASCII; anything else is a question mark.
const fn letter(ebcdic: u8) -> u8 {
    match ebcdic {
        0x40 => b' ',
        0xc1..=0xc9 => ebcdic - 0xc1 + b'A',
        0xd1..=0xd9 => ebcdic - 0xd1 + b'J',
        0xe2..=0xe9 => ebcdic - 0xe2 + b'S',
        _ => b'?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_ebcdic() {
        for (parameter, selection) in [
            ([0; 8], Selection::Everything),
            ([0x40; 8], Selection::Everything),
            ([0xe2, 0xd7, 0xc1, 0xd9, 0xc5, 0x40, 0x40, 0x40], Selection::WithoutRefusals),
            ([0xd9, 0xc5, 0xc1, 0xc4, 0xd6, 0xd5, 0xd3, 0xe8], Selection::Refusal(Refusal::ReadOnly)),
            ([0xe4, 0xd5, 0xd4, 0xc1, 0xd7, 0xd7, 0xc5, 0xc4], Selection::Refusal(Refusal::Unmapped)),
            ([0xe4, 0xd5, 0xe2, 0xc5, 0xc5, 0xd5, 0x40, 0x40], Selection::Refusal(Refusal::Unrefreshed)),
            ([0xc6, 0xd9, 0xc1, 0xd4, 0xc5, 0x40, 0x40, 0x40], Selection::Refusal(Refusal::UnmappedFrame)),
        ] {
            assert_eq!(Selection::of_load_parameter(parameter), Some(selection));
        }
        // SPARED, and SPARE in ASCII.
        assert_eq!(Selection::of_load_parameter([0xe2, 0xd7, 0xc1, 0xd9, 0xc5, 0xc4, 0x40, 0x40]), None);
        assert_eq!(Selection::of_load_parameter(*b"SPARE   "), None);
    }
}
