//! The store on PostgreSQL.

pub mod local;
