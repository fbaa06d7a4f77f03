//! Alerts: who must be told that spend has come to a threshold of a limit.
