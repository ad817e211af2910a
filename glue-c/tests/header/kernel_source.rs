// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! The headers of a Linux source tree, compiled on the host.

use std::path::PathBuf;

use clp::set_pci_fn::Operation;
use clp::{CommandCode, ConditionCode, FunctionType, LogicalProcessor, ResponseCode};
use s390_iommu::vfio::{identifier, ZpciGroup};
use s390_iommu::{FunctionControl, Status, TableSize};

use crate::compiler::{accept, file};
use crate::layout::{asserts, base_since_7_3, of_the_kernel};

/// Where the source tree is, if somebody says so.
pub(crate) fn path() -> Option<PathBuf> {
    std::env::var_os("ZPCI_KERNEL_SOURCE").map(PathBuf::from)
}

/// Compiles `text` after the headers of the tree.
fn accept_with_headers(text: &str) {
    let tree = path().expect("ZPCI_KERNEL_SOURCE");
    let include = |path: &str| format!("#include \"{}\"\n", tree.join(path).display());
    let headers = [
        "#include \"kernel.h\"\n".to_owned(),
        include("include/uapi/linux/vfio.h"),
        // The next one asks for an installed copy of the same.
        "#define VFIO_H\n".to_owned(),
        include("include/uapi/linux/vfio_zdev.h"),
        include("arch/s390/include/asm/pci_clp.h"),
        include("arch/s390/include/asm/pci_dma.h"),
        include("arch/s390/include/asm/pci_insn.h"),
    ];
    let options = [
        format!("-I{}", file("tests/header/include").display()),
        // After those of the host, which has none for CLP.
        format!("-idirafter{}", tree.join("arch/s390/include").display()),
    ];
    accept(&[&headers.concat(), text].concat(), &options);
}

/// Every structure that crosses has the offsets and sizes that Rust has.
pub(crate) fn layout() {
    let guard = "#ifdef VFIO_DEVICE_FEATURE_ZPCI_ERROR\n";
    let newer = asserts(&[base_since_7_3()]);
    accept_with_headers(&[&asserts(&of_the_kernel()), guard, &newer, "#endif\n"].concat());
}

/// The codes that cross, by the names that they have in the kernel.
fn codes() -> Vec<(&'static str, u64)> {
    let mut codes: Vec<(&str, u64)> = Vec::new();
    codes.extend([
        ("CLP_LPS_BASE", LogicalProcessor::BASE.0.into()),
        ("CLP_LPS_PCI", LogicalProcessor::PCI.0.into()),
        ("PCI_FUNC_TYPE_ISM", FunctionType::ISM.0.into()),
        ("VFIO_DEVICE_INFO_ZPCI_FLAG_REFRESH", ZpciGroup::REFRESH),
        ("ZPCI_TABLE_SIZE", TableSize::Crst.bytes() as u64),
        ("ZPCI_PT_SIZE", TableSize::Page.bytes() as u64),
    ]);
    let commands = [
        ("CLP_SLPC", CommandCode::STORE_CHARACTERISTICS),
        ("CLP_LIST_PCI", CommandCode::LIST_PCI),
        ("CLP_QUERY_PCI_FN", CommandCode::QUERY_PCI_FN),
        ("CLP_QUERY_PCI_FNGRP", CommandCode::QUERY_PCI_FNGRP),
        ("CLP_SET_PCI_FN", CommandCode::SET_PCI_FN),
    ];
    codes.extend(commands.map(|(name, code)| (name, code.0.into())));
    let responses = [
        ("CLP_RC_OK", ResponseCode::OK),
        ("CLP_RC_CMD", ResponseCode::COMMAND),
        ("CLP_RC_PERM", ResponseCode::NOT_AUTHORIZED),
        ("CLP_RC_FMT", ResponseCode::FORMAT),
        ("CLP_RC_LEN", ResponseCode::LENGTH),
        ("CLP_RC_8K", ResponseCode::NEEDS_8K_BLOCK),
        ("CLP_RC_RESNOT0", ResponseCode::RESERVED_NOT_ZERO),
        ("CLP_RC_NODATA", ResponseCode::NO_DATA),
        ("CLP_RC_FC_UNKNOWN", ResponseCode::FUNCTION_CODE),
        ("CLP_RC_SETPCIFN_FH", ResponseCode::FUNCTION_HANDLE),
        ("CLP_RC_SETPCIFN_FHOP", ResponseCode::HANDLE_STATE),
        ("CLP_RC_SETPCIFN_DMAAS", ResponseCode::DMA_ADDRESS_SPACE),
        ("CLP_RC_SETPCIFN_RES", ResponseCode::RESOURCES),
        ("CLP_RC_SETPCIFN_ALRDY", ResponseCode::ALREADY_IN_STATE),
        ("CLP_RC_SETPCIFN_ERR", ResponseCode::PERMANENT_ERROR),
        ("CLP_RC_SETPCIFN_RECPND", ResponseCode::RECOVERY_PENDING),
        ("CLP_RC_SETPCIFN_BUSY", ResponseCode::BUSY),
        ("CLP_RC_LISTPCI_BADRT", ResponseCode::RESUME_TOKEN),
        ("CLP_RC_QUERYPCIFG_PFGID", ResponseCode::FUNCTION_GROUP),
    ];
    codes.extend(responses.map(|(name, code)| (name, code.0.into())));
    let operations = [
        ("CLP_SET_ENABLE_PCI_FN", Operation::ENABLE),
        ("CLP_SET_DISABLE_PCI_FN", Operation::DISABLE),
        ("CLP_SET_ENABLE_MIO", Operation::ENABLE_MIO),
        ("CLP_SET_DISABLE_MIO", Operation::DISABLE_MIO),
    ];
    codes.extend(operations.map(|(name, code)| (name, code.0.into())));
    let controls = [
        ("ZPCI_MOD_FC_REG_IOAT", FunctionControl::REGISTER_IOAT),
        ("ZPCI_MOD_FC_DEREG_IOAT", FunctionControl::DEREGISTER_IOAT),
        ("ZPCI_MOD_FC_RESET_ERROR", FunctionControl::RESET_ERROR),
    ];
    codes.extend(controls.map(|(name, code)| (name, code.0.into())));
    let statuses = [
        ("ZPCI_PCI_ST_FUNC_NOT_ENABLED", Status::NO_RESOURCE),
        ("ZPCI_PCI_ST_FUNC_IN_ERR", Status::IN_ERROR),
        ("ZPCI_PCI_ST_INSUF_RES", Status::INSUFFICIENT_RESOURCE),
        ("ZPCI_PCI_ST_FUNC_ALREADY_ENABLED", Status::SEQUENCE),
        ("ZPCI_PCI_ST_DMA_AS_NOT_ENABLED", Status::ADDRESS_SPACE),
        ("ZPCI_PCI_ST_FUNC_NOT_AVAIL", Status::RECOVERY),
    ];
    codes.extend(statuses.map(|(name, code)| (name, code.0.into())));
    let conditions = [
        ("ZPCI_CC_OK", ConditionCode::Zero),
        ("ZPCI_CC_ERR", ConditionCode::One),
        ("ZPCI_CC_BUSY", ConditionCode::Two),
        ("ZPCI_CC_INVAL_HANDLE", ConditionCode::Three),
    ];
    codes.extend(conditions.map(|(name, code)| (name, code as u64)));
    codes
}

/// Every code that crosses has the number that Rust has.
pub(crate) fn constants() {
    let assert = |(name, value)| format!("_Static_assert({name} == {value}, \"{name}\");\n");
    let newer = assert(("VFIO_DEVICE_FEATURE_ZPCI_ERROR", identifier::FEATURE_ERROR_EVENT.into()));
    let newer = format!("#ifdef VFIO_DEVICE_FEATURE_ZPCI_ERROR\n{newer}#endif\n");
    accept_with_headers(&[codes().into_iter().map(assert).collect(), newer].concat());
}
