// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The boots of the first guest: which scenarios run in it, and what is judged of each.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// By which interface of the first kernel QEMU has the functions.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Api {
    /// A group and a container of VFIO.
    Type1,
    /// A device file of VFIO and an iommufd.
    Iommufd,
}

impl Api {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Type1, Self::Iommufd];
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Type1 => "type1",
            Self::Iommufd => "iommufd",
        })
    }
}

/// What an inner guest does; `qemu-s390x/linux/suites/nested.c` has them under the same names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Scenario {
    /// What it is called.
    pub(crate) name: &'static str,
    /// What is judged.
    pub(crate) kind: Kind,
    /// How many functions are passed through.
    pub(crate) functions: usize,
}

/// What is judged of a scenario.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// The bare-metal image does all but what a device must be refused, so many times.
    Image(usize),
    /// The image has a device refused one access.
    Refusal,
    /// A Linux runs suites.
    Linux,
    /// The same, with functions that are plugged and unplugged.
    Hotplug,
    /// The same, without translation.
    Identity,
    /// The same, with frames of 1 MiB asked for, which is not for a guest.
    IgnoredFrames,
}

/// One boot of the first guest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Boot {
    /// What `--boot` calls it.
    pub(crate) name: &'static str,
    /// In the order in which they run.
    pub(crate) scenarios: &'static [Scenario],
    /// Whether the first kernel is told of another group than QEMU's.
    pub(crate) falsified_group: bool,
}

const fn scenario(name: &'static str, kind: Kind, functions: usize) -> Scenario {
    Scenario { name, kind, functions }
}

/// All boots, the quick ones first.
pub(crate) const BOOTS: &[Boot] = &[
    Boot {
        name: "image",
        scenarios: &[
            scenario("image", Kind::Image(1), 1),
            scenario("read-only", Kind::Refusal, 1),
            scenario("unmapped", Kind::Refusal, 1),
            scenario("unseen", Kind::Refusal, 1),
            scenario("frame", Kind::Refusal, 1),
            scenario("two", Kind::Image(1), 2),
            scenario("reboot", Kind::Image(2), 1),
        ],
        falsified_group: false,
    },
    Boot { name: "linux", scenarios: &[scenario("linux", Kind::Linux, 1)], falsified_group: false },
    Boot { name: "group", scenarios: &[scenario("image", Kind::Image(1), 1)], falsified_group: true },
    Boot { name: "identity", scenarios: &[scenario("identity", Kind::Identity, 1)], falsified_group: true },
    Boot {
        name: "large-frames",
        scenarios: &[scenario("large-frames", Kind::IgnoredFrames, 1), scenario("forced-frames", Kind::Linux, 1)],
        falsified_group: false,
    },
    Boot { name: "hotplug", scenarios: &[scenario("hotplug", Kind::Hotplug, 2)], falsified_group: false },
];

impl Boot {
    /// Kernel parameters of the first guest.
    pub(crate) fn parameters(&self, api: Api) -> String {
        let names = self.scenarios.iter().map(|scenario| scenario.name).collect::<Vec<_>>().join(",");
        // Where the debugger has to know addresses, the kernel must be where it was linked.
        let random = if self.falsified_group { " zpci.falsified=1 nokaslr" } else { "" };
        format!("zpci.run=nested zpci.api={api} zpci.nested={names}{random}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_are_known_to_the_guest() {
        let suite = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../qemu-s390x/linux/suites/nested.c");
        let suite = std::fs::read_to_string(suite).unwrap();
        for scenario in BOOTS.iter().flat_map(|boot| boot.scenarios) {
            assert!(suite.contains(&format!("{{ \"{}\", ", scenario.name)), "{}", scenario.name);
        }
    }

    #[test]
    fn parameters_name_the_scenarios_in_order() {
        assert_eq!(BOOTS[1].parameters(Api::Iommufd), "zpci.run=nested zpci.api=iommufd zpci.nested=linux");
    }
}
