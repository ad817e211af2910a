// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! One function: enabled and disabled, its translation registered, refreshed and deregistered.

mod enable;
mod refresh;
mod register;
pub(super) mod subject;

use crate::case::{Case, Group};
use crate::machine::Machine;

pub(super) const fn group<M: Machine>() -> Group<M> {
    Group {
        name: "function",
        cases: &[
            Case { name: "enable-and-disable", run: enable::enable_and_disable },
            Case { name: "enable-twice", run: enable::twice },
            Case { name: "old-handle", run: enable::old_handle },
            Case { name: "register", run: register::register },
            Case { name: "register-first-and-last-page", run: register::first_and_last_page },
            Case { name: "register-twice", run: register::twice },
            Case { name: "refuse-aperture-one-page-too-long", run: register::one_page_too_long },
            Case { name: "refuse-aperture-one-page-too-low", run: register::one_page_too_low },
            Case { name: "refuse-designation-type", run: register::wrong_designation_type },
            Case { name: "refuse-no-translation", run: register::no_translation },
            Case { name: "refuse-disabled", run: register::disabled },
            Case { name: "refresh-map-and-unmap", run: refresh::map_and_unmap },
            Case { name: "refresh-large-frame", run: refresh::large_frame },
            Case { name: "refresh-in-two-regions", run: refresh::two_regions },
            Case { name: "refresh-everything", run: refresh::everything },
            Case { name: "refresh-busy", run: refresh::busy },
            Case { name: "refresh-error-is-kept", run: refresh::error_is_kept },
            Case { name: "refresh-old-handle", run: refresh::old_handle },
            Case { name: "refresh-unregistered-and-reset", run: refresh::unregistered },
            Case { name: "reclaim", run: refresh::reclaim },
        ],
    }
}
