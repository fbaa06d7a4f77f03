//! Messages to people: the inbox.
