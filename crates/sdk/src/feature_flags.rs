//! Features that are switched on and off while the servers run.
