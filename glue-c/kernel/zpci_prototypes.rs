// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! What Rust exports, and what it takes from C, is declared in C as it is in Rust.
//!
//! The kernel's `#[export]` and its bindings see to that for what is in the headers of the kernel's own; this does the same
//! for `zpci_rust.h`. Both branches of an `if` have one type, and the compiler finds none for two functions that differ.

#![no_std]

use zpci_glue::kernel::provided;
use zpci_glue::{attachment, commands, container, interrupts, limits, measurement, reclaim, table, user_commands, vfio};

/// What bindgen makes of `zpci_rust.h`, with the structures as Rust has them, whose layout `layout.c` compares.
// Types of which C knows the size alone are none of `repr(C)`.
#[allow(missing_docs, non_camel_case_types, dead_code, unreachable_pub, improper_ctypes, clippy::all)]
mod bindings {
    use zpci_glue::attachment::{ForeignAttachment as zpci_rust_attachment, ForeignOutcome as zpci_rust_outcome};
    use zpci_glue::container::{ForeignMember as zpci_rust_member, ForeignRefusal as zpci_rust_refusal};
    use zpci_glue::function::ForeignFunction as zpci_rust_function;
    use zpci_glue::limits::ForeignLimits as zpci_rust_limits;
    use zpci_glue::range::ForeignRange as zpci_rust_range;
    use zpci_glue::reclaim::ForeignReclaimed as zpci_rust_reclaimed;
    use zpci_glue::table::{
        ForeignRoot as zpci_rust_root, ForeignTable as zpci_rust_table, ForeignUnmapped as zpci_rust_unmapped,
    };

    include!(concat!(env!("OBJTREE"), "/drivers/iommu/zpci-rust/zpci_generated.rs"));
}

macro_rules! declared {
    ($($module:ident { $($name:ident)* })*) => {
        $($(
            const _: () = {
                if true {
                    bindings::$name
                } else {
                    $module::$name
                };
            };
        )*)*
    };
}

declared! {
    attachment {
        zpci_rust_attach
        zpci_rust_attachment_aperture
        zpci_rust_attachment_init
        zpci_rust_catch_up
        zpci_rust_detach
        zpci_rust_disabled
        zpci_rust_first_step
        zpci_rust_is_registered
        zpci_rust_is_stale
        zpci_rust_mapped
        zpci_rust_refresh_all
        zpci_rust_unmapped
    }
    commands {
        zpci_rust_disable
        zpci_rust_enable
        zpci_rust_find
        zpci_rust_list
        zpci_rust_query
        zpci_rust_write_back
    }
    container {
        zpci_rust_container_capabilities
        zpci_rust_container_one_format
        zpci_rust_hardware_information
    }
    interrupts {
        zpci_rust_interrupts
    }
    limits {
        zpci_rust_may_defer
        zpci_rust_reserved
    }
    measurement {
        zpci_rust_sample
    }
    provided {
        zpci_rust_add_capability
        zpci_rust_add_entry
        zpci_rust_allocate
        zpci_rust_call
        zpci_rust_deallocate
        zpci_rust_gate_exclusive
        zpci_rust_gate_exclusive_end
        zpci_rust_gate_shared
        zpci_rust_gate_shared_end
        zpci_rust_immediate
        zpci_rust_listed
        zpci_rust_mpcifc
        zpci_rust_pause_mpcifc
        zpci_rust_pause_rpcit
        zpci_rust_pause_set
        zpci_rust_response
        zpci_rust_rpcit
        zpci_rust_uid_checking
        zpci_rust_wanted
    }
    reclaim {
        zpci_rust_reclaim
        zpci_rust_reclaimed_free
        zpci_rust_reclaimed_join
    }
    table {
        zpci_rust_map
        zpci_rust_map_page
        zpci_rust_split
        zpci_rust_table_free
        zpci_rust_table_init
        zpci_rust_table_last
        zpci_rust_table_root
        zpci_rust_translate
        zpci_rust_unmap
        zpci_rust_unmap_page
    }
    user_commands {
        zpci_rust_user_call
        zpci_rust_user_installed
    }
    vfio {
        zpci_rust_vfio_capabilities
    }
}
