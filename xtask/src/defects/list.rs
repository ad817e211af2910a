// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The defects, as changes of the sources, and the check that has to catch each.

/// A defect that was there once, or could come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defect {
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) finding: &'static str,
    pub(crate) file: &'static str,
    pub(crate) before: &'static str,
    pub(crate) after: &'static str,
    /// Arguments of cargo.
    pub(crate) check: &'static [&'static str],
}

const INTERLEAVINGS: &[&str] = &["test", "--quiet", "-p", "zpci-glue", "--test", "interleavings", "--", "--fail-fast"];
const STALE: &[&str] = &["test", "--quiet", "-p", "s390-iommu", "--test", "stale"];
const ISM: &[&str] = &["test", "--quiet", "-p", "s390-iommu", "--test", "ism"];
const FAKE: &[&str] = &["test", "--quiet", "-p", "zpci-tests", "--test", "host"];
const SHIM: &[&str] = &["test", "--quiet", "-p", "zpci-glue", "--test", "host"];

const GUEST: &[&str] = &["test", "--quiet", "-p", "s390-iommu", "--test", "guest"];
const SHADOW: &[&str] = &["test", "--quiet", "-p", "zpci-vfio", "--all-features", "--test", "vmm"];
const TEXTS: &[&str] = &["test", "--quiet", "-p", "zpci", "--test", "offsets", "--test", "forms"];

const ATTACH_C: &str = "glue-c/kernel/attach.c";
const IOMMU_C: &str = "glue-c/kernel/iommu.c";
const REFRESH_H: &str = "glue-c/kernel/zpci_refresh.h";
const RECLAIM_C: &str = "glue-c/kernel/reclaim.c";
const ATTACH_RS: &str = "s390-iommu/src/attach.rs";
const REFRESH_RS: &str = "s390-iommu/src/attach/refresh.rs";
const GUEST_RS: &str = "s390-iommu/src/guest/refresh.rs";
const SHADOW_RS: &str = "zpci-vfio/src/shadow.rs";

/// All of them.
pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        name: "listed after the registration",
        finding: "an unmap misses a function that is just joining",
        file: ATTACH_C,
        before: "\tzpci_list(attachment);\n\trc = waits ? 0 : zpci_register(attachment, &outcome);\n",
        after: "\trc = waits ? 0 : zpci_register(attachment, &outcome);\n\tzpci_list(attachment);\n",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "no attach of a function that is being recovered",
        finding: "the kernel gives up, and a reset later registers nothing",
        file: ATTACH_C,
        before: "\tif (waits && waits != -EAGAIN) {\n",
        after: "\tif (waits) {\n",
        check: SHIM,
    },
    Defect {
        name: "an error state is cleared while somebody maps",
        finding: "the function is never told of it",
        file: ATTACH_C,
        before: "\t\t\treturn zpci_is_behind(function) ? ZPCI_CC_ERR : 0;\n",
        after: "\t\t\treturn 0;\n",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "an error state is cleared of a function that was attached meanwhile",
        finding: "it has no translation until it is reset",
        file: ATTACH_C,
        before: "\treturn attachment && (!zpci_rust_is_registered(&attachment->rust) ||\n\
                 \t\t\t      zpci_rust_is_stale(&attachment->rust));\n",
        after: "\treturn attachment && zpci_rust_is_stale(&attachment->rust);\n",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "what another kernel registered is taken for ours",
        finding: "an error state is cleared, and the function does DMA by tables of a kernel that is gone",
        file: ATTACH_RS,
        before: " || self.foreign.load(Ordering::Acquire)",
        after: "",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "what did not end is a member still",
        finding: "a container tells of a function that left it",
        file: ATTACH_C,
        before: "\tWRITE_ONCE(attachment->left, true);\n",
        after: "",
        check: SHIM,
    },
    Defect {
        name: "a refusal in the error state is noted too late",
        finding: "the state is cleared in between, and nobody makes up for it",
        file: REFRESH_RS,
        before: "            return self.settle(zpci, function, result);\n",
        after: "            return self.note(result);\n",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "MPCIFC for what waits for the end of another one",
        finding: "that ends, and is refreshed for the function all the same: QEMU puts it into the error state",
        file: ATTACH_C,
        before: "\tif (!list_empty(&function->stuck)) {\n",
        after: "\tif (false) {\n",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "a refresh of everything for ISM",
        finding: "it does not survive one of what it uses",
        file: REFRESH_RS,
        before: "        self.is_stale() && self.limits.may_defer()\n",
        after: "        self.is_stale()\n",
        check: ISM,
    },
    Defect {
        name: "unlisted before the end of the registration",
        finding: "an unmap misses a function that is just leaving",
        file: ATTACH_C,
        before: "\tint rc;\n\n\trc = zpci_rust_detach(",
        after: "\tint rc;\n\n\tlist_del_rcu(&attachment->entry);\n\
                \tINIT_LIST_HEAD(&attachment->entry);\n\trc = zpci_rust_detach(",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "refresh of a function that is not registered",
        finding: "QEMU puts it into the error state",
        file: REFRESH_RS,
        before: "self.registered.load(Ordering::Relaxed).then(|| zpci.rpcit(function, piece))",
        after: "Some(zpci.rpcit(function, piece))",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "first refresh of a function that is not registered",
        finding: "QEMU puts it into the error state",
        file: REFRESH_RS,
        before: "        let plain = self.registered.load(Ordering::Relaxed)\n            && self.stale",
        after: "        let plain = self.stale",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "first refresh outside of the gate",
        finding: "it reaches a function whose registration just ended",
        file: REFRESH_H,
        before: "\tread_lock(&attachment->gate);\n\tstep = zpci_rust_first_step(&attachment->rust, start, last);\n",
        after: "\tstep = zpci_rust_first_step(&attachment->rust, start, last);\n\tread_lock(&attachment->gate);\n",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "first refresh of a stale function as if it were none",
        finding: "what was missed is never made up for",
        file: REFRESH_RS,
        before: "            && self.stale.load(Ordering::Relaxed) & STALE == 0\n",
        after: "",
        check: SHIM,
    },
    Defect {
        name: "what is taken out during a grace period goes with its end",
        finding: "somebody may be looking across them",
        file: RECLAIM_C,
        before: "\tzpci_rust_reclaimed_join(&domain->waiting, reclaimed, zpci_storage_base());\n",
        after: "\tzpci_rust_reclaimed_join(domain->in_grace ? &domain->passing : &domain->waiting, reclaimed,\n\
                \t\t\t\t zpci_storage_base());\n",
        check: SHIM,
    },
    Defect {
        name: "a domain goes with the grace period that goes on",
        finding: "somebody may be looking at its tables",
        file: RECLAIM_C,
        before: "\tdomain->ended = true;\n",
        after: "\tdomain->ended = true;\n\tdomain->ending |= domain->in_grace;\n",
        check: SHIM,
    },
    Defect {
        name: "what waits for a grace period forgotten",
        finding: "the tables are lost",
        file: RECLAIM_C,
        before: "\tagain = zpci_grace_begin(domain);\n",
        after: "\tagain = false;\n\tdomain->in_grace = false;\n",
        check: SHIM,
    },
    Defect {
        name: "a callback that frees all tables of a domain",
        finding: "it holds a processor up",
        file: RECLAIM_C,
        before: "\t\tqueue_work(system_dfl_wq, &domain->rest);\n",
        after: "\t\tzpci_free_rest(&domain->rest);\n",
        check: SHIM,
    },
    Defect {
        name: "the rest that a callback leaves forgotten",
        finding: "the tables are lost",
        file: RECLAIM_C,
        before: "\t\tqueue_work(system_dfl_wq, &domain->rest);\n",
        after: "\t\tzpci_grace_end(domain);\n",
        check: SHIM,
    },
    Defect {
        name: "a domain that ended goes with the rest of what passed before",
        finding: "somebody may be looking at its tables",
        file: RECLAIM_C,
        before: "\tif (domain->ending) {\n\t\tkfree(domain);",
        after: "\tif (domain->ended) {\n\t\tkfree(domain);",
        check: SHIM,
    },
    Defect {
        name: "kept tables forgotten with their domain",
        finding: "the tables are lost",
        file: RECLAIM_C,
        before: "\tif (domain->ending && domain->kept.list[0])\n\t\tzpci_rust_reclaimed_join(",
        after: "\tif (0)\n\t\tzpci_rust_reclaimed_join(",
        check: SHIM,
    },
    Defect {
        name: "disabled function taken for a registered one",
        finding: "RPCIT between enabling and registering",
        file: ATTACH_C,
        before: "\tif (function->attachment)\n\t\tzpci_rust_disabled(&function->attachment->rust);\n",
        after: "",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "mappings before an attach are not told",
        finding: "a hypervisor never learns of them",
        file: ATTACH_C,
        before: "\tif (rc || outcome->cc || !attachment->domain)\n",
        after: "\tif (1)\n",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "tables freed although a refresh failed",
        finding: "a function may still walk them",
        file: RECLAIM_C,
        before: "\tif (zpci_refresh(domain, reclaimed.span.start, reclaimed.span.last, NULL) ||\n\t    zpci_is_pinned(domain))\n",
        after: "\tzpci_refresh(domain, reclaimed.span.start, reclaimed.span.last, NULL);\n\tif (zpci_is_pinned(domain))\n",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "tables freed without their refresh",
        finding: "a machine keeps the upper entries",
        file: RECLAIM_C,
        before: "\tif (zpci_refresh(domain, reclaimed.span.start, reclaimed.span.last, NULL) ||\n\t    zpci_is_pinned(domain))\n",
        after: "\tif (zpci_is_pinned(domain))\n",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "tables freed without a grace period",
        finding: "somebody may be looking across them",
        file: RECLAIM_C,
        before: "\t\tzpci_keep(domain, &reclaimed);\n\telse\n\t\tzpci_free_later(domain, &reclaimed);\n",
        after: "\t\tzpci_keep(domain, &reclaimed);\n\telse\n\t\tzpci_rust_reclaimed_free(&reclaimed, zpci_storage_base(), ~0U);\n",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "kept tables freed without a refresh",
        finding: "a function may still walk them",
        file: RECLAIM_C,
        before: "\tif (zpci_refresh_all(domain, NULL) || zpci_is_pinned(domain))\n",
        after: "\tif (zpci_is_pinned(domain))\n",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "account of kept tables written into them",
        finding: "words that read as valid entries of absolute page 0",
        file: RECLAIM_C,
        before: "\tif (!reclaimed.list[0])\n\t\treturn;\n",
        after: "\tif (!reclaimed.list[0])\n\t\treturn;\n\
                \t((u64 *)phys_to_virt(reclaimed.list[0] & ~2047ULL))[2] = 0;\n",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "failed deregistration taken for done",
        finding: "tables are freed under a function",
        file: ATTACH_C,
        before: "\tif (rc)\n\t\treturn rc;\n\tzpci_unlist(attachment);\n\treturn 0;\n",
        after: "\tzpci_unlist(attachment);\n\treturn 0;\n",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "ISM not told that its domain goes",
        finding: "it goes on to use what belongs to others",
        file: IOMMU_C,
        before: "\t\tif (zpci_refresh(domain, 0, last, NULL))\n\t\t\tzpci_refresh_all(domain, NULL);\n",
        after: "\t\tzpci_refresh_all(domain, NULL);\n",
        check: SHIM,
    },
    Defect {
        name: "domain freed while a function is registered",
        finding: "the root is freed under it",
        file: ATTACH_C,
        before: "\trefcount_inc(&domain->refs);\n\tspin_lock_irqsave",
        after: "\tspin_lock_irqsave",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "a function in error fails its neighbours",
        finding: "every map of the domain fails",
        file: REFRESH_RS,
        before: "            Err(RefreshError { action: Action::AwaitReset | Action::AwaitRecovery, .. }) => Ok(Mapped::Later),\n",
        after: "",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "missed refresh forgotten",
        finding: "a stale function is never refreshed as a whole",
        file: REFRESH_RS,
        before: "let _ = self.stale.fetch_update(Ordering::SeqCst, Ordering::SeqCst, failed);",
        after: "let _ = failed;",
        check: SHIM,
    },
    Defect {
        name: "refresh outside of the aperture",
        finding: "an error of the function",
        file: REFRESH_RS,
        before: "            Some(part) => self.issue(zpci, function, Refresh::of(part)),\n            None => Ok(()),\n",
        after: "            _ => self.issue(zpci, function, Refresh::of_change(range)),\n",
        check: SHIM,
    },
    Defect {
        name: "split without its refresh",
        finding: "a machine keeps the old frame",
        file: IOMMU_C,
        before: "\tif (split.start <= split.last)\n",
        after: "\tif (0)\n",
        check: SHIM,
    },
    Defect {
        name: "split of a frame reported as one page",
        finding: "a machine keeps the old frame for the others",
        file: "s390-iommu/src/table/unmap.rs",
        before: "Ok(if split { Change::of(frame) } else { Change::NONE })",
        after: "Ok(if split { Change::of(IovaRange::page(iova)) } else { Change::NONE })",
        check: FAKE,
    },
    Defect {
        name: "last page of 2^64 in the aperture",
        finding: "RPCIT ends at 0",
        file: "s390-iommu/src/machine/limits.rs",
        before: "const LAST_REFRESHED: u64 = u64::MAX - PAGE_SIZE;",
        after: "const LAST_REFRESHED: u64 = u64::MAX;",
        check: &["test", "--quiet", "-p", "s390-iommu", "--lib"],
    },
    Defect {
        name: "identity with a narrowed window",
        finding: "memory that comes later is not reached",
        file: ATTACH_RS,
        before: "Ok(Self::new(limits, Iota::IDENTITY, limits.window, gate))",
        after: "let aperture = limits.wanted(1 << 30).unwrap_or(limits.window);\n        Ok(Self::new(limits, Iota::IDENTITY, aperture, gate))",
        check: SHIM,
    },
    Defect {
        name: "response code 0 taken for success",
        finding: "handle 0, and a function that is enabled still",
        file: "clp/src/message.rs",
        before: "            ResponseCode(0) => return Err(ResponseError::NoCode),\n",
        after: "            ResponseCode(0) => {}\n",
        check: &["test", "--quiet", "-p", "zpci-clp"],
    },
    Defect {
        name: "tables freed although a lost function may use them",
        finding: "a function is removed while the machine did not end its translation",
        file: RECLAIM_C,
        before: "\tif (zpci_refresh(domain, reclaimed.span.start, reclaimed.span.last, NULL) ||\n\t    zpci_is_pinned(domain))\n",
        after: "\tif (zpci_refresh(domain, reclaimed.span.start, reclaimed.span.last, NULL))\n",
        check: SHIM,
    },
    Defect {
        name: "what others own is refreshed as what the caller changed",
        finding: "an owner gives the table back meanwhile, and the start of a neighbour is passed over",
        file: REFRESH_RS,
        before: "self.issue(zpci, function, Refresh::of(range))",
        after: "self.issue(zpci, function, Refresh::of_change(range))",
        check: STALE,
    },
    Defect {
        name: "a stale function is not told of mappings",
        finding: "it looks for them in tables that were taken out",
        file: REFRESH_RS,
        before: "Some(range) if self.limits.refresh_on_map || self.is_stale() =>",
        after: "Some(range) if self.limits.refresh_on_map =>",
        check: STALE,
    },
    Defect {
        name: "a handle from before a reset makes up for what was missed",
        finding: "nobody refreshes the registration that there is",
        file: REFRESH_RS,
        before: "        if result.is_ok() {\n",
        after: "        if matches!(result, Ok(()) | Err(RefreshError { action: Action::Forget, .. })) {\n",
        check: STALE,
    },
    Defect {
        name: "made up for before the refresh is done",
        finding: "who maps meanwhile leaves the function its old entries",
        file: REFRESH_RS,
        before: "        let before = self.stale.load(Ordering::SeqCst);\n",
        after: "        let before = self.stale.fetch_and(!STALE, Ordering::SeqCst);\n",
        check: STALE,
    },
    Defect {
        name: "a refresh makes up for what failed while it went on",
        finding: "a function may use old entries, and nobody knows",
        file: REFRESH_RS,
        before: "            let _ = self.stale.compare_exchange(before, before & !STALE, Ordering::SeqCst, Ordering::Relaxed);\n",
        after: "            self.stale.store(before & !STALE, Ordering::SeqCst);\n",
        check: STALE,
    },
    Defect {
        name: "tables of a freed domain keep their entries under a function",
        finding: "the pages belong to others from then on",
        file: IOMMU_C,
        before: "\tif (refcount_read(&domain->refs) > 1) {\n",
        after: "\tif (0) {\n",
        check: SHIM,
    },
    Defect {
        name: "unmapping what is not mapped is no event",
        finding: "a driver that unmaps twice takes away what is somebody else's",
        file: IOMMU_C,
        before: "\tWARN_ON_ONCE(rc == -ENOENT);\n",
        after: "",
        check: SHIM,
    },
    Defect {
        name: "a hole in a range is no event",
        finding: "a driver that unmaps too much takes away what is somebody else's",
        file: "glue-c/src/table.rs",
        before: "return if pages == size / PAGE_SIZE { 0 } else { errno::ENOENT };",
        after: "return if pages != 0 { 0 } else { errno::ENOENT };",
        check: SHIM,
    },
    Defect {
        name: "a refresh of the driver's own counted",
        finding: "the statistics of a function say something else than before",
        file: RECLAIM_C,
        before: "\tif (zpci_refresh_all(domain, NULL) ||",
        after: "\tif (zpci_refresh_all(domain, &domain->ctrs.global_rpcits) ||",
        check: SHIM,
    },
    Defect {
        name: "interrupts that are not directed take the window of those that are",
        finding: "16 MiB of addresses are reserved for nothing",
        file: "glue-c/kernel/function.c",
        before: "sclp.has_dirq && !s390_pci_force_floating;",
        after: "sclp.has_dirq;",
        check: SHIM,
    },
    Defect {
        name: "each busy answer taken for the first",
        finding: "busy answers push everything else out of pci_error",
        file: "glue-c/src/kernel.rs",
        before: "self.last().cc == ConditionCode::Two",
        after: "false",
        check: SHIM,
    },
    Defect {
        name: "an end of a function that is gone leaves no line",
        finding: "pci_msg does not say what the machine answered",
        file: "glue-c/src/attachment.rs",
        before: "Ok(()) => (0, ForeignOutcome { cc: zpci.last().cc as u8, status: zpci.last().status.0 }),",
        after: "Ok(()) => (0, ForeignOutcome::default()),",
        check: SHIM,
    },
    Defect {
        name: "a look at the list before the barrier",
        finding: "an unmap misses a function that is just joining, on a machine that reorders",
        file: REFRESH_H,
        before: "\tsmp_mb();\n\tif (list_empty(&domain->attachments))\n\t\treturn 0;\n\trcu_read_lock();\n\
                \tlist_for_each_entry_rcu(attachment, &domain->attachments, entry) {\n\t\tif (counter)",
        after: "\tif (list_empty(&domain->attachments))\n\t\treturn 0;\n\tsmp_mb();\n\trcu_read_lock();\n\
                \tlist_for_each_entry_rcu(attachment, &domain->attachments, entry) {\n\t\tif (counter)",
        check: SHIM,
    },
    Defect {
        name: "a look at the list before the barrier of a mapping",
        finding: "a mapping is not told to a function that is just joining, on a machine that reorders",
        file: IOMMU_C,
        before: "\tsmp_mb();\n\tif (list_empty(&domain->attachments))\n\t\treturn 0;\n\trcu_read_lock();\n\
                \tlist_for_each_entry_rcu(attachment, &domain->attachments, entry) {\n\t\tif (attachment->zdev",
        after: "\tif (list_empty(&domain->attachments))\n\t\treturn 0;\n\tsmp_mb();\n\trcu_read_lock();\n\
                \tlist_for_each_entry_rcu(attachment, &domain->attachments, entry) {\n\t\tif (attachment->zdev",
        check: SHIM,
    },
    Defect {
        name: "an attachment freed without a grace period",
        finding: "somebody may be on his way along the list",
        file: ATTACH_C,
        before: "\tkfree_rcu(attachment, rcu);\n}",
        after: "\tkfree(attachment);\n}",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "what is mapped is shown outside of a read-side section",
        finding: "an owner may free the tables that are walked",
        file: ATTACH_C,
        before: "\tguard(rcu)();\n\tif (zpci_rust_catch_up(",
        after: "\tif (zpci_rust_catch_up(",
        check: SHIM,
    },
    Defect {
        name: "half of a freed domain keeps its entries under a function",
        finding: "the pages belong to others from then on",
        file: IOMMU_C,
        before: "\t\tzpci_rust_unmap(&domain->table, half, half, &unmapped);\n",
        after: "",
        check: SHIM,
    },
    Defect {
        name: "tables taken out under a lost function",
        finding: "they are never freed, and each mapping takes new ones",
        file: RECLAIM_C,
        before: "\tif (READ_ONCE(domain->pinned))\n\t\treturn;\n",
        after: "",
        check: SHIM,
    },
    Defect {
        name: "a function that is gone stays registered",
        finding: "it is refreshed for ever",
        file: ATTACH_RS,
        before: "matches!(action, Action::Done | Action::AlreadyDone | Action::Forget)",
        after: "matches!(action, Action::Done | Action::AlreadyDone)",
        check: STALE,
    },
    Defect {
        name: "the first number system that fits",
        finding: "squeezed rows of od are read with hexadecimal offsets",
        file: "zpci/src/input/radix.rs",
        before: "rows.iter().find(differ) else",
        after: "rows.iter().find(differ).filter(|_| false) else",
        check: TEXTS,
    },
    Defect {
        name: "a step of a guest's RPCIT maps a frame as one",
        finding: "256 calls for one, and thousands with a small budget",
        file: GUEST_RS,
        before: "Some(last) if last < range.last() => range",
        after: "Some(last) if false && last < range.last() => range",
        check: GUEST,
    },
    Defect {
        name: "pages in a row are unmapped one by one",
        finding: "a refresh of the host for each",
        file: GUEST_RS,
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
        before: "saturating_add(more) > self.limit",
        after: "saturating_add(more) == usize::MAX",
        check: SHADOW,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_one_place() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for Defect { name, file, before, .. } in DEFECTS {
            let text = std::fs::read_to_string(root.join(file)).unwrap();
            assert_eq!(text.matches(before).count(), 1, "{name}");
        }
    }
}
