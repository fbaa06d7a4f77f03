//! What an operator may set about the gateway, with the defaults.

use std::time::Duration;

/// Settings of the gateway. Every field is an option of `bursar server` or a constant of it.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// How long a request may wait for the open reservations of the same person to settle.
    pub admission_wait: Duration,
    /// How long the answer of a client that left is still read, so that it is charged by its own figures.
    pub drain_timeout: Duration,
    /// The output cap, in tokens, of a request that names none, where the model's own is not lower.
    pub default_output_cap: u64,
    /// How many requests of one person may wait at a time; more are told to come back later.
    pub max_waiters_per_user: usize,
    /// How long a server's lease lives without being renewed. Reservations of a lapsed lease are swept.
    pub lease_ttl: Duration,
    /// How often the lease is renewed. Well below `lease_ttl`.
    pub lease_renew_every: Duration,
    /// How often lapsed leases are looked for.
    pub sweep_every: Duration,
    /// How often the progress of open streams is saved.
    pub progress_every: Duration,
    /// How often the first waiter of a person looks again although nobody told it to.
    pub poll_every: Duration,
    /// How long a connection to a provider may take to come up, name resolution and TLS included.
    pub connect_timeout: Duration,
    /// How long a provider may take until the head of its answer.
    pub header_timeout: Duration,
    /// How long a provider may say nothing in the middle of an answer.
    pub idle_timeout: Duration,
    /// How long a client may leave a piece of its answer unread before it counts as gone.
    pub client_stall_timeout: Duration,
    /// The largest request body, in bytes.
    pub request_limit: usize,
    /// The largest answer that is not streamed, in bytes.
    pub answer_limit: usize,
    /// How long the end of an answer waits for its settlement; then the settlement goes on by itself.
    pub settle_patience: Duration,
    /// How long a settlement is tried at the least; a lease that lives longer prolongs it.
    pub settle_give_up: Duration,
    /// Whether this server knows that it is alone on its database, as the embedded one is: leases of
    /// earlier processes are ended at start instead of being waited for.
    pub embedded_alone: bool,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            admission_wait: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(60),
            default_output_cap: 8_192,
            max_waiters_per_user: 256,
            lease_ttl: Duration::from_secs(15),
            lease_renew_every: Duration::from_secs(5),
            sweep_every: Duration::from_secs(5),
            progress_every: Duration::from_secs(2),
            poll_every: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(600),
            idle_timeout: Duration::from_secs(300),
            client_stall_timeout: Duration::from_secs(120),
            request_limit: 32 * 1024 * 1024,
            answer_limit: 64 * 1024 * 1024,
            settle_patience: Duration::from_secs(2),
            settle_give_up: Duration::from_secs(300),
            embedded_alone: false,
        }
    }
}
