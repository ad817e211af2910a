// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The seam to a processor whose interruptions are the program's own.

use core::fmt;

use zpci_machine::interruption::{Subclasses, Suppression};
use zpci_machine::ChannelReport;

/// Interruptions, which are taken when the program asks for them and at no other time.
pub trait Processor: fmt::Debug {
    /// Says of which subclasses I/O interruptions are taken.
    fn enable(&self, subclasses: Subclasses);

    /// SIC: whether one interruption of `subclass` suppresses the following.
    fn set_suppression(&self, subclass: u8, suppression: Suppression);

    /// Takes everything that is pending and enabled, and tells what was taken since the last time.
    fn take(&self) -> Taken;

    /// STCRW: the next pending channel report.
    fn channel_report(&self) -> Option<ChannelReport>;
}

/// How many interruptions were taken.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Taken {
    /// Adapter interruptions, by subclass.
    pub adapter: [u32; 8],
    /// Other I/O interruptions.
    pub subchannel: u32,
    /// Machine checks that announce a channel report.
    pub channel_reports: u32,
    /// Other machine checks.
    pub machine_checks: u32,
}

impl Taken {
    /// Nothing.
    pub const NOTHING: Self = Self { adapter: [0; 8], subchannel: 0, channel_reports: 0, machine_checks: 0 };

    /// Nothing but `count` adapter interruptions of `subclass`.
    pub fn adapter(subclass: u8, count: u32) -> Self {
        let mut taken = Self::NOTHING;
        if let Some(counter) = taken.adapter.get_mut(usize::from(subclass)) {
            *counter = count;
        }
        taken
    }

    /// These and others.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (counter, more) in self.adapter.iter_mut().zip(other.adapter) {
            *counter += more;
        }
        self.subchannel += other.subchannel;
        self.channel_reports += other.channel_reports;
        self.machine_checks += other.machine_checks;
        self
    }
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (subclass, count) in self.adapter.iter().enumerate().filter(|(_, count)| **count > 0) {
            write!(f, "{separator}{count} adapter interruptions of subclass {subclass}")?;
            separator = ", ";
        }
        let others = [
            (self.subchannel, "subchannel interruptions"),
            (self.channel_reports, "machine checks for channel reports"),
            (self.machine_checks, "other machine checks"),
        ];
        for (count, what) in others.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{separator}{count} {what}")?;
            separator = ", ";
        }
        if separator.is_empty() {
            f.write_str("no interruption")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_text() {
        assert_eq!(Taken::NOTHING.to_string(), "no interruption");
        let taken = Taken::adapter(3, 2).and(Taken { channel_reports: 1, ..Taken::adapter(3, 1) });
        assert_eq!(taken.to_string(), "3 adapter interruptions of subclass 3, 1 machine checks for channel reports");
        assert_eq!(taken, Taken { adapter: [0, 0, 0, 3, 0, 0, 0, 0], channel_reports: 1, ..Taken::NOTHING });
    }
}
