// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Defects of what a VMM answers its guest with, and of what is mapped for it.

use super::{Defect, GUEST, SHADOW};

const BEFORE_RS: &str = "s390-iommu/src/guest/controls/before.rs";
const CONTROLS_RS: &str = "s390-iommu/src/guest/controls.rs";
const PENDING_RS: &str = "s390-iommu/src/guest/controls/pending.rs";
const QUEUE_RS: &str = "s390-iommu/src/guest/event_queue.rs";
const SHADOW_RS: &str = "zpci-vfio/src/shadow.rs";
const STEPS_RS: &str = "s390-iommu/src/guest/refresh.rs";

pub(super) const DEFECTS: &[Defect] = &[
    Defect {
        name: "a step of a guest's RPCIT maps a frame as one",
        finding: "256 calls for one, and thousands with a small budget",
        file: STEPS_RS,
        before: "Some(last) if last < range.last() => range",
        after: "Some(last) if false && last < range.last() => range",
        check: GUEST,
    },
    Defect {
        name: "pages in a row are unmapped one by one",
        finding: "a refresh of the host for each",
        file: STEPS_RS,
        before: "let row = row_of(mappings, range, old.range, budget);",
        after: "let row = budget.front(old.range);\n                budget.spend(row.pages());",
        check: GUEST,
    },
    Defect {
        name: "a registration starts with what was mapped before a disable",
        finding: "the device reaches pages that the guest did not map for it",
        file: SHADOW_RS,
        before: "Effect::Registered(registration) | Effect::Reregistered(registration) => {",
        after: "Effect::Registered(registration) => self.register(registration, window),\n\
                \x20           Effect::Reregistered(registration) => {",
        check: SHADOW,
    },
    Defect {
        name: "a guest maps as many pages as its tables name",
        finding: "34 KiB of tables take the storage of the host",
        file: SHADOW_RS,
        before: "saturating_add(more) > self.given_limit.unwrap_or(self.limit)",
        after: "saturating_add(more) == usize::MAX",
        check: SHADOW,
    },
    Defect {
        name: "a refresh of a guest outlives the error",
        finding: "what the VMM unmapped is taken for mapped, and the DMA of the guest fails",
        file: CONTROLS_RS,
        before: "        if matches!(self.state, State::Error | State::PermanentError) {\n            self.refresh = None;\n        }\n",
        after: "",
        check: GUEST,
    },
    Defect {
        name: "taking MPCIFC back ends an error that came meanwhile",
        finding: "the guest has the event of it, and its function does DMA",
        file: BEFORE_RS,
        before: "if matches!(self.state, State::Enabled | State::Blocked) {",
        after: "if true {",
        check: GUEST,
    },
    Defect {
        name: "taking MPCIFC back takes back whatever was last",
        finding: "another processor's instruction is undone, of which the guest was told",
        file: BEFORE_RS,
        before: "self.before.take_if(|before| before.register == answer.register)",
        after: "self.before.take()",
        check: GUEST,
    },
    Defect {
        name: "a refresh goes on with what was taken back",
        finding: "it maps what the guest no longer registers",
        file: BEFORE_RS,
        before: "                self.refresh = None;\n",
        after: "",
        check: GUEST,
    },
    Defect {
        name: "all is refreshed of a function that does no DMA",
        finding: "the device reaches storage before the guest has mended its tables",
        file: PENDING_RS,
        before: "self.registration.filter(|_| self.does_dma())?",
        after: "self.registration?",
        check: GUEST,
    },
    Defect {
        name: "clearing the error state looks like the end of the error",
        finding: "the VMM lets the device do DMA while the function is blocked",
        file: CONTROLS_RS,
        before: "Ok(if self.does_dma() { Effect::Reset } else { Effect::Unblocked })",
        after: "Ok(Effect::Reset)",
        check: GUEST,
    },
    Defect {
        name: "a report for each event",
        finding: "the guest asks for events that are not there",
        file: QUEUE_RS,
        before: "            Ok(()) if is_first => Queued::Report,\n            Ok(()) => Queued::Behind,\n",
        after: "            Ok(()) => Queued::Report,\n",
        check: GUEST,
    },
    Defect {
        name: "a function without translation stays unmapped after an error",
        finding: "its DMA fails, and nothing of the guest's maps it",
        file: SHADOW_RS,
        before: "Effect::Reset if self.is_cleared => match self.identity {",
        after: "Effect::Reset if false => match self.identity {",
        check: SHADOW,
    },
    Defect {
        name: "storage that went away stays mapped",
        finding: "the device writes to what the process has there by then",
        file: SHADOW_RS,
        before: "        self.unmap_pages(gone);\n",
        after: "        let _: Vec<u64> = gone;\n",
        check: SHADOW,
    },
    Defect {
        name: "other storage at the same address is not seen",
        finding: "the device writes to the storage before",
        file: SHADOW_RS,
        before: "(storage.map(<*mut u8>::addr) != Some(page.host)).then_some(*iova)",
        after: "storage.is_none().then_some(*iova)",
        check: SHADOW,
    },
    Defect {
        name: "storage that comes is mapped beside what the guest was kept from",
        finding: "the device reaches storage while the function is in error",
        file: SHADOW_RS,
        before: "self.identity.filter(|_| !self.is_cleared) else { return Ok(()) }",
        after: "self.identity else { return Ok(()) }",
        check: SHADOW,
    },
];
