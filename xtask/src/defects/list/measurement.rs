// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Defects of the measurement of functions for user space.

use super::{Defect, SHIM};

const MEASUREMENT_C: &str = "glue-c/kernel/measurement.c";

pub(super) const DEFECTS: &[Defect] = &[
    Defect {
        name: "a measurement is ended by whatever handle the function has",
        finding: "with that of an event that comes late the block is freed while the machine writes it",
        file: MEASUREMENT_C,
        before: "\t\tcc = zpci_unset_measure(function, function->measured, again);\n",
        after: "\t\tfunction->measured = READ_ONCE(function->zdev->fh);\n\
                \t\tcc = zpci_unset_measure(function, function->measured, again);\n",
        check: SHIM,
    },
    Defect {
        name: "storage is written out for the block of a function that is to be reset",
        finding: "the reset waits for the lock, and the storage for a disk behind it",
        file: MEASUREMENT_C,
        before: "kzalloc_obj(*function->fmb, GFP_NOIO)",
        after: "kzalloc_obj(*function->fmb)",
        check: SHIM,
    },
    Defect {
        name: "a measurement ends with any handle that the machine does not know",
        finding: "the same, of one that is to be begun anew",
        file: MEASUREMENT_C,
        before: "(cc == ZPCI_CC_INVAL_HANDLE && handle == function->measured)",
        after: "cc == ZPCI_CC_INVAL_HANDLE",
        check: SHIM,
    },
    Defect {
        name: "a measurement is begun only after one that ended",
        finding: "where the machine refuses to end what a reset ended, it is begun never more",
        file: MEASUREMENT_C,
        before: "\tif (!cc || cc == ZPCI_CC_ERR) {\n",
        after: "\tif (!cc) {\n",
        check: SHIM,
    },
    Defect {
        name: "a measurement that did not end is freed",
        finding: "the machine goes on to write the block",
        file: MEASUREMENT_C,
        before: "\t\tif (function->measured)\n\t\t\treturn cc == ZPCI_CC_BUSY ? -EBUSY : -EIO;\n",
        after: "\t\tif (cc == ZPCI_CC_BUSY)\n\t\t\treturn -EBUSY;\n",
        check: SHIM,
    },
    Defect {
        name: "a measurement that did not begin anew is freed",
        finding: "the same",
        file: MEASUREMENT_C,
        before: "\tif (!function->measured)\n\t\tzpci_drop_block(function);\n",
        after: "\tzpci_drop_block(function);\n",
        check: SHIM,
    },
    Defect {
        name: "a measurement that did not end is read by who opens the function next",
        finding: "it is told what it did not begin",
        file: MEASUREMENT_C,
        before: "\t/* What is kept is not for who opens the function next. */\n\tfunction->sampled = false;\n",
        after: "",
        check: SHIM,
    },
    Defect {
        name: "a reset does not end a measurement",
        finding: "where the machine refuses to end it, it is ended never more",
        file: "glue-c/kernel/registration.c",
        before: "\tfunction->measured = 0;\n",
        after: "",
        check: SHIM,
    },
];
