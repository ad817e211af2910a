// SPDX-License-Identifier: MIT OR Apache-2.0 OR GPL-2.0-only

//! A function, found again by its identifier.

use crate::{Client, Clp, FunctionHandle, FunctionId, FunctionState, List, ListEntry, ListError};
use core::fmt;

impl<C: Clp> Client<'_, C> {
    /// Finds the function `id` in the list; `None` if it is not there.
    ///
    /// A list that lost its place is searched again from the start, up to [`List::MAX_RESTARTS`] times.
    ///
    /// # Errors
    ///
    /// [`ListError`]: the functions cannot be listed.
    pub fn find(&mut self, id: FunctionId) -> Result<Option<ListEntry>, ListError> {
        let mut restarts = 0;
        loop {
            match self.search(id) {
                Err(ListError::PlaceLost { .. }) if restarts < List::<C>::MAX_RESTARTS => restarts += 1,
                result => return result,
            }
        }
    }

    fn search(&mut self, id: FunctionId) -> Result<Option<ListEntry>, ListError> {
        for entry in self.list() {
            let entry = entry?;
            if entry.id == id {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// Finds the handle that the function `id` has now.
    ///
    /// # Errors
    ///
    /// [`FindError::List`], [`FindError::Reserved`].
    pub fn refresh_handle(&mut self, id: FunctionId) -> Result<FunctionHandle, FindError> {
        match self.find(id)? {
            Some(entry) => Ok(entry.handle),
            None => Err(FindError::Reserved(id)),
        }
    }

    /// Tells the state of the function `id`; one that is not listed is reserved.
    ///
    /// # Errors
    ///
    /// [`ListError`]: the functions cannot be listed.
    pub fn state(&mut self, id: FunctionId) -> Result<FunctionState, ListError> {
        Ok(self.find(id)?.map_or(FunctionState::Reserved, |entry| entry.state()))
    }
}

/// Why a function was not found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FindError {
    /// The functions cannot be listed.
    List(ListError),
    /// The function is not listed.
    Reserved(FunctionId),
}

impl From<ListError> for FindError {
    fn from(error: ListError) -> Self {
        Self::List(error)
    }
}

impl fmt::Display for FindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(error) => error.fmt(f),
            Self::Reserved(id) => write!(f, "function {id} is not listed"),
        }
    }
}

impl core::error::Error for FindError {}
