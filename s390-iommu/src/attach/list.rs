// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A change of a table for all functions on its list.

use super::Attachment;
use crate::machine::gate::Gate;
use crate::machine::refresh::RefreshError;
use crate::machine::zpci::Zpci;
use crate::table::change::Change;

/// Shows every function of `attachments` what was mapped; settles `change`.
///
/// # Errors
///
/// The first [`RefreshError`]; it is not lost when later functions succeed.
pub fn mapped_to_all<'a, Z: Zpci, G: Gate + 'a>(
    change: Change,
    zpci: &Z,
    attachments: impl IntoIterator<Item = &'a Attachment<G>>,
) -> Result<(), RefreshError> {
    let mut result = Ok(());
    for attachment in attachments {
        result = result.and(attachment.mapped(zpci, &change).map(drop));
    }
    change.settle();
    result
}

/// Makes every function of `attachments` forget what was unmapped; settles `change`.
///
/// # Errors
///
/// The first [`RefreshError`]; nothing that the old entries lead to may be freed then.
pub fn unmapped_from_all<'a, Z: Zpci, G: Gate + 'a>(
    change: Change,
    zpci: &Z,
    attachments: impl IntoIterator<Item = &'a Attachment<G>>,
) -> Result<(), RefreshError> {
    let mut result = Ok(());
    for attachment in attachments {
        result = result.and(attachment.unmapped(zpci, &change));
    }
    change.settle();
    result
}
