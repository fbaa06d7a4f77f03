//! Where messages are sent to besides the inbox, and what is still to be sent.
