//! Reports of what people and groups spent.
