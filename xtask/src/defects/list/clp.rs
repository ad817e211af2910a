// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Defects of the shim's CLP: functions that are listed, enabled and disabled.

use super::{Defect, INTERLEAVINGS, SHIM};

const CLP_C: &str = "glue-c/kernel/clp.c";

pub(super) const DEFECTS: &[Defect] = &[
    Defect {
        name: "storage is written out for who resets a function",
        finding: "it may be the function that is reset which it would be written to",
        file: "glue-c/kernel/clp.c",
        before: "GFP_NOIO);\n\tstruct zpci_function *function;\n\tu32 now = 0;\n",
        after: "GFP_KERNEL);\n\tstruct zpci_function *function;\n\tu32 now = 0;\n",
        check: SHIM,
    },
    Defect {
        name: "the list is not asked before a function is enabled",
        finding: "a machine that gave it the same handle again gets RPCIT without tables",
        file: CLP_C,
        before: "had. */\n\tzpci_note_disabled(zdev, function, block);\n",
        after: "had. */\n",
        check: SHIM,
    },
    Defect {
        name: "the list is not asked where a function is disabled already",
        finding: "what the machine disabled by itself is refreshed for ever",
        file: CLP_C,
        before: "\t\tzpci_note_disabled(zdev, function, block);\n",
        after: "",
        check: SHIM,
    },
    Defect {
        name: "an event that comes late ends a translation",
        finding: "tables are freed that the machine walks",
        file: CLP_C,
        before: "(!rc && !(found & ZPCI_FH_ENABLED))",
        after: "!rc",
        check: SHIM,
    },
    Defect {
        name: "the functions of a list that breaks off are left",
        finding: "nobody has them, and nobody frees them",
        file: CLP_C,
        before: "\tif (rc) {\n\t\tlist_for_each_entry_safe",
        after: "\tif (false) {\n\t\tlist_for_each_entry_safe",
        check: SHIM,
    },
    Defect {
        name: "a function that is known is held for ever",
        finding: "it is never freed",
        file: CLP_C,
        before: "\t\tzpci_zdev_put(zdev);\n",
        after: "",
        check: SHIM,
    },
    Defect {
        name: "the handle of a failure is compared with whatever the function has by then",
        finding: "what somebody else registered meanwhile is taken for ended, and its tables are freed",
        file: CLP_C,
        before: "\tif (now != before)\n\t\tzpci_function_disabled(function);\n",
        after: "\tif (now != zdev->fh)\n\t\tzpci_function_disabled(function);\n",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "a function is enabled while its translation is registered",
        finding: "a note that it was disabled is of the newer translation",
        file: CLP_C,
        before: "\tbefore = READ_ONCE(zdev->fh);\n\trc = zpci_rust_enable(block, before, nr_dma_as, zdev->gisa, zpci_use_mio(zdev), &now);\n",
        after: "\tbefore = READ_ONCE(zdev->fh);\n\tzpci_function_unlock(function);\n\
                \trc = zpci_rust_enable(block, before, nr_dma_as, zdev->gisa, zpci_use_mio(zdev), &now);\n\
                \tzpci_function_lock(zdev, false);\n",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "a registration is given up for who enables the function alone",
        finding: "nobody registers it after that, and its DMA is blocked",
        file: CLP_C,
        before: "zpci_function_lock(zdev, false);",
        after: "zpci_function_lock(zdev, true);",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "who enables a function stores its handle once more",
        finding: "it stands for a function that somebody else disabled since, and no reset brings that back",
        file: CLP_C,
        before: "\t\tzpci_update_fh(zdev, now);\n\t\t*fh = 0;\n",
        after: "\t\tzpci_update_fh(zdev, now);\n\t\t*fh = now;\n",
        check: INTERLEAVINGS,
    },
    Defect {
        name: "who finds a function disabled stores the handle from before",
        finding: "the same",
        file: CLP_C,
        before: "\tif (!rc)\n\t\t*fh = 0;\n",
        after: "",
        check: INTERLEAVINGS,
    },
];
