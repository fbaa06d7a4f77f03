//! A page of a list, and the whole list's length.

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// The greatest number of rows to return.
    pub limit: u32,
    /// How many rows to pass over first.
    pub offset: u32,
}

/// Rows of a list, in order, and how many there are in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows asked for.
    pub items: Vec<T>,
    /// The number of rows that match, whatever the page.
    pub count: u64,
}
