// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! Values: checked, in host byte order, without reserved fields.

mod bar;
mod characteristics;
mod ebcdic;
mod function;
mod function_type;
mod group;
mod list_entry;
mod list_summary;
mod mio_bar;
#[cfg(feature = "serde")]
mod serialized;
mod utility_string;

pub use bar::Bar;
pub use characteristics::{Characteristics, CharacteristicsError};
pub use function::{Function, FunctionError};
pub use function_type::FunctionType;
pub use group::{DesignationTypes, FunctionGroup, FunctionGroupError};
pub use list_entry::{FunctionState, ListEntry};
pub use list_summary::ListSummary;
pub(crate) use mio_bar::mio_bars;
pub use mio_bar::MioBar;
pub use utility_string::UtilityString;
